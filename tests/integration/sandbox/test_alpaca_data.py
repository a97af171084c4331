"""Market data: pages, adjustments, latest prices, corporate actions."""

from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import pytest
from alpaca.data.enums import Adjustment, CorporateActionsType, DataFeed
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.requests import (
    CorporateActionsRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
)
from alpaca.data.timeframe import TimeFrame

SYMBOLS = "AAPL,AMZN,BND,COST,GLD,GOOGL,IWM,JNJ,JPM,KO,MSFT,NVDA,PG,QQQ,SPY,TIP,VNQ,VTI,VXUS,XOM"


def pages(data: httpx.Client, path: str = "/v2/stocks/bars", **params: str) -> list[dict]:
    """Every page of a request."""
    found: list[dict] = []
    while not found or found[-1]["next_page_token"]:
        token = {"page_token": found[-1]["next_page_token"]} if found else {}
        response = data.get(path, params={"timeframe": "1Day", **params, **token})
        assert response.status_code == 200, response.text
        found.append(response.json())
    return found


def merged(found: list[dict]) -> dict[str, list[dict]]:
    bars: dict[str, list[dict]] = {}
    for page in found:
        for symbol, rows in page["bars"].items():
            bars.setdefault(symbol, []).extend(rows)
    return bars


def test_answers_are_as_the_official_document_says(sandbox, data_api) -> None:
    bars = {"symbols": "VTI,NVDA", "timeframe": "1Day", "start": "2025-01-02", "limit": "3"}
    data_api.check("/v2/stocks/bars", sandbox.data.get("/v2/stocks/bars", params=bars))
    data_api.check("/v2/stocks/{symbol}/bars", sandbox.data.get("/v2/stocks/VTI/bars", params=bars))
    for kind in ("bars", "quotes"):
        latest = sandbox.data.get(f"/v2/stocks/{kind}/latest", params={"symbols": "VTI,NVDA"})
        assert set(data_api.check(f"/v2/stocks/{kind}/latest", latest)[kind]) == {"VTI", "NVDA"}
        single = sandbox.data.get(f"/v2/stocks/VTI/{kind}/latest")
        assert data_api.check(f"/v2/stocks/{{symbol}}/{kind}/latest", single)["symbol"] == "VTI"
    span = {"start": "2024-03-16", "end": "2026-03-16"}
    actions = data_api.check("/v1/corporate-actions", sandbox.data.get("/v1/corporate-actions", params=span))
    assert set(actions["corporate_actions"]) == {"cash_dividends", "forward_splits"}


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", ["1", "7", "19", "1000"])
def test_pages_join_to_the_whole_by_symbol_then_time(sandbox, sort, limit) -> None:
    params = {"symbols": "VTI,AAPL,NVDA", "start": "2026-02-20", "sort": sort}
    whole = pages(sandbox.data, **params, limit="10000")
    assert len(whole) == 1
    parts = pages(sandbox.data, **params, limit=limit)
    assert merged(parts) == whole[0]["bars"]
    assert all(sum(map(len, page["bars"].values())) <= int(limit) for page in parts)
    assert list(whole[0]["bars"]) == ["AAPL", "NVDA", "VTI"]
    times = [bar["t"] for bar in whole[0]["bars"]["VTI"]]
    assert times == sorted(times, reverse=sort == "desc")
    assert len(times) == 16  # sessions from Friday, February 20 to Friday, March 13


def test_one_symbol_pages_too(sandbox) -> None:
    found = pages(sandbox.data, "/v2/stocks/VTI/bars", start="2026-02-20", limit="5")
    assert [len(page["bars"]) for page in found] == [5, 5, 5, 1]
    assert all(page["symbol"] == "VTI" for page in found)


def test_a_full_page_that_is_the_last_has_no_token(sandbox) -> None:
    found = pages(sandbox.data, symbols="VTI", start="2026-02-20", limit="16")
    assert len(found) == 1


def test_500_days_of_20_symbols_are_two_pages(sandbox) -> None:
    found = pages(sandbox.data, symbols=SYMBOLS, start="2024-03-01", limit="10000")
    assert [sum(map(len, page["bars"].values())) for page in found] == [10_000, 200]


