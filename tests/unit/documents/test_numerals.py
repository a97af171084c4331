"""Numbers and dates as text."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manna.documents import numerals

D = Decimal


@pytest.mark.parametrize(
    ("value", "currency", "plain", "accounting"),
    [
        ("1234567.891", "USD", "1,234,567.89", "1,234,567.89"),
        ("-1234.5", "USD", "−1,234.50", "(1,234.50)"),
        ("0", "USD", "0.00", "–"),
        ("-0.004", "USD", "0.00", "–"),
        ("0.125", "USD", "0.12", "0.12"),
        ("1234.5", "JPY", "1,234", "1,234"),
        ("-1.2345", "KWD", "−1.234", "(1.234)"),
    ],
)
def test_amounts(value, currency, plain, accounting):
    assert numerals.amount(D(value), currency) == plain
    assert numerals.accounting(D(value), currency) == accounting


def test_a_change_shows_its_sign():
    assert numerals.amount(D(5), "USD", signed=True) == "+5.00"
    assert numerals.amount(D(-5), "USD", signed=True) == "−5.00"
    assert numerals.amount(D(0), "USD", signed=True) == "0.00"


def test_what_is_not_known_is_said():
    assert numerals.amount(None, "USD") == numerals.accounting(None, "USD") == "not known"
    assert numerals.quantity(None) == numerals.long_date(None) == numerals.moment(None, "UTC") == "not known"
    assert numerals.percent(None) == "–"


@given(st.decimals(D("-1e13"), D("1e13"), places=2))
def test_no_cent_is_lost_between_decimal_and_text(value):
    text = numerals.amount(value, "USD").replace(",", "").replace("−", "-")
    assert D(text) == value


@pytest.mark.parametrize(
    ("value", "text"), [("0.1234", "12.3%"), ("-0.5", "−50.0%"), ("1", "100.0%"), ("12.345", "1,234.5%")]
)
def test_percent(value, text):
    assert numerals.percent(D(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1250.500000000", "1,250.5"),
        ("100.000000000", "100"),
        ("-3", "−3"),
        ("0E-9", "0"),
        ("0.000000001", "0.000000001"),
    ],
)
def test_quantity(value, text):
    assert numerals.quantity(D(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("950", "950"),
        ("1000", "1k"),
        ("-2500", "−2.5k"),
        ("1250000", "1.25m"),
        ("3E+9", "3bn"),
        ("0.02", "0.02"),
    ],
)
def test_abbreviated(value, text):
    assert numerals.abbreviated(D(value)) == text


def test_dates():
    assert numerals.long_date(date(2026, 3, 1)) == "1 March 2026"
    assert numerals.short_date(date(2026, 9, 30)) == "30 Sep 2026"
    assert numerals.month_name(date(2026, 12, 1)) == "December 2026"


def test_a_moment_is_told_in_the_books_time_zone():
    moment = datetime(2026, 4, 2, 1, 30, tzinfo=UTC)
    assert numerals.moment(moment, "America/New_York") == "1 April 2026, 21:30 EDT"
