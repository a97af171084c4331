"""From a published number to its sources: postings, clean rows, payloads as received.

What belongs here: what `manna explain` reads. What does not: which postings a line adds up
(``manna.statements.explaining``), or how it is printed.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from assets.book_days import ledger_day
from assets.reports import statement_sources
from manna.cleaning import CLEANERS
from manna.contracts import CONTRACTS
from manna.ledger import entered, exchanges, loan_entries, margin, valued
from manna.statements.explaining import explain_line, figure_of
from pipelines.reporting import ReportError, published_statement, read_month
from resources.installation import Installation
from resources.lake import Lake

_KEYS = {
    "clean.transactions": ("transaction_id",),
    "clean.trades": ("trade_id",),
    "clean.balances": ("account_id", "as_of"),
    "clean.holdings": ("account_id", "security_id", "as_of"),
    "clean.loan_terms": ("account_id", "as_of"),
    "categorized.transfers": ("transfer_id",),
    "portfolio.valuations": ("account_id", "security_id", "currency", "date"),
    "ledger.taxable_gains": ("part_id",),
}
_PROVENANCE = ("batch_id", "payload_sha256", "known_at")


@dataclass(frozen=True, slots=True)
class Explained:
    """A figure and all it adds up. ``parts``: date, description, amount, account, and where each comes from."""

    title: str
    figure: Decimal
    currency: str
    parts: pl.DataFrame

    @property
    def difference(self) -> Decimal:
        """What the parts come to beyond the figure: not zero where the books have changed since it was published."""
        return sum(self.parts["amount"], Decimal(0)) - self.figure


def explain(manna: Installation, report: str, line: str, book: str, period: str) -> Explained:
    """What a line of a published statement is made of.

    Args:
        manna: the installation.
        report: e.g. ``income_statement``.
        line: an account of the chart, the name of a total, a month or its end (net worth; ``Net worth`` alone is the
            period's) or a security (allocation), in any case; or any part of it that one line has. Where several have it, the section, span or statement says which:
            ``quarter: Net income``, ``Non-cash activities: Income:Dividends``.
        book: the book.
        period: the month, ``YYYY-MM``.

    Raises:
        ReportError: there is no such report or line.
    """
    month = read_month(period)
    frame, title = published_statement(manna, report, book, period)
    row = {**_line(frame, f"{report} of {book} {period}", line), "period": month}
    scope = {"book": book}
    postings = manna.lake.read("ledger.postings", scope)
    valuations = manna.lake.read("portfolio.valuations", scope)
    as_of = ledger_day(manna.books[book], manna.lake.read("ledger.months", scope).to_dicts())
    sources = statement_sources(manna.lake, book)
    parts = explain_line(report, row, manna.books[book], postings, valuations, as_of, sources)
    sourced = _sourced(manna.lake, parts, book)
    return Explained(f"{title}: {_name(row)}", figure_of(report, row), row["currency"], sourced)


_LISTED = 20
"""Lines that a complaint names: it is to be read in one go."""


def trace(manna: Installation, source_table: str, source_id: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows that a source is made of, and what a provider sent for them: ``(table, row)``, nearest first.

    A record of ``raw`` has its batch's endpoint, cursor, request ids and run beside it, and ``verified``: whether its
    payload still has the hash it was kept with. An entry that a person wrote is its own source: who, and when.
    """
    if source_table == entered.SOURCE:
        number, _, book = source_id.partition("/")
        yield source_table, manna.ops.entry(book.removeprefix("reversal/"), int(number))
        return
    if source_table == loan_entries.SOURCE:
        book = source_id.partition("/")[2]
        forms = manna.ops.mortgage_forms(book).with_columns(id=pl.format("{}/{}", "form_id", pl.lit(book)))
        yield from ((source_table, form) for form in forms.filter(pl.col("id") == source_id).to_dicts())
        return
    if source_table == valued.SOURCE:
        yield source_table, _from_the_file(manna, source_id)
        return
    if source_table == margin.SOURCE:
        yield from _cash_of_day(manna, source_id)
        return
    for row in _rows(manna.lake, source_table, source_id):
        yield source_table, row
        if source_table == exchanges.SOURCE:
            for side in ("out_id", "in_id"):
                for table in ("clean.transactions", "clean.trades"):
                    yield from trace(manna, table, row[side])
        elif source_table == "portfolio.valuations":
            for table, name in _prices(row):
                yield from trace(manna, table, name) if table in _KEYS else _bars(manna, row)
        elif source_table == "ledger.taxable_gains":
            yield from _sale(manna, row)
        else:
            yield from _records(manna, source_table, row)


def _line(statement: pl.DataFrame, name: str, wanted: str) -> dict[str, Any]:
    """The one row of the statement that ``wanted`` names; ``name`` is what the statement is called."""
    rows = statement.to_dicts()
    text = wanted.strip().casefold()
    exact = [row for row in rows if text in (_name(row).casefold(), _long_name(row).casefold())]
    exact += [row for row in rows if text in _month_names(row, rows)]
    # A subtotal has the name of its group, and so may a line: the line is meant, the group includes it.
    found = exact[:1] if exact else [row for row in rows if text and text in _name(row).casefold()]
    if len(found) == 1:
        return found[0]
    names = list(dict.fromkeys(_name(row) for row in found or rows))
    more = f" and {len(names) - _LISTED} more: `manna report`" if len(names) > _LISTED else ""
    raise ReportError(
        f"{name} has {'several lines' if found else 'no line'} {wanted!r}; "
        f"there are: {', '.join(names[:_LISTED])}{more}"
    )


def _name(row: Mapping[str, Any]) -> str:
    name = str(row.get("account") or row.get("security_id") or row.get("as_of"))
    further = row.get("merchant") or (f"sold {row['sold']}" if row.get("sold") else None)
    if "translated" in row:
        further = row["currency"] if row["level"] == "line" else "in all"
    return f"{name}, {further}" if further else name


def _month_names(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What a line of net worth is called beside its day: its month; and the last one is the statement's own figure."""
    if row.get("as_of") is None:
        return ()
    is_last = row["as_of"] == max(other["as_of"] for other in rows)
    return (f"{row['as_of']:%Y-%m}", *(("net worth", "net_worth") if is_last else ()))


def _long_name(row: Mapping[str, Any]) -> str:
    """With the section, the span or the statement that it stands under."""
    above = row.get("span") or row.get("statement") or row.get("section")
    return f"{above}: {_name(row)}" if above else _name(row)


def _sourced(lake: Lake, parts: pl.DataFrame, book: str) -> pl.DataFrame:
    """The parts with what a person reads of each, and the provenance of the row it is made from."""
    journal = lake.read("ledger.journal", {"book": book}).select(
        "entry_id", "description", table="source_table", name="source_id"
    )
    is_value = pl.col("source_table") == "portfolio.valuations"
    no_entry = pl.when(is_value).then(pl.lit("Market value")).otherwise("account")
    found = parts.join(journal, on="entry_id", how="left", maintain_order="left").with_columns(
        pl.coalesce("source_table", "table").alias("source_table"),
        pl.coalesce("source_id", "name").alias("source_id"),
        pl.coalesce("description", no_entry).alias("description"),
    )
    batches = lake.read("raw.batches", {"book": book}).select("batch_id", "cursor_after", "run_id")
    known = [pl.DataFrame(schema=dict.fromkeys(("source_table", "source_id", *_PROVENANCE[:2]), pl.String))]
    for table in ("clean.transactions", "clean.trades"):
        rows = lake.read(table, {"book": book})
        known.append(
            rows.select(
                pl.lit(table).alias("source_table"), source_id=_KEYS[table][0], batch_id="batch_id", payload_sha256="payload_sha256"
            )
        )  # fmt: skip
    return (
        found.join(pl.concat(known), on=["source_table", "source_id"], how="left", maintain_order="left")
        .join(batches, on="batch_id", how="left", maintain_order="left")
        .select(
            "date", "description", "amount", "currency", "account", "source_table", "source_id", "payload_sha256",
            "batch_id", "cursor_after", "run_id", "entry_id",
        )
    )  # fmt: skip


def _rows(lake: Lake, table: str, source_id: str) -> list[dict[str, Any]]:
    """The rows of ``table`` that ``source_id`` names; of a table with a key of several parts, by as many as it has."""
    if table not in _KEYS:
        return []
    columns = _KEYS[table]
    if len(columns) == 1:
        # What another book of the taxpayer paid has its own row's id, and then the book that it was paid for.
        found = lake.read(table, {columns[0]: source_id})
        return (
            found if found.height else lake.read(table, {columns[0]: source_id.rpartition("/")[0]})
        ).to_dicts()
    # From both ends: what stands between may have slashes of its own, and may be left out.
    first, *middle, last = source_id.split("/")
    values = [
        first,
        "/".join(middle[: len(middle) - len(columns) + 3]),
        *middle[len(middle) - len(columns) + 3 :],
    ]
    scope = dict(zip(columns[:-1], values, strict=False)) if middle else {columns[0]: first}
    found = lake.read(table, scope)
    return found.filter(pl.col(columns[-1]).cast(pl.String) == last).to_dicts()


def _sale(manna: Installation, row: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the books realized, and the row of the sale."""
    for gain in manna.lake.read("ledger.gains", {"gain_id": row["gain_id"]}).to_dicts():
        yield "ledger.gains", gain
        for entry in manna.lake.read("ledger.journal", {"entry_id": gain["entry_id"]}).to_dicts():
            yield from trace(manna, entry["source_table"], entry["source_id"])


def _cash_of_day(manna: Installation, source_id: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What moved an account's cash on the day on which its margin loan changed, each posting with its own sources."""
    account_id, currency, day = source_id.rsplit("/", 2)
    moved = manna.lake.read("ledger.postings", {"account_id": account_id, "currency": currency}).filter(
        pl.col("date").cast(pl.String) == day, pl.col("security_id").is_null()
    )
    for posting in moved.sort("posting_id").to_dicts():
        for entry in manna.lake.read("ledger.journal", {"entry_id": posting["entry_id"]}).to_dicts():
            if entry["source_table"] != margin.SOURCE:
                yield margin.SOURCE, posting
                yield from trace(manna, entry["source_table"], entry["source_id"])


def _from_the_file(manna: Installation, source_id: str) -> dict[str, Any]:
    """What the book's file says of a valued thing now, and of which day the entry is."""
    day, book, account = source_id.split("/", 2)
    said = [thing.model_dump(mode="json") for thing in manna.books[book].valued if thing.account == account]
    return {"book": book, "day": day, **(said[0] if said else {"account": account})}


def _prices(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if row["price_source"] == "bar":
        yield "clean.bars", ""
    elif row["price_source"] == "institution":
        yield "clean.holdings", f"{row['account_id']}/{row['security_id']}/{row['price_date']}"


def _bars(manna: Installation, row: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    scope = {"symbol": row["security_id"], "date": row["price_date"]}
    for bar in manna.lake.read("clean.bars", scope).to_dicts():
        yield "clean.bars", bar
        yield from _records(manna, "clean.bars", bar)


def _records(
    manna: Installation, table: str, row: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What was sent for a row, by the batch and hash that it carries."""
    batches = manna.lake.read("raw.batches", {"batch_id": row["batch_id"]}).to_dicts()
    for address in CLEANERS[table].sources:
        if "payload" not in CONTRACTS[address].names:
            continue
        scope = {"batch_id": row["batch_id"], "payload_sha256": row["payload_sha256"]}
        for record in manna.lake.read(address, scope).to_dicts():
            batch = batches[0] if batches else {}
            told = {name: batch.get(name) for name in ("endpoint", "cursor_before", "cursor_after", "request_ids", "run_id", "code_version")}  # fmt: skip
            whole = hashlib.sha256(record["payload"].encode()).hexdigest() == record["payload_sha256"]
            yield address, {**record, **told, "verified": whole}
