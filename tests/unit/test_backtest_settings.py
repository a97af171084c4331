"""The section `backtests` of a book's file: what it stands for, and what is none."""

from typing import Any, get_args

import pytest

from manna.backtest_settings import BacktestSetting, StrategyName
from manna.books import Book, complaints, document_of
from manna.portfolio.strategies import STRATEGIES


def book(**setting: Any) -> dict[str, Any]:
    return {"id": "b", "name": "B", "backtests": {"mine": {"strategy": "momentum", **setting}}}


def test_names_are_those_of_the_strategies() -> None:
    assert get_args(StrategyName) == tuple(STRATEGIES)


def test_a_sweep_is_every_combination() -> None:
    setting = BacktestSetting(
        strategy="momentum", parameters={"skip": 5}, sweep={"count": (1, 2), "lookback": (60, 120)}
    )
    found = list(setting.sets("household", "risers"))
    assert [one.key for one in found] == [
        "household.risers.count-1.lookback-60",
        "household.risers.count-1.lookback-120",
        "household.risers.count-2.lookback-60",
        "household.risers.count-2.lookback-120",
    ]
    assert found[1].parameters == {"skip": 5, "count": 1, "lookback": 120}


def test_without_a_sweep_there_is_one() -> None:
    setting = BacktestSetting(strategy="fixed targets", parameters={"targets": {"A": "0.5"}})  # type: ignore[dict-item]
    [one] = setting.sets("b", "half")
    assert (one.key, one.parameters) == ("b.half", {"targets": {"A": 0.5}})


def test_it_is_read_again_from_what_was_written_down() -> None:
    read = Book.model_validate(book(sweep={"count": [1, 2]}, first="2024-01-02", cost_bps="2.5"))
    assert Book.model_validate(document_of(read)) == read


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"strategy": "magic"}, "Input should be 'fixed targets'"),
        ({"every": "hour"}, "Input should be 'day'"),
        ({"capital": 0}, "greater than 0"),
        ({"cost_bps": -1}, "greater than or equal to 0"),
        ({"parameters": {"count": 1}, "sweep": {"count": [2]}}, "given in parameters and swept: count"),
        ({"sweep": {"count": []}}, "at least 1 item"),
        ({"sweep": {"count": [1, 1]}}, "sweep of count names a value twice"),
        ({"sweep": {"a": list(range(20)), "b": list(range(20))}}, "400 combinations; 200 are allowed"),
        ({"first": "2024-01-02", "last": "2024-01-02"}, "there are no days from"),
        ({"price": 1}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_no_backtest(setting: dict[str, Any], said: str) -> None:
    assert any(said in complaint for complaint in complaints(book(**setting)))


def test_a_name_is_part_of_a_key() -> None:
    document = {"id": "b", "name": "B", "backtests": {"My Own": {"strategy": "momentum"}}}
    assert any("should match pattern" in complaint for complaint in complaints(document))
