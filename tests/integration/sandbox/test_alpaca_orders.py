"""Orders through the API and the SDK: refused, accepted, filled, cancelled, expired, replaced, remembered."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
)

OPEN_MARKET = "2026-03-16T15:00:00Z"
AFTER_THE_CLOSE = "2026-03-16T20:30:00Z"
NEXT_EVENING = "2026-03-17T22:00:00Z"


@pytest.fixture
def account(own_sandbox):
    """A sandbox of one's own while the exchange is open."""
    own_sandbox.clock.set(OPEN_MARKET)
    return own_sandbox


def place(sandbox, **fields: str) -> httpx.Response:
    order = {"symbol": "VTI", "side": "buy", "type": "market", "time_in_force": "day"} | fields
    return sandbox.trading.post("/v2/orders", json=order)


def placed(sandbox, **fields: str) -> dict[str, Any]:
    response = place(sandbox, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def read(sandbox, order: dict[str, Any]) -> dict[str, Any]:
    return sandbox.trading.get(f"/v2/orders/{order['id']}").json()


def money(sandbox) -> tuple[Decimal, Decimal]:
    """Cash and buying power."""
    found = sandbox.trading.get("/v2/account").json()
    return Decimal(found["cash"]), Decimal(found["buying_power"])


def shares(sandbox, symbol: str) -> Decimal:
    response = sandbox.trading.get(f"/v2/positions/{symbol}")
    return Decimal(response.json()["qty"]) if response.status_code == 200 else Decimal(0)


def latest(sandbox, symbol: str) -> Decimal:
    bar = sandbox.data.get("/v2/stocks/bars/latest", params={"symbols": symbol}).json()["bars"][symbol]
    return Decimal(str(bar["c"]))


def test_a_market_order_fills_at_the_latest_close_while_the_exchange_is_open(account, trading_api) -> None:
    cash, _ = money(account)
    had, price = shares(account, "VTI"), latest(account, "VTI")
    order = trading_api.check("/v2/orders", place(account, qty="2"), "post")
    assert (order["status"], order["filled_qty"], Decimal(order["filled_avg_price"])) == (
        "filled",
        "2",
        price,
    )
    assert order["filled_at"] == OPEN_MARKET
    assert money(account) == (cash - 2 * price, cash - 2 * price)
    assert shares(account, "VTI") == had + 2
    (fill,) = account.trading.get("/v2/account/activities", params={"order_id": order["id"]}).json()
    assert (fill["qty"], fill["price"], fill["side"]) == ("2", order["filled_avg_price"], "buy")
    assert fill["id"].startswith("20260316110000000::")


def test_an_order_in_dollars_buys_fractions(account) -> None:
    cash, _ = money(account)
    order = placed(account, notional="100.50", symbol="KO")
    assert order["notional"] == "100.5"
    assert order["qty"] is None
    assert Decimal(order["filled_qty"]) == shares(account, "KO")
    assert cash - money(account)[0] == Decimal("100.50")


def test_a_sale_brings_cash_and_keeps_the_average_cost(account) -> None:
    before = account.trading.get("/v2/positions/NVDA").json()
    cash, price = money(account)[0], latest(account, "NVDA")
    order = placed(account, symbol="NVDA", side="sell", qty="1.5")
    assert order["position_intent"] == "sell_to_close"
    after = account.trading.get("/v2/positions/NVDA").json()
    assert Decimal(before["qty"]) - Decimal(after["qty"]) == Decimal("1.5")
    assert abs(Decimal(before["avg_entry_price"]) - Decimal(after["avg_entry_price"])) < Decimal("0.00000001")
    assert money(account)[0] - cash == (price * Decimal("1.5")).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_a_position_sold_whole_is_gone(account) -> None:
    placed(account, symbol="BND", side="sell", qty=str(shares(account, "BND")))
    assert account.trading.get("/v2/positions/BND").status_code == 404


def test_outside_the_session_an_order_waits_for_the_next_open(own_sandbox) -> None:
    cash, _ = money(own_sandbox)
    order = placed(own_sandbox, qty="1")
    assert (order["status"], order["expires_at"]) == ("accepted", "2026-03-16T20:00:00Z")
    assert money(own_sandbox) == (cash, cash - latest(own_sandbox, "VTI"))
    own_sandbox.clock.set("2026-03-16T13:29:59Z")
    assert read(own_sandbox, order)["status"] == "accepted"
    own_sandbox.clock.set(AFTER_THE_CLOSE)
    filled = read(own_sandbox, order)
    bar = own_sandbox.data.get("/v2/stocks/bars/latest?symbols=VTI").json()["bars"]["VTI"]
    assert (filled["status"], filled["filled_at"]) == ("filled", "2026-03-16T13:30:00Z")
    assert float(filled["filled_avg_price"]) == bar["o"]


def test_an_order_of_friday_evening_waits_for_monday(own_sandbox) -> None:
    own_sandbox.clock.set("2026-03-20T21:00:00Z")
    order = placed(own_sandbox, qty="1")
    assert order["expires_at"] == "2026-03-23T20:00:00Z"
    own_sandbox.clock.set("2026-03-22T15:00:00Z")
    assert read(own_sandbox, order)["status"] == "accepted"
    own_sandbox.clock.set("2026-03-24T00:00:00Z")
    assert read(own_sandbox, order)["filled_at"] == "2026-03-23T13:30:00Z"


def test_a_limit_order_fills_at_once_when_the_price_is_good(account) -> None:
    price = latest(account, "VTI")
    order = placed(account, type="limit", limit_price=str(price + 5), qty="1")
    assert (order["status"], Decimal(order["filled_avg_price"])) == ("filled", price)


def test_a_limit_order_fills_at_its_limit_on_a_day_that_reaches_it(account) -> None:
    low = sell = None
    account.clock.set(AFTER_THE_CLOSE)
    bar = account.data.get("/v2/stocks/bars/latest?symbols=VTI").json()["bars"]["VTI"]
    low, high = Decimal(str(bar["l"])), Decimal(str(bar["h"]))
    account.clock.set(OPEN_MARKET)
    buy = placed(account, type="limit", limit_price=str(low), qty="1")
    sell = placed(account, type="limit", limit_price=str(high), qty="1", side="sell")
    assert {buy["status"], sell["status"]} == {"new"}
    account.clock.set(AFTER_THE_CLOSE)
    for order, limit in ((buy, low), (sell, high)):
        filled = read(account, order)
        assert (filled["status"], Decimal(filled["filled_avg_price"])) == ("filled", limit)


def test_a_day_order_expires_with_its_session_and_a_gtc_order_does_not(account) -> None:
    day = placed(account, type="limit", limit_price="1.00", qty="1")
    gtc = placed(account, type="limit", limit_price="1.00", qty="1", time_in_force="gtc")
    account.clock.set("2026-03-16T19:59:59Z")
    assert read(account, day)["status"] == "new"
    account.clock.set(NEXT_EVENING)
    expired = read(account, day)
    assert (expired["status"], expired["expired_at"]) == ("expired", "2026-03-16T20:00:00Z")
    assert read(account, gtc)["status"] == "new"
    account.clock.set("2026-06-20T00:00:00Z")
    assert read(account, gtc)["status"] == "expired"


def test_client_order_ids_stay_taken(account) -> None:
    first = placed(account, type="limit", limit_price="1", qty="1", client_order_id="rebalance-1")
    for _ in range(2):
        again = place(account, qty="1", client_order_id="rebalance-1")
        assert (again.status_code, again.json()) == (
            422,
            {"code": 40010001, "message": "client_order_id must be unique"},
        )
        account.trading.delete(f"/v2/orders/{first['id']}")
    found = account.trading.get("/v2/orders:by_client_order_id", params={"client_order_id": "rebalance-1"})
    assert (found.json()["id"], found.json()["status"]) == (first["id"], "canceled")
    missing = account.trading.get("/v2/orders:by_client_order_id", params={"client_order_id": "nobody"})
    assert missing.status_code == 404


def test_a_refused_order_leaves_nothing_behind(account) -> None:
    refused = place(account, qty="10000", client_order_id="too-much")
    assert refused.status_code == 403
    assert placed(account, qty="1", client_order_id="too-much")["status"] == "filled"


def test_insufficient_buying_power_is_as_alpaca_says_it(account) -> None:
    cash, _ = money(account)
    body = place(account, qty="1000").json()
    assert (body["code"], body["message"]) == (40310000, "insufficient buying power")
    assert Decimal(body["buying_power"]) == cash
    assert Decimal(body["cost_basis"]) == 1000 * latest(account, "VTI")


def test_open_orders_lay_claim_to_cash_and_shares(account) -> None:
    cash, _ = money(account)
    limit = int(cash) - 100
    placed(account, type="limit", limit_price="1", qty=str(limit))
    assert money(account) == (cash, cash - limit)
    assert place(account, notional="101").status_code == 403
    held = shares(account, "AAPL")
    placed(account, symbol="AAPL", side="sell", type="limit", limit_price="9999", qty="10")
    position = account.trading.get("/v2/positions/AAPL").json()
    assert Decimal(position["qty_available"]) == held - 10
    refused = place(account, symbol="AAPL", side="sell", qty="10")
    assert refused.status_code == 403
    assert refused.json()["code"] == 40310000
    assert refused.json()["available"] == position["qty_available"]
    assert "insufficient qty available for order (requested: 10" in refused.json()["message"]


def test_nothing_can_be_sold_that_is_not_held(account) -> None:
    refused = place(account, symbol="KO", side="sell", qty="1")
    assert refused.status_code == 403
    assert "available: 0" in refused.json()["message"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"qty": "1", "symbol": "NOPE"}, "asset 'NOPE' not found"),
        ({"qty": "1", "side": "hold"}, "invalid side"),
        ({"qty": "1", "type": "stop"}, "invalid type"),
        ({"qty": "1", "time_in_force": "ioc"}, "invalid time_in_force"),
        ({}, "exactly one of qty and notional"),
        ({"qty": "1", "notional": "1"}, "exactly one of qty and notional"),
        ({"qty": "0"}, "qty must be > 0"),
        ({"qty": "-1"}, "qty must be > 0"),
        ({"qty": "many"}, "qty is not a number"),
        ({"qty": "NaN"}, "qty is not a number"),
        ({"qty": "0.0000000001"}, "9 decimal places"),
        ({"qty": "0.5", "time_in_force": "gtc"}, "fractional orders must be DAY orders"),
        ({"notional": "0.99"}, "notional amount must be >= 1.00"),
        ({"notional": "1.001"}, "2 decimal places"),
        ({"notional": "5", "time_in_force": "gtc"}, "notional orders must be market DAY"),
        ({"notional": "5", "type": "limit", "limit_price": "1"}, "notional orders must be market DAY"),
        ({"qty": "1", "type": "limit"}, "limit orders require a limit_price"),
        ({"qty": "1", "limit_price": "1"}, "market orders must not have a limit_price"),
        ({"qty": "1", "type": "limit", "limit_price": "0"}, "limit_price must be > 0"),
        ({"qty": "1", "type": "limit", "limit_price": "1.001"}, "sub-penny increment"),
        ({"qty": "1", "order_class": "bracket"}, "order_class is not served"),
        ({"qty": "1", "stop_price": "3"}, "stop_price is not served"),
        ({"qty": "1", "client_order_id": "x" * 129}, "no more than 128 characters"),
    ],
)
def test_what_is_not_an_order_is_refused_with_the_reason(account, fields, message) -> None:
    response = place(account, **fields)
    assert response.status_code == 422
    assert message in response.json()["message"]


