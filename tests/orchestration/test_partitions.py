"""Which months and market days exist, and from when."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from pipelines.partitions import MARKET_ZONE, market_days, months

FIRST, LAST = date(2015, 1, 1), date(2027, 12, 31)


def test_a_month_exists_from_its_first_day_on() -> None:
    defined = months(date(2025, 11, 5))
    first = datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC)
    assert list(defined.get_partition_keys(first)) == [
        "2025-11-01",
        "2025-12-01",
        "2026-01-01",
        "2026-02-01",
        "2026-03-01",
    ]
    assert defined.get_partition_keys(datetime(2026, 2, 28, 23, 59, tzinfo=UTC))[-1] == "2026-02-01"


# exchange_calendars 4.13 on pandas 3.1
@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray:DeprecationWarning")
def test_market_days_are_the_sessions_of_the_exchange() -> None:
    """The package ``holidays`` is light; exchange_calendars is the authority, and heavy."""
    exchange_calendars = pytest.importorskip("exchange_calendars")
    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST.isoformat(), end=LAST.isoformat())
    sessions = {session.date().isoformat() for session in calendar.sessions}
    now = datetime(LAST.year + 1, 1, 1, tzinfo=ZoneInfo(MARKET_ZONE))
    days = {key for key in market_days(FIRST).get_partition_keys(now) if key <= LAST.isoformat()}
    assert sorted(days ^ sessions) == []


def test_a_market_day_exists_on_its_morning() -> None:
    morning = datetime(2026, 3, 16, 8, tzinfo=ZoneInfo(MARKET_ZONE))
    assert market_days(FIRST).get_partition_keys(morning)[-1] == "2026-03-16"
