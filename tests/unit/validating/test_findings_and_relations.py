"""The shape of a finding, what holds reports, and tables beside those they refer to."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from validating_examples import day, rows, transaction, transactions

from manna.contracts import CONTRACTS
from manna.contracts.findings import FINDINGS
from manna.validating.everything import SOURCES, findings
from manna.validating.finding import Finding, as_rows, reasons_to_hold
from manna.validating.relations import referred, related

ONE = {"book": "home", "kind": "price_jump", "severity": "warning", "subject": "XYZ", "message": "far"}


def finding(**more: Any) -> Finding:
    return Finding(**{**ONE, "since": day("03-10"), "until": day("03-11"), "rows": ("b", "a")} | more)


def test_the_same_thing_found_again_is_the_same_finding() -> None:
    again = finding(message="in other words", severity="critical", amount=Decimal(1), rows=("a", "b"))
    assert again.finding_id == finding().finding_id
    others = [
        {"book": "shop"},
        {"kind": "history_gap"},
        {"subject": "ABC"},
        {"until": day("03-12")},
        {"rows": ()},
    ]
    assert len({finding(**other).finding_id for other in others} | {finding().finding_id}) == 6


def test_findings_are_rows_of_their_contract() -> None:
    frame = as_rows([finding(amount=Decimal("1.5"), currency="USD"), finding(), finding(book="shop")])
    assert frame["book"].to_list() == ["home", "shop"]
    assert frame["row_ids"].to_list() == ["a,b", "a,b"]
    assert FINDINGS.violations(frame).list.len().sum() == 0
    assert as_rows([]).equals(FINDINGS.empty())


@pytest.mark.parametrize(
    ("kind", "held"), [("doubled_account", [date(2026, 3, 1), date(2026, 4, 1)]), ("price_jump", [])]
)
def test_a_doubled_account_holds_its_month_and_all_later_ones(kind: str, held: list[date]) -> None:
    months = [date(2026, month, 1) for month in (2, 3, 4)]
    found = reasons_to_hold(as_rows([finding(kind=kind)]), months)
    assert found == {month: ["far"] for month in held}


def test_all_is_looked_for_at_once_and_nothing_in_nothing() -> None:
    empty = {address: CONTRACTS[address].empty() for address in SOURCES}
    assert findings(empty, [], {}, {}).is_empty()
    twins = transactions(transaction("a", "03-10", -40), transaction("b", "03-10", -40))
    found = findings(empty | {"clean.transactions": twins}, [], {}, {})
    assert found["kind"].to_list() == ["possible_duplicate"]


def test_a_row_stands_beside_the_account_it_refers_to() -> None:
    assert referred(CONTRACTS["clean.trades"]) == ("clean.accounts", "clean.securities")
    moves = transactions(transaction("a", "03-10", 1), transaction("b", "03-10", 1, account_id="nobody"))
    accounts = rows("accounts", {"account_id": "a", "currency": "EUR"})
    found = related(CONTRACTS["clean.transactions"], moves, {"clean.accounts": accounts})
    assert found.keys == {"account_id": ["a"]}
    assert found.pairs == (("book", "book of its account"), ("currency", "currency of its account"))
    assert found.rows.select("book of its account", "currency of its account").rows() == [
        ("home", "EUR"),
        (None, None),
    ]
    assert found.rows["transaction_id"].to_list() == ["a", "b"]
