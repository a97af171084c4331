"""A past report, made again from ``raw`` and the decisions of its day. Nothing is written.

What belongs here: which stages are made in what order, and which moment a report is of. What does not: any stage
(``assets``), or how the past is kept apart from the present (``resources.past``).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from assets import categorized, clean, findings, ledger, performance, portfolio, reports, tax
from manna.cleaning import CLEANERS
from resources.installation import CODE_VERSION, Installation
from resources.past import Past

_RUN = "as known on a past moment"


class MomentError(Exception):
    """No such moment. One line that says how it is written."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A published version of a book's month: ``reports.editions``."""

    content_hash: str
    code_version: str
    known_at: datetime


def read_moment(text: str, zone: str, now: datetime) -> datetime:
    """``2026-03-16`` (the end of that day in the book's ``zone``) or ``2026-03-16T12:00`` with or without offset.

    Raises:
        MomentError: it is neither, or has not come yet.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise MomentError(f"{text!r} is no moment; write 2026-03-16 or 2026-03-16T12:00+00:00") from error
    if len(text) <= len("2026-03-16"):
        found = found.replace(hour=23, minute=59, second=59, microsecond=999_999)
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(zone))
    if found.date() > now.astimezone(found.tzinfo).date():
        raise MomentError(f"{text} has not come yet; now it is {now:%Y-%m-%d %H:%M %Z}")
    return found.astimezone(now.tzinfo)


def editions(manna: Installation, book: str, moment: datetime) -> pl.DataFrame:
    """Rows of ``reports.editions`` that were in force at a moment: the last of each month by then."""
    rows = manna.lake.read("reports.editions", {"book": book}).filter(pl.col("known_at") <= moment)
    return rows.sort("number").unique("period", keep="last", maintain_order=True)


def edition_of(manna: Installation, book: str, period: date, moment: datetime) -> Edition | None:
    """What was published of a book's month at a moment; null where nothing was."""
    last = editions(manna, book, moment).filter(pl.col("period") == period).to_dicts()
    names = ("content_hash", "code_version", "known_at")
    return Edition(**{name: last[0][name] for name in names}) if last else None


@contextmanager
def rebuilt(
    manna: Installation, moment: datetime, book: str | None = None, periods: Sequence[date] = ()
) -> Iterator[Past]:
    """The installation as known on ``moment``, with all tables made.

    Args:
        manna: the installation as it is.
        moment: facts and decisions up to it count.
        book: whose reports are made; null: all books'. (All other stages are made for every book.)
        periods: of which months; none: all.
    """
    past = Past(manna, moment)
    try:
        _stages(past)
        months = list(periods) or past.lake.read("ledger.months")["month"].unique().sort().to_list()
        wanted = [] if book is None else [book]
        past.lake.commit(
            reports.WRITTEN, lambda lake: reports.make(past, wanted, months, _RUN, lake), author=_RUN
        )
        yield past
    finally:
        past.close()


@contextmanager
def as_published(
    manna: Installation,
    book: str,
    period: date,
    moment: datetime,
    before: Sequence[date] = (),
    *,
    late: bool = False,
) -> Iterator[tuple[Past, str]]:
    """A book's month as it was published at ``moment``, made again, and what is to be said of it (empty: nothing).

    What was published then had been made some hours before, as a rule: the facts of *that* moment count. Where no
    publication is recorded, those of ``moment`` do.

    Args:
        before: other months that are made beside it, as they were known then.
        late: all facts up to ``moment`` count. A closed month is the same all the same; what became known of it since
            is in the books then, as adjusting entries.
    """
    edition = edition_of(manna, book, period, moment)
    of = edition.known_at if edition and not late else moment
    with rebuilt(manna, of, book, [*before, period]) as past:
        yield past, _warning(past, book, period, edition)


def _stages(past: Past) -> None:
    """Every table from clean to ledger.months."""
    told, lake = clean.cleaning_context(past), past.lake
    for cleaner in CLEANERS.values():
        clean.refresh(past, cleaner, told)
    lake.commit([], clean.refresh_successions)
    findings.refresh(past)
    for stage in (
        categorized.categorize_books,
        categorized.find_recurring,
        ledger.keep,
        tax.count_gains,
        portfolio.value_books,
        portfolio.measure_books,
        performance.measure,
        ledger.refresh_months,
    ):
        lake.commit([], lambda transaction, stage=stage: stage(past, [], transaction))  # type: ignore[misc]


def _warning(past: Past, book: str, period: date, edition: Edition | None) -> str:
    if edition is None:
        return "no publication of then is recorded: this is what was known"
    rows = past.lake.read("reports.publications", {"book": book, "period": period})
    if not rows.is_empty() and rows["content_hash"][0] == edition.content_hash:
        return ""
    versions = f"made by version {edition.code_version}, this is {CODE_VERSION}"
    return f"differs from what was published then (hash {edition.content_hash[:12]}, {versions})"
