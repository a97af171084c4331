"""Telling people: the log always, a service where one is named, and again later when it refused."""

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from manna.alerting.telling import Habits
from resources.notifier import Notifier
from resources.ops import Ops

# apprise 2 loads a service that imports imghdr
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)


class Mailbox:
    """A service on loopback: what it was told, and whether it accepts."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.accepts = True
        mailbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if mailbox.accepts:
                    mailbox.told.append(body)
                self.send_response(200 if mailbox.accepts else 503)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}/"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    found = Mailbox()
    yield found
    found.close()


def test_without_a_service_the_log_is_the_delivery(caplog: pytest.LogCaptureFixture) -> None:
    assert Notifier().send("Manna", "checking is low")
    assert caplog.messages == ["Manna: checking is low"]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_service_is_told(mailbox: Mailbox) -> None:
    assert Notifier(f"  {mailbox.url} ").send("Manna", "ä 銀行")
    assert [(one["title"], one["message"]) for one in mailbox.told] == [("Manna", "ä 銀行")]


def test_a_refused_delivery_is_tried_again_later(mailbox: Mailbox, ops: Ops) -> None:
    found = {
        "fingerprint": "f",
        "book": "home",
        "kind": "low_balance",
        "severity": "warning",
        "message": "low",
    }
    ops.settle_alerts([found], NOW)
    notifier = Notifier(mailbox.url)
    habits = {"": Habits("UTC", None, time(8))}

    def deliver() -> int:
        return ops.tell(habits, lambda message: notifier.send(message.title, message.body), NOW)

    mailbox.accepts = False
    assert deliver() == deliver() == 0
    mailbox.accepts = True
    assert deliver() == 1
    assert deliver() == 0
    assert len(mailbox.told) == 1


def test_nobody_there_is_a_refusal(mailbox: Mailbox) -> None:
    url = mailbox.url
    mailbox.server.server_close()
    assert not Notifier(url).send("Manna", "x")


def test_an_unusable_address_is_named_by_its_place(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    assert Notifier(f"{mailbox.url} nonsense://user:s3cret@host").send("Manna", "x")
    assert "address 2 of MANNA_NOTIFY_URLS cannot be used" in caplog.text
    assert "s3cret" not in "".join(r.getMessage() for r in caplog.records if r.name == "manna.alerts")
    assert not Notifier("nonsense://").send("Manna", "x")


def test_what_is_critical_reaches_more_services(mailbox: Mailbox) -> None:
    notifier = Notifier("", mailbox.url)
    assert notifier.send("Manna", "a warning")
    assert notifier.send("Manna", "worse", "critical")
    assert [one["message"] for one in mailbox.told] == ["worse"]


def test_an_unusable_address_for_what_is_critical_is_named_too(caplog: pytest.LogCaptureFixture) -> None:
    assert not Notifier("", "nonsense://").send("Manna", "x", "critical")
    assert "address 1 of MANNA_NOTIFY_CRITICAL_URLS cannot be used" in caplog.text
