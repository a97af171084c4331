"""A report as a file in each format, and on terminals of two widths: each carries the cover."""

import csv
import io
import json
from datetime import date

import polars as pl
import pytest
from documents_examples import MARCH, PERIOD, record
from rich.console import Console

from manna.documents.cover import cover
from pipelines.documents import FORMATS, in_format
from pipelines.reporting import Report
from pipelines.terminal import report_on_terminal

HOSTILE = "=cmd|' /C calc'!A0"
WARNING = "Incomplete: figures to 15 March 2026 only"


@pytest.fixture
def report(book, statements):
    """``report(name)``: a statement of a month that is not over."""
    found = record(PERIOD, through=date(2026, 3, 15), open_items="1 row in quarantine; 2 others")

    def make(name="balance_sheet"):
        front = cover(book, name.replace("_", " ").capitalize(), MARCH, [found])
        return Report(name, front, PERIOD, statements[name])

    return make


def test_rows_of_every_format_are_the_same_and_carry_the_cover(report):
    of_json = json.loads(in_format(report(), "json"))
    of_csv = list(csv.DictReader(io.StringIO(in_format(report(), "csv").decode(), newline="")))
    parquet = in_format(report(), "parquet")
    assert [row["amount"] for row in of_json] == [row["amount"] for row in of_csv]
    frame = pl.read_parquet(io.BytesIO(parquet))
    assert frame["amount"].to_list() == report().frame["amount"].to_list()
    for row in (of_json[0], of_csv[0], frame.row(0, named=True)):
        assert (row["book"], row["period"], row["status"]) == ("household", "2026-03", "incomplete")
        assert str(row["complete_through"]) == "2026-03-15"
        assert (row["warnings"], row["open_items"]) == (WARNING, "1 row in quarantine; 2 others")
        assert row["content_hash"] == "hash of 2026-03-01"
        assert row["code_version"] == "0.1.0"
    told = json.loads(pl.read_parquet_metadata(io.BytesIO(parquet))["manna"])
    assert told["Warnings"] == WARNING


def test_text_for_a_spreadsheet_is_disarmed(report):
    found = report("trial_balance")
    renamed = found.frame.with_columns(account=pl.lit(HOSTILE))
    content = in_format(Report(found.name, found.cover, PERIOD, renamed), "csv").decode()
    assert {row["account"] for row in csv.DictReader(io.StringIO(content, newline=""))} == {f"'{HOSTILE}"}


@pytest.mark.parametrize("name", ["html", "pdf", "xlsx"])
def test_documents_are_made_alike_twice(report, name):
    made = in_format(report(), name)
    assert made == in_format(report(), name)
    assert made[:4] in (b"<!do", b"%PDF", b"PK\x03\x04")
    if name == "html":
        text = made.decode()
        assert WARNING in text
        assert "<script" not in text
        assert "Total liabilities and equity" in text


def test_there_is_no_other_format():
    assert list(FORMATS) == ["json", "csv", "html", "pdf", "xlsx", "parquet"]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["income_statement", "balance_sheet", "net_worth", "allocation"])
def test_the_terminal_says_it_first_and_cuts_no_figure(report, statements, name, width):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(report_on_terminal(report(name)))
    lines = console.file.getvalue().splitlines()
    assert lines[0].startswith(f"Rivera household: {name.replace('_', ' ')} 2026-03")
    assert lines[1].strip() == WARNING
    assert max(map(len, lines)) <= width
    assert "1 row in quarantine" in "\n".join(lines)
    assert {
        "income_statement": "2,184.25",
        "balance_sheet": "60,500.00",
        "net_worth": "52,900.00",
        "allocation": "51,200.00",
    }[name] in "\n".join(lines)
