"""An executor that is killed anywhere, and run again: one order for one intention, no fill lost, positions as they must be."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from trading_world import OPEN, TradingWorld

from resources import audit
from resources.ops import Ops
from resources.postgres import sqlalchemy_url
from resources.settings import PROJECT
from tests.integration.conftest import KEYS, Bank, Databases

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("execution")]

PROGRAM = Path(__file__).with_name("dying_executor.py")
HELD, WANTED = ("VTI", "VXUS"), ("BND", "GLD")
ORDERS = "/alpaca/trading/v2/orders"
FAULTS = (
    {"endpoint": ORDERS, "method": "POST", "kind": "accepted_but_timed_out"},
    {"endpoint": ORDERS, "method": "POST", "kind": "accepted_but_timed_out", "times": 2},
    {"endpoint": ORDERS, "method": "POST", "kind": "timeout"},
    {"endpoint": ORDERS, "method": "POST", "kind": "truncated"},
    {"endpoint": ORDERS, "method": "POST", "kind": "server_error", "status": 504},
    {"endpoint": ORDERS, "method": "POST", "kind": "rate_limit", "retry_after": 0},
    {"endpoint": "/alpaca/trading/v2/*", "method": "GET", "kind": "server_error", "status": 503},
    {"endpoint": "/alpaca/trading/v2/*", "method": "GET", "kind": "truncated"},
    {"endpoint": "/alpaca/trading/v2/orders:by_client_order_id", "kind": "timeout"},
)
MOST_EXECUTIONS = 12

Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[str]:
    url = databases.make()
    yield url
    databases.drop(url)


@pytest.fixture(scope="module")
def program() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def world(bank: Bank, database: str) -> TradingWorld:
    bank.now = OPEN
    return TradingWorld(bank, Ops(sqlalchemy_url(database)))


@pytest.fixture
def run(program: "subprocess.Popen[str]", world: TradingWorld, database: str) -> Run:
    """``run(plan, die_at)``: how executions at the same time ended, which are to die at those points (None: at none)."""

    def executed(plan: str, *die_at: int | None, **more: Any) -> list[dict[str, Any]]:
        asked = {
            "database": database, "plan": plan, "die_at": list(die_at), "now": world.bank.now.isoformat(),
            "trading_url": world.bank.trading_url, "stream_url": world.bank.stream_url,
            "key_id": KEYS["alpaca_key_id"], "secret_key": KEYS["alpaca_secret_key"], **more,
        }  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(json.dumps(asked) + "\n")
        program.stdin.flush()
        answers: list[dict[str, Any]] = json.loads(program.stdout.readline())
        assert not [answer["failed"] for answer in answers if "failed" in answer]
        return answers

    return executed


def test_killed_at_every_point(world: TradingWorld, run: Run) -> None:
    prices = {symbol: world.price(symbol) for symbol in ("VTI", "BND")}

    def planned(number: int) -> tuple[str, dict[str, Decimal]]:
        """A sale and a purchase; the next one takes them back."""
        sold, bought = ("VTI", "BND") if number % 2 else ("BND", "VTI")
        plan = world.plan(("sell", "1", sold, prices[sold]), ("buy", "1", bought, prices[bought]))
        return plan, {sold: Decimal(-1), bought: Decimal(1)}

    point, undisturbed = 0, False
    while not undisturbed:
        before = world.positions()
        plan, changes = planned(point)
        [killed] = run(plan, point or None)
        [again] = run(plan, None)
        assert point == 0 or killed["died"] or killed["finished"], killed
        assert again.get("finished") or "has been executed" in again["refused"], (point, again)
        is_whole(world, plan, before, changes)
        point, undisturbed = point + 1, bool(point) and not killed["died"]
    assert point > 20


def test_two_at_once_make_one_order_per_intention(world: TradingWorld, run: Run) -> None:
    for patience in (0.0, 5.0):  # who comes second gives up, or waits until the first is done
        before = world.positions()
        plan = world.plan(("sell", "1", "VTI", world.price("VTI")), ("buy", "1", "BND", world.price("BND")))
        ended = run(plan, None, None, None, patience=patience)
        assert sum(bool(each.get("finished")) for each in ended) == 1
        refused = [each["refused"] for each in ended if "refused" in each]
        assert all("another executor works" in said or "has been executed" in said for said in refused)
        is_whole(world, plan, before, {"VTI": Decimal(-1), "BND": Decimal(1)})


def is_whole(world: TradingWorld, plan: str, before: dict[str, Decimal], changes: dict[str, Decimal]) -> None:
    """One order per intention at the broker, all its fills with us, positions as planned, nothing to look at."""
    orders, rows = world.at_broker(plan), world.rows(plan)
    assert sorted(order["symbol"] for order in orders) == sorted(changes)
    assert sorted(order["client_order_id"] for order in orders) == sorted(
        row["client_order_id"] for row in rows
    )
    assert {row["status"] for row in rows} == {"filled"}
    assert world.fills(plan) == world.fills_at_broker(plan)
    after = world.positions()
    moved = {
        name: after.get(name, Decimal(0)) - before.get(name, Decimal(0))
        for name in after.keys() | before.keys()
    }
    assert {name: units for name, units in moved.items() if units} == changes
    [finish] = [event for event in world.events(plan) if event["action"] == "finish"]
    assert finish["detail"]["problems"] == []


def test_killed_and_disturbed_at_random(world: TradingWorld, run: Run, crash_runs: int) -> None:
    for seed in range(crash_runs):
        one_random_run(world, run, random.Random(seed))
    with world.ops.engine.connect() as connection:
        assert audit.verify(connection)[2] is None


def one_random_run(world: TradingWorld, run: Run, chance: random.Random) -> None:
    world.deposit("5000")
    trades, resting = [], set()
    for side, symbols in (("sell", HELD), ("buy", WANTED)):
        for symbol in symbols[: chance.randint(1, 2)]:
            price = world.price(symbol)
            if chance.random() < 0.4:  # beyond the market: it waits for the exchange
                resting.add(symbol)
                price *= Decimal("1.05") if side == "sell" else Decimal("0.95")
            trades.append(
                (side, str(chance.choice(["0.5", "1", "2.25"])), symbol, price.quantize(Decimal("0.01")))
            )
    chance.shuffle(trades)
    before, plan = world.positions(), world.plan(*trades)
    for _ in range(MOST_EXECUTIONS):
        for fault in chance.sample(FAULTS, chance.choice([0, 0, 1, 2])):
            world.bank.fault(**{"seconds": 1.0, **fault})
        killed = chance.random() < 0.6
        seconds = chance.uniform(0.02, 0.5) if killed and chance.random() < 0.4 else None
        points = [chance.randint(1, 120) if killed and not seconds else None]
        if chance.random() < 0.2:
            points.append(None)  # a second one at the same time
        impatient = {"patience": 0.2, "read_seconds": 0.3}
        run(plan, *points, all=True, seconds=seconds, listens=chance.random() < 0.3, **impatient)
        world.bank.control.delete("/faults")
        for order in world.at_broker(plan):
            if order["status"] in ("new", "accepted", "partially_filled"):
                exchange_acts(world, order, chance)
        if world.has_finished(plan):
            break
    else:
        [last] = run(plan, None)
        assert last.get("finished"), last
    is_consistent(world, plan, before, trades)


def exchange_acts(world: TradingWorld, order: Any, chance: random.Random) -> None:
    """Fills an open order in part or in full, lets it expire or rejects it; or does nothing."""
    left = Decimal(order["qty"]) - Decimal(order["filled_qty"])
    act = chance.choice(["part", "all", "all", "expire", "reject", "nothing"])
    if act == "part" and left > Decimal("0.25"):
        world.control(order, "fill", qty="0.25", price=order["limit_price"])
    elif act in ("expire", "reject"):
        world.control(order, act)
    elif act != "nothing":
        world.control(order, "fill", price=order["limit_price"])


def is_consistent(world: TradingWorld, plan: str, before: dict[str, Decimal], trades: Any) -> None:
    """At any end: attempts one after the other, never more than planned, every fill with us, positions explained."""
    orders, rows = world.at_broker(plan), world.rows(plan)
    names = [order["client_order_id"] for order in orders]
    assert len(names) == len(set(names))
    assert set(names) == {row["client_order_id"] for row in rows if row["broker_order_id"]}
    assert world.fills(plan) == world.fills_at_broker(plan)
    after = world.positions()
    for side, quantity, symbol, _ in trades:
        own = [order for order in orders if order["symbol"] == symbol]
        filled = sum((Decimal(order["filled_qty"]) for order in own), Decimal(0))
        assert filled <= Decimal(quantity)
        assert sum(order["status"] not in ("expired", "canceled") for order in own) <= 1
        moved = after.get(symbol, Decimal(0)) - before.get(symbol, Decimal(0))
        assert moved == (filled if side == "buy" else -filled)
    [finish] = [event for event in world.events(plan) if event["action"] == "finish"]
    assert finish["detail"]["problems"] == []
