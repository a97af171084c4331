"""What further statements and schedules must agree on, with themselves and with the others.

What belongs here: the rules of tying out of the statements that are made from the same balances in another layout. What
does not: income statement, balance sheet, cash flow, trial balance and net worth (:mod:`tie_out`).
"""

from collections.abc import Iterator

import polars as pl

from manna.books import Book
from manna.money import round_money
from manna.statements.balance import UNREALIZED, at_current_value
from manna.statements.cash_flow import CASH, ENDING_CASH, NET_CHANGE, OPENING_CASH, SECTIONS, UNCASHED
from manna.statements.comparing import (
    KEY,
    ZERO,
    Statement,
    Statements,
    Violation,
    differ,
    minus,
    month_later,
    or_zero,
    plus,
    summed,
    where,
    wrong,
)
from manna.statements.equity import ENDING_EQUITY, OPENING_EQUITY
from manna.statements.flows import OPERATING
from manna.statements.income import NET_INCOME
from manna.statements.schedules import PAID
from manna.statements.spending import TOTAL
from manna.statements.translation import FIGURES

_BOTH = ("amount", "year_to_date")


def _comparison(_: Book, made: Statements) -> Iterator[Violation]:
    """Each span's totals are those of its lines, month and year to date those of the income statement."""
    compared, income = made["income_comparison"].rows, made["income_statement"]
    change = pl.col("change") != pl.col("amount") - pl.col("previous")
    yield from wrong(compared, change, "income_comparison", "change is not amount - previous")
    spans = {str(span): Statement(rows) for (span,), rows in sorted(compared.group_by("span"), key=_first)}
    for span, rows in spans.items():
        sections = {name: rows.lines.filter(section=name) for name in ("Income", "Expenses")}
        for column in ("amount", "previous"):
            name = f"income_comparison: {span}, {column}"
            for section, lines in sections.items():
                stated, total = rows.figure(f"Total {section.lower()}", column), f"total {section.lower()}"
                yield from differ(
                    stated, or_zero(stated, summed(lines, column)), f"{name}: {total}", "its lines"
                )
            earned, spent = (rows.figure(n, column) for n in ("Total income", "Total expenses"))
            net = rows.figure(NET_INCOME, column)
            yield from differ(net, plus(earned, minus(spent)), f"{name}: net income", "income less expenses")
    for span, column, other in (
        ("month", "amount", "amount"), ("month", "previous", "previous"), ("year_to_date", "amount", "year_to_date"),
    ):  # fmt: skip
        stated = spans[span].figure(NET_INCOME, column) if span in spans else {}
        there = income.figure(NET_INCOME, other)
        yield from differ(stated, there, f"net income of the {span}, {column}", "on the income statement")


def _first(part: tuple[tuple[object, ...], pl.DataFrame]) -> str:
    return str(part[0])


def _current_value(book: Book, made: Statements) -> Iterator[Violation]:
    """Current value is cost and what is unrealized, which is net worth's; a firm's book states neither."""
    sheet, name = made["balance_sheet"], "balance_sheet"
    if not at_current_value(book):
        stated = pl.col("value").is_not_null() | pl.col("unrealized").is_not_null()
        yield from wrong(sheet.rows, stated, name, "a firm's book is at cost alone")
        return
    value = pl.col("value").ne_missing(pl.col("amount") + pl.col("unrealized"))
    yield from wrong(sheet.rows, value, name, "value is not amount + unrealized")
    worth = made["net_worth"].rows
    last = summed(worth.filter(pl.col("as_of") == pl.col("as_of").max().over(KEY)), "unrealized")
    assets = sheet.figure("Total assets", "unrealized")
    yield from differ(assets, last, "unrealized of all assets", "of net worth")


def _equity(book: Book, made: Statements) -> Iterator[Violation]:
    """Opening equity and all changes are ending equity, which is the balance sheet's; a month begins where one ended."""
    changes, sheet, income = made["changes_in_equity"], made["balance_sheet"], made["income_statement"]
    for column in _BOTH:
        opening, net, ending = (
            changes.figure(n, column) for n in (OPENING_EQUITY, NET_INCOME, ENDING_EQUITY)
        )
        explained = plus(opening, net, summed(changes.lines, column))
        yield from differ(ending, explained, f"ending equity, {column}", "opening equity and its changes")
        there = income.figure(NET_INCOME, column)
        yield from differ(net, there, f"net income in equity, {column}", "net income")
        held = sheet.figure("Total equity", "value" if at_current_value(book) else "amount")
        yield from differ(ending, held, f"ending equity, {column}", "equity on the balance sheet")
    opening = changes.figure(OPENING_EQUITY)
    ended = where(month_later(changes.figure(ENDING_EQUITY)), opening)
    yield from differ(where(opening, ended), ended, "opening equity", "ending equity of the month before")
    if not at_current_value(book):
        moved = changes.lines.filter(account=f"Change in {UNREALIZED.lower()}")
        yield from wrong(moved, pl.lit(True), "changes_in_equity", "a firm's book is at cost alone")


