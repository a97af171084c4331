"""Secrets at rest: sealed, opened with the same key only, and the demo's key file."""

import stat
from pathlib import Path
from typing import Any

import pytest
from children import children, ended, said, tell
from cryptography.fernet import Fernet

from resources.settings import Settings, SettingsError
from resources.vault import DEMO_KEY, Vault

TOKEN = "access-sandbox-ünï-1234"


def settings(tmp_path: Path, **given: Any) -> Settings:
    return Settings.load(_env_file=None, data_dir=tmp_path, **({"key": None} | given))


def test_what_is_sealed_is_not_what_was_given() -> None:
    vault = Vault(Fernet.generate_key())
    sealed = vault.seal(TOKEN)
    assert TOKEN.encode() not in sealed
    assert vault.seal(TOKEN) != sealed
    assert vault.open(sealed) == vault.open(memoryview(sealed)) == TOKEN  # psycopg hands out memoryviews


@pytest.mark.parametrize("harm", [lambda s: s[:-1] + b"A=", lambda s: b"", lambda s: b"plain text"])
def test_what_was_tampered_with_is_not_opened(harm: Any) -> None:
    vault = Vault(Fernet.generate_key())
    with pytest.raises(SettingsError, match="restore the former MANNA_KEY"):
        vault.open(harm(vault.seal(TOKEN)[:-2]))


def test_another_key_says_what_to_do() -> None:
    sealed = Vault(Fernet.generate_key()).seal(TOKEN)
    with pytest.raises(
        SettingsError, match="sealed with another key; restore the former MANNA_KEY"
    ) as caught:
        Vault(Fernet.generate_key()).open(sealed)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("key", ["", "short", "x" * 44, "ключ", b"\xff"])
def test_what_is_no_key_says_how_to_make_one(key: str | bytes) -> None:
    with pytest.raises(SettingsError, match="MANNA_KEY is not a key; make one with `manna key`"):
        Vault(key)


def test_the_given_key_is_used(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    vault = Vault.from_settings(settings(tmp_path, key=key, plaid_client_id="real"))
    assert Vault(key).open(vault.seal(TOKEN)) == TOKEN
    assert not (tmp_path / DEMO_KEY).exists()


@pytest.mark.parametrize("given", [{"plaid_client_id": "real"}, {"alpaca_key_id": "real"}])
def test_real_credentials_without_a_key_are_refused(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="put the output of `manna key` into MANNA_KEY"):
        Vault.from_settings(settings(tmp_path, **given))
    assert list(tmp_path.iterdir()) == []


def test_the_demo_makes_itself_a_key_that_only_it_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    sealed = Vault.from_settings(settings(folder)).seal(TOKEN)
    file = folder / DEMO_KEY
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Vault.from_settings(settings(folder)).open(sealed) == TOKEN
    assert [path.name for path in folder.iterdir()] == [DEMO_KEY]


RACE = """
import sys
from pathlib import Path
from resources.vault import _demo_key
print("ready", flush=True)
sys.stdin.readline()
print(_demo_key(Path(sys.argv[1])).decode())
"""


def test_two_processes_end_with_one_key(tmp_path: Path) -> None:
    file = tmp_path / "there" / DEMO_KEY
    with children(3, RACE, file) as processes:
        assert [said(process) for process in processes] == ["ready"] * 3
        for process in processes:
            tell(process)
        keys = {ended(process) for process in processes}
    assert keys == {file.read_text() + "\n"}
    assert [path.name for path in file.parent.iterdir()] == [DEMO_KEY]


def test_former_keys_open_and_only_the_key_seals(tmp_path: Path) -> None:
    old, new, strange = (Fernet.generate_key().decode() for _ in range(3))
    sealed = Vault(old).seal(TOKEN)
    vault = Vault.from_settings(settings(tmp_path, key=new, former_keys=f"{strange} {old}"))
    assert vault.open(sealed) == TOKEN
    anew = vault.resealed(sealed)
    assert anew is not None
    assert Vault(new).open(anew) == TOKEN
    assert vault.resealed(anew) is None
    with pytest.raises(SettingsError, match="name it in MANNA_FORMER_KEYS"):
        Vault(new, [strange]).resealed(sealed)
    with pytest.raises(SettingsError, match="one of MANNA_FORMER_KEYS is not a key"):
        Vault.from_settings(settings(tmp_path, key=new, former_keys=f"{old} short"))
