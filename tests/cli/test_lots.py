"""`manna lots`: any file of trades, without an installation."""

import json
from pathlib import Path
from typing import Any

import pytest

HEADER = "date,account,symbol,side,quantity,price,fees\n"
TRADES = (
    HEADER + "2024-01-02,A,FB,buy,100,10,\n2024-03-01,A,FB,sell,100,7.50,\n2024-03-20,IRA,META,buy,100,8,1\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "trades.csv"
    path.write_text(TRADES)
    return path


def test_json_is_one_document(manna: Any, tmp_path: Path, file: Path) -> None:
    options = ("--wash-sales", "--sheltered", "IRA", "--same", "FB=META", "--as-of", "2024-03-21")
    said = manna(tmp_path, "lots", str(file), *options, "--format", "json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    [gain] = found["realized"]
    assert (gain["gain"], gain["disallowed"], gain["lost"], gain["term"]) == (
        "-250.0000",
        "250.0000",
        "250.0000",
        "short",
    )
    assert [(lot["symbol"], lot["adjusted_basis"]) for lot in found["open_lots"]] == [("META", "801.0000")]
    assert found["totals"][0]["recognized_gain"] == "0.0000"
    assert not (tmp_path / ".manna").exists()


def test_a_table_says_what_is_provisional(manna: Any, tmp_path: Path, file: Path) -> None:
    said = manna(tmp_path, "lots", str(file), "--wash-sales", "--as-of", "2024-03-21")
    assert "-250.00" in said.out
    assert "Some losses are provisional" in said.err
    assert "provisional" not in manna(tmp_path, "lots", str(file), "--as-of", "2024-03-21").out


def test_csv_has_the_realized_gains(manna: Any, tmp_path: Path, file: Path) -> None:
    lines = manna(tmp_path, "lots", str(file), "--format", "csv").out.splitlines()
    assert lines[0].startswith("sold,account,symbol,quantity,acquired")
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (TRADES, ("--method", "best"), "unknown method 'best'"),
        (TRADES, ("--sheltered", "Roth"), "has no account 'Roth'"),
        (TRADES, ("--same", "FB"), "write it as FB=META"),
        ("a;b\n", (), "the file has no column date, account"),
        (HEADER + "2024-01-02,A,FB,sell,1,1,\n", (), "only 0 are held"),
        ("\xff".encode("latin-1"), (), "is no CSV file in UTF-8"),
        (None, (), "there is no file"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    manna: Any, tmp_path: Path, content: str | bytes | None, options: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "trades.csv"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    ended = manna(tmp_path, "lots", str(path), *options)
    assert ended.code == 1
    assert ended.err.startswith("error: ")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
