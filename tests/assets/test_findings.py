"""What looks wrong is found each night, told per book, and searched for again only when something has changed."""

from datetime import date
from decimal import Decimal

import dagster as dg
import polars as pl
import pytest
import worlds
from worlds import World, checks, said

from assets import findings

ADDRESS = "clean.findings"
CHECK = f"{ADDRESS} nothing_to_look_at"


def test_a_night_of_the_demos_people_has_nothing_to_look_at(world: World) -> None:
    assert world.read(ADDRESS).rows() == []


@pytest.mark.slow
def test_balances_of_two_nights_roll_forward(world: World) -> None:
    world.at(worlds.TUESDAY)
    worlds.succeeded(world.night())
    assert world.read("clean.balances")["as_of"].n_unique() == 2
    assert world.read(ADDRESS).rows() == []


@pytest.mark.slow
def test_a_pause_of_ten_days_leaves_nothing_to_explain(world: World) -> None:
    world.at("2026-03-26T12:00:00Z")
    worlds.succeeded(world.night())  # `reconciled` is among its checks
    late = (pl.col("date") <= date(2026, 3, 16)) & (pl.col("first_known_on") == date(2026, 3, 26))
    assert not world.read("clean.transactions").filter(late, ~pl.col("pending")).is_empty()
    assert world.read(ADDRESS, kind="balance_jump").filter(severity="warning").rows() == []


def test_a_doubled_row_is_told_to_its_book_and_leaves_with_it(world: World) -> None:
    rows = world.read("clean.transactions")
    one = rows.filter(
        pl.col("book") == "studio", ~pl.col("pending"), ~pl.col("removed"), pl.col("amount") < -500
    )
    one = one.filter(one.select("account_id", "amount", "description").is_unique()).sort("date").tail(1)
    twin = one.with_columns(transaction_id=pl.lit("twin"))
    world.plant("clean.transactions", pl.concat([rows, twin]))
    result = world.run([findings.found])
    check = checks(result)[CHECK]
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert set(check.metadata) == {"studio"}
    found = world.read(ADDRESS, kind="possible_duplicate").row(0, named=True)
    assert (found["book"], found["severity"], found["subject"]) == ("studio", "warning", one["account_id"][0])
    assert found["amount"] == abs(one["amount"][0])
    assert set(found["row_ids"].split(",")) == {"twin", one["transaction_id"][0]}

    assert said(world.run([findings.found]), ADDRESS)["change"] == "nothing has changed"
    world.plant("clean.transactions", rows)
    assert checks(world.run([findings.found]))[CHECK].passed
    assert world.read(ADDRESS).is_empty()


def test_what_a_balance_moved_by_without_a_row_is_at_stake(world: World) -> None:
    balances = world.read("clean.balances")
    savings = world.read("clean.accounts").filter(pl.col("name") == "High Yield Savings")["account_id"][0]
    own = balances.filter(pl.col("account_id") == savings)
    later = own.with_columns(as_of=pl.lit(date(2026, 3, 17)), current=pl.col("current") + Decimal("123.45"))
    world.plant("clean.balances", pl.concat([balances, later.select(balances.columns).cast(balances.schema)]))
    world.run([findings.found])
    found = world.read(ADDRESS).row(0, named=True)
    assert (found["kind"], found["severity"], found["subject"]) == ("balance_jump", "warning", savings)
    assert found["amount"] == Decimal("123.45")


def test_unchanged_tables_are_not_searched_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds.succeeded(world.run([findings.found]))

    def searched(*_: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr(findings, "findings", searched)
    assert said(world.run([findings.found]), ADDRESS)["change"] == "nothing has changed"
    world.at(worlds.TUESDAY)  # a day later everything is a day older
    assert not world.run([findings.found]).success
