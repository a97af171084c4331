"""`manna alerts`: looking, deciding, and what is refused."""

import json

from console import Demo, Manna


def test_the_list_and_the_life_of_an_alert(demo: Demo, manna: Manna) -> None:
    def listed(*more: str) -> list[dict[str, object]]:
        said = manna(demo.data_dir, "alerts", "list", "--format", "json", *more)
        assert said.code == 0, said.err
        found: list[dict[str, object]] = json.loads(said.out)
        return found

    number = str(next(row["alert"] for row in listed() if "Business Savings holds" in str(row["message"])))
    assert manna(demo.data_dir, "alerts", "ack", number, "--by", "ana", "--reason", "known").code == 0
    again = manna(demo.data_dir, "alerts", "snooze", number, "--until", "3d", "--version", "1")
    assert again.code == 1
    assert "has changed since" in again.err
    snoozed = manna(demo.data_dir, "alerts", "snooze", number, "--until", "3d", "--by", "ana")
    assert "snoozed until 2026-03-19 12:00 UTC" in snoozed.out
    assert manna(demo.data_dir, "alerts", "resolve", number, "--by", "ben").code == 0
    assert number not in {str(row["alert"]) for row in listed()}
    assert number in {str(row["alert"]) for row in listed("--all")}
    shown = manna(demo.data_dir, "alerts", "show", number, "--format", "json")
    steps = [(step["action"], step["by"], step["reason"]) for step in json.loads(shown.out)]
    assert steps[0][:2] == ("opened", "manna")
    assert steps[1:] == [
        ("acknowledged", "ana", "known"),
        ("snoozed", "ana", None),
        ("resolved", "ben", None),
    ]
    assert "studio: warning, resolved" in manna(demo.data_dir, "alerts", "show", number).out


def test_what_cannot_be_decided_is_one_line(demo: Demo, manna: Manna) -> None:
    number = str(json.loads(manna(demo.data_dir, "alerts", "list", "--format", "json").out)[0]["alert"])
    for arguments, told in {
        ("show", "999"): "there is no alert 999",
        ("ack", "999"): "there is no alert 999",
        ("snooze", number, "--until", "soon"): "'soon' is no moment: give 3d, 12h or 30m",
        ("snooze", number, "--until", "2020-01-01"): "has passed: name a later moment",
        ("list", "--book", "nobody"): "unknown book 'nobody'",
    }.items():
        said = manna(demo.data_dir, "alerts", *arguments)
        assert said.code == 1, said
        assert told in said.err
        assert len(said.err.strip().splitlines()) <= 3


def test_what_would_have_been_told(demo: Demo, manna: Manna) -> None:
    def tested(*more: str) -> list[dict[str, str | None]]:
        said = manna(demo.data_dir, "alerts", "test", "--book", "household", "--format", "json", *more)
        assert said.code == 0, said.err
        found: list[dict[str, str | None]] = json.loads(said.out)
        return found

    found = tested("--since", "2025-05-01", "--until", "2025-06-30")
    assert {"opened": "2025-05-06", "resolved": None, "severity": "info", "kind": "price_increase",
            "book": "household", "message": "netflix rose from 15.49 to 17.99 USD (monthly)"} in found  # fmt: skip
    assert all("2025-05-01" <= str(row["opened"]) <= "2025-06-30" for row in found)
    assert found == sorted(found, key=lambda row: str(row["opened"]))
    late = manna(demo.data_dir, "alerts", "test", "--since", "2027-01-01")
    assert late.complaint.endswith("2027-01-01 is after 2026-03-16: the first day comes first")
    before = manna(demo.data_dir, "alerts", "list", "--all", "--format", "json").out
    assert "netflix" not in before, "nothing was written"
