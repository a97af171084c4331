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
    Frames,
    Violation,
    differ,
    figure,
    lines_of,
    or_zero,
    summed,
    wrong,
)
from manna.statements.equity import ENDING_EQUITY, OPENING_EQUITY
from manna.statements.flows import OPERATING
from manna.statements.income import NET_INCOME
from manna.statements.schedules import PAID
from manna.statements.spending import TOTAL
from manna.statements.translation import FIGURES

_BOTH = ("amount", "year_to_date")


def _comparison(_: Book, frames: Frames) -> Iterator[Violation]:
    """Each span's totals are those of its lines, month and year to date those of the income statement."""
    compared, income = frames["income_comparison"], frames["income_statement"]
    change = pl.col("change") != pl.col("amount") - pl.col("previous")
    yield from wrong(compared, change, "income_comparison", "change is not amount - previous")
    for (span,), rows in sorted(compared.group_by("span"), key=lambda part: str(part[0])):
        for column in ("amount", "previous"):
            name = f"income_comparison: {span}, {column}"
            earned, spent, net = (
                figure(rows, n, column) for n in ("Total income", "Total expenses", NET_INCOME)
            )
            for section, stated in (("Income", earned), ("Expenses", spent)):
                lines = summed(lines_of(rows).filter(pl.col("section") == section), column)
                yield from differ(
                    stated, or_zero(stated, lines), f"{name}: total {section.lower()}", "its lines"
                )
            both = (
                pl.concat([earned, spent.with_columns(-pl.col("figure"))])
                .group_by(KEY)
                .agg(pl.col("figure").sum())
            )
            yield from differ(net, both, f"{name}: net income", "income less expenses")
    for span, column, other in (
        ("month", "amount", "amount"), ("month", "previous", "previous"), ("year_to_date", "amount", "year_to_date"),
    ):  # fmt: skip
        stated = figure(compared.filter(pl.col("span") == span), NET_INCOME, column)
        there = figure(income, NET_INCOME, other)
        yield from differ(stated, there, f"net income of the {span}, {column}", "on the income statement")


def _current_value(book: Book, frames: Frames) -> Iterator[Violation]:
    """Current value is cost and what is unrealized, which is net worth's; a firm's book states neither."""
    sheet, name = frames["balance_sheet"], "balance_sheet"
    if not at_current_value(book):
        stated = pl.col("value").is_not_null() | pl.col("unrealized").is_not_null()
        yield from wrong(sheet, stated, name, "a firm's book is at cost alone")
        return
    value = pl.col("value").ne_missing(pl.col("amount") + pl.col("unrealized"))
    yield from wrong(sheet, value, name, "value is not amount + unrealized")
    worth = frames["net_worth"]
    last = worth.filter(pl.col("as_of") == pl.col("as_of").max().over(KEY)).select(*KEY, figure="unrealized")
    yield from differ(
        figure(sheet, "Total assets", "unrealized"), last, "unrealized of all assets", "of net worth"
    )


def _equity(book: Book, frames: Frames) -> Iterator[Violation]:
    """Opening equity and all changes are ending equity, which is the balance sheet's; a month begins where one ended."""
    changes, sheet, income = frames["changes_in_equity"], frames["balance_sheet"], frames["income_statement"]
    for column in _BOTH:
        opening, net, ending = (
            figure(changes, n, column) for n in (OPENING_EQUITY, NET_INCOME, ENDING_EQUITY)
        )
        parts = pl.concat([opening, net, summed(lines_of(changes), column)], how="vertical_relaxed")
        explained = parts.group_by(KEY).agg(pl.col("figure").sum())
        yield from differ(ending, explained, f"ending equity, {column}", "opening equity and its changes")
        yield from differ(
            net, figure(income, NET_INCOME, column), f"net income in equity, {column}", "net income"
        )
        held = figure(sheet, "Total equity", "value" if at_current_value(book) else "amount")
        yield from differ(ending, held, f"ending equity, {column}", "equity on the balance sheet")
    opening, ending = figure(changes, OPENING_EQUITY), figure(changes, ENDING_EQUITY)
    following = ending.with_columns(pl.col("period").dt.offset_by("1mo")).join(opening, on=KEY, how="semi")
    begun = opening.join(following, on=KEY, how="semi")
    yield from differ(begun, following, "opening equity", "ending equity of the month before")
    moved = changes.filter(
        (pl.col("account") == f"Change in {UNREALIZED.lower()}") & (pl.col("level") == "line")
    )
    if not at_current_value(book):
        yield from wrong(moved, pl.lit(True), "changes_in_equity", "a firm's book is at cost alone")


