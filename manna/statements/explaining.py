"""What a line of a statement is made of: the postings behind a figure.

What belongs here: for each statement, which postings (and valuations) a line adds up, with the sign as presented. What
does not: making the statement (the modules beside this one, whose rules these are), or where a posting comes from.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from manna.statements.balance import ACCUMULATED_EARNINGS, FUNDING
from manna.statements.balances import flows_of, is_cash, last_day, root
from manna.statements.cash_flow import ENDING_CASH, NET_CHANGE, OPENING_CASH
from manna.statements.income import NET_INCOME

PARTS = ("date", "account", "amount", "currency", "entry_id", "posting_id", "source_table", "source_id")
"""Columns of an explanation. ``source_table`` and ``source_id`` stand only where no entry does."""

Line = Mapping[str, Any]


def explain_line(
    statement: str, line: Line, postings: pl.DataFrame, valuations: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """Everything that a line adds up, in order of days; its ``amount`` sums to the figure in the line's currency.

    Args:
        statement: e.g. ``income_statement``.
        line: the row of ``reports.<statement>``.
        postings: ``ledger.postings`` of the book.
        valuations: ``portfolio.valuations`` of the book.
        as_of: the last known day, on which an open month's figures stand.

    Returns:
        Columns :data:`PARTS`. Which figure: the ``amount`` of income statement, balance sheet and cash flow; debit less
        credit of a trial balance; ``net_worth``; the ``value`` of an allocation.
    """
    own = postings.filter(pl.col("currency") == line["currency"])
    period = line["period"]
    day = pl.select(last_day(pl.lit(period), as_of)).item()
    until, since = own.filter(pl.col("date") <= day), own.filter(pl.col("date").is_between(period, day))
    match statement:
        case "income_statement":
            parts = since.filter(_of_line(line, NET_INCOME)).with_columns(_presented(("Expenses",), line))
        case "balance_sheet":
            parts = until.filter(_of_line(line, f"Total {FUNDING.lower()}")).with_columns(
                _presented(("Assets",), line)
            )
        case "trial_balance":
            parts = until.filter(_of_line(line, "Total"))
        case "cash_flow":
            parts = _cash(line, until)
        case "net_worth":
            return _net_worth(own.filter(pl.col("date") <= line["as_of"]), valuations, line)
        case _:
            return _allocation(until, valuations, line, day)
    return _parts(parts)


def _of_line(line: Line, everything: str) -> pl.Expr:
    """Postings of the line's account, of its group, of its section, or of ``everything`` that has a total."""
    account, section = pl.col("account"), root(pl.col("account"))
    name: str = line["account"]
    result = section.is_in(["Income", "Expenses"])
    if line["level"] == "line":
        return result if name == ACCUMULATED_EARNINGS else account == name
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
    moved = flows_of(until.filter(month)).with_columns(-pl.col("amount"))
    if name == NET_CHANGE:
        return moved
    of_section = moved.filter(pl.col("section") == line["section"])
    if line["level"] == "total":
        return of_section
    account = pl.col("account")
    if line["level"] == "line":
        return of_section.filter(account == name)
    return of_section.filter((account == name) | account.str.starts_with(f"{name}:"))


def _net_worth(until: pl.DataFrame, valuations: pl.DataFrame, line: Line) -> pl.DataFrame:
    booked = until.filter(root(pl.col("account")).is_in(["Assets", "Liabilities"]))
    held = _valued(until, valuations, line["as_of"], line["currency"])
    # Money is carried at what it is worth; a position without a price stays at what it is carried at.
    gains = held.with_columns(amount=pl.col("value") - pl.col("carrying")).drop_nulls("amount")
    return _parts(booked, gains)


def _allocation(until: pl.DataFrame, valuations: pl.DataFrame, line: Line, day: date) -> pl.DataFrame:
    held = _valued(until, valuations, day, line["currency"])
    of_line = held.filter(pl.col("security_id") == line["security_id"])
    return _parts(until.clear(), of_line.with_columns(amount=pl.coalesce("value", "carrying", pl.lit(0))))


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


def _parts(postings: pl.DataFrame, others: pl.DataFrame | None = None) -> pl.DataFrame:
    frames = [frame for frame in (postings, others) if frame is not None]
    named = [
        frame.select(
            *(
                pl.col(name) if name in frame.columns else pl.lit(None, dtype=pl.String).alias(name)
                for name in PARTS
            )
        )
        for frame in frames
    ]
    return pl.concat(named, how="vertical_relaxed").sort(
        "date", "posting_id", "source_id", maintain_order=True
    )
