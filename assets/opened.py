"""The page on what a month's figures are made of: its postings, their rows, and what was sent for these.

What belongs here: reading all of that from one snapshot, for as many months as have changed. What does not: which
postings a line adds up (``manna.statements.explaining``), and how the page looks (``manna.documents.opened``).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from assets.book_days import today
from assets.reports import statement_sources
from manna.books import Book
from manna.cleaning import CLEANERS
from manna.contracts import CONTRACTS
from manna.contracts.reports import STATEMENTS
from manna.documents.numerals import accounting
from manna.documents.opened import Key, Opened, Part, Source, opened_page, sources_shown, totals
from manna.documents.spans import Span
from manna.documents.statements import of_a_month, statement_tables
from manna.documents.tables import Row, Table, currencies
from manna.statements.balance import UNREALIZED
from manna.statements.explaining import explain_line, figure_of
from manna.statements.sources import Sources
from resources.installation import Installation

_KEYS = {
    "clean.transactions": ("transaction_id",),
    "clean.trades": ("trade_id",),
    "clean.balances": ("account_id", "as_of"),
}
"""Tables that a posting can be made from and that have payloads: the columns of their id."""
_VALUED = ("allocation", UNREALIZED)
"""A statement and a line that need all of the past: what a position is carried at."""
_OF_RECORDS = ("book", "batch_id", "payload_sha256", "known_at")
"""Columns of a clean row that stand with its payload anyway."""
_TOLD = ("endpoint", "cursor_before", "cursor_after", "request_ids", "run_id")


class Opening:
    """Pages of one book from one snapshot; what is read is read once for all of them."""

    def __init__(self, manna: Installation, book: str, snapshot: int) -> None:
        self._manna, self._book, self._snapshot = manna, manna.books[book], snapshot
        self._as_of = today(manna, self._book)
        self._sources = statement_sources(manna.lake, book)
        self._postings, self._journal, self._valuations = (
            manna.lake.read_at(table, snapshot, {"book": book})
            for table in ("ledger.postings", "ledger.journal", "portfolio.valuations")
        )

    def page(self, period: date, statements: Mapping[str, pl.DataFrame]) -> str:
        """The page of one month; ``statements`` are the book's, by name."""
        lines = _lines(
            self._book,
            period,
            statements,
            _Parts(self._book, self._postings, self._journal, self._valuations, self._sources, self._as_of),
        )
        keys = sources_shown(lines)
        return opened_page(self._book, period, lines, self._found(keys))

    def _found(self, keys: Sequence[Key]) -> dict[Key, Source]:
        """The sources with their rows and payloads, in the order of ``keys``."""
        rows: dict[Key, Mapping[str, Any]] = {}
        for table, columns in _KEYS.items():
            wanted = {name for of, name in keys if of == table}
            if not wanted:
                continue
            name = pl.concat_str([pl.col(column).cast(pl.String) for column in columns], separator="/")
            read = self._manna.lake.read_at(table, self._snapshot, {"book": self._book.id})
            for row in read.filter(name.is_in(sorted(wanted))).iter_rows(named=True):
                rows[table, "/".join(str(row[column]) for column in columns)] = row
        records = self._records(rows)
        told = {key: {name: rows[key][name] for name in rows[key] if name not in _OF_RECORDS} for key in rows}
        return {key: Source(*key, told.get(key, {}), records.get(key, ())) for key in keys}

    def _records(self, rows: Mapping[Key, Mapping[str, Any]]) -> dict[Key, list[tuple[dict[str, Any], str]]]:
        """What was sent for each row, by the batch and hash that it carries."""
        lake = self._manna.lake
        batches = {
            row["batch_id"]: row for row in lake.read("raw.batches", {"book": self._book.id}).to_dicts()
        }
        found: dict[Key, list[tuple[dict[str, Any], str]]] = {}
        for table in {key[0] for key in rows}:
            by_payload: dict[tuple[str, str], list[Key]] = {}
            for key, row in rows.items():
                if key[0] == table:
                    by_payload.setdefault((row["batch_id"], row["payload_sha256"]), []).append(key)
            hashes = sorted({payload for _, payload in by_payload})
            for address in CLEANERS[table].sources:
                if "payload" not in CONTRACTS[address].names:
                    continue
                sent = lake.query(
                    f"SELECT * FROM {address} WHERE payload_sha256 IN (SELECT unnest(?::VARCHAR[]))", [hashes]
                )
                for record in sent.iter_rows(named=True):
                    facts = {
                        "payload of": address,
                        "sha256": record["payload_sha256"],
                        "known_at": record["known_at"],
                    }
                    batch = batches.get(record["batch_id"], {})
                    facts |= {name: batch.get(name) for name in _TOLD}
                    whole = hashlib.sha256(record["payload"].encode()).hexdigest() == record["payload_sha256"]
                    facts["hash is that of the payload"] = "yes" if whole else "NO: it was changed"
                    for key in by_payload.get((record["batch_id"], record["payload_sha256"]), ()):
                        found.setdefault(key, []).append((facts, record["payload"]))
        return found


