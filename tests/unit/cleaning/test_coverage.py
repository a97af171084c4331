"""`clean.coverage`: up to which day each account is known, from what was heard and when."""

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from cleaning_examples import ACCOUNT, CONTEXT, raw_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.cleaning import CLEANERS, clean
from manna.cleaning.identity import Decision
from manna.contracts import CONTRACTS


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


class Story:
    """What was heard through logins, night by night."""

    def __init__(self) -> None:
        self.tables: dict[str, list[pl.DataFrame]] = {name: [] for name in CLEANERS["clean.coverage"].sources}

    def heard(
        self,
        when: datetime,
        *accounts: str,
        gone: tuple[str, ...] = (),
        history: str | None = None,
        error: str | None = None,
        updated: dict[str, Any] | None = None,
        login: str = "bank",
        kind: str = "depository",
    ) -> "Story":
        """One answer of a login at Plaid."""
        for name, change in [(name, "snapshot") for name in accounts] + [(name, "removed") for name in gone]:
            payload = {**ACCOUNT, "account_id": name, "type": kind}
            self._record("plaid_accounts", when, login, name, payload, change)
        if error or updated:
            item = {"item_id": "i", "error": {"error_code": error} if error else None}
            status = {product: {"last_successful_update": on} for product, on in (updated or {}).items()}
            self._record("plaid_items", when, login, "i", item)
            self._record("plaid_items", when, login, "i:status", status)
        return self.batch(when, "plaid_transactions", login, history)

    def batch(self, when: datetime, endpoint: str, login: str, history: str | None = None) -> "Story":
        contract = CONTRACTS["raw.batches"]
        row = dict.fromkeys(contract.names, "x") | {"row_count": 0, "book": "home", "connection_id": login}
        row |= {"endpoint": endpoint, "history": history, "known_at": when, "batch_id": f"{login} {when}"}
        self.tables["raw.batches"].append(pl.DataFrame([row], schema=contract.polars_schema))
        return self

    def _record(
        self, table: str, when: datetime, login: str, name: str, payload: Any, change: str = "snapshot"
    ) -> None:
        rows = raw_rows(table, {"source_id": name, "payload": json.dumps(payload), "change": change})
        rows = rows.with_columns(known_at=pl.lit(when, dtype=pl.Datetime("us", "UTC")))
        self.tables[f"raw.{table}"].append(rows.with_columns(connection_id=pl.lit(login)))

    def told(self, as_known_on: datetime | None = None, **context: Any) -> dict[str, tuple[Any, ...]]:
        """By account: login, listed, complete through (day of March), provisional."""
        from dataclasses import replace

        raw = {name: pl.concat([CONTRACTS[name].empty(), *frames]) for name, frames in self.tables.items()}
        found = clean("clean.coverage", raw, replace(CONTEXT, **context), as_known_on)
        assert found.rows.schema == CONTRACTS["clean.coverage"].polars_schema
        assert CONTRACTS["clean.coverage"].violations(found.rows).list.len().sum() == 0
        return {
            row["account_id"]: (
                row["connection_id"],
                row["listed"],
                row["complete_through"] and row["complete_through"].day,
                row["provisional"],
            )
            for row in found.rows.iter_rows(named=True)
        }


def test_an_account_is_known_up_to_the_last_day_its_login_was_heard() -> None:
    story = Story().heard(at(10), "a", "b", history="complete").heard(at(12), "a", "b", history="complete")
    assert story.told() == {"a": ("bank", True, 12, False), "b": ("bank", True, 12, False)}


def test_the_day_is_that_of_the_books_zone() -> None:
    assert Story().heard(at(12, 3), "a").told() == {"a": ("bank", True, 11, False)}


def test_an_account_no_longer_listed_stops_at_the_last_day_it_was() -> None:
    story = Story().heard(at(10), "a", "b").heard(at(12), "a", gone=("b",)).heard(at(13), "a")
    assert story.told() == {"a": ("bank", True, 13, False), "b": ("bank", False, 10, False)}
    back = story.heard(at(14), "a", "b")
    assert back.told()["b"] == ("bank", True, 14, False)


