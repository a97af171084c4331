"""Every endpoint's responses and errors, held against Plaid's official OpenAPI document."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from plaid_client import ALL_LOGINS, PlaidClient

DOCUMENT = (
    Path(__file__).resolve().parents[3] / ".." / "shared" / "reference" / "plaid" / "openapi-2020-09-14.yml"
)
Schema = dict[str, Any]

FORMATS = jsonschema.FormatChecker(["date"])
FORMATS.checks("date-time", ValueError)(
    lambda text: not isinstance(text, str) or datetime.fromisoformat(text)
)


class Official:
    """The document, as schemas that a JSON Schema validator understands."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._validators: dict[tuple[str, bool], jsonschema.Draft202012Validator] = {}

    def check(self, path: str, body: Schema, *, error: bool = False) -> None:
        """Fail with every violation of the schema of this path's answer (or error)."""
        if (path, error) not in self._validators:
            answers = self._document["paths"][path]["post"]["responses"]
            schema = answers["default" if error else "200"]["content"]["application/json"]["schema"]
            self._validators[path, error] = self._validator(schema)
        violations = [
            f"{each.json_path}: {each.message[:200]}"
            for each in self._validators[path, error].iter_errors(body)
        ]
        assert not violations, f"{path}: {violations[:10]}"

    def _validator(self, schema: Schema) -> jsonschema.Draft202012Validator:
        used: dict[str, Schema] = {}
        converted = self._convert(schema, used)
        return jsonschema.Draft202012Validator({**converted, "$defs": used}, format_checker=FORMATS)

    def _convert(self, node: Any, used: dict[str, Schema]) -> Any:
        """OpenAPI 3.0 to JSON Schema: `nullable` becomes a type, a reference points into `$defs`."""
        if isinstance(node, list):
            return [self._convert(each, used) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            if name not in used:
                used[name] = {}  # before the descent: schemas may be recursive
                used[name] = self._convert(self._document["components"]["schemas"][name], used)
            return {"$ref": f"#/$defs/{name}"}
        converted = {
            key: self._convert(value, used)
            for key, value in node.items()
            if key not in ("nullable", "example")
        }
        return {"anyOf": [converted, {"type": "null"}]} if node.get("nullable") is True else converted


@pytest.fixture(scope="session")
def official() -> Official:
    if not DOCUMENT.exists():
        pytest.skip("Plaid's OpenAPI document is not beside the checkout (../shared/reference/plaid)")
    return Official(yaml.load(DOCUMENT.read_text(), yaml.CSafeLoader))


@pytest.fixture(scope="module")
def plaid(sandbox: Any) -> PlaidClient:
    return PlaidClient(sandbox)


@pytest.fixture(scope="module")
def tokens(plaid: PlaidClient) -> dict[str, str]:
    return {username: plaid.link(username) for username in ALL_LOGINS}


def test_a_wrong_answer_would_be_found(official: Official) -> None:
    with pytest.raises(AssertionError, match="added"):
        official.check("/transactions/sync", {"added": {}})


@pytest.mark.parametrize("username", ALL_LOGINS)
def test_answers_about_an_item(
    official: Official, plaid: PlaidClient, tokens: dict[str, str], username: str
) -> None:
    token, products = tokens[username], ALL_LOGINS[username][1]
    for path in ("/accounts/get", "/accounts/balance/get", "/item/get"):
        official.check(path, plaid.ok(path, access_token=token))
    if "transactions" in products:
        for page in plaid.pages(token, include_original_description=True):
            official.check("/transactions/sync", page)
    if "liabilities" in products:
        official.check("/liabilities/get", plaid.ok("/liabilities/get", access_token=token))
    if "investments" in products:
        official.check("/investments/holdings/get", plaid.ok("/investments/holdings/get", access_token=token))
        span = {"start_date": "2024-01-01", "end_date": "2026-12-31", "options": {"count": 500}}
        path = "/investments/transactions/get"
        official.check(path, plaid.ok(path, access_token=token, **span))


def test_modified_and_removed_rows(official: Official, own_sandbox: Any) -> None:
    plaid = PlaidClient(own_sandbox)
    token = plaid.link("rivera_tartan")
    cursor, kinds = plaid.pages(token)[-1]["next_cursor"], set()
    for day in range(17, 31):
        own_sandbox.clock.set(f"2026-03-{day}T20:00:00Z")
        for page in plaid.pages(token, cursor):
            official.check("/transactions/sync", page)
            kinds |= {kind for kind in ("added", "modified", "removed") if page[kind]}
            cursor = page["next_cursor"]
    assert kinds == {"added", "modified", "removed"}


def test_linking_breaking_and_removing(official: Official, plaid: PlaidClient) -> None:
    asked = {"institution_id": "ins_109509", "initial_products": ["transactions"]}
    created = plaid.ok("/sandbox/public_token/create", **asked)
    official.check("/sandbox/public_token/create", created)
    exchanged = plaid.ok("/item/public_token/exchange", public_token=created["public_token"])
    official.check("/item/public_token/exchange", exchanged)
    token = exchanged["access_token"]
    official.check("/sandbox/item/reset_login", plaid.ok("/sandbox/item/reset_login", access_token=token))
    official.check("/item/get", plaid.ok("/item/get", access_token=token))
    official.check("/item/remove", plaid.ok("/item/remove", access_token=token))


def test_link_tokens(official: Official, plaid: PlaidClient) -> None:
    asked = {
        "client_name": "Manna",
        "language": "en",
        "country_codes": ["US"],
        "user": {"client_user_id": "u"},
    }
    link = plaid.ok("/link/token/create", products=["transactions"], hosted_link={}, **asked)
    official.check("/link/token/create", link)
    official.check("/link/token/get", plaid.ok("/link/token/get", link_token=link["link_token"]))
    httpx.post(link["hosted_link_url"], data={"username": "rivera_platypus"}, timeout=60).raise_for_status()
    found = plaid.ok("/link/token/get", link_token=link["link_token"])
    assert found["link_sessions"]
    official.check("/link/token/get", found)


def test_webhooks(official: Official, sandbox: Any, plaid: PlaidClient) -> None:
    token = plaid.link("rivera_gingham", webhook="http://127.0.0.1:9/")
    fired = plaid.ok("/sandbox/item/fire_webhook", access_token=token, webhook_code="DEFAULT_UPDATE")
    official.check("/sandbox/item/fire_webhook", fired)
    moved = plaid.ok("/item/webhook/update", access_token=token, webhook="http://127.0.0.1:9/new")
    official.check("/item/webhook/update", moved)
    from sandbox.plaid.webhooks import signing_key

    key_id, _ = signing_key(_KeyOnly(sandbox.credentials))  # type: ignore[arg-type]
    key = plaid.ok("/webhook_verification_key/get", key_id=key_id)
    official.check("/webhook_verification_key/get", key)


class _KeyOnly:
    def __init__(self, credentials: dict[str, str]) -> None:
        self.credentials = credentials


def test_every_endpoints_error(official: Official, plaid: PlaidClient) -> None:
    from sandbox.plaid import ENDPOINTS

    for path in ENDPOINTS:
        for body in ({"secret": "wrong"}, {}):
            response = plaid.post(path, **body)
            assert response.status_code == 400, path
            official.check(path, response.json(), error=True)
            assert response.json()["error_type"] in ("INVALID_REQUEST", "INVALID_INPUT")


def test_categories_are_plaids_own(plaid: PlaidClient, tokens: dict[str, str]) -> None:
    table = DOCUMENT.parent / "personal_finance_categories.csv"
    if not table.exists():
        pytest.skip("Plaid's category table is not beside the checkout (../shared/reference/plaid)")
    lines = [line.split(",") for line in table.read_text(encoding="utf-8").splitlines()[2:]]
    official = {
        "v2": {(line[0], line[1]) for line in lines},
        "v1": {(line[3], line[4]) for line in lines if len(line) > 4},
    }
    official["v1"] |= {
        ("TRANSFER_IN", "TRANSFER_IN_OTHER_TRANSFER_IN"),
        ("TRANSFER_OUT", "TRANSFER_OUT_OTHER_TRANSFER_OUT"),
    }
    for version, known in official.items():
        for username in ("rivera_platypus", "rivera_gingham", "rivera_tartan", "rivera_studio"):
            for page in plaid.pages(tokens[username], personal_finance_category_version=version):
                told = {
                    (
                        row["personal_finance_category"]["primary"],
                        row["personal_finance_category"]["detailed"],
                    )
                    for row in page["added"]
                }
                assert told <= known, f"{version}: {sorted(told - known)}"


def test_dates_are_days(plaid: PlaidClient, tokens: dict[str, str]) -> None:
    for page in plaid.pages(tokens["rivera_studio"]):
        for row in page["added"]:
            assert date.fromisoformat(row["authorized_date"]) <= date.fromisoformat(row["date"])
            json.dumps(row)
