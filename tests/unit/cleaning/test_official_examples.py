"""The providers' own examples pass through the readers, and nothing of them is dropped."""

from typing import Any

import pytest
from cleaning_examples import cleaned, raw_rows, reference

PLAID = ("plaid", "examples")
SDK, DOCS = ("alpaca", "payloads", "sdk_tests"), ("alpaca", "payloads", "docs")
CORPORATE = ("alpaca", "examples", "data")


def plaid_accounts(document: dict[str, Any]) -> Any:
    return raw_rows(
        "plaid_accounts", *({"source_id": a["account_id"], "payload": a} for a in document["accounts"])
    )


@pytest.mark.parametrize(
    "name",
    [
        "accounts__get",
        "accounts__balance__get",
        "investments__holdings__get",
        "liabilities__get",
        "transactions__sync",
        "investments__transactions__get",
    ],
)
def test_accounts_and_balances_of_plaid(name: str) -> None:
    sent = plaid_accounts(reference(*PLAID, f"{name}__200__example-1.json"))
    for address in ("clean.accounts", "clean.balances"):
        found = cleaned(address, plaid_accounts=sent)
        assert (found.received, found.quarantined.height) == (sent.height + 1, 0)


def test_transactions_of_plaid() -> None:
    document = reference(*PLAID, "transactions__sync__200__example-1.json")
    sent = [
        {"source_id": row["transaction_id"], "payload": row, "change": change}
        for change in ("added", "modified", "removed")
        for row in document[change]
    ]
    found = cleaned(
        "clean.transactions",
        plaid_transactions=raw_rows("plaid_transactions", *sent),
        plaid_accounts=plaid_accounts(document),
    )
    assert found.quarantined.is_empty()
    assert found.rows.height == len({row["source_id"] for row in sent if row["change"] != "removed"})


def test_transactions_of_the_older_endpoint() -> None:
    document = reference(*PLAID, "transactions__get__200__example-1.json")
    sent = [{"source_id": row["transaction_id"], "payload": row} for row in document["transactions"]]
    found = cleaned(
        "clean.transactions",
        plaid_transactions=raw_rows("plaid_transactions", *sent),
        plaid_accounts=plaid_accounts(document),
    )
    assert (found.rows.height, found.quarantined.height) == (len(sent), 0)


def test_investments_of_plaid() -> None:
    told = reference(*PLAID, "investments__holdings__get__200__example-1.json")
    securities = [{"source_id": row["security_id"], "payload": row} for row in told["securities"]]
    named = raw_rows("plaid_securities", *securities)
    held = [
        {"source_id": f"{row['account_id']}:{row['security_id']}", "payload": row} for row in told["holdings"]
    ]
    found = cleaned(
        "clean.holdings",
        plaid_holdings=raw_rows("plaid_holdings", *held),
        plaid_securities=named,
        plaid_accounts=plaid_accounts(told),
    )
    assert (found.rows.height, found.quarantined.height) == (len(held) + 1, 0)
    assert cleaned(
        "clean.securities", plaid_securities=named, alpaca_account=raw_rows("alpaca_account")
    ).rows.height == len(securities)
    moved = reference(*PLAID, "investments__transactions__get__200__example-1.json")
    trades = [
        {"source_id": row["investment_transaction_id"], "payload": row}
        for row in moved["investment_transactions"]
    ]
    found = cleaned(
        "clean.trades",
        plaid_investment_transactions=raw_rows("plaid_investment_transactions", *trades),
        plaid_securities=named,
        plaid_accounts=plaid_accounts(moved),
    )
    assert (found.rows.height, found.quarantined.height) == (len(trades), 0)


def test_liabilities_of_plaid() -> None:
    told = reference(*PLAID, "liabilities__get__200__example-1.json")
    sent = [
        {"source_id": f"{kind}:{row['account_id']}", "payload": row}
        for kind, listed in told["liabilities"].items()
        for row in listed
    ]
    found = cleaned(
        "clean.liabilities",
        plaid_liabilities=raw_rows("plaid_liabilities", *sent),
        plaid_accounts=plaid_accounts(told),
    )
    assert found.quarantined.is_empty()
    assert sorted(found.rows["kind"]) == ["credit", "mortgage", "student"]


@pytest.mark.parametrize(
    "name",
    [
        "setup_reqmock_for_paginated_account_activities_response_1",
        "setup_reqmock_for_paginated_account_activities_response_2",
        "test_get_activities_for_account_max_items_and_single_request_date_1",
    ],
)
def test_activities_of_alpaca(name: str) -> None:
    told = reference(*SDK, f"broker__broker_client__test_account_activities_routes__{name}.json")
    sent = [{"source_id": row["id"], "payload": row} for row in told]
    found = cleaned("clean.trades", alpaca_activities=raw_rows("alpaca_activities", *sent))
    assert found.received == len({row["source_id"] for row in sent})
    assert found.quarantined.is_empty()


def test_the_account_of_alpaca() -> None:
    for parts in (
        (*SDK, "trading__trading_client__test_account_routes__test_get_account_1.json"),
        ("alpaca", "examples", "trading", "get__v2__account__200.json"),
    ):
        told = reference(*parts)
        sent = raw_rows("alpaca_account", {"source_id": told["id"], "payload": told})
        for address in ("clean.accounts", "clean.balances", "clean.holdings"):
            assert cleaned(address, alpaca_account=sent).quarantined.is_empty()


