"""The demo people: the same every time, true to how banks and Plaid behave, and exact to the cent."""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from sandbox.market import Market, add_months, alpaca_funding
from sandbox.people import load_people
from sandbox.people.bank import BankAccount, CardAccount
from sandbox.people.household import Household
from sandbox.people.investments import InvestmentAccount
from sandbox.people.loans import LoanAccount, installment
from sandbox.people.model import Account, Login, Person
from sandbox.people.studio import Studio
from sandbox.plaid.wire import encode

START = date(2024, 11, 21)
NOW = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def market() -> Market:
    return Market(7, START)


@pytest.fixture(scope="module")
def people(market: Market) -> list[Person]:
    return lived(market, NOW)


@pytest.fixture(scope="module")
def household(people: list[Person]) -> Household:
    assert isinstance(people[0], Household)
    return people[0]


@pytest.fixture(scope="module")
def studio(people: list[Person]) -> Studio:
    assert isinstance(people[1], Studio)
    return people[1]


def lived(market: Market, until: datetime, seed: int = 7) -> list[Person]:
    found = load_people(None, START, seed, market)
    for person in found:
        person.advance(until)
    return found


def rows_of(login: Login, when: datetime) -> Rows:
    """The rows a bank stands by at `when`."""
    standing: dict[str, dict[str, Any]] = {}
    for event in login.feed(when):
        standing.pop(event.row["transaction_id"], None)
        if event.kind != "removed":
            standing[event.row["transaction_id"]] = event.row
    return list(standing.values())


def all_rows(people: list[Person], when: datetime = NOW) -> Rows:
    return [row for person in people for login in person.logins for row in rows_of(login, when)]


def on(account: Account, rows: Rows) -> Rows:
    return [row for row in rows if row["account_id"] == account.account_id]


def everything(people: list[Person], when: datetime) -> str:
    """A hash of all that the people's banks say at `when`."""
    said: list[Any] = []
    for person in people:
        said.append(person.describe())
        for login in person.logins:
            said.append([[event.kind, event.moment.isoformat(), event.row] for event in login.feed(when)])
            for account in login.accounts:
                said.append([account.describe(when), account.liability(when)])
                if isinstance(account, InvestmentAccount):
                    held = account.holdings(when)
                    said.append([[security.describe(when), holding] for security, holding in held])
                    said.append([trade.row for trade in account.transactions(when)])
    return hashlib.sha256(encode({"said": said})).hexdigest()


# determinism ----------------------------------------------------------------------------------------------


def test_same_seed_and_day_are_the_same_bytes(people: list[Person]) -> None:
    assert everything(people, NOW) == everything(lived(Market(7, START), NOW), NOW)


def test_another_seed_is_another_life(people: list[Person]) -> None:
    assert everything(people, NOW) != everything(lived(Market(8, START), NOW, seed=8), NOW)


@pytest.mark.parametrize("days_ago", [1, 9, 200])
def test_a_later_now_does_not_alter_the_past(people: list[Person], days_ago: int) -> None:
    earlier = NOW - timedelta(days=days_ago)
    assert everything(people, earlier) == everything(lived(Market(7, START), earlier), earlier)


def test_days_may_be_lived_one_by_one(people: list[Person]) -> None:
    stepwise = load_people(None, START, 7, Market(7, START))
    for person in stepwise:
        for day in range(0, 731, 3):
            person.advance(datetime(2024, 11, 21, 4, tzinfo=UTC) + timedelta(days=day))
        person.advance(NOW)
    assert everything(stepwise, NOW) == everything(people, NOW)


# balances -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days_ago", [0, 1, 45, 400])
def test_current_is_opening_and_posted_rows(people: list[Person], days_ago: int) -> None:
    when = NOW - timedelta(days=days_ago)
    rows = all_rows(people, when)
    for account in _accounts(people, BankAccount):
        mine = on(account, rows)
        posted = sum((row["amount"] for row in mine if not row["pending"]), Decimal(0))
        pending = sum((row["amount"] for row in mine if row["pending"]), Decimal(0))
        available, current = account.balances(when)
        if isinstance(account, CardAccount):
            assert current == account.opening + posted
            assert account.limit is not None
            assert available == account.limit - current - pending
        else:
            assert (current, available) == (account.opening - posted, account.opening - posted - pending)


