"""Rows as Markdown for Dagster's UI: nothing is markup, no number of an account stands, and little is shown of much."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl

from manna.documents.asset_plots import month_plots, worth_plots
from manna.documents.markdown import preview

HOSTILE = "a | b <script> [x](y) `z`\nc"


def test_rows_are_shown_as_they_are_meant() -> None:
    rows = pl.DataFrame(
        {
            "next_on": [date(2026, 3, 1)],
            "amount": [Decimal("1234.50")],
            "breached": [True],
            "known_at": [datetime(2026, 3, 1, 9, tzinfo=UTC)],
            "said": [HOSTILE],
            "reason": [None],
        }
    )
    heading, _, row = preview(rows).splitlines()
    assert heading == "| next on | amount | breached | known at | said | reason |"
    assert row == (
        "| 2026-03-01 | 1,234.50 | yes | 2026-03-01 09:00 | a \\| b &lt;script> \\[x](y) 'z' c |  |"
    )


def test_numbers_of_accounts_are_masked_and_long_texts_cut() -> None:
    shown = preview(pl.DataFrame({"said": ["TRANSFER TO 12345678901", "x" * 500]}))
    assert "12345678901" not in shown
    assert "••••8901" in shown
    assert max(map(len, shown.splitlines())) < 100


def test_of_much_the_first_rows_are_shown_and_of_nothing_that() -> None:
    shown = preview(pl.DataFrame({"n": range(1030)}), most=30)
    assert len(shown.splitlines()) == 2 + 30 + 2
    assert shown.endswith("1,000 more.")
    assert preview(pl.DataFrame({"n": []})) == "No rows."


def worth(book: str, values: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "book": book,
            "currency": "USD",
            "date": [date(2026, 3, day) for day in range(1, len(values) + 1)],
            "value": list(map(Decimal, values)),
        },
        schema_overrides={"value": pl.Decimal(38, 4)},
    )


def test_what_investments_are_worth_is_a_picture_per_book() -> None:
    days = pl.concat([worth("home", ["100", "200", "300"]), worth("firm", ["5"])])
    drawn = worth_plots(days, {"home": "USD", "firm": "USD", "empty": "USD"})
    # One day is no line.
    assert drawn.count("data:image/svg+xml") == 1
    assert "first 100 on 2026-03-01, last 300 on 2026-03-03, lowest 100 on 2026-03-01" in drawn
    assert worth_plots(days, {"home": "EUR"}) == ""


def test_so_many_books_are_drawn_and_no_more() -> None:
    many = [f"book{number}" for number in range(9)]
    days = pl.concat([worth(book, ["1", "2"]) for book in many])
    drawn = worth_plots(days, dict.fromkeys(many, "USD"))
    assert drawn.count("data:image/svg+xml") == 3
    assert len(drawn) < 30_000


def test_a_month_without_statements_has_no_picture() -> None:
    assert month_plots({"home": {}}, date(2026, 3, 1), {"home": "USD"}) == ""
