"""What goes into the accountant's bundle, all of it from one snapshot of the lake.

What belongs here: which files there are, and what each is made from. What does not: packing and signing
(``manna.bundling``), how a document is set (``manna.documents``), the commands (``pipelines.cli.bundle``).

Every statement that is declared is in it, without another word here.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from manna.books import Book
from manna.bundling import Facts, pack, seal
from manna.bundling.sealing import fingerprint
from manna.contracts import CONTRACTS
from manna.contracts.reports import GENERAL_LEDGER, STATEMENTS
from manna.documents.cover import Cover, cover
from manna.documents.paper import pdf
from manna.documents.spans import Span
from manna.documents.statements import of_a_month, statement_tables
from manna.documents.tables import Table, currencies
from manna.documents.workbook import workbook
from manna.exporting import DIALECTS, export
from pipelines.bundle_readme import readme
from pipelines.rendering import as_csv
from pipelines.reporting import ReportError, last_month, ledger_of, of_span, require_book
from pipelines.tax_years import TaxYear, tax_year_of
from resources.installation import CODE_VERSION, Installation
from resources.signing import signing_key

EXTRACTS = {
    "ledger.gains": ("tax/realized-gains", "closed"),
    "ledger.taxable_gains": ("tax/form-8949", "sold"),
    "ledger.lots": ("tax/lots", None),
    "ledger.reconciliation": ("ledger/reconciliation", "as_of"),
}
"""Tables of the ledger that are copied: name in the bundle, and the column whose year counts (none: all rows)."""

Rows = Mapping[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class _Year:
    """What the bundle is made of. ``tables`` are the book's, by address, all from ``snapshot``; ``taxes`` of a closed year."""

    book: Book
    span: Span
    month: date
    publications: list[dict[str, Any]]
    tables: Rows
    snapshot: int
    taxes: TaxYear

    def cover(self, title: str, span: Span | None = None) -> Cover:
        """Of a month, or of the year with what became known of it since it was closed."""
        made = cover(self.book, title, span or self.span, self.publications)
        return made if span else self.taxes.on(made)

    def of_year(self, frame: pl.DataFrame, column: str) -> pl.DataFrame:
        return frame.filter(pl.col(column).is_between(self.span.first, self.span.last))


def bundle(manna: Installation, book: str, year: int) -> bytes:
    """The ZIP of a book and year: the same bytes for the same snapshot and code.

    Raises:
        ReportError: unknown book, or nothing is published of that year.
    """
    known = _read(manna, book, year)
    front, key = known.cover("Accountant’s bundle"), signing_key(manna.settings.data_dir)
    files = {name: content for made in _MAKERS for name, content in made(known)}
    files["README.txt"] = readme(front, sorted(files), fingerprint(key.public_key())).encode()
    facts = Facts(book, year, known.snapshot, CODE_VERSION, front.known_at, front.warnings)
    return pack(seal(files, facts, key))


def _read(manna: Installation, book: str, year: int) -> _Year:
    require_book(manna, book)
    snapshot, scope, span = manna.lake.snapshot(), {"book": book}, Span("year", date(year, 1, 1))
    publications = manna.lake.read_at("reports.publications", snapshot, scope).sort("period").to_dicts()
    if not any(row["content_hash"] and row["period"] in span.months for row in publications):
        raise ReportError(f"nothing is published for {book} {year}; run `manna run nightly_close`")
    wanted = [
        *(contract.address for contract in STATEMENTS),
        *(address for address in EXTRACTS if address in CONTRACTS),
        *("ledger.journal", "ledger.postings", "ledger.adjustments", "clean.accounts"),
    ]
    tables = {address: manna.lake.read_at(address, snapshot, scope) for address in wanted}
    tables["clean.securities"] = manna.lake.read_at("clean.securities", snapshot)
    month = last_month(span, publications)
    taxes = tax_year_of(lambda address, _: tables[address], manna.books[book], span)
    return _Year(manna.books[book], span, month, publications, tables, snapshot, taxes)


def _statements(known: _Year) -> Iterator[tuple[str, bytes]]:
    """The year's statements as one document and one workbook, and each table's rows of all months."""
    tables = list(_tables(known, known.span, known.month))
    front = known.cover("Statements of the year")
    yield "statements.pdf", pdf(front, tables)
    yield "statements.xlsx", workbook(front, tables)
    for contract in STATEMENTS:
        own = known.of_year(known.tables[contract.address], "period").sort("period", "line")
        yield from _rows(f"statements/{contract.name.replace('_', '-')}", own)
    for name, frame in known.taxes.frames.items():
        yield from _rows(f"tax/restated-{name.replace('_', '-')}", frame)


