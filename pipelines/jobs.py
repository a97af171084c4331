"""The jobs.

What belongs here: which assets run together. What does not: when (``schedules``, ``sensors``).
A job has at most one partitioning; what changes nightly is therefore unpartitioned and incremental, and
the months it touches are a run of their own.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it takes a second to import, and `manna --help` names the jobs
    import dagster as dg
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

NIGHTLY, MARKET, STATEMENTS, REBALANCE = "nightly_close", "market_close", "statements", "rebalance"
TRAINING, BACKTESTS, OPENING = "training", "backtests", "opened_pages"
BACKUP, DRILL, MAINTENANCE = "backup", "recovery_drill", "maintenance"
EXECUTION = "execution"
"""No job of assets; see ``execution_job``."""

STATE_TAG = "manna/state"
"""Run tag that names the state of the data the run was asked for."""
OF_WEBHOOKS = "webhook-"
"""How that state begins where webhooks asked: such a run of the nightly job pulls single logins, and is no night."""

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
    BACKTESTS: "Tries the books' strategies on the lake's own bars, one set of parameters each; a range of them is one run.",
    OPENING: "Writes the page behind every published month that has none: what each figure is made of. Minutes the "
    f"first time, then seconds. {_BOOKS}",
    BACKUP: "Makes a sealed backup, and removes those beyond what is to be kept. Seconds; runs may go on.",
    DRILL: "Restores the newest backup into a scratch directory and compares every row with what was backed up. Seconds "
    "for a household.",
    MAINTENANCE: "Keeps the stores small (the lake, Dagster's runs, Postgres) and reports their growth. Seconds.",
}
"""Every job of assets: what happens, for how long, and what may be entered."""


def jobs(
    parts: "Mapping[str, Sequence[dg.AssetsDefinition]]",
) -> "dict[str, UnresolvedAssetJobDefinition]":
    """The jobs by name, each of its assets."""
    import dagster as dg

    return {
        name: dg.define_asset_job(name, dg.AssetSelection.assets(*assets), description=DESCRIPTIONS[name])
        for name, assets in parts.items()
    }