def test_every_reason_is_given_at_once(account) -> None:
    message = place(account, qty="-1", side="hold", type="limit").json()["message"]
    assert all(part in message for part in ("invalid side", "qty must be > 0", "require a limit_price"))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null"])
def test_a_body_that_is_no_order_is_refused(account, body) -> None:
    assert account.trading.post("/v2/orders", content=body).status_code == 422


def test_cancelling(account, trading_api) -> None:
    one = placed(account, type="limit", limit_price="1", qty="1")
    path = "/v2/orders/{order_id}"
    trading_api.check(path, account.trading.delete(f"/v2/orders/{one['id']}"), "delete")
    assert read(account, one)["canceled_at"] == OPEN_MARKET
    again = account.trading.delete(f"/v2/orders/{one['id']}")
    assert (again.status_code, again.json()["message"]) == (422, 'order is already in "canceled" state')
    assert account.trading.delete("/v2/orders/00000000-0000-0000-0000-000000000000").status_code == 404
    two = [placed(account, type="limit", limit_price="1", qty="1")["id"] for _ in range(2)]
    body = trading_api.check("/v2/orders", account.trading.delete("/v2/orders"), "delete")
    assert body == [{"id": each, "status": 200} for each in two]
    assert account.trading.get("/v2/orders").json() == []


