"""How good a model is, and what speaks against using it."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from manna.categorizing.learning import ANSWERS, NO_ANSWERS
from manna.categorizing.measuring import LEAST, figures, objections, together


def answers(*rows: tuple[str, str | None, str, bool], month: int = 3) -> pl.DataFrame:
    """Decided, answered, probability, certain."""
    told = [
        (f"t{month}-{number}", date(2026, month, 1 + number % 28), decided, answered, Decimal(sure), certain)
        for number, (decided, answered, sure, certain) in enumerate(rows)
    ]
    return pl.DataFrame(told, schema=ANSWERS, orient="row")


def test_figures() -> None:
    march = answers(("a", "a", "0.95", True), ("a", "a", "0.95", True), ("b", "a", "0.55", False), month=3)
    april = answers(("b", None, "0", False), ("b", "a", "0.55", False), month=4)
    found = figures(pl.concat([april, march]))
    assert {name: found[name] for name in ("rows", "accuracy", "coverage", "precision")} == {
        "rows": 5,
        "accuracy": 0.4,
        "coverage": 0.4,
        "precision": 1.0,
    }
    assert found["calibration_error"] == pytest.approx((2 * 0.05 + 2 * 0.55 + 0) / 5)
    assert found["months"] == [
        {"month": "2026-03-01", "rows": 3, "accuracy": 0.6667, "coverage": 0.6667},
        {"month": "2026-04-01", "rows": 2, "accuracy": 0.0, "coverage": 0.0},
    ]
    assert [(one["bin"], one["rows"], one["right"]) for one in found["bins"]] == [
        (0, 1, 0.0),
        (5, 2, 0.0),
        (9, 2, 1.0),
    ]
    assert found["confusions"] == [
        {"decided": "b", "answered": "a", "rows": 2},
        {"decided": "b", "answered": None, "rows": 1},
    ]


def test_figures_of_nothing() -> None:
    found = figures(NO_ANSWERS)
    assert found["rows"] == 0
    assert found["accuracy"] is found["coverage"] is found["precision"] is found["calibration_error"] is None
    assert found["months"] == found["bins"] == found["confusions"] == []


def test_two_models_are_compared_on_the_rows_that_both_answered() -> None:
    old = answers(("a", "a", "0.9", True), ("b", "b", "0.9", True))
    new = answers(("a", "b", "0.9", True))
    champion, challenger = together(old, new)
    assert (champion["rows"], champion["accuracy"]) == (1, 1.0)
    assert (challenger["rows"], challenger["accuracy"]) == (1, 0.0)


GOOD = {"rows": 100, "accuracy": 0.9, "coverage": 0.5, "precision": 0.995, "calibration_error": 0.03}


@pytest.mark.parametrize(
    ("challenger", "champion", "first", "expected"),
    [
        ({}, {}, False, []),
        ({"accuracy": 0.899}, {}, False, []),  # as good as equal
        ({"rows": LEAST - 1}, {"accuracy": 0.0}, False, ["only 19 decisions to measure it by; 20 are needed"]),
        ({"rows": 0, "accuracy": None}, {"accuracy": None}, True, ["only 0 decisions to measure it by; 20 are needed"]),
        (
            {"accuracy": 0.85, "coverage": 0.4, "calibration_error": 0.05},
            {},
            False,
            [
                "accuracy 85.0% is below 90.0%",
                "coverage 40.0% is below 50.0%",
                "calibration error 5.0% is above 3.0%",
            ],
        ),
        ({"precision": 0.985}, {}, False, ["of what it is certain of only 98.5% is right"]),
        ({"precision": 0.985}, {"precision": 0.98}, False, []),
        ({"coverage": 0.0, "precision": None}, {"coverage": 0.0, "precision": None}, False, []),
        # Beside Plaid's category it is only asked what is right more often, and whether its certainty is worth it.
        ({"coverage": 0.0, "precision": None, "calibration_error": 0.2}, {}, True, []),
        ({"accuracy": 0.8}, {}, True, ["accuracy 80.0% is below 90.0%"]),
        ({"precision": 0.97}, {"precision": 0.5}, True, ["of what it is certain of only 97.0% is right"]),
    ],
)  # fmt: skip
def test_what_speaks_against_a_challenger(
    challenger: dict[str, Any], champion: dict[str, Any], first: bool, expected: list[str]
) -> None:
    assert objections({**GOOD, **challenger}, {**GOOD, **champion}, first=first) == expected
