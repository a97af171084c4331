"""What a provider says is kept once, whole, with its cursor."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from pulling import ALPACA_TOKEN, add, assert_sound, extent, link, pull

from assets.raw.alpaca import TABLES as ALPACA_TABLES
from assets.raw.plaid import TABLES as PLAID_TABLES
from assets.raw.receiving import CursorError, receive
from manna.facts import Answer, Record
from resources.installation import Installation
from resources.lake import LakeTransaction


@pytest.fixture
def linked(manna: Installation, bank: Any) -> Installation:
    """With one login at Plaid."""
    link(manna, bank)
    return manna


def test_a_login_is_pulled_and_a_repetition_adds_nothing(linked: Installation) -> None:
    first = pull(linked)
    assert first.failures == {}
    assert first.rows["raw.plaid_transactions"] > 100
    assert_sound(linked)
    before = extent(linked)
    again = pull(linked, run_id="again")
    assert set(again.rows.values()) == {0}
    assert extent(linked) == before
    (connection,) = linked.ops.connections()
    assert (connection["status"], str(connection["complete_through"])) == ("healthy", "2026-03-16")


def test_nothing_new_reads_no_history(linked: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    pull(linked)
    asked: list[str] = []
    query = LakeTransaction.query

    def heard(self: LakeTransaction, sql: str, *values: Any, **more: Any) -> pl.DataFrame:
        asked.append(sql)
        return query(self, sql, *values, **more)

    monkeypatch.setattr(LakeTransaction, "query", heard)
    assert set(pull(linked).rows.values()) == {0}
    tables = [sql.partition(" FROM ")[2].partition(" ")[0] for sql in asked]
    assert tables.count("raw.batches") == 1
    assert "raw.plaid_transactions" not in tables


def test_the_next_day_says_that_balances_still_are_so(linked: Installation, bank: Any) -> None:
    pull(linked)
    accounts = linked.lake.read("raw.plaid_accounts").height
    transactions = linked.lake.read("raw.plaid_transactions").height
    linked.settings = linked.settings.model_copy(update={"fixed_now": datetime(2026, 3, 17, 12, tzinfo=UTC)})
    bank.now = datetime(2026, 3, 17, 12, tzinfo=UTC)
    pull(linked)
    assert linked.lake.read("raw.plaid_accounts").height == 2 * accounts
    assert linked.lake.read("raw.plaid_transactions").height >= transactions
    assert_sound(linked)


def test_a_brokerage_is_pulled(manna: Installation) -> None:
    add(manna, "alpaca", ALPACA_TOKEN, "alpaca", provider="alpaca")
    found = pull(manna, "alpaca")
    assert found.failures == {}
    assert all(found.rows[table] > 0 for table in ALPACA_TABLES)
    assert set(pull(manna, "alpaca").rows.values()) == {0}
    assert_sound(manna)


def test_the_last_position_that_is_sold_is_gone(manna: Installation) -> None:
    add(manna, "alpaca", "k:s", "alpaca", provider="alpaca")
    position = Record("asset", "snapshot", '{"asset_id": "asset", "symbol": "VTI"}')
    for records in ((position,), (), ()):
        answer = Answer(records, is_whole=True)
        receive(
            manna,
            "run",
            manna.ops.connections(),
            "alpaca",
            lambda told, a=answer: {"raw.alpaca_positions": a},
        )
    rows = manna.lake.read("raw.alpaca_positions").sort("known_at")
    assert rows["change"].to_list() == ["snapshot", "removed"]


@pytest.mark.parametrize("back", [0, 5])
def test_a_clock_that_stands_still_or_is_set_back_keeps_the_order(manna: Installation, back: int) -> None:
    add(manna, "alpaca", "k:s", "alpaca", provider="alpaca")
    for number in range(3):
        day = 16 - number * back
        manna.settings = manna.settings.model_copy(update={"fixed_now": datetime(2026, 3, day, tzinfo=UTC)})
        answer = Answer((Record("o", "added", f'{{"id": "o", "n": {number}}}'),))
        receive(
            manna, "run", manna.ops.connections(), "alpaca", lambda told, a=answer: {"raw.alpaca_orders": a}
        )
    rows = manna.lake.read("raw.alpaca_orders").sort("known_at")
    assert [payload[-2] for payload in rows["payload"]] == ["0", "1", "2"]
    assert_sound(manna)


def test_an_answer_from_another_cursor_than_the_committed_one_is_not_kept(manna: Installation) -> None:
    add(manna, "bank", "t", "item")

    def said(number: int, before: str | None, after: str) -> None:
        record = Record(f"t{number}", "added", "{}")
        answer = Answer((record,), cursor_before=before, cursor_after=after)
        receive(manna, "run", manna.ops.connections(), "plaid", lambda _: {"raw.plaid_transactions": answer})

    with pytest.raises(CursorError, match="from cursor 'x', but nothing is committed"):
        said(1, "x", "1")
    said(1, None, "1")
    for before in (None, "0"):
        with pytest.raises(CursorError, match="the committed cursor is '1'"):
            said(2, before, "2")
    assert extent(manna) == {"raw.batches": 1, "raw.plaid_transactions": 1}
    said(2, "1", "2")
    assert_sound(manna)


def test_no_connection_is_no_failure(manna: Installation) -> None:
    found = pull(manna)
    assert (found.asked, found.failures) == (0, {})
    assert len(list(found.materializations(PLAID_TABLES, {}))) == len(PLAID_TABLES)
