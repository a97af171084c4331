"""What a line of a statement is made of: the postings behind a figure.

What belongs here: for each statement, which postings (and valuations) a line adds up, with the sign as presented. What
does not: making the statement (the modules beside this one, whose rules these are), the schedules
(:mod:`explaining_schedules`), or where a posting comes from.
"""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from manna.books import Book
from manna.contracts.reports import EARLIER_RESULTS
from manna.ledger.chart import REVALUATION
from manna.statements.balance import (
    FUNDING,
    UNREALIZED,
    at_current_value,
    is_revaluation,
)
from manna.statements.balances import root
from manna.statements.cash_flow import ADJUSTMENTS, CHANGES, ENDING_CASH, NET_CHANGE, OPENING_CASH, UNCASHED
from manna.statements.equity import ENDING_EQUITY, EQUITY, OPENING_EQUITY, section_of_equity
from manna.statements.explaining_schedules import SCHEDULED, translated
from manna.statements.flows import OPERATING, classed, flows_of, is_activity, is_cash, without_cash
from manna.statements.income import NET_INCOME, NET_INCOME_OF_YEAR, is_result
from manna.statements.parts import Line, as_parts, of_account
from manna.statements.sources import Sources
from manna.statements.translation import SECTION_OF_FIGURE

_FIGURES = {"net_worth": "net_worth", "allocation": "value", "realized_gains": "gain"}
"""The column that is explained, where it is not ``amount``."""


def figure_of(statement: str, line: Line) -> Decimal:
    """The figure of a line that is explained: its ``amount``, or what the statement has in its place.

    Debit less credit of a trial balance; a gain, or the proceeds where the basis is unknown; of what is unrealized on the
    balance sheet its current value, for it costs nothing. What is unknown is nothing.
    """
    if statement == "trial_balance":
        return Decimal(line["debit"] - line["credit"])
    if statement == "balance_sheet" and line["account"] == UNREALIZED:
        return Decimal(line["value"])
    if statement == "realized_gains" and line["gain"] is None:
        return Decimal(line["proceeds"])
    return Decimal(line[_FIGURES.get(statement, "amount")] or 0)


def explain_line(
    statement: str,
    line: Line,
    book: Book,
    postings: pl.DataFrame,
    valuations: pl.DataFrame,
    as_of: date,
    sources: Sources | None = None,
) -> pl.DataFrame:
    """Everything that a line adds up, in order of days; its ``amount`` sums to :func:`figure_of` the line.

    Args:
        statement: e.g. ``income_statement``.
        line: the row of ``reports.<statement>``.
        book: whose it is.
        postings: ``ledger.postings`` of the book.
        valuations: ``portfolio.valuations`` of the book.
        as_of: the last known day, on which an open month's figures stand.
        sources: what the statements were made from beside.

    Returns:
        Columns :data:`manna.statements.parts.PARTS`, in the line's currency.
    """
    day = min((line["period"] + timedelta(days=31)).replace(day=1) - timedelta(days=1), as_of)
    # Hundreds of lines are explained for a page, so each frame is made where it is needed.
    until = postings.filter(pl.col("currency") == line["currency"], pl.col("date") <= day)
    match statement:
        case "income_statement" | "income_comparison":
            return _income(line, until)
        case "balance_sheet":
            return _balance_sheet(book, line, until, valuations, day)
        case "trial_balance":
            return _trial_balance(line, until)
        case "cash_flow":
            return as_parts(_cash(line, until))
        case "cash_flow_indirect":
            return as_parts(_indirect(line, until))
        case "changes_in_equity":
            return _equity(book, line, until, valuations, day)
        case "net_worth":
            return _net_worth(until, valuations, line)
        case "allocation":
            return _allocation(until, valuations, line, day)
        case "translation":
            return _translation(line, book, postings, valuations, as_of, day)
        case _:
            return SCHEDULED[statement](line, book, until, day, sources or Sources())


def _income(line: Line, until: pl.DataFrame) -> pl.DataFrame:
    span = until.filter(pl.col("date") >= line.get("since", line["period"]))
    return as_parts(span.filter(_of_line(line, NET_INCOME)).with_columns(_presented(("Expenses",), line)))


