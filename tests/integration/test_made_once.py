"""A secret file that is made at its first use: whole or not there, whoever else makes it or is killed."""

import stat
from pathlib import Path

import pytest

from pipelines.services import demo_credentials
from resources.made_once import made_once
from resources.settings import Settings


def test_it_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    for content in (b"first", b"second"):
        made_once(file, lambda content=content: content)
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"first", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_another_process_is_faster(tmp_path: Path) -> None:
    file = tmp_path / "secret"

    def late() -> bytes:
        file.write_bytes(b"theirs")
        return b"ours"

    made_once(file, late)
    assert file.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [file]


def test_who_is_stopped_while_it_is_written_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox's credentials were there and empty then, for ever."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    settings = Settings.load(_env_file=None, data_dir=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("pipelines.services.json.dumps", stopped)
        with pytest.raises(KeyboardInterrupt):
            demo_credentials(settings)
    assert list((tmp_path / "sandbox").iterdir()) == []
    assert "plaid_secret" in demo_credentials(settings).read_text()
