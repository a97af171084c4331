"""Transfers between own accounts of two currencies: what left and what arrived, exchanged in transit.

What belongs here: the entry that closes such a transfer's two sides in ``Assets:In Transit``, and the gain or loss by the
day's rate. What does not: which rows are a transfer (stage ``categorized``), or translating anything for a report.

Amounts stay in their own currencies: ``Equity:Currency Exchange`` takes what was given in the one and gives what was got
in the other, at the rate of the day on which the later side was booked (a dated one, at most a month old: a rate without a
day finds transfers, and measures no gain). What the bank took or gave beyond that rate is
realized, and is ``Income:Exchange Gains`` (ASC 830-20-35-1: the difference to the rate at which it settles is income).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from manna.books import Book
from manna.ledger.chart import EXCHANGE, EXCHANGE_GAINS, IN_TRANSIT
from manna.ledger.journal import Entry, Line
from manna.money import round_money

SOURCE = "categorized.transfers"
_OLDEST = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Exchanges:
    """The entries, and a line for each exchange of which no rate is known: its two sides stay in transit."""

    entries: tuple[Entry, ...] = ()
    unrated: tuple[str, ...] = ()


def book_exchanges(book: Book, transfers: pl.DataFrame, booked: pl.DataFrame) -> Exchanges:
    """Exchanges of a book.

    Args:
        book: its ``rate`` is the worth of one unit of a currency in its own on a day, and the day of that rate.
        transfers: rows of categorized.transfers.
        booked: id and date of every booked row of clean.transactions and clean.trades; a transfer of which a side is not
            among them is passed over.
    """
    crossing = transfers.filter(
        pl.col("book") == book.id, pl.col("in_book") == book.id, pl.col("currency") != pl.col("in_currency")
    )
    if crossing.is_empty():
        return Exchanges()
    days = booked.select("id", "date")
    rows = (
        crossing.join(days, left_on="out_id", right_on="id")
        .join(days, left_on="in_id", right_on="id", suffix="_in")
        .with_columns(day=pl.max_horizontal("date", "date_in"))
        .sort("day", "transfer_id")
    )
    entries, unrated = [], []
    for row in rows.iter_rows(named=True):
        rates = _rate(book, row["currency"], row["day"]), _rate(book, row["in_currency"], row["day"])
        if rates[0] is None or rates[1] is None:
            gave = f"{row['amount']:,.2f} {row['currency']} for {row['in_amount']:,.2f} {row['in_currency']}"
            unrated.append(f"{row['day']}: {gave} stays in transit; give dated_rates of that day")
            continue
        lines = tuple(_lines(book, row, rates[0][0], rates[1][0]))
        text = f"Currency exchange at the rate of {min(rates[0][1], rates[1][1])}"
        entries.append(Entry(row["day"], "transaction", text, SOURCE, row["transfer_id"], lines))
    return Exchanges(tuple(entries), tuple(unrated))


def _rate(book: Book, currency: str, day: date) -> tuple[Decimal, date] | None:
    if currency == book.currency:
        return Decimal(1), day
    rate, of = book.rate(currency, day)
    return None if rate is None or of is None or day - of > _OLDEST else (rate, of)


def _lines(book: Book, row: Mapping[str, Any], out_rate: Decimal, in_rate: Decimal) -> Iterator[Line]:
    """Both currencies' lines; each currency sums to zero. The gain is in the book's currency where it is one of them,
    else in that which left."""
    out, arrived = row["amount"], row["in_amount"]
    currency, in_currency = row["currency"], row["in_currency"]
    if in_currency == book.currency:
        worth_out, worth_in = out, round_money(out * out_rate / in_rate, in_currency)
    else:
        worth_out, worth_in = round_money(arrived * in_rate / out_rate, currency), arrived
    yield Line(IN_TRANSIT, -out, currency)
    yield Line(EXCHANGE, worth_out, currency)
    if out != worth_out:
        yield Line(EXCHANGE_GAINS, out - worth_out, currency)
    yield Line(IN_TRANSIT, arrived, in_currency)
    yield Line(EXCHANGE, -worth_in, in_currency)
    if arrived != worth_in:
        yield Line(EXCHANGE_GAINS, worth_in - arrived, in_currency)
