"""What reacts to data: bars that are missing, months that changed, alerts, drift.

What belongs here: looking, and asking for a run or settling alerts. What does not: the decision itself,
which is a pure function elsewhere (``manna.alerting``, ``manna.portfolio``).

Sensors deliver at least once, so every effect is idempotent: alerts have fingerprints, and a run key
names the very state that asks for the run. A read that fails is a skip *with its cause*.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from assets.common import Manna
from assets.published import months_to_publish
from pipelines.jobs import MARKET, ONCE, REBALANCE, STATE_TAG, STATEMENTS
from pipelines.partitions import MARKET_ZONE, market_days
from pipelines.settling import settle
from resources.installation import Installation
from resources.publisher import recorded_in_postgres

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
MOST_ATTEMPTS = 3
HISTORY = timedelta(days=730)
EVENING = 18
"""Hour in New York from which the day's bars are missing when we have none."""
RUNNING = dg.DefaultSensorStatus.RUNNING


def month_range(months: Sequence[date]) -> dict[str, str]:
    """Run tags that ask for one run over all of ``months``; what lies between is found unchanged."""
    return {RANGE_START: min(months).isoformat(), RANGE_END: max(months).isoformat()}


def request(
    instance: dg.DagsterInstance, job: str, state: str, tags: Mapping[str, str] | None = None, **more: Any
) -> dg.RunRequest | dg.SkipReason:
    """Asks for one run of ``job`` for a state of the data, however often a tick is repeated.

    ``more`` goes into the request: which assets, with which configuration.

    A run key deduplicates for ever, so it carries the number of failed attempts: a run that failed is
    tried again, a few times, and then a person has to look. Dagster must not try it too (``ONCE``): of a run whose
    process was killed there would be two.
    """
    wanted = dg.RunsFilter(
        job_name=job,
        tags={STATE_TAG: state},
        statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED],
    )
    failed = instance.get_runs_count(wanted)
    if failed >= MOST_ATTEMPTS:
        return dg.SkipReason(f"{job} has failed {failed} times for this state: mend it and run it by hand")
    return dg.RunRequest(
        run_key=f"{job}-{state}-{failed}",
        job_name=job,
        tags={STATE_TAG: state, **ONCE, **(tags or {})},
        **more,
    )


def months_state(manna: Installation) -> str:
    """Names what the statements would be made from, and what is published of it."""
    state = manna.lake.query("SELECT book, month, content_hash FROM ledger.months ORDER BY ALL")
    return _digest((state.rows(), sorted(recorded_in_postgres(manna.postgres_url).items())))


def drift_state(manna: Installation) -> str | None:
    """Names the drift of books that are beyond a band, harvest losses, or whose plan is to be dropped; null without any."""
    harvesting = [book.id for book in manna.books.values() if book.targets.harvesting]
    found = manna.lake.query(
        "SELECT * FROM portfolio.drift WHERE book IN (SELECT book FROM portfolio.drift WHERE breached "
        "UNION SELECT book FROM portfolio.rebalance_plan) OR book IN (SELECT unnest(?::VARCHAR[])) ORDER BY ALL",
        [harvesting],
    )
    return None if found.is_empty() else _digest(found.rows())


@dataclass(frozen=True, slots=True)
class MissingBars:
    """Market days whose bars are to be asked for, from ``first`` to ``last``; ``state`` names why."""

    first: str
    last: str
    state: str

    @property
    def tags(self) -> dict[str, str]:
        """Run tags that ask for one run over these days."""
        return {RANGE_START: self.first, RANGE_END: self.last}