def _balance_sheet(
    book: Book, line: Line, until: pl.DataFrame, valuations: pl.DataFrame, day: date
) -> pl.DataFrame:
    if line["account"] == UNREALIZED:
        stated = until.filter(pl.col("account") == REVALUATION).with_columns(-pl.col("amount"))
        gains = _gains(until, valuations, day, line["currency"])
        return as_parts(stated, gains if at_current_value(book) else gains.clear())
    # What is beyond cost is no asset at cost; in equity it stands against its counter, and both are nothing.
    leaf = is_revaluation(book, pl.col("account")) & (root(pl.col("account")) == "Assets")
    is_sum = line["account"] in ("Total equity", f"Total {FUNDING.lower()}")
    of_line = _of_line(line, f"Total {FUNDING.lower()}")
    of_line = of_line | leaf if is_sum else of_line & ~leaf
    return as_parts(until.filter(of_line).with_columns(_presented(("Assets",), line)))


def _trial_balance(line: Line, until: pl.DataFrame) -> pl.DataFrame:
    of_line = _of_line(line, "Total")
    if ":" in line["account"]:  # an account of results is that of the year
        of_line &= ~is_result() | (pl.col("date") >= line["period"].replace(month=1))
    return as_parts(until.filter(of_line))


def _translation(
    line: Line, book: Book, postings: pl.DataFrame, valuations: pl.DataFrame, as_of: date, day: date
) -> pl.DataFrame:
    """The parts of the line that is translated; of a total those of each currency's, translated."""
    statement: str = line["statement"]
    if line["level"] == "line":
        return explain_line(statement, _translated(line, day), book, postings, valuations, as_of)
    found = []
    for code in sorted({*postings["currency"], book.currency}):
        of_code = _translated({**line, "currency": code}, day)
        found.append((code, explain_line(statement, of_code, book, postings, valuations, as_of)))
    return translated(book, found, day)


def _translated(line: Line, day: date) -> Line:
    """The line of a statement that is translated: the one of its name and currency."""
    section = SECTION_OF_FIGURE.get(line["account"], line["account"])
    return {**line, "level": "total", "section": section, "as_of": day}


def _of_line(line: Line, everything: str) -> pl.Expr:
    """Postings of the line's account, of its group, of its section, or of ``everything`` that has a total."""
    account, section = pl.col("account"), root(pl.col("account"))
    name: str = line["account"]
    result = section.is_in(["Income", "Expenses"])
    if line["level"] == "line":
        period: date = line["period"]
        of_year = pl.col("date") >= period.replace(month=1)
        if name in EARLIER_RESULTS.values():
            return result & ~of_year
        return result & of_year if name == NET_INCOME_OF_YEAR else account == name
    if line["level"] == "subtotal":
        return (account == name) | account.str.starts_with(f"{name}:")
    if name == NET_INCOME:
        return result
    if name == everything:
        return section != "Assets" if name.endswith(FUNDING.lower()) else pl.lit(True)
    if name == "Total equity":
        return (section == "Equity") | result
    return section == name.removeprefix("Total ").capitalize()


def _presented(debits: tuple[str, ...], line: Line) -> pl.Expr:
    """The sign as presented: debit for these sections, else credit; a net figure shows what raises it."""
    return pl.col("amount") if line["section"] in debits else -pl.col("amount")


def _cash(line: Line, until: pl.DataFrame) -> pl.DataFrame:
    name: str = line["account"]
    month = pl.col("date") >= line["period"]
    if name in (OPENING_CASH, ENDING_CASH):
        held = until.filter(is_cash(pl.col("account")))
        return held.filter(~month) if name == OPENING_CASH else held
    moved = flows_of(classed(until.filter(month))).with_columns(-pl.col("amount"))
    if name == NET_CHANGE:
        return moved
    of_section = moved.filter(pl.col("section") == line["section"])
    if line["level"] == "total":
        return of_section
    return of_section.filter(of_account(line, "line"))