def test_a_bar_is_served_when_its_session_is_over(own_sandbox) -> None:
    def last_day() -> str:
        return pages(own_sandbox.data, symbols="VTI", start="2026-03-10")[0]["bars"]["VTI"][-1]["t"][:10]

    seen = []
    for now in ("2026-03-16T12:00:00Z", "2026-03-16T19:59:59Z", "2026-03-16T20:00:00Z"):
        own_sandbox.clock.set(now)
        seen.append(last_day())
    assert seen == ["2026-03-13", "2026-03-13", "2026-03-16"]


def test_dates_without_a_time_are_whole_days_in_new_york(sandbox) -> None:
    day = {"symbols": "VTI", "start": "2026-03-12", "end": "2026-03-12"}
    assert [bar["t"] for bar in pages(sandbox.data, **day)[0]["bars"]["VTI"]] == ["2026-03-12T04:00:00Z"]
    exact = {"symbols": "VTI", "start": "2026-03-12T04:00:00Z", "end": "2026-03-13T03:59:59.999999999Z"}
    assert len(pages(sandbox.data, **exact)[0]["bars"]["VTI"]) == 1
    winter = {"symbols": "VTI", "start": "2026-01-05", "end": "2026-01-05"}
    assert pages(sandbox.data, **winter)[0]["bars"]["VTI"][0]["t"] == "2026-01-05T05:00:00Z"


def test_symbols_without_bars_are_left_out(sandbox) -> None:
    assert list(pages(sandbox.data, symbols="VTI,ZZZZ", start="2026-03-12")[0]["bars"]) == ["VTI"]
    assert pages(sandbox.data, symbols="ZZZZ", start="2026-03-12")[0]["bars"] == {}
    assert pages(sandbox.data, symbols="VTI")[0]["bars"] == {}  # today, before the open


def test_adjustments_undo_the_split_and_the_dividends(sandbox) -> None:
    def closes(adjustment: str) -> dict[str, float]:
        rows = pages(sandbox.data, symbols="NVDA", start="2025-05-01", limit="10000", adjustment=adjustment)
        return {bar["t"][:10]: bar["c"] for bar in rows[0]["bars"]["NVDA"]}

    raw, split, both = closes("raw"), closes("split"), closes("all")
    assert split["2025-07-15"] == round(raw["2025-07-15"] / 4, 4)
    assert split["2025-07-16"] == raw["2025-07-16"]
    assert closes("split,dividend,spin-off") == both
    assert closes("dividend")["2026-03-13"] == raw["2026-03-13"]
    params = {"symbols": "NVDA", "types": "cash_dividend", "start": "2025-12-01", "end": "2025-12-31"}
    actions = sandbox.data.get("/v1/corporate-actions", params=params).json()["corporate_actions"]
    (dividend,) = actions["cash_dividends"]
    day_before = max(day for day in raw if day < dividend["ex_date"])
    factor = 1 - dividend["rate"] / raw[day_before]
    later = both[dividend["ex_date"]] / raw[dividend["ex_date"]]
    assert both[day_before] == pytest.approx(raw[day_before] * factor * later, abs=2e-4)
    volumes = {
        adjustment: pages(
            sandbox.data, symbols="NVDA", start="2025-07-15", end="2025-07-15", adjustment=adjustment
        )
        for adjustment in ("raw", "split")
    }
    raw_volume, split_volume = (volumes[name][0]["bars"]["NVDA"][0]["v"] for name in ("raw", "split"))
    assert split_volume == 4 * raw_volume


