"""`manna report` to a file, `manna bundle` and `manna verify` on the demo's books."""

import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from openpyxl import load_workbook

FEBRUARY = ("--book", "household", "--period", "2026-02")


@pytest.fixture
def bundled(manna: Any, demo: Any, tmp_path: Path) -> Path:
    path = tmp_path / "studio-2026.zip"
    said = manna(demo.data_dir, "bundle", "--book", "studio", "--year", "2026", "--output", str(path))
    assert (said.code, said.out) == (0, "")
    return path


def test_a_bundle_has_everything_is_the_same_twice_and_is_refused_when_changed(
    manna: Any, demo: Any, bundled: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.zip"
    assert (
        manna(demo.data_dir, "bundle", "--book", "studio", "--year", "2026", "--output", str(again)).code == 0
    )
    assert again.read_bytes() == bundled.read_bytes()
    with zipfile.ZipFile(bundled) as archive:
        names = set(archive.namelist())
        income = pl.read_parquet(io.BytesIO(archive.read("statements/income-statement.parquet")))
        book = load_workbook(io.BytesIO(archive.read("statements.xlsx")), data_only=True)
        readme = archive.read("README.txt").decode()
    assert {
        "statements.pdf",
        "months/2026-02.pdf",
        "ledger/journal.csv",
        "ledger/general-ledger.csv",
        "tax/realized-gains.csv",
    } <= names
    assert {"plain-text/studio.beancount", "open-items.csv", "manifest.json", "manifest.sig"} <= names
    # The demo's day is in March: the workbook's income statement is March's, with the year to date.
    ours = income.filter(pl.col("account") == "Net income").sort("period")["year_to_date"].to_list()[-1]
    last = {row[0].value: row for row in book["Income statement"].iter_rows()}["Net income"]
    assert Decimal(str(last[3].value)) == ours
    assert "Incomplete: nothing is published of April 2026" in readme

    verdict = manna(demo.data_dir, "verify", str(bundled))
    assert verdict.code == 0
    assert "Signed with this installation's key" in verdict.out
    key = tmp_path / "key.pem"
    key.write_text(manna(demo.data_dir, "bundle", "--public-key").out)
    assert (
        "Signed with the key you gave"
        in manna(tmp_path, "verify", str(bundled), "--public-key", str(key)).out
    )
    assert "not who made them" in manna(tmp_path, "verify", str(bundled)).out

    content = bytearray(bundled.read_bytes())
    content[len(content) // 2] ^= 1
    bundled.write_bytes(content)
    said = manna(demo.data_dir, "verify", str(bundled))
    assert said.code == 1
    assert "is damaged" in said.err
    assert "The signature holds" in said.err
    assert "do not rely on it" in said.complaint


def test_what_is_asked_wrongly_is_one_line(manna: Any, demo: Any, tmp_path: Path) -> None:
    def complaint(*arguments: str) -> str:
        return str(manna(demo.data_dir, *arguments).complaint)

    assert "say which: --book household --year 2026" in complaint("bundle", "--book", "studio")
    assert "unknown book 'nobody'" in complaint("bundle", "--book", "nobody", "--year", "2026")
    assert "nothing is published for studio 2019" in complaint("bundle", "--book", "studio", "--year", "2019")
    assert "cannot read" in complaint("verify", str(tmp_path / "none.zip"))
    assert "unknown format 'docx'" in complaint("report", "cash_flow", *FEBRUARY, "--format", "docx")
    assert "for a file add --format" in complaint("report", "cash_flow", *FEBRUARY, "--output", "x")
    assert "cannot write" in complaint(
        "report", "cash_flow", *FEBRUARY, "--format", "pdf", "--output", str(tmp_path / "no" / "x.pdf")
    )


def test_a_report_is_a_file(manna: Any, demo: Any, tmp_path: Path) -> None:
    path = tmp_path / "sheet.pdf"
    arguments = ("report", "balance_sheet", *FEBRUARY, "--format", "pdf", "--output", str(path))
    said = manna(demo.data_dir, *arguments)
    assert (said.code, said.out) == (0, "")
    first = path.read_bytes()
    assert manna(demo.data_dir, *arguments).code == 0
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("budget", "No budget in studio.yaml: add a section budgets"),
        ("translation", "All amounts are in USD: there is nothing to translate"),
        ("allocation", "No investments are held; `manna link` adds an account"),
    ],
)
def test_a_report_without_rows_says_what_to_do(manna: Any, demo: Any, name: str, said: str) -> None:
    asked = ("report", name, "--book", "studio", "--period", "2026-02")
    assert said in " ".join(manna(demo.data_dir, *asked).out.split())
    as_file = manna(demo.data_dir, *asked, "--format", "csv")
    assert (as_file.code, as_file.err.startswith(f"note: {said}")) == (0, True)
    budget = manna(demo.data_dir, "report", "budget", "--book", "household", "--period", "2026-02")
    assert "Food and Drink" in budget.out


@pytest.mark.slow
def test_a_quarter_and_a_year_are_those_of_their_last_month(manna: Any, demo: Any) -> None:
    quarter = manna(
        demo.data_dir, "report", "balance_sheet", "--book", "studio", "--period", "2025-Q4", "--format", "csv"
    )
    year = manna(
        demo.data_dir, "report", "balance_sheet", "--book", "studio", "--period", "2025", "--format", "csv"
    )
    figures = [pl.read_csv(io.StringIO(said.out))["amount"].to_list() for said in (quarter, year)]
    assert figures[0] == figures[1] != []