def _year(_: Book, frames: Frames) -> Iterator[Violation]:
    """The year's opening is January's, and stays the same for every month of the year."""
    for name, opening in (
        ("cash_flow", OPENING_CASH), ("cash_flow_indirect", OPENING_CASH), ("changes_in_equity", OPENING_EQUITY),
    ):  # fmt: skip
        stated = figure(frames[name], opening, "year_to_date")
        january = pl.col("period").dt.month() == 1
        begun = figure(frames[name], opening).filter(january)
        before = stated.with_columns(pl.col("period").dt.offset_by("1mo")).filter(~january)
        expected = pl.concat([begun, before]).join(stated, on=KEY, how="semi")
        known = stated.join(expected, on=KEY, how="semi")
        yield from differ(
            known, expected, f"{opening.lower()} of the year in {name}", "what the year began with"
        )


def _indirect(_: Book, frames: Frames) -> Iterator[Violation]:
    """From net income and what stands between, the same cash: in total, by section, and at the end."""
    direct, indirect, income = (frames[n] for n in ("cash_flow", "cash_flow_indirect", "income_statement"))
    names = [
        OPENING_CASH,
        NET_CHANGE,
        ENDING_CASH,
        *(f"Total {n.lower()}" for n in SECTIONS),
    ]
    lines = lines_of(indirect)
    for column in _BOTH:
        for name in names:
            stated, other = figure(indirect, name, column), figure(direct, name, column)
            yield from differ(
                stated, other, f"{name.lower()}, {column}, by the indirect method", "by the direct one"
            )
        net, operating = (
            figure(indirect, NET_INCOME, column),
            figure(indirect, f"Total {OPERATING.lower()}", column),
        )
        yield from differ(
            net, figure(income, NET_INCOME, column), f"net income in cash flow, {column}", "net income"
        )
        between = lines.filter(~pl.col("section").is_in([*SECTIONS[1:], UNCASHED, CASH]))
        both = (
            pl.concat([net, summed(between, column)], how="vertical_relaxed")
            .group_by(KEY)
            .agg(pl.col("figure").sum())
        )
        yield from differ(operating, both, f"operating cash, {column}", "net income and what stands between")
        apart = summed(lines.filter(pl.col("section") == UNCASHED), column)
        yield from differ(
            apart, apart.with_columns(figure=pl.lit(0)), f"non-cash activities, {column}", "nothing"
        )


def _gains(_: Book, frames: Frames) -> Iterator[Violation]:
    """Gain = proceeds - basis + adjustment in every line; each sum is that of its lines, unknown where one of them is."""
    gains, name = frames["realized_gains"], "realized_gains"
    lines = lines_of(gains)
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


def _payers(_: Book, frames: Frames) -> Iterator[Violation]:
    """Dividends and interest, with what belongs to earlier years, are those of the income statement."""
    paid, income = frames["dividends_and_interest"], lines_of(frames["income_statement"])
    for section, pattern in PAID:
        for column in _BOTH:
            totals = paid.filter(level="total").filter(
                pl.col("section").str.contains(rf"^{section}( of \d+)?$")
            )
            stated = summed(totals, column)
            earned = summed(income.filter(pl.col("account").str.contains(pattern)), column)
            yield from differ(
                stated, or_zero(stated, earned), f"{section.lower()}, {column}", "on the income statement"
            )


def _tax_lines(_: Book, frames: Frames) -> Iterator[Violation]:
    """Each line of the return is the sum of its accounts, and all accounts together are net income."""
    lines, income = frames["tax_lines"], frames["income_statement"]
    key, own = [*KEY, "section"], lines_of(lines)
    sign = pl.when(pl.col("account").str.starts_with("Income:")).then(1).otherwise(-1)
    for column in _BOTH:
        stated = lines.filter(pl.col("level") == "subtotal").select(*key, "account", column)
        both = stated.join(
            own.group_by(key).agg(figure=pl.col(column).sum()), on=key, how="full", coalesce=True
        )
        off = pl.col(column).ne_missing(pl.col("figure"))
        yield from wrong(both, off, "tax_lines", f"{column} is not the sum of its lines")
        net = figure(lines, NET_INCOME, column)
        signed = summed(own.with_columns(pl.col(column) * sign), column)
        yield from differ(
            net, or_zero(net, signed), f"net income by tax line, {column}", "the sum of all lines"
        )
        yield from differ(
            net, figure(income, NET_INCOME, column), f"net income by tax line, {column}", "net income"
        )


