"""The budget of calls per minute: never more than it in any minute, whoever asks, by the database's clock."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from children import children, ended, said, tell

from resources.ops import Ops
from resources.providers import ProviderUnavailableError
from resources.rate import LONGEST_WAIT, Rate

FROZEN = "timestamptz '2026-03-16T12:00:00Z'"
PER_MINUTE, BURST, EVERY = 200, 50, 0.4
ONE_PROCESS = """
import sys
from resources.ops import Ops
from resources.rate import Rate
waits = []
rate = Rate(Ops(sys.argv[1]).engine, clock=sys.argv[2], sleep=waits.append)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    rate.take("alpaca:k:trading")
rate.close()
print(*[0.0] * (int(sys.argv[3]) - len(waits)), *waits)
"""


class Clock:
    """A clock in the database that only moves when somebody sleeps."""

    def __init__(self, ops: Ops) -> None:
        self._connection = ops.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self.at = 0.0
        self._execute(f"CREATE TABLE ops.clock AS SELECT {FROZEN} AS moment")

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self._execute(f"UPDATE ops.clock SET moment = {FROZEN} + interval '{self.at} s'")

    def close(self) -> None:
        self._connection.close()

    def _execute(self, statement: str) -> None:
        self._connection.execute(sa.text(statement))


@pytest.fixture
def clock(ops: Ops) -> Iterator[Clock]:
    made = Clock(ops)
    yield made
    made.close()


@pytest.fixture
def rate(ops: Ops, clock: Clock) -> Iterator[Rate]:
    made = Rate(ops.engine, PER_MINUTE, clock="(SELECT moment FROM ops.clock)", sleep=clock.sleep)
    yield made
    made.close()


def grants(rate: Rate, clock: Clock, calls: int, name: str = "a") -> list[float]:
    """When each of so many calls could be made, one after the other."""
    made = []
    for _ in range(calls):
        rate.take(name)
        made.append(clock.at)
    return made


def most_in_a_minute(moments: list[float]) -> int:
    moments = sorted(moments)
    return max(sum(1 for other in moments if 0 <= other - moment < 60 - 1e-6) for moment in moments)


def test_a_short_sync_never_waits_and_a_long_one_keeps_the_budget(rate: Rate, clock: Clock) -> None:
    made = grants(rate, clock, 270)
    assert made[BURST - 1] == 0
    assert made[BURST] == pytest.approx(EVERY)
    assert PER_MINUTE - 1 <= most_in_a_minute(made) <= PER_MINUTE
    assert made[-1] == pytest.approx((270 - BURST) * EVERY)


def test_what_is_not_used_is_kept_but_for_the_burst_only(rate: Rate, clock: Clock) -> None:
    grants(rate, clock, 40)
    clock.sleep(8)  # 20 tokens flow in: 30 are there
    assert set(grants(rate, clock, 30)) == {clock.at}
    clock.sleep(3600)
    assert grants(rate, clock, BURST + 1)[-1] == pytest.approx(3608 + EVERY)


def test_budgets_are_apart(rate: Rate, clock: Clock) -> None:
    grants(rate, clock, BURST, "alpaca:k:trading")
    assert grants(rate, clock, BURST, "alpaca:k:data")[-1] == 0


@pytest.mark.parametrize(("asked", "wait"), [(0, EVERY), (7, 7 + EVERY), (60, 60 + EVERY)])
def test_a_refusal_empties_the_budget_for_everybody(
    rate: Rate, clock: Clock, asked: float, wait: float
) -> None:
    rate.empty("a", asked)  # also when nobody has called yet
    assert grants(rate, clock, 1)[0] == pytest.approx(wait)
    clock.sleep(600)
    rate.take("a")
    rate.empty("a", asked)
    rate.empty("a", 0)  # a later, milder word does not shorten it
    assert grants(rate, clock, 1)[0] - 600 == pytest.approx(2 * wait)


def test_a_clock_that_is_set_back_gives_nothing_and_takes_nothing(rate: Rate, clock: Clock) -> None:
    grants(rate, clock, BURST)
    clock.sleep(-1000)
    assert grants(rate, clock, 1)[0] == pytest.approx(-1000 + EVERY)


def test_who_would_wait_too_long_is_refused_and_takes_nothing(rate: Rate, clock: Clock) -> None:
    rate.empty("alpaca:k:data", LONGEST_WAIT)
    for _ in range(3):
        with pytest.raises(ProviderUnavailableError, match="Alpaca: the calls of the next 300 s are taken"):
            rate.take("alpaca:k:data")
    clock.sleep(LONGEST_WAIT)
    assert grants(rate, clock, 1, "alpaca:k:data")[0] == pytest.approx(LONGEST_WAIT + EVERY)


def slots(waits: list[float]) -> list[float]:
    """The waits told at one and the same moment: none for the burst, then one slot after the other."""
    return [0.0] * BURST + [(n + 1) * EVERY for n in range(len(waits) - BURST)]


def test_threads_share_one_budget(ops: Ops) -> None:
    waits: list[list[float]] = [[] for _ in range(4)]
    together = threading.Barrier(4)

    def run(own: list[float]) -> None:
        rate = Rate(ops.engine, PER_MINUTE, clock=FROZEN, sleep=own.append)
        together.wait()
        for _ in range(40):
            rate.take("a")
        rate.close()

    threads = [threading.Thread(target=run, args=(own,)) for own in waits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = sorted(wait for own in waits for wait in own)
    assert len(told) == 4 * 40 - BURST
    assert [0.0] * BURST + told == pytest.approx(slots([0.0] * 160))


def test_processes_share_one_budget(ops: Ops) -> None:
    url = ops.engine.url.render_as_string(False)
    with children(2, ONE_PROCESS, url, FROZEN, 150) as processes:
        assert [said(process) for process in processes] == ["ready"] * 2
        for process in processes:
            tell(process)
        told = sorted(float(wait) for process in processes for wait in ended(process).split())
    assert len(told) == 300
    assert told == pytest.approx(slots(told))
    assert most_in_a_minute(told) <= PER_MINUTE


def test_one_connection_is_kept_and_a_lost_one_made_again(ops: Ops) -> None:
    rate = Rate(ops.engine)
    others = "usename = current_user AND pid <> pg_backend_pid() AND query LIKE '%rate_buckets%'"

    def ask(query: str) -> Any:
        with ops.engine.connect() as connection:
            return connection.execute(sa.text(query)).scalar()

    for _ in range(5):
        rate.take("a")
    assert ask(f"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {others}") == 1
    ask(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
        f"WHERE datname = current_database() AND {others}"
    )
    rate.take("a")
    rate.close()
    rate.close()


def test_without_a_database_it_is_an_error(ops: Ops) -> None:
    with pytest.raises(sa.exc.OperationalError):
        Rate(sa.create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")).take("a")
