"""Series found in transactions: subscriptions, bills, paydays; what is next, and what did not come."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from manna.categorizing.recurring import find_series, payments, recurring

SCHEMA = {
    "transaction_id": pl.String,
    "book": pl.String,
    "account_id": pl.String,
    "date": pl.Date,
    "amount": pl.Decimal(18, 4),
    "currency": pl.String,
    "merchant": pl.String,
    "own": pl.Boolean,
}
START = date(2025, 1, 5)


def paid(merchant: str, *amounts: str | None, first: date = START, months: int = 1) -> list[dict[str, Any]]:
    """One payment each month (or every so many); None leaves one out."""
    rows = []
    for number, amount in enumerate(amounts):
        index = first.month - 1 + number * months
        if amount is not None:
            rows.append(
                {
                    "transaction_id": f"{merchant}-{amount}-{number}",
                    "book": "home",
                    "account_id": "card",
                    "date": date(first.year + index // 12, index % 12 + 1, first.day),
                    "amount": Decimal(amount),
                    "currency": "USD",
                    "merchant": merchant,
                    "own": False,
                }
            )
    return rows


def frame(*groups: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([row for group in groups for row in group], schema=SCHEMA)


def found(rows: pl.DataFrame, today: str = "2025-05-10") -> list[dict[str, Any]]:
    return recurring(find_series(rows), date.fromisoformat(today)).rows(named=True)


def test_a_subscription() -> None:
    [series] = found(frame(paid("Netflix", "-15.49", "-15.49", "-15.49", "-15.49")))
    assert series["cadence"] == "monthly"
    assert series["amounts"] == "fixed"
    assert (series["next_on"], series["next_amount"]) == (date(2025, 5, 5), Decimal("-15.49"))
    assert series["status"] == "active"
    assert series["occurrences"] == 4


def test_a_bill_that_is_another_amount_each_month() -> None:
    [series] = found(frame(paid("Power", "-80", "-131.20", "-64", "-99", "-70")), "2025-05-20")
    assert series["amounts"] == "variable"
    assert series["next_amount"] == Decimal(-80)


def test_two_subscriptions_of_one_shop_are_two() -> None:
    rows = frame(paid("Apple", *["-2.99"] * 4), paid("Apple", *["-16.95"] * 4, first=date(2025, 1, 20)))
    assert sorted(series["last_amount"] for series in found(rows)) == [Decimal("-16.95"), Decimal("-2.99")]


def test_a_subscription_among_purchases() -> None:
    shopping = [
        row | {"date": START + timedelta(days=day), "transaction_id": f"t{day}"}
        for day in (1, 2, 9, 40, 41, 58, 90)
        for row in paid("Amazon", f"-{100 + 77 * day}")
    ]
    [series] = found(frame(shopping, paid("Amazon", *["-14.99"] * 4)))
    assert (series["last_amount"], series["occurrences"]) == (Decimal("-14.99"), 4)


def test_a_price_that_rises_is_one_series() -> None:
    [series] = found(frame(paid("Spotify", "-10.99", "-10.99", "-11.99", "-11.99")))
    assert (series["last_amount"], series["occurrences"]) == (Decimal("-11.99"), 4)


def test_a_price_that_jumps_is_one_series() -> None:
    [series] = found(frame(paid("Times", "-17", "-17", "-17", "-25", "-25", "-25")), "2025-07-01")
    assert (series["last_amount"], series["occurrences"]) == (Decimal(-25), 6)


def test_a_restaurant_now_and_then_is_no_bill() -> None:
    days = ["2025-01-05", "2025-03-09", "2025-05-02", "2025-07-07"]
    rows = [
        row | {"date": date.fromisoformat(day), "transaction_id": day}
        for day, amount in zip(days, ("-44", "-61", "-39", "-52"), strict=True)
        for row in paid("Porta", amount)
    ]
    assert found(frame(rows), "2025-08-01") == []


def test_a_payday_and_a_refund_of_one_firm_are_apart() -> None:
    rows = frame(paid("Acme", *["3200"] * 4), paid("Acme", "-3200", first=date(2025, 2, 11)))
    [series] = found(rows)
    assert (series["last_amount"], series["occurrences"]) == (Decimal(3200), 4)


def test_shopping_is_no_series() -> None:
    days = [1, 2, 4, 9, 11, 25, 26, 40, 41, 58]
    rows = [
        row | {"date": START + timedelta(days=day), "transaction_id": f"t{day}"}
        for day in days
        for row in paid("Grocer", f"-{20 + day}.10")
    ]
    assert found(frame(rows)) == []


def test_rows_without_a_merchant_take_no_part() -> None:
    rows = frame(paid("x", *["-5"] * 4)).with_columns(merchant=pl.lit(None, dtype=pl.String))
    assert found(rows) == []
    assert found(frame()) == []


@pytest.mark.parametrize(
    ("today", "status"),
    [
        ("2025-05-10", "active"),
        ("2025-05-12", "missed"),
        ("2025-06-12", "missed"),
        ("2025-07-12", "ended"),
        ("2030-01-01", "ended"),
    ],
)
def test_what_does_not_come_is_missed_and_then_ended(today: str, status: str) -> None:
    [series] = found(frame(paid("Gym", *["-40"] * 4)), today)
    assert series["status"] == status


def test_a_series_keeps_its_id_as_it_goes_on() -> None:
    [before] = found(frame(paid("Gym", *["-40"] * 4)))
    [after] = found(frame(paid("Gym", *["-40"] * 9)), "2025-10-01")
    assert before["series_id"] == after["series_id"]


def test_the_order_of_rows_does_not_matter() -> None:
    rows = frame(paid("Gym", *["-40"] * 5), paid("Power", "-80", "-131", "-64", "-99"))
    assert found(rows) == found(rows.reverse())


def test_twice_on_each_day_is_no_rhythm() -> None:
    rows = [
        row | {"transaction_id": f"{row['transaction_id']}{n}"}
        for row in paid("Bus", *["-3"] * 5)
        for n in (1, 2)
    ]
    assert found(frame(rows)) == []


def test_quarterly_and_annual() -> None:
    rows = frame(
        paid("Water", "-120", "-133", "-118", months=3),
        paid("Insurer", "-840", "-910", months=12, first=date(2023, 6, 1)),
    )
    assert [(s["merchant"], s["cadence"]) for s in found(rows, "2025-07-10")] == [
        ("Insurer", "annual"),
        ("Water", "quarterly"),
    ]


def test_transfers_are_marked_and_cash_is_paid_to_nobody() -> None:
    def row(name: str, detailed: str | None = None, **more: Any) -> dict[str, Any]:
        usual = {"merchant": "bank's", "pending": False, "removed": False, "amount": Decimal(-40)}
        return {"transaction_id": name, "plaid_detailed": detailed, **usual, **more}

    known = [
        row("a"),
        row("b", "TRANSFER_OUT_WITHDRAWAL"),
        row("c"),
        row("d", pending=True),
        row("e", removed=True),
    ]
    said = [
        {"transaction_id": name, "merchant": f"m{name}", "source": "transfer" if name == "c" else "plaid"}
        for name in "abcde"
    ]
    found = payments(pl.DataFrame(known), pl.DataFrame(said))
    assert found.select("transaction_id", "merchant", "transfer").rows() == [
        ("a", "ma", False), ("b", "", False), ("c", "mc", True),
    ]  # fmt: skip
