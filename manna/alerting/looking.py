"""What each source of alerts sees on a day of the past: that day's facts, and nothing later.

What belongs here: cutting tables at a day. What does not: any condition (``money``, ``conditions`` and
``manna.categorizing.insights``, which the sensor calls too), or going through the days (``replay``).

A day sees rows posted up to it, the balance stated on it (or rolled back from the next one that was stated), returns
and weights of its last market day. When *we* learnt of a row is left aside: a login brings two years at once, and the
question is what would have been told had it been there. Whatever depends on the machine, on connections and on
decisions is not here: thresholds do not move it.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any

import polars as pl

from manna.alerting import money
from manna.alerting.conditions import Condition, worth_telling
from manna.books import Book
from manna.categorizing.insights import Direction, direction, happened, is_news, missed
from manna.categorizing.recurring import Occurrence, Series, row_of, series_of
from manna.rebalancing.drift import drift
from manna.statements.budget import budgeted

Look = Callable[[date], list[Condition]]
"""What a source finds on a day. It is asked day after day and never back: it may remember."""

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of one book: its own rows, of all days.

    ``transactions``: posted rows, not removed, with transaction_id, book, account_id, date, amount, currency, merchant
    (normalized) and ``transfer`` (whether between own accounts). The others are the tables of those names.
    """

    book: Book
    accounts: pl.DataFrame
    balances: pl.DataFrame
    transactions: pl.DataFrame
    postings: pl.DataFrame
    reconciliation: pl.DataFrame
    performance: pl.DataFrame
    valuations: pl.DataFrame


def looks(past: Past) -> list[Look]:
    """Every source that thresholds have a say in, at the beginning of its past."""
    payments = Payments(past)
    return [
        payments.told,
        _balances(past, payments),
        _budgets(past),
        _breaks(past),
        _losses(past),
        _drifts(past),
    ]


class Payments:
    """Insights and series as they looked on a day: of each merchant made anew when it is paid, and only then."""

    def __init__(self, past: Past) -> None:
        named = pl.col("merchant").is_not_null() & (pl.col("merchant") != "") & (pl.col("amount") != 0)
        rows = past.transactions.filter(~pl.col("transfer"), named)
        rows = rows.sort("date", "transaction_id", descending=True)
        self._wanted = past.book.thresholds
        self._ahead = rows.to_dicts()
        """What has not happened yet, the next one last."""
        self._first_day = rows.filter(pl.col("amount") < 0)["date"].min()
        self._rows: dict[Direction, list[dict[str, Any]]] = defaultdict(list)
        self._series: dict[Direction, list[tuple[Series, dict[str, Any]]]] = {}
        self._happened: dict[Direction, list[dict[str, Any]]] = {}

    def told(self, day: date) -> list[Condition]:
        """The insights of ``day``."""
        self._go_to(day)
        found = [row for rows in self._happened.values() for row in rows]
        for way, series in self._series.items():
            for one, _ in series:
                if one.status(day) == "missed":
                    found += missed(one, [row["date"] for row in self._rows[way]], day)
        return worth_telling(row for row in found if is_news(row, day))

    def recurring(self, day: date) -> list[dict[str, Any]]:
        """Rows of categorized.recurring on ``day``."""
        self._go_to(day)
        return [row | {"status": one.status(day)} for kept in self._series.values() for one, row in kept]

    def _go_to(self, day: date) -> None:
        paid = set()
        while self._ahead and self._ahead[-1]["date"] <= day:
            row = self._ahead.pop()
            self._rows[direction(row)].append(row)
            paid.add(direction(row))
        for way in paid:
            rows, (merchant, currency, incoming) = self._rows[way], way
            occurrences = [Occurrence(*(row[name] for name in Occurrence.__slots__)) for row in rows]
            series = series_of(rows[0]["book"], merchant, currency, occurrences)
            self._series[way] = [(one, row_of(one)) for one in series]
            if not incoming:
                self._happened[way] = happened(rows, series, self._first_day, self._wanted)


