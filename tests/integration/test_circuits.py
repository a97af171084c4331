"""A provider that does not answer is left alone after some failures in a row, and asked again by one login after a pause."""

from typing import Any

import pytest
import sqlalchemy as sa
from test_receiving import add, extent, pull

from resources.breaker import FAILURES, PAUSE, CircuitOpenError
from resources.installation import Installation
from resources.lake import LakeError
from resources.providers import ATTEMPTS, LoginRequiredError, ProviderUnavailableError
from resources.settings import SettingsError

LOGINS, MANY = 5, 1000


@pytest.fixture
def house(manna: Installation, bank: Any) -> Installation:
    """With five logins at Plaid."""
    for number in range(LOGINS):
        add(
            manna,
            f"login{number}",
            *bank.link("rivera_platypus", "ins_109508", "transactions"),
            "transactions",
        )
    return manna


def later(manna: Installation) -> None:
    """The pause is over."""
    with manna.ops.engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE ops.circuits SET opened_at = opened_at - CAST(:pause AS interval)"),
            {"pause": PAUSE},
        )


def requests_since(bank: Any, before: int) -> int:
    [fault] = bank.control.get("/faults").json()["faults"]
    return before - int(fault["times"])


@pytest.mark.slow
@pytest.mark.usefixtures("pauses")
def test_in_an_outage_few_are_asked_and_all_when_it_is_over(house: Installation, bank: Any) -> None:
    bank.fault("/plaid/*", "server_error", times=MANY)
    found = pull(house)
    kinds = [type(error) for error in found.failures.values()]
    assert kinds == [ProviderUnavailableError] * FAILURES + [CircuitOpenError] * (LOGINS - FAILURES)
    assert requests_since(bank, MANY) == FAILURES * ATTEMPTS
    rows = house.ops.connections()
    assert {row["status"] for row in rows} == {"degraded"}
    assert rows[-1]["error"].startswith("not asked, because 3 in a row had no answer; asked again from ")
    assert "Plaid: INTERNAL_SERVER_ERROR" in rows[-1]["error"]
    [circuit] = house.ops.circuits()
    assert (circuit["name"], circuit["state"], circuit["failures"]) == ("plaid", "open", FAILURES)
    assert house.ops.silent_providers() == [circuit]

    # The next run is another process, and knows.
    assert {type(error) for error in pull(house, run_id="again").failures.values()} == {CircuitOpenError}
    assert requests_since(bank, MANY) == FAILURES * ATTEMPTS

    later(house)  # one is tried, in vain
    kinds = [type(error) for error in pull(house, run_id="later").failures.values()]
    assert kinds == [ProviderUnavailableError] + [CircuitOpenError] * (LOGINS - 1)
    assert requests_since(bank, MANY) == (FAILURES + 1) * ATTEMPTS
    assert extent(house) == {}

    bank.control.delete("/faults")
    house.ops.try_again()  # somebody asks by hand, and need not wait for the pause
    assert pull(house, run_id="over").failures == {}
    assert {row["status"] for row in house.ops.connections()} == {"healthy"}
    [circuit] = house.ops.circuits()
    assert (circuit["state"], circuit["failures"]) == ("closed", 0)
    assert house.ops.silent_providers() == []


@pytest.mark.usefixtures("pauses")
def test_who_answers_with_a_refusal_is_there(house: Installation, bank: Any) -> None:
    bank.fault("/plaid/transactions/sync", "login_required", times=LOGINS)
    found = pull(house)
    assert [type(error) for error in found.failures.values()] == [LoginRequiredError] * LOGINS
    assert house.ops.circuits() == []  # nothing to write down


def test_one_bank_behind_plaid_and_our_own_budget_open_nothing(manna: Installation) -> None:
    circuit = manna.ops.circuit("plaid")

    def fail(code: str) -> None:
        raise ProviderUnavailableError("no answer", code=code)

    for code in ["INSTITUTION_DOWN", "BUDGET"] * FAILURES:
        with pytest.raises(ProviderUnavailableError):
            circuit.call(lambda code=code: fail(code))
    for _ in range(FAILURES - 1):
        with pytest.raises(ProviderUnavailableError):
            circuit.call(lambda: fail("500"))
    assert circuit.call(lambda: "an answer") == "an answer"  # what follows is counted from the beginning
    for _ in range(FAILURES):
        assert manna.ops.circuits()[0]["state"] == "closed"
        with pytest.raises(ProviderUnavailableError):
            circuit.call(lambda: fail("500"))
    with pytest.raises(CircuitOpenError, match="The last: no answer"):
        circuit.call(lambda: "an answer")


@pytest.mark.parametrize(
    "ours",
    [
        ProviderUnavailableError("no call is left", code="BUDGET"),
        LakeError("the disk is full"),
        SettingsError("the clock is wrong"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_says_nothing_of_the_provider_changes_nothing(manna: Installation, ours: BaseException) -> None:
    def fail(error: BaseException) -> None:
        raise error

    circuit = manna.ops.circuit("plaid")
    for _ in range(FAILURES - 1):
        with pytest.raises(ProviderUnavailableError):
            circuit.call(lambda: fail(ProviderUnavailableError("no answer")))
    before = manna.ops.circuits()
    with pytest.raises(type(ours)):
        circuit.call(lambda: fail(ours))
    assert manna.ops.circuits() == before  # one more failure opens it
    with pytest.raises(ProviderUnavailableError):
        circuit.call(lambda: fail(ProviderUnavailableError("no answer")))
    assert [row["state"] for row in manna.ops.circuits()] == ["open"]

    later(manna)
    circuit = manna.ops.circuit("plaid")
    with pytest.raises(type(ours)):
        circuit.call(lambda: fail(ours))
    assert [row["state"] for row in manna.ops.circuits()] == ["half-open"]
    assert circuit.call(lambda: "an answer") == "an answer"  # the next is tried
    assert [row["state"] for row in manna.ops.circuits()] == ["closed"]
