"""Conditions of the machine."""

from datetime import UTC, datetime, timedelta

from manna.alerting import platform

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)


def hours(count: float) -> datetime:
    return NOW - timedelta(hours=count)


def test_a_job_whose_last_run_failed() -> None:
    found = platform.failed_runs([("training", "b" * 36), ("nightly_close", "a" * 36)], ["nightly_close"])
    assert [(one["severity"], one["fingerprint"]) for one in found] == [
        ("critical", "failed_run:all:nightly_close"),
        ("warning", "failed_run:all:training"),
    ]
    assert "`manna run nightly_close`" in found[0]["message"]


def test_a_run_that_does_not_end() -> None:
    runs = [("nightly_close", "a" * 36, hours(3)), ("training", "b" * 36, hours(3.1))]
    assert [one["fingerprint"] for one in platform.stuck_runs(runs, NOW)] == [f"stuck_run:all:{'b' * 36}"]


def test_a_night_that_did_not_come() -> None:
    assert platform.late_night("nightly_close", None, NOW) == []
    assert platform.late_night("nightly_close", hours(36), NOW) == []
    (found,) = platform.late_night("nightly_close", hours(37), NOW)
    assert "has not succeeded since 2026-03-14 23:00 UTC" in found["message"]


def test_a_daemon_that_fell_silent() -> None:
    found = platform.silent_daemons({"SCHEDULER": hours(1), "SENSOR": NOW}, NOW)
    assert [one["message"] for one in found] == [
        "Dagster's scheduler daemon was last heard of at 2026-03-16 11:00 UTC: restart `manna up`"
    ]


def test_a_disk_that_fills() -> None:
    assert platform.low_disk(1 << 30, "/data") == []
    assert [one["severity"] for one in platform.low_disk((1 << 30) - 1, "/data")] == ["warning"]
    (found,) = platform.low_disk(199 << 20, "/data")
    assert (found["severity"], found["message"]) == ("critical", "199 MB are free where /data is: make room")


def test_assets_that_the_nights_leave_out() -> None:
    made = {"clean.bars": hours(60), "ledger.lots": hours(70), "raw.x": None, "ledger.gains": hours(61)}
    (found,) = platform.late_assets(made, NOW)
    assert found["message"].startswith("ledger.lots and 1 more were not made since 2026-03-13 14:00 UTC")
    (found,) = platform.late_assets({"ledger.lots": hours(70)}, NOW)
    assert found["message"].startswith("ledger.lots was not made since")
    assert platform.late_assets({"clean.bars": hours(60), "raw.x": None}, NOW) == []


def test_webhooks_that_nobody_deals_with() -> None:
    assert platform.webhook_backlog(0, None, NOW) == []
    assert platform.webhook_backlog(3, hours(0.5), NOW) == []
    (found,) = platform.webhook_backlog(3, hours(0.6), NOW)
    assert found["message"].startswith(
        "3 webhooks of Plaid received and not dealt with, the oldest of 2026-03-16 11:24"
    )
