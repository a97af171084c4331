"""`/transactions/sync`: what changed since a cursor, in pages.

Here belongs the arithmetic of cursors over a login's feed. The feed itself belongs to `sandbox.people`.

A cursor is a place in the feed, which only ever grows at its end. A pass over several pages covers the feed
as it was when the pass began; when the feed has grown since, the pass is void and the client starts over.
"""

import base64
import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from sandbox.people.bank import BankAccount
from sandbox.people.model import Event, Login
from sandbox.plaid.wire import Call, Json, PlaidError, invalid_field, number
from sandbox.plaid.world import DEFAULT_DAYS, MAXIMUM_DAYS, Item, PlaidWorld

# The older taxonomy's names of the categories that the newer one renamed or divided (Plaid's published table).
V1_CATEGORIES = {
    "INCOME_SALARY": "INCOME_WAGES",
    "INCOME_OTHER": "INCOME_OTHER_INCOME",
    "INCOME_CHILD_SUPPORT": "INCOME_OTHER_INCOME",
    "INCOME_GIG_ECONOMY": "INCOME_OTHER_INCOME",
    "INCOME_RENTAL": "INCOME_OTHER_INCOME",
}

STATUSES = {
    "not_ready": "NOT_READY",
    "initial": "INITIAL_UPDATE_COMPLETE",
    "complete": "HISTORICAL_UPDATE_COMPLETE",
}

Change = tuple[Literal["added", "modified", "removed"], Json]


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`: events already seen. Within a pass: `upto` events are covered, `offset` changes were sent.

    `told`: the day from which rows have been told (empty: all of the Item's history); within a pass `until` is
    the same for the pass.
    """

    item: str
    since: int
    upto: int = 0
    offset: int = 0
    told: str = ""
    until: str = ""

    def encode(self) -> str:
        """The opaque text a client keeps."""
        return base64.b64encode(json.dumps(asdict(self), separators=(",", ":")).encode()).decode()


def sync_transactions(world: PlaidWorld, call: Call) -> Json:
    """`/transactions/sync`; pages of `count` (1 to 500, default 100)."""
    options = call.options()
    count = number(call.body, "count", 100, 1, 500)
    days = number(options, "days_requested", DEFAULT_DAYS, 1, MAXIMUM_DAYS)
    item, login = world.open_item(call, "transactions")
    if item.first_day is None:
        item = world.initialise_transactions(item, days)
        world.save(item)
    feed = login.feed(world.now())
    if item.history == "not_ready":
        return _page(world, item, login, [], options, "", more=False)
    cursor = _read(call, item, len(feed))
    upto = len(feed)
    until = "" if item.history == "complete" else item.told_from()
    if cursor.offset and (
        (upto, until) != (cursor.upto, cursor.until)
        or world.faults.take(call.path, ["mutation_during_pagination"])
    ):
        raise PlaidError(
            "TRANSACTIONS_ERROR",
            "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
            "Underlying transaction data changed since last page was fetched."
            " Please restart pagination from last update.",
        )
    changes = _changes(world, item, options, feed, cursor, until)
    end = cursor.offset + count
    more = end < len(changes)
    following = Cursor(item.item_id, upto, told=until)
    if more:
        following = replace(cursor, upto=upto, offset=end, until=until)
    page = changes[cursor.offset : end]
    return _page(world, item, login, page, options, following.encode(), more=more)


def _page(
    world: PlaidWorld, item: Item, login: Login, page: list[Change], options: Json, cursor: str, *, more: bool
) -> Json:
    return {
        "accounts": [
            each.describe(world.now())
            for each in login.accounts
            if isinstance(each, BankAccount) and each.account_id not in item.hidden
        ],
        "added": [_row(row, options) for kind, row in page if kind == "added"],
        "modified": [_row(row, options) for kind, row in page if kind == "modified"],
        "removed": [
            {"transaction_id": row["transaction_id"], "account_id": row["account_id"]}
            for kind, row in page
            if kind == "removed"
        ],
        "next_cursor": cursor,
        "has_more": more,
        "transactions_update_status": STATUSES[item.history],
    }


def _changes(
    world: PlaidWorld, item: Item, options: Json, feed: list[Event], cursor: Cursor, until: str
) -> list[Change]:
    """What this client is told of the feed since its cursor; worked out once for all pages of a pass.

    Where more of the past has come in since, the rows between `until` and what had been told are added.
    """
    this = (repr(item), repr(options.get("account_id")), cursor.since, cursor.told, until, len(feed))
    if this not in world.passes:
        world.passes.clear()
        first = until or item.first_day or ""
        told = (cursor.told or item.first_day or "") if cursor.since else first
        found = _selected(net_changes(feed, cursor.since, len(feed)), item, told, options)
        if first < told:
            past = _selected(net_changes(feed, 0, len(feed)), item, first, options)
            found = [change for change in past if change[1]["date"] < told] + found
        world.passes[this] = found
    return world.passes[this]


def net_changes(feed: list[Event], since: int, upto: int) -> list[Change]:
    """What a client that has seen `since` events must be told in order to have seen `upto`.

    A row that came and went in between is not mentioned; one that came and was modified is added as it is now.
    """
    known = {event.row["transaction_id"] for event in _alive(feed[:since])}
    before, news = known, feed[since:upto]
    last: dict[str, Event] = {}
    for event in news:
        transaction_id = event.row["transaction_id"]
        last.pop(transaction_id, None)
        last[transaction_id] = event
    changes: list[Change] = []
    for transaction_id, event in last.items():
        if event.kind == "removed":
            if transaction_id in before:
                changes.append(("removed", event.row))
        else:
            changes.append(("modified" if transaction_id in before else "added", event.row))
    return changes


def _alive(feed: list[Event]) -> list[Event]:
    last: dict[str, Event] = {}
    for event in feed:
        last[event.row["transaction_id"]] = event
    return [event for event in last.values() if event.kind != "removed"]


def _selected(changes: list[Change], item: Item, first_day: str, options: Json) -> list[Change]:
    """Those from `first_day` on in listed accounts, and of `options.account_id` when one is given."""
    account_id = options.get("account_id")
    return [
        (kind, row)
        for kind, row in changes
        if row["date"] >= first_day
        and account_id in (None, row["account_id"])
        and row["account_id"] not in item.hidden
    ]


def _read(call: Call, item: Item, length: int) -> Cursor:
    """The cursor of a request. Raises PlaidError when it was not given out for this Item."""
    text = call.body.get("cursor")
    if text in (None, ""):
        return Cursor(item.item_id, 0)
    if text == "now":
        return Cursor(item.item_id, length)
    try:
        cursor = Cursor(**json.loads(base64.b64decode(text, validate=True)))
    except (ValueError, TypeError):
        raise invalid_field("cursor is not valid") from None
    if cursor.item != item.item_id or cursor.since > length:
        raise invalid_field("cursor not associated with access_token")
    return cursor


def _row(row: Json, options: Json) -> Json:
    """A row as this client asked for it: with or without the raw text, in either category version."""
    answered = dict(row)
    if not options.get("include_original_description"):
        answered["original_description"] = None
    category = row["personal_finance_category"]
    if options.get("personal_finance_category_version") == "v1" and category is not None:
        detailed = V1_CATEGORIES.get(category["detailed"], category["detailed"])
        answered["personal_finance_category"] = {**category, "detailed": detailed, "version": "v1"}
    return answered
