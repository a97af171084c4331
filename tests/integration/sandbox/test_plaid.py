"""Plaid's endpoints over HTTP: linking, errors, broken logins, restarts, webhooks."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from plaid_client import ALL_LOGINS, PlaidClient


@pytest.fixture(scope="module")
def plaid(sandbox: Any) -> PlaidClient:
    return PlaidClient(sandbox)


@pytest.fixture
def own_plaid(own_sandbox: Any) -> PlaidClient:
    return PlaidClient(own_sandbox)


# keys and bodies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"client_id": "nobody"}, {"secret": "guess"}, {"secret": "sécret"}])
def test_wrong_keys_are_refused(plaid: PlaidClient, wrong: dict[str, str]) -> None:
    assert plaid.refused("/item/get", access_token="access-sandbox-x", **wrong) == (400, "INVALID_API_KEYS")


def test_keys_may_come_as_headers(sandbox: Any) -> None:
    headers = {
        "PLAID-CLIENT-ID": sandbox.credentials["plaid_client_id"],
        "PLAID-SECRET": sandbox.credentials["plaid_secret"],
    }
    response = httpx.post(sandbox.plaid_url + "/item/get", json={}, headers=headers, timeout=60)
    assert response.json()["error_message"] == "the following required fields are missing: access_token"


def test_missing_keys_are_named(sandbox: Any) -> None:
    response = httpx.post(sandbox.plaid_url + "/item/get", json={}, timeout=60)
    assert response.json()["error_code"] == "MISSING_FIELDS"
    assert response.json()["error_message"].endswith("client_id, secret")


@pytest.mark.parametrize("content", [b"{", b"[]", b'"text"', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(sandbox: Any, content: bytes) -> None:
    response = httpx.post(sandbox.plaid_url + "/item/get", content=content, timeout=60)
    assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_BODY")


def test_an_unknown_path_is_plaids_not_found(plaid: PlaidClient) -> None:
    assert plaid.refused("/auth/get") == (404, "NOT_FOUND")


def test_every_error_carries_the_envelope(plaid: PlaidClient) -> None:
    body = plaid.post("/item/get", access_token="nonsense").json()
    assert body["error_type"] == "INVALID_INPUT"
    assert body["error_code"] == "INVALID_ACCESS_TOKEN"
    assert {"error_message", "display_message", "request_id", "documentation_url"} <= set(body)


def test_no_two_responses_share_a_request_id(plaid: PlaidClient) -> None:
    ids = [plaid.post("/item/get", access_token="nonsense").json()["request_id"] for _ in range(5)]
    assert len(set(ids)) == 5


# linking --------------------------------------------------------------------------------------------------


def test_every_person_described_can_be_linked(sandbox: Any, plaid: PlaidClient) -> None:
    people = sandbox.control.get("/people").json()["people"]
    assert [person["book"] for person in people] == ["household", "studio"]
    assert [person["alpaca"] for person in people] == [True, False]
    described = {login["username"]: login for person in people for login in person["logins"]}
    assert {
        name: (each["institution_id"], each["products"]) for name, each in described.items()
    } == ALL_LOGINS
    for username in described:
        token = plaid.link(username)
        item = plaid.ok("/item/get", access_token=token)["item"]
        assert item["institution_name"] == described[username]["institution_name"]
        assert sorted(item["products"]) == sorted(described[username]["products"])


def test_the_household_has_ten_accounts_at_plaid_and_the_studio_three(plaid: PlaidClient) -> None:
    found = {
        name: plaid.ok("/accounts/get", access_token=plaid.link(name))["accounts"] for name in ALL_LOGINS
    }
    studio = found.pop("rivera_studio")
    household = [account for accounts in found.values() for account in accounts]
    assert sorted(account["subtype"] for account in household) == sorted(
        [
            "checking",
            "checking",
            "savings",
            "hsa",
            "credit card",
            "credit card",
            "mortgage",
            "auto",
            "401k",
            "brokerage",
        ]
    )
    assert [account["holder_category"] for account in studio] == ["business"] * 3


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"institution_id": "ins_1"}, "INVALID_INSTITUTION"),
        ({"initial_products": []}, "MISSING_FIELDS"),
        ({"initial_products": "transactions"}, "INVALID_FIELD"),
        ({"initial_products": ["auth"]}, "INVALID_PRODUCT"),
        ({"initial_products": ["investments"]}, "NO_INVESTMENT_ACCOUNTS"),
        ({"initial_products": ["liabilities"]}, "NO_LIABILITY_ACCOUNTS"),
        ({"options": {"override_username": "nobody"}}, "INVALID_CREDENTIALS"),
        ({"options": {"override_password": "pass_bad"}}, "INVALID_CREDENTIALS"),
        ({"options": {"transactions": {"days_requested": 731}}}, "INVALID_FIELD"),
        ({"options": {"transactions": {"start_date": "soon"}}}, "INVALID_FIELD"),
        ({"options": []}, "INVALID_FIELD"),
    ],
)
def test_what_cannot_be_linked_is_refused(plaid: PlaidClient, changed: dict[str, Any], error: str) -> None:
    asked = {"institution_id": "ins_109509", "initial_products": ["transactions"], **changed}
    assert plaid.refused("/sandbox/public_token/create", **asked) == (400, error)


def test_transactions_are_not_supported_where_there_are_none(plaid: PlaidClient) -> None:
    asked = {"institution_id": "ins_109510", "initial_products": ["transactions"]}
    assert plaid.refused("/sandbox/public_token/create", **asked) == (400, "PRODUCTS_NOT_SUPPORTED")


def test_a_public_token_is_exchanged_once_and_expires(own_sandbox: Any, own_plaid: PlaidClient) -> None:
    asked = {"institution_id": "ins_109509", "initial_products": ["transactions"]}
    first, second = (own_plaid.ok("/sandbox/public_token/create", **asked)["public_token"] for _ in range(2))
    own_plaid.ok("/item/public_token/exchange", public_token=first)
    assert own_plaid.refused("/item/public_token/exchange", public_token=first) == (
        400,
        "INVALID_PUBLIC_TOKEN",
    )
    own_sandbox.clock.set("2026-03-16T12:31:00Z")
    assert own_plaid.refused("/item/public_token/exchange", public_token=second) == (
        400,
        "INVALID_PUBLIC_TOKEN",
    )


def test_a_removed_item_is_gone(plaid: PlaidClient) -> None:
    token = plaid.link("rivera_gingham")
    plaid.ok("/item/remove", access_token=token)
    assert plaid.refused("/accounts/get", access_token=token) == (400, "ITEM_NOT_FOUND")
    assert plaid.refused("/item/remove", access_token=token) == (400, "ITEM_NOT_FOUND")


def test_items_survive_a_restart(start_sandbox: Callable[..., Any], tmp_path: Path) -> None:
    with start_sandbox(tmp_path) as first:
        plaid = PlaidClient(first)
        token = plaid.link("rivera_tartan")
        page = plaid.ok("/transactions/sync", access_token=token, count=500)
        seen = plaid.post("/item/get", access_token="x").json()["request_id"]
    with start_sandbox(tmp_path) as second:
        plaid = PlaidClient(second)
        again = plaid.ok("/transactions/sync", access_token=token, count=500)
        assert {**again, "request_id": ""} == {**page, "request_id": ""}
        assert plaid.post("/item/get", access_token="x").json()["request_id"] != seen
        assert plaid.link("rivera_tartan") != token


# a login that breaks --------------------------------------------------------------------------------------


DATA_ENDPOINTS = [
    ("/accounts/get", {}),
    ("/accounts/balance/get", {}),
    ("/transactions/sync", {}),
    ("/investments/holdings/get", {}),
    ("/investments/transactions/get", {"start_date": "2026-01-01", "end_date": "2026-02-01"}),
]


def test_a_reset_login_stops_the_data_until_update_mode_mends_it(plaid: PlaidClient) -> None:
    token = plaid.link("rivera_houndstooth")
    assert plaid.ok("/sandbox/item/reset_login", access_token=token)["reset_login"] is True
    for path, body in DATA_ENDPOINTS:
        assert plaid.refused(path, access_token=token, **body) == (400, "ITEM_LOGIN_REQUIRED")
    assert plaid.ok("/item/get", access_token=token)["item"]["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"
    link = plaid.ok("/link/token/create", access_token=token, hosted_link={}, **LINK_REQUEST)
    page = httpx.get(link["hosted_link_url"], timeout=60)
    assert "Reconnect your bank" in page.text
    assert page.text.count('type="radio"') == 1
    httpx.post(
        link["hosted_link_url"], data={"username": "rivera_houndstooth"}, timeout=60
    ).raise_for_status()
    session = plaid.ok("/link/token/get", link_token=link["link_token"])["link_sessions"][0]
    assert session["results"]["item_add_results"] == []
    for path, body in DATA_ENDPOINTS:
        plaid.ok(path, access_token=token, **body)
    assert plaid.ok("/item/get", access_token=token)["item"]["error"] is None


def test_the_login_required_fault_is_played_as_often_as_asked(
    own_sandbox: Any, own_plaid: PlaidClient
) -> None:
    token = own_plaid.link("rivera_gingham")
    own_sandbox.fault("/plaid/accounts/get", "login_required", times=2)
    answers = [own_plaid.post("/accounts/get", access_token=token).status_code for _ in range(3)]
    assert answers == [400, 400, 200]


# hosted link ----------------------------------------------------------------------------------------------


LINK_REQUEST: dict[str, Any] = {
    "client_name": "Manna <&>",
    "language": "en",
    "country_codes": ["US"],
    "user": {"client_user_id": "household"},
}


def test_a_person_links_a_bank_on_the_hosted_page(plaid: PlaidClient) -> None:
    link = plaid.ok(
        "/link/token/create",
        products=["transactions"],
        required_if_supported_products=["liabilities"],
        optional_products=["investments"],
        transactions={"days_requested": 730},
        hosted_link={},
        **LINK_REQUEST,
    )
    assert plaid.ok("/link/token/get", link_token=link["link_token"])["link_sessions"] == []
    page = httpx.get(link["hosted_link_url"], timeout=60)
    assert page.headers["content-type"].startswith("text/html")
    assert "Manna &lt;&amp;&gt;" in page.text
    assert "rivera_tattersall" not in page.text  # it has no transactions
    done = httpx.post(link["hosted_link_url"], data={"username": "rivera_platypus"}, timeout=60)
    assert "You are connected." in done.text
    session = plaid.ok("/link/token/get", link_token=link["link_token"])["link_sessions"][0]
    result = session["results"]["item_add_results"][0]
    assert result["institution"] == {"institution_id": "ins_109508", "name": "First Platypus Bank"}
    assert [account["subtype"] for account in result["accounts"]] == ["checking", "credit card", "mortgage"]
    token = plaid.ok("/item/public_token/exchange", public_token=result["public_token"])["access_token"]
    assert plaid.ok("/item/get", access_token=token)["item"]["products"] == [
        "liabilities",
        "transactions",
    ]


def test_the_hosted_page_goes_back_where_it_was_told(plaid: PlaidClient) -> None:
    hosted = {"completion_redirect_uri": "https://example.com/done"}
    link = plaid.ok("/link/token/create", products=["transactions"], hosted_link=hosted, **LINK_REQUEST)
    answer = httpx.post(link["hosted_link_url"], data={"username": "rivera_studio"}, timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://example.com/done")


def test_the_hosted_page_says_what_is_wrong(own_sandbox: Any, own_plaid: PlaidClient) -> None:
    link = own_plaid.ok("/link/token/create", products=["transactions"], hosted_link={}, **LINK_REQUEST)
    url = link["hosted_link_url"]
    assert httpx.post(url, data={"username": "nobody"}, timeout=60).status_code == 400
    assert httpx.post(url, timeout=60).status_code == 400
    assert httpx.get(url + "x", timeout=60).status_code == 404
    own_sandbox.clock.set("2026-03-17T12:00:00Z")
    assert httpx.get(url, timeout=60).status_code == 410


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_name": None}, "MISSING_FIELDS"),
        ({"user": {}}, "MISSING_FIELDS"),
        ({"products": []}, "MISSING_FIELDS"),
        ({"products": ["auth"]}, "INVALID_PRODUCT"),
        ({"access_token": "access-sandbox-no"}, "INVALID_ACCESS_TOKEN"),
        ({"transactions": {"days_requested": 0}}, "INVALID_FIELD"),
    ],
)
def test_a_link_token_needs_its_fields(plaid: PlaidClient, changed: dict[str, Any], error: str) -> None:
    asked = {**LINK_REQUEST, "products": ["transactions"], **changed}
    assert plaid.refused("/link/token/create", **asked) == (400, error)


def test_without_hosted_link_there_is_no_page(plaid: PlaidClient) -> None:
    assert "hosted_link_url" not in plaid.ok("/link/token/create", products=["transactions"], **LINK_REQUEST)


def test_an_unknown_link_token_is_refused(plaid: PlaidClient) -> None:
    assert plaid.refused("/link/token/get", link_token="link-sandbox-no") == (400, "INVALID_LINK_TOKEN")


# webhooks -------------------------------------------------------------------------------------------------


Received = tuple[bytes, dict[str, str]]


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, list[Received]]]:
    """An address that takes webhooks, and what it took."""
    received: list[Received] = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((body, dict(self.headers)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Take) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", received
        finally:
            server.shutdown()
            thread.join()


def test_a_webhook_is_sent_and_signed_as_plaid_signs(own_sandbox: Any, own_plaid: PlaidClient) -> None:
    with receiver() as (url, received):
        token = own_plaid.link("rivera_gingham", webhook=url)
        fired = own_plaid.ok(
            "/sandbox/item/fire_webhook",
            access_token=token,
            webhook_type="TRANSACTIONS",
            webhook_code="SYNC_UPDATES_AVAILABLE",
        )
        assert fired["webhook_fired"] is True
    body, headers = received[0]
    sent = json.loads(body)
    item = own_plaid.ok("/item/get", access_token=token)
    assert (sent["webhook_code"], sent["item_id"]) == ("SYNC_UPDATES_AVAILABLE", item["item"]["item_id"])
    assert item["status"]["last_webhook"]["code_sent"] == "SYNC_UPDATES_AVAILABLE"
    signature = headers["Plaid-Verification"]
    key_id = jwt.get_unverified_header(signature)["kid"]
    key = own_plaid.ok("/webhook_verification_key/get", key_id=key_id)["key"]
    options = {"verify_iat": False}  # the sandbox's clock stands on another day than this machine's
    claims = jwt.decode(signature, jwt.PyJWK(key), algorithms=["ES256"], options=options)
    assert claims["request_body_sha256"] == hashlib.sha256(body).hexdigest()
    assert claims["iat"] == int(own_sandbox.clock().timestamp())


def test_hosted_link_tells_its_webhook_that_it_is_finished(plaid: PlaidClient) -> None:
    with receiver() as (url, received):
        link = plaid.ok(
            "/link/token/create", products=["transactions"], hosted_link={}, webhook=url, **LINK_REQUEST
        )
        httpx.post(link["hosted_link_url"], data={"username": "rivera_studio"}, timeout=60)
    sent = json.loads(received[0][0])
    assert (sent["webhook_code"], sent["status"]) == ("SESSION_FINISHED", "SUCCESS")
    plaid.ok("/item/public_token/exchange", public_token=sent["public_tokens"][0])


@pytest.mark.parametrize(
    "code", ["ERROR", "LOGIN_REPAIRED", "DEFAULT_UPDATE", "USER_ACCOUNT_REVOKED", "PENDING_DISCONNECT"]
)
def test_other_webhooks_can_be_fired(plaid: PlaidClient, code: str) -> None:
    with receiver() as (url, received):
        token = plaid.link("rivera_gingham", webhook=url)
        plaid.ok("/sandbox/item/fire_webhook", access_token=token, webhook_code=code)
    assert json.loads(received[0][0])["webhook_code"] == code


def test_a_webhook_nobody_takes_was_not_fired(plaid: PlaidClient) -> None:
    with receiver(status=500) as (url, _):
        token = plaid.link("rivera_gingham", webhook=url)
        answer = plaid.ok("/sandbox/item/fire_webhook", access_token=token, webhook_code="LOGIN_REPAIRED")
        assert answer["webhook_fired"] is False
    answer = plaid.ok("/sandbox/item/fire_webhook", access_token=token, webhook_code="LOGIN_REPAIRED")
    assert answer["webhook_fired"] is False


def test_an_address_for_webhooks_can_be_changed(plaid: PlaidClient) -> None:
    token = plaid.link("rivera_gingham", webhook="http://127.0.0.1:9/former")
    with receiver() as (url, received):
        answer = plaid.ok("/item/webhook/update", access_token=token, webhook=url)
        assert answer["item"]["webhook"] == url
        plaid.ok("/sandbox/item/fire_webhook", access_token=token, webhook_code="DEFAULT_UPDATE")
    told, fired = (json.loads(body) for body, _ in received)
    assert (told["webhook_code"], told["new_webhook_url"]) == ("WEBHOOK_UPDATE_ACKNOWLEDGED", url)
    assert fired["webhook_code"] == "DEFAULT_UPDATE"
    assert plaid.ok("/item/webhook/update", access_token=token, webhook=None)["item"]["webhook"] is None
    refused = {"access_token": token, "webhook": "nowhere"}
    assert plaid.refused("/item/webhook/update", **refused) == (400, "INVALID_FIELD")


def test_webhook_requests_that_make_no_sense_are_refused(plaid: PlaidClient) -> None:
    token = plaid.link("rivera_gingham")
    fire = {"access_token": token, "webhook_code": "DEFAULT_UPDATE"}
    assert plaid.refused("/sandbox/item/fire_webhook", **fire) == (400, "SANDBOX_WEBHOOK_INVALID")
    fire["webhook_code"] = "NO_SUCH_CODE"
    assert plaid.refused("/sandbox/item/fire_webhook", **fire) == (400, "INVALID_FIELD")
    unknown = (400, "INVALID_WEBHOOK_VERIFICATION_KEY_ID")
    assert plaid.refused("/webhook_verification_key/get", key_id="no") == unknown