def test_replacing(account, trading_api) -> None:
    old = placed(account, type="limit", limit_price="1", qty="1", time_in_force="gtc")
    response = account.trading.patch(f"/v2/orders/{old['id']}", json={"limit_price": "2", "qty": "3"})
    new = trading_api.check("/v2/orders/{order_id}", response, "patch")
    assert (new["replaces"], new["limit_price"], new["qty"], new["time_in_force"]) == (
        old["id"],
        "2",
        "3",
        "gtc",
    )
    replaced = read(account, old)
    assert (replaced["status"], replaced["replaced_by"]) == ("replaced", new["id"])
    assert account.trading.patch(f"/v2/orders/{old['id']}", json={}).status_code == 422
    assert account.trading.patch(f"/v2/orders/{new['id']}", json={"stop_price": "1"}).status_code == 422
    too_much = account.trading.patch(f"/v2/orders/{new['id']}", json={"qty": "100000"})
    assert too_much.status_code == 403
    assert read(account, new)["status"] == "new"


def test_a_waiting_order_cannot_be_replaced(own_sandbox) -> None:
    waiting = placed(own_sandbox, qty="1")
    refused = own_sandbox.trading.patch(f"/v2/orders/{waiting['id']}", json={"qty": "2"})
    assert refused.status_code == 422


