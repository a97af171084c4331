"""The investment accounts of a book: what they held before the feed begins, and all their trades in one walk.

What belongs here: which account is given which rows, and the tables of lots and gains. What does not: what opens an
account (:mod:`opening_positions`), what a trade means (:mod:`trades`), or any rule about lots (:mod:`lots`).
"""

from collections.abc import Sequence

import polars as pl

from manna.books import Book
from manna.contracts.ledger import GAINS, LOTS
from manna.ledger.disposals import OversoldError, gain_rows
from manna.ledger.instructions import FUND, Instruction
from manna.ledger.journal import Entry
from manna.ledger.lots import Lot
from manna.ledger.opening_positions import first_positions, opening_lots, position_openings
from manna.ledger.positions import Booked
from manna.ledger.records import cash_securities, read_holdings, read_trades
from manna.ledger.stated_lots import StatedLot, declared_lots
from manna.ledger.told import Told
from manna.ledger.trades import Known
from manna.ledger.walking import Activity, book_together


def invest(book: Book, told: Told, transfers: pl.DataFrame, instructions: Sequence[Instruction]) -> Booked:
    """All investment accounts: entries (openings of positions included), lots and gains.

    Args:
        book: which lots its file declares, and which spin-offs.
        told: of the book.
        transfers: rows of categorized.transfers.
        instructions: what people said of the lots that sales take.

    Raises:
        OversoldError: more was sold than held; every case is listed.
    """
    legs = frozenset(transfers["out_id"]) | frozenset(transfers["in_id"])
    funds = frozenset(told.securities.filter(pl.col("type") == FUND)["security_id"])
    known = Known(legs, instructions, funds, book.investments.spin_offs)
    accounts, entries, refused = _activities(told, declared_lots(book, told.accounts))
    booked = book_together(accounts, known)
    if booked.oversold:
        raise OversoldError(sorted(booked.oversold, key=lambda each: (each.account_id, each.date)))
    booked.entries.extend(entries)
    booked.refused.extend(refused)
    return booked


def _activities(
    told: Told, stated: dict[str, list[StatedLot]]
) -> tuple[list[Activity], list[Entry], list[str]]:
    """Each account's trades and opening lots; the entries of these; and which declared lots cannot be used, in words."""
    holdings, trades = told.holdings, told.trades
    cash = cash_securities(told.securities, holdings, trades)
    holdings_of, removed_of = read_holdings(holdings, cash), read_trades(trades.filter("removed"), cash)
    trades_of = read_trades(told.standing, cash)
    entries: list[Entry] = []
    refused: list[str] = []
    accounts: list[Activity] = []
    for account_id in sorted(trades_of.keys() | holdings_of.keys()):
        account = told.own[account_id]
        its_trades, its_holdings = trades_of.get(account_id, []), holdings_of.get(account_id, [])
        listed = holdings.filter(pl.col("account_id") == account_id)["as_of"].to_list()
        asked = told.balances.filter(pl.col("account_id") == account_id)["as_of"].to_list()
        first = first_positions(its_holdings, listed or asked)
        openings: list[Lot] = []
        if first is not None:
            removed = removed_of.get(account_id, [])
            day, declared = told.days[account_id], stated.get(account_id, ())
            openings, unused = opening_lots(account, day, first, its_trades, removed, declared)
            entries.extend(position_openings(account, day, openings, first))
            refused.extend(unused)
        accounts.append(Activity(account, its_trades, openings, its_holdings))
    return accounts, entries, refused


def lot_frame(book_id: str, lots: Sequence[Lot]) -> pl.DataFrame:
    """``lots`` as rows of ledger.lots."""
    rows = [
        (
            lot.lot_id, book_id, lot.account_id, lot.security_id, lot.opened, lot.quantity, lot.remaining,
            lot.cost, lot.remaining_cost, lot.currency, lot.is_opening, lot.dated, lot.came_by,
            lot.origin or lot.lot_id,
        )
        for lot in lots
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=LOTS.polars_schema, orient="row").sort(LOTS.key)


def gain_frame(book_id: str, invested: Booked) -> pl.DataFrame:
    """What was gained, as rows of ledger.gains."""
    rows = gain_rows(book_id, invested.gains, invested.ratios)
    return pl.DataFrame(rows, schema=GAINS.polars_schema).sort(GAINS.key)
