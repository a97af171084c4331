"""The stage `categorized` through its assets: books of one taxpayer, what a person said of pairs, rhythms, insights."""

import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import yaml
from worlds import World, said, succeeded

from assets import categorized
from assets.categorized import INSIGHTS, RECURRING, TRANSACTIONS
from manna.contracts.categorized import INSIGHTS as INSIGHTS_CONTRACT
from pipelines.settling import settle
from resources.settings import PROJECT

TRANSFERS, SPLITS = "categorized.transfers", "categorized.splits"


@pytest.fixture
def taxpayer(world: World, tmp_path: Path) -> World:
    """The demo's household and studio as books of one person, without rules."""
    folder = tmp_path / "books"
    folder.mkdir()
    for file in (PROJECT / "books").glob("*.yaml"):
        book = yaml.safe_load(file.read_text())
        book.pop("rules")
        (folder / file.name).write_text(yaml.safe_dump({**book, "taxpayer": "rivera"}))
    world.set(books_dir=folder)
    return world


def test_money_between_two_books_of_one_person_is_a_draw_and_never_income(taxpayer: World) -> None:
    succeeded(taxpayer.run([categorized.categories]))
    moved = taxpayer.read(TRANSFERS).filter(pl.col("book") != pl.col("in_book"))
    assert set(moved.select("book", "in_book").rows()) == {("studio", "household")}
    rows = taxpayer.read(TRANSACTIONS).filter(pl.col("source") == "transfer")
    leaving = rows.filter(pl.col("transaction_id").is_in(moved["out_id"].implode()))
    arriving = rows.filter(pl.col("transaction_id").is_in(moved["in_id"].implode()))
    assert leaving.height == arriving.height == moved.height > 0
    assert leaving["category"].unique().to_list() == ["Equity:Owner's Draws"]
    assert arriving["category"].unique().to_list() == ["Equity:Received from Rivera Studio"]
    # Made for one of them alone, the other's rows are the same: the family is made together.
    again = taxpayer.run(
        [categorized.categories], config={"ops": {"categorize": {"config": {"books": ["studio"]}}}}
    )
    assert said(succeeded(again), TRANSFERS)["change"] == "nothing has changed"


def test_books_of_different_people_have_nothing_between_them(world: World) -> None:
    found = world.read(TRANSFERS)
    assert (found["book"] == found["in_book"]).all()


def test_what_a_person_says_of_pairs_and_parts_holds(world: World) -> None:
    pair = world.read(TRANSFERS, book="household").sort("transfer_id").row(0, named=True)
    manna, now = world.manna, world.manna.settings.now()
    manna.ops.decide_transfer("household", pair["out_id"], pair["in_id"], "ana", now, is_transfer=False)
    row = world.read("clean.transactions", book="studio").filter(pl.col("amount") == -45).row(0, named=True)
    parts = [
        {"category": "Expenses:One", "amount": "-40"},
        {"category": "Expenses:Two", "amount": "-5"},
    ]
    manna.ops.decide("studio", row["transaction_id"], "Expenses:One", "ana", now, splits=parts)
    succeeded(world.run([categorized.categories]))
    assert pair["transfer_id"] not in world.read(TRANSFERS)["transfer_id"]
    assert world.read(SPLITS).select("transaction_id", "category", "amount").rows() == [
        (row["transaction_id"], "Expenses:One", Decimal(-40)),
        (row["transaction_id"], "Expenses:Two", Decimal(-5)),
    ]
    manna.ops.decide_transfer("household", pair["out_id"], pair["in_id"], "ana", now, is_transfer=True)
    result = succeeded(world.run([categorized.categories]))
    assert pair["transfer_id"] in world.read(TRANSFERS)["transfer_id"]
    told = said(result, TRANSACTIONS)
    assert (
        told["certain"] + world.read(TRANSACTIONS).filter(~pl.col("certain")).height
        == world.read(TRANSACTIONS).height
    )
    assert json.loads(json.dumps(told["by_source"]))["override"] == 1


def test_rhythms_are_found_and_insights_alert_until_they_are_old(world: World) -> None:
    series = world.read(RECURRING)
    assert set(series["cadence"]) >= {"fortnightly", "monthly"}
    assert (series["next_on"] > series["last_on"]).all()
    insight = {
        "insight_id": "i",
        "book": "studio",
        "kind": "missed",
        "merchant": "acme",
        "date": series["last_on"].max(),
        "amount": Decimal(5),
        "currency": "USD",
        "message": "acme did not come",
        "transaction_ids": "t",
    }
    planted = pl.DataFrame([insight], schema=INSIGHTS_CONTRACT.polars_schema)
    world.plant(INSIGHTS, planted, book="studio")
    settle(world.manna, world.instance)
    told = [
        alert
        for alert in world.manna.ops.alerts()
        if alert["kind"] == "missed_payment" and alert["book"] == "studio"
    ]
    assert [(alert["severity"], alert["message"]) for alert in told] == [("warning", "acme did not come")]
    succeeded(world.run([categorized.recurrences]))  # it is none of what the rows say
    settle(world.manna, world.instance)
    open_now = {alert["fingerprint"] for alert in world.manna.ops.alerts()}
    assert "missed_payment:studio:i" not in open_now
