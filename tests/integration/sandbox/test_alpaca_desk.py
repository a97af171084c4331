"""Whatever clients do and however time moves: the books balance and nothing is sold twice."""

import tempfile
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.alpaca.desk import Desk
from sandbox.alpaca.documents import account_document, position_document
from sandbox.alpaca.wire import OPEN_STATUSES, AlpacaError
from sandbox.alpaca.world import AlpacaWorld
from sandbox.market import Market
from sandbox.state import State, parse_instant

SYMBOLS = ("VTI", "NVDA", "KO")
START = parse_instant("2026-03-13T12:00:00Z")
MARKET = Market(1, parse_instant("2024-03-13T12:00:00Z").date())

steps = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 400)),  # quarters of an hour
    st.tuples(
        st.just("place"),
        st.fixed_dictionaries(
            {"symbol": st.sampled_from(SYMBOLS), "side": st.sampled_from(("buy", "sell"))},
            optional={
                "qty": st.sampled_from(("0.25", "1", "3", "12")),
                "notional": st.sampled_from(("1", "99.99", "700")),
            },
        ),
        st.sampled_from((None, "0.9", "1.001", "1.2")),
        st.sampled_from(("day", "gtc")),
    ),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("fill"), st.integers(0, 5), st.sampled_from(("0.1", "1", None))),
    st.tuples(st.just("replace"), st.integers(0, 5), st.sampled_from(("1", "2"))),
)


def take(step: tuple[Any, ...], desk: Desk, world: AlpacaWorld) -> None:
    """One step; a refusal is a step too."""
    kind, *rest = step
    open_orders = desk.open()
    with suppress(AlpacaError):
        if kind == "place":
            terms, factor, tif = rest
            limit = {}
            if factor:
                price = world.price(terms["symbol"], world.now()) * Decimal(factor)
                limit = {"limit_price": str(price.quantize(Decimal("0.01")))}
            desk.place({**terms, **limit, "type": "limit" if factor else "market", "time_in_force": tif})
        elif kind != "wait" and open_orders:
            order_id = open_orders[rest[0] % len(open_orders)]["id"]
            if kind == "cancel":
                desk.cancel(order_id)
            elif kind == "fill":
                desk.fill(order_id, rest[1], None)
            else:
                desk.replace(order_id, {"qty": rest[1]})


def check(desk: Desk, world: AlpacaWorld) -> None:
    """Everything shown follows from the activities, and open orders claim no more than there is."""
    cash, held = Decimal(0), defaultdict(Decimal)
    ids = set()
    for activity in world.book().activities:
        document = activity.document
        ids.add(document["id"])
        if document["activity_type"] == "FILL":
            qty = Decimal(document["qty"]) * (1 if document["side"] == "buy" else -1)
            held[document["symbol"]] += qty
            cash -= (qty * Decimal(document["price"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
        else:
            cash += Decimal(document["net_amount"])
            if document["activity_type"] == "SPLIT":
                held[document["symbol"]] += Decimal(document["qty"])
    assert len(ids) == len(world.book().activities)
    assert Decimal(account_document(world, desk)["cash"]) == cash
    positions = world.book().positions
    assert {symbol: qty for symbol, qty in held.items() if qty} == {
        symbol: each.qty for symbol, each in positions.items()
    }
    for symbol, position in positions.items():
        shown = position_document(world, desk, symbol, position)
        assert 0 <= Decimal(shown["qty_available"]) <= position.qty
    for order in world.orders.values():
        filled = sum((Decimal(fill["qty"]) for fill in order["fills"]), Decimal(0))
        assert filled == Decimal(order["filled_qty"])
        assert (order["status"] == "filled") <= (order["filled_at"] is not None)
        assert order["status"] in OPEN_STATUSES or parse_instant(order["updated_at"]) <= world.now()


@settings(max_examples=60, deadline=None)
@given(plan=st.lists(steps, max_size=25))
def test_the_books_always_balance(plan: list[tuple[Any, ...]]) -> None:
    now = START
    with tempfile.TemporaryDirectory() as folder:
        state = State(Path(folder) / "s.sqlite", lambda: now, 1)
        world = AlpacaWorld(state, MARKET, {}, funded=True)
        desk = Desk(world)
        told: list[str] = []
        desk.listeners.append(lambda update: told.append(update["event_id"]))
        for step in plan:
            if step[0] == "wait":
                now += timedelta(minutes=15 * step[1])
            desk.settle()
            take(step, desk, world)
            check(desk, world)
        assert told == sorted(set(told))
        again = AlpacaWorld(state, MARKET, {}, funded=True)
        assert again.orders == world.orders
        assert again.book().activities == world.book().activities
        state.close()
