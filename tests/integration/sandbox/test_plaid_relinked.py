"""A login that is linked anew shows the same accounts and rows under new ids, as at the real Plaid."""

from typing import Any

import pytest
from plaid_client import PlaidClient


@pytest.fixture(scope="module")
def plaid(sandbox: Any) -> PlaidClient:
    return PlaidClient(sandbox)


@pytest.mark.parametrize("ending", ["/item/remove", "/sandbox/item/reset_login"])
def test_every_product_comes_under_new_ids(plaid: PlaidClient, ending: str) -> None:
    former = plaid.link("rivera_houndstooth")
    before = everything(plaid, former)
    assert everything(plaid, plaid.link("rivera_houndstooth")) == before  # beside it: as it was
    plaid.ok(ending, access_token=former)
    later = plaid.link("rivera_houndstooth")
    after = everything(plaid, later)
    assert after.keys() == before.keys()
    for kind, ids in after.items():
        assert len(ids) == len(before[kind]) > 0, kind
        assert not ids & before[kind], kind
    account = min(after["accounts"])
    chosen = plaid.ok("/accounts/get", access_token=later, options={"account_ids": [account]})["accounts"]
    assert [each["account_id"] for each in chosen] == [account]
    assert plaid.refused(
        "/accounts/get", access_token=later, options={"account_ids": [min(before["accounts"])]}
    ) == (400, "INVALID_FIELD")


def everything(plaid: PlaidClient, token: str) -> dict[str, set[str]]:
    """All ids of an Item, by kind."""
    pages = plaid.pages(token)
    added: list[dict[str, Any]] = [row for page in pages for row in page["added"]]
    window = {"start_date": "2024-04-01", "end_date": "2026-03-16", "options": {"count": 500}}
    trades = plaid.ok("/investments/transactions/get", access_token=token, **window)[
        "investment_transactions"
    ]
    held = plaid.ok("/investments/holdings/get", access_token=token)["holdings"]
    return {
        "accounts": {
            each["account_id"] for each in plaid.ok("/accounts/get", access_token=token)["accounts"]
        },
        "rows": {row["transaction_id"] for row in added},
        "accounts of rows": {row["account_id"] for row in added},
        "trades": {trade["investment_transaction_id"] for trade in trades},
        "accounts of holdings": {holding["account_id"] for holding in held},
    }
