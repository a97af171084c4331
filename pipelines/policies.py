"""What holds of every asset: who answers for it, what makes it, and how old it may become.

What belongs here: these rules, by stage and by job. What does not: what an asset is (``assets``), or what happens when
one is late (``watching``). What an asset says of itself stays.

Freshness is looked at by Dagster's daemon, by the real clock: the last materialization of any partition counts. An asset
that is made when somebody asks for it cannot be late.
"""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from pipelines.jobs import (
    BACKTESTS,
    BACKUP,
    DRILL,
    MAINTENANCE,
    MARKET,
    NIGHTLY,
    OPENING,
    REBALANCE,
    STATEMENTS,
    TRAINING,
)

OPERATOR, ACCOUNTANT, INVESTOR = "team:operator", "team:accountant", "team:investor"
OWNERS = {
    "raw": OPERATOR,
    "clean": OPERATOR,
    "categorized": ACCOUNTANT,
    "ledger": ACCOUNTANT,
    "portfolio": INVESTOR,
    "reports": ACCOUNTANT,
    "published": OPERATOR,
}
"""Who is asked when an asset of the stage looks wrong; of what is no stage, the operator."""

TABLE = frozenset({"ducklake", "polars"})
KINDS = {"raw": frozenset({"ducklake"}), "clean": TABLE | {"greatexpectations"}}
"""What makes and holds a table of the stage; :data:`TABLE` where nothing else is said."""


def _within(hours: float, late: float) -> dg.FreshnessPolicy:
    return dg.FreshnessPolicy.time_window(
        warn_window=timedelta(hours=hours), fail_window=timedelta(hours=late)
    )


DAILY = _within(26, 30)
"""A day, the hour by which it is longer in autumn, and the run itself; then it is a night that did not come."""
MARKET_DAYS = _within(4 * 24 + 2, 5 * 24 + 2)
"""From the Friday before a holiday to the Tuesday after it."""
WEEKLY = _within(7 * 24 + 2, 9 * 24)
MONTHLY = _within(31 * 24 + 12, 34 * 24)
"""Statements are made when their month has changed. At the latest a new month is a change."""
FRESHNESS: Mapping[str, dg.FreshnessPolicy | None] = {
    NIGHTLY: DAILY,
    MARKET: MARKET_DAYS,
    STATEMENTS: MONTHLY,
    TRAINING: WEEKLY,
    OPENING: DAILY,
    BACKUP: DAILY,
    DRILL: WEEKLY,
    MAINTENANCE: WEEKLY,
    REBALANCE: None,
    "alerts": None,
    BACKTESTS: None,
}
"""How old an asset may become, by the job that makes it; one that runs when there is a reason is never late."""


def governed(spec: dg.AssetSpec, job: str) -> dg.AssetSpec:
    """``spec`` with an owner, kinds and the freshness that the job's assets are to have."""
    stage = spec.key.path[0]
    return spec.replace_attributes(
        owners=spec.owners or [OWNERS.get(stage, OPERATOR)],
        kinds=spec.kinds or _kinds(spec.key),
        freshness_policy=spec.freshness_policy or FRESHNESS.get(job),
    )


def _kinds(key: dg.AssetKey) -> set[str]:
    stage, table = key.path[0], key.path[-1]
    provider = {table.partition("_")[0]} if stage == "raw" else set()
    return {*KINDS.get(stage, TABLE), *provider}
