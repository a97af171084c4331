"""Which rows are two sides of one movement of money."""

import random
from decimal import Decimal
from typing import Any

import pytest
from categorizing_examples import bank, broker, trades, transactions
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.categorizing.transfers import legs_of, pair_between_books, pair_transfers
from manna.contracts.categorized import TRANSFERS

LOOKS = {"description": "ONLINE TRANSFER 4711"}
MOVED = {"plaid_primary": "TRANSFER_OUT", "plaid_detailed": "TRANSFER_OUT_ACCOUNT_TRANSFER"}
PAYMENT = {"plaid_primary": "LOAN_PAYMENTS", "plaid_detailed": "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"}
LOAN = {"plaid_primary": "LOAN_PAYMENTS", "plaid_detailed": "LOAN_PAYMENTS_CAR_PAYMENT"}
COFFEE = {"plaid_primary": "FOOD_AND_DRINK", "plaid_detailed": "FOOD_AND_DRINK_COFFEE"}


def pairs(rows: list[dict[str, Any]], *brokerage: dict[str, Any]) -> list[tuple[str, str, int]]:
    found = pair_transfers(transactions(*rows), trades(*brokerage))
    assert TRANSFERS.violations(found).list.len().sum() == 0
    return sorted(found.select("out_id", "in_id", "days_apart").rows())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(
            [bank("o", "-500", 10, **LOOKS), bank("i", "500", 12, "savings")], [("o", "i", 2)], id="by words"
        ),
        pytest.param(
            [bank("o", "-500", 10, **MOVED), bank("i", "500", 10, "savings")], [("o", "i", 0)], id="by Plaid"
        ),
        pytest.param(
            [bank("o", "-80", 10, **PAYMENT), bank("i", "80", 9, "card", **PAYMENT)],
            [("o", "i", 1)],
            id="card payment, which arrives before it leaves",
        ),
        pytest.param(
            [bank("o", "-310", 10, **LOAN), bank("i", "310", 12, "car loan", **LOAN)],
            [("o", "i", 2)],
            id="loan payment",
        ),
        pytest.param(
            [bank("o", "-310", 10, **LOAN), bank("i", "310", 10, "savings", plaid_primary="INCOME")],
            [],
            id="a loan payment and a wage of its size",
        ),
        pytest.param(
            [bank("o", "-500", 10), bank("i", "500", 10, "savings")], [], id="neither looks like one"
        ),
        pytest.param(
            [bank("o", "-4.5", 10, **COFFEE), bank("i", "4.5", 11, "card", **COFFEE)],
            [],
            id="coffee and refund",
        ),
        pytest.param(
            [bank("o", "-4.5", 10, **COFFEE), bank("i", "4.5", 11, "savings", **LOOKS)],
            [],
            id="coffee, and a transfer of its price",
        ),
        pytest.param(
            [bank("o", "-500", 10, **LOOKS), bank("i", "500", 14, "savings")], [("o", "i", 4)], id="four days"
        ),
        pytest.param([bank("o", "-500", 10, **LOOKS), bank("i", "500", 15, "savings")], [], id="five days"),
        pytest.param(
            [bank("o", "-500", 10, **LOOKS), bank("i", "500", 10, **LOOKS)], [], id="within one account"
        ),
        pytest.param(
            [bank("o", "-500", 10, **LOOKS), bank("i", "500.01", 10, "savings", **LOOKS)], [], id="a cent off"
        ),
        pytest.param(
            [bank("o", "-500", 10, **LOOKS), bank("i", "500", 10, "savings", currency="EUR", **LOOKS)],
            [],
            id="across currencies",
        ),
        pytest.param(
            [bank("o", "-500", 10, **LOOKS), bank("i", "500", 10, "savings", book="other", **LOOKS)],
            [],
            id="across books",
        ),
        pytest.param(
            [bank("o", "-500", 10, pending=True, **LOOKS), bank("i", "500", 10, "savings", **LOOKS)],
            [],
            id="pending",
        ),
        pytest.param(
            [bank("o", "-500", 10, removed=True, **LOOKS), bank("i", "500", 10, "savings", **LOOKS)],
            [],
            id="removed",
        ),
        pytest.param(
            [
                bank("far", "-500", 8, **LOOKS),
                bank("near", "-500", 11, **LOOKS),
                bank("i", "500", 12, "savings"),
            ],
            [("near", "i", 1)],
            id="the nearest counts",
        ),
        pytest.param(
            [
                bank("o1", "-500", 10, **LOOKS),
                bank("o2", "-500", 10, **LOOKS),
                bank("i1", "500", 10, "savings"),
                bank("i2", "500", 10, "savings"),
            ],
            [("o1", "i1", 0), ("o2", "i2", 0)],
            id="ties by id, each row once",
        ),
    ],
)
def test_pairs(rows: list[dict[str, Any]], expected: list[tuple[str, str, int]]) -> None:
    assert pairs(rows) == expected


