"""The statement of changes in equity: why equity is not what it was."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import CHANGES_IN_EQUITY
from manna.statements.balance import UNREALIZED
from manna.statements.balances import MonthlyBalances, root
from manna.statements.income import NET_INCOME, is_result
from manna.statements.presentation import numbered, total, with_totals

OPENING_EQUITY, ENDING_EQUITY = "Opening equity", "Ending equity"
EQUITY = "Equity"
CONTRIBUTIONS, DRAWS, OPENINGS = "Contributions", "Draws", "Opening balances"
BETWEEN = "Between own books"
PRIOR_PERIODS, SHELTERED, OTHER = (
    "Prior-period adjustments",
    "Results of sheltered accounts",
    "Other movements",
)
SECTION_OF_EQUITY = (
    (r"^Equity:Revaluation", UNREALIZED),
    (r"^Equity:Opening", OPENINGS),
    (r"^Equity:Prior", PRIOR_PERIODS),
    (r"^Equity:Sheltered Accounts", SHELTERED),
    # What a firm calls a draw or a contribution, its owner's household received from it or paid into it.
    (r"^Equity:(Received|Owner's Draws|Contributions) from |^Equity:Contributions to ", BETWEEN),
    (r"^Equity:(.+:)?[^:]*\b(Contributions?|Capital|Stock)\b", CONTRIBUTIONS),
    (r"^Equity:(.+:)?[^:]*\b(Draws?|Distributions?|Dividends?)\b", DRAWS),
)
"""Section by the equity account, the first expression that fits; whatever fits none is another movement."""
SECTIONS = (CONTRIBUTIONS, DRAWS, BETWEEN, UNREALIZED, OPENINGS, PRIOR_PERIODS, SHELTERED, OTHER)
_AMOUNTS = ("amount", "year_to_date")


def changes_in_equity(book: Book, balances: MonthlyBalances, unrealized: pl.DataFrame) -> pl.DataFrame:
    """Equity at the beginning, all that changed it, and at the end; of the month and of the year so far.

    Change in equity = net income + contributions - draws (a household: + what it received from its own firms - what it paid into them) + change in unrealized gains + openings + adjustments of
    earlier periods + results of sheltered accounts (which are no income) + other movements (suspense, unknown basis: what nobody has explained yet). Positive is more equity
    throughout, so draws are negative. A household's equity is at current value, a firm's at cost, as on the balance
    sheet, whose equity it ends with (:mod:`tie_out`).

    Args:
        unrealized: :func:`manna.statements.net_worth.unrealized`; empty for a firm.

    Returns:
        ``reports.changes_in_equity`` of every month in ``balances.months``.
    """
    months, accounts = balances.months, balances.accounts
    moved = accounts.with_columns(-pl.col("amount", "year_to_date", "opening", "closing"))
    gains = _unrealized(unrealized, accounts)
    equity = moved.filter((root(pl.col("account")) == EQUITY) | is_result())
    opening = _opening(equity, gains)
    named = moved.filter(root(pl.col("account")) == EQUITY).with_columns(
        section=section_of_equity(pl.col("account"))
    )
    columns = ["period", "currency", "section", "account", *_AMOUNTS]
    lines = pl.concat([part.select(columns) for part in (named, gains)], how="vertical_relaxed")
    rows = with_totals(lines, months, SECTIONS, _AMOUNTS)
    nothing = (pl.col("level") == "total") & pl.all_horizontal(pl.col(_AMOUNTS) == 0)
    earned = moved.filter(is_result())
    ending = pl.concat(
        [part.select(opening.columns) for part in (opening, lines, earned)], how="vertical_relaxed"
    )
    return numbered(
        CHANGES_IN_EQUITY,
        book,
        pl.concat(
            [
                total(opening, months, -2, EQUITY, OPENING_EQUITY, _AMOUNTS),
                total(earned, months, -1, NET_INCOME, NET_INCOME, _AMOUNTS),
                rows.filter(~nothing),
                total(ending, months, len(SECTIONS), EQUITY, ENDING_EQUITY, _AMOUNTS),
            ],
            how="vertical_relaxed",
        ),
    )


def _opening(*parts: pl.DataFrame) -> pl.DataFrame:
    """What each month began with, and what its year did."""
    stood = {"amount": pl.col("opening"), "year_to_date": pl.col("closing") - pl.col("year_to_date")}
    return pl.concat([part.select("period", "currency", **stood) for part in parts], how="vertical_relaxed")


def section_of_equity(account: pl.Expr) -> pl.Expr:
    """The section of the statement that an equity account's movements stand in (:data:`SECTION_OF_EQUITY`)."""
    section = pl.lit(OTHER)
    for pattern, name in reversed(SECTION_OF_EQUITY):
        section = pl.when(account.str.contains(pattern)).then(pl.lit(name)).otherwise(section)
    return section


def _unrealized(unrealized: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """What is unrealized in each currency as if it were an account: ``opening``, ``amount``, ``year_to_date``, ``closing``."""
    months = accounts.select("currency", "period").unique()
    sums = unrealized.group_by("currency", "period").agg(closing=pl.col("unrealized").sum())
    held = months.join(sums, on=["currency", "period"], how="left").sort("currency", "period")
    year = ["currency", pl.col("period").dt.year()]
    stands = held.with_columns(pl.col("closing").fill_null(0))
    stands = stands.with_columns(opening=pl.col("closing").shift(1).over("currency").fill_null(0))
    return stands.with_columns(
        account=pl.lit(f"Change in {UNREALIZED.lower()}"),
        section=pl.lit(UNREALIZED),
        amount=pl.col("closing") - pl.col("opening"),
        year_to_date=pl.col("closing") - pl.col("opening").first().over(year),
    )
