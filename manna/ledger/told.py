"""What was told of the accounts of one book, made ready for booking.

What belongs here: whose rows these are, on which day each counts, and what balances saw of them. What does not: reading
one row (:mod:`records`), or booking any.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from manna.books import Book
from manna.ledger.chart import OwnAccount, chart_of_accounts
from manna.ledger.disposals import LedgerError
from manna.ledger.journal import posted
from manna.ledger.openings import opening_days
from manna.ledger.records import counted


class UnknownAccountError(LedgerError):
    """Rows name accounts that clean.accounts does not have; ``missing`` lists (table, account_id)."""

    def __init__(self, missing: list[tuple[str, str]]) -> None:
        self.missing = tuple(missing)
        listed = ", ".join(f"{account_id} (in {table})" for table, account_id in missing)
        super().__init__(f"no such account in clean.accounts: {listed}")


@dataclass(frozen=True, slots=True)
class Told:
    """Rows of ``clean`` of one book.

    ``own``: the chart. ``transactions`` and ``trades`` have ``counted_on``, and among them are the removed and the
    pending; ``booked`` and ``standing`` are those of them that are in the books. ``balances`` state an amount. ``days``:
    the day each account is opened on.
    """

    own: dict[str, OwnAccount]
    accounts: pl.DataFrame
    balances: pl.DataFrame
    transactions: pl.DataFrame
    booked: pl.DataFrame
    securities: pl.DataFrame
    holdings: pl.DataFrame
    trades: pl.DataFrame
    standing: pl.DataFrame
    days: dict[str, date]

    def booked_on(self) -> pl.DataFrame:
        """``id, date`` of all rows that are in the books."""
        named = ((self.booked, "transaction_id"), (self.standing, "trade_id"))
        return pl.concat([rows.select("date", id=name) for rows, name in named])


def told_of(
    book: Book,
    accounts: pl.DataFrame,
    balances: pl.DataFrame,
    transactions: pl.DataFrame,
    securities: pl.DataFrame,
    holdings: pl.DataFrame,
    trades: pl.DataFrame,
) -> Told:
    """The rows of a book, as its ledger is made from them.

    Raises:
        UnknownAccountError: rows name accounts that are not in ``accounts``; all are listed.
    """
    _require_accounts(accounts, balances, transactions, holdings, trades)
    own = chart_of_accounts(book, accounts)
    transactions, trades = counted(transactions, balances), counted(trades, balances)
    balances = balances.filter(pl.col("current").is_not_null())  # a bank may have nothing to state
    booked, standing = posted(transactions), trades.filter(~pl.col("removed"))
    days = opening_days(booked, standing, balances, holdings)
    return Told(own, accounts, balances, transactions, booked, securities, holdings, trades, standing, days)


def as_counted(journal: pl.DataFrame, postings: pl.DataFrame, told: Told) -> pl.DataFrame:
    """``postings`` as told balances saw them: each on the day it counts from, and what was taken back.

    A row the provider removed later is in the balances of the days between, and in no posting: it stands
    here twice, coming and going.
    """
    sources = pl.concat(
        [
            rows.select(source_table=pl.lit(table), source_id=key, counted="counted_on")
            for rows, table, key in (
                (told.transactions, "clean.transactions", "transaction_id"),
                (told.trades, "clean.trades", "trade_id"),
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
            for rows in (told.transactions.filter(~pl.col("pending")), told.trades)
        ]
    )
    coming = gone.with_columns(date="counted_on").select(columns)
    going = gone.with_columns(pl.col("removed_on").alias("date"), -pl.col("amount")).select(columns)
    return pl.concat([seen, coming, going], how="vertical_relaxed")


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
