"""Rules: what meets them, which one decides, and what they would change."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from categorizing_examples import bank, transactions

from manna.books import Rule, complaints
from manna.categorizing.rules import first_rule, meets, try_rules, with_account

ACCOUNTS = pl.DataFrame(
    {
        "account_id": ["checking", "card"],
        "name": ["Joint Checking", "Cash Rewards"],
        "mask": ["0001", None],
        "type": ["depository", "credit"],
    }
)


def rule(**conditions: Any) -> Rule:
    return Rule.model_validate({"category": "Expenses:Rent", **conditions})


def rows(*given: dict[str, Any]) -> pl.DataFrame:
    return with_account(transactions(*given), ACCOUNTS)


@pytest.mark.parametrize(
    ("conditions", "row", "met"),
    [
        ({"description": "rent"}, {"description": "ACH RENT MARCH"}, True),
        ({"description": "^rent"}, {"description": "ACH RENT MARCH"}, False),
        ({"counterparty": "acme"}, {"merchant": "Acme Homes"}, True),
        ({"counterparty": "acme"}, {"merchant": None}, False),
        ({"account": "checking"}, {}, True),
        ({"account": "Joint Checking"}, {}, True),
        ({"account": "0001"}, {}, True),
        ({"account": "0001"}, {"account": "card"}, False),
        ({"account": "Cash Rewards"}, {"account": "elsewhere"}, False),
        ({"sign": "out"}, {}, True),
        ({"sign": "in"}, {}, False),
        ({"amount": {"at_least": 1850}}, {}, True),
        ({"amount": {"at_least": "1850.01"}}, {}, False),
        ({"amount": {"at_most": 1850}}, {}, True),
        ({"amount": {"at_most": "1849.99"}}, {}, False),
        ({"amount": {"at_least": 1800, "at_most": 1900}}, {}, True),
        ({"day": {"first": 10, "last": 10}}, {}, True),
        ({"day": {"first": 11, "last": 12}}, {}, False),
        ({"day": {"first": 28, "last": 3}}, {"on": 2}, True),
        ({"day": {"first": 28, "last": 3}}, {"on": 30}, True),
        ({"day": {"first": 28, "last": 3}}, {"on": 4}, False),
        ({"description": "rent", "sign": "in"}, {"description": "RENT"}, False),
    ],
)
def test_a_rule_is_met(conditions: dict[str, Any], row: dict[str, Any], met: bool) -> None:
    frame = rows(bank("t", "-1850", **row))
    assert frame.select(meets(rule(**conditions))).item() is met


def test_the_first_that_is_met_decides() -> None:
    frame = rows(bank("a", "-5"), bank("b", "-500"), bank("c", "5"))
    rules = [rule(amount={"at_least": 100}), rule(sign="out")]
    assert frame.select(first_rule(rules)).to_series().to_list() == [1, 0, None]
    assert frame.select(first_rule([])).to_series().to_list() == [None]


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        ({}, "without a condition"),
        ({"description": "("}, "not a regular expression"),
        ({"counterparty": "(?=x)"}, "not a regular expression"),
        ({"amount": {}}, "say at_least"),
        ({"amount": {"at_least": 5, "at_most": 4}}, "more than"),
        ({"day": {"first": 0, "last": 3}}, "greater than or equal to 1"),
        ({"weekday": "monday"}, "Extra inputs"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(conditions: dict[str, Any], why: str) -> None:
    book = {"id": "home", "name": "Home", "rules": [{"category": "Expenses:Rent", **conditions}]}
    [complaint] = complaints(book)
    assert why in complaint


def test_a_rule_in_words() -> None:
    said = rule(description="rent", amount={"at_least": 1800}, day={"first": 1, "last": 5}).wording
    assert said == "description rent, amount at least 1800, day first 1 last 5"


def test_what_rules_would_change_in_rows_and_in_money() -> None:
    frame = rows(bank("a", "-5"), bank("b", "-500"), bank("c", "-7"), bank("d", "-8"))
    categories = pl.DataFrame(
        {
            "transaction_id": ["a", "b", "c", "d"],
            "category": ["Expenses:Coffee", "Expenses:Rent", "Expenses:Coffee", "Expenses:Tea"],
            "source": ["plaid", "plaid", "override", "none"],
        }
    )
    found = try_rules([rule(amount={"at_least": 100}), rule(sign="out"), rule(sign="in")], frame, categories)
    assert found.select("rule", "matched", "decided", "from_category", "changed", "amount").rows() == [
        (1, 1, 1, None, 0, None),
        (2, 4, 3, "Expenses:Coffee", 1, Decimal(-5)),
        (2, 4, 3, "Expenses:Tea", 1, Decimal(-8)),
        (3, 0, 0, None, 0, None),
    ]
    assert try_rules([], frame, categories).is_empty()
