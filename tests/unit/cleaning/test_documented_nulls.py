"""Whatever Plaid's document allows to be null may be null: the row still comes out."""

from typing import Any

import pytest
import yaml
from cleaning_examples import EXAMPLES, REFERENCE, cleaned, raw_rows

SCHEMAS = {
    "AccountBase": ("plaid_accounts", "clean.accounts"),
    "AccountBalance": ("plaid_accounts", "clean.balances"),
    "Transaction": ("plaid_transactions", "clean.transactions"),
    "Security": ("plaid_securities", "clean.securities"),
    "Holding": ("plaid_holdings", "clean.holdings"),
    "InvestmentTransaction": ("plaid_investment_transactions", "clean.trades"),
    "CreditCardLiability": ("plaid_liabilities", "clean.liabilities"),
    "MortgageLiability": ("plaid_liabilities", "clean.liabilities"),
    "MortgageInterestRate": ("plaid_liabilities", "clean.liabilities"),
    "StudentLoan": ("plaid_liabilities", "clean.liabilities"),
}
MORTGAGE: dict[str, Any] = {
    "account_id": "checking",
    "interest_rate": {"percentage": 3.99, "type": "fixed"},
    "last_payment_amount": 3141.54,
    "last_payment_date": "2026-02-01",
    "next_monthly_payment": 3141.54,
    "next_payment_due_date": "2026-04-01",
    "past_due_amount": 2304,
}
STUDENT: dict[str, Any] = {
    "account_id": "checking",
    "interest_rate_percentage": 5.25,
    "is_overdue": False,
    "last_payment_amount": 138.05,
    "last_payment_date": "2026-02-22",
    "minimum_payment_amount": 25,
    "next_payment_due_date": "2026-04-28",
}
PAYLOADS = {
    "MortgageLiability": ("mortgage:checking", MORTGAGE),
    "MortgageInterestRate": ("mortgage:checking", MORTGAGE),
    "StudentLoan": ("student:checking", STUDENT),
}
INSIDE = {"AccountBalance": "balances", "MortgageInterestRate": "interest_rate"}
"""Schemas that are a part of the payload, and where they stand in it."""
REFUSED = {
    ("Transaction", "iso_currency_code"): "currency is missing",
    ("AccountBalance", "iso_currency_code"): "its account is unknown or quarantined; currency is missing",
    ("Security", "iso_currency_code"): "currency is missing",
    ("Holding", "iso_currency_code"): "currency is missing",
    ("InvestmentTransaction", "iso_currency_code"): "currency is missing",
    ("CreditCardLiability", "account_id"): "account_id is missing",
    ("StudentLoan", "account_id"): "account_id is missing",
}
"""One of the two currency codes is always given, and of no account nothing can be said."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    path = REFERENCE / "plaid" / "openapi-2020-09-14.yml"
    if not path.exists():
        pytest.skip("Plaid's OpenAPI document is not beside the checkout (../shared/reference)")
    with path.open() as file:
        loaded: dict[str, Any] = yaml.load(file, yaml.CSafeLoader)["components"]["schemas"]
    return loaded


def nullable(document: dict[str, Any], name: str) -> set[str]:
    """The properties of a schema, and of those it is composed of, that may be null."""
    found: set[str] = set()
    schema = document[name]
    for part in (schema, *schema.get("allOf", ())):
        if "$ref" in part:
            found |= nullable(document, part["$ref"].rpartition("/")[2])
        for key, value in part.get("properties", {}).items():
            target = document[value["$ref"].rpartition("/")[2]] if "$ref" in value else value
            if value.get("nullable") or target.get("nullable"):
                found.add(key)
    return found


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_documented_null_costs_no_row(document: dict[str, Any], schema: str) -> None:
    table, address = SCHEMAS[schema]
    source_id, payload = PAYLOADS.get(schema, EXAMPLES[table][1:3])
    inside = INSIDE.get(schema)
    holder = payload[inside] if inside else payload
    fields = nullable(document, schema)
    assert fields & set(holder)
    for field in sorted(fields):
        nulled = holder | {field: None}
        changed = payload | {inside: nulled} if inside else nulled
        found = cleaned(address, **{table: raw_rows(table, {"payload": changed, "source_id": source_id})})
        expected = [REFUSED[schema, field]] if (schema, field) in REFUSED else []
        assert found.quarantined["reasons"].to_list() == expected, field
