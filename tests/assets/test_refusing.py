"""Quarantine, categories, the ledger: what is refused stays visible, and stops nobody else."""

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import worlds
from worlds import World, checks, failure, said

from assets import clean, ledger
from manna.contracts import CONTRACTS

TRANSACTIONS = "clean.transactions"
CLEAN_TRANSACTIONS = next(asset for asset in clean.ASSETS if worlds.key(TRANSACTIONS) in asset.keys)
FAULTY = {"transaction_id": "bad", "account_id": "nobody's", "amount": "a lot", "pending": False, "name": "X"}


def tell(world: World, change: str, payload: dict[str, Any], second: int) -> None:
    """Adds a record to raw, as the provider would have sent it."""
    text, known = json.dumps(payload), world.read("raw.plaid_transactions").row(0, named=True)
    moment = known["known_at"].replace(second=second)
    record = known | {
        "batch_id": f"told-{second}",
        "seq": 0,
        "change": change,
        "source_id": payload["transaction_id"],
        "payload": text,
        "payload_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "known_at": moment,
    }
    rows = pl.DataFrame([record], schema=CONTRACTS["raw.plaid_transactions"].polars_schema)
    world.manna.lake.commit(["raw"], lambda lake: lake.append("raw.plaid_transactions", rows))


class TestQuarantine:
    def test_a_bad_row_is_kept_with_every_reason_and_leaves_by_itself_once_it_passes(
        self, world: World
    ) -> None:
        before = world.read(TRANSACTIONS)
        tell(world, "added", FAULTY, 1)
        result = worlds.succeeded(world.run([CLEAN_TRANSACTIONS, clean.quarantine]))
        refused = world.read("clean.quarantine", source_id="bad").row(0, named=True)
        for reason in (
            "amount is no number: a lot",
            "date is missing",
            "currency is missing",
            "account is unknown",
        ):
            assert reason in refused["reasons"]
        assert json.loads(refused["payload"]) == FAULTY
        assert world.read(TRANSACTIONS).sort("transaction_id").rows() == before.sort("transaction_id").rows()
        counts = checks(result)[f"{TRANSACTIONS} nothing_dropped"].metadata
        assert counts["received"].value == counts["rows"].value + counts["quarantined"].value
        assert counts["quarantined"].value == 2

        account = before["account_id"][0]
        mended = FAULTY | {
            "account_id": account,
            "amount": 12.5,
            "date": "2026-03-02",
            "iso_currency_code": "USD",
        }
        tell(world, "modified", mended, 2)
        worlds.succeeded(world.run([CLEAN_TRANSACTIONS, clean.quarantine]))
        assert world.read("clean.quarantine", source_id="bad").is_empty()
        assert world.read(TRANSACTIONS, transaction_id="bad")["amount"].to_list() == [Decimal("-12.5")]

    def test_a_row_lost_on_the_way_stops_everything_after_it(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, real = world.everything("clean", "categorized", "ledger"), clean.clean

        def lossy(address: str, raw: Any, told: Any) -> Any:
            found = real(address, raw, told)
            return type(found)(found.rows.head(-1), found.quarantined, found.received)

        monkeypatch.setattr(clean, "clean", lossy)
        result = world.run([CLEAN_TRANSACTIONS, worlds.categorized.categories, ledger.ledger])
        assert not result.success
        assert not checks(result)[f"{TRANSACTIONS} nothing_dropped"].passed
        assert not any(event.is_step_start and event.step_key == "categorize" for event in result.all_events)
        assert world.everything("clean", "categorized", "ledger") == before


class TestAPersonsDecision:
    def test_it_changes_the_category_and_only_what_depends_on_it(self, world: World) -> None:
        spent = world.read("categorized.transactions", book="household", source="plaid").filter(
            pl.col("category").str.starts_with("Expenses:")
        )
        posted = world.read(TRANSACTIONS, pending=False).join(spent, on="transaction_id", how="semi")
        row = posted.sort("date", "transaction_id").row(-1, named=True)
        before = world.everything("clean", "categorized", "ledger", "portfolio")
        decided = "Expenses:Gifts"
        world.manna.ops.decide("household", row["transaction_id"], decided, "ana", world.manna.settings.now())
        after_clean = [
            worlds.categorized.categories,
            ledger.ledger,
            worlds.portfolio.valuations,
            ledger.months,
        ]
        result = worlds.succeeded(world.run(after_clean))
        assert said(result, "categorized.transactions")["change"] == "1 in, 1 out"
        assert said(result, "ledger.journal")["change"] == "nothing has changed"
        assert said(result, "ledger.postings")["change"] == "1 in, 1 out"
        assert said(result, "portfolio.valuations")["change"] == "nothing has changed"
        verdict = world.read("categorized.transactions", transaction_id=row["transaction_id"]).row(
            0, named=True
        )
        assert (verdict["category"], verdict["source"]) == (decided, "override")
        assert verdict["reason"] == "decided by ana"
        after = world.everything("clean", "categorized", "ledger", "portfolio")
        changed = {table for table in before if before[table] != after[table]}
        assert changed == {"categorized.transactions", "ledger.postings", "ledger.months"}
        months = worlds.published.months_to_publish(world.manna)
        assert months[0] == row["date"].replace(day=1)

        # A later decision counts, and taking it back restores every byte.
        former = spent.filter(pl.col("transaction_id") == row["transaction_id"])["category"][0]
        world.manna.ops.decide("household", row["transaction_id"], former, "ana", world.manna.settings.now())
        worlds.succeeded(world.run(after_clean))
        assert world.everything("ledger") == {
            table: before[table] for table in before if table.startswith("ledger")
        }


@pytest.mark.parametrize(
    ("asset", "op"),
    [
        (worlds.categorized.categories, "categorize"),
        (ledger.ledger, "keep_books"),
        (worlds.portfolio.drift, "measure_drift"),
        (worlds.performance.measured, "measure_performance"),
    ],
)
def test_an_unknown_book_is_a_clear_failure(world: World, asset: Any, op: str) -> None:
    result = world.run([asset], config={"ops": {op: {"config": {"books": ["nobody"]}}}})
    assert failure(result, op) == ("unknown book nobody; there are: household, studio", 0)


class TestLedger:
    def test_a_book_that_cannot_be_kept_keeps_its_last_good_ledger_and_the_other_goes_on(
        self, world: World
    ) -> None:
        before = {
            table: world.read(table, book="household") for table in ("ledger.journal", "ledger.postings")
        }
        trades = world.read("clean.trades")
        sale = trades.filter(pl.col("kind") == "sell").row(0, named=True)
        # After the first snapshot: what happened before it is explained by the opening.
        tomorrow = date(2026, 3, 17)
        oversold = sale | {"trade_id": "oversold", "date": tomorrow, "quantity": Decimal(-1_000_000)}
        world.plant(
            "clean.trades", pl.concat([trades, pl.DataFrame([oversold], schema=trades.schema, orient="row")])
        )
        rows = world.read(TRANSACTIONS, book="studio").filter(~pl.col("pending"))
        world.plant(TRANSACTIONS, rows.tail(-1), book="studio")

        result = world.run([ledger.ledger])
        assert result.success
        kept = checks(result)["ledger.journal every_book_kept"]
        assert not kept.passed
        assert set(kept.metadata) == {"household"}
        assert "oversold" in kept.metadata["household"].value
        assert checks(result)["ledger.postings balanced"].passed
        for table, rows_before in before.items():
            key = CONTRACTS[table].key
            assert world.read(table, book="household").sort(key).rows() == rows_before.sort(key).rows()
        assert said(result, "ledger.journal")["change"] != "nothing has changed"  # the studio's missing row

    def test_an_unbalanced_book_is_never_written(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        before, real = world.everything("ledger"), ledger.keep_books

        def careless(book: Any, **inputs: Any) -> Any:
            books = real(book, **inputs)
            if book.id == "studio":
                object.__setattr__(books, "postings", books.postings.head(-1))
            return books

        monkeypatch.setattr(ledger, "keep_books", careless)
        result = world.run([ledger.ledger, worlds.portfolio.valuations])
        assert not checks(result)["ledger.postings balanced"].passed
        assert not result.success
        assert not any(
            event.is_step_start and event.step_key == "value_positions" for event in result.all_events
        )
        assert world.everything("ledger") == before

    def test_it_is_held_against_the_provider_on_every_snapshot_day(self, world: World) -> None:
        reconciled = world.read("ledger.reconciliation")
        assert set(reconciled["basis"].to_list()) == {"plugged"}  # the first day proves nothing, and says so
        told = world.read("clean.balances", book="studio")
        row = told.filter(pl.col("current") > 0).row(0, named=True)
        tomorrow = row | {"as_of": row["as_of"].replace(day=17), "current": row["current"] + 1}
        world.plant(
            "clean.balances",
            pl.concat([told, pl.DataFrame([tomorrow], schema=told.schema, orient="row")]),
            book="studio",
        )
        check = checks(world.run([ledger.ledger]))["ledger.reconciliation reconciled"]
        assert not check.passed
        assert {name: value.value for name, value in check.metadata.items()} == {
            f"studio {row['account_id']} 2026-03-17": "-1.0000 USD"
        }


class TestPortfolio:
    PLAN = (worlds.portfolio.drift, worlds.rebalancing.plan)

    def books(self, world: World, tmp_path: Any, targets: str) -> None:
        folder = tmp_path / "books"
        folder.mkdir()
        for book in ("household", "studio"):
            (folder / f"{book}.yaml").write_text(f"id: {book}\nname: {book}\n{targets}")
        world.set(books_dir=folder)

    def test_drift_beyond_the_bands_makes_a_plan_that_is_the_same_twice(self, world: World) -> None:
        assert world.read("portfolio.drift")["breached"].any()
        before = world.read("portfolio.rebalance_plan")
        assert before.height > 0
        result = worlds.succeeded(world.run(list(self.PLAN)))
        assert said(result, "portfolio.rebalance_plan")["change"] == "nothing has changed"

    def test_within_the_bands_there_is_no_plan(self, world: World, tmp_path: Any) -> None:
        self.books(world, tmp_path, "targets: {weights: {VTI: 0.6, BND: 0.4}, band: 1}\n")
        result = worlds.succeeded(world.run(list(self.PLAN)))
        assert said(result, "portfolio.drift")["breached"] == 0
        assert world.read("portfolio.drift").height > 0
        assert world.read("portfolio.rebalance_plan").is_empty()

    def test_without_targets_there_is_neither_drift_nor_plan(self, world: World, tmp_path: Any) -> None:
        self.books(world, tmp_path, "")
        worlds.succeeded(world.run(list(self.PLAN)))
        assert world.read("portfolio.drift").is_empty()
        assert world.read("portfolio.rebalance_plan").is_empty()
