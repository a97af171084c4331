"""Weights of the managed accounts against the targets."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.books import Book, Targets
from manna.contracts import CONTRACTS
from manna.rebalancing.drift import drift

DAY = date(2026, 11, 20)
BOOK = Book(id="home", name="Home", targets={"weights": {"VTI": "0.6", "BND": "0.3", "CASH": "0.1"}})


@pytest.fixture(scope="session")
def accounts(frame):
    return frame(
        "clean.accounts", {"account_id": "broker"}, {"account_id": "401k", "institution": "Fidelity"}
    )


def position(security_id, value, **more):
    known = None if value is None else Decimal(value)
    return {
        "security_id": security_id,
        "quantity": Decimal(1) if value is None else Decimal(value),
        "value": known,
        **more,
    }


def cash(value, currency="USD"):
    return position(f"CUR:{currency}", value, price_source="par", currency=currency)


def rows(made, *columns):
    assert CONTRACTS["portfolio.drift"].violations(made).list.len().sum() == 0
    return list(made.select(columns).iter_rows())


def test_weights_targets_and_breaches(frame, accounts):
    held = frame(
        "portfolio.valuations",
        position("VTI", 650),
        position("OLD", 100),
        cash(250),
        position("VTI", 9999, account_id="401k"),
        position("VTI", 9999, date=date(2026, 11, 19)),
        position("VTI", 9999, book="other"),
        cash(9999, "EUR"),
    )
    made = drift(BOOK, held, accounts, DAY)
    assert rows(made, "security_id", "value", "weight", "target", "drift", "breached") == [
        ("BND", Decimal(0), Decimal(0), Decimal("0.3"), Decimal("-0.3"), True),
        ("CASH", Decimal(250), Decimal("0.25"), Decimal("0.1"), Decimal("0.15"), True),
        ("OLD", Decimal(100), Decimal("0.1"), Decimal(0), Decimal("0.1"), True),
        ("VTI", Decimal(650), Decimal("0.65"), Decimal("0.6"), Decimal("0.05"), False),
    ]


def test_exactly_at_the_band_is_inside(frame, accounts):
    held = frame("portfolio.valuations", position("VTI", 65), position("BND", 25), cash(10))
    assert not any(drift(BOOK, held, accounts, DAY)["breached"])


def test_one_position_without_a_price_makes_every_weight_unknown(frame, accounts):
    held = frame("portfolio.valuations", position("VTI", 650), position("OLD", None, price_source="missing"))
    made = drift(BOOK, held, accounts, DAY)
    assert rows(made, "security_id", "value", "weight", "drift", "breached") == [
        ("BND", Decimal(0), None, None, False),
        ("CASH", Decimal(0), None, None, False),
        ("OLD", None, None, None, False),
        ("VTI", Decimal(650), None, None, False),
    ]


@pytest.mark.parametrize("worth", [(), (0,), (-5,)])
def test_no_weights_of_nothing(frame, accounts, worth):
    held = frame("portfolio.valuations", *map(cash, worth))
    assert drift(BOOK, held, accounts, DAY).is_empty()


def test_no_targets_no_drift(frame, accounts):
    book = BOOK.model_copy(update={"targets": Targets()})
    assert drift(book, frame("portfolio.valuations", cash(100)), accounts, DAY).is_empty()


@settings(max_examples=50, deadline=None)
@given(
    values=st.dictionaries(st.sampled_from(["VTI", "BND", "OLD", "NEW"]), st.integers(1, 10**9), min_size=1)
)
def test_weights_sum_to_one_and_drifts_to_nothing(frame, accounts, values):
    held = frame("portfolio.valuations", *(position(s, Decimal(v).scaleb(-2)) for s, v in values.items()))
    made = drift(BOOK, held, accounts, DAY)
    assert abs(made["weight"].sum() - 1) <= Decimal("1e-7")
    assert abs(made["drift"].sum()) <= Decimal("1e-7")
