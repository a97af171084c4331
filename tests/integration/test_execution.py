"""Executing plans against the sandbox over HTTP: what is sent, what stops it, what is reported."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from trading_world import OPEN, TradingWorld, symbols

from pipelines.executing import ExecutionError
from resources import audit
from resources.ops import Ops
from tests.integration.conftest import Bank

D = Decimal


@pytest.fixture
def world(bank: Bank, ops: Ops, pauses: list[float]) -> Iterator[TradingWorld]:
    bank.now = OPEN
    yield TradingWorld(bank, ops)
    bank.control.post("/alpaca", json={"fractional_trading": True})


def test_sells_are_filled_before_buys_are_sent_and_the_outcome_is_reported(world: TradingWorld) -> None:
    held = world.positions()
    vti, bnd = world.price("VTI"), world.price("BND")
    plan = world.plan(("buy", "2.5", "BND", bnd), ("sell", "1.25", "VTI", vti))
    result = world.execute(plan)
    assert (result.finished, result.reason, result.detail["problems"]) == (True, None, [])
    assert symbols(world.at_broker(plan)) == ["sell VTI", "buy BND"]
    assert world.positions()["VTI"] == held["VTI"] - D("1.25")
    assert world.positions()["BND"] == held["BND"] + D("2.5")
    assert world.fills(plan) == world.fills_at_broker(plan)
    assert [(r["status"], r["filled_quantity"]) for r in world.rows(plan)] == [
        ("filled", D("2.5")),
        ("filled", D("1.25")),
    ]
    assert (result.detail["slippage"], result.detail["residual"]) == ("0.00", "0.00")
    assert [(p["symbol"], D(p["before"]), D(p["held"])) for p in result.detail["positions"]] == [
        ("VTI", held["VTI"], held["VTI"] - D("1.25")),
        ("BND", held["BND"], held["BND"] + D("2.5")),
    ]
    with pytest.raises(ExecutionError, match="has been executed"):
        world.execute(plan)
    assert len(world.at_broker(plan)) == 2
    with world.ops.engine.connect() as connection:
        assert audit.verify(connection)[2] is None
