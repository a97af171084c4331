"""The cash flow statement, by both methods: where cash came from and where it went."""

import polars as pl

from manna.books import Book
from manna.contracts.reports import CASH_FLOW, CASH_FLOW_INDIRECT
from manna.statements.balances import MonthlyBalances
from manna.statements.flows import (
    EXCHANGE,
    FINANCING,
    INVESTING,
    OPENING,
    OPERATING,
    UNRESOLVED,
    is_cash,
    section_of_flow,
)
from manna.statements.income import NET_INCOME, is_result
from manna.statements.presentation import numbered, total, with_totals

SECTIONS = (OPERATING, INVESTING, FINANCING, EXCHANGE, UNRESOLVED, OPENING)
SELDOM = (EXCHANGE, UNRESOLVED, OPENING)
"""Sections only of months, or years so far, that have any."""
CASH = "Cash"
OPENING_CASH, NET_CHANGE, ENDING_CASH = "Opening cash", "Net change in cash", "Ending cash"
ADJUSTMENTS, CHANGES, UNCASHED = "Adjustments", "Changes in operating balances", "Non-cash activities"
_AMOUNTS = ("amount", "year_to_date")


def cash_flow(book: Book, balances: MonthlyBalances) -> pl.DataFrame:
    """Cash flows of each month by the direct method, by counter account; positive = cash in.

    Cash is what :func:`manna.statements.flows.is_cash` says, so a transfer between own accounts is no
    flow and a card purchase is none until the card is paid. Operating: income, expenses, cards.
    Investing: securities and other assets, what was paid and what came in for them apart. Financing: loans and equity.
    Sections only where there is any: currency exchanged; unresolved transfers, to or from accounts that are not linked
    (which of the three they are nobody has said); opening balances, cash that was there before the books began. Ending cash is opening
    cash plus the flows, and so proves them against the balance sheet (:mod:`tie_out`).

    Returns:
        ``reports.cash_flow`` of every month in ``balances.months``.
    """
    rows = _without_empty(with_totals(_by_line(balances), balances.months, SECTIONS, _AMOUNTS), SELDOM)
    return numbered(CASH_FLOW, book, pl.concat([rows, *_cash(balances, -1, len(SECTIONS))]))


def cash_flow_indirect(book: Book, balances: MonthlyBalances) -> pl.DataFrame:
    """Cash flows of each month by the indirect method (ASC 230-10-45-28): from net income to operating cash.

    Adjustments take back income and expenses that moved no cash (reinvested dividends, an employer's contributions,
    depreciation) or whose cash is investing (gains, the fees of a trade). Changes in operating balances are those of
    cards, payables, receivables and the like; a card's purchases are in net income and its payments in cash, and the
    change of its balance is between them. Investing and financing are those of :func:`cash_flow`. What moved no cash at
    all is listed apart, by account, positive = where it came from; it sums to zero.

    Returns:
        ``reports.cash_flow_indirect`` of every month in ``balances.months``.
    """
    months = balances.months
    earned = balances.accounts.filter(is_result()).with_columns(-pl.col(_AMOUNTS))
    lines = _from_net_income(balances)
    other = _by_line(balances).filter(pl.col("section") != OPERATING).select(lines[0].columns)
    apart = balances.uncashed.filter("is_activity").with_columns(-pl.col(_AMOUNTS), section=pl.lit(UNCASHED))
    sections = (NET_INCOME, ADJUSTMENTS, CHANGES, OPERATING, *SECTIONS[1:])
    rows = with_totals(pl.concat([*lines, other], how="vertical_relaxed"), months, sections, _AMOUNTS)
    rows = _without_empty(rows, (NET_INCOME, ADJUSTMENTS, CHANGES, OPERATING, *SELDOM))
    provided = pl.concat([earned, *lines], how="diagonal_relaxed")
    last = len(sections) + 3
    noncash = with_totals(apart, months, (UNCASHED,), _AMOUNTS).filter(pl.col("level") == "line")
    return numbered(
        CASH_FLOW_INDIRECT,
        book,
        pl.concat(
            [
                total(earned, months, 0, NET_INCOME, NET_INCOME, _AMOUNTS),
                rows,
                total(provided, months, 3, OPERATING, f"Total {OPERATING.lower()}", _AMOUNTS),
                *_cash(balances, -1, len(sections)),
                noncash.with_columns(rank=pl.lit(last, pl.Int64)),
            ],
            how="vertical_relaxed",
        ),
    )


def _from_net_income(balances: MonthlyBalances) -> list[pl.DataFrame]:
    """What lies between net income and operating cash, by account: the adjustments, and the changes of balances."""
    moved = balances.flows.filter(pl.col("section") != OPERATING)
    adjusted = pl.concat(
        [
            part.select("period", "currency", "account", *_AMOUNTS)
            for part in (moved.with_columns(-pl.col(_AMOUNTS)), balances.uncashed)
        ],
        how="vertical_relaxed",
    )
    operating = ~is_result() & ~is_cash(pl.col("account")) & (section_of_flow(pl.col("account")) == OPERATING)
    changed = balances.accounts.filter(operating).with_columns(-pl.col(_AMOUNTS))
    changes = pl.concat(
        [changed.select(adjusted.columns), adjusted.filter(operating)], how="vertical_relaxed"
    )
    return [
        part.group_by("period", "currency", "account")
        .agg(pl.col(_AMOUNTS).sum())
        .with_columns(section=pl.lit(name))
        for name, part in ((ADJUSTMENTS, adjusted.filter(is_result())), (CHANGES, changes))
    ]


def _by_line(balances: MonthlyBalances) -> pl.DataFrame:
    """The flows by what they stand as."""
    key = ["period", "currency", "section", "line"]
    return balances.flows.group_by(key).agg(pl.col(_AMOUNTS).sum()).rename({"line": "account"})


def _cash(balances: MonthlyBalances, first: int, last: int) -> list[pl.DataFrame]:
    """Opening cash, the net change, and ending cash; of the year, cash on 1 January is the opening."""
    months, flows = balances.months, balances.flows
    held = balances.accounts.filter(is_cash(pl.col("account")))
    opening = held.select(
        "period", "currency", amount="opening", year_to_date=pl.col("closing") - pl.col("year_to_date")
    )
    ending = pl.concat([opening, flows.select(opening.columns)], how="vertical_relaxed")
    return [
        total(opening, months, first, CASH, OPENING_CASH, _AMOUNTS),
        total(flows, months, last, CASH, NET_CHANGE, _AMOUNTS),
        total(ending, months, last + 1, CASH, ENDING_CASH, _AMOUNTS),
    ]


def _without_empty(rows: pl.DataFrame, sections: tuple[str, ...]) -> pl.DataFrame:
    """Rows without the totals of those ``sections`` in which there is nothing."""
    nothing = (pl.col("level") == "total") & pl.all_horizontal(pl.col(_AMOUNTS) == 0)
    return rows.filter(~(pl.col("section").is_in(sections) & nothing))
