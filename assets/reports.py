"""Stage ``reports``: monthly statements, gated per book and month.

What belongs here: which months are made, the gate, and the record of what is published and why not. What
does not: how a statement is made (``manna.statements``), or where it is published (``published``).

The gate: statements that do not tie out are not stored; the last good version of that book and month
stays, with the reason, and every other book and month goes on.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from assets.book_days import book_standing, closed_month, ledger_day
from assets.common import BooksConfig, Manna, chosen, key, result, row_counts, spec
from assets.open_items import READ_ONCE, last_day, open_items_by_month
from assets.shown import previewed
from manna.contracts.declaration import content_hash, content_hashes
from manna.contracts.reports import EDITIONS, PUBLICATIONS, STATEMENTS
from manna.ledger.closing import closed_through, reopened
from manna.standing import Standing
from manna.statements import Sources, statements, violations_by_period
from manna.validating.finding import reasons_to_hold
from resources.installation import CODE_VERSION, Installation
from resources.lake import Change, Lake, LakeTransaction

TABLES = tuple(contract.address for contract in STATEMENTS)
WRITTEN = (*TABLES, PUBLICATIONS.address, EDITIONS.address)
SOURCES = (
    "ledger.postings",
    "ledger.journal",
    "ledger.adjustments",
    "ledger.taxable_gains",
    "ledger.months",
    "portfolio.valuations",
    "clean.securities",
    "clean.coverage",
    "clean.findings",
    "categorized.transactions",
)
CHECK = "ties_out"


@dataclass(slots=True)
class _Outcome:
    changes: dict[str, Change] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    published: int = 0


def statements_asset(months: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The assets ``reports.*``, partitioned by ``months``; a range is one run."""

    @dg.multi_asset(
        name="make_statements",
        specs=[spec(table, deps=SOURCES, partitions_def=months) for table in WRITTEN],
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=key(PUBLICATIONS.address),
                description="no book and month had to keep its last good version",
            )
        ],
        partitions_def=months,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def made(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
        """Makes every statement of the partitions' months, for every book."""
        manna.note_books()
        wanted = [date.fromisoformat(key) for key in context.partition_keys]
        outcome = manna.lake.commit(
            WRITTEN,
            lambda transaction: make(manna, config.books, wanted, context.run.run_id, transaction),
            author="reports",
            message=f"run {context.run.run_id}",
        )
        rows = row_counts(manna, WRITTEN)
        for table in WRITTEN:
            said = previewed(manna, table) if table == PUBLICATIONS.address else {}
            yield result(table, outcome.changes.get(table, Change()), rows, **said)
        yield dg.AssetCheckResult(
            passed=not outcome.held,
            asset_key=key(PUBLICATIONS.address),
            check_name=CHECK,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"published": outcome.published, **outcome.held},
        )

    return made


def make(
    manna: Installation,
    books: Sequence[str],
    wanted: Sequence[date],
    run_id: str,
    transaction: LakeTransaction,
) -> _Outcome:
    """Makes the statements of the ``wanted`` months hold what follows from the ledger, behind the gate.

    They show the facts of the moment at which ``ledger.months`` was made, and stand on that day.
    """
    outcome = _Outcome()
    securities = transaction.read("clean.securities")
    for book_id in chosen(manna.books, books):
        scope = {"book": book_id}
        months = {row["month"]: row for row in transaction.read("ledger.months", scope).to_dicts()}
        before = transaction.read(PUBLICATIONS.address, scope)
        periods = sorted(set(wanted) & set(months) - _closed(manna, before, book_id))
        if not periods:
            continue
        book = manna.books[book_id]
        day = ledger_day(book, months.values())
        tables = {address: transaction.read(address, scope) for address in READ_ONCE}
        sources = statement_sources(transaction, book_id)
        postings, valuations = tables["ledger.postings"], tables["portfolio.valuations"]
        frames = statements(book, postings, valuations, securities, periods, day, sources)
        faults = reasons_to_hold(tables["clean.findings"], periods)
        for period, why in violations_by_period(book, frames).items():
            faults.setdefault(period, []).extend(why)
        good = [period for period in periods if period not in faults]
        for name, frame in frames.items():
            table = f"reports.{name}"
            rows = frame.filter(pl.col("period").is_in(good))
            change = transaction.replace(table, rows, {**scope, "period": frozenset(good)})
            outcome.changes[table] = outcome.changes.get(table, Change()) + change
        stands = book_standing(manna, book_id, transaction)
        items = open_items_by_month(
            manna, transaction, book_id, tables, periods, day, stands, frames["translation"]
        )
        records = _records(manna, book_id, before, months, periods, stands, items, faults, frames, run_id)
        change = _record(transaction, book_id, before, records)
        table = PUBLICATIONS.address
        outcome.changes[table] = outcome.changes.get(table, Change()) + change
        outcome.published += len(good)
        outcome.held |= {f"{book_id} {period:%Y-%m}": "; ".join(faults[period]) for period in sorted(faults)}
    return outcome