def _balances(past: Past, payments: Payments) -> Look:
    """What bank accounts held, and would have held."""
    book, columns = past.book, ("account_id", "institution", "name", "currency")
    owned = past.accounts.filter(pl.col("type") == "depository").sort("account_id").select(columns).to_dicts()
    kept = [(account, _held(past, account)) for account in owned]

    def look(day: date) -> list[Condition]:
        held = [
            account | {"current": current}
            for account, on in kept
            if (current := on(day)) is not None
        ]  # fmt: skip
        return [
            *money.low_balances(book, held),
            *money.projected_lows(book, held, payments.recurring(day), day),
        ]

    return look


def _held(past: Past, account: dict[str, Any]) -> Callable[[date], Decimal | None]:
    """What an account held by day; null before its first row and before anything was stated."""
    own = (pl.col("account_id") == account["account_id"], pl.col("currency") == account["currency"])
    stated = past.balances.filter(*own, pl.col("current").is_not_null()).sort("as_of")
    days: list[date] = stated["as_of"].to_list()
    balances: list[Decimal] = stated["current"].to_list()
    rows = past.transactions.filter(*own).group_by("date").agg(pl.col("amount").sum()).sort("date")
    moved_on: list[date] = rows["date"].to_list()
    moved: list[Decimal] = [NOTHING, *accumulate(rows["amount"].to_list())]

    def until(day: date) -> Decimal:
        return moved[bisect_right(moved_on, day)]

    def on(day: date) -> Decimal | None:
        if not days or day < min([*days[:1], *moved_on[:1]]):
            return None
        after = bisect_right(days, day)
        if after and (days[after - 1] == day or after == len(days)):
            return balances[after - 1]
        return balances[after] - (until(days[after]) - until(day))

    return on


def _budgets(past: Past) -> Look:
    """Budgets and what was spent of them since the month began."""
    book = past.book
    own = past.postings.filter(
        pl.col("account").str.starts_with("Expenses:"), pl.col("currency") == book.currency
    )
    spent = own.select("date", "amount", budget=budgeted(book, pl.col("account")))
    days = spent.group_by("budget", "date").agg(pl.col("amount").sum()).sort("date")
    by_budget = {name: part for (name,), part in days.group_by("budget", maintain_order=True)}
    kept = []
    for name, limit in sorted(book.budgets.items()):
        if (part := by_budget.get(name)) is not None:
            kept.append(
                (name, limit, part["date"].to_list(), [NOTHING, *accumulate(part["amount"].to_list())])
            )

    def look(day: date) -> list[Condition]:
        period, lines = day.replace(day=1), []
        for name, limit, on, sums in kept:
            amount = sums[bisect_right(on, day)] - sums[bisect_left(on, period)]
            lines.append(
                {
                    "account": name,
                    "period": period,
                    "amount": amount,
                    "budget": limit,
                    "currency": book.currency,
                }
            )
        return money.overspent(book, lines)

    return look


def _breaks(past: Past) -> Look:
    """Comparisons of the ledger with the bank, up to a day."""
    days = past.reconciliation["as_of"].unique().sort().to_list()
    return _when_new(
        days,
        lambda day: money.reconciliation_breaks(
            past.reconciliation.filter(pl.col("as_of") <= day), past.accounts
        ),
    )


def _losses(past: Past) -> Look:
    """What the investments had lost by a day."""
    returns = money.market_returns(past.book, past.performance)
    days = [day for day, _ in returns]
    return _when_new(days, lambda day: money.losses(past.book, returns[: bisect_right(days, day)]))


def _drifts(past: Past) -> Look:
    """Weights by their value on a market day."""
    days = (
        {day for day, _ in money.market_returns(past.book, past.performance)}
        if past.book.targets.weights
        else set()
    )
    valued = past.valuations.filter(pl.col("date").is_in(days))
    by_day = {day: part for (day,), part in valued.group_by("date", maintain_order=True)}
    return _when_new(
        sorted(by_day),
        lambda day: money.drifted(past.book, drift(past.book, by_day[day], past.accounts, day).to_dicts()),
    )


def _when_new(days: Iterable[date], find: Callable[[date], list[Condition]]) -> Look:
    """Looks at the last of ``days`` (in order) up to the day, once; what was found there stands until the next."""
    known, last, found = list(days), 0, list[Condition]()

    def look(day: date) -> list[Condition]:
        nonlocal last, found
        if (reached := bisect_right(known, day)) != last:
            last, found = reached, find(known[reached - 1])
        return found

    return look