def _year(_: Book, made: Statements) -> Iterator[Violation]:
    """The year's opening is January's, and stays the same for every month of the year."""
    for name, opening in (
        ("cash_flow", OPENING_CASH), ("cash_flow_indirect", OPENING_CASH), ("changes_in_equity", OPENING_EQUITY),
    ):  # fmt: skip
        stated, begun = made[name].figure(opening, "year_to_date"), made[name].figure(opening)
        # A January is held against its own opening, every other month against the month before.
        januaries = {of: figure for of, figure in begun.items() if of[0].month == 1}
        others = {of: figure for of, figure in month_later(stated).items() if of[0].month != 1}
        expected = where({**others, **januaries}, stated)
        text = f"{opening.lower()} of the year in {name}"
        yield from differ(where(stated, expected), expected, text, "what the year began with")


def _indirect(_: Book, made: Statements) -> Iterator[Violation]:
    """From net income and what stands between, the same cash: in total, by section, and at the end."""
    direct, indirect, income = (made[n] for n in ("cash_flow", "cash_flow_indirect", "income_statement"))
    names = [OPENING_CASH, NET_CHANGE, ENDING_CASH, *(f"Total {n.lower()}" for n in SECTIONS)]
    between = indirect.lines.filter(~pl.col("section").is_in([*SECTIONS[1:], UNCASHED, CASH]))
    uncashed = indirect.lines.filter(section=UNCASHED)
    for column in _BOTH:
        for name in names:
            stated, other = indirect.figure(name, column), direct.figure(name, column)
            text = f"{name.lower()}, {column}, by the indirect method"
            yield from differ(stated, other, text, "by the direct one")
        net, operating = (indirect.figure(n, column) for n in (NET_INCOME, f"Total {OPERATING.lower()}"))
        there = income.figure(NET_INCOME, column)
        yield from differ(net, there, f"net income in cash flow, {column}", "net income")
        both = plus(net, summed(between, column))
        yield from differ(operating, both, f"operating cash, {column}", "net income and what stands between")
        apart = summed(uncashed, column)
        yield from differ(apart, dict.fromkeys(apart, ZERO), f"non-cash activities, {column}", "nothing")


def _gains(_: Book, made: Statements) -> Iterator[Violation]:
    """Gain = proceeds - basis + adjustment in every line; each sum is that of its lines, unknown where one of them is."""
    gains, lines, name = made["realized_gains"].rows, made["realized_gains"].lines, "realized_gains"
    off = pl.col("gain").ne_missing(pl.col("proceeds") - pl.col("basis") + pl.col("adjustment"))
    yield from wrong(lines, off, name, "gain is not proceeds - basis + adjustment")
    for level, key in (("subtotal", [*KEY, "section", "box"]), ("total", [*KEY, "section"])):
        for column in ("proceeds", "basis", "adjustment", "gain"):
            value = pl.col(column)
            whole = pl.when(value.is_null().any()).then(None).otherwise(value.sum())
            stated = gains.filter(pl.col("level") == level).select(*key, "account", column)
            both = stated.join(lines.group_by(key).agg(figure=whole), on=key, how="full", coalesce=True)
            off = value.ne_missing(pl.col("figure")) | pl.col("account").is_null()
            yield from wrong(both, off, name, f"{column} is not the sum of its lines")


def _payers(_: Book, made: Statements) -> Iterator[Violation]:
    """Dividends and interest, with what belongs to earlier years, are those of the income statement."""
    paid, income = made["dividends_and_interest"].rows.filter(level="total"), made["income_statement"].lines
    for section, pattern in PAID:
        totals = paid.filter(pl.col("section").str.contains(rf"^{section}( of \d+)?$"))
        lines = income.filter(pl.col("account").str.contains(pattern))
        for column in _BOTH:
            stated, text = summed(totals, column), f"{section.lower()}, {column}"
            yield from differ(stated, or_zero(stated, summed(lines, column)), text, "on the income statement")


