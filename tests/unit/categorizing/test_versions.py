"""Which version is in use, and which one comes back."""

import pytest

from manna.categorizing.versions import standing


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ([], [None]),
        (["a"], [None, "a"]),
        (["a", "b"], [None, "a", "b"]),
        (["a", "b", "a"], [None, "a"]),  # back from b
        (["a", "b", "a", None], [None]),  # and back from a
        (["a", "b", "a", "c"], [None, "a", "c"]),
        (["a", "b", "b"], [None, "a", "b"]),
        (["a", None, "a"], [None, "a"]),
        ([None], [None]),
    ],
)
def test_going_back_twice_goes_back_further(uses: list[str | None], expected: list[str | None]) -> None:
    assert standing(uses) == expected
