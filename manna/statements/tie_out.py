"""The proof that a book's statements tie, before they are published.

What belongs here: identities between and within statements, checked to the last decimal from what the
statements *say*, not from what made them. What does not: whether the ledger agrees with the bank
(``ledger.reconciliation``).
"""

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from manna.books import Book
from manna.contracts import CONTRACTS
from manna.statements.balance import ACCUMULATED_EARNINGS, FUNDING
from manna.statements.balances import is_cash
from manna.statements.cash_flow import ENDING_CASH, NET_CHANGE, OPENING_CASH
from manna.statements.income import NET_INCOME
from manna.statements.presentation import group
from manna.statements.trial import TOTAL

Frames = Mapping[str, pl.DataFrame]
Violation = tuple[date, str]

_KEY = ["period", "currency"]
_BY_ACCOUNT = {
    "income_statement": ("amount", "previous", "year_to_date"),
    "balance_sheet": ("amount", "previous"),
    "cash_flow": ("amount",),
}


def tie_out(book: Book, frames: Frames) -> list[str]:
    """Every reason for which the statements do not tie, by month; empty when they do.

    Args:
        book: whose statements they are; a row of another book is a violation.
        frames: the result of :func:`manna.statements.statements`, of any number of periods.

    Raises:
        KeyError: a statement is missing altogether.
    """
    found = violations_by_period(book, frames)
    return [f"{period:%Y-%m}: {text}" for period in sorted(found) for text in found[period]]


def violations_by_period(book: Book, frames: Frames) -> dict[date, list[str]]:
    """The violations of :func:`tie_out` by month, for a gate that holds single months back."""
    found: dict[date, list[str]] = {}
    for check in (_contracts, _totals, _trial, _balance, _cash, _equity, _net_worth, _chain):
        for period, text in check(book, frames):
            found.setdefault(period, []).append(text)
    return found


def _contracts(book: Book, frames: Frames) -> Iterator[Violation]:
    """Rows keep their contract and belong to the book."""
    for name in (*_BY_ACCOUNT, "trial_balance", "net_worth", "allocation"):
        frame = frames[name]
        reasons = frame.select("period", reason=CONTRACTS[f"reports.{name}"].violations(frame)).explode(
            "reason"
        )
        other = frame.filter(pl.col("book") != book.id).select("period", reason=pl.lit("row of another book"))
        both = pl.concat([reasons.drop_nulls(), other]).unique().sort("period", "reason")
        yield from ((period, f"{name}: {reason}") for period, reason in both.iter_rows())


def _totals(_: Book, frames: Frames) -> Iterator[Violation]:
    """Each total and subtotal is the sum of its lines."""
    for name, amounts in _BY_ACCOUNT.items():
        frame = frames[name]
        lines = frame.filter(pl.col("level") == "line")
        in_section = [*_KEY, "section"]
        sums = lines.group_by(in_section).agg(pl.col(amounts).sum())
        totals = frame.filter(pl.col("account") == "Total " + pl.col("section").str.to_lowercase())
        totals = totals.filter((pl.col("level") == "total") & (pl.col("section") != FUNDING))
        yield from _unequal(name, totals.select(*in_section, "account", *amounts), sums, in_section, amounts)
        sums = lines.group_by([*in_section, group(pl.col("account")).alias("account")]).agg(
            pl.col(amounts).sum()
        )
        subtotals = frame.filter(pl.col("level") == "subtotal").select(*in_section, "account", *amounts)
        yield from _unequal(name, subtotals, sums, [*in_section, "account"], amounts)
    income = frames["income_statement"]
    lines = income.filter(pl.col("level") == "line")
    sign = pl.when(pl.col("section") == "Income").then(1).otherwise(-1)
    sums = lines.group_by(_KEY).agg((pl.col(a) * sign).sum() for a in _BY_ACCOUNT["income_statement"])
    net = income.filter(pl.col("account") == NET_INCOME).select(
        *_KEY, "account", *_BY_ACCOUNT["income_statement"]
    )
    yield from _unequal("income_statement", net, sums, _KEY, _BY_ACCOUNT["income_statement"])


def _trial(_: Book, frames: Frames) -> Iterator[Violation]:
    """Debits equal credits, and both totals are the sums of their sides."""
    trial = frames["trial_balance"]
    debit, credit = (_figure(trial, TOTAL, side) for side in ("debit", "credit"))
    yield from _differ(debit, credit, "total debits", "total credits")
    lines = trial.filter(pl.col("level") == "line").group_by(_KEY).agg(pl.col("debit", "credit").sum())
    totals = trial.filter(pl.col("level") == "total").select(*_KEY, "account", "debit", "credit")
    yield from _unequal("trial_balance", totals, lines, _KEY, ("debit", "credit"))


def _balance(_: Book, frames: Frames) -> Iterator[Violation]:
    """Assets equal liabilities and equity, now and at the end of the month before."""
    sheet = frames["balance_sheet"]
    for column in _BY_ACCOUNT["balance_sheet"]:
        when = " a month before" if column == "previous" else ""
        assets, owed, equity, funding = (
            _figure(sheet, f"Total {name}", column)
            for name in ("assets", "liabilities", "equity", FUNDING.lower())
        )
        yield from _differ(assets, funding, f"assets{when}", f"liabilities and equity{when}")
        both = pl.concat([owed, equity]).group_by(_KEY).agg(pl.col("figure").sum())
        yield from _differ(funding, both, f"liabilities and equity{when}", f"the sum of both{when}")


