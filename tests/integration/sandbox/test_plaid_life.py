"""The life of an Item: its history comes in steps, accounts vanish, consents end and are withdrawn."""

from typing import Any

import pytest
from plaid_client import PlaidClient

PLATYPUS = "rivera_platypus"


@pytest.fixture(scope="module")
def plaid(sandbox: Any) -> PlaidClient:
    return PlaidClient(sandbox)


@pytest.fixture
def item(sandbox: Any, plaid: PlaidClient) -> tuple[str, Any]:
    """(access token, a function that changes the Item) of a login linked afresh."""
    token = plaid.link(PLATYPUS)
    item_id = plaid.ok("/item/get", access_token=token)["item"]["item_id"]

    def change(**what: Any) -> dict[str, Any]:
        answer = sandbox.control.patch(f"/plaid/items/{item_id}", json=what)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return token, change


def added(pages: list[dict[str, Any]]) -> list[str]:
    assert not any(page["modified"] or page["removed"] for page in pages)
    found = [row["transaction_id"] for page in pages for row in page["added"]]
    assert len(found) == len(set(found))
    return found


def test_the_history_comes_in_three_steps(plaid: PlaidClient, item: Any) -> None:
    token, change = item
    whole = added(plaid.pages(token))
    change(history="not_ready")
    (page,) = plaid.pages(token)
    assert (page["added"], page["next_cursor"], page["has_more"]) == ([], "", False)
    assert page["transactions_update_status"] == "NOT_READY"

    change(history="initial")
    pages = plaid.pages(token, page["next_cursor"])
    assert pages[-1]["transactions_update_status"] == "INITIAL_UPDATE_COMPLETE"
    recent = added(pages)
    assert {row["date"] >= "2026-02-14" for page in pages for row in page["added"]} == {True}
    assert added(plaid.pages(token, pages[-1]["next_cursor"])) == []

    change(history="complete")
    pages = plaid.pages(token, pages[-1]["next_cursor"], count=300)
    assert pages[-1]["transactions_update_status"] == "HISTORICAL_UPDATE_COMPLETE"
    assert len(pages) > 2
    rest = added(pages)
    assert sorted(recent + rest) == sorted(whole)
    assert added(plaid.pages(token, pages[-1]["next_cursor"])) == []


def test_history_that_comes_in_amid_a_pass_voids_the_pass(plaid: PlaidClient, item: Any) -> None:
    token, change = item
    change(history="initial")
    first = plaid.ok("/transactions/sync", access_token=token, count=5)
    assert first["has_more"]
    change(history="complete")
    status = plaid.refused("/transactions/sync", access_token=token, cursor=first["next_cursor"], count=5)
    assert status == (400, "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")


def test_new_items_may_begin_without_history(sandbox: Any, plaid: PlaidClient) -> None:
    assert sandbox.control.put("/plaid/new_items", json={"history": "not_ready"}).status_code == 200
    try:
        token = plaid.link(PLATYPUS)
    finally:
        sandbox.control.put("/plaid/new_items", json={"history": "complete"})
    assert plaid.pages(token)[0]["transactions_update_status"] == "NOT_READY"
    status = plaid.ok("/item/get", access_token=token)["status"]
    assert status["transactions"]["last_successful_update"] is None


def test_an_account_that_is_hidden_is_in_no_answer(plaid: PlaidClient, item: Any) -> None:
    token, change = item
    account_id = plaid.ok("/accounts/get", access_token=token)["accounts"][0]["account_id"]
    change(hidden=[account_id])
    assert account_id not in str(plaid.ok("/accounts/get", access_token=token))
    assert account_id not in str(plaid.pages(token))
    assert account_id not in str(plaid.ok("/liabilities/get", access_token=token))


def test_update_mode_mends_whatever_befell_an_item(plaid: PlaidClient, item: Any) -> None:
    import httpx

    token, change = item
    change(revoked=True, expires_at="2026-03-20T00:00:00Z", hidden=["x"])
    assert plaid.refused("/accounts/get", access_token=token) == (400, "USER_PERMISSION_REVOKED")
    told = plaid.ok("/item/get", access_token=token)["item"]
    assert told["error"]["error_code"] == "USER_PERMISSION_REVOKED"
    assert told["consent_expiration_time"] == "2026-03-20T00:00:00Z"
    answer = plaid.ok(
        "/link/token/create",
        client_name="x",
        language="en",
        country_codes=["US"],
        user={"client_user_id": "u"},
        access_token=token,
        hosted_link={},
    )
    httpx.post(answer["hosted_link_url"], data={"username": PLATYPUS}, timeout=30).raise_for_status()
    told = plaid.ok("/item/get", access_token=token)["item"]
    assert (told["error"], told["consent_expiration_time"]) == (None, "2027-03-16T12:00:00Z")
    assert plaid.ok("/accounts/get", access_token=token)["accounts"]


def test_stale_data_are_served_beside_an_error(plaid: PlaidClient, item: Any) -> None:
    token, change = item
    change(stale_since="2026-03-10T00:00:00Z")
    assert plaid.ok("/accounts/get", access_token=token)["accounts"]
    told = plaid.ok("/item/get", access_token=token)
    assert told["item"]["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"
    assert told["status"]["transactions"]["last_successful_update"] == "2026-03-10T00:00:00Z"


def test_controls_say_every_reason_and_no_secret(sandbox: Any, item: Any) -> None:
    token, change = item
    found = change(history="complete")
    assert "access_token" not in found
    assert token not in sandbox.control.get("/plaid/items").text
    path = f"/plaid/items/{found['item_id']}"
    refused = sandbox.control.patch(path, json={"history": "soon", "revoked": 1, "expires_at": "x", "a": 1})
    assert (refused.status_code, len(refused.json()["errors"])) == (400, 4)
    assert sandbox.control.patch(path, content=b"{").json() == {"errors": ["the body is not JSON"]}
    assert sandbox.control.patch(path, json=[]).json() == {"errors": ["the body is not a JSON object"]}
    assert sandbox.control.patch("/plaid/items/x", json={}).status_code == 404
    assert sandbox.control.put("/plaid/new_items", json={}).status_code == 400
