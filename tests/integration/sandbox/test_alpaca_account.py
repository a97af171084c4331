"""The account and its history: everything shown follows from the activities, and the past stays as it was."""

import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient

from sandbox.market import alpaca_funding

ACCOUNT_READS = (
    ("/v2/account", {}),
    ("/v2/positions", {}),
    ("/v2/account/activities", {"page_size": "100"}),
    ("/v2/account/activities", {"activity_types": "DIV,SPLIT,FEE,INT,CSD"}),
    ("/v2/orders", {"status": "all", "limit": "500"}),
    ("/v2/clock", {}),
    ("/v2/calendar", {"start": "2025-11-24", "end": "2025-12-31"}),
    ("/v2/assets", {}),
)


def all_activities(trading: httpx.Client, **params: str) -> list[dict[str, Any]]:
    """Every activity, oldest first, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        token = {"page_token": found[-1]["id"]} if found else {}
        response = trading.get("/v2/account/activities", params={"direction": "asc", **params, **token})
        assert response.status_code == 200, response.text
        page = response.json()
        if not page:
            return found
        found += page


@pytest.mark.parametrize(("path", "params"), ACCOUNT_READS)
def test_reads_are_as_the_official_document_says(sandbox, trading_api, path, params) -> None:
    body = trading_api.check(path, sandbox.trading.get(path, params=params))
    assert body


def test_activities_by_type_are_as_the_official_document_says(sandbox, trading_api) -> None:
    for kind in ("FILL", "CSD", "DIV", "SPLIT", "INT", "FEE"):
        body = trading_api.check(
            "/v2/account/activities/{activity_type}", sandbox.trading.get(f"/v2/account/activities/{kind}")
        )
        assert {each["activity_type"] for each in body} == {kind}


def test_one_position_and_one_asset(sandbox, trading_api) -> None:
    position = sandbox.trading.get("/v2/positions/NVDA").json()
    assert position["symbol"] == "NVDA"
    asset = trading_api.check("/v2/assets/{symbol_or_asset_id}", sandbox.trading.get("/v2/assets/NVDA"))
    assert asset["id"] == position["asset_id"]
    assert sandbox.trading.get(f"/v2/assets/{asset['id']}").json() == asset
    assert sandbox.trading.get(f"/v2/positions/{asset['id']}").json() == position


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v2/positions/KO", "position does not exist"),
        ("/v2/positions/NOPE", "position does not exist"),
        ("/v2/assets/NOPE", "asset not found for NOPE"),
        ("/v2/orders/00000000-0000-0000-0000-000000000000", "order not found for 0000"),
    ],
)
def test_what_is_not_there_is_a_404(sandbox, path, message) -> None:
    response = sandbox.trading.get(path)
    assert response.status_code == 404
    assert response.json()["code"] == 40410000
    assert message in response.json()["message"]


def test_cash_and_positions_are_the_consequence_of_the_activities(sandbox) -> None:
    cash, held, cost = Decimal(0), defaultdict(Decimal), defaultdict(Decimal)
    for each in all_activities(sandbox.trading):
        if each["activity_type"] == "FILL":
            qty, symbol = Decimal(each["qty"]), each["symbol"]
            amount = (qty * Decimal(each["price"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
            if each["side"] == "buy":
                cash, held[symbol], cost[symbol] = cash - amount, held[symbol] + qty, cost[symbol] + amount
            else:
                cost[symbol] *= (held[symbol] - qty) / held[symbol]
                cash, held[symbol] = cash + amount, held[symbol] - qty
        else:
            cash += Decimal(each["net_amount"])
            if each["activity_type"] == "SPLIT":
                held[each["symbol"]] += Decimal(each["qty"])

    account = sandbox.trading.get("/v2/account").json()
    positions = {each["symbol"]: each for each in sandbox.trading.get("/v2/positions").json()}
    assert Decimal(account["cash"]) == cash
    assert {symbol: Decimal(each["qty"]) for symbol, each in positions.items()} == dict(held)
    value = Decimal(0)
    for symbol, each in positions.items():
        assert abs(Decimal(each["cost_basis"]) - cost[symbol]) < Decimal("0.00001")
        assert abs(Decimal(each["avg_entry_price"]) * held[symbol] - cost[symbol]) < Decimal("0.00001")
        assert Decimal(each["market_value"]) == held[symbol] * Decimal(each["current_price"])
        gain = Decimal(each["market_value"]) - cost[symbol]
        assert abs(Decimal(each["unrealized_pl"]) - gain) < Decimal("0.00001")
        value += Decimal(each["market_value"])
    assert Decimal(account["equity"]) == cash + value
    assert Decimal(account["long_market_value"]) == value


def test_amounts_come_out_in_cents_however_one_rounds(sandbox) -> None:
    fills = [each for each in all_activities(sandbox.trading) if each["activity_type"] == "FILL"]
    exact = sum(Decimal(each["qty"]) * Decimal(each["price"]) for each in fills)
    rounded = sum((Decimal(each["qty"]) * Decimal(each["price"])).quantize(Decimal("0.01")) for each in fills)
    assert abs(exact - rounded) < Decimal("0.001")


def test_deposits_are_the_funding_plan(sandbox) -> None:
    deposits = all_activities(sandbox.trading, activity_types="CSD")
    planned = alpaca_funding(date(2024, 3, 16), date(2026, 3, 16))
    assert [(date.fromisoformat(each["date"]), Decimal(each["net_amount"])) for each in deposits] == planned
    assert all_activities(sandbox.trading, activity_types="TRANS") == deposits


def test_a_dividend_pays_its_rate_on_what_was_held(sandbox) -> None:
    dividends = all_activities(sandbox.trading, activity_types="DIV")
    assert {each["symbol"] for each in dividends} == {"VTI", "VXUS", "BND", "AAPL", "NVDA"}
    for each in dividends:
        amount = Decimal(each["qty"]) * Decimal(each["per_share_amount"])
        assert Decimal(each["net_amount"]) == amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_the_split_quadruples_the_position_and_not_its_cost(sandbox) -> None:
    activities = all_activities(sandbox.trading)
    (split,) = [each for each in activities if each["activity_type"] == "SPLIT"]
    before = sum(
        Decimal(each["qty"]) * (1 if each["side"] == "buy" else -1)
        for each in activities[: activities.index(split)]
        if each["activity_type"] == "FILL" and each["symbol"] == "NVDA"
    )
    assert Decimal(split["qty"]) == 3 * before
    assert Decimal(split["net_amount"]) == 0


def test_the_account_has_drifted_from_60_20_20(sandbox) -> None:
    positions = {
        each["symbol"]: Decimal(each["market_value"]) for each in sandbox.trading.get("/v2/positions").json()
    }
    total = sum(positions.values())
    for symbol, target in (("VTI", "0.60"), ("VXUS", "0.20"), ("BND", "0.20")):
        assert Decimal(target) - positions[symbol] / total > Decimal("0.05")


def test_paging_gives_each_activity_once(sandbox) -> None:
    whole = all_activities(sandbox.trading)
    assert len(whole) == len({each["id"] for each in whole})
    assert all_activities(sandbox.trading, page_size="7") == whole
    newest = sandbox.trading.get("/v2/account/activities", params={"page_size": "5"}).json()
    assert newest == whole[::-1][:5]


def test_activities_can_be_narrowed(sandbox) -> None:
    whole = all_activities(sandbox.trading)
    day = [each for each in whole if each.get("date", each.get("transaction_time"))[:10] == "2025-12-05"]
    assert len(day) >= 7
    assert all_activities(sandbox.trading, date="2025-12-05") == day
    between = all_activities(sandbox.trading, after="2025-12-05T00:00:00Z", until="2025-12-06T12:00:00Z")
    assert between == day
    order = next(each["order_id"] for each in whole if each.get("type") == "partial_fill")
    parts = all_activities(sandbox.trading, order_id=order)
    assert [each["type"] for each in parts] == ["partial_fill", "fill"]
    trades = all_activities(sandbox.trading, category="trade_activity")
    others = all_activities(sandbox.trading, category="non_trade_activity")
    assert len(trades) + len(others) == len(whole)


@pytest.mark.parametrize(
    "params",
    [
        {"page_size": "0"},
        {"page_size": "101"},
        {"page_size": "x"},
        {"page_token": "nobody"},
        {"direction": "up"},
        {"after": "yesterday"},
        {"activity_types": "NOPE"},
        {"activity_types": "FILL", "category": "trade_activity"},
        {"category": "all"},
    ],
)
def test_activities_refuse_nonsense(sandbox, params) -> None:
    response = sandbox.trading.get("/v2/account/activities", params=params)
    assert response.status_code == 422
    assert response.json()["message"]


@pytest.mark.parametrize("path", ["/v2/account", "/v2/orders", "/v2/nothing"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"APCA-API-KEY-ID": "key-id-of-the-tests"},
        {"APCA-API-KEY-ID": "key-id-of-the-tests", "APCA-API-SECRET-KEY": "wrong"},
        {"APCA-API-KEY-ID": "wrong", "APCA-API-SECRET-KEY": "secret-key-of-the-tests"},
        {"APCA-API-KEY-ID": "key-id-of-the-tests", "APCA-API-SECRET-KEY": b"\xff\xe9"},
    ],
)
def test_the_keys_are_really_checked(sandbox, path, headers) -> None:
    response = httpx.get(sandbox.alpaca_trading_url + path, headers=headers, timeout=60)
    assert response.status_code == 401
    assert response.json() == {"code": 40110000, "message": "request is not authorized"}
    assert (
        httpx.get(sandbox.alpaca_data_url + "/v2/stocks/bars", headers=headers, timeout=60).status_code == 401
    )


def test_the_sdk_reads_the_account_by_base_url_alone(sandbox) -> None:
    keys = (sandbox.credentials["alpaca_key_id"], sandbox.credentials["alpaca_secret_key"])
    client = TradingClient(*keys, url_override=sandbox.alpaca_trading_url)
    assert Decimal(client.get_account().equity) == Decimal(
        sandbox.trading.get("/v2/account").json()["equity"]
    )
    assert [each.symbol for each in client.get_all_positions()] == ["AAPL", "BND", "NVDA", "VTI", "VXUS"]
    assert client.get_open_position("VTI").symbol == "VTI"
    assert client.get_clock().is_open is False
    assert client.get_calendar()[0].date == date(2022, 2, 16)
    assert len(client.get_all_assets()) == 20
    assert client.get_asset("VTI").fractionable
    assert client.get("/account/activities", {"activity_types": "SPLIT"})[0]["symbol"] == "NVDA"
    with pytest.raises(APIError) as refused:
        TradingClient("wrong", "wrong", url_override=sandbox.alpaca_trading_url).get_account()
    assert refused.value.status_code == 401
    assert refused.value.code == 40110000


def test_the_clock_tells_sessions(own_sandbox, trading_api) -> None:
    expected = {
        "2026-03-16T12:00:00Z": (False, "2026-03-16T09:30:00-04:00", "2026-03-16T16:00:00-04:00"),
        "2026-03-16T15:00:00Z": (True, "2026-03-17T09:30:00-04:00", "2026-03-16T16:00:00-04:00"),
        "2026-03-16T20:00:00Z": (False, "2026-03-17T09:30:00-04:00", "2026-03-17T16:00:00-04:00"),
        "2026-03-21T02:00:00Z": (False, "2026-03-23T09:30:00-04:00", "2026-03-23T16:00:00-04:00"),
        "2026-12-24T18:30:00Z": (False, "2026-12-28T09:30:00-05:00", "2026-12-28T16:00:00-05:00"),
    }
    for now, (is_open, opening, closing) in expected.items():
        own_sandbox.clock.set(now)
        clock = trading_api.check("/v2/clock", own_sandbox.trading.get("/v2/clock"))
        assert (clock["is_open"], clock["next_open"], clock["next_close"]) == (is_open, opening, closing)


def test_the_calendar_by_settlement_and_its_refusals(sandbox) -> None:
    params = {"start": "2025-11-28", "end": "2025-11-28"}
    (traded,) = sandbox.trading.get("/v2/calendar", params=params).json()
    assert (traded["date"], traded["close"], traded["settlement_date"]) == (
        "2025-11-28",
        "13:00",
        "2025-12-01",
    )
    (settled,) = sandbox.trading.get("/v2/calendar", params={**params, "date_type": "SETTLEMENT"}).json()
    assert settled["date"] == "2025-11-26"
    assert sandbox.trading.get("/v2/calendar", params={"start": "soon"}).status_code == 400
    assert sandbox.trading.get("/v2/calendar", params={"date_type": "BOTH"}).status_code == 400


def test_assets_can_be_narrowed(sandbox) -> None:
    exchanges = {each["exchange"] for each in sandbox.trading.get("/v2/assets?exchange=NYSE").json()}
    assert exchanges == {"NYSE"}
    assert sandbox.trading.get("/v2/assets?asset_class=crypto").json() == []
    assert sandbox.trading.get("/v2/assets?status=inactive").json() == []


Starter = Callable[..., AbstractContextManager[Any]]


def snapshot(running: Any) -> dict[str, bytes]:
    """The bytes of every read."""
    return {
        path + json.dumps(params): running.trading.get(path, params=params).content
        for path, params in ACCOUNT_READS
    }


def test_same_seed_and_day_same_bytes_another_seed_others(tmp_path: Path, start_sandbox: Starter) -> None:
    taken = []
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        (tmp_path / name).mkdir()
        with start_sandbox(tmp_path / name, seed=seed) as running:
            taken.append(snapshot(running))
    assert taken[0] == taken[1]
    assert taken[0] != taken[2]


def test_a_later_day_only_adds(tmp_path: Path, start_sandbox: Starter) -> None:
    with start_sandbox(tmp_path) as running:
        before = all_activities(running.trading)
        orders = running.trading.get(
            "/v2/orders", params={"status": "all", "direction": "asc", "limit": 500}
        ).json()
    with start_sandbox(tmp_path, now="2026-07-16T12:00:00Z") as running:
        after = all_activities(running.trading)
        later = running.trading.get(
            "/v2/orders", params={"status": "all", "direction": "asc", "limit": 500}
        ).json()
    assert after[: len(before)] == before
    assert len([each for each in after[len(before) :] if each["activity_type"] == "CSD"]) == 4
    assert later[: len(orders)] == orders


def test_on_the_day_of_the_split_the_position_is_worth_what_it_was(
    tmp_path: Path, start_sandbox: Starter
) -> None:
    with start_sandbox(tmp_path) as running:
        values = []
        for now in ("2025-07-16T03:59:00Z", "2025-07-16T12:00:00Z"):
            running.clock.set(now)
            values.append(running.trading.get("/v2/positions/NVDA").json())
    assert Decimal(values[1]["qty"]) == 4 * Decimal(values[0]["qty"])
    assert abs(Decimal(values[1]["market_value"]) - Decimal(values[0]["market_value"])) < Decimal("0.00001")
    assert values[1]["cost_basis"] == values[0]["cost_basis"]
    assert Decimal(values[1]["change_today"]) == 0


def test_people_without_an_alpaca_account_have_an_empty_one(tmp_path: Path, start_sandbox: Starter) -> None:
    people = tmp_path / "people.json"
    people.write_text(json.dumps({"override_accounts": [{"type": "depository", "subtype": "checking"}]}))
    with start_sandbox(tmp_path, people=people) as running:
        account = running.trading.get("/v2/account").json()
        assert account["status"] == "ACTIVE"
        assert {account[name] for name in ("cash", "equity", "last_equity", "buying_power")} == {"0"}
        assert running.trading.get("/v2/positions").json() == []
        assert running.trading.get("/v2/account/activities").json() == []
        order = {"symbol": "VTI", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
        assert running.trading.post("/v2/orders", json=order).status_code == 403
