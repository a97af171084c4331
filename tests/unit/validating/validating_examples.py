"""Rows of ``clean`` from what an example cares about; the rest is usual, null where null is allowed."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from manna.contracts import CONTRACTS, Kind

_NUMBERS = (Kind.MONEY, Kind.QUANTITY, Kind.PRICE, Kind.RATIO)
_KINDS = {
    Kind.TEXT: "x", Kind.INTEGER: 0, Kind.BOOLEAN: False, Kind.DATE: date(2026, 1, 1),
    Kind.MOMENT: datetime(2026, 1, 1, tzinfo=UTC), **dict.fromkeys(_NUMBERS, 0),
}  # fmt: skip
_USUAL = {"book": "home", "currency": "USD", "institution": "Bank", "name": "Checking", "type": "depository",
          "kind": "buy", "description": "COFFEE"}  # fmt: skip


def rows(table: str, *given: dict[str, Any]) -> pl.DataFrame:
    """Rows of ``clean.<table>``. Days may be written ``"03-16"`` (of 2026)."""
    contract = CONTRACTS[f"clean.{table}"]
    filled = [
        {
            c.name: _value(
                c.kind, row.get(c.name, None if c.nullable else _USUAL.get(c.name, _KINDS[c.kind]))
            )
            for c in contract.columns
        }
        for row in given
    ]
    return pl.DataFrame(filled, schema=contract.polars_schema)


def _value(kind: Kind, value: Any) -> Any:
    if kind is Kind.DATE and isinstance(value, str):
        return day(value)
    return Decimal(str(value)) if kind in _NUMBERS and value is not None else value


def day(text: str) -> date:
    """``"03-16"`` is 16 March 2026; a full date is itself."""
    return date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


def transaction(name: str, on: str, amount: Any, **more: Any) -> dict[str, Any]:
    """A posted row of the account ``a``, first heard of on its day."""
    usual = {"transaction_id": name, "account_id": "a", "date": on, "amount": amount, "first_known_on": on}
    return usual | more


def transactions(*given: dict[str, Any]) -> pl.DataFrame:
    """Rows of ``clean.transactions``."""
    return rows("transactions", *given)
