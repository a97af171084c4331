"""The monitor over HTTP: what Prometheus reads there, and when it says that all is not well."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import httpx
import pytest
from dagster._core.test_utils import instance_for_test
from prometheus_client.parser import text_string_to_metric_families
from ticking import skipped
from webhooks_sent import answering

from manna.alerting.conditions import condition
from pipelines.monitor import application, reasons
from pipelines.sensors import alerts
from resources.installation import Installation

NUMBER = "4111111111111111"


@dg.op
def break_down() -> None:
    raise ValueError("as asked")


@dg.job(name="nightly_close")
def broken_night() -> None:
    break_down()


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with instance_for_test() as made:
        yield made


def measured(url: str) -> dict[tuple[str, ...], float]:
    """Every sample: its name and the values of its labels, in order of their names."""
    answer = httpx.get(f"{url}/metrics", timeout=60)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert NUMBER not in answer.text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.slow
def test_what_is_told_to_monitors(manna: Installation, instance: dg.DagsterInstance) -> None:
    now = manna.settings.now()
    for name, status in (("one", "healthy"), ("two", "login_required"), ("gone", "unlinked")):
        manna.ops.add_connection(
            {
                "connection_id": name, "book": "home", "provider": "plaid", "institution": f"Bank {NUMBER}",
                "external_id": f"{name} {NUMBER}", "products": [], "token": b"-", "linked_at": now,
            }
        )  # fmt: skip
        manna.ops.connection_answered(name, now, date(2026, 3, 13))
        manna.ops.connection_status(name, status, "as told", now)
    manna.ops.settle_alerts([condition("home", "low_balance", NUMBER, "critical", f"{NUMBER} is low")], now)
    manna.ops.store_webhook(
        {"signature_sha256": "s", "received_at": now, "issued_at": now, "kind": "ITEM:ERROR", "body": {}}
    )
    manna.ops.circuit("alpaca")._row.write(state="open", opened_at=now)
    with answering(application(manna.settings, instance)) as url:
        assert httpx.get(f"{url}/health", timeout=60).json() == {"status": "well", "reasons": []}
        found = measured(url)
        assert found["manna_database_up",] == 1
        assert ("manna_night_age_seconds",) not in found  # there was none
        assert found["manna_runs", "failure"] == 0
        assert found["manna_alerts", "critical", "open"] == 1
        assert found["manna_alerts", "warning", "open"] == 0
        assert found["manna_connection_complete_through_age_days", "home", "one"] == 3
        assert {name: found["manna_connection_up", "home", name] for name in ("one", "two")} == {
            "one": 1,
            "two": 0,
        }
        assert ("manna_connection_up", "home", "gone") not in found
        assert found["manna_webhooks_waiting",] == 1
        assert found["manna_circuit_open", "alpaca"] == 1
        assert found["manna_quarantined_rows", "home"] == 0
        assert found["manna_disk_free_bytes",] > 0

        broken_night.execute_in_process(instance=instance, raise_on_error=False)
        answer = httpx.get(f"{url}/health", timeout=60)
        assert answer.status_code == 503
        [reason] = answer.json()["reasons"]
        assert "the last run of nightly_close failed" in reason
        assert measured(url)["manna_runs", "failure"] == 1
        assert httpx.post(f"{url}/health", timeout=60).status_code == 405
        assert httpx.get(f"{url}/", timeout=60).status_code == 404


def test_nobody_looks_for_alerts(manna: Installation) -> None:
    with instance_for_test() as instance:
        skipped(instance, alerts.name, "0 opened, 0 resolved, 0 told")
        assert reasons(manna.settings, instance) == []
        skipped(instance, alerts.name, "cannot look for alerts: password hunter2 is refused")
        assert reasons(manna.settings, instance) == ["the sensor alerts cannot look; `manna doctor` says why"]


def test_without_a_database_it_still_answers(manna: Installation, instance: dg.DagsterInstance) -> None:
    lost = manna.settings.model_copy(update={"postgres_url": "postgresql://x:hunter2@/x?host=/nowhere"})
    with answering(application(lost, instance)) as url:
        answer = httpx.get(f"{url}/health", timeout=60)
        assert answer.status_code == 503
        assert "does not answer" in answer.json()["reasons"][0]
        assert "hunter2" not in answer.text
        found = measured(url)
        assert found["manna_database_up",] == 0
        assert ("manna_alerts", "critical", "open") not in found
        assert found["manna_disk_free_bytes",] > 0