def _cash(_: Book, frames: Frames) -> Iterator[Violation]:
    """The cash flow statement ends and begins at the balance sheet's cash, and its sections add up."""
    flow = frames["cash_flow"]
    opening, change, ending = (_figure(flow, name) for name in (OPENING_CASH, NET_CHANGE, ENDING_CASH))
    sheet = frames["balance_sheet"].filter((pl.col("level") == "line") & is_cash(pl.col("account")))
    for figure, name, column in ((ending, "ending cash", "amount"), (opening, "opening cash", "previous")):
        held = sheet.group_by(_KEY).agg(figure=pl.col(column).sum())
        yield from _differ(figure, _or_zero(figure, held), name, "cash on the balance sheet")
    moved = flow.filter(pl.col("level") == "line").group_by(_KEY).agg(figure=pl.col("amount").sum())
    yield from _differ(change, _or_zero(change, moved), "net change in cash", "the sum of the flows")
    both = pl.concat([opening, change]).group_by(_KEY).agg(pl.col("figure").sum())
    yield from _differ(ending, both, "ending cash", "opening cash and net change")


def _equity(_: Book, frames: Frames) -> Iterator[Violation]:
    """Equity changes by net income and by what the other equity accounts moved, and by nothing else."""
    sheet = frames["balance_sheet"].with_columns(change=pl.col("amount") - pl.col("previous"))
    lines = sheet.filter((pl.col("level") == "line") & (pl.col("section") == "Equity"))
    other = lines.filter(pl.col("account") != ACCUMULATED_EARNINGS).select(*_KEY, figure=pl.col("change"))
    explained = pl.concat([_figure(frames["income_statement"], NET_INCOME), other], how="vertical_relaxed")
    explained = explained.group_by(_KEY).agg(pl.col("figure").sum())
    change = _figure(sheet, "Total equity", "change")
    yield from _differ(change, explained, "change in equity", "net income and other equity movements")


def _net_worth(_: Book, frames: Frames) -> Iterator[Violation]:
    """Net worth is assets + unrealized - liabilities, and its last line stands on the balance sheet."""
    worth, sheet = frames["net_worth"], frames["balance_sheet"]
    formula = pl.col("assets_at_cost") + pl.col("unrealized") - pl.col("liabilities")
    for row in worth.filter(pl.col("net_worth") != formula).sort("period", "line").iter_rows(named=True):
        text = f"net worth of {row['as_of']} ({row['currency']}) is {row['net_worth']}, not assets at cost"
        yield row["period"], f"{text} + unrealized - liabilities"
    last = worth.filter(pl.col("as_of") == pl.col("as_of").max().over(_KEY))
    for column, name in (("assets_at_cost", "assets"), ("liabilities", "liabilities")):
        figure = last.select(*_KEY, figure=pl.col(column))
        yield from _differ(figure, _figure(sheet, f"Total {name}"), f"net worth's {name}", f"total {name}")


def _chain(_: Book, frames: Frames) -> Iterator[Violation]:
    """A month begins where the month before ended, where both are here."""
    income, sheet, flow = (frames[name] for name in _BY_ACCOUNT)
    links = (
        (_figure(flow, OPENING_CASH), _figure(flow, ENDING_CASH), "opening cash", "ending cash"),
        *(
            (_figure(sheet, f"Total {n}", "previous"), _figure(sheet, f"Total {n}"), f"previous {n}", n)
            for n in ("assets", "liabilities", "equity")
        ),
        (
            _figure(income, NET_INCOME, "previous"),
            _figure(income, NET_INCOME),
            "previous net income",
            "net income",
        ),
    )
    for opening, ending, name, of_month_before in links:
        following = ending.with_columns(pl.col("period").dt.offset_by("1mo"))
        both = opening.join(following.select(_KEY), on=_KEY, how="semi")
        yield from _differ(
            both, following.join(both, on=_KEY, how="semi"), name, f"{of_month_before} of the month before"
        )


def _figure(frame: pl.DataFrame, name: str, column: str = "amount") -> pl.DataFrame:
    """One total of every month: ``period, currency, figure``."""
    rows = frame.filter((pl.col("level") == "total") & (pl.col("account") == name))
    return rows.select(*_KEY, figure=pl.col(column))


def _or_zero(stated: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """``sums`` with a zero where a month has nothing to sum."""
    return stated.select(_KEY).join(sums, on=_KEY, how="left").with_columns(pl.col("figure").fill_null(0))


def _differ(left: pl.DataFrame, right: pl.DataFrame, name: str, other: str) -> Iterator[Violation]:
    """A violation for every month and currency in which two figures differ or one is not stated."""
    both = left.join(right, on=_KEY, how="full", coalesce=True, suffix="_other").sort(_KEY)
    for row in both.filter(pl.col("figure").ne_missing(pl.col("figure_other"))).iter_rows(named=True):
        one, two = (_stated(row[column]) for column in ("figure", "figure_other"))
        yield row["period"], f"{name} ({row['currency']}) is {one}, {other} {two}"


def _stated(figure: object) -> str:
    return "not stated" if figure is None else str(figure)


def _unequal(
    statement: str, stated: pl.DataFrame, sums: pl.DataFrame, key: list[str], amounts: tuple[str, ...]
) -> Iterator[Violation]:
    """A violation for every stated total that is not the sum of its lines (zero where it has none)."""
    both = stated.join(sums, on=key, how="left", suffix="_sum").sort([*key, "account"])
    for column in amounts:
        summed = pl.col(f"{column}_sum").fill_null(0)
        for row in both.filter(pl.col(column) != summed).iter_rows(named=True):
            text = f"{statement}: {row['account']} ({row['currency']}, {column}) is {row[column]}"
            yield row["period"], f"{text}, its lines sum to {row[f'{column}_sum'] or 0}"