class _Parts:
    """What a line is made of, from the frames of one book."""

    def __init__(
        self,
        book: Book,
        postings: pl.DataFrame,
        journal: pl.DataFrame,
        valuations: pl.DataFrame,
        sources: Sources,
        as_of: date,
    ) -> None:
        self._book, self._postings, self._valuations = book, postings, valuations
        self._sources, self._as_of = sources, as_of
        entries = journal.select("entry_id", "description", "source_table", "source_id")
        self._entries = {row[0]: row[1:] for row in entries.iter_rows()}

    def of_month(self, period: date) -> "_Parts":
        """The same with the postings of one month: what stood before is told as one figure."""
        end = (period + timedelta(days=31)).replace(day=1)
        month = self._postings.filter((pl.col("date") >= period) & (pl.col("date") < end))
        own = month.select("entry_id").unique()
        merchants = self._sources.merchants.join(own, on="entry_id", how="semi")
        other: _Parts = object.__new__(_Parts)
        other.__dict__ = {
            **self.__dict__,
            "_postings": month,
            "_sources": replace(self._sources, merchants=merchants),
        }
        return other

    def of(self, statement: str, line: Mapping[str, Any]) -> list[Part]:
        """The parts of a line, in order of days."""
        found = explain_line(
            statement, line, self._book, self._postings, self._valuations, self._as_of, self._sources
        )
        parts = []
        for row in found.iter_rows(named=True):
            description, table, name = self._entries.get(row["entry_id"], ("Market value", None, None))
            table, name = row["source_table"] or table, row["source_id"] or name
            parts.append(
                Part(row["date"], description or "", row["amount"], (table, name) if table else None)
            )
        return parts


def _lines(book: Book, period: date, statements: Mapping[str, pl.DataFrame], every: _Parts) -> list[Opened]:
    of_month, opened = every.of_month(period), []
    known: dict[tuple[Any, ...], Opened] = {}
    for contract in STATEMENTS:
        frame = statements[contract.name].filter(pl.col("period") == period)
        rows = {row["line"]: row for row in frame.iter_rows(named=True)}
        made = statement_tables(
            contract.name,
            of_a_month(frame, period),
            Span("month", period),
            currencies([frame], book.currency),
        )
        for table in made:
            opened += list(_of_table(table, rows, (of_month, every), known)) if table.opened else []
    return opened


def _of_table(
    table: Table,
    rows: Mapping[int, Mapping[str, Any]],
    parts: tuple[_Parts, _Parts],
    known: dict[tuple[Any, ...], Opened],
) -> Iterable[Opened]:
    """A table's lines (``parts`` of the month and of all days). An account's figure that another statement has too is opened there, once."""
    terms = totals(table)
    for row in table.rows:
        if row.line is None:
            continue
        line, figure = rows[row.line], figure_of(table.anchor, rows[row.line])
        anchor = f"{table.anchor}-{row.line}"
        common = (anchor, table.title, _label(row, line), figure, table.currency)
        if table.anchor == "net_worth":
            said = zip((1, 1, -1), table.columns, row.cells, strict=False)
            yield Opened(*common, terms=[(sign, "", name, cell.text) for sign, name, cell in said])
            continue
        if row.line in terms:
            yield Opened(*common, terms=terms[row.line])
            continue
        same = (line.get("account"), line.get("merchant"), table.currency, abs(figure))
        if line.get("level") == "line" and (first := known.get(same)):
            sign = 1 if first.figure == figure else -1
            name = f"{first.label} ({first.table})"
            yield Opened(
                *common, terms=[(sign, first.anchor, name, accounting(first.figure, table.currency))]
            )
            continue
        valued = table.anchor in _VALUED or line.get("account") in _VALUED
        found = parts[valued].of(table.anchor, line)
        made = Opened(*common, parts=found, before=figure - sum((part.amount for part in found), Decimal(0)))
        known.setdefault(same, made)
        yield made


def _label(row: Row, line: Mapping[str, Any]) -> str:
    return str(line.get("account") or row.label)
