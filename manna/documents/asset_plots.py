"""What an asset came to, as pictures of its own for Dagster's UI: what investments are worth, and what is left over.

What belongs here: choosing what is drawn of a table. What does not: geometry, and how a picture becomes Markdown (``plots``).
Every night's pictures stay in Dagster's log, so they are few.
"""

from collections.abc import Mapping
from datetime import date

import polars as pl

from manna.documents.figures import figures
from manna.documents.line_plots import line, whole
from manna.documents.plots import markdown

_BOOKS = 3
"""So many books are drawn, in order of their names; fifty are not looked at in a list of metadata."""
_DRAWN = ("line", "columns")


def worth_plots(days: pl.DataFrame, currencies: Mapping[str, str]) -> str:
    """What each book's investments were worth day by day, in the book's own currency.

    Args:
        days: ``book, currency, date, value``, a row per day: of what had a price on every one of them.
        currencies: of the books.

    Returns:
        Markdown; empty where there is nothing to draw.
    """
    drawn = []
    for book, currency in sorted(currencies.items()):
        known = days.filter(book=book, currency=currency).sort("date")
        if known.height > 1:
            said = f"{book}, {currency}: what had a price on every day"
            drawn.append(markdown(line(known, "value", "Investments", said, whole)))
    return "\n\n".join(drawn[:_BOOKS])


def month_plots(
    statements: Mapping[str, Mapping[str, pl.DataFrame]], period: date, currencies: Mapping[str, str]
) -> str:
    """Net worth, and income beside expenses, of each book up to ``period``.

    Args:
        statements: by book, by name.
        period: first day of the newest month.
        currencies: of the books.

    Returns:
        Markdown; empty where there is nothing to draw.
    """
    drawn = []
    for book, frames in sorted(statements.items())[:_BOOKS]:
        found = figures(dict(frames), period, [currencies[book]])
        shown = [markdown(figure) for figure in found if figure.chart is not None and figure.kind in _DRAWN]
        drawn += [f"**{book}**", *shown] if shown else []
    return "\n\n".join(drawn)
