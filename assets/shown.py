"""What an operator sees of a table in Dagster's UI beside its counts: a few rows worth reading, and pictures.

What belongs here: which rows and columns those are. What does not: how they look (``manna.documents``). No column of it
names an account; numbers of accounts within a bank's words are masked. Each costs about 10 ms a night.
"""

from typing import Any

import dagster as dg

from resources.installation import Installation

PREVIEWS = {
    "ledger.journal": (
        "newest entries",
        "SELECT date, book, description, kind FROM ledger.journal ORDER BY date DESC, entry_id LIMIT 8",
    ),
    "categorized.recurring": (
        "expected next",
        "SELECT next_on, book, merchant, next_amount AS amount, currency, cadence FROM categorized.recurring "
        "WHERE status = 'active' ORDER BY next_on, merchant LIMIT 8",
    ),
    "categorized.insights": (
        "newest",
        "SELECT date, book, kind, message FROM categorized.insights ORDER BY date DESC, insight_id LIMIT 8",
    ),
    "portfolio.drift": (
        "weights",
        "SELECT book, security_id AS security, weight, target, drift, band, breached FROM portfolio.drift "
        "ORDER BY breached DESC, abs(drift) DESC, book, security_id LIMIT 20",
    ),
    "portfolio.returns": (
        "all investments of a book",
        "SELECT book, span, until, time_weighted, money_weighted FROM portfolio.returns WHERE scope = 'book' "
        "AND span IN ('year to date', 'since inception') ORDER BY until DESC, book, span LIMIT 8",
    ),
    "reports.publications": (
        "newest months",
        "SELECT period, book, status, complete_through, reason, open_items FROM reports.publications "
        "ORDER BY period DESC, book LIMIT 8",
    ),
}
"""By table: what the rows are called, and the query for them."""
_WORTH = (
    "WITH year AS (SELECT * FROM portfolio.valuations WHERE date > (SELECT max(date) FROM portfolio.valuations) - INTERVAL 1 YEAR) "
    "SELECT book, currency, date, sum(value) AS value FROM year ANTI JOIN (SELECT account_id, security_id FROM year WHERE value IS NULL) "
    "USING (account_id, security_id) GROUP BY ALL ORDER BY ALL"
)
"""Funds have the institution's price on some days only: with them a line would jump."""


def previewed(manna: Installation, address: str) -> dict[str, Any]:
    """The rows of a table that are worth reading, as metadata."""
    from manna.documents.markdown import preview

    name, query = PREVIEWS[address]
    return {name: dg.MetadataValue.md(preview(manna.lake.query(query)))}


def worth(manna: Installation) -> dict[str, Any]:
    """What investments were worth over the last year, as a picture per book."""
    from manna.documents.asset_plots import worth_plots  # Jinja costs 0.1 s, and every process would pay it

    drawn = worth_plots(manna.lake.query(_WORTH), {book.id: book.currency for book in manna.books.values()})
    return {"plots": dg.MetadataValue.md(drawn)} if drawn else {}