def _indirect(line: Line, until: pl.DataFrame) -> pl.DataFrame:
    section: str = line["section"]
    since = until.filter(pl.col("date") >= line["period"])
    if section == NET_INCOME:
        return since.filter(is_result()).with_columns(-pl.col("amount"))
    if section not in (ADJUSTMENTS, CHANGES, UNCASHED):
        return _cash(line, until)
    known = classed(since)
    uncashed, flows = without_cash(known), flows_of(known)
    if section == UNCASHED:
        return uncashed.filter(is_activity(uncashed), of_account(line)).with_columns(-pl.col("amount"))
    other = flows.filter(pl.col("section") != OPERATING)
    not_operating = pl.concat([part.select(since.columns) for part in (other, uncashed)])
    of_line = pl.lit(True) if line["level"] == "total" else of_account(line)
    if section == ADJUSTMENTS:
        return not_operating.filter(is_result(), of_line)
    rest = known.join(not_operating.select("posting_id"), on="posting_id", how="anti", maintain_order="left")
    is_operating = ~pl.col("cash") & ~pl.col("is_result") & (pl.col("section") == OPERATING)
    return rest.filter(is_operating, of_line).with_columns(-pl.col("amount"))


def _equity(book: Book, line: Line, until: pl.DataFrame, valuations: pl.DataFrame, day: date) -> pl.DataFrame:
    """Equity and results as credits, and what was unrealized at the end and (taken back) before the month."""
    name, period, currency = line["account"], line["period"], line["currency"]
    eve = period - timedelta(days=1)
    is_equity, month = root(pl.col("account")) == EQUITY, pl.col("date") >= period
    before = until.filter(~month)
    gains = _gains(until, valuations, day, currency)
    gains_before = _gains(before, valuations, eve, currency)
    if not at_current_value(book):
        gains, gains_before = gains.clear(), gains_before.clear()
    moved = until.filter(month).with_columns(-pl.col("amount"))
    change = pl.concat([gains, gains_before.with_columns(-pl.col("amount"))])
    if name == OPENING_EQUITY:
        return as_parts(before.filter(is_equity | is_result()).with_columns(-pl.col("amount")), gains_before)
    if name == ENDING_EQUITY:
        return as_parts(until.filter(is_equity | is_result()).with_columns(-pl.col("amount")), gains)
    if name == NET_INCOME:
        return as_parts(moved.filter(is_result()))
    if name == f"Change in {UNREALIZED.lower()}":
        return as_parts(moved.clear(), change)
    of_section = moved.filter(is_equity, section_of_equity(pl.col("account")) == line["section"])
    if line["level"] == "total":
        return as_parts(of_section, change if line["section"] == UNREALIZED else change.clear())
    return as_parts(of_section.filter(of_account(line)))


def _net_worth(until: pl.DataFrame, valuations: pl.DataFrame, line: Line) -> pl.DataFrame:
    until = until.filter(pl.col("date") <= line["as_of"])
    booked = until.filter(root(pl.col("account")).is_in(["Assets", "Liabilities"]))
    return as_parts(booked, _gains(until, valuations, line["as_of"], line["currency"]))


def _allocation(until: pl.DataFrame, valuations: pl.DataFrame, line: Line, day: date) -> pl.DataFrame:
    held = _valued(until, valuations, day, line["currency"])
    of_line = held.filter(pl.col("security_id") == line["security_id"])
    return as_parts(until.clear(), of_line.with_columns(amount=pl.coalesce("value", "carrying", pl.lit(0))))


def _gains(until: pl.DataFrame, valuations: pl.DataFrame, day: date, currency: str) -> pl.DataFrame:
    """What is unrealized of each position on a day.

    Money is carried at what it is worth; a position without a price stays at what it is carried at.
    """
    held = _valued(until, valuations, day, currency)
    return held.with_columns(amount=pl.col("value") - pl.col("carrying")).drop_nulls("amount")


def _valued(until: pl.DataFrame, valuations: pl.DataFrame, day: date, currency: str) -> pl.DataFrame:
    """The valuations of a day with what the ledger carries each position at, and named as a source."""
    position = ["account_id", "security_id"]
    carried = until.filter(pl.col("security_id").is_not_null()).group_by(position)
    held = valuations.filter((pl.col("date") == day) & (pl.col("currency") == currency))
    name = [pl.col(column).cast(pl.String) for column in ("account_id", "security_id", "currency", "date")]
    return held.join(
        carried.agg(carrying=pl.col("amount").sum()), on=position, how="left", maintain_order="left"
    ).with_columns(
        account=pl.col("security_id"),
        source_table=pl.lit("portfolio.valuations"),
        source_id=pl.concat_str(name, separator="/"),
    )
