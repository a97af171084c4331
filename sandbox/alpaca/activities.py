"""Which account activities a client asked for, and which page of them."""

from datetime import date, datetime, timedelta

from sandbox.alpaca.book import Activity
from sandbox.alpaca.wire import MALFORMED, NEW_YORK, AlpacaError, bound, new_york, whole
from sandbox.state import Document

# What Alpaca lets a client ask for by one name. TRANS is both directions of cash, DIV every kind of dividend.
_GROUPS = {"TRANS": {"CSD", "CSW"}}
KINDS = frozenset(
    [
        "ACATC",
        "ACATS",
        "CFEE",
        "CGD",
        "CSD",
        "CSW",
        "DIV",
        "DIVCGL",
        "DIVCGS",
        "DIVFEE",
        "DIVFT",
        "DIVNRA",
        "DIVROC",
        "DIVTW",
        "DIVTXEX",
        "FEE",
        "FILL",
        "FOPT",
        "INT",
        "INTNRA",
        "INTTW",
        "JNL",
        "JNLC",
        "JNLS",
        "MA",
        "MISC",
        "NC",
        "OCT",
        "OPASN",
        "OPCA",
        "OPCSH",
        "OPEXC",
        "OPEXP",
        "OPTRD",
        "PTC",
        "PTR",
        "REORG",
        "SPIN",
        "SPLIT",
    ]
)
_TRADES = frozenset({"FILL"})


def select_activities(activities: list[Activity], params: dict[str, str]) -> list[Document]:
    """The documents of one page. `activities` are in order of time; `params` are the request's.

    Raises AlpacaError (422) when a parameter makes no sense.
    """
    direction = params.get("direction", "desc")
    if direction not in ("asc", "desc"):
        raise AlpacaError(422, MALFORMED, f"invalid direction: {direction}")
    kinds = _kinds(params)
    first, last = _span(params)
    found = [
        activity.document
        for activity in activities
        if activity.document["activity_type"] in kinds
        and (first is None or activity.at > first)
        and (last is None or activity.at < last)
        and params.get("order_id") in (None, "", activity.document.get("order_id"))
    ]
    if direction == "desc":
        found.reverse()
    token = params.get("page_token")
    if token:
        ids = [document["id"] for document in found]
        if token not in ids:
            raise AlpacaError(422, MALFORMED, f"invalid page_token: {token}")
        found = found[ids.index(token) + 1 :]
    return found[: whole(params.get("page_size", "100"), "page_size", 1, 100)]


def _kinds(params: dict[str, str]) -> set[str]:
    asked = params.get("activity_type") or params.get("activity_types") or ""
    category = params.get("category")
    if category and asked:
        raise AlpacaError(422, MALFORMED, "category cannot be used with activity_types")
    if category:
        if category not in ("trade_activity", "non_trade_activity"):
            raise AlpacaError(422, MALFORMED, f"invalid category: {category}")
        return set(_TRADES) if category == "trade_activity" else set(KINDS - _TRADES)
    if not asked:
        return set(KINDS)
    found: set[str] = set()
    for kind in asked.split(","):
        if kind not in KINDS and kind not in _GROUPS:
            raise AlpacaError(422, MALFORMED, f"invalid activity type: {kind}")
        found |= _GROUPS.get(kind, {kind})
    return found


def _span(params: dict[str, str]) -> tuple[datetime | None, datetime | None]:
    """The instants between which (exclusive) an activity must have come to be."""
    if params.get("date"):
        day: date = bound(params["date"]).astimezone(NEW_YORK).date()
        begin = new_york(day, 0) - timedelta(microseconds=1)
        return begin, new_york(day + timedelta(days=1), 0)
    after = bound(params["after"]) if params.get("after") else None
    until = bound(params["until"]) if params.get("until") else None
    return after, until
