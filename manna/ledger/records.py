"""Rows of clean.trades and clean.holdings as Python values, and the order in which trades happened.

What belongs here: reading those rows and what can be said of one alone. What does not: booking them.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

TRADES = "clean.trades"
_QUANTITY_IS_NO_MOVE = ("dividend", "return_of_capital", "interest", "fee")
_CURRENCY_ID = "CUR:"
MOST_DAYS_LATE = 5
"""A row may post this many days after its date (a long weekend); what is older was there all the time."""

_NO_MOMENT = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Trade:
    """One row of clean.trades. ``is_cash``: its security is money under another name.

    ``removed_on``: the day we heard that it was taken back; such a row is in no entry.
    """

    trade_id: str
    account_id: str
    security_id: str | None
    date: dt.date
    moment: dt.datetime | None
    kind: str
    quantity: Decimal
    price: Decimal | None
    amount: Decimal
    currency: str
    description: str
    counted_on: dt.date
    is_cash: bool
    removed_on: dt.date | None = None

    @property
    def moved(self) -> Decimal:
        """Change of the position: zero for money, and for rows that only say what a payment was made on.

        A broker puts the number of shares on a dividend, interest, fee or return of capital; that is no change.
        """
        if self.security_id is None or self.is_cash or self.kind in _QUANTITY_IS_NO_MOVE:
            return Decimal(0)
        return self.quantity

    @property
    def position(self) -> tuple[str, str]:
        """The pool of lots it is about: account and security."""
        return self.account_id, self.security_id or ""

    @property
    def order(self) -> tuple[dt.date, int, dt.datetime, Decimal, str]:
        """Sort key: when it happened relative to the other trades of its account.

        By day. Within a day splits come first (they hold from the open; of several the one that adds
        most, because some brokers send a split as old shares out and new shares in); then what has no
        moment and does not reduce a position; then what has a moment, by moment; then what has no moment
        and reduces one. Ties: what adds before what reduces, then trade_id.
        """
        moved = self.moved
        if self.kind == "split":
            return self.date, 0, _NO_MOMENT, -moved, self.trade_id
        if self.moment is not None:
            return self.date, 2, self.moment, _reduces(moved), self.trade_id
        return self.date, 3 if moved < 0 else 1, _NO_MOMENT, Decimal(0), self.trade_id


def _reduces(moved: Decimal) -> Decimal:
    return Decimal(1) if moved < 0 else Decimal(0)


@dataclass(frozen=True, slots=True)
class Holding:
    """One row of clean.holdings of a security that is not money."""

    security_id: str
    as_of: dt.date
    quantity: Decimal
    value: Decimal
    cost_basis: Decimal | None
    currency: str
    tax_lots: str | None = None


def counted(rows: pl.DataFrame, balances: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with ``counted_on``: the first day whose balance can include a row.

    That is its date; but one dated a few days before the account was last told, of which we first hear now, had
    not posted by then, so no balance told in between includes it. One that is older was there all the time,
    and we are told of it late (a backfill): every balance since its date includes it. How long nobody asked
    does not matter: a row that posted in a pause of weeks is not late.

    Args:
        rows: of clean.transactions or clean.trades.
        balances: rows of clean.balances of the same accounts; null ones tell when an account was asked too.
    """
    told = balances.select("account_id", told_on="as_of").unique().sort("told_on")
    missed = (pl.col("told_on") - pl.col("date")).dt.total_days().is_between(0, MOST_DAYS_LATE - 1)
    return (
        rows.with_row_index("place")
        .sort("first_known_on")
        .join_asof(
            told, left_on="first_known_on", right_on="told_on", by="account_id",
            allow_exact_matches=False, check_sortedness=False,
        )
        .sort("place")
        .with_columns(counted_on=pl.when(missed).then("first_known_on").otherwise("date"))
        .drop("place", "told_on")
    )  # fmt: skip


def cash_securities(securities: pl.DataFrame, *others: pl.DataFrame) -> frozenset[str]:
    """Ids of the securities that are money under another name: a sweep, ``CUR:USD``.

    Args:
        securities: rows of clean.securities.
        others: frames with a ``security_id``. Ids of the form ``CUR:USD`` in them are money even where
            clean.securities lacks them, because not every broker lists its currency among its securities.
    """
    named = [frame["security_id"].drop_nulls().unique() for frame in others]
    currencies = {name for names in named for name in names if name.startswith(_CURRENCY_ID)}
    return frozenset(securities.filter("is_cash")["security_id"]) | currencies


def read_trades(trades: pl.DataFrame, cash: frozenset[str]) -> dict[str, list[Trade]]:
    """Rows of clean.trades (``counted``) by account, each account's in the order they happened."""
    found: dict[str, list[Trade]] = defaultdict(list)
    columns = [name for name in Trade.__slots__ if name != "is_cash"]
    for row in trades.select(columns).iter_rows(named=True):
        found[row["account_id"]].append(Trade(**row, is_cash=row["security_id"] in cash))
    return {account_id: sorted(rows, key=lambda t: t.order) for account_id, rows in sorted(found.items())}


def read_holdings(holdings: pl.DataFrame, cash: frozenset[str]) -> dict[str, list[Holding]]:
    """Rows of clean.holdings by account, without money, by day and security."""
    found: dict[str, list[Holding]] = defaultdict(list)
    columns = list(Holding.__slots__)
    for account_id, *values in holdings.select("account_id", *columns).iter_rows():
        if values[0] not in cash:
            found[account_id].append(Holding(*values))
    return {
        account_id: sorted(rows, key=lambda h: (h.as_of, h.security_id))
        for account_id, rows in sorted(found.items())
    }
