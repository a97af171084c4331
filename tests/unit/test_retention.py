"""Which copies are kept: the newest of each of the last days, weeks and months that have one."""

from datetime import UTC, datetime, timedelta

import pytest

from manna.retention import worth_keeping


def on(*days: str) -> list[datetime]:
    return [datetime.fromisoformat(day).replace(hour=6, tzinfo=UTC) for day in days]


YEAR = [datetime(2026, 1, 1, 6, tzinfo=UTC) + timedelta(days=n) for n in range(365)]


@pytest.mark.parametrize(
    ("moments", "numbers", "kept"),
    [
        ([], (7, 4, 12), []),
        (on("2026-03-01", "2026-03-02", "2026-03-03"), (2, 0, 0), on("2026-03-02", "2026-03-03")),
        # Only days that have one count: after a gap no more is lost than before it.
        (on("2026-01-01", "2026-01-02", "2026-03-03"), (2, 0, 0), on("2026-01-02", "2026-03-03")),
        # ISO weeks: 28 December 2026 to 3 January 2027 is one.
        (on("2026-12-27", "2026-12-28", "2027-01-03"), (0, 2, 0), on("2026-12-27", "2027-01-03")),
        (on("2026-01-31", "2026-02-01", "2026-02-28"), (0, 0, 2), on("2026-01-31", "2026-02-28")),
        # The newest is kept whatever the numbers are.
        (on("2026-01-31", "2026-02-01"), (0, 0, 0), on("2026-02-01")),
    ],
)
def test_what_is_kept(moments: list[datetime], numbers: tuple[int, int, int], kept: list[datetime]) -> None:
    daily, weekly, monthly = numbers
    assert worth_keeping(moments, daily=daily, weekly=weekly, monthly=monthly) == frozenset(kept)


def test_of_several_of_a_day_the_last() -> None:
    [early, late] = [datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in (1, 23)]
    assert worth_keeping([early, late], daily=7, weekly=4, monthly=12) == {late}


def test_of_a_year() -> None:
    kept = worth_keeping(YEAR, daily=7, weekly=4, monthly=12)
    assert len(kept) <= 7 + 4 + 12
    assert set(YEAR[-7:]) <= kept
    assert {moment.month for moment in kept} == set(range(1, 13))
    assert worth_keeping(kept, daily=7, weekly=4, monthly=12) == kept  # a second look removes nothing more
