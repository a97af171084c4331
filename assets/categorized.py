"""Stage ``categorized``: what each transaction was for.

What belongs here: reading clean rows and people's decisions, writing what ``manna.categorizing`` makes of them.
What does not: who decides in what order.

Books of one taxpayer are made together, because money between them is a draw or a contribution in both.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.book_days import today
from assets.common import BooksConfig, Manna, chosen, key, result, row_counts, spec
from assets.shown import previewed
from manna.books import Book
from manna.categorizing import Categorized, Facts, between_books, categorize, followed, settle
from manna.categorizing.deciding import NO_PREDICTIONS
from manna.categorizing.insights import insights
from manna.categorizing.merchants import merchants
from manna.categorizing.precedents import recalled
from manna.categorizing.recurring import find_series, payments, recurring
from manna.categorizing.review import queue
from resources.installation import Installation
from resources.lake import Change, LakeTransaction
from resources.model_files import ModelFileError

if TYPE_CHECKING:
    from manna.categorizing.model import Model

TRANSACTIONS = "categorized.transactions"
TABLES = (TRANSACTIONS, "categorized.splits", "categorized.transfers")
RECURRING, INSIGHTS = "categorized.recurring", "categorized.insights"
_SOURCES = ("clean.transactions", "clean.successions", "clean.trades", "clean.accounts", "categorized.model")


@dg.multi_asset(
    name="categorize",
    specs=[spec(table, deps=_SOURCES) for table in TABLES],
    check_specs=[
        dg.AssetCheckSpec(
            "models_are_usable",
            asset=key(TRANSACTIONS),
            description="every model in use is in its file, and the file is the one that was recorded",
        )
    ],
)
def categories(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
    """Categorizes every live transaction, book by book, and pairs transfers."""
    manna.note_books()
    made = manna.lake.commit(
        TABLES,
        lambda transaction: categorize_books(manna, config.books, transaction),
        author="categorized",
        message=f"run {context.run.run_id}",
    )
    said = {
        "by_source": dict(sorted(made.by_source.items())),
        "certain": made.certain,
        "questions_for_review": made.questions,
    }
    rows = row_counts(manna, TABLES, in_part=config.books)
    yield result(TRANSACTIONS, made.changes[TRANSACTIONS], rows, **said)
    for table in TABLES[1:]:
        yield result(table, made.changes[table], rows)
    for reason in made.unusable.values():
        context.log.warning(reason)
    yield dg.AssetCheckResult(
        passed=not made.unusable,
        asset_key=key(TRANSACTIONS),
        check_name="models_are_usable",
        severity=dg.AssetCheckSeverity.WARN,
        metadata=made.unusable,
    )


@dataclass(slots=True)
class _Made:
    changes: dict[str, Change] = field(default_factory=lambda: dict.fromkeys(TABLES, Change()))
    by_source: Counter[str] = field(default_factory=Counter)
    certain: int = 0
    questions: int = 0
    unusable: dict[str, str] = field(default_factory=dict)


def categorize_books(manna: Installation, wanted: Sequence[str], transaction: LakeTransaction) -> _Made:
    """Makes the categorized tables hold what follows from clean rows and decisions, for ``wanted`` books (none: all).

    ``unusable`` says of which books the model cannot be used, and why.
    """
    whole = families(manna.books.values(), chosen(manna.books, wanted))
    models, unusable = models_in_use(manna, [book.id for family in whole for book in family])
    made = _Made(unusable=unusable)
    for family in whole:
        facts = [read_facts(manna, transaction, book) for book in family]
        for one, found in zip(facts, categorized(facts, models), strict=True):
            for table in TABLES:
                rows = getattr(found, table.partition(".")[2])
                made.changes[table] += transaction.replace(table, rows, {"book": one.book.id})
            made.by_source.update(found.transactions["source"])
            made.certain += found.transactions.filter("certain").height
            made.questions += queue(one.transactions, found.transactions).height
    return made


def families(books: Sequence[Book] | Any, wanted: Sequence[str]) -> list[list[Book]]:
    """The books to make, each with all others of its taxpayer."""
    found: dict[str, list[Book]] = {}
    for book in books:
        found.setdefault(book.taxpayer or f"book {book.id}", []).append(book)
    # By id: who comes first must not hang on the names of files, which the past does not know.
    whole = [sorted(family, key=lambda book: book.id) for family in found.values()]
    return [family for family in whole if any(book.id in wanted for book in family)]


def read_facts(manna: Installation, lake: Any, book: Book) -> Facts:
    """All that is known of one book. ``lake``: anything that reads tables, a transaction or the lake itself."""
    scope = {"book": book.id}
    transactions = lake.read("clean.transactions", scope)
    return Facts(
        book=book,
        transactions=transactions,
        trades=lake.read("clean.trades", scope).filter(~pl.col("removed")),
        accounts=lake.read("clean.accounts", scope),
        decisions=followed(manna.ops.overrides(), lake.read("clean.successions", scope)),
        merchants=transactions.select(
            "transaction_id",
            merchant=merchants(transactions.select(pl.coalesce("merchant", "description")).to_series()),
        ),
        rejected=manna.ops.rejected_transfers(book.id),
    )


def model_in_use(manna: Installation, book_id: str) -> "Model | None":
    """The model a book uses, or null.

    Raises:
        ModelFileError: its file cannot be used. Nothing of it was loaded.
    """
    row = manna.ops.model_in_use(book_id)
    if row is None:
        return None
    data = manna.model_files.read(row["model_id"], row["file_sha256"])
    from manna.categorizing.model import Model

    return Model.from_bytes(data)


def models_in_use(manna: Installation, books: Iterable[str]) -> tuple[dict[str, "Model"], dict[str, str]]:
    """By book: models that can be used, and why others cannot. A book without one goes on without one."""
    found: dict[str, Model] = {}
    unusable: dict[str, str] = {}
    for book_id in books:
        try:
            model = model_in_use(manna, book_id)
        except ModelFileError as error:
            unusable[book_id] = str(error)
            continue
        if model is not None:
            found[book_id] = model
    return found, unusable


def categorized(family: Sequence[Facts], models: Mapping[str, "Model"]) -> list[Categorized]:
    """Each book's tables, in the order given.

    Args:
        family: all books of one taxpayer.
        models: by book; a book without one does without.
    """
    settled = [settle(facts) for facts in family]
    between = between_books(settled)
    books = [facts.book for facts in family]
    return [
        categorize(
            one,
            between=between,
            books=books,
            memory=recalled(one.open, one.rows, one.facts.decisions),
            model=_predicted(models.get(one.facts.book.id), one.open),
        )
        for one in settled
    ]


def _predicted(model: "Model | None", rows: pl.DataFrame) -> pl.DataFrame:
    if model is None:
        return NO_PREDICTIONS
    from manna.categorizing.learning import predictions

    return predictions(model, rows)


@dg.multi_asset(
    name="find_recurring",
    specs=[spec(table, deps=(TRANSACTIONS, "clean.transactions")) for table in (RECURRING, INSIGHTS)],
)
def recurrences(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
    """Finds what comes again and again, what is expected next, and what is worth telling."""
    found = manna.lake.commit(
        [RECURRING, INSIGHTS],
        lambda transaction: find_recurring(manna, config.books, transaction),
        author=RECURRING,
        message=f"run {context.run.run_id}",
    )
    rows = row_counts(manna, [RECURRING, INSIGHTS], in_part=config.books)
    for table, change in zip((RECURRING, INSIGHTS), found, strict=True):
        yield result(table, change, rows, **previewed(manna, table))


def find_recurring(
    manna: Installation, wanted: Sequence[str], transaction: LakeTransaction
) -> tuple[Change, Change]:
    """Makes ``categorized.recurring`` and ``insights`` hold what follows, for the ``wanted`` books (none: all)."""
    changes = Change(), Change()
    for book_id in chosen(manna.books, wanted):
        book = manna.books[book_id]
        scope, day = {"book": book.id}, today(manna, book)
        known = payments(transaction.read("clean.transactions", scope), transaction.read(TRANSACTIONS, scope))
        rows = known.filter(~pl.col("transfer"))
        series = find_series(rows)
        told = insights(rows, series, day, book.thresholds)
        changes = (
            changes[0] + transaction.replace(RECURRING, recurring(series, day), scope),
            changes[1] + transaction.replace(INSIGHTS, told, scope),
        )
    return changes