def test_a_night_that_brings_nothing_new_for_an_account_counts_where_its_login_was_heard() -> None:
    story = Story().heard(at(10), "a").batch(at(11), "plaid_items", "bank").batch(at(12), "x", "bank")
    assert story.told() == {"a": ("bank", True, 11, False)}


def test_history_in_three_steps() -> None:
    story = Story().heard(at(10), "a", history="not_ready").heard(at(11), "a")
    assert story.told() == {"a": ("bank", True, None, True)}
    story.heard(at(12), "a", history="initial")
    assert story.told() == {"a": ("bank", True, 12, True)}
    story.heard(at(13), "a", history="complete")
    assert story.told() == {"a": ("bank", True, 13, False)}
    # As known on any day:
    assert story.told(at(11, 13)) == {"a": ("bank", True, None, True)}
    assert story.told(at(12, 13)) == {"a": ("bank", True, 12, True)}


def test_investments_do_not_wait_for_transactions() -> None:
    story = Story().heard(at(10), "a", history="not_ready", kind="investment")
    assert story.told() == {"a": ("bank", True, 10, True)}


def test_what_is_told_is_as_old_as_what_the_bank_last_told_plaid() -> None:
    updated = {"transactions": "2026-03-08T20:00:00Z", "investments": "2026-03-09T20:00:00.125Z"}
    assert Story().heard(at(10), "a", updated=updated).told()["a"][2] == 8
    assert Story().heard(at(10), "a", updated=updated, kind="investment").told()["a"][2] == 9
    later = {"transactions": "2026-03-30T20:00:00Z"}
    assert Story().heard(at(10), "a", updated=later).told()["a"][2] == 10


@pytest.mark.parametrize("updated", [{"transactions": None}, {"transactions": "nonsense"}])
def test_a_login_in_error_that_says_no_day_does_not_advance(updated: dict[str, Any]) -> None:
    story = Story().heard(at(10), "a").heard(at(11), "a", error="ITEM_LOGIN_REQUIRED", updated=updated)
    assert story.told() == {"a": ("bank", True, 10, False)}
    mended = story.heard(at(13), "a", updated=updated)
    assert mended.told() == {"a": ("bank", True, 13, False)}


def test_a_day_never_moves_back() -> None:
    updated = {"transactions": "2026-03-01T20:00:00Z"}
    assert Story().heard(at(10), "a").heard(at(11), "a", updated=updated).told()["a"][2] == 10


def test_an_account_that_continues_another_keeps_the_day_either_knows() -> None:
    story = Story().heard(at(10), "old", history="complete")
    story.heard(at(12), "new", login="other", history="not_ready")
    same = Decision("home", "new", "old", at(12, 13))
    told = story.told(decisions=[same], institutions={"bank": "Platypus", "other": "Platypus"})
    assert told == {"old": ("other", True, 10, True)}


@settings(deadline=None, max_examples=50)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.dictionaries(
    st.sampled_from(["error", "error_code", "transactions", "investments", "last_successful_update"]), x)
))  # fmt: skip
def test_whatever_an_item_says_an_account_has_its_row(said: Any) -> None:
    story = Story().heard(at(10), "a").heard(at(11), "a")
    for name in ("i", "i:status"):
        story._record("plaid_items", at(11), "bank", name, said)
    login, listed, day, provisional = story.told()["a"]
    assert (login, listed, provisional) == ("bank", True, False)
    assert 10 <= day <= 11


def test_a_broker_is_heard_by_its_account_and_not_by_bars() -> None:
    story = Story()
    rows = raw_rows("alpaca_account", {}).with_columns(
        known_at=pl.lit(at(10), dtype=pl.Datetime("us", "UTC")), connection_id=pl.lit("broker")
    )
    story.tables["raw.alpaca_account"].append(rows)
    story.batch(at(10), "alpaca_account", "broker").batch(at(11), "alpaca_bars", "broker")
    assert list(story.told().values()) == [("broker", True, 10, False)]


def test_nothing_is_known_of_nothing() -> None:
    assert Story().told() == {}
