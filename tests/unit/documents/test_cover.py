"""What stands on every cover, and the spans that reports are asked for."""

from datetime import date

import polars as pl
import pytest
from documents_examples import MARCH, PERIOD, record

from manna.documents.cover import cover
from manna.documents.spans import Span


@pytest.mark.parametrize(
    ("text", "first", "last", "label", "before"),
    [
        ("2026-03", date(2026, 3, 1), date(2026, 3, 31), "March 2026", "2026-02"),
        ("2026-01", date(2026, 1, 1), date(2026, 1, 31), "January 2026", "2025-12"),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31), "First quarter 2026", "2025-Q4"),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), "Fourth quarter 2026", "2026-Q3"),
        ("2024", date(2024, 1, 1), date(2024, 12, 31), "2024", "2023"),
    ],
)
def test_a_span_is_what_was_written(text, first, last, label, before):
    span = Span.parse(text)
    assert (span.first, span.last, span.label, span.text) == (first, last, label, text)
    assert span.before.text == before


@pytest.mark.parametrize(
    "text", ["", "03/2026", "2026-13", "2026-3", "2026-Q5", "2026-Q0", "26", "2026-03-01"]
)
def test_what_is_no_span(text):
    with pytest.raises(ValueError):  # noqa: PT011
        Span.parse(text)


def test_a_whole_month(book):
    found = cover(book, "Balance sheet", MARCH, [record(PERIOD, open_items="1 row in quarantine; 2 others")])
    assert (found.status, found.warnings, found.complete_through) == ("published", (), date(2026, 3, 31))
    assert found.open_items == ("1 row in quarantine", "2 others")
    assert found.content_hash == "hash of 2026-03-01"
    assert found.heading == "Rivera household: Balance sheet, March 2026"
    assert dict(found.facts)["As known on"] == "1 April 2026, 21:30 EDT"


@pytest.mark.parametrize(
    ("row", "status", "warning"),
    [
        ({"through": date(2026, 3, 15)}, "incomplete", "Incomplete: figures to 15 March 2026 only"),
        ({"provisional": True}, "published", "Provisional: a bank has not told"),
        (
            {"status": "held", "reason": "it does not tie out"},
            "held",
            "Held: March 2026, the last good version stands",
        ),
        (
            {"status": "held", "reason": "no", "content_hash": None},
            "held",
            "Incomplete: nothing is published of March 2026",
        ),
    ],
)
def test_a_report_that_may_change_says_so(book, row, status, warning):
    found = cover(book, "Balance sheet", MARCH, [record(PERIOD, **row)])
    assert found.status == status
    assert found.warnings[0].startswith(warning)


def test_a_month_whose_end_is_not_known_is_incomplete(book):
    found = cover(book, "x", MARCH, [record(PERIOD) | {"complete_through": None}])
    assert found.warnings == ("Incomplete: figures to a day that is not known only",)


def test_of_a_year_every_month_since_the_book_began_counts(book):
    months = [record(date(2026, month, 1)) for month in range(3, 12)]
    found = cover(book, "x", Span.parse("2026"), months)
    assert found.warnings == ("Incomplete: nothing is published of December 2026",)
    whole = cover(book, "x", Span.parse("2026"), [*months, record(date(2026, 12, 1), open_items="a")])
    assert (whole.status, whole.complete_through) == ("published", date(2026, 12, 31))
    assert whole.open_items == ("December 2026: a",)
    assert whole.content_hash not in (found.content_hash, "")


def test_an_open_item_is_told_once_with_its_months(book):
    open_in = {1: "2 positions", 2: "2 positions; 1 row", 3: "2 positions", 5: "2 positions"}
    rows = [record(date(2026, month, 1), open_items=open_in.get(month, "")) for month in range(1, 13)]
    found = cover(book, "x", Span.parse("2026"), rows)
    assert found.open_items == ("January to March 2026, May 2026: 2 positions", "February 2026: 1 row")


def test_nothing_at_all_is_a_cover_too(book):
    found = cover(book, "x", MARCH, [])
    assert (found.status, found.content_hash, found.day) == ("incomplete", "", date(2026, 3, 31))


def test_rows_carry_the_cover(book):
    found = cover(book, "x", MARCH, [record(PERIOD)])
    frame = found.beside(pl.DataFrame({"account": ["A", "B"], "period": [PERIOD, PERIOD]}))
    assert frame.columns[:3] == ["account", "book", "period"]
    assert frame["period"].to_list() == ["2026-03", "2026-03"]
    assert frame["content_hash"].to_list() == ["hash of 2026-03-01"] * 2
