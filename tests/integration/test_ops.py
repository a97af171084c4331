"""The schema `ops`: its migrations, and each statement on it, also when two run at once."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from together import at_once

from manna.cleaning.identity import Decision, Status
from manna.ledger.instructions import Instruction
from resources.ops import METADATA, SCHEMA, Ops
from resources.ops_tables import QUARANTINE_DECISIONS
from resources.postgres import sqlalchemy_url
from resources.schema import migrate

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
LATER, LATEST = NOW + timedelta(days=1), NOW + timedelta(days=2)


def connection(**changes: Any) -> dict[str, Any]:
    return {
        "connection_id": "c1",
        "book": "home",
        "provider": "plaid",
        "institution": "Platypus",
        "external_id": "item-1",
        "products": {"transactions": True},
        "token": b"sealed",
        "linked_at": NOW,
        **changes,
    }


def alert(name: str, severity: str = "warning", **changes: Any) -> dict[str, Any]:
    return {
        "fingerprint": f"low_balance:home:{name}",
        "book": "home",
        "kind": "low_balance",
        "severity": severity,
        "message": f"{name} is low",
        **changes,
    }


# -- migrations ----------------------------------------------------------------------------------------


def test_the_migrations_make_exactly_the_tables_declared(ops: Ops) -> None:
    with ops.engine.connect() as connection_:
        context = MigrationContext.configure(
            connection_,
            opts={
                "include_schemas": True,
                "version_table_schema": SCHEMA,
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, parents: kind != "schema" or name == SCHEMA,
            },
        )
        assert compare_metadata(context, METADATA) == []
        checks = sa.inspect(connection_)
        for table in METADATA.tables.values():
            declared = {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
            found = {c["name"] for c in checks.get_check_constraints(table.name, schema=SCHEMA)}
            assert found == declared


def test_up_and_down_and_up_again_on_a_populated_database(ops: Ops) -> None:
    ops.add_connection(connection())
    ops.settle_alerts([alert("a")], NOW)
    migrate(ops.engine)
    assert len(ops.connections()) == len(ops.alerts()) == 1
    migrate(ops.engine, "base")
    with ops.engine.connect() as connection_:
        assert sa.inspect(connection_).get_table_names(schema=SCHEMA) == ["alembic_version"]
    migrate(ops.engine)
    assert ops.connections() == ops.alerts() == []


def test_two_migrate_at_once(empty_database: str) -> None:
    url = sqlalchemy_url(empty_database)
    at_once(*(lambda: migrate(Ops(url).engine) for _ in range(3)))
    assert Ops(url).connections() == []


# -- connections ---------------------------------------------------------------------------------------


def test_a_login_is_linked_once(ops: Ops) -> None:
    assert ops.add_connection(connection())
    assert not ops.add_connection(connection())
    assert not ops.add_connection(connection(connection_id="c2", institution="again"))
    assert ops.add_connection(connection(connection_id="c2", external_id="item-2", linked_at=LATER))
    assert [c["connection_id"] for c in ops.connections()] == ["c1", "c2"]
    (first, _) = ops.connections()
    assert (first["status"], first["token"], first["products"]) == ("new", b"sealed", {"transactions": True})


def test_connections_by_provider_and_book(ops: Ops) -> None:
    ops.add_connection(connection())
    ops.add_connection(connection(connection_id="c2", provider="alpaca"))
    ops.add_connection(connection(connection_id="c3", external_id="x", book="studio"))
    assert [c["connection_id"] for c in ops.connections(provider="alpaca")] == ["c2"]
    assert [c["connection_id"] for c in ops.connections(book="studio")] == ["c3"]
    assert ops.connections(provider="alpaca", book="studio") == []


# -- people's decisions ----------------------------------------------------------------------------------


def test_decisions_are_kept_in_order_and_the_past_can_be_had(ops: Ops) -> None:
    assert ops.overrides().is_empty()
    ops.decide("home", "t1", "Expenses:A", "ana", NOW)
    ops.decide("home", "t1", "Expenses:C", "ben", LATER, note="half of it", splits=[{"amount": "1.50"}])
    first = ("t1", "Expenses:A", None, None, "ana")
    assert ops.overrides().rows() == [
        first,
        ("t1", "Expenses:C", "half of it", '[{"amount": "1.50"}]', "ben"),
    ]
    assert ops.overrides(NOW).rows() == [first]
    assert ops.overrides(NOW - timedelta(seconds=1)).is_empty()


def test_decisions_on_accounts_are_kept_in_order(ops: Ops) -> None:
    assert ops.account_decisions() == []
    ops.decide_account("home", "new", "old", "ana", NOW)
    ops.decide_account("home", "new", None, "ben", LATER)
    assert ops.account_decisions() == [
        Decision("home", "new", "old", NOW),
        Decision("home", "new", None, LATER),
    ]


def test_instructions_on_lots_are_read_as_known_on_a_moment(ops: Ops) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    assert ops.lot_instructions("home", zone) == []
    lots = [("first", Decimal("2.5")), ("second", Decimal(1))]
    first = ops.instruct_lots("home", "broker", "specific", "ana", NOW, trade_id="s", lots=lots)
    late = datetime(2026, 3, 17, 6, tzinfo=UTC)  # still the 16th in Los Angeles
    since = date(2026, 4, 1)
    second = ops.instruct_lots("home", "broker", "hifo", "ben", late, security_id="ABC", since=since)
    ops.instruct_lots("firm", "broker", "lifo", "ben", NOW)
    one, two = ops.lot_instructions("home", zone)
    day = date(2026, 3, 16)
    assert one == Instruction(first, "broker", "specific", day, "ana", trade_id="s", lots=tuple(lots))
    assert two == Instruction(second, "broker", "hifo", day, "ben", security_id="ABC", since=since)
    assert ops.lot_instructions("home", zone, as_known_on=NOW) == [one]


def test_statuses_of_all_connections_are_kept_in_order(ops: Ops) -> None:
    ops.add_connection(connection())
    ops.connection_status("c1", "login_required", "it broke", LATER)
    linked, broken = ops.connection_statuses()
    assert (linked.connection_id, linked.status) == ("c1", "new")
    assert broken == Status("c1", "login_required", LATER)


# -- examinations ------------------------------------------------------------------------------------------


def test_the_last_examination_of_a_suite_is_kept(ops: Ops) -> None:
    values = {"suite": "clean.bars", "content_hash": "h", "run_id": "r1", "success": True}
    assert ops.last_examinations() == {}
    ops.examined({**values, "result": {"expectations": 9}, "examined_at": NOW})
    # The clock may stand still: which one is the last does not depend on it.
    ops.examined({**values, "content_hash": "g", "run_id": "r2", "result": {}, "examined_at": NOW})
    ops.examined({**values, "suite": "clean.trades", "result": {}, "examined_at": NOW})
    found = ops.last_examinations()
    assert list(found) == ["clean.bars", "clean.trades"]
    assert (found["clean.bars"]["content_hash"], found["clean.bars"]["run_id"]) == ("g", "r2")


# -- decisions on refused rows -----------------------------------------------------------------------------


def test_the_latest_decision_on_a_refused_row_counts_and_none_is_edited(ops: Ops) -> None:
    row = {"book": "household", "table_name": "clean.bars", "source_id": "1", "payload_sha256": "a"}
    discard = {"decision": "discard", "reason": "test data", "decided_by": "ana", "known_at": NOW}
    assert ops.quarantine_decisions().is_empty()
    ops.decide_on_quarantine([row | discard, {**row, "source_id": "2"} | discard])
    ops.decide_on_quarantine([row | discard | {"decision": "restore", "decided_by": "ben", "known_at": NOW}])
    found = ops.quarantine_decisions().sort("source_id")
    assert found["decision"].to_list() == ["restore", "discard"]
    assert found["decided_by"].to_list() == ["ben", "ana"]
    with ops.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(QUARANTINE_DECISIONS)).scalar() == 3
