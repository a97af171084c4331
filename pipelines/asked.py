"""What a command was asked for, checked before anything is started or written.

What belongs here: each thing a person can get wrong on the command line, and the sentence that says what
to do. What does not: what goes wrong later (each module raises its own errors).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # `manna --help` needs neither
    import polars as pl

    from resources.settings import Settings

FORMATS = ("table", "json", "csv", "html")


class UsageError(Exception):
    """The command cannot be carried out as given. One line that says what to do."""


def require_one_of(kind: str, given: Iterable[str], known: Collection[str]) -> None:
    """Raises :class:`UsageError` where something ``given`` is not ``known``; names all that is, and is not."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise UsageError(f"unknown {kind} {', '.join(map(repr, unknown))}; there are: {', '.join(known)}")


def require_format(name: str) -> None:
    """Raises :class:`UsageError` for an output format that does not exist."""
    require_one_of("format", [name], FORMATS)


def uses_sandbox(settings: "Settings") -> bool:
    """Whether the sandbox answers: in a demo's data directory. Real accounts never share one with it.

    Raises:
        UsageError: real credentials are set, and the directory holds the demo.
        SettingsError: real credentials are set without a usable ``MANNA_KEY``.
    """
    from pipelines.services import is_demo
    from resources.vault import Vault

    if not settings.uses_real_providers:
        return is_demo(settings)
    if is_demo(settings):
        raise UsageError(
            f"{settings.data_dir} holds the demo; set MANNA_DATA_DIR to another folder for real accounts"
        )
    Vault.from_settings(settings)
    return False


def require_partition(job: str, text: str | None, settings: "Settings") -> None:
    """Raises :class:`UsageError` unless ``text`` (``KEY`` or ``FIRST...LAST``) suits the job.

    Jobs over months, market days or backtests need a partition, the others have none.
    """
    from pipelines.jobs import BACKTESTS, MARKET, STATEMENTS
    from pipelines.partitions import backtest_sets, market_days, months
    from resources.books import read_books

    partitions: Mapping[str, tuple[Callable[[], Any], str, str | None]] = {
        MARKET: (lambda: market_days(settings.first_month), "market day", "2026-03-16"),
        STATEMENTS: (lambda: months(settings.first_month), "month", "2026-03-01"),
        BACKTESTS: (lambda: backtest_sets(read_books(settings.books).values()), "set of parameters", None),
    }
    if job not in partitions:
        if text is not None:
            raise UsageError(f"{job} has no partitions; leave --partition out")
        return
    make, kind, example = partitions[job]
    known = make().get_partition_keys(current_time=settings.now())
    if not known:
        raise UsageError(f"there is no {kind}: no book's file has a section {job}")
    example = example or known[0]
    if text is None:
        raise UsageError(f"{job} works on a {kind}: add --partition {example}, or FIRST...LAST for a range")
    keys = text.split("...")
    unknown = [key for key in keys if key not in known]
    if len(keys) > 2 or unknown:
        raise UsageError(
            f"there is no {kind} {', '.join(map(repr, unknown or [text]))}; from {known[0]} to {known[-1]}, "
            f"written as {example}"
        )
    if len(keys) == 2 and known.index(keys[0]) > known.index(keys[1]):
        raise UsageError(f"{keys[0]} is after {keys[1]}; the first comes first")


def csv_rows(path: Path) -> tuple[list[dict[str, str | None]], list[str]]:
    """The rows of a CSV file as text by column name, and its columns, in lower case.

    Raises:
        UsageError: there is no such file, or it is no CSV file in UTF-8.
    """
    import csv

    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = [name.strip().lower() for name in reader.fieldnames or ()]
            rows = [dict(zip(columns, list(row.values())[: len(columns)], strict=False)) for row in reader]
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is no CSV file in UTF-8: {error}") from None
    return rows, columns


def csv_table(path: Path) -> "pl.DataFrame":
    """The same as a table of texts, for files with millions of cells.

    Raises:
        UsageError: there is no such file, or it is no CSV file in UTF-8.
    """
    import polars as pl

    try:
        table = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=False)
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"{path} is no CSV file in UTF-8: {str(error).splitlines()[0]}") from None
    names = [name.strip().lower() for name in table.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{path}: columns need names of their own: {', '.join(twice)}")
    return table.rename(dict(zip(table.columns, names, strict=True)))
