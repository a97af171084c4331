"""The audit log in the database: in the caller's transaction, without gaps, and nobody changes it."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from manna.trading.chain import BEFORE_THE_FIRST, Broken
from resources import audit
from resources.ops import Ops

NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)


def append(connection: sa.Connection, subject: str, **changes: Any) -> int:
    said = {"book": "home", "actor": "ana", "action": "approve", "detail": {"n": 1, "price": "1.50"}}
    return audit.append(connection, at=NOON, subject=subject, **{**said, **changes})


def test_entries_are_numbered_and_what_is_rolled_back_leaves_no_gap(ops: Ops) -> None:
    with ops.engine.begin() as connection:
        assert audit.verify(connection) == (0, BEFORE_THE_FIRST, None)
        assert [append(connection, "a"), append(connection, "b", book=None, detail={})] == [1, 2]
    with ops.engine.connect() as connection:
        assert append(connection, "lost") == 3
    with ops.engine.begin() as connection:
        assert append(connection, "c", detail={"é": [None, True, {"deep": "ünï"}]}) == 3
    with ops.engine.connect() as connection:
        count, last, broken = audit.verify(connection)
        assert (count, broken) == (3, None)
        assert audit.holds(connection, last)
        assert not audit.holds(connection, "0" * 64)


def test_two_who_append_at_once_come_one_after_the_other(ops: Ops) -> None:
    def five(name: str) -> None:
        for number in range(5):
            with ops.engine.begin() as connection:
                append(connection, f"{name}{number}")

    threads = [threading.Thread(target=five, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ops.engine.connect() as connection:
        count, _, broken = audit.verify(connection)
    assert (count, broken) == (15, None)


def test_the_database_refuses_changes(ops: Ops) -> None:
    with ops.engine.begin() as connection:
        append(connection, "a")
    for change in (
        "UPDATE ops.audit_log SET actor = 'eve'",
        "DELETE FROM ops.audit_log",
        "TRUNCATE ops.audit_log",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), ops.engine.begin() as connection:
            connection.execute(sa.text(change))


def test_who_goes_round_the_trigger_is_found(ops: Ops) -> None:
    with ops.engine.begin() as connection:
        for subject in "abc":
            append(connection, subject)
    with ops.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE ops.audit_log DISABLE TRIGGER audit_log_append_only"))
        connection.execute(sa.text("UPDATE ops.audit_log SET detail = '{}' WHERE number = 2"))
    with ops.engine.connect() as connection:
        assert audit.verify(connection)[2] == Broken(2, "its content is not what was written")