def test_positions_of_alpaca() -> None:
    told = reference(*SDK, "trading__trading_client__test_position_routes__test_get_all_positions_1.json")
    sent = [{"source_id": row["asset_id"], "payload": row} for row in told]
    found = cleaned("clean.holdings", alpaca_positions=raw_rows("alpaca_positions", *sent))
    assert (found.rows.height, found.quarantined.height) == (len(sent) + 1, 0)


@pytest.mark.parametrize(
    "parts",
    [
        *(
            (*SDK, f"trading__trading_client__test_order_routes__{name}_1.json")
            for name in (
                "test_get_orders",
                "test_get_order_by_id",
                "test_get_order_by_client_id",
                "test_limit_order",
                "test_market_order",
                "test_order_position_intent",
                "test_replace_order",
            )
        ),
        ("alpaca", "examples", "trading", "_component_EquityOrderResponse.json"),
        ("alpaca", "examples", "trading", "_component_CryptoOrderResponse.json"),
        ("alpaca", "examples", "trading", "_component_OptionOrderResponse.json"),
    ],
    ids=lambda parts: parts[-1],
)
def test_orders_of_alpaca(parts: tuple[str, ...]) -> None:
    told = reference(*parts)
    listed = told if isinstance(told, list) else [told]
    sent = [{"source_id": row["id"], "payload": row} for row in listed]
    found = cleaned("clean.orders", alpaca_orders=raw_rows("alpaca_orders", *sent))
    assert (found.rows.height, found.quarantined.height) == (len(listed), 0)


def test_the_description_of_a_symbol() -> None:
    told = reference(*SDK, "trading__trading_client__test_asset_routes__test_get_asset_1.json")
    sent = raw_rows("alpaca_assets", {"source_id": told["symbol"], "payload": told})
    found = cleaned("clean.securities", alpaca_assets=sent, alpaca_account=raw_rows("alpaca_account"))
    assert found.rows["symbol"].to_list() == [told["symbol"]]


@pytest.mark.parametrize(
    "parts",
    [
        (*SDK, "data__test_historical_stock_data__test_get_bars_1.json"),
        (*SDK, "data__test_historical_stock_data__test_multisymbol_get_bars_1.json"),
        ("alpaca", "examples", "data", "get__v2__stocks__bars__200__bars.json"),
    ],
    ids=lambda parts: parts[-1],
)
def test_bars_of_alpaca(parts: tuple[str, ...]) -> None:
    told = reference(*parts)["bars"]
    listed = told if isinstance(told, dict) else {"AAPL": told}
    sent = [
        {"source_id": f"{symbol}:{bar['t'][:10]}", "payload": bar}
        for symbol, bars in listed.items()
        for bar in bars
    ]
    found = cleaned("clean.bars", alpaca_bars=raw_rows("alpaca_bars", *sent))
    assert found.received == len({row["source_id"] for row in sent}) == found.rows.height


@pytest.mark.parametrize("number", [1, 2])
def test_corporate_actions_of_alpaca(number: int) -> None:
    told = reference(*SDK, f"data__test_corporate_actions__test_get_corporate_actions_{number}.json")
    sent = [
        {"source_id": f"{kind}:{row.get('id', seq)}", "payload": row}
        for kind, listed in told["corporate_actions"].items()
        for seq, row in enumerate(listed)
    ]
    found = cleaned(
        "clean.corporate_actions", alpaca_corporate_actions=raw_rows("alpaca_corporate_actions", *sent)
    )
    assert found.quarantined.is_empty()
    assert found.rows.height == len(sent)


@pytest.mark.parametrize(
    ("example", "kind"),
    [
        ("CashDividend", "cash_dividends"),
        ("CashMerger", "cash_mergers"),
        ("EquityPartialCall", "partial_calls"),
        ("ForwardSplit", "forward_splits"),
        ("NameChange", "name_changes"),
        ("Redemption", "redemptions"),
        ("Reorganization", "reorganizations"),
        ("ReverseSplit", "reverse_splits"),
        ("RightsDistribution", "rights_distributions"),
        ("SpinOff", "spin_offs"),
        ("StockAndCashMerger", "stock_and_cash_mergers"),
        ("StockDividend", "stock_dividends"),
        ("StockMerger", "stock_mergers"),
        ("UnitSplit", "unit_splits"),
        ("WorthlessRemoval", "worthless_removals"),
    ],
)
def test_corporate_actions_as_the_event_stream_tells_them(example: str, kind: str) -> None:
    events = reference(*CORPORATE, f"get__v1beta1__events__corporate-actions__200__{example}.json")
    sent = [{"source_id": f"{kind}:{event['ca']['id']}", "payload": event["ca"]} for event in events]
    found = cleaned(
        "clean.corporate_actions", alpaca_corporate_actions=raw_rows("alpaca_corporate_actions", *sent)
    )
    assert found.quarantined.is_empty()
    named = {name: value for name, value in events[0]["ca"].items() if name.endswith("symbol")}
    assert found.rows["symbol"][0] in named.values()
