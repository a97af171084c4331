"""Publication: what is in the lake's ``reports`` goes to Postgres, to a DuckDB file per book, and to pages.

What belongs here: taking one snapshot and handing it to the publisher and the page maker. What does not:
how either writes. Nothing is decided here: what must not be published never reached ``reports``.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from assets.common import ROW_COUNT, BooksConfig, Manna, chosen, document
from assets.examined import data_docs
from assets.reports import TABLES, dirty_months
from assets.tear_sheets import stale_months
from manna.contracts.performance import TEAR_SHEETS
from manna.contracts.reports import PUBLICATIONS
from resources.closed_files import close_published
from resources.installation import Installation
from resources.publisher import (
    Edition,
    content_of_file,
    content_of_postgres,
    publish_to_duckdb,
    publish_to_postgres,
    recorded_in,
    recorded_in_postgres,
)

_DEPS = [dg.AssetKey(table.split(".")) for table in (*TABLES, PUBLICATIONS.address, TEAR_SHEETS.address)]
POSTGRES = dg.AssetKey(["published", "postgres"])
DUCKDB = dg.AssetKey(["published", "duckdb"])
PAGES = dg.AssetKey(["published", "pages"])
OPENED = dg.AssetKey(["published", "opened"])


def _spec(asset_key: dg.AssetKey, description: str, kind: str) -> dg.AssetSpec:
    return dg.AssetSpec(asset_key, description=description, group_name="published", deps=_DEPS, kinds={kind})


@dg.multi_asset(
    name="publish",
    specs=[
        _spec(POSTGRES, "Schema `reports` in Postgres, for any BI tool.", "postgres"),
        _spec(DUCKDB, "One plain DuckDB file per book.", "duckdb"),
        _spec(PAGES, "One HTML page per book and month, and an index.", "html"),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "same_everywhere",
            asset=POSTGRES,
            description="Postgres and DuckDB hold equal content: what was written is read back and hashed",
        )
    ],
)
def published(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
    """Publishes every book's reports from one lake snapshot."""
    # Every process imports this module, and few write pages.
    from assets.pages import write_index, write_pages

    snapshot = manna.lake.snapshot()
    editions = {book: _edition(manna, book, snapshot) for book in chosen(manna.books, config.books)}
    settings = manna.settings
    close_published(settings, editions)
    pages = sum(write_pages(manna, book, snapshot, *_told(edition)) for book, edition in editions.items())
    examined = data_docs(manna) / "index.html"
    link = examined.relative_to(settings.documents_dir).as_posix() if examined.exists() else None
    pages += write_index(manna, snapshot, link)
    to_duckdb = {
        book: publish_to_duckdb(settings.published_dir, e, group=settings.group_reads)
        for book, e in editions.items()
    }
    # Postgres last: what it records is published everywhere (see `unpublished`).
    to_postgres = {book: publish_to_postgres(manna.postgres_url, e) for book, e in editions.items()}
    hashes = {book: edition.content_hash for book, edition in editions.items()}
    common: dict[str, Any] = {"lake_snapshot": snapshot, "content_hashes": hashes}
    if not config.books:
        common[ROW_COUNT] = sum(
            frame.height for edition in editions.values() for frame in edition.tables.values()
        )
    yield dg.MaterializeResult(POSTGRES, metadata={"books changed": sum(to_postgres.values()), **common})
    yield dg.MaterializeResult(
        DUCKDB,
        metadata={
            "books changed": sum(to_duckdb.values()),
            "folder": dg.MetadataValue.path(str(settings.published_dir)),
            **common,
        },
    )
    yield dg.MaterializeResult(PAGES, metadata={"pages changed": pages, **_leading(manna, editions)})
    written = {book for book in editions if to_duckdb[book] or to_postgres[book]}
    yield _same_everywhere(manna, editions, written)


