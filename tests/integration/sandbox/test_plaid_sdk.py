"""The unmodified `plaid-python` client works against the sandbox by its base URL alone."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import plaid
import pytest
from plaid.api import plaid_api
from plaid.model.accounts_balance_get_request import AccountsBalanceGetRequest
from plaid.model.accounts_get_request import AccountsGetRequest
from plaid.model.country_code import CountryCode
from plaid.model.investments_holdings_get_request import InvestmentsHoldingsGetRequest
from plaid.model.investments_transactions_get_request import InvestmentsTransactionsGetRequest
from plaid.model.item_get_request import ItemGetRequest
from plaid.model.item_public_token_exchange_request import ItemPublicTokenExchangeRequest
from plaid.model.item_remove_request import ItemRemoveRequest
from plaid.model.liabilities_get_request import LiabilitiesGetRequest
from plaid.model.link_token_create_hosted_link import LinkTokenCreateHostedLink
from plaid.model.link_token_create_request import LinkTokenCreateRequest
from plaid.model.link_token_create_request_user import LinkTokenCreateRequestUser
from plaid.model.link_token_get_request import LinkTokenGetRequest
from plaid.model.products import Products
from plaid.model.sandbox_item_reset_login_request import SandboxItemResetLoginRequest
from plaid.model.sandbox_public_token_create_request import SandboxPublicTokenCreateRequest
from plaid.model.sandbox_public_token_create_request_options import SandboxPublicTokenCreateRequestOptions
from plaid.model.sandbox_public_token_create_request_options_transactions import (
    SandboxPublicTokenCreateRequestOptionsTransactions,
)
from plaid.model.transactions_sync_request import TransactionsSyncRequest


@pytest.fixture(scope="module")
def client(sandbox: Any) -> Iterator[plaid_api.PlaidApi]:
    keys = {
        "clientId": sandbox.credentials["plaid_client_id"],
        "secret": sandbox.credentials["plaid_secret"],
    }
    with plaid.ApiClient(plaid.Configuration(host=sandbox.plaid_url, api_key=keys)) as connection:
        yield plaid_api.PlaidApi(connection)


def link(client: plaid_api.PlaidApi, username: str, institution: str, products: list[str]) -> str:
    transactions = SandboxPublicTokenCreateRequestOptionsTransactions(days_requested=730)
    request = SandboxPublicTokenCreateRequest(
        institution_id=institution,
        initial_products=[Products(product) for product in products],
        options=SandboxPublicTokenCreateRequestOptions(
            override_username=username, override_password="pass_good", transactions=transactions
        ),
    )
    public = client.sandbox_public_token_create(request)["public_token"]
    exchanged = client.item_public_token_exchange(ItemPublicTokenExchangeRequest(public_token=public))
    return str(exchanged["access_token"])


def test_bank_data(client: plaid_api.PlaidApi) -> None:
    token = link(client, "rivera_platypus", "ins_109508", ["transactions", "liabilities"])
    page = client.transactions_sync(TransactionsSyncRequest(access_token=token, count=50))
    assert len(page["added"]) == 50
    assert isinstance(page["added"][0]["date"], date)
    page = client.transactions_sync(
        TransactionsSyncRequest(access_token=token, count=50, cursor=page["next_cursor"])
    )
    assert page["has_more"] is True
    assert len(client.accounts_get(AccountsGetRequest(access_token=token))["accounts"]) == 3
    assert len(client.accounts_balance_get(AccountsBalanceGetRequest(access_token=token))["accounts"]) == 3
    liabilities = client.liabilities_get(LiabilitiesGetRequest(access_token=token))["liabilities"]
    assert len(liabilities["credit"]) == len(liabilities["mortgage"]) == 1
    assert str(client.item_get(ItemGetRequest(access_token=token))["item"]["institution_id"]) == "ins_109508"


def test_investments(client: plaid_api.PlaidApi) -> None:
    token = link(client, "rivera_houndstooth", "ins_109512", ["investments"])
    holdings = client.investments_holdings_get(InvestmentsHoldingsGetRequest(access_token=token))["holdings"]
    assert len(holdings) == 8
    request = InvestmentsTransactionsGetRequest(
        access_token=token, start_date=date(2024, 1, 1), end_date=date(2026, 12, 31)
    )
    assert client.investments_transactions_get(request)["total_investment_transactions"] > 100


def test_raw_bytes_carry_amounts_without_float_noise(client: plaid_api.PlaidApi) -> None:
    token = link(client, "rivera_tartan", "ins_109511", ["transactions"])
    request = TransactionsSyncRequest(access_token=token, count=500)
    raw = client.transactions_sync(request, _preload_content=False).data
    amounts = [row["amount"] for row in json.loads(raw, parse_float=str)["added"]]
    assert all(len(amount.partition(".")[2]) <= 2 for amount in amounts if isinstance(amount, str))


def test_hosted_link(client: plaid_api.PlaidApi) -> None:
    request = LinkTokenCreateRequest(
        client_name="Manna",
        language="en",
        country_codes=[CountryCode("US")],
        user=LinkTokenCreateRequestUser(client_user_id="household"),
        products=[Products("transactions")],
        hosted_link=LinkTokenCreateHostedLink(),
    )
    created = client.link_token_create(request)
    assert created["hosted_link_url"].startswith("http://127.0.0.1:")
    found = client.link_token_get(LinkTokenGetRequest(link_token=created["link_token"]))
    assert found["link_sessions"] == []


def test_an_error_is_the_clients_own_exception(client: plaid_api.PlaidApi) -> None:
    token = link(client, "rivera_gingham", "ins_109509", ["transactions"])
    client.sandbox_item_reset_login(SandboxItemResetLoginRequest(access_token=token))
    with pytest.raises(plaid.ApiException) as caught:
        client.transactions_sync(TransactionsSyncRequest(access_token=token))
    assert caught.value.status == 400
    assert json.loads(caught.value.body)["error_code"] == "ITEM_LOGIN_REQUIRED"
    client.item_remove(ItemRemoveRequest(access_token=token))