def test_nobody_overdraws_or_exceeds_a_limit(people: list[Person]) -> None:
    for account in _accounts(people, BankAccount):
        for days in range(0, 731, 2):
            available, _ = account.balances(NOW - timedelta(days=days))
            assert available is not None
            assert available > 0, f"{account.name} {days} days ago"


def test_money_has_two_decimals_at_most(people: list[Person]) -> None:
    exponents = {row["amount"].as_tuple().exponent for row in all_rows(people)}
    assert exponents <= {0, -1, -2}


def _accounts(people: list[Person], kind: type[Any]) -> list[Any]:
    return [
        account
        for person in people
        for login in person.logins
        for account in login.accounts
        if isinstance(account, kind)
    ]


# what a bank says -----------------------------------------------------------------------------------------


def test_there_are_as_many_rows_as_a_household_has(people: list[Person]) -> None:
    assert 4000 <= len(all_rows(people)) <= 6000


def test_ids_are_unique(people: list[Person]) -> None:
    ids = [row["transaction_id"] for row in all_rows(people)]
    assert len(set(ids)) == len(ids)
    assert {len(each) for each in ids} == {37}


def test_loans_and_investments_have_no_transactions(people: list[Person]) -> None:
    silent = {
        account.account_id for kind in (LoanAccount, InvestmentAccount) for account in _accounts(people, kind)
    }
    assert silent
    assert not silent & {row["account_id"] for row in all_rows(people)}


def test_there_are_pending_rows_at_any_now(people: list[Person]) -> None:
    for days in range(60):
        assert any(row["pending"] for row in all_rows(people[:1], NOW - timedelta(days=days)))


def test_a_card_purchase_posts_one_to_three_days_later(household: Household) -> None:
    for row in on(household.accounts.travel_card, all_rows([household])):
        if row["pending_transaction_id"] is not None:
            waited = date.fromisoformat(row["date"]) - date.fromisoformat(row["authorized_date"])
            assert 1 <= waited.days <= 3


def test_a_restaurant_posts_with_a_tip(household: Household) -> None:
    told = household.accounts.travel_card.events
    pending = {event.row["transaction_id"]: event.row["amount"] for event in told if event.row["pending"]}
    tips = {
        event.row["amount"] / pending[event.row["pending_transaction_id"]]
        for event in told
        if event.row["pending_transaction_id"] and event.row["merchant_name"] == "De Novo"
    }
    assert tips
    assert all(Decimal("1.17") < tip < Decimal("1.23") for tip in tips)


def test_one_row_has_no_currency_at_all(people: list[Person]) -> None:
    bad = [row for row in all_rows(people) if row["iso_currency_code"] is None]
    assert [row["unofficial_currency_code"] for row in bad] == [None]


def test_a_banks_error_vanishes_the_day_after_the_first_day_served(household: Household) -> None:
    def errors(when: datetime) -> int:
        return sum("DUPLICATE POSTING" in row["name"] for row in all_rows([household], when))

    household.advance(NOW + timedelta(days=2))
    assert [errors(NOW + timedelta(days=days)) for days in (-3, -1, 0, 1)] == [0, 1, 1, 0]


def test_there_are_true_twins(people: list[Person]) -> None:
    def told(row: dict[str, Any]) -> tuple[Any, ...]:
        return (
            row["account_id"],
            row["date"],
            row["authorized_date"],
            row["name"],
            row["amount"],
            row["pending"],
        )

    twins = [key for key, times in Counter(told(row) for row in all_rows(people)).items() if times > 1]
    assert any("MTA" in key[3] for key in twins)


def test_refunds_and_a_price_rise_and_seasons(household: Household) -> None:
    rows = all_rows([household])
    card = on(household.accounts.cash_card, rows)
    assert any(row["amount"] < 0 and row["merchant_name"] for row in card)
    assert {row["amount"] for row in card if row["name"].startswith("NETFLIX")} == {
        Decimal("15.49"),
        Decimal("17.99"),
    }
    gas = {row["date"][5:7]: row["amount"] for row in rows if row["name"].startswith("NJNG")}
    assert gas["01"] > 2 * gas["07"]


def test_salaries_come_every_second_friday(household: Household) -> None:
    days = sorted(
        date.fromisoformat(row["date"]) for row in all_rows([household]) if row["name"].startswith("ACME")
    )
    assert {day.weekday() for day in days} == {4}
    assert {(after - before).days for before, after in pairwise(days)} == {14}


