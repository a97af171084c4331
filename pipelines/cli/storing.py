"""`manna backup`, `backups`, `restore`, `migrate`, `storage`: keeping what is stored, getting it back, and its versions.

What belongs here: these commands. What does not: the work (``resources.backup``, ``restoring``, ``schema``, ``stores``).
"""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.asked import require_format
from pipelines.cli.shell import FormatOption, app, err, opened, out

DUE = 3
"""Exit code of `manna migrate --check` where something is due."""


@app.command()
def backup(
    folder: Annotated[
        Path | None, typer.Argument(help="where to; else MANNA_BACKUP_DIR, or backups/ of the data directory")
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Makes a backup: Postgres, the lake, models, pages, book files, in one encrypted file. Runs may go on meanwhile.

    It is sealed with MANNA_KEY (a demo's with its demo.key). **Keep that key apart from the backups, and keep it**: without it
    neither a backup nor an access token can be read. It is not in the backup; nor are passwords and keys of providers (`.env`).
    Nothing is removed: the job `backup`, which makes one every morning, removes what it made itself.

    Example: `manna backup /mnt/usb/manna`
    """
    import polars as pl

    from pipelines.rendering import render
    from resources.backup import make_backup

    require_format(output)
    with _opened_as_it_is() as manna:
        began = time.monotonic()
        made = make_backup(manna, (folder or manna.settings.backups_dir).expanduser().absolute())
        seconds = round(time.monotonic() - began, 1)
    if output == "table":
        out.print(f"{made.file}", highlight=False, markup=False, soft_wrap=True)
        said = f"{made.size / 1e6:,.1f} MB in {seconds:.0f} s; opens with the key it was made with, and only with that"
        err.print(said, highlight=False, soft_wrap=True)
        return
    row = {"file": str(made.file), "made_at": made.made_at, "bytes": made.size, "seconds": seconds}
    render(pl.DataFrame([row]), output, title="Backup", console=out)  # type: ignore[arg-type]


@app.command()
def backups(
    folder: Annotated[
        Path | None, typer.Argument(help="where; else MANNA_BACKUP_DIR, or backups/ of the data directory")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="open each, and compare every hash")] = False,
    output: FormatOption = "table",
) -> None:
    """The backups there are, the newest first. Exit code 1 where there is none, or `--check` finds a damaged one.

    Example: `manna backups --check`
    """
    import polars as pl

    from pipelines.rendering import render
    from resources.archive import Archive, ArchiveError
    from resources.backup import backups as there
    from resources.restoring import vault_and_key
    from resources.settings import Settings

    require_format(output)
    settings = Settings.load()
    rows, faulty = [], False
    for one in there(folder or settings.backups_dir):
        said = "not checked"
        if check:
            try:
                with Archive(one.file, vault_and_key(settings, None)[0]) as archive:
                    archive.verify()
                said = "whole"
            except ArchiveError as error:
                said, faulty = str(error), True
        rows.append((one.made_at, one.size, said, str(one.file)))
    schema: dict[str, Any] = {
        "made_at": pl.Datetime("us", "UTC"),
        "bytes": pl.Int64,
        "state": pl.String,
        "file": pl.String,
    }
    found = pl.DataFrame(rows, schema=schema, orient="row")
    render(found, output, title="Backups", console=out)  # type: ignore[arg-type]
    if faulty or not rows:
        raise typer.Exit(1)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="the backup")],
    into: Annotated[Path, typer.Option(help="the data directory to make; it must be empty or absent")],
    key_file: Annotated[
        Path | None,
        typer.Option(help="file with the key it was made with; else MANNA_KEY, or this demo's demo.key"),
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Restores a backup into an empty place, and compares every table with what was backed up.

    Every hash is checked on the way, and the directory appears when all is in it (one that is there, empty, is filled then). With
    MANNA_POSTGRES_URL the database goes there, which must be empty. Then work with it: `MANNA_DATA_DIR=DIR manna status`.

    Example: `manna restore manna-20260316T060000000000Z.backup --into /home/me/restored`
    """
    import polars as pl

    from pipelines.rendering import render
    from resources.restoring import restore as restore_backup
    from resources.restoring import vault_and_key
    from resources.settings import Settings

    require_format(output)
    settings, began = Settings.load(), time.monotonic()
    vault, key = vault_and_key(settings, key_file)
    target = into.expanduser().absolute()
    came = restore_backup(file, target, vault, key=key, postgres_url=settings.postgres_url)
    seconds = round(time.monotonic() - began, 1)
    if output == "table":
        made_at = str(came.manifest["made_at"])[:16].replace("T", " ")
        said = (
            f"restored into {target}: {came.tables} tables as they were on {made_at} UTC, in {seconds:.0f} s"
        )
        out.print(said, highlight=False, markup=False, soft_wrap=True)
        return
    row = {
        "into": str(target),
        "made_at": came.manifest["made_at"],
        "code_version": came.manifest["code_version"],
        "lake_snapshot": came.manifest["lake_snapshot"],
        "tables": came.tables,
        "seconds": seconds,
    }
    render(pl.DataFrame([row]), output, title="Restored", console=out)  # type: ignore[arg-type]


@app.command()
def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="only say what is due; exit code 3 where something is")
    ] = False,
    without_backup: Annotated[
        bool, typer.Option("--without-backup", help="do not make a backup first: you have one")
    ] = False,
    output: FormatOption = "table",
) -> None:
    """Brings a data directory that an older version made to this one: Postgres' tables, the lake's, Dagster's. Makes a backup first.

    There is no way down: restore the backup for that. End `manna up` before.

    Example: `manna migrate --check`
    """
    import polars as pl
    from dagster import DagsterInstance

    from pipelines.rendering import render
    from pipelines.services import refuse_when_served
    from resources.backup import make_backup
    from resources.schema import migrate_all, require_not_newer, standing
    from resources.settings import Settings

    require_format(output)
    if not check:
        refuse_when_served(Settings.load())
    with _opened_as_it_is() as manna:
        found = standing(manna.postgres_url)
        require_not_newer(found)
        due = found.pending
        if due and not check:
            if not without_backup and not found.is_fresh:
                made = make_backup(manna, manna.settings.backups_dir)
                err.print(f"backed up to {made.file}", highlight=False, markup=False, soft_wrap=True)
            due = migrate_all(manna)
        if not check:
            DagsterInstance.get().upgrade()  # its own tables; nothing happens where they are as this Dagster wants them
    if output != "table":
        changes = pl.DataFrame({"change": due}, schema={"change": pl.String})
        render(changes, output, title="Changes", console=out)  # type: ignore[arg-type]
    else:
        for change in due:
            out.print(f"{'due' if check else 'done'}: {change}", highlight=False, markup=False)
        if not due:
            out.print(
                f"nothing is due: ops {found.wanted}, and every table as its contract says", highlight=False
            )
    if check and due:
        raise typer.Exit(DUE)


@app.command()
def storage(
    past: Annotated[
        bool, typer.Option("--snapshots", help="the snapshots of the lake instead: when, and by what")
    ] = False,
    output: FormatOption = "table",
) -> None:
    """How large each store is; or which snapshots of the lake can be read with `AT (VERSION => n)`.

    Example: `manna storage --snapshots`
    """
    from pipelines.rendering import render
    from resources.stores import snapshots, stores

    require_format(output)
    with opened() as manna:
        found = snapshots(manna) if past else stores(manna)
    render(found, output, title="Snapshots" if past else "Stores", console=out)  # type: ignore[arg-type]


def _opened_as_it_is() -> Any:
    """The installation with its database running, whatever version has made it."""
    from pipelines.services import database
    from resources.settings import Settings

    return database(Settings.load(), of_any_version=True)
