"""The jobs.

What belongs here: which assets run together. What does not: when (``schedules``, ``sensors``).
A job has at most one partitioning; what changes nightly is therefore unpartitioned and incremental, and
the months it touches are a run of their own.
"""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

NIGHTLY, MARKET, STATEMENTS, REBALANCE = "nightly_close", "market_close", "statements", "rebalance"
TRAINING, BACKTESTS, OPENING = "training", "backtests", "opened_pages"
BACKUP, DRILL, MAINTENANCE = "backup", "recovery_drill", "maintenance"

ONCE = {"dagster/max_retries": "0"}
"""Tags of a job that Dagster must not repeat by itself when its process was killed: whoever asked looks first."""

_BOOKS = "In the launchpad `books` of an op names some of the books; none named means all."
DESCRIPTIONS = {
    NIGHTLY: "Closes the day: pulls every login, checks, categorizes, books and values what is new. Under a minute for "
    f"a household; months that changed follow as a run of `{STATEMENTS}`. {_BOOKS}",
    MARKET: "Brings daily bars of the market days chosen. Seconds; a range of days is one run.",
    STATEMENTS: "Makes, gates and publishes the statements of the months chosen. Under a minute for ten years; a range "
    f"of months is one run. {_BOOKS}",
    REBALANCE: "Plans trades for books beyond their bands; a plan waits for approval, and no order is made. Seconds. "
    f"{_BOOKS}",
    TRAINING: "Trains a model per book on what people decided, and uses it if it is not worse. Seconds; minutes with "
    f"years of decisions. {_BOOKS}",
    OPENING: "Writes the page behind every published month that has none: what each figure is made of. Minutes the "
    f"first time, then seconds. {_BOOKS}",
    BACKTESTS: "Tries the books' strategies on the lake's own bars, one set of parameters each; a range of them is one run.",
    BACKUP: "Makes a sealed backup, and removes those beyond what is to be kept.",
    DRILL: "Restores the newest backup into a scratch directory, and compares every row.",
    MAINTENANCE: "Keeps the stores small: lake, Dagster's runs, Postgres; reports their growth.",
}
"""What happens, for how long, and what may be entered."""

Assets = Sequence[dg.AssetsDefinition]


def jobs(
    *,
    nightly: Assets,
    market: Assets,
    reports: Assets,
    rebalancing: Assets,
    training: Assets,
    backtests: Assets,
    opening: Assets,
    backup: Assets,
    drill: Assets,
    maintenance: Assets,
) -> dict[str, UnresolvedAssetJobDefinition]:
    """The jobs by name."""

    def job(name: str, assets: Assets) -> UnresolvedAssetJobDefinition:
        return dg.define_asset_job(name, dg.AssetSelection.assets(*assets), description=DESCRIPTIONS[name])

    return {
        NIGHTLY: job(NIGHTLY, nightly),
        MARKET: job(MARKET, market),
        STATEMENTS: job(STATEMENTS, reports),
        REBALANCE: job(REBALANCE, rebalancing),
        TRAINING: job(TRAINING, training),
        OPENING: job(OPENING, opening),
        BACKTESTS: job(BACKTESTS, backtests),
        BACKUP: job(BACKUP, backup),
        DRILL: job(DRILL, drill),
        MAINTENANCE: job(MAINTENANCE, maintenance),
    }