# money between own accounts -------------------------------------------------------------------------------


PAIRS = [
    ("ONLINE TRANSFER TO TARTAN", "ACH DEPOSIT FIRST PLATYPUS"),
    ("HOUNDSTOOTH HSA CONTRIB", "EMPLOYEE CONTRIBUTION"),
    ("TRANSFER TO PLATYPUS JOINT", "ACH DEPOSIT FIRST GINGHAM"),
    ("PLATYPUS CARD SERVICES AUTOPAY", "AUTOMATIC PAYMENT"),
    ("TARTAN CREDIT CRD AUTOPAY", "PAYMENT THANK YOU"),
    ("ONLINE TRANSFER OWNER DRAW", "RIVERA STUDIO DES:OWNER DRAW"),
    ("HOUNDSTOOTH INK CARD AUTOPAY", "AUTOPAY PAYMENT"),
    ("ONLINE TRANSFER TO SAV ...3306", "ONLINE TRANSFER FROM CHK ...3305"),
]


@pytest.mark.parametrize(("sent", "received"), PAIRS)
def test_every_transfer_has_both_legs(people: list[Person], sent: str, received: str) -> None:
    rows = all_rows(people)
    out = sorted((row["date"], row["amount"]) for row in rows if row["name"].startswith(sent))
    into = sorted((row["date"], -row["amount"]) for row in rows if row["name"].startswith(received))
    assert len(out) >= 8
    assert len(out) - len(into) in (0, 1)  # the last one may be on its way
    for (day_sent, amount), (day_received, arrived) in zip(out, into, strict=False):
        assert amount == arrived
        assert 0 <= (date.fromisoformat(day_received) - date.fromisoformat(day_sent)).days <= 3


def test_alpaca_is_funded_from_the_joint_account(household: Household) -> None:
    rows = on(household.accounts.joint, all_rows([household]))
    paid = [
        (date.fromisoformat(row["date"]), row["amount"]) for row in rows if row["name"].startswith("ALPACA")
    ]
    assert sorted(paid) == alpaca_funding(START, NOW.date())


def test_the_brokerage_receives_what_checking_sends(household: Household) -> None:
    rows = on(household.accounts.joint, all_rows([household]))
    sent = [row for row in rows if row["name"].startswith("HOUNDSTOOTH SECURITIES")]
    received = [trade for trade in household.accounts.brokerage.trades if trade.row["subtype"] == "deposit"]
    assert len(sent) == len(received) == 24
    assert {trade.row["amount"] for trade in received} == {-row["amount"] for row in sent}


def test_the_studio_pays_its_taxes_every_quarter(studio: Studio) -> None:
    days = {row["date"][5:7] for row in all_rows([studio]) if row["name"].startswith("IRS USATAXPYMT")}
    assert days == {"01", "04", "06", "09"}


# loans and cards ------------------------------------------------------------------------------------------


def test_the_mortgage_amortizes(household: Household) -> None:
    mortgage = household.accounts.mortgage
    assert mortgage.installment == installment(Decimal(385000), Decimal("3.625"), 360) == Decimal("1755.80")
    paid = mortgage.made(NOW)
    balance = mortgage.opening
    for payment in paid:
        assert payment.interest + payment.principal == mortgage.installment
        balance -= payment.principal
        assert payment.balance == balance
    assert mortgage.balances(NOW)[1] == balance
    rows = on(household.accounts.joint, all_rows([household]))
    outflows = [row["amount"] for row in rows if row["name"].startswith("PLATYPUS HOME LOANS")]
    assert outflows == [mortgage.installment + mortgage.escrow] * len(paid)


def test_the_car_loan_ends(market: Market) -> None:
    household = Household(START, 7, market)
    household.advance(datetime(2029, 6, 1, tzinfo=UTC))
    loan = household.accounts.car_loan
    assert loan.balances(datetime(2029, 6, 1, tzinfo=UTC)) == (None, Decimal(0))
    assert loan.payments[-1].balance == 0
    assert len(loan.payments) in (46, 47)  # of 60, 14 came before the world; a cent may be left for one more
    assert loan.liability(NOW) is None


