"""The proof that a book's statements tie, before they are published.

What belongs here: identities between and within statements, checked to the last decimal from what the
statements *say*, not from what made them. What does not: whether the ledger agrees with the bank
(``ledger.reconciliation``).
"""

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from manna.books import Book
from manna.contracts.reports import EARLIER_RESULTS, STATEMENTS
from manna.statements import agreement
from manna.statements.balance import FUNDING, at_current_value
from manna.statements.cash_flow import CASH, ENDING_CASH, NET_CHANGE, OPENING_CASH, UNCASHED
from manna.statements.comparing import (
    KEY,
    Statement,
    Statements,
    Violation,
    differ,
    minus,
    month_later,
    or_zero,
    plus,
    summed,
    unequal,
    where,
)
from manna.statements.flows import OPERATING, is_cash
from manna.statements.income import NET_INCOME, NET_INCOME_OF_YEAR
from manna.statements.presentation import group
from manna.statements.trial import TOTAL

_BY_ACCOUNT = {
    "income_statement": ("amount", "previous", "year_to_date"),
    "balance_sheet": ("amount", "previous", "unrealized", "value"),
    "cash_flow": ("amount", "year_to_date"),
    "cash_flow_indirect": ("amount", "year_to_date"),
    "changes_in_equity": ("amount", "year_to_date"),
    "dividends_and_interest": ("amount", "year_to_date"),
    "budget": ("budget", "amount", "budget_to_date", "year_to_date"),
}
"""Amounts of the tables that have sections of accounts with a total each."""


def tie_out(book: Book, frames: Mapping[str, pl.DataFrame]) -> list[str]:
    """Every reason for which the statements do not tie, by month; empty when they do.

    Args:
        book: whose statements they are; a row of another book is a violation.
        frames: the result of :func:`manna.statements.statements`, of any number of periods.

    Raises:
        KeyError: a statement is missing altogether.
    """
    found = violations_by_period(book, frames)
    return [f"{period:%Y-%m}: {text}" for period in sorted(found) for text in found[period]]


def violations_by_period(book: Book, frames: Mapping[str, pl.DataFrame]) -> dict[date, list[str]]:
    """The violations of :func:`tie_out` by month, for a gate that holds single months back."""
    made = {name: Statement(frame) for name, frame in frames.items()}
    found: dict[date, list[str]] = {}
    for check in (
        _contracts,
        _totals,
        _trial,
        _balance,
        _cash,
        _equity,
        _net_worth,
        _chain,
        *agreement.CHECKS,
    ):
        for period, text in check(book, made):
            found.setdefault(period, []).append(text)
    return found


def _contracts(book: Book, made: Statements) -> Iterator[Violation]:
    """Rows keep their contract and belong to the book."""
    for contract in STATEMENTS:
        name, frame = contract.name, made[contract.name].rows
        reasons = frame.select("period", reason=contract.violations(frame)).explode("reason")
        other = frame.filter(pl.col("book") != book.id).select("period", reason=pl.lit("row of another book"))
        both = pl.concat([reasons.drop_nulls(), other]).unique().sort("period", "reason")
        yield from ((period, f"{name}: {reason}") for period, reason in both.iter_rows())


def _totals(_: Book, made: Statements) -> Iterator[Violation]:
    """Each total and subtotal is the sum of its lines."""
    for name, amounts in _BY_ACCOUNT.items():
        frame, lines = made[name].rows, made[name].lines
        in_section = [*KEY, "section"]
        # Of more than its lines, or of none.
        derived = [FUNDING, *([OPERATING, UNCASHED, CASH] if name == "cash_flow_indirect" else [])]
        of_lines = ~pl.col("section").is_in(derived)
        sums = lines.filter(of_lines).group_by(in_section).agg(pl.col(amounts).sum())
        totals = frame.filter(pl.col("account") == "Total " + pl.col("section").str.to_lowercase())
        totals = totals.filter(of_lines, level="total")
        yield from unequal(name, totals.select(*in_section, "account", *amounts), sums, in_section, amounts)
        in_groups = lines.filter(pl.col("section") != UNCASHED)
        groups = in_groups.group_by([*in_section, group(pl.col("account")).alias("account")])
        # One line has no subtotal, and payers and what moved no cash have none at all.
        has_one = pl.lit(name != "dividends_and_interest") & (pl.col("len") > 1)
        sums = groups.agg(pl.col(amounts).sum(), pl.len()).filter(has_one)
        subtotals = frame.filter(pl.col("level") == "subtotal").select(*in_section, "account", *amounts)
        yield from unequal(name, subtotals, sums, [*in_section, "account"], amounts)
    income, lines = made["income_statement"].rows, made["income_statement"].lines
    sign = pl.when(pl.col("section") == "Income").then(1).otherwise(-1)
    sums = lines.group_by(KEY).agg((pl.col(a) * sign).sum() for a in _BY_ACCOUNT["income_statement"])
    net = income.filter(pl.col("account") == NET_INCOME).select(
        *KEY, "account", *_BY_ACCOUNT["income_statement"]
    )
    yield from unequal("income_statement", net, sums, KEY, _BY_ACCOUNT["income_statement"])


