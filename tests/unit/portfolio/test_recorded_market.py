"""The market as the lake has it: what each kind of corporate action does to a share that is held."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from manna.contracts import CONTRACTS
from manna.portfolio.backtest import backtest
from manna.portfolio.recorded_market import Recorded, recorded_market
from manna.portfolio.strategies import FixedTargets

BARS, ACTIONS = CONTRACTS["clean.bars"].polars_schema, CONTRACTS["clean.corporate_actions"].polars_schema


def recorded(closes: dict[str, list[float | None]], *actions: dict[str, Any], symbols: tuple[str, ...] = ("A",)) -> Recorded:  # fmt: skip
    rows = [
        {"symbol": symbol, "date": date(2024, 1, 1 + number), "close": Decimal(str(price))}
        for symbol, prices in closes.items()
        for number, price in enumerate(prices)
        if price is not None
    ]
    happened = [
        {"action_id": str(number), "symbol": "A", "ex_date": date(2024, 1, 2), **action}
        for number, action in enumerate(actions)
    ]
    bars = pl.DataFrame(rows, schema={name: BARS[name] for name in ("symbol", "date", "close")})
    return recorded_market(bars, pl.DataFrame(happened, schema=ACTIONS), symbols)


def grown(found: Recorded) -> list[float]:
    """What 100, all in A on the first day, comes to."""
    held = backtest(found.market, FixedTargets({"A": 1.0}), [0], capital=100, delay=0)
    return [float(value) for value in held.values.round(6)]


@pytest.mark.parametrize(
    ("closes", "action", "values"),
    [
        ([10, 5, 5], {"kind": "split", "ratio": Decimal(2)}, [100, 100, 100]),
        ([10, 100, 100], {"kind": "split", "ratio": Decimal("0.1")}, [100, 100, 100]),
        ([10, 8, 8], {"kind": "stock_dividend", "ratio": Decimal("1.25")}, [100, 100, 100]),
        ([10, 9, 9], {"kind": "dividend", "cash": Decimal(1)}, [100, 100, 100]),
        ([10, None, None], {"kind": "cash_merger", "cash": Decimal(12)}, [100, 120, 120]),
        ([10, 11, None], {"kind": "cash_merger", "cash": Decimal(12)}, [100, 110, 120]),
        ([10, None, None], {"kind": "worthless_removal"}, [100, 0, 0]),
        (
            [10, 8, 8],
            {"kind": "spin_off", "new_symbol": "C", "ratio": Decimal("0.5")},
            [100, 100, 100],
        ),
    ],
)
def test_what_an_action_does(closes: list[float | None], action: dict[str, Any], values: list[float]) -> None:
    found = recorded({"A": closes, "B": [1, 1, 1], "C": [None, 4, 4]}, action, symbols=("A", "B"))
    assert grown(found) == values
    assert found.notes == ()


def test_an_action_on_a_day_without_a_market_counts_on_the_next() -> None:
    found = recorded(
        {"A": [10, 5], "B": [1, 1]}, {"kind": "split", "ratio": Decimal(2), "ex_date": date(2024, 1, 2)}
    )
    assert grown(found) == [100, 100]


def test_what_is_not_known_is_said() -> None:
    found = recorded({"A": [10, 8]}, {"kind": "spin_off", "new_symbol": "NEW", "ratio": Decimal(1)})
    assert grown(found) == [100, 80]
    assert found.notes == ("A: what NEW was worth on 2024-01-02 is not known; left out",)


def test_actions_before_the_first_bar_and_of_others_do_nothing() -> None:
    old = {"kind": "split", "ratio": Decimal(2), "ex_date": date(2023, 1, 1)}
    other = {"kind": "split", "ratio": Decimal(2), "symbol": "Z"}
    found = recorded({"A": [10, 10]}, old, other)
    assert grown(found) == [100, 100]
    assert found.market.splits is not None
    assert (found.market.splits == 1).all()


def test_all_symbols_where_none_are_named() -> None:
    found = recorded({"B": [1, 2], "A": [3, None]}, symbols=())
    assert found.market.symbols == ("A", "B")
    np.testing.assert_array_equal(found.market.closes, [[3, 1], [np.nan, 2]])


def test_a_symbol_without_prices() -> None:
    with pytest.raises(ValueError, match="there are no prices of X, Y; there are: A"):
        recorded({"A": [1]}, symbols=("X", "A", "Y"))
    with pytest.raises(ValueError, match="no prices of anything"):
        recorded({}, symbols=())