def _months(known: _Year) -> Iterator[tuple[str, bytes]]:
    """Each month's statements as a document."""
    for row in known.publications:
        if row["period"] in known.span.months and row["content_hash"]:
            span = Span("month", row["period"])
            document = pdf(known.cover("Monthly statements", span), list(_tables(known, span, span.first)))
            yield f"months/{span.text}.pdf", document


def _tables(known: _Year, span: Span, month: date) -> Iterator[Table]:
    day = known.cover("", span).day
    for contract in STATEMENTS:
        own = known.tables[contract.address].filter(pl.col("period") == month)
        chosen = of_a_month(own, month) if span.kind == "month" else of_span(own, span, month)
        if span.kind == "year":
            chosen = known.taxes.frames.get(contract.name, chosen)
        found = currencies([chosen], known.book.currency)
        yield from statement_tables(contract.name, chosen, Span("month", month), found, day)


def _ledger(known: _Year) -> Iterator[tuple[str, bytes]]:
    """The general ledger of the year, and its journal entry by entry."""
    front = known.cover("General ledger")
    ledger = ledger_of(lambda address, _: known.tables[address], known.book, known.span, front.day)
    found = currencies([ledger], known.book.currency)
    tables = statement_tables(GENERAL_LEDGER.name, ledger, known.span, found)
    yield "ledger/general-ledger.pdf", pdf(front, tables)
    yield "ledger/general-ledger.xlsx", workbook(front, tables)
    yield from _rows("ledger/general-ledger", ledger)
    postings = known.of_year(known.tables["ledger.postings"], "date").drop("book", "date")
    journal = known.tables["ledger.journal"].join(postings, on="entry_id").sort("date", "posting_id")
    yield from _rows("ledger/journal", journal)


def _extracts(known: _Year) -> Iterator[tuple[str, bytes]]:
    """Gains, lots and reconciliation, with the names of accounts and securities beside their ids."""
    for address, (name, column) in EXTRACTS.items():
        if address not in known.tables:
            continue
        frame = known.tables[address].sort(CONTRACTS[address].key)
        chosen = _named(known, known.of_year(frame, column) if column else frame)
        yield from _rows(name, chosen)
        if "code" in chosen.columns and not (washed := chosen.filter(pl.col("code") == "W")).is_empty():
            yield from _rows("tax/wash-sales", washed)


def _named(known: _Year, frame: pl.DataFrame) -> pl.DataFrame:
    """An account's and a security's name; of an account's number no more than its mask."""
    accounts = known.tables["clean.accounts"].select(
        "account_id",
        account=pl.concat_str(
            "institution", "name", pl.col("mask").fill_null(""), separator=" "
        ).str.strip_chars(),
    )
    securities = known.tables["clean.securities"].select("security_id", security="name")
    for names, key in ((accounts, "account_id"), (securities, "security_id")):
        if key in frame.columns:
            frame = frame.join(names.unique(key), on=key, how="left", maintain_order="left")
    return frame


def _plain_text(known: _Year) -> Iterator[tuple[str, bytes]]:
    """All entries of the book, since its first: a balance needs them all."""
    sources = (known.tables[name] for name in ("ledger.journal", "ledger.postings", "clean.securities"))
    journal, postings, securities = sources
    for dialect in DIALECTS:
        lines = export(dialect, known.book, journal, postings, securities)
        yield f"plain-text/{known.book.id}.{dialect}", "".join(f"{line}\n" for line in lines).encode()


def _open_items(known: _Year) -> Iterator[tuple[str, bytes]]:
    """What a reader must know, month by month."""
    found = []
    for month in known.span.months:
        front = known.cover("", Span("month", month))
        found += [(front.span.text, front.status, text) for text in (*front.warnings, *front.open_items)]
    schema = {"period": pl.String, "status": pl.String, "item": pl.String}
    yield "open-items.csv", as_csv(pl.DataFrame(found, schema=schema, orient="row")).encode()


def _rows(name: str, frame: pl.DataFrame) -> Iterator[tuple[str, bytes]]:
    file = io.BytesIO()
    frame.write_parquet(file)
    yield f"{name}.csv", as_csv(frame).encode()
    yield f"{name}.parquet", file.getvalue()


_MAKERS = (_statements, _months, _ledger, _extracts, _plain_text, _open_items)
