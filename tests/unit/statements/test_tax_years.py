"""What belongs to an earlier year than it is booked in: apart in that year's tax reports, and in those of its own."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from manna.books import Book
from manna.contracts.closings import ADJUSTMENTS
from manna.statements import Sources, tie_out
from manna.statements.explaining import explain_line, figure_of
from manna.statements.tax_year import BY_TAX_DATE, booked_since, tax_year

BANK, BROKER = "Assets:Cash:Checking", "Assets:Investments:Broker:Cash"
INTEREST, OPENED = "Expenses:Interest:Mortgage", date(2026, 1, 1)
DEC, JAN, FEB = date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)
LINE = "Schedule A 8a"
COLUMNS = ("account", "level", "amount", "year_to_date")


def adjustment(entry: int, tax_date: date, booked: date = OPENED) -> dict[str, object]:
    return {
        "entry_id": f"e{entry}",
        "book": "home",
        "date": booked,
        "tax_date": tax_date,
        "adjusts": f"was{entry}",
    }


@pytest.fixture(scope="module")
def books(ledger):
    """A year that was closed; then a Form 1098 (e6), a dividend (e8) and another category (e10) of it became known."""
    made = ledger(Book(id="home", name="Home"))
    made.entry(date(2025, 3, 1), (INTEREST, "1000"), (BANK, -1000, {"account_id": "bank"}))
    made.entry(date(2025, 12, 5), (BROKER, 40, {"account_id": "broker"}), ("Income:Dividends", -40))
    made.entry(date(2025, 5, 1), ("Expenses:Food", 60), (BANK, -60, {"account_id": "bank"}))
    made.entry(OPENED, (INTEREST, "-143.69"), ("Equity:Suspense", "143.69"))
    made.entry(OPENED, (BROKER, 7, {"account_id": "broker"}), ("Income:Dividends", -7))
    made.entry(OPENED, ("Expenses:Gifts", 60), ("Expenses:Food", -60))
    made.entry(date(2026, 1, 9), (INTEREST, 90), (BANK, -90, {"account_id": "bank"}))
    made.entry(date(2026, 2, 9), (BROKER, 5, {"account_id": "broker"}), ("Income:Dividends", -5))
    return made


@pytest.fixture(scope="module")
def sources():
    rows = [
        adjustment(6, date(2025, 12, 31)),
        adjustment(8, date(2025, 12, 20)),
        adjustment(10, date(2025, 5, 1)),
    ]
    return Sources(adjustments=pl.DataFrame(rows, schema=ADJUSTMENTS.polars_schema))


@pytest.fixture(scope="module")
def made(books, sources):
    return books.statements(DEC, JAN, FEB, as_of=date(2026, 2, 20), sources=sources)


def of_section(rows, start):
    return [row[1:] for row in rows if str(row[0]).startswith(start)]


def test_a_dividend_that_was_recategorized_has_the_payer_of_its_entry(ledger, lines):
    """Reported as interest, a dividend by what became known later: the adjustment touches no account of the broker."""
    held = ledger(Book(id="home", name="Home"))
    held.entry(date(2025, 12, 5), (BROKER, 40, {"account_id": "broker"}), ("Income:Interest", -40))
    held.entry(OPENED, ("Income:Interest", 40), ("Income:Dividends", -40))
    late = adjustment(2, date(2025, 12, 5)) | {"adjusts": "e0"}
    sources = Sources(adjustments=pl.DataFrame([late], schema=ADJUSTMENTS.polars_schema))
    made = held.statements(JAN, as_of=date(2026, 1, 20), sources=sources)
    found = lines(made["dividends_and_interest"].filter(level="line"), JAN, "section", "account", "amount")
    payer = "Assets:Investments:Broker"
    assert found == [("Dividends of 2025", payer, "40"), ("Interest of 2025", payer, "-40")]
    assert tie_out(held.book, made) == []


def test_a_line_of_the_return_has_what_belongs_to_its_year(made, lines):
    rows = lines(made["tax_lines"], FEB, "section", *COLUMNS)
    (line, subtotal) = of_section(rows, LINE)
    assert line == (INTEREST, "line", "0", "90")
    assert subtotal[1:] == ("subtotal", "0", "90")
    assert of_section(rows, f"Adjustments of 2025: {LINE}")[0] == (INTEREST, "line", "0", "-143.69")
    assert of_section(lines(made["tax_lines"], JAN, "section", *COLUMNS), f"Adjustments of 2025: {LINE}")[0] == (
        INTEREST, "line", "-143.69", "-143.69",
    )  # fmt: skip
    # Apart, and after this year's; all together are what the ledger has.
    late = [row[0].startswith("Adjustments of 2025: ") for row in rows[:-1]]
    assert late == sorted(late)
    assert rows[-1] == ("Net income", "Net income", "total", "5", str(Decimal("143.69") + 7 - 90 + 5))


def test_dividends_of_an_earlier_year_are_apart(made, lines):
    assert lines(made["dividends_and_interest"], FEB, "section", *COLUMNS) == [
        ("Dividends", "Assets:Investments:Broker", "line", "5", "5"),
        ("Dividends", "Total dividends", "total", "5", "5"),
        ("Interest", "Total interest", "total", "0", "0"),
        ("Dividends of 2025", "Assets:Investments:Broker", "line", "0", "7"),
        ("Dividends of 2025", "Total dividends of 2025", "total", "0", "7"),
    ]


def test_they_tie_and_every_line_is_the_sum_of_its_parts(books, sources, made):
    assert tie_out(books.book, made) == []
    unpriced = books.postings.clear()
    for name in BY_TAX_DATE[:2]:
        for line in made[name].iter_rows(named=True):
            parts = explain_line(name, line, books.book, books.postings, unpriced, date(2026, 2, 20), sources)
            assert sum(parts["amount"], Decimal(0)) == figure_of(name, line), (name, line)


def test_a_cent_among_adjustments_of_an_earlier_year_is_found_out(books, made):
    off = (pl.col("account") == "Total dividends of 2025") & (pl.col("period") == FEB)
    rows = made["dividends_and_interest"].with_columns(
        pl.when(off).then(pl.col("year_to_date") + 1).otherwise("year_to_date").alias("year_to_date")
    )
    assert any(
        "dividends, year_to_date" in text
        for text in tie_out(books.book, made | {"dividends_and_interest": rows})
    )


def test_the_year_they_belong_to_has_them(books, sources, lines):
    assert booked_since(sources.adjustments, 2025).height == 3
    assert booked_since(sources.adjustments, 2026).is_empty()
    found = tax_year(books.book, 2025, books.postings, sources)
    rows = lines(found["tax_lines"], DEC, "section", *COLUMNS)
    assert of_section(rows, LINE)[0] == (INTEREST, "line", "-143.69", str(1000 - Decimal("143.69")))
    assert ("Not on the return", "Expenses:Gifts", "line", "0", "60") in rows
    assert "Expenses:Food" not in {row[1] for row in rows}
    assert not any(row[0].startswith("Adjustments") for row in rows)
    assert lines(found["dividends_and_interest"], DEC, *COLUMNS)[:2] == [
        ("Assets:Investments:Broker", "line", "47", "47"),
        ("Total dividends", "total", "47", "47"),
    ]


def test_each_year_has_what_became_known_of_it_and_no_other(ledger, lines):
    """One adjustment of 2024 booked in 2025, one of 2025 booked in 2026: each stays what it is to the other year."""
    books = ledger().entry(date(2024, 6, 1), (INTEREST, 10), (BANK, -10))
    books.entry(date(2025, 1, 1), (INTEREST, 2), (BANK, -2)).entry(OPENED, (INTEREST, 3), (BANK, -3))
    rows = [adjustment(2, date(2024, 6, 1), date(2025, 1, 1)), adjustment(4, date(2025, 6, 1))]
    known = Sources(adjustments=pl.DataFrame(rows, schema=ADJUSTMENTS.polars_schema))
    said = {
        year: [
            (row[0].split(":")[0], row[2])
            for row in lines(
                tax_year(books.book, year, books.postings, known)["tax_lines"], date(year, 12, 1),
                "section", "level", "year_to_date",
            )
            if row[1] == "line"
        ]
        for year in (2024, 2025)
    }  # fmt: skip
    assert said == {2024: [(LINE, "12")], 2025: [(LINE, "3"), ("Adjustments of 2024", "2")]}


def test_a_sale_that_became_known_late_is_of_the_year_it_was_made_in(life, sources):
    known = Sources(
        gains=life.sources.gains.with_columns(sold=date(2025, 12, 30)), adjustments=sources.adjustments
    )
    found = tax_year(life.ledger.book, 2025, life.ledger.postings, known)["realized_gains"]
    assert found.filter(level="line").height == 3


def test_a_year_without_late_facts_is_as_it_was_published(books, lines):
    before = books.statements(DEC, as_of=date(2025, 12, 31))
    found = tax_year(books.book, 2025, books.postings, Sources())
    for name in BY_TAX_DATE:
        assert found[name].equals(before[name])
