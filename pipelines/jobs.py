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

    def job(name: str, assets: Assets, description: str) -> UnresolvedAssetJobDefinition:
        return dg.define_asset_job(name, dg.AssetSelection.assets(*assets), description=description)

    return {
        NIGHTLY: job(NIGHTLY, nightly, "Pull, check, categorize, book and value everything that is new."),
        MARKET: job(MARKET, market, "Raw daily bars of the market days chosen."),
        STATEMENTS: job(STATEMENTS, reports, "Make, gate and publish the statements of the months chosen."),
        REBALANCE: job(
            REBALANCE, rebalancing, "Plan trades for books beyond their bands; plans wait for approval."
        ),
        TRAINING: job(
            TRAINING, training, "Train a model per book on what people decided; use it if it is not worse."
        ),
        OPENING: job(
            OPENING, opening, "Write the page behind every published month: what each figure is made of."
        ),
        BACKTESTS: job(
            BACKTESTS,
            backtests,
            "Try the books' strategies on the lake's own bars, one set of parameters each.",
        ),
        BACKUP: job(BACKUP, backup, "Make a sealed backup, and remove those beyond what is to be kept."),
        DRILL: job(
            DRILL, drill, "Restore the newest backup into a scratch directory, and compare every row."
        ),
        MAINTENANCE: job(
            MAINTENANCE,
            maintenance,
            "Keep the stores small: lake, Dagster's runs, Postgres; report their growth.",
        ),
    }
