"""How an installation fares, in numbers for Prometheus.

What belongs here: what is measured and under which name. What does not: serving it (``pipelines.monitor``), or what of it is
worth an alert (``manna.alerting``). Labels name books, states and the ids of our own connections: no account, no number of one, no amount.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import dagster as dg
import polars as pl
import sqlalchemy as sa
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from assets.clean import open_rows
from manna.connections import BROKEN, has_ended
from pipelines.reporting import connections
from pipelines.settling import checks_that_fail
from pipelines.watching import last_nights, webhooks_waiting
from resources.folders import files_under
from resources.installation import CODE_VERSION, Installation
from resources.settings import Settings

FOLDERS = ("lake", "published", "documents", "models", "logs", "dagster")


class Standing(Collector):
    """Measured anew whenever it is asked; an installation of its own each time, so that a database may come and go."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self._settings, self._instance = settings, instance

    def collect(self) -> Iterator[Metric]:
        """Everything; of a database that does not answer only that, and what needs none."""
        yield InfoMetricFamily("manna", "The program.", {"version": CODE_VERSION})
        yield from _on_disk(self._settings)
        try:
            with closing(Installation(self._settings)) as manna:
                found = [*_of_runs(self._instance), *_of_money(manna), *_waiting(manna, self._instance)]
        except Exception:  # noqa: BLE001  that is what is measured
            found = []
        yield _gauge("manna_database_up", "Whether the database and the lake answer.", float(bool(found)))
        yield from found


def _on_disk(settings: Settings) -> Iterator[Metric]:
    sizes = {name: sum(size for _, size in files_under(settings.data_dir / name)) for name in FOLDERS}
    yield _gauges(
        "manna_store_bytes", "Size of what is in each folder of the data directory.", "store", sizes
    )
    if settings.data_dir.exists():
        free = shutil.disk_usage(settings.data_dir).free
        yield _gauge("manna_disk_free_bytes", "Free where the data directory is.", free)


def _of_runs(instance: dg.DagsterInstance) -> Iterator[Metric]:
    last = last_nights(instance)
    if last:
        age = (datetime.now(UTC) - min(last.values())).total_seconds()
        meaning = (
            "Since the nightly close last succeeded: of its schedules, the one for which that is longest ago."
        )
        yield _gauge("manna_night_age_seconds", meaning, age)
    counts = {
        status.value.lower(): instance.get_runs_count(dg.RunsFilter(statuses=[status]))
        for status in dg.DagsterRunStatus
    }
    yield _gauges("manna_runs", "Runs on record, by state.", "state", counts)
    yield _gauge(
        "manna_failed_checks", "Checks whose last execution failed.", len(checks_that_fail(instance))
    )


def _of_money(manna: Installation) -> Iterator[Metric]:
    told = Counter((row["severity"], row["status"]) for row in manna.ops.alerts())
    alerts = GaugeMetricFamily("manna_alerts", "Alerts that are not resolved.", labels=["severity", "status"])
    for severity in ("info", "warning", "critical"):
        for status in ("open", "acknowledged", "snoozed"):
            alerts.add_metric([severity, status], told[severity, status])
    yield alerts
    yield from _of_connections(manna)
    circuits = GaugeMetricFamily(
        "manna_circuit_open",
        "Whether a provider is left alone because it does not answer.",
        labels=["circuit"],
    )
    for row in manna.ops.circuits():
        circuits.add_metric([row["name"]], float(row["state"] != "closed"))
    yield circuits
    rows = open_rows(manna).group_by("book").agg(pl.len())
    counts = dict.fromkeys(manna.books, 0) | dict(rows.iter_rows())
    yield _gauges("manna_quarantined_rows", "Refused rows that nobody has decided on.", "book", counts)
    with manna.ops.engine.connect() as connection:
        size = connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one()
    yield _gauge("manna_database_bytes", "Size of the database.", size)


def _of_connections(manna: Installation) -> Iterator[Metric]:
    labels = ["connection", "book"]
    ages = GaugeMetricFamily(
        "manna_connection_complete_through_age_days",
        "Days since the last day up to which every account of a login is known.",
        labels=labels,
    )
    works = GaugeMetricFamily("manna_connection_up", "Whether a login works.", labels=labels)
    today = manna.settings.now().date()
    for row in connections(manna).iter_rows(named=True):
        if has_ended(row):
            continue
        values = [row["connection_id"], row["book"]]
        works.add_metric(values, float(row["status"] not in BROKEN))
        if row["complete_through"] is not None:
            ages.add_metric(values, (today - row["complete_through"]).days)
    yield from (ages, works)


def _waiting(manna: Installation, instance: dg.DagsterInstance) -> Iterator[Metric]:
    waiting, _ = webhooks_waiting(manna, instance)
    yield _gauge("manna_webhooks_waiting", "Webhooks that came in and are not dealt with.", waiting)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value)


def _gauges(name: str, meaning: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    found = GaugeMetricFamily(name, meaning, labels=[label])
    for key, value in sorted(values.items()):
        found.add_metric([key], value)
    return found
