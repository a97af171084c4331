"""The books of one book, kept: everything in this folder put together.

What belongs here: the order in which the parts are made. What does not: any rule of bookkeeping.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from manna.books import Book
from manna.contracts.clean import LOAN_TERMS
from manna.contracts.ledger import GAINS, INHERITANCE, LOTS, PURCHASE
from manna.ledger.chart import OwnAccount, chart_of_accounts
from manna.ledger.disposals import LedgerError, OversoldError, gain_rows
from manna.ledger.divided import divide
from manna.ledger.dividing import share_entries
from manna.ledger.entered import book_entered
from manna.ledger.exchanges import book_exchanges
from manna.ledger.instructions import FUND, Instruction
from manna.ledger.journal import Entry, book_transactions, entry_frames, posted
from manna.ledger.loan_entries import trued_up
from manna.ledger.lots import Lot
from manna.ledger.margin import margin_loans
from manna.ledger.opening_positions import StatedLot, first_positions, opening_lots, position_openings
from manna.ledger.openings import cash_openings, opening_days
from manna.ledger.positions import Booked
from manna.ledger.reconciliation import provider_money, reconcile
from manna.ledger.records import cash_securities, counted, read_holdings, read_trades
from manna.ledger.trades import Known
from manna.ledger.valued import book_valued
from manna.ledger.walking import Activity, book_together


class UnknownAccountError(LedgerError):
    """Rows name accounts that clean.accounts does not have; ``missing`` lists (table, account_id)."""

    def __init__(self, missing: list[tuple[str, str]]) -> None:
        self.missing = tuple(missing)
        listed = ", ".join(f"{account_id} (in {table})" for table, account_id in missing)
        super().__init__(f"no such account in clean.accounts: {listed}")


@dataclass(frozen=True, slots=True)
class Books:
    """The tables of stage ``ledger`` for one book, each as its contract says, sorted.

    ``ledger.months`` is not among them: it depends on valuations too (:func:`manna.ledger.month_hashes`).
    ``refused_instructions`` says which instructions on lots do not hold, and why; ``unrated`` which exchanges of
    currencies stay in transit.
    """

    journal: pl.DataFrame
    postings: pl.DataFrame
    lots: pl.DataFrame
    gains: pl.DataFrame
    reconciliation: pl.DataFrame
    refused_instructions: tuple[str, ...] = ()
    unrated: tuple[str, ...] = ()


def keep_books(
    book: Book,
    *,
    accounts: pl.DataFrame,
    balances: pl.DataFrame,
    transactions: pl.DataFrame,
    categories: pl.DataFrame,
    splits: pl.DataFrame,
    transfers: pl.DataFrame,
    securities: pl.DataFrame,
    holdings: pl.DataFrame,
    trades: pl.DataFrame,
    entered: pl.DataFrame | None = None,
    loan_terms: pl.DataFrame | None = None,
    tax_forms: pl.DataFrame | None = None,
    family: Mapping[str, Book] | None = None,
    shared: pl.DataFrame | None = None,
    instructions: Sequence[Instruction] = (),
) -> Books:
    """Double entry for one book from its rows of ``clean`` and ``categorized``, and no other book's.

    The order of rows does not matter. ``categories`` is categorized.transactions, ``splits``, ``transfers`` and
    ``loan_terms`` the tables of those names, ``entered`` what people wrote (:data:`manna.ledger.entered.ENTERED`),
    ``tax_forms`` rows of :data:`manna.ledger.loan_entries.FORMS`, ``family`` all books of its taxpayer by id, ``shared``
    what they paid for this one (:func:`manna.ledger.dividing.shares`). What is not given is not there.
    ``instructions`` are what people said of the lots that sales take.

    Raises:
        UnknownAccountError: rows name accounts that are not in ``accounts``; all are listed.
        OversoldError: more was sold than held; every case is listed, no books are made.
    """
    _require_accounts(accounts, balances, transactions, holdings, trades)
    own, booked = chart_of_accounts(book, accounts), posted(transactions)
    transactions, heard = counted(transactions, balances), counted(trades, balances)
    balances = balances.filter(pl.col("current").is_not_null())  # a bank may have nothing to state
    trades = heard.filter(~pl.col("removed"))
    days = opening_days(booked, trades, balances, holdings)
    legs = frozenset(transfers["out_id"]) | frozenset(transfers["in_id"])
    funds = frozenset(securities.filter(pl.col("type") == FUND)["security_id"])
    known = Known(legs, instructions, funds, book.investments.spin_offs)
    invested = _invest(own, days, balances, holdings, securities, heard, known, declared_lots(book, accounts))
    if invested.oversold:
        raise OversoldError(sorted(invested.oversold, key=lambda each: (each.account_id, each.date)))
    family, terms = family or {}, LOAN_TERMS.empty() if loan_terms is None else loan_terms
    paid = divide(
        book, family, own, accounts, balances, terms, posted(transactions), trades, categories, splits, days
    )
    bank = book_transactions(book.id, booked, paid.categories, paid.splits, own, paid.leaves)
    traded = entry_frames(book.id, invested.entries)
    moves = pl.concat([bank[1], traded[1]])
    seen = _as_counted(moves, pl.concat([bank[0], traded[0]]), transactions, heard)
    provider = provider_money(own, balances, holdings, securities)
    told = entry_frames(book.id, cash_openings(own, provider, seen, days) + paid.loans.entries)
    written = [] if entered is None else book_entered(entered, own)
    if tax_forms is not None:
        written += trued_up(book.id, paid.found, paid.loans, tax_forms)
    if shared is not None:
        written += share_entries(book, family, shared)
    ids = [rows.select("date", id=name) for rows, name in ((booked, "transaction_id"), (trades, "trade_id"))]
    exchanged = book_exchanges(book, transfers, pl.concat(ids))
    people = entry_frames(book.id, [*written, *exchanged.entries])
    moved = pl.concat([moves, told[1], people[1]])
    rest = [*book_valued(book, moved, min(days.values(), default=None)), *margin_loans(own, moved, provider)]
    further = entry_frames(book.id, rest)
    return Books(
        journal=pl.concat([bank[0], traded[0], told[0], people[0], further[0]]).sort(
            "date", "entry_id", maintain_order=True
        ),
        postings=pl.concat([moved, further[1]]).sort("date", "posting_id", maintain_order=True),
        lots=_lot_frame(book.id, invested.lots),
        gains=_gain_frame(book.id, invested),
        reconciliation=reconcile(
            book.id,
            own,
            provider,
            # People's entries are compared with the provider, and are no part of what an opening is plugged from.
            pl.concat([seen, *(f[1].select(seen.columns) for f in (told, people))], how="vertical_relaxed"),
            frozenset(paid.leaves.values()),
        ),
        refused_instructions=tuple(sorted(invested.refused)),
        unrated=exchanged.unrated,
    )


def _as_counted(
    postings: pl.DataFrame, journal: pl.DataFrame, transactions: pl.DataFrame, trades: pl.DataFrame
) -> pl.DataFrame:
    """``postings`` as told balances saw them: each on the day it counts from, and what was taken back.

    A row the provider removed later is in the balances of the days between, and in no posting: it stands
    here twice, coming and going.
    """
    sources = pl.concat(
        [
            rows.select(source_table=pl.lit(table), source_id=key, counted="counted_on")
            for rows, table, key in (
                (transactions, "clean.transactions", "transaction_id"),
                (trades, "clean.trades", "trade_id"),
            )
        ]
    )
    days = journal.join(sources, on=["source_table", "source_id"]).filter(pl.col("counted") != pl.col("date"))
    days = days.select("entry_id", "counted")
    columns = ["account_id", "currency", "date", "amount", "security_id"]
    dated = postings.join(days, on="entry_id", how="left", maintain_order="left")
    seen = dated.with_columns(date=pl.coalesce("counted", "date")).select(columns)
    gone = pl.concat(
        [
            rows.filter(pl.col("removed"), pl.col("removed_on") > pl.col("counted_on"))
            .with_columns(security_id=pl.lit(None, dtype=pl.String))
            .select("account_id", "currency", "counted_on", "removed_on", "amount", "security_id")
            for rows in (transactions.filter(~pl.col("pending")), trades)
        ]
    )
    coming = gone.with_columns(date="counted_on").select(columns)
    going = gone.with_columns(pl.col("removed_on").alias("date"), -pl.col("amount")).select(columns)
    return pl.concat([seen, coming, going], how="vertical_relaxed")


def _invest(
    own: Mapping[str, OwnAccount],
    days: Mapping[str, date],
    balances: pl.DataFrame,
    holdings: pl.DataFrame,
    securities: pl.DataFrame,
    trades: pl.DataFrame,
    known: Known,
    stated: Mapping[str, Sequence[StatedLot]],
) -> Booked:
    """All investment accounts: entries (openings of positions included), lots, gains and overselling."""
    cash = cash_securities(securities, holdings, trades)
    holdings_of, removed_of = read_holdings(holdings, cash), read_trades(trades.filter("removed"), cash)
    trades_of = read_trades(trades.filter(~pl.col("removed")), cash)
    entries: list[Entry] = []
    refused: list[str] = []
    accounts: list[Activity] = []
    for account_id in sorted(trades_of.keys() | holdings_of.keys()):
        account = own[account_id]
        its_trades, its_holdings = trades_of.get(account_id, []), holdings_of.get(account_id, [])
        listed = holdings.filter(pl.col("account_id") == account_id)["as_of"].to_list()
        asked = balances.filter(pl.col("account_id") == account_id)["as_of"].to_list()
        first = first_positions(its_holdings, listed or asked)
        openings: list[Lot] = []
        if first is not None:
            removed = removed_of.get(account_id, [])
            day, declared = days[account_id], stated.get(account_id, ())
            openings, unused = opening_lots(account, day, first, its_trades, removed, declared)
            entries.extend(position_openings(account, day, openings, first))
            refused.extend(unused)
        accounts.append(Activity(account, its_trades, openings, its_holdings))
    booked = book_together(accounts, known)
    booked.entries.extend(entries)
    booked.refused.extend(refused)
    return booked


def declared_lots(book: Book, accounts: pl.DataFrame) -> dict[str, list[StatedLot]]:
    """The lots that the book's file declares, by account; an account is named by its id, name or last digits."""
    found: dict[str, list[StatedLot]] = {}
    for row in accounts.iter_rows(named=True):
        names = {(row[field] or "").casefold() for field in ("account_id", "name", "mask")}
        its = [each for each in book.investments.lots if each.account.casefold() in names]
        for number, each in enumerate(sorted(its, key=lambda lot: (lot.opened, lot.security)), start=1):
            how = INHERITANCE if each.inherited else PURCHASE
            lot = StatedLot(f"declared {number}", each.security, each.opened, each.quantity, each.cost, how)
            found.setdefault(row["account_id"], []).append(lot)
    return found


