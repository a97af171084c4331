"""Stage ``ledger``: double entry per book, and which months' reports that touches.

What belongs here: reading one book's clean and categorized rows, calling ``manna.ledger``, writing, and
the checks that the books balance. What does not: any rule of bookkeeping, and what a month's reports depend on
(``assets.month_contents``).

A book whose rows cannot be booked (more sold than held, say) keeps its last good ledger and fails its
check; the other books go on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl

from assets.book_days import closed_month, moment, today
from assets.common import BooksConfig, Manna, chosen, key, result, row_counts, spec
from assets.month_contents import months_as_they_are
from assets.shown import previewed
from manna.books import Book
from manna.filing.amended import as_filed, filed_years, pinned
from manna.ledger import LedgerError, keep_books, out_of_balance, since_when
from manna.ledger.closing import adjusted, closed_through
from manna.ledger.dividing import SHARES, shares, undivided, with_draws
from manna.ledger.instructions import Instruction
from manna.ledger.journal import posted
from resources.installation import Installation
from resources.lake import Change, LakeTransaction

TABLES = ("journal", "postings", "lots", "gains", "reconciliation", "adjustments")
SOURCES = {
    "accounts": "clean.accounts",
    "balances": "clean.balances",
    "transactions": "clean.transactions",
    "securities": "clean.securities",
    "holdings": "clean.holdings",
    "trades": "clean.trades",
    "categories": "categorized.transactions",
    "splits": "categorized.splits",
    "transfers": "categorized.transfers",
    "loan_terms": "clean.loan_terms",
}
MONTHS = "ledger.months"


@dataclass(slots=True)
class _Kept:
    changes: dict[str, Change] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unbalanced: int = 0
    differences: dict[str, str] = field(default_factory=dict)
    disregarded: list[str] = field(default_factory=list)


@dg.multi_asset(
    name="keep_books",
    specs=[spec(f"ledger.{table}", deps=tuple(SOURCES.values())) for table in TABLES],
    check_specs=[
        dg.AssetCheckSpec(
            "balanced",
            asset=key("ledger.postings"),
            blocking=True,
            description="every entry sums to zero per currency, in every book",
        ),
        dg.AssetCheckSpec(
            "every_book_kept",
            asset=key("ledger.journal"),
            description="no book had to keep its last good ledger",
        ),
        dg.AssetCheckSpec(
            "reconciled",
            asset=key("ledger.reconciliation"),
            description="ledger equals provider on every snapshot day, and every exchange of currencies has its day's rate",
        ),
        dg.AssetCheckSpec(
            "instructions_hold",
            asset=key("ledger.gains"),
            description="every instruction on lots was made in time, and names lots that are held",
        ),
    ],
)
def ledger(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
    """Keeps the books: journal, postings, lots, gains and reconciliation, in one lake transaction."""
    manna.note_books()
    kept = manna.lake.commit(
        [f"ledger.{table}" for table in TABLES],
        lambda transaction: keep(manna, config.books, transaction),
        author="ledger",
        message=f"run {context.run.run_id}",
    )
    rows = row_counts(manna, [f"ledger.{table}" for table in TABLES], in_part=config.books or kept.refused)
    for table in TABLES:
        said = previewed(manna, "ledger.journal") if table == "journal" else {}
        yield result(f"ledger.{table}", kept.changes.get(table, Change()), rows, **said)
    yield dg.AssetCheckResult(
        passed=kept.unbalanced == 0,
        asset_key=key("ledger.postings"),
        check_name="balanced",
        metadata={"entries out of balance": kept.unbalanced},
    )
    yield dg.AssetCheckResult(
        passed=not kept.refused,
        asset_key=key("ledger.journal"),
        check_name="every_book_kept",
        severity=dg.AssetCheckSeverity.WARN,
        metadata=kept.refused,
    )
    yield dg.AssetCheckResult(
        passed=not kept.differences,
        asset_key=key("ledger.reconciliation"),
        check_name="reconciled",
        severity=dg.AssetCheckSeverity.WARN,
        metadata=kept.differences,
    )
    yield dg.AssetCheckResult(
        passed=not kept.disregarded,
        asset_key=key("ledger.gains"),
        check_name="instructions_hold",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"refused": kept.disregarded},
    )


def _instructions(manna: Installation, book: Book) -> list[Instruction]:
    return manna.ops.lot_instructions(book.id, ZoneInfo(book.time_zone))


def _pinned(manna: Installation, book_id: str, transaction: LakeTransaction) -> list[Instruction]:
    """What sales of filed years took."""
    closings, scope = manna.ops.closings(book_id), {"book": book_id}
    if not filed_years(closings):
        return []
    filed = as_filed(transaction.read("ledger.filed_gains", scope), closings)
    return pinned(filed, transaction.read("ledger.closed_journal", scope))


def keep(manna: Installation, wanted: Sequence[str], transaction: LakeTransaction) -> _Kept:
    """Makes the ledger hold what follows from clean and categorized rows, for the ``wanted`` books (none: all)."""
    kept = _Kept()
    securities = transaction.read("clean.securities")
    for book_id in chosen(manna.books, wanted):
        book, scope = manna.books[book_id], {"book": book_id}
        inputs = {
            name: securities if name == "securities" else transaction.read(address, scope)
            for name, address in SOURCES.items()
        }
        try:
            books = keep_books(
                book,
                **inputs,
                entered=manna.ops.entries(book_id),
                instructions=[*_instructions(manna, book), *_pinned(manna, book_id, transaction)],
                tax_forms=manna.ops.mortgage_forms(book_id),
                family=family(manna, book),
                shared=_shared(manna, book, transaction),
            )
        except LedgerError as error:
            kept.refused[book_id] = str(error)
            continue
        kept.disregarded += books.refused_instructions
        stands = adjusted(
            books.journal,
            books.postings,
            manna.ops.closings(book_id),
            transaction.read("ledger.closed_journal", scope),
            transaction.read("ledger.closed_postings", scope),
        )
        unbalanced = out_of_balance(stands.postings).height
        if unbalanced:  # a fault of ours: nothing of it is written, and nothing is made from it
            kept.unbalanced += unbalanced
            continue
        for table in TABLES:
            rows = getattr(stands if table in ("journal", "postings", "adjustments") else books, table)
            change = transaction.replace(f"ledger.{table}", rows, scope)
            kept.changes[table] = kept.changes.get(table, Change()) + change
        open_ = books.reconciliation.filter(pl.col("basis") == "difference")
        kept.differences |= {
            f"{book_id} {row['account_id']} {row['as_of']}": f"{row['difference']} {row['currency']}"
            for row in open_.iter_rows(named=True)
        }
        kept.differences |= {
            f"{book_id} exchange {number}": said for number, said in enumerate(books.unrated, start=1)
        }
    return kept


def family(manna: Installation, book: Book) -> dict[str, Book]:
    """The books of a book's taxpayer, itself too, by id."""
    return {
        other.id: other
        for other in manna.books.values()
        if other.id == book.id or (book.taxpayer and other.taxpayer == book.taxpayer)
    }


