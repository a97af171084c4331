"""Any frame's values as text."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl

from manna.contracts.declaration import Kind
from manna.documents.columns import texts


def column(values, dtype, **others):
    return texts(pl.DataFrame({"x": pl.Series(values, dtype=dtype), **others}))["x"]


def test_money_has_the_minor_units_of_its_currency_and_loses_nothing():
    values = [Decimal("1234.5"), Decimal("-1200"), Decimal("1.2345"), None]
    codes = pl.Series(["USD", "JPY", "USD", "USD"])
    assert column(values, Kind.MONEY.polars, currency=codes) == ["1,234.50", "-1,200", "1.2345", ""]
    assert column([Decimal(3)], Kind.MONEY.polars) == ["3.00"]


def test_other_decimals_align_on_what_the_longest_needs():
    assert column([Decimal("1.5"), Decimal("2000")], Kind.QUANTITY.polars) == ["1.5", "2,000.0"]
    assert column([Decimal("7"), Decimal("0")], Kind.QUANTITY.polars) == ["7", "0"]


def test_everything_else():
    assert column([1234, None], pl.Int64) == ["1,234", ""]
    assert column([True, False], pl.Boolean) == ["yes", "no"]
    assert column([0.1234567, float("nan")], pl.Float64) == ["0.123457", "nan"]
    assert column([date(2026, 3, 1)], pl.Date) == ["2026-03-01"]
    assert column([datetime(2026, 3, 1, 5, tzinfo=UTC)], pl.Datetime("us", "UTC")) == [
        "2026-03-01 05:00:00+00:00"
    ]
    assert column([["a", "b"]], pl.List(pl.String)) == ['["a", "b"]']
    assert column(["as it is"], pl.String) == ["as it is"]


def test_a_frame_without_rows_keeps_its_columns():
    assert texts(pl.DataFrame(schema={"x": pl.Int64})) == {"x": []}
