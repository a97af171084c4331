"""From a webhook to the rows: one run pulls just that login, once; what is not Plaid's leads to none."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, SensorInstigatorData
from dagster._core.test_utils import create_run_for_test
from webhooks_sent import everything, fire, link, receiving, send, sign

from pipelines import receiver
from pipelines.definitions import build_definitions
from pipelines.jobs import NIGHTLY
from pipelines.sensors import MOST_ATTEMPTS
from pipelines.watching import platform_conditions
from pipelines.webhooks import webhooks
from resources.installation import Installation

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
UPDATE, ERROR, REPAIRED = "TRANSACTIONS:SYNC_UPDATES_AVAILABLE", "ITEM:ERROR", "ITEM:LOGIN_REPAIRED"
LOGIN_REQUIRED = {"error": {"error_code": "ITEM_LOGIN_REQUIRED", "error_message": "log in again"}}


class Dagster:
    """What the daemon does with the sensor: ticks, its cursor, the runs it asks for."""

    def __init__(self, manna: Installation, instance: dg.DagsterInstance) -> None:
        self.manna, self.instance, self.cursor = manna, instance, None
        found = build_definitions(manna.settings, {"manna": dg.ResourceDefinition.hardcoded_resource(manna)})
        self.repository = found.get_repository_def()

    def tick(self, cursor: str | None = "the last one") -> Any:
        """One tick; the cursor is kept only where none is given."""
        given = self.cursor if cursor == "the last one" else cursor
        with dg.build_sensor_context(
            self.instance, given, repository_def=self.repository, resources={"manna": self.manna}
        ) as context:
            answer = webhooks(context)
            if cursor == "the last one":
                self.cursor = context.cursor
        return answer

    def run(self, asked: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """The run that was asked for, to its end."""
        return self.repository.get_job(asked.job_name or "").execute_in_process(
            run_config={**QUIET, **asked.run_config},
            asset_selection=list(asked.asset_selection or ()),
            tags=asked.tags,
            instance=self.instance,
            raise_on_error=False,
        )

    def ended(self, asked: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
        """The run that was asked for has ended, whatever it did."""
        create_run_for_test(self.instance, job_name=asked.job_name, tags=asked.tags, status=status)


@pytest.fixture
def dagster(manna: Installation) -> Iterator[Dagster]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Dagster(manna, instance)


def come_in(manna: Installation, kind: str, item: str | None, after: int = 0, **body: Any) -> int:
    """A verified event is stored; returns its id."""
    known = len(manna.ops.webhooks())
    issued_at = manna.settings.now() + timedelta(seconds=after)
    values = {"signature_sha256": str(known), "received_at": issued_at, "issued_at": issued_at}
    assert manna.ops.store_webhook({**values, "item_id": item, "kind": kind, "body": body})
    return int(manna.ops.webhooks()[-1]["webhook_id"])


def said(answer: object) -> str:
    assert isinstance(answer, dg.SkipReason), answer
    return answer.skip_message or ""


def pulled(asked: object) -> list[str]:
    """The connections that a run is asked to pull."""
    assert isinstance(asked, dg.RunRequest), asked
    found: list[str] = asked.run_config["ops"]["pull_plaid"]["config"]["connections"]
    return found


def connection(manna: Installation, item: str) -> dict[str, Any]:
    [found] = [c for c in manna.ops.connections() if c["external_id"] == item]
    return found


# -- end to end ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_fired_webhook_leads_to_one_sync_of_that_login(manna: Installation, dagster: Dagster) -> None:
    (token, item), (_, other) = link(manna), link(manna)
    with receiving(receiver.taker(manna)) as url:
        assert receiver.announce(manna, url) == 2
        assert said(dagster.tick()).endswith("nothing to pull")  # Plaid acknowledged the address
        assert fire(manna, token, "SYNC_UPDATES_AVAILABLE")
        asked = dagster.tick()
        mine = connection(manna, item)["connection_id"]
        assert pulled(asked) == [mine]
        assert {key.path[-1].partition("_")[0] for key in asked.asset_selection if key.path[0] == "raw"} == {
            "plaid"
        }
        assert dagster.tick().run_key == asked.run_key  # until it has succeeded it is one and the same

        assert dagster.run(asked).success
        for table in ("raw.batches", "raw.plaid_transactions", "clean.accounts"):
            found = manna.lake.query(f"SELECT DISTINCT connection_id FROM {table}")
            assert found["connection_id"].to_list() == [mine]
        assert not manna.lake.read("ledger.journal").is_empty()
        assert connection(manna, item)["last_success_at"] == manna.settings.now()
        assert connection(manna, other)["last_success_at"] is None
        assert said(dagster.tick()) == "no webhook has come in"
        _nothing_comes_of_what_is_not_plaids(manna, dagster, url, item)


def _nothing_comes_of_what_is_not_plaids(manna: Installation, dagster: Dagster, url: str, item: str) -> None:
    """Forged, stale and replayed: no table differs, and no run is asked for."""
    from cryptography.hazmat.primitives.asymmetric import ec

    body = json.dumps({"webhook_type": "ITEM", "webhook_code": "LOGIN_REPAIRED", "item_id": item}).encode()
    genuine = sign(manna, body)
    assert send(url, body, genuine) == 200
    dagster.ended(dagster.tick(), dg.DagsterRunStatus.SUCCESS)
    assert said(dagster.tick()) == "no webhook has come in"
    before = everything(manna)
    stranger = ec.derive_private_key(666, ec.SECP256R1())
    assert send(url, body, genuine) == 200  # a replay
    assert send(url, body, sign(manna, body, key=stranger)) == 401
    assert send(url, body, sign(manna, body, age=timedelta(minutes=6))) == 401
    assert send(url, body.replace(b"REPAIRED", b"ERRORED_"), genuine) == 401
    assert said(dagster.tick()) == "no webhook has come in"
    assert everything(manna) == before


# -- the sensor ------------------------------------------------------------------------------------------


@pytest.fixture
def items(manna: Installation) -> list[str]:
    """Two linked logins, by Plaid's id."""
    return [link(manna)[1] for _ in range(2)]


