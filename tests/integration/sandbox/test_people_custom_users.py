"""Plaid's custom-user files: accepted as published, and refused with one clear message when malformed."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.market import Market
from sandbox.people import PeopleError, Person, load_people
from sandbox.people.category_guess import guess_description
from sandbox.people.custom_users import slug
from sandbox.people.investments import InvestmentAccount
from sandbox.people.model import Account
from sandbox.people.rows import primary_category

PUBLISHED = (
    Path(__file__).resolve().parents[3] / ".." / "shared" / "reference" / "plaid" / "sandbox_custom_users"
)
START = date(2024, 11, 21)
NOW = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
CHECKING: dict[str, Any] = {"type": "depository", "subtype": "checking"}


def load(path: Path) -> list[Person]:
    people = load_people(path, START, 7, Market(7, START))
    for person in people:
        person.advance(NOW)
    return people


def account_of(tmp_path: Path, **override: Any) -> Account:
    """The only account of a person whose file says `override`."""
    file = tmp_path / "someUser.json"
    file.write_text(json.dumps({"override_accounts": [override]}))
    [person] = load(file)
    [login] = person.logins
    [account] = login.accounts
    return account


def refusal(tmp_path: Path, content: object) -> str:
    file = tmp_path / "someUser.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(PeopleError) as caught:
        load(file)
    assert str(caught.value).startswith(str(file))
    return str(caught.value)


def published(name: str) -> Path:
    path = PUBLISHED / name
    if not path.exists():
        pytest.skip("Plaid's custom users are not beside the checkout (../shared/reference/plaid)")
    return path


# the published files --------------------------------------------------------------------------------------


def test_the_whole_published_folder_is_served() -> None:
    people = load(published(""))
    assert len(people) == 11  # of 13: the blank template and the payroll-only user have nothing to serve
    for person in people:
        [login] = person.logins
        assert login.username == person.book
        assert login.accounts
        for account in login.accounts:
            assert account.describe(NOW)["account_id"] == account.account_id


def test_a_published_file_keeps_its_rows() -> None:
    path = published("income/welderTestUser.json")
    [person] = load(path)
    assert (person.book, person.book_name) == ("welder-test-user", "Welder test user")
    [account] = person.logins[0].accounts
    given = json.loads(path.read_text())["override_accounts"][0]["transactions"]
    posted = [event.row for event in account.events if event.kind == "added" and not event.row["pending"]]
    told = sorted((row["date"], row["authorized_date"], row["name"], float(row["amount"])) for row in posted)
    assert told == sorted(
        (t["date_posted"], t["date_transacted"], t["description"], float(t["amount"])) for t in given
    )
    assert account.balances(NOW)[1] == Decimal("110.00")  # Plaid's own default for a checking account


def test_a_published_card_has_its_liability() -> None:
    [person] = load(published("liabilities/credit_card_custom_user.json"))
    [card] = person.logins[0].accounts
    assert card.balances(NOW) == (Decimal("8754.33"), Decimal("1245.67"))
    kind, record = card.liability(NOW) or ("", {})
    assert kind == "credit"
    assert {each["apr_type"]: each["apr_percentage"] for each in record["aprs"]} == {
        "purchase_apr": Decimal("16.99"),
        "cash_apr": Decimal("24.99"),
        "balance_transfer_apr": Decimal("18.99"),
        "special": 0,
    }
    assert (record["last_payment_amount"], record["minimum_payment_amount"]) == (250, 35)
    assert person.logins[0].products == ("transactions", "liabilities")


def test_a_published_student_loan_is_repaid() -> None:
    [person] = load(published("liabilities/student_loan_custom_user.json"))
    [loan] = person.logins[0].accounts
    kind, record = loan.liability(NOW) or ("", {})
    assert kind == "student"
    assert record["origination_principal_amount"] == 45123
    assert record["expected_payoff_date"] == "2033-01-01"
    assert record["next_payment_due_date"] == "2026-12-01"
    balance = loan.balances(NOW)[1]
    assert 20000 < balance < 45123
    assert loan.balances(NOW + timedelta(days=31))[1] < balance
    assert loan.balances(datetime(2040, 1, 1, tzinfo=UTC))[1] == 0
    assert person.logins[0].products == ("liabilities",)


def test_published_income_arrives_every_month() -> None:
    [person] = load(published("income/transactions+inflow_custom_user.json"))
    told = [
        event.row for event in person.logins[0].feed(NOW) if event.row["name"] == "DIRECT DEPOSIT PLAID INC"
    ]
    assert len(told) == 24
    assert {row["amount"] for row in told} == {Decimal("-5125.25")}
    assert {row["date"][8:] for row in told} == {"01"}


@pytest.mark.parametrize(
    "name", ["blank_template_custom_sandbox_user.json", "income/payroll_income_custom_user.json"]
)
def test_a_published_file_with_nothing_to_serve_says_so(name: str) -> None:
    path = published(name)
    with pytest.raises(PeopleError, match="no account that the sandbox can serve"):
        load(path)


# what a file may force ------------------------------------------------------------------------------------


def test_available_may_be_forced_or_null(tmp_path: Path) -> None:
    forced = account_of(tmp_path, **CHECKING, starting_balance=10.5, force_available_balance=3.25)
    assert forced.balances(NOW) == (Decimal("3.25"), Decimal("10.5"))
    null = account_of(tmp_path, **CHECKING, has_null_available_balance=True)
    assert null.balances(NOW) == (None, Decimal("110.00"))


def test_names_masks_and_currency(tmp_path: Path) -> None:
    row = {"date_transacted": "2026-01-01", "date_posted": "2026-01-02", "amount": 5, "description": "x"}
    meta = {"name": "Girokonto", "official_name": "Konto", "mask": "ab12", "limit": 500}
    account = account_of(tmp_path, **CHECKING, currency="EUR", meta=meta, transactions=[row])
    described = account.describe(NOW)
    assert (described["name"], described["official_name"], described["mask"]) == (
        "Girokonto",
        "Konto",
        "ab12",
    )
    assert (described["balances"]["iso_currency_code"], described["balances"]["limit"]) == ("EUR", 500)
    assert {event.row["iso_currency_code"] for event in account.events} == {"EUR"}


def test_a_row_of_the_future_is_pending_until_its_day(tmp_path: Path) -> None:
    row = {
        "date_transacted": "2026-11-20",
        "date_posted": "2026-11-23",
        "amount": 5.25,
        "description": "Shell",
    }
    account = account_of(tmp_path, **CHECKING, starting_balance=100, transactions=[row])
    assert account.balances(NOW) == (Decimal("94.75"), Decimal("100"))
    assert account.balances(NOW + timedelta(days=3)) == (Decimal("94.75"), Decimal("94.75"))


def test_holdings_are_what_the_institution_reports(tmp_path: Path) -> None:
    security = {"ticker_symbol": "VTI", "name": "Total Market", "currency": "USD"}
    holding = {
        "institution_price": 250.5,
        "institution_price_as_of": "2026-01-02",
        "quantity": 3,
        "currency": "USD",
        "security": security,
    }
    trade = {
        "date": "2026-01-02",
        "name": "BUY VTI",
        "quantity": 3,
        "price": 250,
        "fees": 1.5,
        "type": "buy",
        "currency": "USD",
        "security": security,
    }
    account = account_of(
        tmp_path, type="investment", subtype="brokerage", holdings=[holding], investment_transactions=[trade]
    )
    assert isinstance(account, InvestmentAccount)
    [(told, position)] = account.holdings(NOW)
    assert (told.ticker, position["institution_value"], position["cost_basis"]) == (
        "VTI",
        Decimal("751.50"),
        None,
    )
    assert position["institution_price_as_of"] == "2026-01-02"
    assert account.balances(NOW)[1] == Decimal("751.50")
    [bought] = account.transactions(NOW)
    assert (bought.row["amount"], bought.row["type"]) == (Decimal("751.50"), "buy")


def test_one_holding_may_stand_alone_as_plaid_documents_it(tmp_path: Path) -> None:
    holding = {"institution_price": 2, "quantity": 4, "currency": "USD", "security": {"cusip": "123456789"}}
    account = account_of(tmp_path, type="investment", subtype="ira", holdings=holding)
    assert account.balances(NOW)[1] == 8


def test_an_investment_account_without_holdings_is_cash(tmp_path: Path) -> None:
    account = account_of(tmp_path, type="investment", subtype="ira", starting_balance=12.34)
    assert isinstance(account, InvestmentAccount)
    [(security, position)] = account.holdings(NOW)
    assert (security.ticker, position["institution_value"]) == ("CUR:USD", Decimal("12.34"))


def test_a_card_may_be_paid_off_every_month(tmp_path: Path) -> None:
    model = {
        "type": "monthly-balance-payment",
        "payment_day_of_month": 5,
        "statement_day_of_month": "last",
        "transaction_name": "CARD PAYMENT",
    }
    card = account_of(
        tmp_path, type="credit", subtype="credit card", starting_balance=300, inflow_model=model
    )
    assert card.balances(NOW)[1] == 300
    file = tmp_path / "someUser.json"
    [person] = load_people(file, START, 7, Market(7, START))
    later = NOW + timedelta(days=20)
    person.advance(later)
    assert person.logins[0].accounts[0].balances(later)[1] == 0


# malformed files ------------------------------------------------------------------------------------------


ROW = {"date_transacted": "2026-01-01", "date_posted": "2026-01-02", "amount": 5, "description": "x"}


@pytest.mark.parametrize(
    ("account", "field"),
    [
        ({"subtype": "checking"}, "override_accounts[0].type"),
        ({"type": "depository"}, "override_accounts[0].subtype"),
        ({"type": "wallet", "subtype": "x"}, "override_accounts[0].type"),
        ({**CHECKING, "starting_balance": "much"}, "override_accounts[0].starting_balance"),
        ({**CHECKING, "transactions": [{**ROW, "date_posted": "soon"}]}, "override_accounts[0].transactions[0].date_posted"),
        ({**CHECKING, "transactions": [{**ROW, "amount": None}]}, "override_accounts[0].transactions[0].amount"),
        ({**CHECKING, "transactions": "none"}, "override_accounts[0].transactions"),
        ({**CHECKING, "inflow_model": {"type": "monthly-income"}}, "override_accounts[0].inflow_model"),
        ({**CHECKING, "inflow_model": {"type": "monthly-income", "income_amount": 1, "payment_day_of_month": 31, "transaction_name": "x"}}, "override_accounts[0].inflow_model"),
        ({"type": "loan", "subtype": "student", "liability": {"type": "student"}}, "override_accounts[0].liability"),
        ({"type": "investment", "subtype": "ira", "holdings": [{"institution_price": 1, "quantity": 1, "security": {}}]}, "override_accounts[0].holdings[0].security"),
    ],
)  # fmt: skip
def test_a_malformed_account_is_named(tmp_path: Path, account: dict[str, Any], field: str) -> None:
    assert f": {field}: " in refusal(tmp_path, {"override_accounts": [account]})


def test_every_violation_is_told(tmp_path: Path) -> None:
    told = refusal(tmp_path, {"override_accounts": [{"type": "depository"}, {"subtype": "checking"}]})
    assert len(told.splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not JSON"),
        ([], "override_accounts is missing"),
        ({"accounts": []}, "override_accounts is missing"),
        ({"override_accounts": "none"}, "override_accounts: "),
        ({"override_accounts": []}, "no account that the sandbox can serve"),
    ],
)
def test_a_file_that_is_no_custom_user_says_why(tmp_path: Path, content: object, reason: str) -> None:
    assert reason in refusal(tmp_path, content)


def test_two_files_may_not_make_the_same_book(tmp_path: Path) -> None:
    for name in ("some_user.json", "someUser.json"):
        (tmp_path / name).write_text(json.dumps({"override_accounts": [CHECKING]}))
    with pytest.raises(PeopleError, match="the same book 'some-user'"):
        load(tmp_path)


def test_a_missing_path_and_an_empty_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(PeopleError, match="no such file or folder"):
        load(tmp_path / "nobody.json")
    with pytest.raises(PeopleError, match="no account"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "book"),
    [("welderTestUser", "welder-test-user"), ("a+b_c 2", "a-b-c-2"), ("SSAuser", "ss-auser"), ("x", "x")],
)
def test_slugs(name: str, book: str) -> None:
    assert slug(name) == book


# the guessed category -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "money_in", "category"),
    [
        ("Discover credit card payment", False, "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"),
        ("Social Security Administration", True, "INCOME_RETIREMENT_PENSION"),
        ("Uber trip", False, "TRANSPORTATION_TAXIS_AND_RIDE_SHARES"),
        ("UBER PARTNER PAY", True, "INCOME_GIG_ECONOMY"),
        ("Whole Foods Market", False, "FOOD_AND_DRINK_GROCERIES"),
        ("XKCD 42", False, None),
    ],
)
def test_a_category_is_guessed_from_words(text: str, money_in: bool, category: str | None) -> None:
    assert guess_description(text, money_in).category == category


def test_a_category_of_no_primary_is_refused() -> None:
    with pytest.raises(LookupError, match="NONSENSE"):
        primary_category("NONSENSE")
