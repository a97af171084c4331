"""`--as-known-on`: what a command reads is the past, rebuilt.

What belongs here: the option, and the installation a command gets by it. What does not: the rebuilding
(``pipelines.rebuilding``), or a command.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from pipelines.cli.shell import err

AsKnownOnOption = Annotated[
    str | None,
    typer.Option(
        help="as it was published on a past day, rebuilt from what was received and decided by then: 2026-03-16, or "
        "2026-03-16T12:00 in the book's time zone"
    ),
]


@contextmanager
def at(manna: Any, book: str, period: str, as_known_on: str | None, name: str = "") -> Iterator[Any]:
    """``manna`` itself, or its past with the reports of that book and month, quarter or year made in it.

    A tax report (``name``) of a year that was closed by then has what became known of it up to that day, as it would have
    had then. Says on stderr where what is rebuilt is not what was published then.
    """
    if as_known_on is None:
        yield manna
        return
    from manna.ledger.closing import closed_through
    from manna.statements.tax_year import BY_TAX_DATE
    from pipelines.rebuilding import as_published, editions, read_moment
    from pipelines.reporting import last_month, read_span, require_book

    require_book(manna, book)
    span = read_span(period)
    moment = read_moment(as_known_on, manna.books[book].time_zone, manna.settings.now())
    month = last_month(span, editions(manna, book, moment).to_dicts())
    before = [one for one in span.months if one < month]
    closed = closed_through(manna.ops.closings(book, moment))
    late = span.kind == "year" and name in BY_TAX_DATE and closed is not None and closed >= span.last
    with as_published(manna, book, month, moment, before, late=late) as (past, warning):
        if warning:
            err.print(f"note: {warning}", style="yellow", highlight=False, soft_wrap=True)
        yield past
