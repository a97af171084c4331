"""What Alpaca's market data mean: prices, market days, corporate actions.

Sources: Alpaca's OpenAPI documents. What belongs here: one reader per kind of record that belongs to no
account. What does not: typing and validation (``decoding``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import msgspec

from manna.cleaning.activities import NEW_YORK
from manna.cleaning.decoding import Payload

Row = Mapping[str, Any]
CLOSE = time(16)


@dataclass(frozen=True, slots=True)
class _Action:
    """Our kind of a corporate action, and the fields that say what it does; the rates are old : new."""

    kind: str
    symbol: str = "symbol"
    new_symbol: str | None = None
    rates: tuple[str | None, str] | None = None
    cash: str | None = None
    also: tuple[str, ...] = ()
    keeps: bool = False


ACTIONS = {
    "forward_splits": _Action("split", rates=("old_rate", "new_rate")),
    "reverse_splits": _Action("split", new_symbol="new_symbol", rates=("old_rate", "new_rate")),
    "unit_splits": _Action(
        "unit_split",
        "old_symbol",
        "new_symbol",
        ("old_rate", "new_rate"),
        also=("alternate_symbol", "alternate_rate"),
    ),
    "stock_dividends": _Action("stock_dividend", rates=(None, "rate"), keeps=True),
    "cash_dividends": _Action("dividend", cash="rate"),
    "spin_offs": _Action("spin_off", "source_symbol", "new_symbol", ("source_rate", "new_rate")),
    "rights_distributions": _Action("rights_distribution", "source_symbol", "new_symbol", (None, "rate")),
    "cash_mergers": _Action("cash_merger", "acquiree_symbol", cash="rate"),
    "stock_mergers": _Action(
        "stock_merger", "acquiree_symbol", "acquirer_symbol", ("acquiree_rate", "acquirer_rate")
    ),
    "stock_and_cash_mergers": _Action(
        "stock_and_cash_merger",
        "acquiree_symbol",
        "acquirer_symbol",
        ("acquiree_rate", "acquirer_rate"),
        cash="cash_rate",
    ),
    "reorganizations": _Action("reorganization", cash="cash_rate", also=("stock_movements",)),
    "redemptions": _Action("redemption", cash="rate"),
    "partial_calls": _Action("partial_call", cash="price"),
    "name_changes": _Action("name_change", "old_symbol", "new_symbol"),
    "worthless_removals": _Action("worthless_removal"),
}
"""By the group that Alpaca lists an action in, which is what its raw id begins with."""


def bar(payload: Payload, row: Row) -> dict[str, Any]:
    """``stock_bar``; its symbol and New York day are in the raw id."""
    symbol, _, day = row["source_id"].rpartition(":")
    return {
        "symbol": symbol,
        "date": day,
        "open": payload.get("o"),
        "high": payload.get("h"),
        "low": payload.get("l"),
        "close": payload.get("c"),
        "volume": payload.get("v"),
    }


def market_day(payload: Payload, row: Row) -> dict[str, Any]:
    """``legacy_calendar_day``: hours are New York's."""
    day = date.fromisoformat(payload["date"])
    opens, closes = (time.fromisoformat(payload[name]) for name in ("open", "close"))
    return {
        "date": day,
        "opens_at": _moment(day, opens),
        "closes_at": _moment(day, closes),
        "closes_early": closes < CLOSE,
        "settles_on": payload.get("settlement_date"),
    }


def _moment(day: date, hour: time) -> str:
    return datetime.combine(day, hour, NEW_YORK).astimezone(UTC).isoformat()


def corporate_action(payload: Payload, row: Row) -> dict[str, Any]:
    """Any of ``corporate_actions``; one of a group we do not know keeps its name, and is refused by it."""
    group = row["source_id"].partition(":")[0]
    shape = ACTIONS.get(group, _Action(group))
    also = {name: payload[name] for name in shape.also if payload.get(name)}
    return {
        "action_id": row["source_id"],
        "symbol": payload.get(shape.symbol),
        "kind": shape.kind,
        "ex_date": payload.get("ex_date") or payload.get("effective_date") or payload.get("process_date"),
        "payable_date": payload.get("payable_date"),
        # Empty when a reverse split keeps its ticker.
        "new_symbol": (payload.get(shape.new_symbol) or None) if shape.new_symbol else None,
        "ratio": _ratio(payload, shape),
        "cash": payload.get(shape.cash) if shape.cash else None,
        "also": msgspec.json.encode(also).decode() if also else None,
    }


def _ratio(payload: Payload, shape: _Action) -> Decimal | None:
    """Units after (or beside) per unit before."""
    if shape.rates is None:
        return None
    old, new = shape.rates
    ratio = Decimal(str(payload[new])) / (Decimal(str(payload[old])) if old else 1)
    return 1 + ratio if shape.keeps else ratio
