"""A tear sheet: how a book's investments have done up to the end of a month, as data that any page is made from.

What belongs here: choosing and computing what it says. What does not: drawing it (``manna.documents.tear_sheet``).

Rates are numbers (0.05 is five per cent), amounts text with their decimals, days ISO 8601: it is JSON as it stands.
"""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from manna.portfolio.contribution import contributed, explained
from manna.portfolio.history import History, Scope
from manna.portfolio.returns import per_year
from manna.portfolio.tear_sheet_risk import curve, number, risk_figures, rolling, stress

Document = dict[str, Any]
PARTS = ("opening", "flows", "income", "fees", "realized", "unrealized", "currency_effect", "closing")


def tear_sheet(
    history: History,
    period: date,
    names: Mapping[str, str],
    unvalued: Mapping[date, Sequence[str]] | None = None,
) -> Document | None:
    """The tear sheet of the month that begins on ``period``; None where nothing was valued yet.

    Args:
        history: of the book.
        period: a month's first day.
        names: what accounts and securities are called, by id.
        unvalued: securities that were held and had no value, by day.
    """
    end = period.replace(day=calendar.monthrange(period.year, period.month)[1])
    if end < history.days[0] or period > history.days[-1]:
        return None
    last = min(end, history.days[-1])
    book: Scope = ("book", history.book.id)
    days, series = history.of_series(book, last)
    return {
        "book": history.book.id,
        "name": history.book.name,
        "currency": history.book.currency,
        "period": period.isoformat(),
        "since": history.days[0].isoformat(),
        "until": last.isoformat(),
        "benchmark": {name: float(weight) for name, weight in history.book.performance.benchmark.items()},
        "parts": _parts(history, period, last),
        "returns": _returns(history, book, period, last),
        "risk": risk_figures(history, series, last),
        "curve": curve(history, days, series, last),
        "months": _months(history, book, last),
        "rolling": rolling(history, days),
        "holdings": _held(history, "holding", names, period, last),
        "classes": _held(history, "class", names, period, last),
        "accounts": _held(history, "account", names, period, last),
        "contributions": _contributions(history, names, period, last),
        "attribution": _attribution(history, last),
        "stress": stress(history, last),
        "notes": _notes(history, names, unvalued or {}, last),
    }


def _parts(history: History, period: date, last: date) -> Document:
    """What the change in value is made of: of the month, the year to date, and all."""
    book = history.book_until(last)
    found: Document = {}
    for name, first in (
        ("month", period),
        ("year to date", date(last.year, 1, 1)),
        ("since inception", date.min),
    ):
        some = book.filter(pl.col("date") >= first)
        sums = {part: some[part].sum() for part in PARTS[1:-1]}
        closing = some["closing"][-1] if some.height else Decimal(0)
        opening = some["opening"][0] if some.height else Decimal(0)
        found[name] = {
            part: f"{value:f}" for part, value in ({"opening": opening} | sums | {"closing": closing}).items()
        }
    return found


