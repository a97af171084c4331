"""Whole files: beancount, hledger, ledger.

What belongs here: the lines of a file, in order of days. What does not: what a name may look like (``names``).

A posting of a security says what it cost in total, so that these programs and ours have the same amounts to the last
digit. Beancount keeps such accounts with booking method NONE: which lot a sale takes is decided here, not there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from manna.books import Book
from manna.exporting import names
from manna.money import minor_units

Row = Mapping[str, Any]
ENTRY, SOURCE = "manna-entry", "manna-source"


@dataclass(frozen=True, slots=True)
class _Words:
    """The names of one file, as its language allows them."""

    account: Mapping[str, str]
    commodity: Mapping[str, str]


def export(
    dialect: str, book: Book, journal: pl.DataFrame, postings: pl.DataFrame, securities: pl.DataFrame
) -> Iterator[str]:
    """The book as lines of a file, without their line ends.

    Args:
        dialect: one of :data:`DIALECTS`.
        book: whose postings these are.
        journal: ``ledger.journal`` of the book.
        postings: ``ledger.postings`` of the book.
        securities: ``clean.securities``, for the names of what is held.

    Raises:
        KeyError: an unknown dialect.
    """
    account, commodity, opening, entry = _MAKERS[dialect]
    symbols = {*postings["currency"], *postings["security_id"].drop_nulls()}
    words = _Words(names.unique(postings["account"], account), names.unique(symbols, commodity))
    yield f"; {book.name}, written by Manna. Amounts are at cost; every entry names the row it is made from."
    yield from opening(book, postings, securities, words)
    lines = postings.sort("posting_id").partition_by("entry_id", as_dict=True)
    for row in journal.sort("date", "entry_id").iter_rows(named=True):
        yield ""
        yield from entry(row, lines[(row["entry_id"],)].iter_rows(named=True), words)


# -- beancount ------------------------------------------------------------------------------------------


def _beancount_opening(
    book: Book, postings: pl.DataFrame, securities: pl.DataFrame, words: _Words
) -> Iterator[str]:
    yield f'option "title" {_quoted(book.name)}'
    yield f'option "operating_currency" "{book.currency}"'
    yield ""
    titles = dict(securities.select("security_id", "name").iter_rows())
    first = _first_days(postings, "security_id")
    for symbol in sorted(first):
        yield f"{first[symbol]} commodity {words.commodity[symbol]}"
        yield f"  name: {_quoted(titles.get(symbol) or symbol)}"
    days = _first_days(postings, "account")
    holding = set(postings.filter(pl.col("security_id").is_not_null())["account"])
    for account in sorted(days):
        booking = ' "NONE"' if account in holding else ""
        yield f"{days[account]} open {words.account[account]}{booking}"


def _beancount_entry(row: Row, lines: Iterator[Row], words: _Words) -> Iterator[str]:
    yield f"{row['date']} * {_quoted(row['description'] or '')}"
    yield f'  {ENTRY}: "{row["entry_id"]}"'
    yield f"  {SOURCE}: {_quoted(_source(row))}"
    for line in lines:
        for amount in _amounts(line, words, "{quantity} {{{{{cost}}}}}", "{quantity} {{0 {currency}}}"):
            yield f"  {words.account[line['account']]}  {amount}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


# -- hledger and ledger ---------------------------------------------------------------------------------


def _hledger_opening(
    book: Book, postings: pl.DataFrame, securities: pl.DataFrame, words: _Words
) -> Iterator[str]:
    for symbol in sorted(set(postings["currency"])):
        yield f"commodity {_zeros(minor_units(symbol))} {words.commodity[symbol]}"
    for symbol in sorted(set(postings["security_id"].drop_nulls())):
        yield f"commodity {_zeros(9)} {words.commodity[symbol]}"
    yield from _accounts(words)


def _ledger_opening(
    book: Book, postings: pl.DataFrame, securities: pl.DataFrame, words: _Words
) -> Iterator[str]:
    for symbol in sorted({*postings["currency"], *postings["security_id"].drop_nulls()}):
        yield f"commodity {words.commodity[symbol]}"
    yield from (f"tag {tag}" for tag in (ENTRY, SOURCE))
    yield from _accounts(words)


def _accounts(words: _Words) -> Iterator[str]:
    yield ""
    for account in sorted(words.account.values()):
        yield f"account {account}"


def _ledger_entry(row: Row, lines: Iterator[Row], words: _Words) -> Iterator[str]:
    yield f"{row['date']} * {names.plain(row['description'] or '')}"
    yield f"    ; {ENTRY}: {row['entry_id']}"
    yield f"    ; {SOURCE}: {names.plain(_source(row))}"
    for line in lines:
        for amount in _amounts(line, words, "{quantity} @@ {cost}", "{quantity} @@ 0 {currency}"):
            yield f"    {words.account[line['account']]}  {amount}"


def _source(row: Row) -> str:
    return f"{row['source_table']}/{row['source_id']}"


# -- amounts --------------------------------------------------------------------------------------------


def _amounts(line: Row, words: _Words, at_cost: str, for_nothing: str) -> Iterator[str]:
    """What a posting moves: money, or units with their cost, which have one sign in these languages."""
    currency = words.commodity[line["currency"]]
    money, quantity = line["amount"], line["quantity"]
    if line["security_id"] is None or not quantity:
        yield f"{_number(money, line['currency'])} {currency}"
        return
    units = f"{quantity.normalize():f} {words.commodity[line['security_id']]}"
    if money * quantity > 0:
        yield at_cost.format(quantity=units, cost=f"{_number(abs(money), line['currency'])} {currency}")
        return
    yield for_nothing.format(quantity=units, currency=currency)
    if money:
        yield f"{_number(money, line['currency'])} {currency}"


def _number(amount: Decimal, currency: str) -> str:
    """All its decimals, and at least the currency's."""
    exponent = amount.normalize().as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    return f"{amount:.{max(digits, minor_units(currency))}f}"


def _zeros(decimals: int) -> str:
    return f"1000.{'0' * decimals}"


def _first_days(postings: pl.DataFrame, column: str) -> dict[str, date]:
    named = postings.filter(pl.col(column).is_not_null())
    return dict(named.group_by(column).agg(pl.col("date").min()).iter_rows())


_Maker = tuple[
    Callable[[str], str],
    Callable[[str], str],
    Callable[[Book, pl.DataFrame, pl.DataFrame, _Words], Iterator[str]],
    Callable[[Row, Iterator[Row], _Words], Iterator[str]],
]
_MAKERS: dict[str, _Maker] = {
    "beancount": (names.beancount_account, names.beancount_commodity, _beancount_opening, _beancount_entry),
    "hledger": (names.ledger_account, names.ledger_commodity, _hledger_opening, _ledger_entry),
    "ledger": (names.ledger_account, names.ledger_commodity, _ledger_opening, _ledger_entry),
}
DIALECTS = tuple(_MAKERS)
