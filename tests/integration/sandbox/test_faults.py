"""Faults: each kind, how often, where, and that a held client is let go."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.faults import FaultError, FaultStore
from sandbox.state import State, parse_instant

ACCOUNT = "/alpaca/trading/v2/account"
ORDERS = "/alpaca/trading/v2/orders"


@pytest.fixture(autouse=True)
def no_faults_left(sandbox):
    yield
    sandbox.control.delete("/faults")


def until(happened: Callable[[], bool]) -> None:
    """Asks until it has: a client that gives up early may be gone before the server has read what it sent."""
    for _ in range(10_000):
        if happened():
            return
    pytest.fail("it never happened")


def all_played(sandbox) -> bool:
    return sandbox.control.get("/faults").json() == {"faults": []}


def test_rate_limit_says_when_to_come_back_and_ends(sandbox) -> None:
    sandbox.fault(ACCOUNT, "rate_limit", times=2, retry_after=7)
    for _ in range(2):
        limited = sandbox.trading.get("/v2/account")
        assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
        assert limited.json() == {"message": "too many requests."}
    assert sandbox.trading.get("/v2/account").status_code == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors(sandbox, status) -> None:
    sandbox.fault(ACCOUNT, "server_error", status=status)
    assert sandbox.trading.get("/v2/account").status_code == status
    assert sandbox.trading.get("/v2/account").status_code == 200


def test_plaid_is_refused_in_the_words_of_plaid(sandbox) -> None:
    for kind, status, error_type in (
        ("rate_limit", 429, "RATE_LIMIT_EXCEEDED"),
        ("server_error", 500, "API_ERROR"),
    ):
        sandbox.fault("/plaid/transactions/sync", kind)
        refused = httpx.post(sandbox.plaid_url + "/transactions/sync", json={}, timeout=60)
        assert (refused.status_code, refused.json()["error_type"]) == (status, error_type)
        assert {"error_code", "error_message", "display_message", "request_id"} <= set(refused.json())


def test_a_timeout_holds_the_client_until_it_gives_up(sandbox) -> None:
    sandbox.fault(ACCOUNT, "timeout")
    with pytest.raises(httpx.ReadTimeout):
        sandbox.trading.get("/v2/account", timeout=0.3)
    until(lambda: all_played(sandbox))
    assert sandbox.trading.get("/v2/account").status_code == 200


def test_a_timeout_is_bounded(sandbox) -> None:
    sandbox.fault(ACCOUNT, "timeout", seconds=0.1)
    assert sandbox.trading.get("/v2/account").status_code == 504


def test_slow_delays_and_then_answers(sandbox) -> None:
    sandbox.fault(ACCOUNT, "slow", seconds=0.3)
    begun = time.perf_counter()
    assert sandbox.trading.get("/v2/account").status_code == 200
    assert time.perf_counter() - begun >= 0.3


def test_a_truncated_body_breaks_off(sandbox) -> None:
    whole = sandbox.trading.get("/v2/account").content
    sandbox.fault(ACCOUNT, "truncated")
    received = b""
    with sandbox.trading.stream("GET", "/v2/account") as response:
        assert int(response.headers["content-length"]) == len(whole)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):  # noqa: PT012
            for chunk in response.iter_raw():
                received += chunk
    assert received
    assert received == whole[: len(whole) // 2]


def test_an_order_can_be_accepted_and_the_answer_lost(own_sandbox) -> None:
    own_sandbox.fault(ORDERS, "accepted_but_timed_out", method="POST")
    order = {"symbol": "VTI", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    order["client_order_id"] = "sent-once"
    assert own_sandbox.trading.get("/v2/orders").json() == []  # a GET does not use the fault up
    with pytest.raises(httpx.ReadTimeout):
        own_sandbox.trading.post("/v2/orders", json=order, timeout=0.5)
    until(lambda: bool(own_sandbox.trading.get("/v2/orders").json()))
    found = own_sandbox.trading.get("/v2/orders:by_client_order_id", params={"client_order_id": "sent-once"})
    assert found.json()["status"] == "accepted"
    assert own_sandbox.trading.post("/v2/orders", json=order).status_code == 422


def test_a_fault_hits_its_endpoint_only_and_may_be_a_pattern(sandbox) -> None:
    sandbox.fault("/alpaca/data/*", "server_error")
    assert sandbox.trading.get("/v2/account").status_code == 200
    assert sandbox.data.get("/v2/stocks/bars/latest?symbols=VTI").status_code == 500
    assert sandbox.data.get("/v2/stocks/bars/latest?symbols=VTI").status_code == 200


def test_faults_are_played_in_the_order_they_were_added(sandbox) -> None:
    sandbox.fault(ACCOUNT, "server_error", status=503)
    sandbox.fault(ACCOUNT, "rate_limit")
    assert [sandbox.trading.get("/v2/account").status_code for _ in range(3)] == [503, 429, 200]


def test_faults_can_be_listed_and_switched_off(sandbox) -> None:
    sandbox.fault(ACCOUNT, "server_error", times=3)
    sandbox.fault(ORDERS, "rate_limit")
    sandbox.trading.get("/v2/account")
    listed = sandbox.control.get("/faults").json()["faults"]
    assert [(each["endpoint"], each["times"]) for each in listed] == [(ACCOUNT, 2), (ORDERS, 1)]
    left = sandbox.control.delete("/faults", params={"endpoint": ACCOUNT}).json()["faults"]
    assert [each["endpoint"] for each in left] == [ORDERS]
    assert sandbox.control.delete("/faults").json() == {"faults": []}
    assert sandbox.trading.get("/v2/account").status_code == 200


def test_the_control_paths_cannot_be_made_to_fail(sandbox) -> None:
    sandbox.fault("/*", "server_error", times=100)
    assert sandbox.control.get("/health").status_code == 200
    assert sandbox.control.delete("/faults").status_code == 200


@pytest.mark.parametrize(
    ("description", "count"),
    [
        ({}, 2),
        ({"endpoint": "plaid", "kind": "explode"}, 2),
        ({"endpoint": "/a", "kind": "slow", "times": 0, "seconds": -1, "status": 200, "retry_after": "1"}, 4),
        ({"endpoint": "/a", "kind": "slow", "times": True}, 1),
        ({"endpoint": "/a", "kind": "slow", "id": 3, "colour": "red", "method": 5}, 3),
    ],
)
def test_what_is_no_fault_is_refused_with_every_reason(sandbox, description, count) -> None:
    refused = sandbox.control.post("/faults", json=description)
    assert refused.status_code == 400
    assert len(refused.json()["errors"]) == count


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
def test_a_body_that_is_no_description_is_refused(sandbox, body) -> None:
    assert sandbox.control.post("/faults", content=body).status_code == 400


def test_a_stopping_server_lets_held_clients_go(tmp_path: Path, start_sandbox) -> None:
    answers: list[Any] = []

    def ask(url: str, keys: dict[str, str]) -> None:
        answers.append(httpx.get(url + "/v2/account", headers=keys, timeout=60).status_code)

    with start_sandbox(tmp_path) as running:
        running.fault(ACCOUNT, "timeout", seconds=60)
        keys = {name: running.trading.headers[name] for name in ("APCA-API-KEY-ID", "APCA-API-SECRET-KEY")}
        thread = threading.Thread(target=ask, args=(running.alpaca_trading_url, keys))
        thread.start()
        until(lambda: all_played(running))
    thread.join(120)
    assert not thread.is_alive()
    assert answers == [504]


def test_the_plaid_kinds_wait_for_plaids_half(tmp_path: Path) -> None:
    state = State(tmp_path / "state.sqlite", lambda: parse_instant("2026-03-16T12:00:00Z"), 1)
    store = FaultStore(state)
    endpoint, kind = "/plaid/transactions/sync", "mutation_during_pagination"
    store.add({"endpoint": endpoint, "kind": kind, "times": 2})
    assert store.take(endpoint, {"login_required"}) is None
    assert store.take("/plaid/accounts/get", {kind}) is None
    taken = [store.take(endpoint, {kind}) for _ in range(3)]
    assert [fault.times if fault else None for fault in taken] == [2, 1, None]
    with pytest.raises(FaultError):
        store.add({"kind": kind})
    state.close()