def _returns(history: History, book: Scope, period: date, last: date) -> list[Document]:
    """Of the usual spans; per year where they are longer than one."""
    quarter = period.replace(month=(period.month - 1) // 3 * 3 + 1)
    begin = history.days[0]
    spans = [
        ("Month", period),
        ("Quarter to date", quarter),
        ("Year to date", date(last.year, 1, 1)),
        ("Twelve months", last - timedelta(364)),
        ("Since the beginning", begin),
    ]
    found = []
    for name, first in spans:
        if first < begin and name == "Twelve months":
            continue
        own = history.returned(book, max(first, begin), last)
        theirs = history.benchmark_returned(max(first, begin), last)
        if name == "Since the beginning":
            found.append({"span": name, "return": number(own), "benchmark": number(theirs)})
            own, theirs = per_year(own, begin, last), per_year(theirs, begin, last)
            if own is not None:
                found.append(
                    {
                        "span": "A year, since the beginning",
                        "return": number(own),
                        "benchmark": number(theirs),
                    }
                )
            continue
        found.append({"span": name, "return": number(own), "benchmark": number(theirs)})
    money = history.earned_by_money(book, last)
    said = "Of the money, a year (XIRR)" if (last - begin).days >= 365 else "Of the money (XIRR)"
    return [*found, {"span": said, "return": number(money), "benchmark": None}]


def _months(history: History, book: Scope, last: date) -> list[Document]:
    """A year per row: its months' returns, null where there is none, and the year's."""
    found = []
    for year in range(history.days[0].year, last.year + 1):
        months: list[float | None] = []
        for month in range(1, 13):
            first = date(year, month, 1)
            end = first.replace(day=calendar.monthrange(year, month)[1])
            known = end >= history.days[0] and first <= last
            months.append(number(history.returned(book, first, min(end, last))) if known else None)
        whole = history.returned(book, date(year, 1, 1), min(date(year, 12, 31), last))
        found.append({"year": year, "months": months, "whole": number(whole)})
    return found


def _held(history: History, scope: str, names: Mapping[str, str], period: date, last: date) -> list[Document]:
    """What is held on the last day by value, with its returns."""
    held = history.on(last).filter(pl.col("scope") == scope, pl.col("closing") != 0)
    whole = float(held["closing"].sum() or 0)
    found = []
    for row in held.sort("closing", "name", descending=[True, False]).iter_rows(named=True):
        own: Scope = (scope, row["name"])
        began = history.began(own)
        whole_time = history.returned(own, began, last)
        found.append(
            {
                "id": row["name"],
                "name": names.get(row["name"], row["name"]),
                "value": f"{row['closing']:f}",
                "weight": number(float(row["closing"]) / whole) if whole > 0 else None,
                "since": began.isoformat(),
                "month": number(history.returned(own, max(period, began), last)),
                "year_to_date": number(history.returned(own, max(date(last.year, 1, 1), began), last)),
                "whole": number(whole_time),
                "a_year": number(per_year(whole_time, began, last)),
                "money": number(history.earned_by_money(own, last)) if scope == "account" else None,
            }
        )
    return found


def _contributions(history: History, names: Mapping[str, str], period: date, last: date) -> Document:
    """Which holdings the year's return came from, the largest first; of the month in January."""
    first = max(date(last.year, 1, 1), history.days[0])
    parts = contributed(history.by_holding.between(first, last))
    rows = sorted(((abs(value), names.get(name, name), value) for name, value in parts.items()), reverse=True)
    named = [{"name": name, "contribution": number(value)} for size, name, value in rows if size > 0]
    return {"since": first.isoformat(), "rows": named}


def _attribution(history: History, last: date) -> Document:
    """By class why the year so far was better or worse than the benchmark."""
    first = max(date(last.year, 1, 1), history.days[0])
    if history.mix_by_class is None:
        return {"since": first.isoformat(), "rows": []}
    rows = explained(history.by_class.between(first, last), history.mix_by_class)
    told = [
        {name: value if name == "class" else number(value) for name, value in row.items()} for row in rows
    ]
    return {
        "since": first.isoformat(),
        "rows": [row for row in told if any(v for k, v in row.items() if k != "class")],
    }


def _notes(
    history: History, names: Mapping[str, str], unvalued: Mapping[date, Sequence[str]], last: date
) -> list[Document]:
    """What a reader must know before using a figure: ``kind``, a day, and how many positions and which, or why."""
    book, found = history.book_until(last), list[Document]()
    left_out = book.filter(pl.col("unpriced") > 0)
    if left_out.height:
        until = max(left_out["date"])
        named = _called(unvalued.get(until, ()), names)
        found.append({"kind": "unpriced", "day": until.isoformat(), "positions": max(left_out["unpriced"]), "names": named})  # fmt: skip
    stale = int(book.filter(pl.col("date") == last)["stale"].sum())
    if stale:
        old = history.on(last).filter(pl.col("scope") == "holding", pl.col("stale") > 0)["name"]
        found.append({"kind": "stale", "day": last.isoformat(), "positions": stale, "names": _called(old, names)})  # fmt: skip
    broken = book.filter(pl.col("reason").is_not_null())
    if broken.height:
        found.append({"kind": "broken", "day": broken["date"][0].isoformat(), "reason": broken["reason"][0]})
    return found


def _called(securities: Iterable[str], names: Mapping[str, str]) -> list[str]:
    return sorted({names.get(name, name) for name in securities})
