"""The cash flow statement: where cash came from and where it went."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import CASH_FLOW
from manna.statements.balances import FINANCING, INVESTING, OPENING, OPERATING, MonthlyBalances, is_cash
from manna.statements.presentation import numbered, total, with_totals

SECTIONS = (OPERATING, INVESTING, FINANCING, OPENING)
CASH = "Cash"
OPENING_CASH, NET_CHANGE, ENDING_CASH = "Opening cash", "Net change in cash", "Ending cash"
_AMOUNTS = ("amount",)


def cash_flow(book: Book, balances: MonthlyBalances) -> pl.DataFrame:
    """Cash flows of each month by the direct method, by counter account; positive = cash in.

    Cash is what :func:`manna.statements.balances.is_cash` says, so a transfer between own accounts is no
    flow and a card purchase is none until the card is paid. Operating: income, expenses, cards.
    Investing: securities and other assets. Financing: loans and equity. Opening balances, a section only
    of months that have any, are cash that was there before the books began. Ending cash is opening
    cash plus the flows, and so proves them against the balance sheet (:mod:`tie_out`).

    Returns:
        ``reports.cash_flow`` of every month in ``balances.months``.
    """
    months, flows = balances.months, balances.flows
    is_opening = pl.col("section") == OPENING
    rows = with_totals(flows, months, SECTIONS, _AMOUNTS)
    rows = rows.filter(~(is_opening & (pl.col("level") == "total") & (pl.col("amount") == 0)))
    held = balances.accounts.filter(is_cash(pl.col("account")))
    opening = held.select("period", "currency", amount=pl.col("opening"))
    ending = pl.concat([opening, flows.select("period", "currency", "amount")], how="vertical_relaxed")
    last = len(SECTIONS)
    return numbered(
        CASH_FLOW,
        book,
        pl.concat(
            [
                total(opening, months, -1, CASH, OPENING_CASH, _AMOUNTS),
                rows,
                total(flows, months, last, CASH, NET_CHANGE, _AMOUNTS),
                total(ending, months, last + 1, CASH, ENDING_CASH, _AMOUNTS),
            ]
        ),
    )
