"""``operations.*``: what keeps the installation itself well: backups, drills, maintenance.

What belongs here: running them on schedule, and saying in metadata what came of it. What does not: how any of it is done
(``resources.backup``, ``restoring``, ``maintenance``). Nothing else depends on these, and no night waits for them.
"""

import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.common import Manna
from assets.run_history import forget_old_runs
from manna.retention import worth_keeping
from resources.installation import Installation
from resources.settings import SettingsError

if TYPE_CHECKING:
    from resources.backup import Backup

GROUP = "operations"
SCRATCH = "drill-"


def _key(name: str) -> dg.AssetKey:
    return dg.AssetKey([GROUP, name])


@dg.asset(
    key=_key("backup"),
    group_name=GROUP,
    kinds={"postgres", "ducklake"},
    description="A sealed backup of Postgres, the lake, models, pages and book files, in MANNA_BACKUP_DIR.",
)
def backup(manna: Manna) -> dg.MaterializeResult[Any]:
    """Makes one and reads it back, then removes those beyond what is to be kept; never the newest that is whole.

    Raises:
        dagster.Failure: it is not whole. Nothing is removed then.
    """
    from resources.backup import backups, make_backup, newest_good

    began, folder = time.monotonic(), manna.settings.backups_dir
    made = make_backup(manna, folder, scheduled=True)
    good = newest_good(folder, manna.vault)
    if good is None or good.made_at < made.made_at:
        raise dg.Failure(
            f"{made.file} is not what was written, now that it is read back: check that disk; no older backup was removed"
        )
    removed = remove_surplus(manna, good)
    return dg.MaterializeResult(
        metadata={
            "file": dg.MetadataValue.path(str(made.file)),
            "bytes": made.size,
            "seconds": round(time.monotonic() - began, 1),
            "kept": len(backups(folder)),
            "removed": removed,
        }
    )


def remove_surplus(manna: Installation, good: "Backup") -> list[str]:
    """Deletes the scheduled backups that the settings do not keep; returns their names.

    The newest that is whole (``good``) is kept whatever they say. What somebody has asked for (`manna backup`, `manna migrate`)
    is theirs to delete.
    """
    from resources.backup import backups

    settings = manna.settings
    there = backups(settings.backups_dir)
    kept = worth_keeping(
        [one.made_at for one in there if one.scheduled],
        daily=settings.backups_daily,
        weekly=settings.backups_weekly,
        monthly=settings.backups_monthly,
    ) | {good.made_at}
    surplus = [one.file for one in there if one.scheduled and one.made_at not in kept]
    for file in surplus:
        file.unlink(missing_ok=True)  # somebody may have deleted it by now
    return [file.name for file in surplus]


@dg.asset(
    key=_key("drill"),
    group_name=GROUP,
    kinds={"postgres", "ducklake"},
    description="The newest backup, restored into a scratch directory and compared row by row with what was backed up.",
)
def drill(manna: Manna) -> dg.MaterializeResult[Any]:
    """Restores the newest backup as a person would, to know that one could; makes one first where there is none.

    Raises:
        dagster.Failure: it cannot be restored, or comes back different.
    """
    with manna.lake.locked([GROUP]):  # one at a time: it begins by removing what another has left
        return _drilled(manna)


def _drilled(manna: Installation) -> dg.MaterializeResult[Any]:
    from resources.archive import ArchiveError
    from resources.backup import BackupError, backups, make_backup
    from resources.postgres import PostgresError
    from resources.postgres_dump import DumpError
    from resources.restoring import RestoreError, restore

    folder = manna.settings.backups_dir
    newest = next(iter(backups(folder)), None) or make_backup(manna, folder, scheduled=True)
    for leftover in manna.settings.data_dir.glob(f"{SCRATCH}*"):  # of a drill that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=manna.settings.data_dir))
    began = time.monotonic()
    try:
        came = restore(newest.file, scratch / "data", manna.vault, key=None, postgres_url=None)
    except (ArchiveError, BackupError, DumpError, PostgresError, RestoreError, SettingsError) as error:
        raise dg.Failure(f"{newest.file.name} cannot be restored: {error}", allow_retries=False) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return dg.MaterializeResult(
        metadata={
            "backup": dg.MetadataValue.path(str(newest.file)),
            "made at": dg.MetadataValue.timestamp(newest.made_at),
            "seconds": round(time.monotonic() - began, 1),
            "tables compared": came.tables,
            "lake snapshot": came.manifest["lake_snapshot"],
            "bytes": newest.size,
        }
    )


@dg.asset(
    key=_key("maintenance"),
    group_name=GROUP,
    kinds={"postgres", "ducklake"},
    description="Small files merged, old snapshots and runs removed, Postgres vacuumed; how large each store is.",
)
def maintenance(context: dg.AssetExecutionContext, manna: Manna) -> dg.MaterializeResult[Any]:
    """Keeps the stores small, and reports their growth."""
    from manna.documents.markdown import table
    from resources.maintenance import maintain_lake, vacuum
    from resources.stores import stores

    settings, before = manna.settings, stores(manna)
    lake = maintain_lake(manna.lake, settings.lake_history_days, message=f"run {context.run.run_id}")
    old = datetime.now(UTC) - timedelta(days=settings.run_history_days)
    runs = forget_old_runs(context.instance, old)
    vacuum(manna.postgres_url)
    after = stores(manna)
    grown = [
        (row["store"], f"{was:,}", f"{row['bytes']:,}", row["files"] or "", row["rows"] or "", row["holds"])
        for row, was in zip(after.iter_rows(named=True), before["bytes"], strict=True)
    ]
    return dg.MaterializeResult(
        metadata={
            "stores": dg.MetadataValue.md(
                table(["store", "bytes before", "bytes", "files", "rows", "holds"], grown)
            ),
            "bytes": int(after["bytes"].sum()),
            "files merged": lake.files_merged,
            "tables flushed": list(lake.flushed),
            "snapshots expired": lake.snapshots_expired,
            "files removed": lake.files_removed,
            "runs deleted": runs,
            **{f"bytes of {row['store']}": row["bytes"] for row in after.iter_rows(named=True)},
        }
    )