def statement_sources(lake: Lake | LakeTransaction, book_id: str) -> Sources:
    """What a book's statements are made from beside postings and valuations."""
    merchants = lake.query(
        "SELECT j.entry_id, c.merchant FROM ledger.journal j JOIN categorized.transactions c "
        "ON c.transaction_id = j.source_id AND j.source_table = 'clean.transactions' "
        "WHERE j.book = ? AND c.book = ? AND c.merchant <> ''",
        [book_id, book_id],
    )
    scope = {"book": book_id}
    adjusting = lake.read("ledger.journal", {**scope, "kind": "adjusting"})
    gains, adjustments = (lake.read(f"ledger.{table}", scope) for table in ("taxable_gains", "adjustments"))
    return Sources(adjusting, gains, merchants, adjustments)


def _records(
    manna: Installation,
    book_id: str,
    published: pl.DataFrame,
    months: Mapping[date, Mapping[str, Any]],
    periods: Sequence[date],
    stands: Standing,
    items: dict[date, str],
    faults: Mapping[date, Sequence[str]],
    frames: Mapping[str, pl.DataFrame],
    run_id: str,
) -> list[dict[str, Any]]:
    """Rows of ``reports.publications`` for this attempt."""
    before = {row["period"]: row for row in published.iter_rows(named=True)}
    through = stands.complete_through
    opened = reopened(manna.ops.closings(book_id))
    for period in periods:
        if opened is not None and opened.touches(period):
            items[period] = "; ".join(filter(None, (opened.words, items[period])))
    contents = statement_hashes(frames, periods)
    rows = []
    for period in periods:
        common = {
            "book": book_id,
            "period": period,
            "tried_hash": months[period]["content_hash"],
            "code_version": CODE_VERSION,
            "run_id": run_id,
            "provisional": bool(stands.provisional),
        }
        if period in faults:
            rows.append(common | _held(before.get(period), months[period], common, faults[period]))
            continue
        rows.append(
            {
                "status": "published",
                "reason": None,
                "month_hash": months[period]["content_hash"],
                "content_hash": contents[period],
                "complete_through": min(through, last_day(period)) if through else None,
                "open_items": items[period],
                "known_at": months[period]["known_at"],
            }
            | common
        )
    return rows


def _held(
    last: Mapping[str, Any] | None, month: Mapping[str, Any], tried: Mapping[str, Any], why: Sequence[str]
) -> dict[str, Any]:
    """Of a month that is held: what its last good version was stays, if there was one, with the reason."""
    last = last or dict.fromkeys(PUBLICATIONS.names)
    return {
        "status": "held",
        "reason": "; ".join(why),
        "month_hash": last["month_hash"],
        "content_hash": last["content_hash"],
        "complete_through": last["complete_through"],
        "open_items": last["open_items"] or "",
        "known_at": last["known_at"] or month["known_at"],
        "provisional": bool(last["provisional"] or tried["provisional"]),
    }


def _closed(manna: Installation, published: pl.DataFrame, book_id: str) -> set[date]:
    """Closed months that are published: what was reported stays as it is until they are opened again."""
    through = closed_through(manna.ops.closings(book_id))
    done = published.filter(closed_month(pl.col("period"), through), pl.col("content_hash").is_not_null())
    return set(done["period"])


def _record(
    transaction: LakeTransaction, book_id: str, old: pl.DataFrame, rows: Sequence[Mapping[str, Any]]
) -> Change:
    """Stores the attempt. One that says the same as the last leaves the last as it is."""
    new = PUBLICATIONS.conform(pl.DataFrame(rows, schema=PUBLICATIONS.polars_schema))
    lasting = [name for name in PUBLICATIONS.names if name not in ("run_id", "known_at")]
    changed = new.join(old, on=lasting, how="anti", nulls_equal=True)
    kept = old.join(changed, on=PUBLICATIONS.key, how="anti")
    others = changed.filter(pl.col("status") == "published").join(
        old, on=["period", "content_hash"], how="anti", nulls_equal=True
    )
    known = transaction.read(EDITIONS.address, {"book": book_id}).group_by("period").agg(number=pl.len())
    numbered = others.join(known, on="period", how="left").with_columns(pl.col("number").fill_null(0) + 1)
    transaction.append(EDITIONS.address, EDITIONS.conform(numbered))
    return transaction.replace(PUBLICATIONS.address, pl.concat([kept, changed]), {"book": book_id})


def statement_hashes(frames: Mapping[str, pl.DataFrame], periods: Sequence[date]) -> dict[date, str]:
    """Per month one hash of all statements of a book; ``frames`` by table name without the schema."""
    parts = [content_hashes(contract, frames[contract.name], pl.col("period")) for contract in STATEMENTS]
    nothing = content_hash(STATEMENTS[0], STATEMENTS[0].empty())
    return {
        period: hashlib.sha256(" ".join(part.get(period, nothing) for part in parts).encode()).hexdigest()
        for period in periods
    }


def dirty_months(lake: Any) -> list[date]:
    """Months that some book's last attempt did not see in their present state, sorted.

    A month that was held is dirty again when its facts or the code change: the same twice cannot help.
    """
    found = lake.query(
        "SELECT DISTINCT m.month FROM ledger.months m LEFT JOIN reports.publications p "
        "ON p.book = m.book AND p.period = m.month AND p.tried_hash = m.content_hash "
        "AND (p.status = 'published' OR p.code_version = ?) WHERE p.book IS NULL ORDER BY 1",
        [CODE_VERSION],
    )
    return list(found["month"])