def _shared(manna: Installation, book: Book, lake: LakeTransaction) -> pl.DataFrame:
    """What other books of the taxpayer paid for this one."""
    whole = family(manna, book)
    found = [pl.DataFrame(schema=SHARES)]
    for payer in whole.values():
        if any(setting.book == book.id for setting in payer.shared):
            scope = {"book": payer.id}
            rows = posted(lake.read("clean.transactions", scope))
            categories = with_draws(payer, rows, lake.read("categorized.transactions", scope))
            whole_rows = undivided(rows, categories, lake.read("categorized.splits", scope))
            found.append(shares(payer, whole, whole_rows))
    return pl.concat(found)


@dg.multi_asset(
    name="hash_months",
    specs=[
        spec(
            MONTHS,
            deps=(
                "ledger.postings",
                "ledger.reconciliation",
                "portfolio.valuations",
                "categorized.transactions",
                "clean.quarantine",
                "clean.coverage",
                "clean.findings",
                "ledger.taxable_gains",
            ),
        )
    ],
)
def months(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> dg.MaterializeResult[Any]:
    """Hashes all that each month's reports depend on, so that only changed months are made again."""
    change = manna.lake.commit(
        [MONTHS],
        lambda transaction: refresh_months(manna, config.books, transaction),
        author=MONTHS,
        message=f"run {context.run.run_id}",
    )
    return result(MONTHS, change, row_counts(manna, [MONTHS], in_part=config.books))


def refresh_months(manna: Installation, wanted: Sequence[str], transaction: LakeTransaction) -> Change:
    """Makes ``ledger.months`` hold what follows, for the ``wanted`` books (none: all).

    Their moment is never before a closing: it counts in them already, whatever this machine's clock says.
    """
    change, now = Change(), moment(manna, transaction)
    for book_id in chosen(manna.books, wanted):
        scope, closings = {"book": book_id}, manna.ops.closings(book_id)
        hashes = months_as_they_are(manna, book_id, today(manna, manna.books[book_id]), transaction)
        before = transaction.read(MONTHS, scope)
        frozen = before.filter(closed_month(pl.col("month"), closed_through(closings)))
        known_at = max([now, *(row["known_at"] for row in closings)])
        dated = since_when(hashes.join(frozen, on="month", how="anti"), before, known_at)
        change += transaction.replace(MONTHS, pl.concat([frozen, dated]), scope)
    return change
