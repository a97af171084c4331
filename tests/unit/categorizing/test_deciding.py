"""Who decides: a person, the book's rules, a matched transfer, Plaid, nobody."""

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from categorizing_examples import bank, facts

from manna.book_sections import CHART_PATTERN
from manna.books import Book
from manna.categorizing import between_books, categorize, settle
from manna.categorizing.categories import CONFIDENCE, TRANSFERS, plaid_category
from manna.categorizing.deciding import PREDICTIONS
from manna.contracts import categorized as contract

TAXONOMY = (
    Path(__file__).resolve().parents[3]
    / ".."
    / "shared"
    / "reference"
    / "plaid"
    / "personal_finance_categories.csv"
)
GROCERIES = {
    "plaid_primary": "FOOD_AND_DRINK",
    "plaid_detailed": "FOOD_AND_DRINK_GROCERIES",
    "plaid_confidence": "HIGH",
}
MOVED = {"plaid_primary": "TRANSFER_OUT", "plaid_detailed": "TRANSFER_OUT_SAVINGS"}


def book(*rules: dict[str, Any]) -> Book:
    return Book.model_validate({"id": "home", "name": "Home", "rules": list(rules)})


def decided(
    of: Book, *rows: dict[str, Any], by_hand: dict[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    found = categorize(settle(facts(of, *rows, by_hand=by_hand))).transactions
    assert contract.TRANSACTIONS.violations(found).list.len().sum() == 0
    assert found["transaction_id"].to_list() == [row["transaction_id"] for row in rows if not row["removed"]]
    return {row["transaction_id"]: row for row in found.to_dicts()}


RULE = {"description": "acme", "category": "Expenses:Rule"}


@pytest.mark.parametrize(
    ("row", "by_hand", "expected"),
    [
        ({}, {}, ("Expenses:Uncategorized", "none", Decimal(0), "nobody knows yet")),
        ({"amount": Decimal(5)}, {}, ("Income:Uncategorized", "none", Decimal(0), "nobody knows yet")),
        (
            GROCERIES,
            {},
            ("Expenses:Food and Drink:Groceries", "plaid", Decimal("0.9"), "Plaid: FOOD_AND_DRINK_GROCERIES"),
        ),
        (
            GROCERIES | {"amount": Decimal(5)},
            {},
            ("Expenses:Food and Drink:Groceries", "plaid", Decimal("0.9"), "Plaid: FOOD_AND_DRINK_GROCERIES"),
        ),
        (
            GROCERIES | {"plaid_confidence": "NEW"},
            {},
            ("Expenses:Food and Drink:Groceries", "plaid", Decimal("0.2"), None),
        ),
        (
            GROCERIES | {"plaid_confidence": None},
            {},
            ("Expenses:Food and Drink:Groceries", "plaid", Decimal("0.2"), None),
        ),
        (
            GROCERIES | {"description": "ACME INC"},
            {},
            ("Expenses:Rule", "rule", Decimal(1), "rule: description acme"),
        ),
        (
            GROCERIES | {"description": "ACME INC"},
            {"t": "Assets:Loan to Bob"},
            ("Assets:Loan to Bob", "override", Decimal(1), "decided by ana"),
        ),
        (
            {"plaid_primary": "OTHER", "plaid_detailed": "OTHER_OTHER"},
            {},
            ("Expenses:Uncategorized", "none", 0, None),
        ),
    ],
)
def test_the_first_that_knows_decides(
    row: dict[str, Any], by_hand: dict[str, str], expected: tuple[str, str, Decimal, str | None]
) -> None:
    found = decided(book(RULE), bank("t", "-20", description="x") | row, by_hand=by_hand)["t"]
    category, source, confidence, reason = expected
    assert (found["category"], found["source"], found["confidence"]) == (category, source, confidence)
    assert reason in (None, found["reason"])


@pytest.mark.parametrize(
    ("rule", "row", "matches"),
    [
        ({}, {}, True),
        ({"description": "^acme"}, {"description": "the acme"}, False),
        ({"description": "foo|ACME"}, {}, True),
        ({"description": "a.me"}, {}, True),
        ({"description": "ácme"}, {"description": "ÁCME"}, True),
        ({"sign": "out"}, {}, True),
        ({"sign": "in"}, {}, False),
        ({"sign": "in"}, {"amount": Decimal(5)}, True),
        ({"sign": "out"}, {"amount": Decimal(0)}, False),
        ({"account": "checking"}, {}, True),
        ({"account": "card"}, {}, False),
        ({"account": "checking", "sign": "in"}, {}, False),
    ],
)
def test_every_condition_of_a_rule_counts(rule: dict[str, Any], row: dict[str, Any], matches: bool) -> None:
    found = decided(book(RULE | rule), bank("t", "-20", description="Acme Inc") | row)["t"]
    assert (found["source"] == "rule") is matches


def test_the_first_rule_that_matches_counts() -> None:
    rules = ({"description": "nothing", "category": "Expenses:A"}, RULE, RULE | {"category": "Expenses:B"})
    assert decided(book(*rules), bank("t", "-20", description="acme"))["t"]["category"] == "Expenses:Rule"


def test_a_transfer_is_stronger_than_plaid_and_weaker_than_people() -> None:
    rows = (bank("o", "-20", **MOVED), bank("i", "20", 11, "savings", plaid_primary="INCOME"))
    found = decided(book(RULE), *rows)
    assert {row["category"] for row in found.values()} == {TRANSFERS}
    assert {row["source"] for row in found.values()} == {"transfer"}
    assert found["o"]["transfer_id"] == found["i"]["transfer_id"]
    assert found["o"]["confidence"] == Decimal("0.99")
    assert found["i"]["reason"] == "opposite amount on an own account 1 days apart"

    by_hand = decided(book(RULE), *rows, by_hand={"i": "Income:Gifts"})
    assert by_hand["i"]["source"] == "override"
    assert (by_hand["o"]["source"], by_hand["o"]["transfer_id"]) == ("plaid", None)
    assert by_hand["o"]["category"] == TRANSFERS

    ruled = decided(book({"description": "whatever", "category": "Expenses:Rule"}), *rows)
    assert {row["source"] for row in ruled.values()} == {"rule"}


def test_removed_rows_are_left_out_and_pending_ones_are_not() -> None:
    found = decided(book(), bank("gone", "-20", removed=True), bank("soon", "-20", pending=True))
    assert list(found) == ["soon"]


def test_an_override_of_what_is_not_there_changes_nothing() -> None:
    assert decided(book(), bank("t", "-20"), by_hand={"elsewhere": "Expenses:A"})["t"]["source"] == "none"


def says(transaction_id: str, category: str, probability: float, *, certain: bool) -> pl.DataFrame:
    row = [(transaction_id, category, probability, certain, "because")]
    return pl.DataFrame(row, schema=PREDICTIONS, orient="row")


@pytest.mark.parametrize(
    ("memory", "model", "plaid", "expected"),
    [
        ((0.9, True), (0.99, True), "VERY_HIGH", ("memory", True)),
        (None, (0.99, True), "VERY_HIGH", ("model", True)),
        ((0.6, False), (0.99, True), "VERY_HIGH", ("model", True)),
        ((0.6, False), (0.7, False), "VERY_HIGH", ("plaid", True)),
        ((0.6, False), (0.7, False), "HIGH", ("memory", False)),
        (None, (0.7, False), "HIGH", ("model", False)),
        (None, None, "HIGH", ("plaid", False)),
    ],
)
def test_what_is_certain_comes_first_then_the_order_of_the_sources(
    memory: tuple[float, bool] | None,
    model: tuple[float, bool] | None,
    plaid: str,
    expected: tuple[str, bool],
) -> None:
    known = {
        name: says("t", f"Expenses:{name}", said[0], certain=said[1])
        for name, said in (("memory", memory), ("model", model))
        if said is not None
    }
    settled = settle(facts(book(), bank("t", "-20", **GROCERIES | {"plaid_confidence": plaid})))
    [row] = categorize(settled, **known).transactions.rows(named=True)
    assert (row["source"], row["certain"]) == expected


def test_a_split_has_its_rows_and_a_split_that_does_not_sum_any_more_has_none() -> None:
    divided = [{"category": "Expenses:A", "amount": "-12"}, {"category": "Expenses:B"}]
    given = facts(book(), bank("t", "-20"), by_hand={"t": "Expenses:A"}, divided={"t": divided})
    found = categorize(settle(given)).splits
    assert found.select("position", "category", "amount").rows() == [
        (1, "Expenses:A", Decimal(-12)),
        (2, "Expenses:B", Decimal(-8)),
    ]
    assert contract.SPLITS.violations(found).list.len().sum() == 0
    changed = facts(book(), bank("t", "-12"), by_hand={"t": "Expenses:A"}, divided={"t": divided})
    assert categorize(settle(changed)).splits.is_empty()


FIRM = {"description": "ONLINE TRANSFER"}


@pytest.mark.parametrize(
    ("amount", "in_home", "in_firm"),
    [
        ("-500", "Equity:Contributions to Studio", "Equity:Owner's Contributions"),
        ("500", "Equity:Received from Studio", "Equity:Owner's Draws"),
    ],
)
def test_money_between_two_books_of_one_taxpayer_is_a_draw_or_a_contribution(
    amount: str, in_home: str, in_firm: str
) -> None:
    home = Book.model_validate({"id": "home", "name": "Home", "taxpayer": "ana"})
    firm = Book.model_validate({"id": "studio", "name": "Studio", "taxpayer": "ana", "kind": "proprietor"})
    other = str(-Decimal(amount))
    settled = [
        settle(facts(home, bank("h", amount, **FIRM))),
        settle(facts(firm, bank("s", other, 11, "firm", book="studio", **FIRM))),
    ]
    between = between_books(settled)
    assert between.height == 1
    found = [categorize(one, between=between, books=[home, firm]) for one in settled]
    rows = [one.transactions.row(0, named=True) for one in found]
    assert [row["category"] for row in rows] == [in_home, in_firm]
    assert {row["source"] for row in rows} == {"transfer"}
    assert {row["transfer_id"] for row in rows} == {None}  # not in transit: it has left the book
    assert sum(one.transfers.height for one in found) == 1


def test_no_rows_are_no_rows() -> None:
    assert decided(book(RULE)) == {}


@pytest.mark.parametrize(
    ("primary", "detailed", "category"),
    [
        (None, None, None),
        ("OTHER", "OTHER_OTHER", None),
        ("INCOME", "INCOME_SALARY", "Income:Salary"),
        ("INCOME", "INCOME_INTEREST_EARNED", "Income:Interest"),
        ("INCOME", None, "Income:Other"),
        ("TRANSFER_IN", "TRANSFER_IN_DEPOSIT", TRANSFERS),
        ("LOAN_DISBURSEMENTS", "LOAN_DISBURSEMENTS_AUTO", TRANSFERS),
        ("LOAN_PAYMENTS", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT", TRANSFERS),
        ("LOAN_PAYMENTS", "LOAN_PAYMENTS_MORTGAGE_PAYMENT", "Expenses:Loan Payments:Mortgage Payment"),
        ("ENTERTAINMENT", "ENTERTAINMENT_TV_AND_MOVIES", "Expenses:Entertainment:TV and Movies"),
        ("BANK_FEES", "BANK_FEES_ATM_FEES", "Expenses:Bank Fees:ATM Fees"),
        ("BRAND_NEW", "SOMETHING_ELSE", "Expenses:Brand New:Something Else"),
    ],
)
def test_plaids_categories_are_accounts(
    primary: str | None, detailed: str | None, category: str | None
) -> None:
    assert plaid_category(primary, detailed) == category


def test_every_category_of_the_taxonomy_is_an_account() -> None:
    if not TAXONOMY.exists():
        pytest.skip("Plaid's category file is not beside the checkout (../shared/reference)")
    with TAXONOMY.open(encoding="utf-8-sig", newline="") as file:
        cells = [line[n : n + 2] for line in csv.reader(file) for n in range(len(line) - 1)]
    # Two versions stand side by side, between headings and notes: a category begins with its primary.
    pairs = {(of, name) for of, name in cells if re.fullmatch("[A-Z_]+", of) and name.startswith(f"{of}_")}
    found = {pair: plaid_category(*pair) for pair in pairs}
    assert len(found) > 100
    nowhere = {pair for pair, category in found.items() if category is None}
    assert {of for of, _ in nowhere} <= {"OTHER"}
    assert all(re.match(CHART_PATTERN, category) for category in found.values() if category is not None)
    spent = [category for (of, _), category in found.items() if category and category.startswith("Expenses")]
    assert len(set(spent)) == len(spent)


def test_plaids_words_of_confidence_are_between_none_and_certain() -> None:
    assert list(CONFIDENCE.values()) == sorted(CONFIDENCE.values(), reverse=True)
    assert all(0 < value < 1 for value in CONFIDENCE.values())
