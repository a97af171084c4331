"""Conditions of money: from tables and thresholds to what somebody should hear."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from manna.alerting.money import (
    drifted,
    held,
    losses,
    low_balances,
    market_returns,
    newest_budget,
    overspent,
    projected_lows,
    reconciliation_breaks,
)
from manna.books import Book, complaints
from manna.contracts import CONTRACTS

DAY = date(2026, 3, 16)
MARCH = date(2026, 3, 1)
BOOK = Book(id="home", name="Home")


def rows(address: str, *given: dict[str, Any]) -> pl.DataFrame:
    schema = CONTRACTS[address].polars_schema
    return pl.DataFrame([{name: one.get(name) for name in schema} for one in given], schema=schema)


ACCOUNTS = rows(
    "clean.accounts",
    {"account_id": "a", "book": "home", "institution": "Bank", "name": "Checking", "type": "depository"},
    {"account_id": "c", "book": "home", "institution": "Bank", "name": "Card", "type": "credit"},
)


def balance(account: str, amount: int, as_of: date = DAY) -> dict[str, Any]:
    return {
        "account_id": account,
        "book": "home",
        "as_of": as_of,
        "current": Decimal(amount),
        "currency": "USD",
    }


def low(*told: tuple[int, str], account: str = "a") -> list[tuple[str, str]]:
    stated = [
        balance(account, 0, DAY.replace(day=day)) | {"current": Decimal(amount)} for day, amount in told
    ]
    found = low_balances(BOOK, held(BOOK, ACCOUNTS, rows("clean.balances", *stated)))
    assert all(one["fingerprint"] == "low_balance:home:a" for one in found)
    return [(one["severity"], one["message"]) for one in found]


def test_a_low_balance_is_a_warning_and_a_negative_one_critical() -> None:
    assert low((1, "500")) == []
    assert low((1, "499.99")) == [("warning", "Bank Checking holds 499.99 USD, less than 500.00")]
    assert low((1, "-1234.5")) == [("critical", "Bank Checking holds -1,234.50 USD, less than 500.00")]


def test_the_latest_balance_of_a_bank_account_of_the_book_counts() -> None:
    assert low((2, "1000"), (1, "0")) == []
    assert len(low((2, "0"), (1, "1000"))) == 1
    assert low((1, "0"), account="c") == []
    others = rows("clean.balances", balance("a", 0) | {"book": "studio"})
    assert held(BOOK, ACCOUNTS, others) == []


def payment(amount: int, days: int, **more: Any) -> dict[str, Any]:
    usual = {
        "series_id": f"s{days}",
        "book": "home",
        "account_id": "a",
        "currency": "USD",
        "status": "active",
    }
    coming = {"merchant": "rent", "next_on": DAY + timedelta(days), "next_amount": Decimal(amount)}
    return {**usual, **coming, **more}


def projected(*payments: dict[str, Any], now: int = 1000) -> list[str]:
    balances = rows(
        "clean.balances", balance("a", 9000, DAY - timedelta(1)), balance("a", now), balance("c", 50)
    )
    coming = rows("categorized.recurring", *payments).to_dicts()
    found = projected_lows(BOOK, held(BOOK, ACCOUNTS, balances), coming, DAY)
    return [one["message"] for one in found]


def test_a_balance_that_known_payments_would_take_below_zero() -> None:
    (words,) = projected(
        payment(-1500, 3), payment(800, 5, merchant="salary"), payment(-200, 4, merchant="water")
    )
    assert words == (
        "Bank Checking holds 1,000.00 USD, and would hold -700.00 on 2026-03-20 after what is known to come, last water"
    )


@pytest.mark.parametrize(
    "payments",
    [
        [payment(-1000, 3)],
        [payment(-1500, 3), payment(800, 1)],
        [payment(-1500, 15)],
        [payment(-1500, 3, status="ended")],
        [payment(-1500, 3, account_id="c")],
        [payment(-1500, 3, currency="EUR")],
    ],
)
def test_what_does_not_take_it_there(payments: list[dict[str, Any]]) -> None:
    assert projected(*payments) == []


def test_below_zero_already_has_an_alert_of_its_own() -> None:
    assert projected(payment(-1500, 3), now=-1) == []


def line(account: str, budget: int | None, amount: int, period: date = MARCH) -> dict[str, Any]:
    told = {"budget": budget, "amount": amount, "difference": (budget or 0) - amount}
    where = {"book": "home", "period": period, "section": "Expenses", "level": "line", "currency": "USD"}
    return {**where, "account": f"Expenses:{account}", **{name: Decimal(v) if v is not None else None for name, v in told.items()}}  # fmt: skip


def test_a_budget_that_is_overspent_in_the_newest_month() -> None:
    budget = rows(
        "reports.budget",
        line("Food and Drink:Coffee", 100, 111),
        line("Rent", 100, 110),
        line("Travel", None, 500),
        line("Gifts", 100, 900, date(2026, 2, 1)),
    )
    (found,) = overspent(BOOK, newest_budget(BOOK, budget))
    assert found["message"] == "Food and Drink · Coffee in 2026-03: 111.00 USD of a budget of 100.00"
    assert found["fingerprint"] == "budget:home:Expenses:Food and Drink:Coffee 2026-03"


def test_only_the_last_comparison_of_an_account_counts() -> None:
    def compared(day: int, basis: str) -> dict[str, Any]:
        of = {
            "book": "home",
            "account_id": "a",
            "currency": "USD",
            "as_of": DAY.replace(day=day),
            "basis": basis,
        }
        return {
            **of,
            "ledger_balance": Decimal(10),
            "provider_balance": Decimal(12),
            "difference": Decimal(-2),
        }

    mended = rows("ledger.reconciliation", compared(1, "difference"), compared(2, "reconciled"))
    assert reconciliation_breaks(mended, ACCOUNTS) == []
    broken = rows("ledger.reconciliation", compared(1, "reconciled"), compared(2, "difference"))
    (found,) = reconciliation_breaks(broken, ACCOUNTS)
    assert found["message"].startswith(
        "Bank Checking: the books say 10.00 USD on 2026-03-02, the bank 12.00;"
    )


def moved(*returns: float | None) -> list[tuple[date, float]]:
    made = [
        {
            "book": "home",
            "scope": "book",
            "name": "",
            "date": DAY - timedelta(len(returns) - number),
            "day_return": one,
        }
        for number, one in enumerate(returns)
    ]
    return market_returns(BOOK, rows("portfolio.performance", *made))


def test_a_fall_from_the_highest_value() -> None:
    assert [one["message"] for one in losses(BOOK, moved(0.25, -0.10, None, -0.12))] == [
        "the investments are 20.8% below their highest value, on 2026-03-15"
    ]
    assert losses(BOOK, moved(0.25, -0.10, -0.10)) == []
    assert losses(BOOK, moved(-0.21)) != []
    assert losses(BOOK, moved()) == []


def test_a_day_beyond_the_value_at_risk_of_the_year_before() -> None:
    quiet = [0.001, -0.001] * 126
    (found,) = losses(BOOK, moved(*quiet, -0.0011))
    assert found["message"] == (
        "the investments lost 0.1% on 2026-03-15, more than 0.1%, which 99% of the days of the year before did not exceed"
    )
    assert losses(BOOK, moved(*quiet, -0.001)) == []
    assert losses(BOOK, moved(*quiet, 0.0, -0.0011, 0.0)) == [
        found
        | {
            "fingerprint": f"value_at_risk:home:{DAY - timedelta(2)}",
            "message": found["message"].replace("2026-03-15", "2026-03-14"),
        }
    ], "a weekend is no market day"
    assert losses(BOOK, moved(*quiet[1:], -0.0011)) == []


def test_weights_beyond_their_bands() -> None:
    def part(name: str, weight: str, breached: bool, book: str = "home") -> dict[str, Any]:
        shares = {
            "weight": Decimal(weight),
            "target": Decimal("0.5"),
            "drift": Decimal(weight) - Decimal("0.5"),
        }
        return {"book": book, "security_id": name, "breached": breached, **shares}

    within = [part("VTI", "0.54", breached=False), part("BND", "0.9", breached=True, book="other")]
    assert drifted(BOOK, within) == []
    (found,) = drifted(
        BOOK, [*within, part("VTI", "0.56", breached=True), part("BND", "0.44", breached=True)]
    )
    assert (found["fingerprint"], found["severity"]) == ("drift:home:book", "info")
    assert found["message"] == (
        "VTI is 56.0% of the investments instead of 50.0% (1 more beyond theirs): `manna rebalance plan` proposes trades"
    )


def test_thresholds_that_cannot_be_meant_are_refused() -> None:
    wrong = {"unusual": 1, "price_rise": 2, "duplicate": -1, "unusual_from": "much"}
    said = complaints({"id": "home", "name": "Home", "thresholds": wrong})
    assert [line.partition(":")[0] for line in said] == [
        "thresholds.unusual", "thresholds.unusual_from", "thresholds.duplicate", "thresholds.price_rise",
    ]  # fmt: skip
    assert "thresholds.unusual: Input should be greater than 1" in said
