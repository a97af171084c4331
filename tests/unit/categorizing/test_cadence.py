"""Rhythms found in dates, and the date that comes next."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manna.categorizing.cadence import BY_NAME, CADENCES, cadence_of, following


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def every(step: int, count: int, start: str = "2025-01-03") -> list[date]:
    return [date.fromisoformat(start) + timedelta(days=step * number) for number in range(count)]


@pytest.mark.parametrize(
    ("found", "name", "next_on"),
    [
        pytest.param(every(7, 5), "weekly", "2025-02-07", id="weekly"),
        pytest.param(every(14, 4), "fortnightly", "2025-02-28", id="a payday each second Friday"),
        pytest.param(
            days("2025-01-15", "2025-01-31", "2025-02-14", "2025-02-28", "2025-03-14", "2025-03-31"),
            "semimonthly",
            "2025-04-14",  # most came on the 14th, before a weekend
            id="a payday on the 15th and the last",
        ),
        pytest.param(
            days("2025-01-01", "2025-01-15", "2025-02-01", "2025-02-15", "2025-02-28"),
            "semimonthly",
            "2025-03-15",
            id="the 1st came before a weekend",
        ),
        pytest.param(days("2025-01-05", "2025-02-05", "2025-03-05"), "monthly", "2025-04-05", id="monthly"),
        pytest.param(
            days("2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"),
            "monthly",
            "2025-05-31",
            id="the last",
        ),
        pytest.param(
            days("2025-03-01", "2025-03-31", "2025-05-01", "2025-06-02"),
            "monthly",
            "2025-07-01",
            id="weekends on both sides of the 1st",
        ),
        pytest.param(
            days("2025-01-05", "2025-02-05", "2025-03-05", "2025-05-05", "2025-06-05", "2025-07-05"),
            "monthly",
            "2025-08-05",
            id="one month was left out",
        ),
        pytest.param(
            days("2025-01-05", "2025-03-06", "2025-05-05"), "bimonthly", "2025-07-05", id="each second month"
        ),
        pytest.param(
            days("2025-01-15", "2025-04-15", "2025-06-16", "2025-09-15", "2026-01-15"),
            None,
            None,
            id="estimated tax is due after three, two, three and four months",
        ),
        pytest.param(
            days("2024-06-28", "2024-09-30", "2024-12-30", "2025-03-31"),
            "quarterly",
            "2025-06-30",
            id="quarterly",
        ),
        pytest.param(
            days("2024-01-10", "2024-07-10", "2025-01-10"), "semiannual", "2025-07-10", id="twice a year"
        ),
        pytest.param(days("2024-02-29", "2025-02-28"), "annual", "2026-02-28", id="annual, two are enough"),
        pytest.param(days("2025-01-05", "2025-02-05"), None, None, id="two are not enough for a month"),
        pytest.param(days("2025-01-05"), None, None, id="one"),
        pytest.param([], None, None, id="none"),
        pytest.param(
            days("2025-01-05", "2025-01-09", "2025-02-20", "2025-03-01", "2025-03-04"),
            None,
            None,
            id="shopping",
        ),
    ],
)
def test_a_rhythm(found: list[date], name: str | None, next_on: str | None) -> None:
    cadence = cadence_of(found)
    assert (cadence.name if cadence else None) == name
    if cadence:
        assert following(found, cadence).isoformat() == next_on


@given(st.lists(st.dates(date(2020, 1, 1), date(2030, 1, 1)), max_size=12, unique=True).map(sorted))
def test_what_comes_next_comes_later(found: list[date]) -> None:
    for cadence in CADENCES:
        if found:
            assert following(found, cadence) > found[-1] - timedelta(days=cadence.tolerance)


@given(
    st.sampled_from(["weekly", "fortnightly", "monthly", "bimonthly", "quarterly", "semiannual", "annual"]),
    st.dates(date(2020, 1, 1), date(2025, 1, 1)),
    st.integers(4, 12),
)
def test_what_keeps_a_rhythm_is_found(name: str, start: date, count: int) -> None:
    found = [start]
    while len(found) < count:
        found.append(following([start, *found][-1:] if not BY_NAME[name].months else found, BY_NAME[name]))
    assert cadence_of(found) is BY_NAME[name]
