"""Asset checks of what the broker says against what we make of it: positions, and market days.

What belongs here: reading the tables and the words of a check. What does not: the comparison of positions
(``manna.validating.positions``).
"""

from datetime import date

import dagster as dg

from assets.common import Manna, key
from manna.validating.positions import rebuilt_positions

POSITIONS, CALENDAR = "positions_are_their_activities", "market_days_are_our_partitions"
SOURCES = ("accounts", "trades", "holdings", "securities")
LISTED = 50
"""A check's metadata is read by people: the first so many differences of a book."""


@dg.asset_check(
    asset=key("clean.holdings"),
    name=POSITIONS,
    additional_deps=[key(f"clean.{table}") for table in SOURCES if table != "holdings"],
    description="at Alpaca each position, on each day told, is the sum of its activities since the beginning",
)
def positions(manna: Manna) -> dg.AssetCheckResult:
    """Compares the broker's positions with its activities, book by book."""
    found = rebuilt_positions(**{table: manna.lake.read(f"clean.{table}") for table in SOURCES})
    books = {
        book: {
            f"{row['account_id']} {row['security_id']} {row['as_of']}": (
                f"broker {row['provider_quantity'].normalize():f}, activities {row['ledger_quantity'].normalize():f}"
            )
            for row in part.tail(LISTED).iter_rows(named=True)
        }
        for (book,), part in found.group_by(["book"], maintain_order=True)
    }
    return dg.AssetCheckResult(
        passed=found.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"differences": found.height, **books},
    )


def calendar_check(market_days: dg.TimeWindowPartitionsDefinition) -> dg.AssetChecksDefinition:
    """The check that ``market_days``, by which bars are asked for, are the broker's market days."""

    @dg.asset_check(
        asset=key("clean.market_days"),
        name=CALENDAR,
        description="the days for which we ask prices are the days on which the broker says the market opens",
    )
    def calendar(manna: Manna) -> dg.AssetCheckResult:
        ours = {date.fromisoformat(day) for day in market_days.get_partition_keys(manna.settings.now())}
        told = set(manna.lake.read("clean.market_days")["date"])
        # Both may begin before, and end after, the other: only what both speak of can differ.
        both = [max(min(ours), min(told)), min(max(ours), max(told))] if told else [date.max, date.min]
        missing = sorted(day for day in told - ours if both[0] <= day <= both[1])
        strange = sorted(day for day in ours - told if both[0] <= day <= both[1])
        return dg.AssetCheckResult(
            passed=not missing and not strange,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "days compared": len(told & ours),
                "open, and no partition": [str(day) for day in missing[:LISTED]],
                "a partition, and closed": [str(day) for day in strange[:LISTED]],
            },
        )

    return calendar