def _trial(_: Book, made: Statements) -> Iterator[Violation]:
    """Debits equal credits, and both totals are the sums of their sides."""
    trial = made["trial_balance"]
    sides = ("debit", "credit", "unadjusted_debit", "unadjusted_credit")
    for two, when in ((sides[:2], ""), (sides[2:], " before adjustments")):
        debit, credit = (trial.figure(TOTAL, side) for side in two)
        yield from differ(debit, credit, f"total debits{when}", f"total credits{when}")
    lines = trial.lines.group_by(KEY).agg(pl.col(sides).sum())
    totals = trial.rows.filter(level="total").select(*KEY, "account", *sides)
    yield from unequal("trial_balance", totals, lines, KEY, sides)


def _balance(book: Book, made: Statements) -> Iterator[Violation]:
    """Assets equal liabilities and equity: now, at the end of the month before, and a household's at current value."""
    sheet = made["balance_sheet"]
    columns = [("amount", ""), ("previous", " a month before")]
    for column, when in (*columns, *([("value", " at current value")] if at_current_value(book) else [])):
        assets, owed, equity, funding = (
            sheet.figure(f"Total {name}", column)
            for name in ("assets", "liabilities", "equity", FUNDING.lower())
        )
        yield from differ(assets, funding, f"assets{when}", f"liabilities and equity{when}")
        yield from differ(
            funding, plus(owed, equity), f"liabilities and equity{when}", f"the sum of both{when}"
        )


def _cash(_: Book, made: Statements) -> Iterator[Violation]:
    """The cash flow statement ends and begins at the balance sheet's cash, and its sections add up."""
    flow = made["cash_flow"]
    opening, change, ending = (flow.figure(name) for name in (OPENING_CASH, NET_CHANGE, ENDING_CASH))
    cash = made["balance_sheet"].lines.filter(is_cash(pl.col("account")))
    for stated, name, column in ((ending, "ending cash", "amount"), (opening, "opening cash", "previous")):
        yield from differ(stated, or_zero(stated, summed(cash, column)), name, "cash on the balance sheet")
    yield from differ(
        change, or_zero(change, summed(flow.lines)), "net change in cash", "the sum of the flows"
    )
    yield from differ(ending, plus(opening, change), "ending cash", "opening cash and net change")


def _equity(book: Book, made: Statements) -> Iterator[Violation]:
    """Equity changes by net income and by what the other equity accounts moved, and by nothing else.

    What it holds of results is the year's net income so far, and of earlier years what the trial balance says.
    """
    sheet, income = made["balance_sheet"], made["income_statement"]
    lines = sheet.lines.filter(section="Equity")
    earlier, results = EARLIER_RESULTS[book.kind], [EARLIER_RESULTS[book.kind], NET_INCOME_OF_YEAR]
    other = lines.filter(~pl.col("account").is_in(results))
    explained = plus(income.figure(NET_INCOME), summed(other, pl.col("amount") - pl.col("previous")))
    change = plus(sheet.figure("Total equity"), minus(sheet.figure("Total equity", "previous")))
    yield from differ(change, explained, "change in equity", "net income and other equity movements")
    net = income.figure(NET_INCOME, "year_to_date")
    held = or_zero(net, summed(lines.filter(account=NET_INCOME_OF_YEAR)))
    yield from differ(held, net, "net income of the year in equity", "on the income statement")
    trial = made["trial_balance"].lines.filter(account=earlier)
    stated = or_zero(net, summed(trial, pl.col("credit") - pl.col("debit")))
    held = or_zero(net, summed(lines.filter(account=earlier)))
    yield from differ(held, stated, earlier.lower(), "on the trial balance")


def _net_worth(_: Book, made: Statements) -> Iterator[Violation]:
    """Net worth is assets + unrealized - liabilities, and its last line stands on the balance sheet."""
    worth, sheet = made["net_worth"].rows, made["balance_sheet"]
    formula = pl.col("assets_at_cost") + pl.col("unrealized") - pl.col("liabilities")
    for row in worth.filter(pl.col("net_worth") != formula).sort("period", "line").iter_rows(named=True):
        text = f"net worth of {row['as_of']} ({row['currency']}) is {row['net_worth']}, not assets at cost"
        yield row["period"], f"{text} + unrealized - liabilities"
    last = worth.filter(pl.col("as_of") == pl.col("as_of").max().over(KEY))
    for column, name in (("assets_at_cost", "assets"), ("liabilities", "liabilities")):
        yield from differ(
            summed(last, column), sheet.figure(f"Total {name}"), f"net worth's {name}", f"total {name}"
        )


def _chain(_: Book, made: Statements) -> Iterator[Violation]:
    """A month begins where the month before ended, where both are here."""
    income, sheet, flow = (made[name] for name in ("income_statement", "balance_sheet", "cash_flow"))
    links = (
        (flow.figure(OPENING_CASH), flow.figure(ENDING_CASH), "opening cash", "ending cash"),
        *(
            (sheet.figure(f"Total {n}", "previous"), sheet.figure(f"Total {n}"), f"previous {n}", n)
            for n in ("assets", "liabilities", "equity")
        ),
        (
            income.figure(NET_INCOME, "previous"),
            income.figure(NET_INCOME),
            "previous net income",
            "net income",
        ),
    )
    for opening, ending, name, of_month_before in links:
        ended = where(month_later(ending), opening)
        yield from differ(where(opening, ended), ended, name, f"{of_month_before} of the month before")
