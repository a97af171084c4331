"""The broker's corporate actions and reversals through a whole night, and the checks that compare with it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import worlds
from worlds import TUESDAY, World, checks

from assets import broker, categorized, clean, ledger
from assets.raw.bars import symbols_of_interest
from manna.contracts import CONTRACTS
from manna.facts import Record
from pipelines.partitions import market_days

CALENDAR = broker.calendar_check(market_days(worlds.FIRST_MONTH))
NIGHT = [*worlds.RAW, *clean.ASSETS, categorized.categories, ledger.ledger, broker.positions, CALENDAR]
POSITIONS = f"clean.holdings {broker.POSITIONS}"
MARKET = f"clean.market_days {broker.CALENDAR}"


def book(world: World, **said: str) -> dict[str, Any]:
    found: dict[str, Any] = world.control("POST", "/activities", json=said)
    return found


def held(world: World) -> dict[str, Decimal]:
    """Shares per symbol, as the broker told last."""
    rows = world.read("clean.holdings", account_id=account(world)).sort("as_of")
    last = rows.unique("security_id", keep="last").filter(pl.col("quantity") != 0)
    return dict(last.select("security_id", "quantity").iter_rows())


def account(world: World) -> str:
    return str(world.read("clean.accounts", provider="alpaca")["account_id"][0])


def told(world: World, kind: str) -> dict[str, Any]:
    """The last trade of a kind at Alpaca."""
    rows = world.read("clean.trades", account_id=account(world), kind=kind).sort("date", "moment", "trade_id")
    return rows.row(-1, named=True)


@pytest.fixture(scope="class")
def eventful(
    finished: World, server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, dict[str, Decimal], dict[str, Any], Any]]:
    """A Tuesday on which much was booked: the world, what was held before, what was taken back, the night."""
    world = worlds.copy_world(finished, tmp_path_factory.mktemp("eventful") / "data", server, "eventful")
    before = held(world)
    bought, paid = told(world, "buy"), told(world, "dividend")
    world.at(TUESDAY)
    # AAPL becomes VXUS, half of VTI goes for BND and money, shares arrive from elsewhere, NVDA spins off BND.
    book(world, activity_type="NC", symbol="AAPL", qty=f"-{before['AAPL']}", group_id="g1")
    book(world, activity_type="NC", symbol="VXUS", qty=f"{before['AAPL']}", group_id="g1")
    book(world, activity_type="MA", activity_sub_type="SCMA", symbol="VTI", qty="-1", net_amount="20.5")
    book(world, activity_type="MA", activity_sub_type="SCMA", symbol="BND", qty="3")
    book(world, activity_type="JNLS", symbol="BND", qty="2")
    book(world, activity_type="SPIN", symbol="BND", qty="0.25")
    book(
        world,
        activity_type="DIV",
        symbol="VTI",
        net_amount="1.23",
        status="correct",
        previous_id=paid["trade_id"],
    )
    book(world, activity_type="FILL", previous_id=bought["trade_id"])
    try:
        yield world, before, {"bought": bought, "paid": paid}, world.run(NIGHT)
    finally:
        world.close()


class TestANightOfCorporateActions:
    def test_positions_are_the_sum_of_their_activities_on_every_day(self, eventful: Any) -> None:
        world, before, _, night = eventful
        worlds.succeeded(night)
        assert checks(night)[POSITIONS].metadata["differences"].value == 0
        assert world.read("clean.holdings", account_id=account(world))["as_of"].n_unique() == 2
        after = held(world)
        assert "AAPL" not in after
        assert after["VXUS"] == before["VXUS"] + before["AAPL"]

    def test_what_was_taken_back_is_a_tombstone_and_in_no_entry(self, eventful: Any) -> None:
        world, _, gone, _ = eventful
        removed = world.read("clean.trades").filter(pl.col("removed"))
        names = {row["trade_id"] for row in gone.values()}
        bust = set(removed["trade_id"]) - names
        assert names < set(removed["trade_id"])
        assert len(bust) == 1  # the word that took back the fill has no effect of its own
        assert removed["removed_on"].unique().to_list() == [removed["removed_on"][0]]
        assert world.read("ledger.journal").filter(pl.col("source_id").is_in([*names, *bust])).is_empty()

    def test_the_ledger_holds_what_the_broker_holds(self, eventful: Any) -> None:
        world, _, _, night = eventful
        assert checks(night)["ledger.journal every_book_kept"].passed
        own = account(world)
        lots = (
            world.read("ledger.lots", account_id=own).group_by("security_id").agg(pl.col("remaining").sum())
        )
        kept = {name: left for name, left in lots.iter_rows() if left}
        assert kept == {name: left for name, left in held(world).items() if name != "CUR:USD"}
        cash = world.read("ledger.reconciliation", account_id=own).sort("as_of")
        assert cash["difference"].to_list() == [0] * cash.height
        assert cash.height == 2

    def test_the_market_days_are_our_partitions(self, eventful: Any) -> None:
        world, _, _, night = eventful
        found = checks(night)[MARKET]
        assert found.passed
        assert found.metadata["days compared"].value > 500
        days = world.read("clean.market_days")
        assert days.filter(pl.col("closes_early"))["date"].dt.strftime("%m-%d").to_list().count("11-28") == 1


def test_a_position_that_no_activity_explains_is_named(world: World) -> None:
    own = account(world)
    holdings = world.read("clean.holdings", account_id=own)
    wrong = holdings.with_columns(
        quantity=pl.when(pl.col("security_id") == "VTI").then(pl.col("quantity") + 1).otherwise("quantity")
    )
    world.plant("clean.holdings", wrong, account_id=own)
    result = world.run(
        [*clean.ASSETS, broker.positions], selection=worlds.dg.AssetSelection.checks(broker.positions)
    )
    found = checks(result)[POSITIONS]
    assert (found.passed, found.metadata["differences"].value) == (False, 1)
    (said,) = found.metadata["household"].value.items()
    assert said[0].startswith(f"{own} VTI 2026-03-16")
    assert said[1].startswith("broker ")


def test_a_market_day_that_nobody_expected_is_named(world: World) -> None:
    days = world.read("clean.market_days").sort("date")
    changed = pl.concat([days[:100], days[101:500], days[501:501].clear(), days[501:]])
    world.plant("clean.market_days", changed)
    result = world.run([*clean.ASSETS, CALENDAR], selection=worlds.dg.AssetSelection.checks(CALENDAR))
    found = checks(result)[MARKET]
    assert not found.passed
    strange = found.metadata["a partition, and closed"].value
    assert strange == [str(days["date"][100]), str(days["date"][500])]
    world.plant("clean.market_days", days.clear())
    result = world.run([*clean.ASSETS, CALENDAR], selection=worlds.dg.AssetSelection.checks(CALENDAR))
    assert checks(result)[MARKET].passed  # without a broker there is nothing to compare


def test_only_stocks_are_asked_for() -> None:
    told = [
        Record("1", "added", json.dumps({"symbol": symbol}))
        for symbol in ("VTI", "BRK.B", "AAPL260320C00250000", "BTC/USD", "IFN.RTWI", "a b", "")
    ]
    empty = pl.DataFrame({"symbol": ["BND", "AbCd"], "payload": None, "last": None}).head
    lake: Any = SimpleNamespace(
        query=lambda sql, _=(): empty(1 if "max" in sql else 2 if "UNION" in sql else 0)
    )
    manna: Any = SimpleNamespace(books={})
    assert symbols_of_interest(manna, lake, told) == ["BND", "BRK.B", "IFN.RTWI", "VTI"]


def test_of_raw_only_what_is_not_cleaned_yet_is_looked_at(world: World) -> None:
    lake = world.manna.lake
    before = symbols_of_interest(world.manna, lake)
    assert {"VTI", "BND"} <= set(before)
    like = world.read("raw.alpaca_positions").row(0, named=True)
    for symbol, days in (("LONGAGO", -3), ("JUSTNOW", 0)):
        record = like | {
            "batch_id": symbol,
            "payload": json.dumps({"symbol": symbol}),
            "known_at": like["known_at"] + timedelta(days=days),
        }
        row = pl.DataFrame([record], schema=CONTRACTS["raw.alpaca_positions"].polars_schema)
        lake.commit(["raw"], lambda transaction, row=row: transaction.append("raw.alpaca_positions", row))
    assert symbols_of_interest(world.manna, lake) == sorted([*before, "JUSTNOW"])
    world.plant("clean.securities", world.read("clean.securities").clear())  # nothing is cleaned yet
    assert {"LONGAGO", "JUSTNOW"} < set(symbols_of_interest(world.manna, lake))