def test_without_events_there_is_nothing_to_do(dagster: Dagster) -> None:
    assert said(dagster.tick()) == "no webhook has come in"


def test_events_of_one_tick_are_one_run_and_later_ones_wait(
    manna: Installation, dagster: Dagster, items: list[str]
) -> None:
    for item in (*items, items[0]):
        last = come_in(manna, UPDATE, item)
    asked = dagster.tick()
    assert pulled(asked) == sorted(connection(manna, item)["connection_id"] for item in items)
    assert asked.run_key == f"{NIGHTLY}-webhook-{last}-0"
    assert (asked.job_name, dagster.cursor) == (NIGHTLY, f"0 {last}")
    newer = come_in(manna, UPDATE, items[1])
    assert dagster.tick() == asked
    # A tick that was cut short before its cursor was kept asks for all of them: nothing is lost.
    assert dagster.tick(None).run_key == f"{NIGHTLY}-webhook-{newer}-0"
    dagster.ended(asked, dg.DagsterRunStatus.SUCCESS)
    asked = dagster.tick()
    assert pulled(asked) == [connection(manna, items[1])["connection_id"]]
    dagster.ended(asked, dg.DagsterRunStatus.SUCCESS)
    assert said(dagster.tick()) == "no webhook has come in"
    assert dagster.cursor == str(newer)


def test_a_run_that_fails_is_tried_again_and_then_left_to_the_night(
    manna: Installation, dagster: Dagster, items: list[str]
) -> None:
    come_in(manna, UPDATE, items[0])
    keys = set()
    for _ in range(MOST_ATTEMPTS):
        asked = dagster.tick()
        assert isinstance(asked, dg.RunRequest)
        keys.add(asked.run_key)
        dagster.ended(asked, dg.DagsterRunStatus.FAILURE)
    assert len(keys) == MOST_ATTEMPTS
    assert said(dagster.tick()).startswith("nightly_close has failed 3 times")
    assert said(dagster.tick()) == "no webhook has come in"
    come_in(manna, UPDATE, items[1])  # the next ones are not held up
    assert pulled(dagster.tick()) == [connection(manna, items[1])["connection_id"]]


def test_an_item_that_is_nobodys_is_named_and_left_alone(manna: Installation, dagster: Dagster) -> None:
    come_in(manna, UPDATE, "somebody-elses")
    come_in(manna, "LINK:SESSION_FINISHED", None)
    assert said(dagster.tick()) == (
        "2 webhooks: 0 changes of status, of items nobody has linked here: somebody-elses, nothing to pull"
    )
    assert said(dagster.tick()) == "no webhook has come in"


