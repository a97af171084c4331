"""Splits: what sums to the transaction is one, anything else says why it is none."""

from decimal import Decimal
from typing import Any

import pytest

from manna.categorizing.splitting import SplitError, parts


@pytest.mark.parametrize(
    ("amount", "given", "expected"),
    [
        ("-20", ["-12", "-8"], ["-12", "-8"]),
        ("-20", ["12", "8"], ["-12", "-8"]),
        ("-20", ["12", None], ["-12", "-8"]),
        ("-20", [12, 8.0], ["-12", "-8.0"]),
        ("20", ["12", "8"], ["12", "8"]),
        ("-20", ["-25", "5"], ["-25", "5"]),
        ("-20", ["-25", None], ["-25", "5"]),
        ("-20", ["1", "2", None], ["-1", "-2", "-17"]),
    ],
)
def test_a_split(amount: str, given: list[Any], expected: list[str]) -> None:
    wanted = [{"category": f"Expenses:{n}", "amount": each} for n, each in enumerate(given)]
    found = parts(Decimal(amount), wanted)
    assert found == [(f"Expenses:{n}", Decimal(each)) for n, each in enumerate(expected)]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "at least two parts"),
        ([{"category": "Expenses:A", "amount": "-20"}], "at least two parts"),
        ([{"category": "Expenses:A", "amount": "-12"}, {"amount": "-8"}], "needs a category"),
        ([{"category": "Expenses:A"}, {"category": "Expenses:B"}], "only one part"),
        ([{"category": "Expenses:A", "amount": "x"}, {"category": "Expenses:B"}], "'x' is no amount"),
        ([{"category": "Expenses:A", "amount": "NaN"}, {"category": "Expenses:B"}], "'NaN' is no amount"),
        (
            [{"category": "Expenses:A", "amount": "-12"}, {"category": "Expenses:B", "amount": "-7"}],
            "the parts sum to -19, the transaction is -20",
        ),
        ([{"category": "Expenses:A", "amount": "-20"}, {"category": "Expenses:B"}], "nothing is left"),
    ],
)
def test_what_is_no_split(given: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(SplitError, match=why):
        parts(Decimal(-20), given)