def missing_bars(manna: Installation) -> MissingBars | None:
    """Days since the last bar we have; all of the history when a symbol of ours has no bar at all.

    A day counts once its evening has come in New York: until then the schedule ``market_close`` asks.
    """
    if not manna.ops.live_connections(provider="alpaca"):
        return None
    now = manna.settings.now().astimezone(ZoneInfo(MARKET_ZONE))
    last = now.date() if now.hour >= EVENING else now.date() - timedelta(days=1)
    known = manna.lake.query("SELECT max(date) AS last FROM clean.bars")["last"][0]
    unknown = manna.lake.query(
        "SELECT DISTINCT source_id FROM raw.alpaca_assets WHERE source_id NOT IN "
        "(SELECT split_part(source_id, ':', 1) FROM raw.alpaca_bars) ORDER BY 1"
    )["source_id"].to_list()
    first = last - HISTORY if known is None or unknown else known + timedelta(days=1)
    keys = market_days(manna.settings.first_month).get_partition_keys()
    days = [key for key in keys if first.isoformat() <= key <= last.isoformat()]
    return MissingBars(days[0], days[-1], _digest((days[0], days[-1], unknown))) if days else None


@dg.sensor(
    name="missing_bars",
    job_name=MARKET,
    minimum_interval_seconds=300,
    default_status=RUNNING,
    description="Asks for bars of days that were missed, and for the history of a symbol that is new.",
)
def bars(context: dg.SensorEvaluationContext, manna: Manna) -> dg.RunRequest | dg.SkipReason:
    """One run for the whole range of days."""
    try:
        missing = missing_bars(manna)
    except Exception as error:  # noqa: BLE001
        return dg.SkipReason(f"cannot read the bars: {error}")
    if missing is None:
        return dg.SkipReason("every market day has its bars")
    if has_succeeded(context.instance, MARKET, missing.state):
        return dg.SkipReason(f"asked already: there are none from {missing.first} to {missing.last}")
    return request(context.instance, MARKET, missing.state, missing.tags)


@dg.sensor(
    name="changed_months",
    job_name=STATEMENTS,
    minimum_interval_seconds=60,
    default_status=RUNNING,
    description="Asks for statements of the months whose ledger has changed.",
)
def changed_months(context: dg.SensorEvaluationContext, manna: Manna) -> dg.RunRequest | dg.SkipReason:
    """One run for the whole range of changed months."""
    try:
        months = months_to_publish(manna)
        state = months_state(manna) if months else ""
    except Exception as error:  # noqa: BLE001  whatever keeps it from looking is the reason to say
        return dg.SkipReason(f"cannot read the ledger: {error}")
    if not months:
        return dg.SkipReason("every month's statements are up to date")
    return request(context.instance, STATEMENTS, state, month_range(months))


@dg.sensor(
    name="drift",
    job_name=REBALANCE,
    minimum_interval_seconds=60,
    default_status=RUNNING,
    description="Asks for a plan of trades when a weight has left its band; the plan waits for approval (see alerts).",
)
def drift(context: dg.SensorEvaluationContext, manna: Manna) -> dg.RunRequest | dg.SkipReason:
    """One run per distinct state of drift."""
    try:
        state = drift_state(manna)
    except Exception as error:  # noqa: BLE001
        return dg.SkipReason(f"cannot read the drift: {error}")
    if state is None:
        return dg.SkipReason("every weight is within its band")
    if has_succeeded(context.instance, REBALANCE, state):
        return dg.SkipReason("this drift has its plan")
    return request(context.instance, REBALANCE, state)


def has_succeeded(instance: dg.DagsterInstance, job: str, state: str) -> bool:
    """Whether a run of ``job`` for this state of the data has succeeded."""
    done = dg.RunsFilter(job_name=job, tags={STATE_TAG: state}, statuses=[dg.DagsterRunStatus.SUCCESS])
    return instance.get_runs_count(done) > 0


@dg.sensor(
    name="alerts",
    minimum_interval_seconds=60,
    default_status=RUNNING,
    description="Low balances, broken connections, failed checks, held reports, insights: opened, told, resolved.",
)
def alerts(context: dg.SensorEvaluationContext, manna: Manna) -> dg.SkipReason:
    """Settles ``ops.alerts`` and delivers what is new."""
    try:
        opened, resolved, told = settle(manna, context.instance, served=True)
    except Exception as error:  # noqa: BLE001
        return dg.SkipReason(f"cannot look for alerts: {error}")
    return dg.SkipReason(f"{opened} opened, {resolved} resolved, {told} told")


def _digest(state: Any) -> str:
    return hashlib.sha256(repr(state).encode()).hexdigest()[:32]


SENSORS = [bars, changed_months, drift, alerts]
