"""A workbook read back: figures, formulas with what they come to, and nothing that could run."""

import io
import re
from datetime import date, datetime
from decimal import Decimal

import pytest
from documents_examples import MARCH, PERIOD, record
from openpyxl import load_workbook

from manna.documents.adding_up import sums
from manna.documents.cover import cover
from manna.documents.statements import TITLES, statement_tables
from manna.documents.workbook import workbook

HOSTILE = '=HYPERLINK("//evil.example","click")'


@pytest.fixture
def tables(statements, period):
    return [
        table
        for name in TITLES
        if name in statements
        for table in statement_tables(name, statements[name], period, ["USD"])
    ]


@pytest.fixture
def front(book):
    return cover(
        book, "Statements", MARCH, [record(PERIOD, through=date(2026, 3, 15), open_items="1 row; 2 rows")]
    )


def read(content, *, values):
    return load_workbook(io.BytesIO(content), data_only=values)


def evaluated(formulas, cell):
    """What a formula of sums and differences comes to: an evaluator apart from the one that made it."""
    text = cell.value
    if not isinstance(text, str) or not text.startswith("="):
        return Decimal(str(cell.value or 0))
    if text.startswith("=SUM("):
        found = Decimal(0)
        for part in text[5:-1].split(","):
            block = formulas[part] if ":" in part else ((formulas[part],),)
            found += sum((evaluated(formulas, one) for row in block for one in row), Decimal(0))
        return found
    terms = re.findall(r"([+-]?)([A-Z]+\d+)", text)
    return sum((Decimal(f"{sign}1") * evaluated(formulas, formulas[at]) for sign, at in terms), Decimal(0))


def test_every_formula_comes_to_its_cached_figure(front, tables):
    content = workbook(front, tables)
    cached, formulas = read(content, values=True), read(content, values=False)
    counted = 0
    for name in cached.sheetnames[1:]:
        for row in formulas[name].iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    counted += 1
                    assert Decimal(str(cached[name][cell.coordinate].value)) == evaluated(
                        formulas[name], cell
                    )
    # Income statement 4 rows × 3, balance sheet 4 × 2, cash flow 1 to 3, trial balance 2, allocation's value.
    assert counted >= 24


def test_a_total_is_the_sum_that_it_is(tables):
    income = tables[0]
    labels = [row.label for row in income.rows]
    said = {labels[i]: [(sign, labels[j]) for sign, j in terms] for i, terms in sums(income).items()}
    assert said["Total Food"] == [(1, "Groceries"), (1, "Restaurants")]
    assert said["Net income"] == [(1, "Total income"), (-1, "Total expenses")]
    sheet = next(table for table in tables if table.anchor == "balance_sheet")
    last = len(sheet.rows) - 1
    assert [sheet.rows[j].label for _, j in sums(sheet)[last]] == ["Total liabilities", "Total equity"]


def test_a_total_that_is_no_sum_stays_a_number(statements, period):
    frame = statements["cash_flow"].head(1)
    [table] = statement_tables("cash_flow", frame, period, ["USD"])
    assert sums(table) == {}


def test_figures_are_numbers_and_days_are_days(front, tables, statements):
    book = read(workbook(front, tables), values=True)
    assert book.sheetnames == [
        "Cover",
        "Income statement",
        "Balance sheet",
        "Cash flow",
        "Trial balance",
        "Net worth",
        "Allocation",
    ]
    income = {row[0].value: row for row in book["Income statement"].iter_rows(min_row=7)}
    assert [cell.value for cell in income["Groceries"][1:]] == [620.5, 600, 1820.5]
    assert income["Gifts"][1].value == -45
    assert income["Gifts"][1].number_format == '#,##0.00_);(#,##0.00);"–"_)'
    assert book["Income statement"].freeze_panes == "B7"
    assert book["Income statement"].print_title_rows == "$6:$6"


def test_the_cover_says_how_far_it_can_be_trusted(front, tables):
    book = read(workbook(front, tables), values=True)
    said = [cell.value for row in book["Cover"].iter_rows() for cell in row if cell.value]
    assert "Rivera household" in said
    assert "Incomplete: figures to 15 March 2026 only" in said
    assert {"1 row", "2 rows", "15 March 2026", "hash of 2026-03-01"} <= set(said)
    assert book["Balance sheet"]["A4"].value == "Incomplete: figures to 15 March 2026 only"
    assert book.properties.created == datetime(2026, 4, 2, 1, 30)  # noqa: DTZ001 (XLSX knows no zone)


def test_a_merchants_text_never_is_a_formula(front, statements, period):
    frame = statements["trial_balance"]
    renamed = frame.with_columns(account=frame["account"].replace("Liabilities:Car loan", HOSTILE))
    content = workbook(front, statement_tables("trial_balance", renamed, period, ["USD"]))
    cells = [cell for row in read(content, values=False)["Trial balance"].iter_rows() for cell in row]
    found = [cell for cell in cells if "evil" in str(cell.value)]  # the section's heading and the line
    assert len(found) == 2
    for cell in found:
        assert (cell.data_type, cell.value, cell.quotePrefix) == ("s", HOSTILE, True)
        assert cell.hyperlink is None


def test_equal_input_is_equal_bytes(front, tables):
    assert workbook(front, tables) == workbook(front, tables)
