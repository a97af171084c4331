"""Models: their files, which are never read unless they are the recorded ones, and which one is in use."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resources.model_files import ModelFileError, ModelFiles
from resources.ops import Ops

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)


def record(ops: Ops, model_id: str, *, days: int = 0, book: str = "home") -> None:
    ops.record_model(
        {
            "model_id": model_id,
            "book": book,
            "trained_at": NOW + timedelta(days=days),
            "code_version": "1",
            "data_sha256": "d",
            "snapshot": 3,
            "file_sha256": "f",
            "metrics": {"rows": days},
        }
    )


def test_a_model_is_recorded_once(ops: Ops) -> None:
    record(ops, "a")
    record(ops, "a", days=1)
    record(ops, "b", days=2)
    record(ops, "c", book="firm")
    assert [(row["model_id"], row["metrics"]) for row in ops.models("home")] == [
        ("b", {"rows": 2}),
        ("a", {"rows": 0}),
    ]
    assert len(ops.models()) == 3


def test_the_last_word_is_the_model_in_use(ops: Ops) -> None:
    assert ops.model_in_use("home") is None
    record(ops, "a")
    record(ops, "b")
    for number, model_id in enumerate(["a", "b", None]):
        ops.use_model("home", model_id, "because", "ana", NOW + timedelta(days=number))
    assert ops.model_in_use("home") is None
    known = ops.model_in_use("home", as_known_on=NOW + timedelta(days=1))
    assert known is not None
    assert known["model_id"] == "b"
    assert [use["decided_by"] for use in ops.model_uses("home")] == ["ana"] * 3
    assert ops.model_uses("firm") == []


class TestFiles:
    def test_what_was_written_is_read(self, tmp_path: Path) -> None:
        files = ModelFiles(tmp_path / "models")
        sha256 = files.write("a", b"one")
        assert files.read("a", sha256) == b"one"
        assert files.write("a", b"two") != sha256
        assert [path.name for path in (tmp_path / "models").iterdir()] == ["a.model"]

    def test_another_file_is_not_read(self, tmp_path: Path) -> None:
        files = ModelFiles(tmp_path)
        sha256 = files.write("a", b"one")
        (tmp_path / "a.model").write_bytes(b"one more")
        with pytest.raises(ModelFileError, match="is not the file that was recorded; not loaded"):
            files.read("a", sha256)

    def test_a_file_that_is_gone(self, tmp_path: Path) -> None:
        files = ModelFiles(tmp_path)
        sha256 = files.write("a", b"one")
        files.remove("a")
        files.remove("a")
        with pytest.raises(ModelFileError, match=r"cannot read .*a\.model: No such file"):
            files.read("a", sha256)