def _lot_frame(book_id: str, lots: list[Lot]) -> pl.DataFrame:
    rows = [
        (
            lot.lot_id, book_id, lot.account_id, lot.security_id, lot.opened, lot.quantity, lot.remaining,
            lot.cost, lot.remaining_cost, lot.currency, lot.is_opening, lot.dated, lot.came_by,
            lot.origin or lot.lot_id,
        )
        for lot in lots
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=LOTS.polars_schema, orient="row").sort(LOTS.key)


def _gain_frame(book_id: str, invested: Booked) -> pl.DataFrame:
    rows = gain_rows(book_id, invested.gains, invested.ratios)
    return pl.DataFrame(rows, schema=GAINS.polars_schema).sort(GAINS.key)


def _require_accounts(accounts: pl.DataFrame, *tables: pl.DataFrame) -> None:
    """Complains of every account named in ``tables`` (balances, transactions, holdings, trades) but unknown."""
    known = accounts.select("account_id")
    missing = [
        (f"clean.{name}", account_id)
        for name, frame in zip(("balances", "transactions", "holdings", "trades"), tables, strict=True)
        for account_id in frame.select("account_id")
        .unique()
        .join(known, on="account_id", how="anti")["account_id"]
        .sort()
    ]
    if missing:
        raise UnknownAccountError(missing)
