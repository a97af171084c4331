"""What a person is told of, and what is no news."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from test_recurring import SCHEMA, START, frame, paid

from manna.books import Thresholds
from manna.categorizing.insights import insights
from manna.categorizing.recurring import find_series

TODAY = date(2025, 6, 10)


KNOWN = paid("Netflix", *["-15.49"] * 6)
"""Of a book that is known for more than sixty days."""


def told(rows: pl.DataFrame, today: date = TODAY, large: str = "1000") -> list[tuple[str, str, str]]:
    found = insights(rows, find_series(rows), today, Thresholds(large_payment=Decimal(large)))
    return [
        (row["kind"], row["merchant"], f"{row['amount'].normalize():f}")
        for row in found.iter_rows(named=True)
    ]


def once(
    merchant: str, amount: str, on: date, name: str = "x", account: str = "card"
) -> list[dict[str, Any]]:
    row = paid(merchant, amount)[0]
    return [row | {"date": on, "transaction_id": f"{name}-{on}", "account_id": account}]


def test_nothing_to_tell() -> None:
    assert told(frame(paid("Netflix", *["-15.49"] * 6))) == []
    assert told(frame()) == []


def test_a_price_that_rose() -> None:
    rows = frame(paid("Spotify", "-10.99", "-10.99", "-10.99", "-10.99", "-10.99", "-11.99"))
    assert told(rows) == [("price_increase", "Spotify", "1")]
    assert told(rows, TODAY + timedelta(days=90)) != [("price_increase", "Spotify", "1")]  # no news any more


@pytest.mark.parametrize(
    "amounts",
    [
        pytest.param(["-11.99"] * 5 + ["-10.99"], id="a price that fell"),
        pytest.param(["-9.87", "-9.91", "-9.90", "-9.85", "-9.93", "-9.95"], id="an exchange rate"),
        pytest.param(["-80", "-131", "-64", "-99", "-70", "-120"], id="a bill that varies"),
        pytest.param(["-10", "-10", "-10", "-10", "-12", "-10"], id="once more, then as before"),
        pytest.param(["10", "10", "10", "10", "10", "12"], id="income"),
    ],
)
def test_what_is_no_price_rise(amounts: list[str]) -> None:
    assert [kind for kind, *_ in told(frame(paid("M", *amounts))) if kind == "price_increase"] == []


def test_income_that_did_not_come() -> None:
    rows = frame(paid("Acme", *["3200"] * 5))
    assert told(rows, date(2025, 6, 20)) == [("missed", "Acme", "3200")]
    [row] = insights(rows, find_series(rows), date(2025, 6, 20), Thresholds()).rows(named=True)
    assert row["message"] == (
        "the monthly income from Acme, about 3,200.00 USD, was expected on 2025-06-05 and did not come"
    )


def test_the_same_amount_twice() -> None:
    pair = [once("Hotel", "-310", date(2025, 6, 3), "a"), once("Hotel", "-310", date(2025, 6, 4), "b")]
    assert told(frame(*pair)) == [], "when everybody is new"
    assert told(frame(KNOWN, *pair)) == [("possible_duplicate", "Hotel", "310")]


def test_the_least_that_is_worth_asking() -> None:
    def twice(amount: str) -> pl.DataFrame:
        pair = (once("Café", amount, date(2025, 6, 3), name) for name in "ab")
        return frame(KNOWN, *pair)

    assert told(twice("-9.99")) == []
    assert told(twice("-10")) == [("possible_duplicate", "Café", "10")]
    subscription = paid("Spotify", *["-9.99"] * 6)
    again = subscription[-1] | {"transaction_id": "again"}
    assert told(frame(subscription, [again])) == [("possible_duplicate", "Spotify", "9.99")]


@pytest.mark.parametrize(
    ("amount", "days", "account"),
    [("-311", 1, "card"), ("-310", 3, "card"), ("-310", 1, "other")],
    ids=["another amount", "three days on", "another account"],
)
def test_what_is_no_duplicate(amount: str, days: int, account: str) -> None:
    again = once("Hotel", amount, date(2025, 6, 3) + timedelta(days=days), "b", account)
    assert told(frame(KNOWN, once("Hotel", "-310", date(2025, 6, 3), "a"), again)) == []


def test_a_fare_that_is_paid_often_is_no_duplicate() -> None:
    days = [1, 2, 3, 6, 7, 8, 9]
    for other in ("-2.90", "-35"):
        assert told(frame(KNOWN, *(once("Bus", other, date(2025, 6, day), f"b{day}") for day in days))) == []


def test_who_never_asks_another_sum_is_filled_up_not_doubled() -> None:
    days = [date(2025, 5, 20), date(2025, 6, 3), date(2025, 6, 4)]
    tolls = [once("Tolls", "-35", day, f"t{day}") for day in days]
    assert told(frame(KNOWN, *tolls)) == []
    assert told(frame(KNOWN, *tolls, once("Tolls", "-12", START))) == [("possible_duplicate", "Tolls", "35")]


def test_what_is_paid_to_oneself_is_no_news() -> None:
    card = once("Card", "-4200", date(2025, 6, 2))
    assert told(frame(KNOWN, [card[0] | {"own": True}])) == []
    assert told(frame(KNOWN, card)) == [("new_merchant", "Card", "4200")]


def test_an_unusual_amount() -> None:
    before = [
        once("Grocer", f"-{60 + day % 5}", START + timedelta(days=9 * day), f"g{day}") for day in range(12)
    ]
    assert told(frame(*before, once("Grocer", "-480", date(2025, 6, 1)))) == [
        ("unusual_amount", "Grocer", "480")
    ]
    assert told(frame(*before, once("Grocer", "-95", date(2025, 6, 1)))) == []


def test_what_is_unusual_of_a_shop_and_of_a_bill() -> None:
    amounts = [60, 75, 190, 30, 41, 44, 80, 66, 38, 90, 52, 71]
    days = [1, 5, 6, 13, 22, 24, 31, 33, 45, 52, 60, 77]
    shop = [
        once("Grocer", f"-{amount}", date(2025, 3, 1) + timedelta(days=day), f"g{day}")
        for day, amount in zip(days, amounts, strict=True)
    ]

    def unusual(*rows: list[dict[str, Any]], today: date = TODAY) -> list[str]:
        return [amount for kind, _, amount in told(frame(KNOWN, *rows), today) if kind == "unusual_amount"]

    assert unusual(*shop, once("Grocer", "-380", date(2025, 6, 1))) == []
    assert unusual(*shop, once("Grocer", "-381", date(2025, 6, 1))) == ["381"]
    assert unusual(*shop[:-1], once("Grocer", "-570", date(2025, 6, 1))) == [], (
        "the fewer, the more is needed"
    )
    assert unusual(*shop[:-1], once("Grocer", "-571", date(2025, 6, 1))) == ["571"]
    sums = ["-110", "-140", "-155", "-150", "-120", "-100", "-118", "-122", "-137", "-160", "-128", "-111"]
    assert unusual(paid("Power", *sums, "-249"), today=date(2026, 1, 20)) == []
    assert unusual(paid("Power", *sums, "-251"), today=date(2026, 1, 20)) == ["251"]
    small = [one | {"amount": one["amount"] / 10} for (one,) in shop]
    assert unusual(small, once("Grocer", "-99.99", date(2025, 6, 1))) == [], "nobody's concern"
    assert unusual(small, once("Grocer", "-100", date(2025, 6, 1))) == ["100"]


def test_of_somebody_paid_a_few_times_only_what_is_large_is_unusual() -> None:
    before = [once("Roofer", "-300", START), once("Roofer", "-320", START + timedelta(days=17))]
    assert told(frame(*before, once("Roofer", "-1000", date(2025, 6, 1)))) == [
        ("unusual_amount", "Roofer", "1000")
    ]
    assert told(frame(*before, once("Roofer", "-999", date(2025, 6, 1)))) == []


def test_another_sum_is_none_that_was_missed() -> None:
    rows = paid("Acme", *["3200"] * 5)
    late = date(2025, 6, 20)
    assert told(frame(rows), late) == [("missed", "Acme", "3200")]
    assert told(frame(rows, once("Acme", "5100", date(2025, 6, 9))), late) == []
    assert told(frame(rows, once("Acme", "-5100", date(2025, 6, 9))), late)[0] == ("missed", "Acme", "3200")


def test_who_is_paid_in_some_months_only_is_not_missed_in_the_others() -> None:
    every_month = [once("Helper", "-400", date(2024, month, 24), f"h{month}") for month in range(1, 13)]
    some = [row for number, row in enumerate(every_month) if number not in (2, 6, 9)]
    assert told(frame(*every_month), date(2025, 2, 10)) == [("missed", "Helper", "400")]
    assert told(frame(*some), date(2025, 2, 10)) == []


def test_a_first_large_payment() -> None:
    known = paid("Netflix", *["-15.49"] * 6)
    assert told(frame(known, once("Roofer", "-4200", date(2025, 6, 2)))) == [
        ("new_merchant", "Roofer", "4200")
    ]
    assert told(frame(known, once("Roofer", "-999", date(2025, 6, 2)))) == []
    everybody_is_new = once("Roofer", "-4200", START + timedelta(days=3))
    assert told(frame(paid("Netflix", "-15.49"), everybody_is_new), START + timedelta(days=10)) == []


def test_a_schema_of_nothing() -> None:
    assert insights(pl.DataFrame(schema=SCHEMA), [], TODAY, Thresholds()).height == 0