def _spending(_: Book, frames: Frames) -> Iterator[Violation]:
    """Merchants sum to their category, categories to the month, and both are the income statement's."""
    spent, income = frames["spending"], frames["income_statement"]
    lines, key = lines_of(spent), [*KEY, "account"]
    expenses = lines_of(income).filter((pl.col("section") == "Expenses") & (pl.col("amount") != 0))
    stated = spent.filter((pl.col("level") == "subtotal") & (pl.col("amount") != 0)).select(*key, "amount")
    both = stated.join(expenses.select(*key, figure="amount"), on=key, how="full", coalesce=True)
    off = pl.col("amount").ne_missing(pl.col("figure"))
    yield from wrong(both, off, "spending", "is not what the income statement says")
    both = lines.group_by(key).agg(figure=pl.col("amount").sum()).join(
        spent.filter(pl.col("level") == "subtotal").select(*key, "amount"), on=key, how="full", coalesce=True
    )  # fmt: skip
    yield from wrong(both, off, "spending", "is not the sum of its merchants")
    total = figure(spent, TOTAL)
    yield from differ(total, or_zero(total, summed(lines)), "total spending", "the sum of its lines")
    yield from differ(total, figure(income, TOTAL), "total spending", "total expenses")


def _budget(_: Book, frames: Frames) -> Iterator[Violation]:
    """What was budgeted and what was not are all there was; a difference is budget less actual."""
    budget, income = frames["budget"], frames["income_statement"]
    for difference, limit, actual in (
        ("difference", "budget", "amount"), ("difference_to_date", "budget_to_date", "year_to_date"),
    ):  # fmt: skip
        off = pl.col(difference) != pl.col(limit) - pl.col(actual)
        yield from wrong(budget, off, "budget", f"{difference} is not {limit} - {actual}")
        for name in ("Total income", "Total expenses"):
            stated = figure(budget, name, actual)
            there = figure(income, name, actual).join(stated, on=KEY, how="semi")
            yield from differ(
                stated, there, f"{name.lower()}, {actual}, of the budget", "on the income statement"
            )


def _translation(book: Book, frames: Frames) -> Iterator[Violation]:
    """Each figure is its statement's, its worth is figure x rate, and the sum is the sum of these."""
    translated, name = frames["translation"], "translation"
    for statement, account, column in FIGURES:
        rows = translated.filter((pl.col("statement") == statement) & (pl.col("account") == account))
        lines = lines_of(rows)
        source = frames[statement].join(lines, on=KEY, how="semi")
        if "as_of" in source.columns:
            last = source.filter(pl.col("as_of") == pl.col("as_of").max().over(KEY))
            there = last.select(*KEY, figure=column)
        else:
            there = figure(source, account, column)
        yield from differ(
            lines.select(*KEY, figure="amount"), there, f"{account.lower()} translated", "untranslated"
        )
        whole = pl.when(pl.col("translated").is_null().any()).then(None).otherwise(pl.col("translated").sum())
        sums = lines.group_by("period").agg(figure=whole)
        both = rows.filter(pl.col("level") == "total").join(sums, on="period", how="full", coalesce=True)
        off = pl.col("translated").ne_missing(pl.col("figure")) | (pl.col("currency") != book.currency)
        yield from wrong(both, off, name, "the sum is not that of the currencies")
    for row in lines_of(translated).iter_rows(named=True):
        worth = None if row["rate"] is None else round_money(row["amount"] * row["rate"], book.currency)
        if worth != row["translated"]:
            yield row["period"], f"{name}: {row['account']} ({row['currency']}) is not amount x rate"


CHECKS = (
    _comparison, _current_value, _equity, _year, _indirect, _gains, _payers, _tax_lines, _spending, _budget, _translation,
)  # fmt: skip
