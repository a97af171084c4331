"""Investments and liabilities over HTTP."""

from decimal import Decimal
from typing import Any

import pytest
from plaid_client import PlaidClient

SINCE = {"start_date": "2020-01-01", "end_date": "2030-01-01"}


@pytest.fixture(scope="module")
def plaid(sandbox: Any) -> PlaidClient:
    return PlaidClient(sandbox)


@pytest.fixture(scope="module")
def brokerage(plaid: PlaidClient) -> str:
    return plaid.link("rivera_houndstooth")


def money(value: Any) -> Decimal:
    return Decimal(str(value))


@pytest.mark.parametrize("username", ["rivera_houndstooth", "rivera_tattersall"])
def test_an_investment_account_is_worth_its_holdings(plaid: PlaidClient, username: str) -> None:
    answer = plaid.ok("/investments/holdings/get", access_token=plaid.link(username))
    for account in answer["accounts"]:
        if account["type"] == "investment":
            held = [each for each in answer["holdings"] if each["account_id"] == account["account_id"]]
            assert sum(money(each["institution_value"]) for each in held) == money(
                account["balances"]["current"]
            )
    assert {each["security_id"] for each in answer["holdings"]} == {
        each["security_id"] for each in answer["securities"]
    }


def test_cash_is_a_holding_and_one_cost_is_unknown(plaid: PlaidClient, brokerage: str) -> None:
    answer = plaid.ok("/investments/holdings/get", access_token=brokerage)
    tickers = {each["security_id"]: each["ticker_symbol"] for each in answer["securities"]}
    held = {tickers[each["security_id"]]: each for each in answer["holdings"]}
    assert held["CUR:USD"]["institution_price"] == 1
    assert money(held["CUR:USD"]["quantity"]) == money(held["CUR:USD"]["institution_value"])
    assert [ticker for ticker, each in held.items() if each["cost_basis"] is None] == ["KO"]


def test_a_plan_fund_has_a_price_of_the_institution_and_none_of_the_market(plaid: PlaidClient) -> None:
    answer = plaid.ok("/investments/holdings/get", access_token=plaid.link("rivera_tattersall"))
    assert {each["close_price"] for each in answer["securities"]} == {None}
    assert {each["ticker_symbol"] for each in answer["securities"]} == {None}
    assert {each["institution_price_as_of"] for each in answer["holdings"]} == {
        "2026-03-13"
    }  # the last Friday


def test_investment_transactions_come_in_pages_the_latest_first(plaid: PlaidClient, brokerage: str) -> None:
    path, found, offset = "/investments/transactions/get", [], 0
    while True:
        options = {"count": 50, "offset": offset}
        page = plaid.ok(path, access_token=brokerage, options=options, **SINCE)
        found += page["investment_transactions"]
        offset += 50
        if offset >= page["total_investment_transactions"]:
            break
    whole = plaid.ok(path, access_token=brokerage, options={"count": 500}, **SINCE)
    assert found == whole["investment_transactions"]
    assert len({each["investment_transaction_id"] for each in found}) == len(found) > 100
    assert [each["date"] for each in found] == sorted((each["date"] for each in found), reverse=True)
    kinds = {(each["type"], each["subtype"]) for each in found}
    assert {
        ("buy", "dividend reinvestment"),
        ("transfer", "split"),
        ("sell", "sell"),
        ("cash", "dividend"),
    } <= kinds


def test_investment_transactions_keep_to_their_dates(plaid: PlaidClient, brokerage: str) -> None:
    span = {"start_date": "2026-01-01", "end_date": "2026-01-31"}
    page = plaid.ok("/investments/transactions/get", access_token=brokerage, **span)
    assert {each["date"][:7] for each in page["investment_transactions"]} == {"2026-01"}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"start_date": None}, "MISSING_FIELDS"),
        ({"start_date": "yesterday"}, "INVALID_FIELD"),
        ({"start_date": "2031-01-01"}, "INVALID_FIELD"),
        ({"options": {"count": 501}}, "INVALID_FIELD"),
        ({"options": {"offset": -1}}, "INVALID_FIELD"),
        ({"options": {"account_ids": ["no such account"]}}, "INVALID_FIELD"),
        ({"access_token": 7}, "INVALID_FIELD"),
    ],
)
def test_wrong_requests_are_refused(
    plaid: PlaidClient, brokerage: str, changed: dict[str, Any], error: str
) -> None:
    asked = {"access_token": brokerage, **SINCE, **changed}
    assert plaid.refused("/investments/transactions/get", **asked) == (400, error)


def test_accounts_can_be_chosen(plaid: PlaidClient, brokerage: str) -> None:
    accounts = plaid.ok("/accounts/get", access_token=brokerage)["accounts"]
    chosen = accounts[0]["account_id"]
    for path in ("/accounts/get", "/accounts/balance/get", "/investments/holdings/get"):
        answer = plaid.ok(path, access_token=brokerage, options={"account_ids": [chosen]})
        assert [each["account_id"] for each in answer["accounts"]] == [chosen]


def test_the_mortgage_and_the_cards_have_liability_records(plaid: PlaidClient) -> None:
    answer = plaid.ok("/liabilities/get", access_token=plaid.link("rivera_platypus"))
    [card], [mortgage] = answer["liabilities"]["credit"], answer["liabilities"]["mortgage"]
    assert answer["liabilities"]["student"] is None
    by_id = {each["account_id"]: each for each in answer["accounts"]}
    assert by_id[card["account_id"]]["subtype"] == "credit card"
    assert card["last_payment_amount"] > 0
    assert by_id[mortgage["account_id"]]["balances"]["current"] < mortgage["origination_principal_amount"]


def test_the_car_loan_has_none(plaid: PlaidClient) -> None:
    token = plaid.link("rivera_gingham")
    assert plaid.refused("/liabilities/get", access_token=token) == (400, "NO_LIABILITY_ACCOUNTS")
    assert plaid.refused("/investments/holdings/get", access_token=token) == (400, "NO_INVESTMENT_ACCOUNTS")


def test_a_product_not_asked_for_at_first_is_added_to_the_item(own_sandbox: Any) -> None:
    plaid = PlaidClient(own_sandbox)
    asked = {"institution_id": "ins_109508", "initial_products": ["liabilities"]}
    public = plaid.ok("/sandbox/public_token/create", **asked)["public_token"]
    token = plaid.ok("/item/public_token/exchange", public_token=public)["access_token"]
    page = plaid.ok("/transactions/sync", access_token=token, count=500, options={"days_requested": 10})
    assert page["added"]
    assert min(row["date"] for row in page["added"]) >= "2026-03-06"
    assert plaid.ok("/item/get", access_token=token)["item"]["products"] == ["liabilities", "transactions"]