def test_a_status_is_taken_over_once(manna: Installation, dagster: Dagster, items: list[str]) -> None:
    connection_id = connection(manna, items[0])["connection_id"]
    come_in(manna, ERROR, items[0], **LOGIN_REQUIRED)
    assert said(dagster.tick()) == "1 webhooks: 1 changes of status, nothing to pull"
    broken = connection(manna, items[0])
    assert broken["status"] == "login_required"
    assert "ITEM_LOGIN_REQUIRED" in broken["error"]
    assert connection(manna, items[1])["status"] == "new"
    manna.ops.connection_status(connection_id, "healthy", "repaired here", manna.settings.now())
    # The tick is repeated, its cursor lost: what has been repaired meanwhile stays so.
    assert said(dagster.tick(None)) == "1 webhooks: 0 changes of status, nothing to pull"
    assert connection(manna, items[0])["status"] == "healthy"
    events = [event["status"] for event in manna.ops.connection_events(connection_id)]
    assert events == ["new", "login_required", "healthy"]


def test_statuses_are_taken_over_in_the_order_in_which_they_were_issued(
    manna: Installation, dagster: Dagster, items: list[str]
) -> None:
    """The error is overtaken by the repair: in one batch, and over two."""
    connection_id = connection(manna, items[0])["connection_id"]
    come_in(manna, REPAIRED, items[0], after=60)
    come_in(manna, ERROR, items[0], **LOGIN_REQUIRED)
    dagster.ended(dagster.tick(), dg.DagsterRunStatus.SUCCESS)
    assert connection(manna, items[0])["status"] == "healthy"
    come_in(manna, ERROR, items[0], after=30, **LOGIN_REQUIRED)
    dagster.tick()
    assert connection(manna, items[0])["status"] == "healthy"
    events = [event["status"] for event in manna.ops.connection_events(connection_id)]
    assert events == ["new", "login_required", "healthy"]


def test_an_end_that_is_announced_is_kept(manna: Installation, dagster: Dagster, items: list[str]) -> None:
    come_in(manna, "ITEM:PENDING_EXPIRATION", items[0], consent_expiration_time="2026-03-20T00:00:00Z")
    dagster.tick()
    found = connection(manna, items[0])
    assert (found["status"], str(found["expires_at"])) == ("pending_expiration", "2026-03-20 00:00:00+00:00")


def test_new_accounts_are_written_down_once(manna: Installation, dagster: Dagster, items: list[str]) -> None:
    found = connection(manna, items[0])
    come_in(manna, "ITEM:NEW_ACCOUNTS_AVAILABLE", items[0])
    for _ in range(3):
        assert pulled(dagster.tick(None)) == [found["connection_id"]]
    assert connection(manna, items[0]) == found
    told = [
        (event["status"], event["reason"]) for event in manna.ops.connection_events(found["connection_id"])
    ]
    assert [status for status, _ in told] == ["new", "new"]
    assert "new accounts" in told[-1][1]
    come_in(manna, ERROR, items[0], after=-30, **LOGIN_REQUIRED)  # issued before, of the status all the same
    dagster.tick(None)
    assert connection(manna, items[0])["status"] == "login_required"


def test_an_unlinked_login_stays_unlinked(manna: Installation, dagster: Dagster, items: list[str]) -> None:
    connection_id = connection(manna, items[0])["connection_id"]
    manna.ops.connection_status(connection_id, "unlinked", "test", manna.settings.now())
    for kind in (UPDATE, REPAIRED):
        come_in(manna, kind, items[0])
    assert said(dagster.tick()) == "2 webhooks: 0 changes of status, nothing to pull"
    assert connection(manna, items[0])["status"] == "unlinked"


def test_a_sensor_that_cannot_look_says_why(manna: Installation, dagster: Dagster) -> None:
    lost = Installation(manna.settings.model_copy(update={"postgres_url": "postgresql://x@/x?host=/nowhere"}))
    dagster.manna = lost
    assert said(dagster.tick()).startswith("cannot read the webhooks: ")
    assert dagster.cursor is None


def test_what_nobody_deals_with_becomes_an_alert(
    manna: Installation, dagster: Dagster, tmp_path: Path
) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:

        def told() -> list[str]:
            found = platform_conditions(manna, instance, served=True)
            return [one["message"][:14] for one in found if one["kind"] == "webhook_backlog"]

        come_in(manna, UPDATE, None, after=-29 * 60)
        assert told() == []
        last = come_in(manna, UPDATE, None, after=-31 * 60)
        assert told() == ["2 webhooks of "]
        origin = RemoteInstigatorOrigin(
            RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("h", 1), "r"), webhooks.name
        )
        data = SensorInstigatorData(cursor=str(last))
        sensor = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, data)
        instance.add_instigator_state(sensor)
        assert told() == []
