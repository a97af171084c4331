"""Pages: one HTML document per book and month, the index over them, and any table as a document.

What belongs here: putting figures, charts and tables into templates. What does not: finance, and where
the document is written.

A page is complete in itself: no script, no font, no picture from anywhere, and a Content-Security-Policy
that would refuse them, so a merchant who calls himself ``<script>`` stays a text twice over. Equal input
gives equal bytes.
"""

import base64
import calendar
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import groupby
from pathlib import Path

import jinja2
import polars as pl

from manna.books import Book
from manna.contracts.reports import STATEMENTS
from manna.documents import charts, numerals, tables
from manna.documents.cover import Cover
from manna.documents.figures import Figure, figures
from manna.documents.keyfigures import key_figures
from manna.documents.statements import ALWAYS, TITLES, of_a_month, statement_tables

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One page in the index. ``period`` is the month's first day; ``reason`` says why it is held."""

    book: str
    name: str
    period: date
    status: str
    complete_through: date | None = None
    reason: str | None = None
    provisional: bool = False
    has_tear_sheet: bool = False

    @property
    def path(self) -> str:
        """Where the page is, relative to the index: ``household/2026-03.html``."""
        return f"{self.book}/{self.period:%Y-%m}.html"

    @property
    def tear_sheet(self) -> str:
        """Where the month's tear sheet is, relative to the index; empty where it has no page."""
        return f"{self.book}/{self.period:%Y-%m}-tear-sheet.html" if self.has_tear_sheet else ""


def month_page(
    book: Book,
    period: date,
    statements: dict[str, pl.DataFrame],
    publication: dict[str, object],
    alerts: pl.DataFrame | None = None,
    explained: str = "",
    tear_sheet: str = "",
) -> str:
    """The document of one book and month.

    Args:
        book: whose it is; its currency comes first, its time zone is that of the moments shown.
        period: the month's first day.
        statements: the frames of :mod:`manna.contracts.reports` by name, only this book's rows. Missing
            or empty ones are said to be empty. ``net_worth`` has a line per month end; further months of
            ``income_statement`` are drawn as a chart.
        publication: the row of ``reports.publications``, by column.
        alerts: open alerts with the columns ``severity`` and ``message``.
        explained: address of the page on what each figure is made of, where there is one.
        tear_sheet: address of the page on how the investments have done, where there is one.

    Raises:
        ValueError: ``period`` is not the first day of a month.
    """
    if period.day != 1:
        raise ValueError(f"a period is the first day of a month, not {period}")
    current = {name: tables.for_period(frame, period) for name, frame in statements.items()}
    currencies = tables.currencies(current.values(), book.currency)
    return _render(
        "month.html.j2",
        book=book,
        period=period,
        open_through=_open_through(period, publication.get("complete_through")),
        publication=publication,
        provisional=bool(publication.get("provisional")),
        known_at=numerals.moment(publication.get("known_at"), book.time_zone),  # type: ignore[arg-type]
        reasons=_listed(publication.get("reason")),
        open_items=_listed(publication.get("open_items")),
        alerts=[] if alerts is None else alerts.to_dicts(),
        explained=explained,
        tear_sheet=tear_sheet,
        key_figures=[key_figures(statements, period, currency) for currency in currencies],
        figures=figures(statements, period, currencies),
        statements=list(_shown(current, period, currencies)),
    )


def _shown(
    current: dict[str, pl.DataFrame], period: date, currencies: list[str]
) -> Iterator[tuple[str, str, list[tables.Table]]]:
    """Name, title and tables of each statement; one that is empty only where it is always there."""
    day = _last_day(current.get("net_worth"), period)
    for contract in STATEMENTS:
        frame = of_a_month(current.get(contract.name, pl.DataFrame()), period)
        found = statement_tables(contract.name, frame, period, currencies, day)
        if found or contract.name in ALWAYS:
            yield contract.name, TITLES[contract.name], found


def index_page(entries: Iterable[IndexEntry], data_docs: str | None = None) -> str:
    """The list of all pages: books by name, each with its months, the newest first.

    ``data_docs``: where the index of the examined tables is, relative to this page, if it is there.
    """
    ordered = sorted(
        entries, key=lambda entry: (entry.name.casefold(), entry.book, -entry.period.toordinal())
    )
    books = [(next(iter(group)).name, group) for group in _grouped(ordered)]
    return _render("index.html.j2", books=books, data_docs=data_docs)


def statement_page(cover: Cover, found: Iterable[tables.Table]) -> str:
    """One statement of any span as a document, with its cover."""
    return _render("statement.html.j2", cover=cover, tables=list(found))


def render_page(template: str, **context: object) -> str:
    """A document in the frame of every page."""
    return _render(template, **context)


def table_page(frame: pl.DataFrame, *, title: str) -> str:
    """Any frame as a document: one table, values as they are stored."""
    columns, rows = tables.plain(frame)
    return _render("table.html.j2", title=title, columns=columns, rows=rows)


def render_own(template: str, style: str, **context: object) -> str:
    """A document in the frame of every page, with more style than theirs."""
    css = f"{_css()}\n{style}"
    return _environment().get_template(template).render({"css": css, "css_hash": _css_hash(css), **context})


def render_picture(figure: Figure) -> str:
    """One figure as an SVG document that needs no page around it."""
    return _environment().get_template("plot.svg.j2").render({"figure": figure, "css": _css(page=False)})


def _grouped(ordered: list[IndexEntry]) -> list[list[IndexEntry]]:
    return [list(group) for _, group in groupby(ordered, key=lambda entry: entry.book)]


def _listed(text: object) -> list[str]:
    """The items of a text in which they are separated by ``; ``, each begun with a capital."""
    items = [item.strip() for item in str(text or "").split("; ")]
    return [item[0].upper() + item[1:] for item in items if item]


def _month_end(period: date) -> date:
    return period.replace(day=calendar.monthrange(period.year, period.month)[1])


def _last_day(net_worth: pl.DataFrame | None, period: date) -> date:
    """The day the month's figures stand on: its end, or the last known day of an open month."""
    days = [] if net_worth is None or net_worth.is_empty() else net_worth["as_of"].to_list()
    return max((day for day in days if day >= period), default=_month_end(period))


def _open_through(period: date, complete_through: object) -> date | None:
    """The day up to which a month that is not over (or not fully known) has its figures."""
    known = isinstance(complete_through, date) and complete_through < _month_end(period)
    return complete_through if known else None  # type: ignore[return-value]


def _render(template: str, **context: object) -> str:
    return _environment().get_template(template).render(context)


@cache
def _environment() -> jinja2.Environment:
    """Autoescape always on; a name that a template misspells is an error, not a gap on the page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(css=_css(), css_hash=_css_hash(_css()), geometry=charts)
    environment.filters.update(
        amount=numerals.amount,
        percent=numerals.percent,
        long_date=numerals.long_date,
        month_name=numerals.month_name,
    )
    return environment


@cache
def _css(*, page: bool = True) -> str:
    sheets = ("drawing.css", "page.css") if page else ("drawing.css",)
    return "\n".join((_TEMPLATES / sheet).read_text(encoding="utf-8") for sheet in sheets)


def _css_hash(css: str) -> str:
    """What the Content-Security-Policy admits: this very style sheet."""
    return f"sha256-{base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()}"