@pytest.mark.parametrize(
    ("leg", "expected"),
    [
        (broker("t", "500", 12), [("o", "t", 2)]),
        (broker("t", "500", 12, "contribution"), [("o", "t", 2)]),
        (broker("t", "500", 12, "dividend"), []),
        (broker("t", "500", 12, "deposit", quantity=5), []),
        (broker("t", "-500", 12, "withdrawal"), []),
    ],
)
def test_money_that_enters_a_brokerage_is_a_leg(leg: dict[str, Any], expected: list[Any]) -> None:
    assert pairs([bank("o", "-500", 10)], leg) == expected


def test_money_that_leaves_a_brokerage_is_a_leg() -> None:
    assert pairs([bank("i", "500", 10)], broker("t", "-500", 9, "withdrawal")) == [("t", "i", 1)]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["-5", "5", "-7", "7"]),
        st.integers(8, 16),
        st.sampled_from(["checking", "savings", "card"]),
        st.sampled_from([LOOKS, MOVED, {}, COFFEE]),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=40)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_and_nothing_is_used_twice(
    rows: list[Any], dice: random.Random
) -> None:
    told = [bank(f"t{n}", amount, on, account, **more) for n, (amount, on, account, more) in enumerate(rows)]
    found = pairs(told)
    shuffled = list(told)
    dice.shuffle(shuffled)
    assert pairs(shuffled) == found
    used = [name for out_id, in_id, _ in found for name in (out_id, in_id)]
    assert len(used) == len(set(used))
    by_id = {row["transaction_id"]: row for row in told}
    for out_id, in_id, apart in found:
        leaving, arriving = by_id[out_id], by_id[in_id]
        assert leaving["amount"] == -arriving["amount"] < 0
        assert leaving["account_id"] != arriving["account_id"]
        assert abs((leaving["date"] - arriving["date"]).days) == apart <= 4


# -- in two currencies, between two books, and refused ------------------------------------------------------

RATES = {"USD": Decimal(1), "EUR": Decimal("1.10")}


@pytest.mark.parametrize(
    ("arrives", "currency", "on", "rates", "paired"),
    [
        pytest.param("454.55", "EUR", 11, RATES, True, id="at the rate"),
        pytest.param("443", "EUR", 11, RATES, True, id="with the bank's margin"),
        pytest.param("440", "EUR", 11, RATES, False, id="beyond the band"),
        pytest.param("454.55", "EUR", 15, RATES, False, id="five days apart"),
        pytest.param("454.55", "EUR", 11, {}, False, id="no rate is known"),
        pytest.param("454.55", "GBP", 11, RATES, False, id="no rate of that currency"),
    ],
)
def test_across_currencies_within_a_band(
    arrives: str, currency: str, on: int, rates: dict[str, Decimal], paired: bool
) -> None:
    rows = transactions(bank("o", "-500", 10, **LOOKS), bank("i", arrives, on, "euros", currency=currency))
    found = pair_transfers(rows, trades(), rates=rates)
    assert found.height == paired
    if paired:
        [pair] = found.rows(named=True)
        assert (pair["amount"], pair["currency"]) == (Decimal(500), "USD")
        assert (pair["in_amount"], pair["in_currency"]) == (Decimal(arrives), "EUR")


def test_an_equal_amount_comes_before_an_exchange() -> None:
    rows = transactions(
        bank("o", "-500", 10, **LOOKS),
        bank("e", "454.55", 10, "euros", currency="EUR"),
        bank("i", "500", 13, "savings"),
    )
    assert pair_transfers(rows, trades(), rates=RATES)["in_id"].to_list() == ["i"]


def test_a_pair_that_was_rejected_stays_apart_and_its_rows_may_pair_otherwise() -> None:
    rows = transactions(
        bank("o", "-500", 10, **LOOKS), bank("i", "500", 10, "savings"), bank("j", "500", 12, "other")
    )
    assert pair_transfers(rows, trades())["in_id"].to_list() == ["i"]
    assert pair_transfers(rows, trades(), rejected=[("o", "i")])["in_id"].to_list() == ["j"]
    assert pair_transfers(rows, trades(), rejected=[("o", "i"), ("o", "j")]).is_empty()


def test_between_two_books() -> None:
    rows = transactions(
        bank("o", "-500", 10, **LOOKS),
        bank("near", "500", 10, "savings"),
        bank("i", "500", 11, "firm", book="studio", **LOOKS),
    )
    found = pair_between_books(legs_of(rows, trades()))
    assert found.select("book", "in_book", "out_id", "in_id").rows() == [("home", "studio", "o", "i")]
