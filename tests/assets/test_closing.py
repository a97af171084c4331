"""A closed month in a world: nothing of it changes, and what comes later is booked after it."""

from datetime import date, timedelta

import polars as pl
import psycopg
import pytest
import worlds
from worlds import TUESDAY, World

from assets.published import months_to_publish
from pipelines import closing
from pipelines.rebuilding import as_published
from pipelines.settling import settle

FEBRUARY, END = date(2026, 2, 1), date(2026, 2, 28)
BOOK = "household"
FAILING = ["clean.findings nothing_to_look_at", "ledger.reconciliation reconciled"]


def reports(world: World, period: date = FEBRUARY) -> dict[str, list[tuple[object, ...]]]:
    return {t: world.read(t, book=BOOK, period=period).sort("line").rows() for t in worlds.published.TABLES}


def decide(world: World) -> tuple[str, float]:
    """A person gives another category to the largest expense of February."""
    rows = world.read("categorized.transactions", book=BOOK).filter(
        pl.col("category").str.starts_with("Expenses:")
    )
    dated = world.read("clean.transactions", book=BOOK).join(rows, on="transaction_id", how="semi")
    own = dated.filter(pl.col("date").dt.truncate("1mo") == FEBRUARY, ~pl.col("pending")).sort("amount")
    world.manna.ops.decide(
        BOOK, own["transaction_id"][0], "Expenses:Gifts", "ana", world.manna.settings.now()
    )
    return own["transaction_id"][0], own["amount"][0]


def test_nothing_is_closed_too_early(world: World) -> None:
    with pytest.raises(closing.ClosingError, match="that day is not over yet"):
        closing.close(world.manna, BOOK, date(2026, 3, 16), "ana")
    with pytest.raises(closing.ClosingError, match="is not closed: `manna close"):
        closing.file_year(world.manna, BOOK, 2025, "ana")
    with pytest.raises(closing.ClosingError, match="nothing of household is closed"):
        closing.reopen(world.manna, BOOK, END, "ana", "why not")
    with pytest.raises(closing.ClosingError, match="it has no bridge"):
        closing.bridge(world.manna, BOOK, FEBRUARY, END)
    decide(world)
    worlds.succeeded(world.run([worlds.categorized.categories, worlds.ledger.ledger]))
    # A run is between its books and its months: what would be kept is not what is published.
    with pytest.raises(closing.ClosingError, match="the books have changed since the reports of 20"):
        closing.close(world.manna, BOOK, END, "ana")
    worlds.succeeded(world.run([worlds.ledger.months]))
    with pytest.raises(closing.ClosingError, match="the reports of 2026-02 are out of date"):
        closing.close(world.manna, BOOK, END, "ana")
    assert world.manna.ops.closings(BOOK) == []
    assert world.read("ledger.closed_postings").is_empty()


def test_nobody_keeps_books_while_they_are_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between what a closing keeps and its record a run would take the closed days for open ones; so with the others."""
    add, waited = type(world.manna.ops).add_closing, list[tuple[str, list[str]]]()
    tables = ["ledger.gains", "ledger.postings", "ledger.months", "reports.publications"]

    def add_closing(self: object, values: dict[str, object]) -> None:
        lock = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
        with psycopg.connect(world.manna.postgres_url) as other:
            held = [
                table for table in tables if other.execute(lock, [f"manna:{table}"]).fetchone() == (False,)
            ]
        waited.append((str(values["action"]), held))
        add(self, values)  # type: ignore[arg-type]

    monkeypatch.setattr(type(world.manna.ops), "add_closing", add_closing)
    closing.close(world.manna, BOOK, END, "ana")
    closing.file_year(world.manna, BOOK, 2025, "ana")
    closing.reopen(world.manna, BOOK, date(2026, 1, 31), "ana", "a receipt was found")
    assert waited == [("close", tables), ("file", tables), ("reopen", tables)]


def test_a_run_is_never_of_a_moment_before_a_closing(world: World) -> None:
    """Another machine's clock, or two closings on one that stands still: what was made after is known after."""
    later = world.manna.settings.now() + timedelta(seconds=1)
    row = {
        "book": BOOK,
        "action": "file",
        "through": date(2025, 12, 31),
        "content_sha256": None,
        "reason": None,
    }
    world.manna.ops.add_closing({**row, "known_at": later, "decided_by": "ana"})
    decide(world)
    worlds.succeeded(world.run([worlds.categorized.categories, worlds.ledger.ledger, worlds.ledger.months]))
    assert world.read("ledger.months", book=BOOK)["known_at"].max() == later


@pytest.mark.slow
def test_a_month_is_closed_adjusted_after_and_reopened(world: World) -> None:
    good = reports(world)
    closing.close(world.manna, BOOK, END, "ana")
    with pytest.raises(closing.ClosingError, match="closed through 2026-02-28 already"):
        closing.close(world.manna, BOOK, END, "ana")
    assert (
        closing.file_year(world.manna, BOOK, 2025, "ana")
        == world.read("ledger.filed_gains", book=BOOK).height
    )
    assert closing.amended_return(world.manna, BOOK, 2025).is_empty()

    world.at(TUESDAY)
    row, amount = decide(world)
    worlds.succeeded(world.night(), failing=FAILING)
    worlds.succeeded(world.report(), failing=FAILING)
    worlds.succeeded(world.report(FEBRUARY))  # a backfill changes nothing of it either
    assert reports(world) == good
    late = world.read("ledger.journal", book=BOOK).filter(
        pl.col("kind") == "adjustment", pl.col("source_id") == row
    )
    assert late["date"].to_list() == [date(2026, 3, 1)]
    bridge = closing.bridge(world.manna, BOOK, FEBRUARY, END).filter(pl.col("source_id") == row)
    assert dict(bridge.select("account", "difference").iter_rows())["Expenses:Gifts"] == -amount
    now = world.manna.settings.now()
    for period in (FEBRUARY, date(2026, 3, 1)):  # closed or open: rebuilt as it was published
        with as_published(world.manna, BOOK, period, now) as (past, warning):
            assert warning == ""
            assert past.lake.read("reports.balance_sheet", {"book": BOOK, "period": period}).height

    closing.reopen(world.manna, BOOK, date(2026, 1, 31), "ana", "the category was wrong")
    settle(world.manna, world.instance)
    assert "reopened" in {alert["kind"] for alert in world.manna.ops.alerts()}
    worlds.succeeded(world.run([worlds.ledger.ledger, worlds.ledger.months]))
    assert months_to_publish(world.manna)[0] == FEBRUARY
    worlds.succeeded(world.report(), failing=FAILING)
    assert reports(world) != good
    records = world.read("reports.publications", book=BOOK).sort("period").tail(3)["open_items"].to_list()
    assert ["the category was wrong" in items for items in records] == [False, True, False]
