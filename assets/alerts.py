"""``ops.alerts`` as an asset: how many alerts there are, by book, severity and state.

What belongs here: saying so in Dagster. What does not: any alert (``manna.alerting``), or when they are looked for
(``pipelines.settling``, which calls this at the end of each look).

The table is in Postgres and kept by whoever settles alerts, so the asset is not materialized by a run: it is told of
when the counts are others than last time, which costs one look and, seldom, one event.
"""

from typing import Any

import dagster as dg
import polars as pl

from resources.installation import Installation

KEY = dg.AssetKey(["ops", "alerts"])
COUNTS = "counts"

SPEC = dg.AssetSpec(
    KEY,
    description="Alerts by book, severity and state, as `manna alerts list` shows them one by one. Kept by the sensor `alerts`.",
    group_name="operations",
    kinds={"postgres"},
    deps=[
        dg.AssetKey(table.split("."))
        for table in ("categorized.insights", "clean.findings", "portfolio.drift")
    ],
    metadata={"dagster/table_name": "ops.alerts"},
)


def tell_counts(manna: Installation, instance: dg.DagsterInstance) -> bool:
    """Reports the counts to Dagster if they are others than last time; returns whether they were."""
    counts = manna.ops.alert_counts()
    metadata = described(counts)
    last = instance.get_latest_materialization_event(KEY)
    known = last.asset_materialization.metadata if last and last.asset_materialization else {}
    if COUNTS in known and known[COUNTS] == metadata[COUNTS]:
        return False
    told = {**metadata, "dagster/column_schema": _columns()}
    instance.report_runless_asset_event(dg.AssetMaterialization(KEY, metadata=told))
    return True


def _columns() -> dg.TableSchema:
    # SQLAlchemy takes 0.4 s to import, and every process defines the asset.
    from resources.ops_tables import ALERTS

    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                str(column.type),
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
            )
            for column in ALERTS.columns
        ]
    )


def described(counts: pl.DataFrame) -> dict[str, Any]:
    """Metadata of the asset: a number for each plot, and the whole as a table.

    ``counts``: book, severity, status and count, in order.
    """
    from manna.documents.markdown import table

    active = counts.filter(pl.col("status") != "resolved")
    of_severity = dict(active.group_by("severity").agg(pl.col("count").sum()).iter_rows())
    shown = table(["book", "severity", "state", "alerts"], counts.iter_rows())
    return {
        "dagster/row_count": int(counts["count"].sum()),
        "open": int(counts.filter(pl.col("status") == "open")["count"].sum()),
        **{severity: of_severity.get(severity, 0) for severity in ("critical", "warning", "info")},
        COUNTS: dg.MetadataValue.md(shown if counts.height else "No alert yet."),
    }
