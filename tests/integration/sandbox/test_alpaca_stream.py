"""The trade_updates stream, by the SDK's own client and by hand."""

import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from alpaca.trading.stream import TradingStream
from websockets.sync.client import ClientConnection, connect

PATIENCE = 120  # seconds until a test gives up; nothing waits that long when it works


def authenticate(socket: ClientConnection, key_id: str, secret: str) -> dict[str, Any]:
    return say(socket, {"action": "authenticate", "data": {"key_id": key_id, "secret_key": secret}})


def say(socket: ClientConnection, message: Any) -> dict[str, Any]:
    socket.send(json.dumps(message))
    return heard(socket)


def heard(socket: ClientConnection) -> dict[str, Any]:
    frame = socket.recv(timeout=PATIENCE)
    assert isinstance(frame, bytes)  # Alpaca's trading stream speaks JSON in binary frames
    return json.loads(frame)


@pytest.fixture
def listening(own_sandbox) -> Iterator[ClientConnection]:
    keys = own_sandbox.credentials
    with connect(own_sandbox.alpaca_stream_url) as socket:
        assert authenticate(socket, keys["alpaca_key_id"], keys["alpaca_secret_key"]) == {
            "stream": "authorization",
            "data": {"status": "authorized", "action": "authenticate"},
        }
        answer = say(socket, {"action": "listen", "data": {"streams": ["trade_updates"]}})
        assert answer == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
        yield socket


def order(sandbox, **fields: str) -> dict[str, Any]:
    terms = {"symbol": "KO", "qty": "2", "side": "buy", "type": "market", "time_in_force": "day"} | fields
    response = sandbox.trading.post("/v2/orders", json=terms)
    assert response.status_code == 200, response.text
    return response.json()


def test_the_sdk_stream_hears_a_fill(own_sandbox) -> None:
    own_sandbox.clock.set("2026-03-16T15:00:00Z")
    keys = (own_sandbox.credentials["alpaca_key_id"], own_sandbox.credentials["alpaca_secret_key"])
    stream = TradingStream(*keys, url_override=own_sandbox.alpaca_stream_url)
    updates: queue.Queue[Any] = queue.Queue()

    async def note(update: Any) -> None:
        updates.put(update)
        if update.event == "fill":
            await stream.stop_ws()

    stream.subscribe_trade_updates(note)
    thread = threading.Thread(target=stream.run)
    thread.start()
    # The SDK does not say when it listens, so cancelled orders are sent until one is heard.
    for attempt in range(200):
        probe = order(own_sandbox, type="limit", limit_price="1", client_order_id=f"probe {attempt}")
        own_sandbox.trading.delete(f"/v2/orders/{probe['id']}")
        try:
            updates.get(timeout=0.1)
            break
        except queue.Empty:
            continue
    bought = order(own_sandbox)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    heard_of = [updates.get_nowait() for _ in range(updates.qsize())]
    fill = heard_of[-1]
    assert (fill.event, str(fill.order.id), fill.qty) == ("fill", bought["id"], 2.0)
    assert fill.position_qty == 2.0
    assert fill.price == float(bought["filled_avg_price"])


def test_the_life_of_an_order_is_told_in_order(own_sandbox, listening) -> None:
    made = order(own_sandbox)
    own_sandbox.control.post(f"/orders/{made['id']}/fill", json={"qty": "0.5", "price": "40"})
    own_sandbox.clock.set("2026-03-16T15:00:00Z")
    own_sandbox.trading.get("/v2/account")
    told = [heard(listening)["data"] for _ in range(3)]
    assert [each["event"] for each in told] == ["accepted", "partial_fill", "fill"]
    assert [each["order"]["id"] for each in told] == [made["id"]] * 3
    part, fill = told[1:]
    assert (part["qty"], part["price"], part["position_qty"]) == ("0.5", "40", "0.5")
    assert (fill["qty"], fill["position_qty"], fill["timestamp"]) == ("1.5", "2", "2026-03-16T13:30:00Z")
    assert len({each["execution_id"] for each in told}) == 3
    assert [each["event_id"] for each in told] == sorted(each["event_id"] for each in told)
    assert not {"fills", "sequence"} & set(fill["order"])


def test_the_other_endings_are_told(own_sandbox, listening) -> None:
    own_sandbox.clock.set("2026-03-16T15:00:00Z")
    orders = [order(own_sandbox, type="limit", limit_price="1")["id"] for _ in range(4)]
    own_sandbox.trading.delete(f"/v2/orders/{orders[0]}")
    own_sandbox.control.post(f"/orders/{orders[1]}/reject")
    own_sandbox.control.post(f"/orders/{orders[2]}/expire")
    own_sandbox.trading.patch(f"/v2/orders/{orders[3]}", json={"limit_price": "2"})
    events = [heard(listening)["data"]["event"] for _ in range(9)]
    assert events == ["new"] * 4 + ["canceled", "rejected", "expired", "replaced", "new"]


def test_a_waiting_order_is_filled_for_who_only_listens(own_sandbox, listening) -> None:
    order(own_sandbox)
    assert heard(listening)["data"]["event"] == "accepted"
    own_sandbox.clock.set("2026-03-16T15:00:00Z")
    assert [heard(listening)["data"]["event"] for _ in range(2)] == ["new", "fill"]


@pytest.mark.parametrize(
    ("key_id", "secret"), [("key-id-of-the-tests", "wrong"), ("", ""), ("\u00e9", "\u00e9")]
)
def test_wrong_keys_hear_nothing(sandbox, key_id, secret) -> None:
    with connect(sandbox.alpaca_stream_url) as socket:
        refused = {"status": "unauthorized", "action": "authenticate"}
        assert authenticate(socket, key_id, secret) == {"stream": "authorization", "data": refused}
        answer = say(socket, {"action": "listen", "data": {"streams": ["trade_updates"]}})
        assert answer == {"stream": "authorization", "data": {"status": "unauthorized", "action": "listen"}}


def test_noise_is_answered_and_does_not_end_the_connection(sandbox) -> None:
    with connect(sandbox.alpaca_stream_url) as socket:
        for noise in ({"action": "sing"}, [1], "text", {"data": 3}):
            assert say(socket, noise)["stream"] == "error"
        socket.send(b"\xff not json")
        assert heard(socket)["stream"] == "error"
        keys = sandbox.credentials
        answer = authenticate(socket, keys["alpaca_key_id"], keys["alpaca_secret_key"])
        assert answer["data"]["status"] == "authorized"
        answer = say(socket, {"action": "listen", "data": {"streams": ["nothing"]}})
        assert answer == {"stream": "listening", "data": {"streams": []}}
