"""What stops an execution, and what it makes of answers that do not come: everything short of a crash."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from trading_world import ACCOUNT, OPEN, Told, TradingWorld, symbols

from manna.trading.orders import Order, client_order_id
from manna.trading.settings import Trading
from pipelines.executing import ExecutionError
from pipelines.sending import Desk
from resources import orders, switches
from resources.broker import Broker, LiveTradingError, require_paper
from resources.ops import Ops
from resources.ops_tables import ORDER_EVENTS
from resources.postgres import sqlalchemy_url
from resources.providers import CredentialsRefusedError
from resources.trade_updates import trade_updates
from tests.integration.conftest import KEYS, Bank, Databases

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("execution")]

D = Decimal
ORDERS = "/alpaca/trading/v2/orders"


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[str]:
    url = databases.make()
    yield url
    databases.drop(url)


@pytest.fixture
def world(bank: Bank, database: str, pauses: list[float]) -> Iterator[TradingWorld]:
    bank.now = OPEN
    made = TradingWorld(bank, Ops(sqlalchemy_url(database)))
    yield made
    made.change(fractional_trading=True)
    for order in made.broker.open_orders():
        made.broker.cancel(str(order["id"]))


def resting(world: TradingWorld, symbol: str, side: str = "buy") -> Decimal:
    """A price at which an order waits for the exchange."""
    return (world.price(symbol) * (D("0.95") if side == "buy" else D("1.05"))).quantize(D("0.01"))


# -- what is not begun ----------------------------------------------------------------------------------


def test_a_plan_nobody_approved_or_that_is_over_is_not_executed(world: TradingWorld) -> None:
    trade = ("buy", "1", "BND", world.price("BND"))
    two = {"document": {"approvals": 2}}
    cancelled, void = world.plan(trade), world.plan(trade)
    world.event(cancelled, "cancel")
    world.event(void, "void")
    again = world.plan(trade, **two)
    world.event(again, "approve", "A NA")
    for plan, said in [
        (world.plan(trade, approved=False), "wants the approval of 1 more person"),
        (world.plan(trade, **two), "wants the approval of 1 more person"),
        (again, "wants the approval of 1 more person"),
        (world.plan(trade, expires_at=world.bank.now), "expired at 2026-03-16 15:00 UTC"),
        (cancelled, "was cancelled"),
        (void, "is void"),
    ]:
        with pytest.raises(ExecutionError, match=said):
            world.execute(plan)
        assert world.rows(plan) == []
    world.event(again, "approve", "ben")
    assert world.execute(again).finished


def test_nothing_is_sent_while_the_market_is_closed_and_later_it_goes_on(world: TradingWorld) -> None:
    plan = world.plan(("buy", "1", "BND", world.price("BND")))
    world.bank.now = OPEN - timedelta(hours=3)
    stopped = world.execute(plan)
    assert (stopped.finished, stopped.detail["trades"][0]["said"]) == (False, "no order was made")
    assert "the market is closed until 2026-03-16T09:30" in str(stopped.reason)
    world.bank.now = OPEN
    assert world.execute(plan).finished


def test_a_halt_stops_before_the_next_order_and_a_resume_lets_it_go_on(world: TradingWorld) -> None:
    plan = world.plan(("sell", "1", "VTI", world.price("VTI")))
    for book, words in (("home", "home"), (None, "all books")):
        with world.ops.engine.begin() as connection:
            switches.switch(connection, book, True, "looks wrong", "ben", world.bank.now)
        assert world.execute(plan).reason == f"trading of {words} was halted by ben: looks wrong"
        assert world.at_broker(plan) == []
        with world.ops.engine.begin() as connection:
            switches.switch(connection, book, False, "was right", "ben", world.bank.now)
    assert world.execute(plan).finished


def test_who_halts_waits_for_the_order_on_its_way_and_no_other_follows(world: TradingWorld) -> None:
    halted = threading.Event()

    def halt() -> None:
        with world.ops.engine.begin() as connection:
            switches.switch(connection, "home", True, "stop", "ben", world.bank.now)
        halted.set()

    with world.ops.engine.connect() as connection:
        with switches.gate(connection):
            thread = threading.Thread(target=halt)
            thread.start()
            assert not halted.wait(0.2)
        assert halted.wait(60)
        thread.join()
        with connection.begin():
            assert switches.halted(connection, "home") is not None
            assert switches.halted(connection, "studio") is None
    with world.ops.engine.begin() as connection:
        switches.switch(connection, "home", False, "go", "ben", world.bank.now)


def test_limits_of_the_book_stop_what_is_beyond_them(world: TradingWorld) -> None:
    world.trading = Trading(orders_per_day=10**6, order_amount=D(100))
    price = world.price("BND")
    plan = world.plan(("sell", "1", "BND", price), ("buy", "1", "VTI", world.price("VTI")))
    stopped = world.execute(plan)
    assert not stopped.finished
    assert "VTI: an order of" in str(stopped.reason)
    assert symbols(world.at_broker(plan)) == ["sell BND"]
    world.trading = Trading(orders_per_day=10**6)
    assert world.execute(plan).finished
    assert len(world.at_broker(plan)) == 2
    world.trading = Trading(orders_per_day=0)
    assert "orders_per_day is 0" in str(world.execute(world.plan(("sell", "1", "BND", price))).reason)


def test_nothing_is_sent_after_a_loss_beyond_the_daily_limit_whatever_was_paid_in_or_out(
    world: TradingWorld,
) -> None:
    world.trading = Trading(orders_per_day=10**6, daily_loss=D("0.01"))
    trade = ("sell", "0.1", "BND", world.price("BND"))
    world.deposit("-1000")  # looks like a loss of several per cent
    assert world.execute(world.plan(trade)).finished
    world.deposit("2000")
    account = world.broker.account()
    before, equity = D(str(account["last_equity"])), D(str(account["equity"]))
    # Whatever other tests have earned on this day, or paid in: it is lost too.
    loss = (before * D("0.02") + max(equity - before, D(0))).quantize(D("0.01"))
    world.deposit(str(-loss), kind="FEE")
    plan = world.plan(trade)
    assert "more than daily_loss 1.0%" in str(world.execute(plan).reason)  # and the deposit does not hide it
    assert world.rows(plan) == []
    world.deposit(str(loss), kind="INT")
    assert world.execute(plan).finished


def test_a_second_executor_says_so_and_ends(world: TradingWorld) -> None:
    plan = world.plan(("buy", "1", "BND", world.price("BND")))
    with world.ops.engine.connect() as connection, orders.only_executor(connection, ACCOUNT):
        with (
            world.ops.engine.connect() as other,
            pytest.raises(orders.BusyError, match="another executor works"),
            orders.only_executor(other, ACCOUNT, 0.1),
        ):
            pass
        with world.ops.engine.connect() as other, orders.only_executor(other, "another account", 0.1):
            pass
    assert world.execute(plan).finished


def test_real_money_takes_two_switches() -> None:
    live = "https://api.alpaca.markets"
    for environment, book in ((False, False), (True, False), (False, True)):
        with pytest.raises(
            LiveTradingError, match=r"api\.alpaca\.markets is not a paper account: nothing is sent"
        ):
            require_paper(live, environment=environment, book=book)
    require_paper(live, environment=True, book=True)
    for paper in ("https://paper-api.alpaca.markets", "http://127.0.0.1:80/alpaca/trading"):
        require_paper(paper, environment=False, book=False)
    with pytest.raises(LiveTradingError):
        require_paper("https://paper-api.alpaca.markets.evil.example", environment=False, book=False)


# -- orders that wait, end otherwise, or cannot be made -----------------------------------------------------


def test_partial_fills_until_the_close_then_another_attempt_for_the_rest(world: TradingWorld) -> None:
    price = resting(world, "BND")
    plan = world.plan(("buy", "3", "BND", price))
    assert world.execute(plan).reason == "orders are open still"
    [order] = world.at_broker(plan)
    world.control(order, "fill", qty="1", price="60")
    assert world.execute(plan).reason == "orders are open still"
    assert [(r["status"], r["filled_quantity"]) for r in world.rows(plan)] == [("partly_filled", D(1))]
    world.control(order, "expire")
    assert world.execute(plan).reason == "orders are open still"
    first, second = world.rows(plan)
    assert (first["status"], second["attempt"], second["quantity"]) == ("expired", 1, D(2))
    assert second["client_order_id"] == client_order_id(plan, "BND", 1)
    world.control(world.at_broker(plan)[1], "fill", price="61")
    done = world.execute(plan)
    assert done.finished
    [line] = done.detail["trades"]
    assert (line["filled"], line["residual"]) == ("3.000000000", "0E-9") or D(line["residual"]) == 0
    assert D(line["slippage"]) == ((D(182) / 3 - price) * 3).quantize(D("0.01"))


def test_an_expired_plan_cancels_what_is_open_and_is_over(world: TradingWorld) -> None:
    plan = world.plan(("buy", "3", "BND", resting(world, "BND")))
    assert not world.execute(plan).finished
    later = world.bank.now + timedelta(hours=25)
    words = f"plan {plan} has expired in the middle of its execution"
    assert kinds(world, plan, later) == [("unfinished", words)]
    done = world.execute(plan, now=lambda: later)
    assert (done.finished, done.reason) == (True, "the plan expired at 2026-03-17 15:00 UTC")
    assert [order["status"] for order in world.at_broker(plan)] == ["canceled"]
    assert done.detail["trades"][0]["said"] == "canceled"


def test_a_rejected_order_is_reported_and_buys_go_on_without_its_money(world: TradingWorld) -> None:
    plan = world.plan(
        ("sell", "1", "VTI", resting(world, "VTI", "sell")), ("buy", "1", "BND", world.price("BND"))
    )
    assert not world.execute(plan).finished
    assert symbols(world.at_broker(plan)) == ["sell VTI"]  # no buy before the sell is over
    world.control(world.at_broker(plan)[0], "reject")
    done = world.execute(plan)
    assert done.finished
    assert {t["symbol"]: t["said"] for t in done.detail["trades"]} == {"VTI": "rejected", "BND": "filled"}


def test_what_cannot_be_paid_for_is_refused_by_the_broker_and_not_tried_again(world: TradingWorld) -> None:
    plan = world.plan(("buy", "1", "VTI", world.price("VTI")))
    with world.ops.engine.connect() as connection:
        desk = a_desk(world, connection, world.broker)
        order = an_order(plan, "VTI", D(10**6))
        desk.make([order])
        assert desk.send(order.client_order_id, lambda: None) is None
    [row] = world.rows(plan)
    assert (row["status"], row["broker_order_id"]) == ("rejected", None)
    assert "insufficient buying power" in events(world, order.client_order_id)[-1]["detail"]["words"]
    said = "the order to buy 1000000 VTI was rejected: insufficient buying power"
    assert kinds(world, order.client_order_id) == [("rejected", said)]
    assert world.ops.order_problems(OPEN + timedelta(days=1), OPEN) == []


def test_buys_are_cut_to_what_the_account_can_pay(world: TradingWorld) -> None:
    account = world.broker.account()
    price, free = world.price("VTI"), D(str(account["non_marginable_buying_power"]))
    plan = world.plan(("buy", str((free / price).quantize(D("0.01")) + 5), "VTI", price))
    done = world.execute(plan)
    assert done.finished
    [order] = world.at_broker(plan)
    assert D(order["qty"]) * D(order["limit_price"]) <= free
    assert D(done.detail["residual"]) > 0
    assert D(done.detail["residual_drift"]) > 0
    back = world.plan(("sell", order["qty"], "VTI", price))
    assert world.execute(back).finished


def test_whole_units_where_fractions_are_not_taken_and_nothing_of_what_does_not_trade(
    world: TradingWorld,
) -> None:
    world.change(fractional_trading=False)
    plan = world.plan(("sell", "1.75", "VTI", world.price("VTI")), ("sell", "0.5", "BND", world.price("BND")))
    done = world.execute(plan)
    assert {t["symbol"]: t["said"] for t in done.detail["trades"]} == {
        "VTI": "filled, but only 1 could be ordered", "BND": "nothing of BND is there to sell",
    }  # fmt: skip
    assert [order["qty"] for order in world.at_broker(plan)] == ["1"]
    world.change(symbol="GLD", tradable=False)
    done = world.execute(world.plan(("buy", "1", "GLD", world.price("GLD"))))
    assert done.detail["trades"][0]["said"] == "GLD is not tradable at the broker now"
    world.change(symbol="GLD", tradable=True)


def test_opposite_orders_are_cancelled_first_and_beside_one_of_the_same_side_nothing_is_sent(
    world: TradingWorld,
) -> None:
    # Whatever other tests have sold: there is something to sell.
    world.deposit("1000")
    assert world.execute(world.plan(("buy", "1", "VTI", world.price("VTI")))).finished
    sell, buy = resting(world, "VTI", "sell"), resting(world, "BND")
    for symbol, side, limit in (("VTI", "sell", sell), ("BND", "buy", buy)):
        terms = {"symbol": symbol, "qty": "1", "side": side, "type": "limit", "time_in_force": "day"}
        world.broker.submit({**terms, "limit_price": str(limit), "client_order_id": f"by-hand-{symbol}"})
    plan = world.plan(("buy", "1", "VTI", world.price("VTI")), ("buy", "1", "BND", world.price("BND")))
    done = world.execute(plan)
    assert {t["symbol"]: t["said"] for t in done.detail["trades"]} == {
        "VTI": "filled", "BND": "another buy order of BND is open already",
    }  # fmt: skip
    assert world.broker.find("by-hand-VTI")["status"] == "canceled"  # type: ignore[index]


# -- answers that do not come -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["accepted_but_timed_out", "timeout", "truncated", "server_error", "rate_limit"]
)
def test_an_answer_that_does_not_come_never_makes_a_second_order(world: TradingWorld, kind: str) -> None:
    before = world.positions()["BND"]
    plan = world.plan(("buy", "1", "BND", world.price("BND")))
    details = {"rate_limit": {"retry_after": 0}, "server_error": {"status": 504}}.get(kind, {})
    world.bank.fault(ORDERS, kind, method="POST", seconds=5.0, **details)
    world.read_seconds = 0.5
    done = world.execute(plan)
    world.read_seconds = 60.0
    assert done.finished
    assert len(world.at_broker(plan)) == 1
    assert world.positions()["BND"] == before + 1


class Forgetful(Broker):
    """A broker whose orders show late."""

    late = 3

    def find(self, client_order_id: str) -> Any:
        """Nothing, a few times."""
        self.late -= 1
        return None if self.late >= 0 else super().find(client_order_id)


def test_an_order_that_shows_late_is_sent_again_under_its_id_which_the_broker_refuses(
    world: TradingWorld,
) -> None:
    plan = world.plan(("buy", "1", "BND", world.price("BND")))
    world.bank.fault(ORDERS, "accepted_but_timed_out", method="POST", seconds=5.0)
    broker = Forgetful(
        world.bank.trading_url, KEYS["alpaca_key_id"], KEYS["alpaca_secret_key"], read_seconds=0.5
    )
    with world.ops.engine.connect() as connection:
        desk = a_desk(world, connection, broker)
        order = an_order(plan, "BND", D(1))
        desk.make([order])
        assert desk.send(order.client_order_id, lambda: None) is None
    assert len(world.at_broker(plan)) == 1
    assert world.rows(plan)[0]["broker_order_id"] == world.at_broker(plan)[0]["id"]


def test_a_broker_that_never_answers_leaves_the_order_to_be_looked_up(world: TradingWorld) -> None:
    plan = world.plan(("buy", "1", "BND", world.price("BND")))
    world.bank.fault(ORDERS, "server_error", method="POST", times=10)
    stopped = world.execute(plan)
    assert "nobody knows whether the order of BND was taken" in str(stopped.reason)
    [row] = world.rows(plan)
    assert row["status"] == "sent"
    assert kinds(world, row["client_order_id"]) == [
        ("unknown", "nobody knows whether the order to buy 1 BND was taken")
    ]
    world.bank.control.delete("/faults")
    assert world.execute(plan).finished
    world.bank.fault("/alpaca/trading/v2/*", "server_error", method="GET", times=50)
    stopped = world.execute(world.plan(("buy", "1", "BND", world.price("BND"))))
    assert (stopped.finished, "HTTP 500" in str(stopped.reason)) == (False, True)
    world.bank.control.delete("/faults")


def test_wrong_keys_are_no_refusal_of_the_order(world: TradingWorld) -> None:
    plan = world.plan(("buy", "1", "BND", world.price("BND")))
    stranger = Broker(world.bank.trading_url, "wrong", "keys")
    with world.ops.engine.connect() as connection:
        desk = a_desk(world, connection, stranger)
        order = an_order(plan, "BND", D(1))
        desk.make([order])
        with pytest.raises(CredentialsRefusedError, match="check ALPACA_API_KEY"):
            desk.send(order.client_order_id, lambda: None)
    assert [row["status"] for row in world.rows(plan)] == ["sent"]
    assert world.execute(plan).finished  # with the right keys it is looked up, and sent


# -- the stream, busts ------------------------------------------------------------------------------------------


def test_the_stream_tells_first_and_each_fill_is_stored_once(world: TradingWorld) -> None:
    plan = world.plan(("buy", "2", "BND", resting(world, "BND")))
    assert not world.execute(plan).finished
    [order] = world.at_broker(plan)
    url, keys = world.bank.stream_url, (KEYS["alpaca_key_id"], KEYS["alpaca_secret_key"])
    with trade_updates(url, *keys) as stream:
        assert stream.listens(60)
        world.control(order, "fill", qty="0.5", price="60")
        world.control(order, "fill", price="61")
        told = [stream.next(60), stream.next(60)]
    assert [message["event"] for message in told if message] == ["partial_fill", "fill"]
    world.updates = Told([*told, *told, {"event": "fill", "order": None}])  # type: ignore[list-item]
    with world.ops.engine.connect() as connection:
        desk = a_desk(world, connection, world.broker, plan)
        desk.listen(0)
        name = next(iter(desk.states))
        assert (desk.states[name].status, desk.states[name].filled) == ("filled", D(2))
        assert {event["source"] for event in events(world, name)[-3:]} == {"stream"}
    assert world.execute(plan).finished
    assert world.fills(plan) == world.fills_at_broker(plan)
    assert len(world.fills(plan)) == 2


def test_a_stream_that_refuses_or_breaks_is_no_trouble(world: TradingWorld) -> None:
    with trade_updates(world.bank.stream_url, "wrong", "keys") as stream:
        assert not stream.listens(0.3)
        assert stream.next(0) is None
    with trade_updates("ws://127.0.0.1:9/", "any", "keys") as stream:
        assert not stream.listens(0.1)


def test_a_bust_takes_its_fill_back(world: TradingWorld) -> None:
    plan = world.plan(("buy", "2", "BND", resting(world, "BND")))
    assert not world.execute(plan).finished
    [order] = world.at_broker(plan)
    world.control(order, "fill", qty="0.5", price="60")
    world.execute(plan)
    [fill] = world.fills(plan)
    assert (
        world.bank.control.post(
            "/activities", json={"activity_type": "FILL", "previous_id": fill}
        ).status_code
        == 201
    )
    world.control(order, "fill", price="61")
    done = world.execute(plan)
    assert (done.finished, done.detail["problems"]) == (True, [])
    assert D(done.detail["trades"][0]["filled"]) == D("1.5")
    assert world.rows(plan)[0]["filled_quantity"] == D("1.5")


def test_a_position_that_nobody_explains_is_a_problem(world: TradingWorld) -> None:
    plan = world.plan(("buy", "2", "BND", resting(world, "BND")))
    assert not world.execute(plan).finished
    [order] = world.at_broker(plan)
    body = {"activity_type": "ACATS", "symbol": "BND", "qty": "7"}
    assert world.bank.control.post("/activities", json=body).status_code == 201
    world.control(order, "fill", price="61")
    [problem] = world.execute(plan).detail["problems"]
    assert problem.startswith("the broker holds ")
    assert kinds(world, plan) == [("problem", problem)]


def kinds(world: TradingWorld, subject: str, now: Any = None) -> list[tuple[str, str]]:
    """Kind and words of what a person is told of a plan or order."""
    found = world.ops.order_problems(OPEN - timedelta(days=7), now or world.bank.now)
    return [(each["kind"], each["words"]) for each in found if each["subject"].startswith(subject)]


# -- the parts --------------------------------------------------------------------------------------------------


def a_desk(world: TradingWorld, connection: sa.Connection, broker: Broker, plan: str | None = None) -> Desk:
    desk = Desk(connection, broker, world.updates, world.bank.clock, seconds=0.0, rounds=3)
    desk.load(plan or "none", world.bank.now - timedelta(hours=1))
    return desk


def an_order(plan: str, symbol: str, quantity: Decimal) -> Order:
    name = client_order_id(plan, symbol, 0)
    return Order(name, plan, "home", ACCOUNT, symbol, "buy", 0, quantity, D("500"))


def events(world: TradingWorld, name: str) -> list[dict[str, Any]]:
    query = (
        sa.select(ORDER_EVENTS)
        .where(ORDER_EVENTS.c.client_order_id == name)
        .order_by(ORDER_EVENTS.c.event_id)
    )
    with world.ops.engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