def test_a_card_statement_is_paid_in_full(household: Household) -> None:
    card = household.accounts.cash_card
    kind, record = card.liability(NOW) or ("", {})
    assert kind == "credit"
    last = [statement for statement in card.statements if statement.moment <= NOW][-1]
    assert record["last_statement_balance"] == last.balance
    assert record["last_statement_issue_date"] == last.issued.isoformat()
    assert record["last_payment_amount"] == card.statements[-2].balance
    assert Decimal(35) <= record["minimum_payment_amount"] <= last.balance


# investments ----------------------------------------------------------------------------------------------


def test_an_investment_account_is_the_sum_of_its_holdings(people: list[Person]) -> None:
    for account in _accounts(people, InvestmentAccount):
        total = sum(holding["institution_value"] for _, holding in account.holdings(NOW))
        assert account.balances(NOW)[1] == total


def test_the_split_multiplies_shares_and_keeps_the_cost(household: Household, market: Market) -> None:
    brokerage, [split] = household.accounts.brokerage, market.splits
    before = datetime(split.ex_date.year, split.ex_date.month, split.ex_date.day, tzinfo=UTC)
    after = before + timedelta(days=2)
    ratio = Decimal(split.new_rate) / split.old_rate
    assert brokerage.quantity(split.symbol, after) == brokerage.quantity(split.symbol, before) * ratio
    costs = [sum(lot.cost or 0 for lot in brokerage.lots(when)[split.symbol]) for when in (before, after)]
    assert costs[0] == costs[1]


def test_positions_are_what_was_held_and_traded(household: Household) -> None:
    for account in (household.accounts.brokerage, household.accounts.retirement):
        for security, holding in account.holdings(NOW):
            if security.key == "CUR:USD":
                continue
            held = sum(lot.quantity for key, lot in account.held if key == security.key)
            traded = sum(
                trade.row["quantity"]
                for trade in account.trades
                if trade.key == security.key and trade.moment <= NOW
            )
            assert holding["quantity"] == held + traded


def test_dividends_are_paid_on_what_was_held(household: Household, market: Market) -> None:
    brokerage = household.accounts.brokerage
    paid = {
        (trade.row["date"], trade.key): -trade.row["amount"]
        for trade in brokerage.trades
        if trade.row["subtype"] == "dividend"
    }
    last = NOW.date() - timedelta(days=1)
    due = [each for each in market.dividends("KO", START, last) if each.pay_date <= last]
    assert len(due) >= 7
    for dividend in due:
        held_at = datetime(dividend.ex_date.year, dividend.ex_date.month, dividend.ex_date.day, 1, tzinfo=UTC)
        expected = (brokerage.quantity("KO", held_at) * dividend.rate).quantize(Decimal("0.01"))
        assert abs(paid[dividend.pay_date.isoformat(), "KO"] - expected) <= Decimal("0.01")


def test_each_payday_buys_the_plans_fund_once(household: Household) -> None:
    bought = [trade.row["date"] for trade in household.accounts.retirement.trades if trade.moment <= NOW]
    paid = [row["date"] for row in all_rows([household]) if row["name"].startswith("ACME")]
    assert bought == sorted(paid)


def test_prices_are_the_markets_and_dated(household: Household, market: Market) -> None:
    for security, holding in household.accounts.brokerage.holdings(NOW):
        if security.key != "CUR:USD":
            assert holding["institution_price"] == market.close(security.key, date(2026, 11, 20))
            assert holding["institution_price_as_of"] == "2026-11-20"


@pytest.mark.parametrize(
    "start", [date(2024, 2, 29), date(2023, 12, 31), date(2025, 1, 1), date(2030, 8, 15)]
)
def test_any_first_day_will_do(start: date) -> None:
    now = datetime.combine(add_months(start, 24), datetime.min.time(), UTC) + timedelta(hours=13)
    found = load_people(None, start, 3, Market(3, start))
    for person in found:
        person.advance(now)
    assert 4000 <= len(all_rows(found, now)) <= 6000
    for account in _accounts(found, BankAccount):
        assert all((account.balances(now - timedelta(days=days))[0] or 0) > 0 for days in range(0, 730, 9))


def test_a_described_person_is_what_a_client_needs(people: list[Person]) -> None:
    described = people[1].describe()
    assert described == {
        "book": "studio",
        "book_name": "Rivera Studio",
        "time_zone": "America/Los_Angeles",
        "logins": [
            {
                "username": "rivera_studio",
                "institution_id": "ins_109512",
                "institution_name": "Houndstooth Bank",
                "products": ["transactions", "liabilities"],
            }
        ],
        "alpaca": False,
    }