@dg.multi_asset(
    name="open_pages",
    specs=[_spec(OPENED, "The page behind each published month: what every figure is made of.", "html")],
)
def opened(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
    """Writes the page behind every published month that has none that is true; costs nothing where all are."""
    from assets.opened_pages import write_opened

    snapshot, written = manna.lake.snapshot(), dict[str, int]()
    close_published(manna.settings, manna.books)
    for book in chosen(manna.books, config.books):
        written[book] = write_opened(manna, book, snapshot, *_told(_edition(manna, book, snapshot)))
    index = document(manna, manna.settings.documents_dir / "index.html")
    pages = sum(written.values())
    yield dg.MaterializeResult(
        OPENED, metadata={"pages written": pages, "by book": written, "all pages": index}
    )


def unpublished(manna: Installation) -> list[date]:
    """Last month of every book whose stored reports are not what is published: a run was cut short."""
    snapshot, recorded = manna.lake.snapshot(), recorded_in_postgres(manna.postgres_url)
    found = []
    for book in manna.books:
        edition = _edition(manna, book, snapshot)
        periods = edition.tables[PUBLICATIONS.address]["period"]
        last = periods.max()
        if isinstance(last, date) and recorded.get(book) != edition.content_hash:
            found.append(last)
    return found


def months_to_publish(manna: Installation) -> list[date]:
    """Months whose ledger or performance has changed, or whose reports are not published as they are stored; sorted."""
    return sorted({*dirty_months(manna.lake), *stale_months(manna), *unpublished(manna)})


def _edition(manna: Installation, book: str, snapshot: int) -> Edition:
    scope = {"book": book}
    tables = {table: manna.lake.read_at(table, snapshot, scope) for table in (*TABLES, PUBLICATIONS.address)}
    return Edition(book, snapshot, tables)


def _same_everywhere(
    manna: Installation, editions: Mapping[str, Edition], written: Collection[str]
) -> dg.AssetCheckResult:
    """Whether both databases hold what was to be published.

    Of the books ``written`` in this run every row is read back and hashed; of the others the records are compared.
    """
    url, folder, different = manna.postgres_url, manna.settings.published_dir, []
    for book, content_hash in recorded_in_postgres(url).items():
        file = folder / f"{book}.duckdb"
        recorded = recorded_in(file)
        if recorded is None or recorded[1] != content_hash:
            different.append(book)
        elif book in written:
            tables = list(editions[book].tables)
            read = {content_of_postgres(url, book, tables), content_of_file(file, book, tables)}
            if read != {content_hash}:
                different.append(book)
    return dg.AssetCheckResult(
        passed=not different,
        asset_key=POSTGRES,
        check_name="same_everywhere",
        metadata={"books that differ": different, "books read back": sorted(written)},
    )


def _leading(manna: Installation, editions: Mapping[str, Edition]) -> dict[str, Any]:
    """Links to what was published, and the newest month in pictures."""
    from manna.documents.asset_plots import month_plots

    folder = manna.settings.documents_dir
    links = {"all pages": document(manna, folder / "index.html")}
    if (data_docs(manna) / "index.html").exists():
        links["data docs"] = document(manna, data_docs(manna) / "index.html")
    newest: dict[str, date] = {}
    for book, edition in editions.items():
        last = edition.tables[PUBLICATIONS.address]["period"].max()
        if isinstance(last, date):
            newest[book] = last
            links[f"{book}, {last:%Y-%m}"] = document(manna, folder / book / f"{last:%Y-%m}.html")
    if not newest:
        return links
    drawn = month_plots(
        {book: _told(editions[book])[0] for book in newest},
        max(newest.values()),
        {book: manna.books[book].currency for book in newest},
    )
    return {**links, "plots": dg.MetadataValue.md(drawn)} if drawn else links


def _told(edition: Edition) -> tuple[dict[str, pl.DataFrame], list[dict[str, Any]]]:
    """The statements by name, and what was published when, in order of months."""
    frames = {name.partition(".")[2]: frame for name, frame in edition.tables.items()}
    return frames, frames.pop("publications").sort("period").to_dicts()
