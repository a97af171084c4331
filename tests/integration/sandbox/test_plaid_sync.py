"""`/transactions/sync`: cursors, pages, pending and posted, what a client ends up with."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plaid_client import PlaidClient

from sandbox.people.model import Event
from sandbox.plaid.sync import net_changes

FRIDAY, MONTH_LATER = "2026-03-20T16:00:00Z", "2026-04-20T16:00:00Z"
Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def plaid(sandbox: Any) -> PlaidClient:
    return PlaidClient(sandbox)


@pytest.fixture(scope="module")
def joint(plaid: PlaidClient) -> str:
    return plaid.link("rivera_platypus")


def apply(rows: Rows, pages: list[dict[str, Any]]) -> Rows:
    """What a client keeps after `pages`, checked strictly: nothing comes twice, nothing unknown goes."""
    kept = dict(rows)
    for page in pages:
        for row in page["added"]:
            assert row["transaction_id"] not in kept
            kept[row["transaction_id"]] = row
        for row in page["modified"]:
            assert row["transaction_id"] in kept
            kept[row["transaction_id"]] = row
        for row in page["removed"]:
            del kept[row["transaction_id"]]
    return kept


def test_a_first_pass_only_adds(plaid: PlaidClient, joint: str) -> None:
    pages = plaid.pages(joint)
    assert len(pages) > 2
    assert [len(page["added"]) for page in pages[:-1]] == [500] * (len(pages) - 1)
    assert not any(page["modified"] or page["removed"] for page in pages)
    assert len(apply({}, pages)) > 1200


def test_the_same_cursor_gives_the_same_answer(plaid: PlaidClient, joint: str) -> None:
    first, second = (plaid.pages(joint, count=400) for _ in range(2))
    assert [page["added"] for page in first] == [page["added"] for page in second]
    assert [page["next_cursor"] for page in first] == [page["next_cursor"] for page in second]


def test_the_page_size_does_not_change_what_is_told(plaid: PlaidClient, joint: str) -> None:
    small, large = apply({}, plaid.pages(joint, count=97)), apply({}, plaid.pages(joint, count=500))
    assert small == large


def test_when_nothing_happened_the_cursor_stays(plaid: PlaidClient, joint: str) -> None:
    cursor = plaid.pages(joint)[-1]["next_cursor"]
    [page] = plaid.pages(joint, cursor)
    assert (page["added"], page["modified"], page["removed"], page["has_more"]) == ([], [], [], False)
    assert page["next_cursor"] == cursor
    assert len(cursor) <= 256


def test_the_cursor_now_skips_the_past(plaid: PlaidClient, joint: str) -> None:
    [page] = plaid.pages(joint, "now")
    assert page["added"] == []
    assert page["next_cursor"] == plaid.pages(joint)[-1]["next_cursor"]


@pytest.mark.parametrize("cursor", ["nonsense", "bm90IGpzb24=", "e30=", "eyJpdGVtIjoieCIsInNpbmNlIjowfQ=="])
def test_a_cursor_of_somewhere_else_is_refused(plaid: PlaidClient, joint: str, cursor: str) -> None:
    assert plaid.refused("/transactions/sync", access_token=joint, cursor=cursor) == (400, "INVALID_FIELD")


def test_another_items_cursor_is_refused(plaid: PlaidClient, joint: str) -> None:
    cursor = plaid.pages(plaid.link("rivera_tartan"))[-1]["next_cursor"]
    assert plaid.refused("/transactions/sync", access_token=joint, cursor=cursor) == (400, "INVALID_FIELD")


@pytest.mark.parametrize("count", [0, 501, "100", 2.5, True])
def test_a_page_has_1_to_500_rows(plaid: PlaidClient, joint: str, count: Any) -> None:
    assert plaid.refused("/transactions/sync", access_token=joint, count=count) == (400, "INVALID_FIELD")


def test_history_begins_as_many_days_ago_as_was_asked(plaid: PlaidClient) -> None:
    first_days = {}
    for days in (None, 30, 730):
        token = plaid.link("rivera_gingham", transactions={} if days is None else {"days_requested": days})
        rows = apply({}, plaid.pages(token))
        first_days[days] = min(date.fromisoformat(row["date"]) for row in rows.values())
    today = date(2026, 3, 16)
    for days, first in first_days.items():
        assert timedelta(0) <= first - (today - timedelta(days=days or 90)) < timedelta(days=8)


def test_one_account_can_be_asked_for(plaid: PlaidClient, joint: str) -> None:
    checking = plaid.ok("/accounts/get", access_token=joint)["accounts"][0]["account_id"]
    pages = plaid.pages(joint, account_id=checking)
    assert {row["account_id"] for page in pages for row in page["added"]} == {checking}


def test_raw_text_and_category_version_come_when_asked(plaid: PlaidClient, joint: str) -> None:
    plain = apply({}, plaid.pages(joint))
    asked = apply(
        {}, plaid.pages(joint, include_original_description=True, personal_finance_category_version="v1")
    )
    assert {row["original_description"] for row in plain.values()} == {None}
    assert all(row["original_description"] == row["name"] for row in asked.values())
    pay = [key for key, row in plain.items() if "PAYROLL" in row["name"]]
    assert {plain[key]["personal_finance_category"]["detailed"] for key in pay} == {"INCOME_SALARY"}
    assert {asked[key]["personal_finance_category"]["detailed"] for key in pay} == {"INCOME_WAGES"}


def test_data_that_arrives_between_two_pages_voids_the_pass(own_sandbox: Any) -> None:
    plaid = PlaidClient(own_sandbox)
    token = plaid.link("rivera_platypus")
    page = plaid.ok("/transactions/sync", access_token=token, count=500)
    own_sandbox.clock.set(FRIDAY)
    again = {"access_token": token, "cursor": page["next_cursor"], "count": 500}
    answer = plaid.post("/transactions/sync", **again)
    assert answer.status_code == 400
    assert answer.json()["error_type"] == "TRANSACTIONS_ERROR"
    assert answer.json()["error_code"] == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
    assert len(apply({}, plaid.pages(token))) > 1200


def test_the_mutation_fault_hits_a_later_page_only(own_sandbox: Any) -> None:
    plaid = PlaidClient(own_sandbox)
    token = plaid.link("rivera_platypus")
    own_sandbox.fault("/plaid/transactions/sync", "mutation_during_pagination", times=1)
    page = plaid.ok("/transactions/sync", access_token=token, count=500)
    later = {"access_token": token, "cursor": page["next_cursor"], "count": 500}
    mutated = (400, "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")
    assert plaid.refused("/transactions/sync", **later) == mutated
    assert plaid.ok("/transactions/sync", **later)["added"]


def test_day_by_day_ends_where_one_pass_ends(own_sandbox: Any) -> None:
    """Pending rows post with their tip, the vanishing row vanishes, and no balance is ever off by a cent."""
    plaid = PlaidClient(own_sandbox)
    tokens = [plaid.link(name) for name in ("rivera_platypus", "rivera_tartan", "rivera_studio")]
    kept: dict[str, Rows] = {token: {} for token in tokens}
    cursors = dict.fromkeys(tokens, "")
    seen_kinds: set[str] = set()
    for day in range(6):
        own_sandbox.clock.set(f"2026-03-{16 + day}T20:00:00Z")
        for token in tokens:
            pages = plaid.pages(token, cursors[token], count=200)
            kept[token] = apply(kept[token], pages)
            cursors[token] = pages[-1]["next_cursor"]
            if day:
                seen_kinds |= {
                    kind for kind in ("added", "modified", "removed") for page in pages if page[kind]
                }
    for token in tokens:
        assert kept[token] == apply({}, plaid.pages(token))
    assert {"added", "removed"} <= seen_kinds
    assert not any("DUPLICATE POSTING ERROR" in row["name"] for row in kept[tokens[0]].values())


def test_posted_rows_explain_the_change_of_every_balance(own_sandbox: Any) -> None:
    plaid = PlaidClient(own_sandbox)
    token = plaid.link("rivera_tartan")
    before = plaid.pages(token)
    own_sandbox.clock.set(MONTH_LATER)
    after = plaid.pages(token, before[-1]["next_cursor"])
    rows_before, rows_after = apply({}, before), apply(apply({}, before), after)
    for old, new in zip(before[-1]["accounts"], after[-1]["accounts"], strict=True):
        moved = _posted(rows_after, new) - _posted(rows_before, old)
        change = Decimal(str(new["balances"]["current"])) - Decimal(str(old["balances"]["current"]))
        assert change == (moved if new["type"] == "credit" else -moved)


def _posted(rows: Rows, account: dict[str, Any]) -> Decimal:
    mine = [row for row in rows.values() if row["account_id"] == account["account_id"] and not row["pending"]]
    return sum((Decimal(str(row["amount"])) for row in mine), Decimal(0))


def test_a_posted_row_names_the_pending_row_it_replaces(own_sandbox: Any) -> None:
    plaid = PlaidClient(own_sandbox)
    token = plaid.link("rivera_tartan")
    first = plaid.pages(token)
    pending = {key: row for key, row in apply({}, first).items() if row["pending"]}
    assert pending
    own_sandbox.clock.set(FRIDAY)
    news = plaid.pages(token, first[-1]["next_cursor"])
    removed = {row["transaction_id"] for page in news for row in page["removed"]}
    replaced = {row["pending_transaction_id"]: row for page in news for row in page["added"]}
    assert set(pending) <= removed
    for key, row in pending.items():
        assert replaced[key]["amount"] >= row["amount"]
        assert replaced[key]["authorized_date"] == row["date"]


def test_a_folder_of_people_is_served(start_sandbox: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "renterUser.json").write_text(
        '{"override_accounts": [{"type": "depository", "subtype": "checking", "starting_balance": 1000.10,'
        ' "transactions": [{"date_transacted": "2026-03-10", "date_posted": "2026-03-11", "amount": 12.30,'
        ' "description": "Rent", "currency": "USD"}]}]}'
    )
    with start_sandbox(tmp_path, people=tmp_path / "people") as running:
        plaid = PlaidClient(running)
        [person] = running.control.get("/people").json()["people"]
        assert (person["book"], person["alpaca"]) == ("renter-user", False)
        [login] = person["logins"]
        public = plaid.ok(
            "/sandbox/public_token/create",
            institution_id=login["institution_id"],
            initial_products=login["products"],
            options={"override_username": login["username"], "override_password": "pass_good"},
        )["public_token"]
        token = plaid.ok("/item/public_token/exchange", public_token=public)["access_token"]
        [page] = plaid.pages(token)
    assert [row["amount"] for row in page["added"]] == [12.30]
    assert page["accounts"][0]["balances"]["current"] == 1000.10


# the arithmetic of a pass ---------------------------------------------------------------------------------


@st.composite
def feeds(draw: st.DrawFn) -> list[Event]:
    """Any feed a bank could tell: rows are added once, then modified or removed while they are there."""
    feed: list[Event] = []
    alive: list[str] = []
    for serial in range(draw(st.integers(0, 25))):
        kind = draw(st.sampled_from(["added", "modified", "removed"])) if alive else "added"
        name = f"row {serial}" if kind == "added" else draw(st.sampled_from(alive))
        if kind == "added":
            alive.append(name)
        if kind == "removed":
            alive.remove(name)
        row = {"transaction_id": name, "account_id": "a", "version": serial}
        feed.append(Event(None, serial, kind, row))  # type: ignore[arg-type]
    return feed


@given(feeds(), st.data())
def test_any_steps_through_any_feed_end_alike(feed: list[Event], data: st.DataObject) -> None:
    stops = sorted(data.draw(st.lists(st.integers(0, len(feed)), max_size=4)))
    in_steps = _follow(feed, [0, *stops, len(feed)])
    assert in_steps == _follow(feed, [0, len(feed)])


def _follow(feed: list[Event], stops: list[int]) -> Rows:
    rows: Rows = {}
    for since, upto in pairwise(stops):
        changes = net_changes(feed, since, upto)
        page = {
            kind: [row for told, row in changes if told == kind] for kind in ("added", "modified", "removed")
        }
        rows = apply(rows, [page])
    return rows
