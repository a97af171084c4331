"""What the accounts held before the feed begins, from the first thing the provider said about them.

What belongs here: opening entries and opening lots. What does not: comparing later balances
(:mod:`reconciliation`).

An opening is plugged from the *first* snapshot of an account and the rows dated up to that day, and never
again: what later snapshots say is compared, not absorbed. Rows dated up to the first snapshot that become
known only later (a backfill) therefore change the opening and never current income.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from manna.ledger.chart import OPENING_BALANCES, OwnAccount
from manna.ledger.journal import Entry, Line, balanced, identity
from manna.ledger.lots import Lot, share
from manna.ledger.records import Holding, Trade
from manna.ledger.walking import book_trades
from manna.money import round_money

_DAY = timedelta(days=1)


def opening_days(
    posted: pl.DataFrame, trades: pl.DataFrame, balances: pl.DataFrame, holdings: pl.DataFrame
) -> dict[str, date]:
    """The day each account is opened on: for all of a book the day before its first row of any account.

    An account whose first row comes weeks later was there before, with the balance it has then; net worth
    must not jump on the day an account first moves, nor fall off a cliff on the night a mortgage, of which
    balances alone are told, is first heard of. An account that really was opened in between opens empty.

    Args:
        posted: the booked rows of clean.transactions.
        trades, balances, holdings: rows of those tables of ``clean``.
    """
    days = [
        posted.select("account_id", day=pl.col("date") - _DAY),
        trades.select("account_id", day=pl.col("date") - _DAY),
        balances.select("account_id", day="as_of"),
        holdings.select("account_id", day="as_of"),
    ]
    known = pl.concat(days)
    first = known.select(pl.col("day").min()).item() if known.height else date.min
    return dict.fromkeys(known["account_id"].unique().sort(), first)


def cash_openings(
    own: Mapping[str, OwnAccount],
    provider: pl.DataFrame,
    postings: pl.DataFrame,
    days: Mapping[str, date],
) -> list[Entry]:
    """One entry per account whose money the provider has stated: first statement - rows up to that day.

    Args:
        provider: :func:`manna.ledger.reconciliation.provider_money`.
        postings: what transactions and trades moved, as told balances saw it.
        days: :func:`opening_days`.

    Returns:
        Entries against ``Equity:Opening Balances``. An opening of zero is an entry too: it says that the
        account was empty.
    """
    first = provider.filter(pl.col("as_of") == pl.col("as_of").min().over("account_id", "currency"))
    moves = postings.filter(pl.col("account_id").is_not_null() & pl.col("security_id").is_null())
    known = (
        moves.select("account_id", "currency", "date", moved="amount")
        .join(first, on=["account_id", "currency"])
        .filter(pl.col("date") <= pl.col("as_of"))
        .group_by("account_id", "currency")
        .agg(pl.col("moved").sum())
    )
    rows = first.join(known, on=["account_id", "currency"], how="left").sort(
        "account_id", "as_of", "currency"
    )
    entries = []
    for (account_id, as_of, source), stated in rows.group_by(
        "account_id", "as_of", "source", maintain_order=True
    ):
        account, lines = own[str(account_id)], []
        for row in stated.iter_rows(named=True):
            amount = row["amount"] - (row["moved"] or 0)
            lines.append(Line(account.cash, amount, row["currency"], account_id=account.account_id))
            lines.append(Line(OPENING_BALANCES, -amount, row["currency"]))
        source_id = f"{account_id}/{as_of}"
        day = days[account.account_id]
        entries.append(Entry(day, "opening", "Opening balance", str(source), source_id, tuple(lines)))
    return entries


@dataclass(frozen=True, slots=True)
class FirstPositions:
    """What an account held on the first day its positions are known; nothing held is knowledge too."""

    as_of: date
    holdings: Mapping[str, Holding]

    def without_cost(self, securities: Collection[str | None]) -> "FirstPositions":
        """The same, but for what these ``securities`` are said to have cost."""
        held = {
            name: replace(holding, cost_basis=None) if name in securities else holding
            for name, holding in self.holdings.items()
        }
        return replace(self, holdings=held)


def first_positions(holdings: Sequence[Holding], days: Sequence[date]) -> FirstPositions | None:
    """The first snapshot of an account's positions; None when there never was one.

    Args:
        holdings: the account's holdings that are not money.
        days: the days on which holdings of any kind, money too, were listed; for an account that never
            lists any the days of its balances, which say that it holds no positions.
    """
    if not days:
        return None
    as_of = min(days)
    return FirstPositions(as_of, {h.security_id: h for h in holdings if h.as_of == as_of})


def opening_lots(
    own: OwnAccount,
    day: date,
    first: FirstPositions,
    trades: Sequence[Trade],
    removed: Sequence[Trade] = (),
) -> list[Lot]:
    """Lots held before the feed begins: first snapshot's quantity - what trades up to that day moved.

    What was ``removed`` after that snapshot is in it all the same, and is taken off it like the others.

    A split's quantity is the shares it added, so subtracting it walks back over the split and the lot is
    in the units of its own day. A negative result (more bought than held at the snapshot) opens nothing
    and shows as a position difference.

    Cost: the institution's pooled cost less that of the tracked lots still held, where it is known; else
    the basis is unknown and the lot is carried at the institution's value, else at what its first trade
    says it was worth. Costs of the part sold before the snapshot are taken to be the same per unit.
    """
    known = [trade for trade in trades if trade.counted_on <= first.as_of]
    undone = [t for t in removed if t.counted_on <= first.as_of < (t.removed_on or first.as_of)]
    moved: dict[str, Decimal] = {security_id: Decimal(0) for security_id in first.holdings}
    currencies = {security_id: holding.currency for security_id, holding in first.holdings.items()}
    for trade in (*known, *undone):
        if trade.moved and trade.security_id is not None:
            moved[trade.security_id] = moved.get(trade.security_id, Decimal(0)) + trade.moved
            currencies.setdefault(trade.security_id, trade.currency)
    lots = []
    for security_id in sorted(moved):
        holding = first.holdings.get(security_id)
        quantity = (holding.quantity if holding else Decimal(0)) - moved[security_id]
        if quantity > 0:
            lots.append(
                Lot(
                    lot_id=identity("clean.holdings", _source_id(own, security_id, first)),
                    account_id=own.account_id,
                    security_id=security_id,
                    opened=day,
                    quantity=quantity,
                    remaining=quantity,
                    cost=None,
                    carrying=Decimal(0),
                    currency=currencies[security_id],
                    is_opening=True,
                    dated=False,
                )
            )
    at_snapshot = book_trades(own, known, lots)
    walked = {lot.lot_id: lot for lot in at_snapshot.lots}
    # What the institution says of the cost of a position includes that of what was undone since.
    first = first.without_cost({trade.security_id for trade in undone})
    return [
        _priced(lot, walked[lot.lot_id], at_snapshot.positions[own.account_id, lot.security_id], first, known)
        for lot in lots
    ]


def _priced(
    lot: Lot, walked: Lot, tracked: Sequence[Lot], first: FirstPositions, known: Sequence[Trade]
) -> Lot:
    """``lot`` with its cost, or its carrying amount alone. ``walked`` is the same lot at the snapshot."""
    holding = first.holdings.get(lot.security_id)
    if holding is None or holding.quantity <= 0:
        return replace(lot, carrying=_first_traded_value(lot, known))
    others = [other.remaining_cost for other in tracked if not other.is_opening]
    if holding.cost_basis is not None and walked.remaining > 0 and None not in others:
        rest = holding.cost_basis - sum((cost for cost in others if cost is not None), Decimal(0))
        if rest > 0:
            cost = share(rest, walked.quantity, walked.remaining, lot.currency)
            return replace(lot, cost=cost, carrying=cost)
    if holding.value > 0:
        value = share(holding.value, walked.quantity, holding.quantity, lot.currency)
        return replace(lot, carrying=value)
    return replace(lot, carrying=_first_traded_value(lot, known))


def _first_traded_value(lot: Lot, known: Sequence[Trade]) -> Decimal:
    """``lot`` at what the first trade with a value got or paid per unit; zero when there is none."""
    units = lot.quantity
    for trade in known:
        if trade.security_id != lot.security_id or not trade.moved:
            continue
        if trade.kind == "split":
            units += trade.moved
        elif trade.amount and trade.currency == lot.currency:
            return share(abs(trade.amount), units, abs(trade.moved), lot.currency)
        elif trade.price:
            return round_money(units * trade.price, lot.currency)
    return Decimal(0)


def position_openings(own: OwnAccount, lots: Sequence[Lot], first: FirstPositions) -> list[Entry]:
    """One entry per opening lot, at its carrying amount, against ``Equity:Opening Balances``.

    Its source is the row of clean.holdings of the first snapshot; where the account no longer held the
    security on that day there is no such row, which is what the entry is derived from.
    """
    entries = []
    for lot in lots:
        line = Line(
            own.securities,
            lot.carrying,
            lot.currency,
            own.account_id,
            lot.security_id,
            lot.quantity,
            lot.lot_id,
        )
        entries.append(
            Entry(
                lot.opened, "opening", f"Opening position {lot.security_id}", "clean.holdings",
                _source_id(own, lot.security_id, first), balanced([line], OPENING_BALANCES),
            )
        )  # fmt: skip
    return entries


def _source_id(own: OwnAccount, security_id: str, first: FirstPositions) -> str:
    return f"{own.account_id}/{security_id}/{first.as_of}"
