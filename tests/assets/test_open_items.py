"""What the cover counts, of frames by hand."""

from datetime import date

import polars as pl
import pytest

from assets.open_items import unproven_accounts


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