def test_orders_can_be_listed(account, trading_api) -> None:
    resting = [placed(account, type="limit", limit_price="1", qty="1")["id"] for _ in range(3)]
    done = placed(account, symbol="KO", qty="1")["id"]

    def ids(**params: str) -> list[str]:
        response = account.trading.get("/v2/orders", params=params)
        return [each["id"] for each in trading_api.check("/v2/orders", response)]

    assert ids() == resting[::-1]
    assert ids(direction="asc") == resting
    assert ids(status="closed", limit="1") == [done]
    assert ids(status="all", symbols="KO") == [done]
    assert ids(status="all", after="2026-03-16") == [done, *resting[::-1]]
    assert ids(status="all", until="2024-03-19", direction="asc", limit="1") != []
    assert ids(after_order_id=resting[0], direction="asc") == resting[1:]
    assert ids(before_order_id=resting[2]) == resting[1::-1]
    assert ids(side="sell") == []
    for wrong in ({"status": "some"}, {"limit": "501"}, {"direction": "up"}, {"after_order_id": "x"}):
        assert account.trading.get("/v2/orders", params=wrong).status_code == 422


def test_the_exchange_can_be_played_from_outside(own_sandbox) -> None:
    order = placed(own_sandbox, qty="3", symbol="KO")
    held = shares(own_sandbox, "KO")
    part = own_sandbox.control.post(f"/orders/{order['id']}/fill", json={"qty": "1", "price": "40"}).json()
    assert (part["status"], part["filled_qty"], part["filled_at"]) == ("partially_filled", "1", None)
    assert shares(own_sandbox, "KO") == held + 1
    (activity,) = own_sandbox.trading.get("/v2/account/activities", params={"order_id": order["id"]}).json()
    assert (activity["type"], activity["leaves_qty"]) == ("partial_fill", "2")
    rest = own_sandbox.control.post(f"/orders/{order['id']}/fill", json={"price": "43"}).json()
    assert (rest["status"], rest["filled_avg_price"]) == ("filled", "42")
    for name, status in (("reject", "rejected"), ("expire", "expired")):
        other = placed(own_sandbox, qty="1", symbol="KO")
        assert own_sandbox.control.post(f"/orders/{other['id']}/{name}").json()["status"] == status
        assert read(own_sandbox, other)["status"] == status


