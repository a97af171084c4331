"""Any frame's values as text, column by column, for tables on a page or in a terminal.

What belongs here: the one rule by which a column's numbers are written. What does not: colours, widths
and markup, which differ between a page and a terminal.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from manna.contracts.declaration import Kind
from manna.money import minor_units

MONEY_SCALE = Kind.MONEY.polars.scale  # type: ignore[attr-defined]


def texts(frame: pl.DataFrame) -> dict[str, list[str]]:
    """Column name to the text of its values, nulls as empty text.

    Decimals have thousands separators and lose nothing: a column shows as many decimals as its longest
    value needs, and money (known by its scale) at least its currency's minor units, taken from the
    frame's ``currency`` column where there is one. A minus is the plain hyphen.
    """
    currencies = frame["currency"].to_list() if "currency" in frame.columns else [None] * frame.height
    return {name: _column(frame[name], currencies) for name in frame.columns}


def _column(series: pl.Series, currencies: Sequence[Any]) -> list[str]:
    values = series.to_list()
    if isinstance(series.dtype, pl.Decimal):
        money = series.dtype.scale == MONEY_SCALE
        least = [minor_units(str(code or "")) if money else 0 for code in currencies]
        most = max((_decimals(value) for value in values if value is not None), default=0)
        if not money:
            least = [most] * len(values)
        return [
            "" if value is None else _fixed(value, max(_decimals(value), digits))
            for value, digits in zip(values, least, strict=True)
        ]
    return [_text(value) for value in values]


def _decimals(value: Decimal) -> int:
    """Decimals that carry information."""
    exponent = value.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _fixed(value: Decimal, decimals: int) -> str:
    return f"{value:,.{decimals}f}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
