"""Rounding and signs of money."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.money import ledger_balance, ledger_sign, round_money, round_money_expr

ROUNDED = [
    ("0.005", "USD", "0.00"),
    ("0.015", "USD", "0.02"),
    ("0.025", "USD", "0.02"),
    ("0.0250001", "USD", "0.03"),
    ("-0.005", "USD", "0.00"),
    ("-0.015", "USD", "-0.02"),
    ("2.5", "JPY", "2"),
    ("3.5", "JPY", "4"),
    ("-2.5", "KRW", "-2"),
    ("0.0005", "KWD", "0.000"),
    ("0.0015", "KWD", "0.002"),
    ("1.2345", "TND", "1.234"),
    ("10", "XYZ", "10.00"),
]


@pytest.mark.parametrize(("amount", "currency", "rounded"), ROUNDED)
def test_halves_go_to_even_at_the_minor_unit(amount: str, currency: str, rounded: str) -> None:
    found = round_money(Decimal(amount), currency)
    assert found == Decimal(rounded)
    assert found.as_tuple().exponent == Decimal(rounded).as_tuple().exponent


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
@settings(deadline=None, max_examples=50)
@given(amounts=st.lists(st.decimals(-(10**9), 10**9, places=6), min_size=1, max_size=20))
def test_a_column_is_rounded_as_its_cells_are(currency: str, amounts: list[Decimal]) -> None:
    column = pl.Series("amount", amounts, dtype=pl.Decimal(28, 9)).to_frame()
    found = column.select(round_money_expr(pl.col("amount"), currency)).to_series().to_list()
    assert found == [round_money(amount, currency) for amount in amounts]


def test_money_out_becomes_a_credit() -> None:
    told = pl.Series("amount", [Decimal("12.34"), Decimal("-5"), None], dtype=pl.Decimal(18, 4)).to_frame()
    turned = told.select(ledger_sign(pl.col("amount"))).to_series()
    assert turned.to_list() == [Decimal("-12.34"), Decimal(5), None]
    assert turned.dtype == pl.Decimal(18, 4)


def test_what_is_owed_is_negative() -> None:
    told = pl.DataFrame(
        {"type": ["depository", "credit", "loan", "investment", "brokerage", "credit", None]}
    ).with_columns(balance=pl.lit(Decimal(10), dtype=pl.Decimal(18, 4)))
    found = told.select(ledger_balance(pl.col("balance"), pl.col("type"))).to_series().to_list()
    assert found == [10, -10, -10, 10, 10, -10, 10]