def test_corporate_actions_page_and_filter(sandbox) -> None:
    params = {"start": "2024-03-16", "end": "2026-03-16"}
    whole = sandbox.data.get("/v1/corporate-actions", params={**params, "limit": "1000"}).json()
    assert whole["next_page_token"] is None
    dividends: list[dict] = []
    token: dict[str, str] = {}
    for _ in range(100):
        page = sandbox.data.get("/v1/corporate-actions", params={**params, "limit": "11", **token}).json()
        dividends += page["corporate_actions"].get("cash_dividends", [])
        if page["next_page_token"] is None:
            break
        token = {"page_token": page["next_page_token"]}
    assert dividends == whole["corporate_actions"]["cash_dividends"]
    dates = [each["process_date"] for each in dividends]
    assert dates == sorted(dates)
    (split,) = whole["corporate_actions"]["forward_splits"]
    assert (split["symbol"], split["new_rate"], split["old_rate"]) == ("NVDA", 4, 1)
    only = sandbox.data.get("/v1/corporate-actions", params={"ids": split["id"]}).json()["corporate_actions"]
    assert only == {"forward_splits": [split]}
    backwards = sandbox.data.get(
        "/v1/corporate-actions", params={**params, "sort": "desc", "limit": "3"}
    ).json()
    assert backwards["corporate_actions"]["cash_dividends"] == dividends[::-1][:3]


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v2/stocks/bars", {"symbols": "VTI"}),
        ("/v2/stocks/bars", {"symbols": "VTI", "timeframe": "1Min"}),
        ("/v2/stocks/bars", {"timeframe": "1Day"}),
        ("/v2/stocks/bars", {"symbols": "vti;", "timeframe": "1Day"}),
        ("/v2/stocks/bars", {"symbols": "VTI", "timeframe": "1Day", "limit": "10001"}),
        ("/v2/stocks/bars", {"symbols": "VTI", "timeframe": "1Day", "start": "soon"}),
        (
            "/v2/stocks/bars",
            {"symbols": "VTI", "timeframe": "1Day", "start": "2026-01-02", "end": "2026-01-01"},
        ),
        ("/v2/stocks/bars", {"symbols": "VTI", "timeframe": "1Day", "adjustment": "some"}),
        ("/v2/stocks/bars", {"symbols": "VTI", "timeframe": "1Day", "sort": "up"}),
        ("/v2/stocks/bars", {"symbols": "VTI", "timeframe": "1Day", "page_token": "!"}),
        (
            "/v2/stocks/bars",
            {"symbols": "VTI", "timeframe": "1Day", "page_token": "S098RHwyMDI2LTAxLTAxVDAwOjAwOjAwWg=="},
        ),
        ("/v2/stocks/quotes/latest", {}),
        ("/v1/corporate-actions", {"types": "nothing"}),
        ("/v1/corporate-actions", {"limit": "1001"}),
        ("/v1/corporate-actions", {"page_token": "nothing"}),
        ("/v1/corporate-actions", {"sort": "up"}),
        ("/v1/corporate-actions", {"start": "soon"}),
        ("/v1/corporate-actions", {"start": "2026-01-02", "end": "2026-01-01"}),
    ],
)
def test_nonsense_is_a_400_that_says_why(sandbox, path, params) -> None:
    response = sandbox.data.get(path, params=params)
    assert response.status_code == 400, response.text
    assert response.json()["message"]


def test_an_unlisted_symbol_has_no_latest_quote(sandbox) -> None:
    assert sandbox.data.get("/v2/stocks/quotes/latest?symbols=ZZZZ").json() == {"quotes": {}}
    assert sandbox.data.get("/v2/stocks/ZZZZ/quotes/latest").status_code == 404


def test_the_sdk_reads_market_data_by_base_url_alone(sandbox) -> None:
    keys = (sandbox.credentials["alpaca_key_id"], sandbox.credentials["alpaca_secret_key"])
    client = StockHistoricalDataClient(*keys, url_override=sandbox.alpaca_data_url)
    request = StockBarsRequest(
        symbol_or_symbols=SYMBOLS.split(","),
        timeframe=TimeFrame.Day,
        start=datetime(2024, 3, 1, tzinfo=UTC),
        adjustment=Adjustment.ALL,
        feed=DataFeed.IEX,
    )
    bars = client.get_stock_bars(request)
    assert {symbol: len(rows) for symbol, rows in bars.data.items()} == dict.fromkeys(SYMBOLS.split(","), 510)
    quotes = client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="VTI"))
    latest = client.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="VTI"))
    assert quotes["VTI"].bid_price < latest["VTI"].close < quotes["VTI"].ask_price
    assert Decimal(str(latest["VTI"].close)) == Decimal(
        sandbox.trading.get("/v2/positions/VTI").json()["current_price"]
    )
    actions = CorporateActionsClient(*keys, url_override=sandbox.alpaca_data_url).get_corporate_actions(
        CorporateActionsRequest(
            symbols=["NVDA"],
            types=[CorporateActionsType.FORWARD_SPLIT],
            start=date(2025, 1, 1),
            end=date(2026, 3, 16),
        )
    )
    assert actions.data["forward_splits"][0].new_rate == 4