@pytest.mark.parametrize("body", [{"qty": "4"}, {"qty": "0"}, {"qty": "x"}, {"price": "0"}, {"price": "x"}])
def test_the_exchange_cannot_do_the_impossible(own_sandbox, body) -> None:
    order = placed(own_sandbox, qty="3", symbol="KO")
    assert own_sandbox.control.post(f"/orders/{order['id']}/fill", json=body).status_code == 422
    assert read(own_sandbox, order)["status"] == "accepted"


def test_a_partly_filled_order_is_finished_by_the_market(own_sandbox) -> None:
    order = placed(own_sandbox, notional="100", symbol="KO")
    own_sandbox.control.post(f"/orders/{order['id']}/fill", json={"qty": "1", "price": "40"})
    own_sandbox.clock.set(OPEN_MARKET)
    cash, _ = money(own_sandbox)
    filled = read(own_sandbox, order)
    assert filled["status"] == "filled"
    spent = Decimal(filled["filled_qty"]) * Decimal(filled["filled_avg_price"])
    assert abs(spent - 100) < Decimal("0.01")
    assert cash == money(own_sandbox)[0]


Starter = Callable[..., AbstractContextManager[Any]]


def test_orders_survive_a_restart_and_time_moves_on(tmp_path: Path, start_sandbox: Starter) -> None:
    with start_sandbox(tmp_path, now=OPEN_MARKET) as running:
        done = placed(running, qty="1", client_order_id="before")
        resting = placed(running, type="limit", limit_price="1", qty="1", time_in_force="gtc")
        cash, _ = money(running)
    with start_sandbox(tmp_path, now=NEXT_EVENING) as running:
        assert read(running, done) == done
        assert read(running, resting)["status"] == "new"
        assert money(running)[0] == cash
        assert place(running, qty="1", client_order_id="before").status_code == 422
        assert placed(running, qty="1")["id"] not in (done["id"], resting["id"])


def test_dividends_follow_what_was_bought_here(tmp_path: Path, start_sandbox: Starter) -> None:
    with start_sandbox(tmp_path, now=OPEN_MARKET) as running:
        placed(running, symbol="KO", qty="10")
        running.clock.set("2026-07-16T12:00:00Z")
        dividends = running.trading.get("/v2/account/activities/DIV", params={"page_size": "100"}).json()
    (paid,) = [each for each in dividends if each["symbol"] == "KO"]
    assert paid["qty"] == "10"
    expected = Decimal(10) * Decimal(paid["per_share_amount"])
    assert Decimal(paid["net_amount"]) == expected.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_the_sdk_trades_by_base_url_alone(account) -> None:
    keys = (account.credentials["alpaca_key_id"], account.credentials["alpaca_secret_key"])
    client = TradingClient(*keys, url_override=account.alpaca_trading_url)
    terms = {"side": OrderSide.BUY, "time_in_force": TimeInForce.DAY}
    bought = client.submit_order(MarketOrderRequest(symbol="VTI", notional=50, client_order_id="a", **terms))
    assert bought.status == OrderStatus.FILLED
    assert client.get_order_by_client_id("a").id == bought.id
    with pytest.raises(APIError) as refused:
        client.submit_order(MarketOrderRequest(symbol="VTI", qty=1, client_order_id="a", **terms))
    assert (refused.value.status_code, refused.value.message) == (422, "client_order_id must be unique")
    resting = client.submit_order(LimitOrderRequest(symbol="VTI", qty=1, limit_price=1, **terms))
    replaced = client.replace_order_by_id(resting.id, ReplaceOrderRequest(limit_price=2))
    (open_order,) = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN))
    assert open_order.id == replaced.id
    client.cancel_order_by_id(replaced.id)
    assert client.get_order_by_id(replaced.id).status == OrderStatus.CANCELED
    client.submit_order(LimitOrderRequest(symbol="VTI", qty=1, limit_price=1, **terms))
    assert [each.status for each in client.cancel_orders()] == [200]
