"""The receiver over HTTP: what the sandbox fires is stored once; what is forged, stale or replayed changes nothing."""

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
import sqlalchemy as sa
from webhooks_sent import everything, fire, link, receiving, send, sign

from pipelines import receiver
from resources.installation import Installation
from resources.webhooks import OLDEST

UPDATE = {"webhook_type": "TRANSACTIONS", "webhook_code": "SYNC_UPDATES_AVAILABLE", "item_id": "item-1"}


@pytest.fixture
def url(manna: Installation) -> Iterator[str]:
    """A receiver of the installation."""
    with receiving(receiver.taker(manna)) as found:
        yield found


def kinds(manna: Installation) -> list[tuple[str, str | None]]:
    return [(event["kind"], event["item_id"]) for event in manna.ops.webhooks()]


# -- what is taken ---------------------------------------------------------------------------------------


def test_what_the_sandbox_fires_is_stored(manna: Installation, bank: Any, url: str) -> None:
    token, item = link(manna)
    assert receiver.announce(manna, url) == 1
    assert fire(manna, token, "SYNC_UPDATES_AVAILABLE")
    assert fire(manna, token, "DEFAULT_UPDATE", "HOLDINGS")
    assert fire(manna, token, "ERROR")
    assert kinds(manna) == [
        ("ITEM:WEBHOOK_UPDATE_ACKNOWLEDGED", item),
        ("TRANSACTIONS:SYNC_UPDATES_AVAILABLE", item),
        ("HOLDINGS:DEFAULT_UPDATE", item),
        ("ITEM:ERROR", item),
    ]
    event = manna.ops.webhooks()[-1]
    assert (event["received_at"], event["issued_at"]) == (bank.now, bank.now)
    assert event["body"]["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"
    assert event["applied_at"] is None


def test_keys_are_asked_for_once(manna: Installation, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    ask = manna.plaid._ask_once
    monkeypatch.setattr(manna.plaid, "_ask_once", lambda *a: asked.append(a[0]) or ask(*a))
    body = json.dumps(UPDATE).encode()
    assert [send(url, body, sign(manna, body)) for _ in range(5)] == [200] * 5
    assert asked == ["webhook_verification_key_get"]
    assert len(kinds(manna)) == 5


def test_a_replay_is_acknowledged_and_changes_nothing(manna: Installation, url: str) -> None:
    body = json.dumps(UPDATE).encode()
    token = sign(manna, body)
    assert send(url, body, token) == 200
    before = everything(manna)
    assert [send(url, body, token) for _ in range(3)] == [200, 200, 200]
    assert everything(manna) == before
    assert len(kinds(manna)) == 1


def test_the_same_one_many_times_at_once_is_one(manna: Installation, url: str) -> None:
    body = json.dumps(UPDATE).encode()
    token, answers = sign(manna, body), []
    threads = [threading.Thread(target=lambda: answers.append(send(url, body, token))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    assert len(kinds(manna)) == 1


def test_secrets_are_not_kept(manna: Installation, url: str) -> None:
    said = {"webhook_type": "LINK", "webhook_code": "SESSION_FINISHED", "public_tokens": ["public-secret"]}
    body = json.dumps(said).encode()
    assert send(url, body, sign(manna, body)) == 200
    assert "public-secret" not in str(manna.ops.webhooks())


# -- what is not -----------------------------------------------------------------------------------------


def test_what_is_forged_or_stale_changes_nothing(
    manna: Installation, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    caplog.set_level(logging.DEBUG)
    body = json.dumps(UPDATE).encode()
    genuine, stranger = sign(manna, body), ec.derive_private_key(666, ec.SECP256R1())
    none = jwt.encode({"iat": 0}, None, algorithm="none", headers={"kid": "x"})
    refused = [
        (body, None),
        (body, "no token"),
        (body, none),
        (body, jwt.encode({"iat": 0}, "s" * 32, algorithm="HS256", headers={"kid": "x"})),
        (body, sign(manna, body, key=stranger)),
        (body, sign(manna, body, key=stranger, kid="00000000-0000-0000-0000-000000000000")),
        (body + b" ", genuine),
        (body.replace(b"item-1", b"item-2"), genuine),
        (b"", genuine),
        (body, sign(manna, body, age=OLDEST + timedelta(seconds=1))),
        (body, sign(manna, body, age=-timedelta(minutes=1))),
    ]
    before = everything(manna)
    assert [send(url, sent, token) for sent, token in refused] == [401] * len(refused)
    both = [("Plaid-Verification", genuine), ("Plaid-Verification", genuine)]
    assert httpx.post(url, content=body, headers=both, timeout=60).status_code == 401
    assert httpx.post(url, content=body, headers={"Plaid-Verification": "none"}, timeout=60).content == b""
    assert everything(manna) == before
    # The log says why, and repeats nothing of what was sent.
    said = caplog.text
    assert said.count("webhook refused with 401") == len(refused) + 2
    assert genuine not in said
    assert "item-1" not in said


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"webhook_type": "ITEM"}',
        b'{"webhook_type": "ITEM", "webhook_code": "X", "note": "\\u0000"}',  # Postgres keeps no NUL
    ],
)
def test_what_is_signed_and_no_event_is_refused(manna: Installation, url: str, body: bytes) -> None:
    before = everything(manna)
    assert send(url, body, sign(manna, body)) == 400
    assert everything(manna) == before


def test_what_is_too_large_is_not_read_to_its_end(manna: Installation, url: str) -> None:
    padded = {**UPDATE, "more": "x" * (receiver.MOST_BYTES - 150)}
    largest = json.dumps(padded).encode()
    assert send(url, largest, sign(manna, largest)) == 200
    larger = largest.ljust(receiver.MOST_BYTES + 1)
    before = everything(manna)
    assert send(url, larger, sign(manna, larger)) == 413

    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x" * 65536

    with contextlib.suppress(httpx.TransportError):  # hung up on while it still sent
        assert httpx.post(url, content=endless(), timeout=30).status_code == 413
    assert everything(manna) == before


@pytest.fixture
def bare() -> Iterator[str]:
    """A receiver to which nothing must come through."""

    def take(token: str | None, body: bytes) -> bool:
        raise AssertionError("this is no webhook")

    with receiving(take) as found:
        yield found


def test_nothing_else_is_served(bare: str) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert httpx.request(method, bare, timeout=60).status_code == 405
    for path in ("/", "/plaid/", "/plaid/x", "/metrics", "/docs", "/%2e%2e/etc/passwd"):
        for method in ("GET", "POST"):
            address = bare.removesuffix(receiver.PATH) + path
            assert httpx.request(method, address, timeout=60).status_code in (307, 404)


def test_who_sends_too_slowly_is_sent_away(bare: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "SECONDS_TO_SEND", 0.05)
    port = int(bare.rpartition(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
        slow.sendall(b"POST /plaid HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


# -- what cannot be judged or kept just now ----------------------------------------------------------------


def test_without_a_database_plaid_is_to_send_it_again(manna: Installation) -> None:
    body = json.dumps(UPDATE).encode()
    token = sign(manna, body)
    lost = Installation(manna.settings.model_copy(update={"postgres_url": "postgresql://x@/x?host=/nowhere"}))
    with receiving(receiver.taker(lost)) as url:
        assert send(url, body, token) == 503
    with receiving(receiver.taker(manna)) as url:
        assert send(url, body, token) == 200
    assert len(kinds(manna)) == 1


def test_without_plaids_key_plaid_is_to_send_it_again(manna: Installation, bank: Any, url: str) -> None:
    body = json.dumps(UPDATE).encode()
    token = sign(manna, body)
    bank.fault("/plaid/webhook_verification_key/get", "server_error", times=1)
    assert send(url, body, token) == 503
    assert kinds(manna) == []
    assert send(url, body, token) == 200


def test_an_event_waits_for_those_before_it(manna: Installation) -> None:
    """Ids are given in the order of commits: who has read up to one misses none that appears below it."""
    values = {
        "received_at": manna.settings.now(),
        "issued_at": manna.settings.now(),
        "kind": "ITEM:ERROR",
        "body": {},
    }
    insert = sa.text(
        "INSERT INTO ops.webhooks (signature_sha256, received_at, issued_at, kind, body) "
        "VALUES ('first', now(), now(), 'ITEM:ERROR', '{}')"
    )
    second = threading.Thread(
        target=manna.ops.store_webhook, args=({**values, "signature_sha256": "second"},)
    )
    with manna.ops.engine.connect() as first:
        first.execute(sa.text("LOCK TABLE ops.webhooks IN SHARE ROW EXCLUSIVE MODE"))
        first.execute(insert)
        second.start()
        second.join(0.2)
        assert second.is_alive()
        assert manna.ops.webhooks() == []  # who only reads does not wait
        first.commit()
    second.join()
    assert [event["signature_sha256"] for event in manna.ops.webhooks()] == ["first", "second"]


# -- telling Plaid the address -----------------------------------------------------------------------------


def test_one_login_that_cannot_be_told_does_not_stop_the_others(
    manna: Installation, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = link(manna)
    second, _ = link(manna)
    manna.plaid.remove(first)
    assert receiver.announce(manna, url) == 1
    assert "ITEM_NOT_FOUND" in caplog.text
    assert first not in caplog.text
    assert fire(manna, second, "DEFAULT_UPDATE")


def test_logins_that_have_ended_are_not_told(manna: Installation, url: str) -> None:
    link(manna)
    [connection] = manna.ops.connections()
    manna.ops.connection_status(connection["connection_id"], "unlinked", "test", manna.settings.now())
    assert receiver.announce(manna, url) == 0


def test_the_address_is_given_with_each_new_login(manna: Installation, bank: Any) -> None:
    settings = manna.settings.model_copy(update={"webhook_url": "https://money.example/plaid"})
    token, _ = Installation(settings).plaid.link_token("home", ["transactions"])
    document = bank.state.get(f"plaid/link/{token}")
    assert document["webhook"] == "https://money.example/plaid"
