"""The walk through what happened in investment accounts, of one or of all of a book together.

What belongs here: who walks, and in which order. What does not: what a trade means (:mod:`trades`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from manna.ledger.carrying import routes
from manna.ledger.chart import OwnAccount
from manna.ledger.journal import Entry
from manna.ledger.lots import Lot, Taken
from manna.ledger.positions import Booked, Positions
from manna.ledger.records import TRADES, Holding, Trade
from manna.ledger.trades import Known, Walk


@dataclass(frozen=True, slots=True)
class Activity:
    """One account's trades, in any order, and the lots it held before the first of them.

    ``holdings``: what the institution says it holds, by day; only to value shares that arrive without a price.
    """

    own: OwnAccount
    trades: Sequence[Trade]
    openings: Sequence[Lot] = ()
    holdings: Sequence[Holding] = ()


def book_trades(
    own: OwnAccount, trades: Sequence[Trade], openings: Sequence[Lot] = (), known: Known | None = None
) -> Booked:
    """:func:`book_together` for one account alone."""
    return book_together([Activity(own, trades, openings)], known)


def book_together(accounts: Sequence[Activity], known: Known | None = None) -> Booked:
    """Walk the trades of all accounts of a book in the order they happened: lots may move between them.

    Returns:
        All entries, lots and gains. Overselling is listed in ``oversold``, not raised, so that every case
        is found; what comes after one is booked as if just what was held had been taken.
    """
    booked = Booked()
    ways = routes(
        {each.own.account_id: each.own for each in accounts}, (t for a in accounts for t in a.trades)
    )
    left: dict[str, list[Taken]] = {}
    walks = {}
    for each in accounts:
        for lot in each.openings:
            booked.positions[lot.account_id, lot.security_id].append(lot)
        positions = Positions(each.own, booked, each.holdings)
        walks[each.own.account_id] = Walk(positions, known or Known(), ways, left)
    for trade in sorted((t for a in accounts for t in a.trades), key=ways.order):
        lines = walks[trade.account_id].lines(trade)
        booked.entries.append(Entry(trade.date, "trade", trade.description, TRADES, trade.trade_id, lines))
    return booked
