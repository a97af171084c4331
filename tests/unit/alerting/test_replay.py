"""The past replayed: each day sees what the sensor would have seen on it, and nothing later."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from manna.alerting import money
from manna.alerting.conditions import worth_telling
from manna.alerting.looking import Past, looks
from manna.alerting.replay import replayed
from manna.books import Book
from manna.categorizing.insights import insights
from manna.categorizing.recurring import find_series, recurring
from manna.contracts import CONTRACTS

FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)
BOOK = Book.model_validate(
    {
        "id": "home",
        "name": "Home",
        "budgets": {"Expenses:Food": 100},
        "targets": {"institution": "Broker", "weights": {"VTI": 0.5, "BND": 0.5}, "band": 0.05},
    }
)


def table(address: str, *given: dict[str, Any]) -> pl.DataFrame:
    schema = CONTRACTS[address].polars_schema
    return pl.DataFrame(
        [{name: {"book": "home", "currency": "USD", **one}.get(name) for name in schema} for one in given],
        schema=schema,
    )


def paid(merchant: str, on: date, amount: int, account: str = "a") -> dict[str, Any]:
    return {
        "transaction_id": f"{merchant} {on}", "book": "home", "account_id": account, "date": on,
        "amount": Decimal(amount), "currency": "USD", "merchant": merchant, "transfer": False, "own": False,
    }  # fmt: skip


def year() -> list[dict[str, Any]]:
    """Pay and rent every month; in June the pay is missed, in August the rent rises, in October a roof is paid."""
    rows = []
    for month in range(1, 13):
        if month != 6:
            rows.append(paid("acme", date(2025, month, 5), 3000))
        rows.append(paid("landlord", date(2025, month, 9), -2000 if month < 8 else -2200))
        rows.append(paid("grocer", date(2025, month, 11 + month % 5), -60 - 7 * (month % 4)))
    return [*rows, paid("roofer", date(2025, 10, 2), -9000)]


SCHEMA = pl.DataFrame([paid("x", FIRST, 1)]).schema | {"amount": pl.Decimal(18, 4)}
ACCOUNTS = table(
    "clean.accounts",
    {"account_id": "a", "institution": "Bank", "name": "Checking", "type": "depository"},
    {"account_id": "i", "institution": "Broker", "name": "Invested", "type": "investment"},
)


def past(rows: list[dict[str, Any]], **more: pl.DataFrame) -> Past:
    nothing = {
        name.partition(".")[2]: CONTRACTS[name].empty()
        for name in (
            "ledger.postings",
            "ledger.reconciliation",
            "portfolio.performance",
            "portfolio.valuations",
        )
    }
    held = table("clean.balances", {"account_id": "a", "as_of": LAST, "current": Decimal(1000)})
    known = {"accounts": ACCOUNTS, "balances": held, "transactions": pl.DataFrame(rows, schema=SCHEMA)}
    return Past(BOOK, **{**nothing, **known, **more})


def told(found: Past, *kinds: str, since: date = FIRST) -> list[tuple[str, str, str | None]]:
    """Kind, and the days on which it opened and was resolved."""
    return [
        (one.kind, f"{one.opened_on:%m-%d}", f"{one.resolved_on:%m-%d}" if one.resolved_on else None)
        for one in replayed(found, since, LAST)
        if not kinds or one.kind in kinds
    ]


def test_a_year() -> None:
    assert told(past(year())) == [
        ("missed_payment", "06-12", "07-05"),
        ("price_increase", "08-09", "10-09"),
        ("low_balance", "10-02", "10-05"),
        ("new_merchant", "10-02", "12-02"),
        ("projected_low", "10-05", "10-09"),
        ("low_balance", "10-09", "11-05"),
        ("low_balance", "11-09", "12-05"),
    ]


def test_each_day_sees_what_the_sensor_would_have() -> None:
    rows = year()
    payments, balances = looks(past(rows))[:2]
    for number in range(0, 365, 13):
        day = FIRST + timedelta(days=number)
        known = pl.DataFrame([row for row in rows if row["date"] <= day], schema=SCHEMA)
        series = find_series(known)
        now = insights(known, series, day, BOOK.thresholds).to_dicts()
        by_name = {one["fingerprint"]: one for one in worth_telling(now)}
        assert {one["fingerprint"]: one for one in payments(day)} == by_name
        current = Decimal(1000) - sum(row["amount"] for row in rows if row["date"] > day)
        held = [
            {
                "account_id": "a",
                "institution": "Bank",
                "name": "Checking",
                "current": current,
                "currency": "USD",
            }
        ]
        coming = recurring(series, day).to_dicts()
        wanted = money.low_balances(BOOK, held) + money.projected_lows(BOOK, held, coming, day)
        if known.height:
            assert balances(day) == wanted


def test_what_was_stated_counts_and_what_was_not_is_rolled_back() -> None:
    stated = table(
        "clean.balances",
        {"account_id": "a", "as_of": date(2025, 3, 1), "current": Decimal(499)},
        {"account_id": "a", "as_of": date(2025, 3, 3), "current": Decimal(500)},
    )
    rows = [paid("x", date(2025, 2, 1), -10), paid("x", date(2025, 2, 27), 5), paid("x", date(2025, 3, 3), 9)]
    # 489 + 5 = 494 before the first; 499 stated; 500 - 9 = 491 on the second of March; then 500, for good.
    assert told(past(rows, balances=stated), "low_balance") == [("low_balance", "02-01", "03-03")]
    rows[2]["amount"] = Decimal(-9)
    assert told(past(rows, balances=stated), "low_balance") == [
        ("low_balance", "02-01", "03-02"),
    ]


def test_a_budget_is_spent_day_by_day_and_begins_anew() -> None:
    spent = [("02-27", 111), ("03-01", 100), ("03-20", 10), ("03-21", 1), ("04-01", 110)]
    postings = table(
        "ledger.postings",
        *(
            {
                "account": "Expenses:Food:Out",
                "date": date.fromisoformat(f"2025-{day}"),
                "amount": Decimal(amount),
            }
            for day, amount in spent
        ),
    )
    assert told(past([], postings=postings)) == [("budget", "02-27", "03-01"), ("budget", "03-21", "04-01")]


def test_a_break_ends_with_the_comparison_that_agrees() -> None:
    def compared(day: int, basis: str) -> dict[str, Any]:
        sums = {"ledger_balance": Decimal(1), "provider_balance": Decimal(2), "difference": Decimal(-1)}
        return {"account_id": "a", "as_of": date(2025, 5, day), "basis": basis, **sums}

    days = [compared(1, "reconciled"), compared(4, "difference"), compared(9, "reconciled")]
    assert told(past([], reconciliation=table("ledger.reconciliation", *days))) == [
        ("reconciliation", "05-04", "05-09")
    ]


def test_losses_and_weights_are_those_of_the_last_market_day() -> None:
    returns = {
        date(2025, 1, 2): "0.1",
        date(2025, 1, 3): "-0.21",
        date(2025, 1, 4): "0",
        date(2025, 1, 6): "0.02",
    }
    performance = table(
        "portfolio.performance",
        *({"scope": "book", "date": day, "day_return": Decimal(moved)} for day, moved in returns.items()),
    )
    worth = {date(2025, 1, 2): 55, date(2025, 1, 3): 56, date(2025, 1, 6): 54}
    valuations = table(
        "portfolio.valuations",
        *(
            {
                "account_id": "i", "security_id": name, "date": day, "quantity": Decimal(1), "price_source": "bar",
                "value": Decimal(value if name == "VTI" else 100 - value),
            }
            for day, value in worth.items()
            for name in ("VTI", "BND")
        ),
    )  # fmt: skip
    assert told(past([], performance=performance, valuations=valuations)) == [
        ("drawdown", "01-03", "01-06"),
        ("drift", "01-03", "01-06"),
    ]


def test_what_lasts_on_the_first_day_opens_then_and_what_lasts_on_the_last_is_open() -> None:
    held = table("clean.balances", {"account_id": "a", "as_of": FIRST, "current": Decimal(1)})
    assert told(past([], balances=held), since=date(2025, 7, 1)) == [("low_balance", "07-01", None)]
    [one] = replayed(past([], balances=held), LAST, LAST)
    assert (one.book, one.severity, one.opened_on) == ("home", "warning", LAST)
    assert one.message == "Bank Checking holds 1.00 USD, less than 500.00"
    assert replayed(past([]), LAST, FIRST) == []
