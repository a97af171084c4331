"""Positions rebuilt from activities: equal to the broker's on every day told, or named."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from manna.contracts import CONTRACTS
from manna.validating.positions import rebuilt_positions

SOURCE = {"batch_id": "b", "payload_sha256": "0" * 64, "known_at": datetime(2026, 3, 16, tzinfo=UTC)}


def frame(table: str, *rows: dict[str, Any]) -> pl.DataFrame:
    contract = CONTRACTS[f"clean.{table}"]
    return contract.conform(pl.DataFrame([SOURCE | row for row in rows], schema=contract.polars_schema))


def account(name: str, provider: str = "alpaca", book: str = "home") -> dict[str, Any]:
    return {"account_id": name, "provider": provider, "book": book, "type": "brokerage", "currency": "USD"}


def trade(day: int, quantity: str, symbol: str = "VTI", **more: Any) -> dict[str, Any]:
    """One that was told on a day of March; dated long before, which does not matter."""
    return {
        "trade_id": f"{day} {symbol} {quantity}", "book": "home", "account_id": "broker", "kind": "buy",
        "security_id": symbol, "date": date(2024, 5, 1), "first_known_on": date(2026, 3, day),
        "quantity": Decimal(quantity), "amount": Decimal(0), "removed": False,
    } | more  # fmt: skip


def holding(day: int, quantity: str, symbol: str = "VTI", name: str = "broker") -> dict[str, Any]:
    return {
        "account_id": name, "book": "home", "security_id": symbol, "as_of": date(2026, 3, day),
        "quantity": Decimal(quantity), "value": Decimal(0), "currency": "USD",
    }  # fmt: skip


def cash(day: int) -> dict[str, Any]:
    """Every day told lists the money, also when nothing is held."""
    return holding(day, "100", "CUR:USD")


def differences(
    trades: list[dict[str, Any]], holdings: list[dict[str, Any]], provider: str = "alpaca"
) -> list[tuple[Any, ...]]:
    """Security, day of March, broker's quantity, that of the activities."""
    found = rebuilt_positions(
        frame("accounts", account("broker", provider), account("other", "plaid")),
        frame("trades", *trades),
        frame("holdings", *holdings),
        frame("securities"),
    )
    assert found["book"].to_list() == ["home"] * found.height
    wanted = ("security_id", "as_of", "provider_quantity", "ledger_quantity", "difference")
    rows = found.select(wanted).rows()
    assert all(difference == ours - theirs for _, _, theirs, ours, difference in rows)
    return [(symbol, day.day, theirs, ours) for symbol, day, theirs, ours, _ in rows]


@pytest.mark.parametrize(
    ("trades", "holdings", "found"),
    [
        ([], [], []),
        ([], [cash(16)], []),
        ([trade(16, "5"), trade(16, "-2")], [holding(16, "3")], []),
        # What came before the first day told is no opening: it must be in the activities.
        ([], [holding(16, "3")], [("VTI", 16, 3, 0)]),
        ([trade(16, "5")], [holding(16, "3"), holding(17, "3")], [("VTI", 16, 3, 5), ("VTI", 17, 3, 5)]),
        # Held by the activities, and not listed by the broker.
        ([trade(16, "5")], [cash(16)], [("VTI", 16, 0, 5)]),
        # Told on the 17th: not part of what was held on the 16th, whatever day it is dated.
        ([trade(16, "5"), trade(17, "1")], [holding(16, "5"), holding(17, "6")], []),
        ([trade(16, "5"), trade(17, "1", date=date(2026, 3, 18))], [holding(16, "5"), holding(17, "6")], []),
        # Both sides of a change of symbol.
        (
            [trade(16, "5"), trade(17, "-5"), trade(17, "5", "VTJ")],
            [holding(16, "5"), holding(17, "0"), holding(17, "5", "VTJ")],
            [],
        ),
        (
            [trade(16, "5"), trade(17, "-5")],
            [holding(16, "5"), holding(17, "0"), holding(17, "5", "VTJ")],
            [("VTJ", 17, 5, 0)],
        ),
        # Taken back on the 17th, it was held until then.
        (
            [trade(16, "5"), trade(16, "1", removed=True, removed_on=date(2026, 3, 17))],
            [holding(16, "6"), holding(17, "5")],
            [],
        ),
        # Taken back before we ever heard of it.
        ([trade(16, "1", removed=True, removed_on=date(2026, 3, 16))], [cash(16), cash(17)], []),
        # Dividends move nothing, money is no position, other accounts are not ours to judge.
        ([trade(16, "0", kind="dividend")], [cash(16), holding(16, "9", name="other")], []),
    ],
)
def test_differences(
    trades: list[dict[str, Any]], holdings: list[dict[str, Any]], found: list[tuple[Any, ...]]
) -> None:
    assert differences(trades, holdings) == found


def test_who_does_not_tell_everything_is_not_compared() -> None:
    assert differences([trade(16, "5")], [holding(16, "3")], provider="plaid") == []