def _tax_lines(_: Book, made: Statements) -> Iterator[Violation]:
    """Each line of the return is the sum of its accounts, and all accounts together are net income."""
    lines, own, income = made["tax_lines"], made["tax_lines"].lines, made["income_statement"]
    key = [*KEY, "section"]
    sign = pl.when(pl.col("account").str.starts_with("Income:")).then(1).otherwise(-1)
    for column in _BOTH:
        stated = lines.rows.filter(level="subtotal").select(*key, "account", column)
        both = stated.join(
            own.group_by(key).agg(figure=pl.col(column).sum()), on=key, how="full", coalesce=True
        )
        off = pl.col(column).ne_missing(pl.col("figure"))
        yield from wrong(both, off, "tax_lines", f"{column} is not the sum of its lines")
        net, name = lines.figure(NET_INCOME, column), f"net income by tax line, {column}"
        signed = summed(own, pl.col(column) * sign)
        yield from differ(net, or_zero(net, signed), name, "the sum of all lines")
        yield from differ(net, income.figure(NET_INCOME, column), name, "net income")


def _spending(_: Book, made: Statements) -> Iterator[Violation]:
    """Merchants sum to their category, categories to the month, and both are the income statement's."""
    spent, income = made["spending"], made["income_statement"]
    lines, key = spent.lines, [*KEY, "account"]
    expenses = income.lines.filter((pl.col("section") == "Expenses") & (pl.col("amount") != 0))
    categories = spent.rows.filter(level="subtotal").select(*key, "amount")
    stated = categories.filter(pl.col("amount") != 0)
    both = stated.join(expenses.select(*key, figure="amount"), on=key, how="full", coalesce=True)
    off = pl.col("amount").ne_missing(pl.col("figure"))
    yield from wrong(both, off, "spending", "is not what the income statement says")
    sums = lines.group_by(key).agg(figure=pl.col("amount").sum())
    both = sums.join(categories, on=key, how="full", coalesce=True)
    yield from wrong(both, off, "spending", "is not the sum of its merchants")
    total = spent.figure(TOTAL)
    yield from differ(total, or_zero(total, summed(lines)), "total spending", "the sum of its lines")
    yield from differ(total, income.figure(TOTAL), "total spending", "total expenses")


def _budget(_: Book, made: Statements) -> Iterator[Violation]:
    """What was budgeted and what was not are all there was; a difference is budget less actual."""
    budget, income = made["budget"], made["income_statement"]
    for difference, limit, actual in (
        ("difference", "budget", "amount"), ("difference_to_date", "budget_to_date", "year_to_date"),
    ):  # fmt: skip
        off = pl.col(difference) != pl.col(limit) - pl.col(actual)
        yield from wrong(budget.rows, off, "budget", f"{difference} is not {limit} - {actual}")
        for name in ("Total income", "Total expenses"):
            stated = budget.figure(name, actual)
            there, text = (
                where(income.figure(name, actual), stated),
                f"{name.lower()}, {actual}, of the budget",
            )
            yield from differ(stated, there, text, "on the income statement")


def _translation(book: Book, made: Statements) -> Iterator[Violation]:
    """Each figure is its statement's, its worth is figure x rate, and the sum is the sum of these."""
    translated, name = made["translation"].rows, "translation"
    figures = dict(translated.group_by("statement", "account"))
    whole = pl.when(pl.col("translated").is_null().any()).then(None).otherwise(pl.col("translated").sum())
    for statement, account, column in FIGURES:
        rows = Statement(figures.get((statement, account), translated.clear()))
        stated, source = summed(rows.lines), made[statement]
        if "as_of" in source.rows.columns:
            last = source.rows.filter(pl.col("as_of") == pl.col("as_of").max().over(KEY))
            there = summed(last, column)
        else:
            there = source.figure(account, column)
        yield from differ(stated, where(there, stated), f"{account.lower()} translated", "untranslated")
        sums = rows.lines.group_by("period").agg(figure=whole)
        both = rows.rows.filter(level="total").join(sums, on="period", how="full", coalesce=True)
        off = pl.col("translated").ne_missing(pl.col("figure")) | (pl.col("currency") != book.currency)
        yield from wrong(both, off, name, "the sum is not that of the currencies")
    for row in made["translation"].lines.iter_rows(named=True):
        worth = None if row["rate"] is None else round_money(row["amount"] * row["rate"], book.currency)
        if worth != row["translated"]:
            yield row["period"], f"{name}: {row['account']} ({row['currency']}) is not amount x rate"


CHECKS = (
    _comparison, _current_value, _equity, _year, _indirect, _gains, _payers, _tax_lines, _spending, _budget, _translation,
)  # fmt: skip
