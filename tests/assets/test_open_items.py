"""What the cover counts, of frames by hand."""

from datetime import date

import polars as pl
import pytest

from assets.open_items import adjustments_of_earlier_periods, unproven_accounts
from manna.statements import open_items


@pytest.mark.parametrize(
    ("day", "unproven"),
    [(date(2026, 1, 30), 2), (date(2026, 1, 31), 2), (date(2026, 2, 28), 1)],
)
def test_an_opening_that_only_its_own_balance_supports_is_not_proven(day: date, unproven: int) -> None:
    told = pl.DataFrame(
        [
            ("checking", date(2026, 1, 31), "plugged"),
            ("checking", date(2026, 2, 28), "reconciled"),
            ("card", date(2026, 1, 31), "plugged"),
            ("card", date(2026, 2, 28), "plugged"),
        ],
        schema=["account_id", "as_of", "basis"],
        orient="row",
    )
    assert unproven_accounts(told, day) == unproven


def test_late_facts_of_closed_periods_are_counted_where_they_are_booked() -> None:
    april, may = date(2026, 4, 1), date(2026, 5, 1)
    known = [
        (april, date(2025, 12, 31)),
        (april, date(2026, 3, 31)),
        (date(2026, 5, 16), date(2026, 5, 12)),  # closed up to the 15th: of the very month
        (may, date(2026, 4, 30)),
    ]
    rows = pl.DataFrame(known, schema=["date", "tax_date"], orient="row")
    assert adjustments_of_earlier_periods(rows) == {april: 2, may: 1}
    assert open_items(adjustments=1) == "1 adjustment of earlier periods"
    assert (
        open_items(adjustments=2, provisional=1) == "2 adjustments of earlier periods; 1 provisional amount"
    )
