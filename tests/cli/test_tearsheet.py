"""`manna tearsheet`: of any month, in any format; what cannot be asked for says what can."""

import json
from pathlib import Path
from typing import Any

import pytest

SHEET = ("tearsheet", "--book", "household")


def test_a_month_in_every_format(demo: Any, manna: Any, tmp_path: Path) -> None:
    told = manna(demo.data_dir, *SHEET)
    assert told.code == 0, told.err
    assert "What changed the value" in told.out
    document = json.loads(manna(demo.data_dir, *SHEET, "--period", "2026-02", "--format", "json").out)
    assert (document["period"], document["book"]) == ("2026-02-01", "household")
    assert document["until"] == "2026-02-28"
    for form, begins in (("html", b"<!doctype html>"), ("pdf", b"%PDF")):
        file = tmp_path / f"sheet.{form}"
        done = manna(demo.data_dir, *SHEET, "--period", "2026-02", "--format", form, "--output", str(file))
        assert done.code == 0, done.err
        assert file.read_bytes().startswith(begins)
    assert (demo.data_dir / "documents" / "household" / "2026-03-tear-sheet.html").exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--book", "household", "--as-known-on", "2026-03-10"), "say which month: --period 2026-03"),
        (("--book", "nobody"), "unknown book 'nobody'; there are: household, studio"),
        (("--book", "studio"), "studio has no investments that were ever valued"),
        (
            ("--book", "household", "--period", "2031-01"),
            "household has no tear sheet of 2031-01; it has 2024-",
        ),
        (("--book", "household", "--period", "March"), "'March' is no month; write it as YYYY-MM"),
        (
            ("--book", "household", "--format", "xml"),
            "unknown format 'xml'; there are: table, html, pdf, json",
        ),
        (("--book", "household", "--output", "x.txt"), "a table is for the terminal"),
    ],
)
def test_what_cannot_be_asked_says_what_can(demo: Any, manna: Any, asked: tuple[str, ...], said: str) -> None:
    told = manna(demo.data_dir, "tearsheet", *asked)
    assert told.code != 0
    assert said in told.err


@pytest.mark.slow
def test_as_known_on_a_past_day(demo: Any, manna: Any) -> None:
    month = (*SHEET, "--period", "2026-02", "--format", "json")
    known = manna(demo.data_dir, *month, "--as-known-on", "2026-03-16")
    assert known.code == 0, known.err
    assert json.loads(known.out) == json.loads(manna(demo.data_dir, *month).out)
    early = manna(demo.data_dir, *month, "--as-known-on", "2020-01-01")
    assert (early.code, "ask for a moment after the first night" in early.err) == (1, True)
