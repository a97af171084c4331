"""Splits and dividends as Alpaca's corporate actions endpoint tells them."""

import hashlib
from datetime import date, timedelta
from typing import Any

from sandbox.alpaca.wire import MALFORMED, NEW_YORK, AlpacaError, bound, identifier, symbols_of, whole
from sandbox.market import Dividend, Market, Split, next_market_day
from sandbox.state import Document

ANNOUNCED = timedelta(days=14)  # an action is known this long before its ex-date
_TYPES = frozenset(
    [
        "reverse_split",
        "forward_split",
        "unit_split",
        "cash_dividend",
        "stock_dividend",
        "spin_off",
        "cash_merger",
        "stock_merger",
        "stock_and_cash_merger",
        "redemption",
        "name_change",
        "worthless_removal",
        "rights_distribution",
        "partial_call",
        "reorganization",
    ]
)


def select_corporate_actions(market: Market, today: date, params: dict[str, str]) -> Document:
    """One page of the actions whose process date is in the interval, by process date.

    Raises AlpacaError (400) when a parameter makes no sense.
    """
    found = [
        action
        for symbol in (symbols_of(params) if params.get("symbols") else market.symbols)
        if symbol in market.symbols
        for action in _actions_of(market, symbol, today)
    ]
    found.sort(key=lambda action: (action[1]["process_date"], action[1]["symbol"], action[0]))
    if params.get("ids"):
        ids = params["ids"].split(",")
        found = [action for action in found if action[1]["id"] in ids]
    else:
        found = _in_interval(found, today, params)
    if params.get("sort", "asc") not in ("asc", "desc"):
        raise AlpacaError(400, MALFORMED, f"invalid sort: {params['sort']}")
    if params.get("sort") == "desc":
        found.reverse()
    return _page(found, params)


def _in_interval(
    found: list[tuple[str, dict[str, Any]]], today: date, params: dict[str, str]
) -> list[tuple[str, dict[str, Any]]]:
    types = set(params["types"].split(",")) if params.get("types") else set(_TYPES)
    if not types <= _TYPES:
        raise AlpacaError(400, MALFORMED, f"invalid types: {params['types']}")
    first, last = (_day(params[name]) if params.get(name) else today for name in ("start", "end"))
    if last < first:
        raise AlpacaError(400, MALFORMED, "end should not be before start")
    return [
        (group, action)
        for group, action in found
        if group.removesuffix("s") in types
        and first.isoformat() <= action["process_date"] <= last.isoformat()
    ]


def _day(text: str) -> date:
    """The day of YYYY-MM-DD, also when a time follows it."""
    return bound(text[:10], status=400).astimezone(NEW_YORK).date()


def _page(found: list[tuple[str, dict[str, Any]]], params: dict[str, str]) -> Document:
    limit = whole(params.get("limit", "100"), "limit", 1, 1000, 400)
    token = params.get("page_token")
    if token:
        ids = [action["id"] for _, action in found]
        if token not in ids:
            raise AlpacaError(400, MALFORMED, "invalid page_token")
        found = found[ids.index(token) + 1 :]
    groups: dict[str, list[dict[str, Any]]] = {}
    for group, action in found[:limit]:
        groups.setdefault(group, []).append(action)
    more = found[limit - 1][1]["id"] if len(found) > limit else None
    return {"corporate_actions": groups, "next_page_token": more}


def _actions_of(market: Market, symbol: str, today: date) -> list[tuple[str, dict[str, Any]]]:
    """Every action of a symbol that is known today, with the group it is listed in."""
    known = today + ANNOUNCED
    splits = [each for each in market.splits if each.symbol == symbol and each.ex_date <= known]
    dividends = market.dividends(symbol, market.first_day, known)
    return [
        *(("forward_splits", _forward_split(split)) for split in splits),
        *(("cash_dividends", _cash_dividend(dividend)) for dividend in dividends),
    ]


def _forward_split(split: Split) -> dict[str, Any]:
    return {
        "id": identifier("forward_split", split.symbol, split.ex_date),
        "symbol": split.symbol,
        "cusip": _cusip(split.symbol),
        "new_rate": split.new_rate,
        "old_rate": split.old_rate,
        "ex_date": split.ex_date.isoformat(),
        "record_date": (split.ex_date - timedelta(days=4)).isoformat(),
        "payable_date": (split.ex_date - timedelta(days=1)).isoformat(),
        "process_date": split.ex_date.isoformat(),
    }


def _cash_dividend(dividend: Dividend) -> dict[str, Any]:
    return {
        "id": identifier("cash_dividend", dividend.symbol, dividend.ex_date),
        "symbol": dividend.symbol,
        "cusip": _cusip(dividend.symbol),
        "rate": float(dividend.rate),
        "special": False,
        "foreign": False,
        "ex_date": dividend.ex_date.isoformat(),
        "record_date": next_market_day(dividend.ex_date).isoformat(),
        "payable_date": dividend.pay_date.isoformat(),
        "process_date": dividend.pay_date.isoformat(),
    }


def _cusip(symbol: str) -> str:
    """Nine characters in the place of a CUSIP, which are licensed."""
    return hashlib.sha256(symbol.encode()).hexdigest()[:9].upper()
