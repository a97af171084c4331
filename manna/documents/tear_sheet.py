"""A tear sheet as a page and on paper: one set of pictures and tables for both.

What belongs here: what is drawn of a tear sheet and how it is said. What does not: its figures
(:mod:`manna.portfolio.tear_sheet`), geometry (:mod:`curves`, :mod:`charts`), or setting it on paper (:mod:`tear_sheet_paper`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from manna.documents import charts, curves
from manna.documents.curves import Points, rate
from manna.documents.numerals import FIGURE_SPACE, MINUS, amount, long_date, month_name, short_date
from manna.documents.page import render_own, render_page

Document = dict[str, Any]
_STYLE = Path(__file__).parent / "templates" / "tear_sheet.css"
_MOST_BARS = 10
WIDE = 1000


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture: ``kind`` names the template's macro; ``description`` is for who cannot see it."""

    anchor: str
    kind: str
    title: str
    subtitle: str
    description: str
    chart: Any
    wide: bool = False
    legend: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    data: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """A small table: text alone; what begins with a minus is negative. ``strong`` rows are sums."""

    title: str
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a tear sheet shows, in order."""

    name: str
    heading: str
    month: str
    facts: tuple[tuple[str, str], ...]
    hero: tuple[str, str, str]
    tiles: tuple[tuple[str, str, str], ...]
    drawings: tuple[Drawing, ...]
    listings: tuple[Listing, ...]
    notes: tuple[str, ...]


def sheet(document: Document) -> Sheet:
    """What is shown of ``manna.portfolio.tear_sheet.tear_sheet``."""
    until, period = _day(document["until"]), _day(document["period"])
    names = ", ".join(f"{symbol} {rate(weight, 0)}" for symbol, weight in document["benchmark"].items())
    drawn = (_growth, _months, _fall, _volatility, _sharpe, _classes, _holdings, _contributions, _attribution)
    return Sheet(
        name=document["name"],
        heading=f"{document['name']}: tear sheet, {month_name(period)}",
        month=month_name(period),
        facts=(
            ("Figures to", long_date(until)),
            ("Measured since", long_date(_day(document["since"]))),
            ("Benchmark", names or "none"),
            ("Currency", document["currency"]),
        ),
        hero=_hero(document),
        tiles=_tiles(document),
        drawings=tuple(drawing for draw in drawn if (drawing := draw(document)) is not None),
        listings=tuple(found for found in (*_listings(document),) if found.rows),
        notes=tuple(_note(note, until) for note in document["notes"]),
    )


def tear_sheet_page(document: Document) -> str:
    """The tear sheet as an HTML document, complete in itself."""
    return render_own("tear_sheet.html.j2", style(), sheet=sheet(document), book=document["book"])


def picture(drawing: Drawing, colours: str) -> str:
    """One drawing as an SVG document, in the colours of ``colours`` (a style sheet without variables)."""
    return render_page("drawing.svg.j2", drawing=drawing, colours=colours)


@cache
def style() -> str:
    """What is a tear sheet's own, beyond the style of every page."""
    return _STYLE.read_text(encoding="utf-8")


def _hero(document: Document) -> tuple[str, str, str]:
    currency, parts = document["currency"], document["parts"]["month"]
    closing, flows = Decimal(parts["closing"]), Decimal(parts["flows"])
    earned = closing - Decimal(parts["opening"]) - flows
    return (
        f"Value on {short_date(_day(document['until']))}",
        f"{amount(closing, currency)}",
        f"earned {amount(earned, currency, signed=True)}, put in {amount(flows, currency, signed=True)} this month",
    )


def _tiles(document: Document) -> tuple[tuple[str, str, str], ...]:
    found = {row["span"]: row for row in document["returns"]}
    own = document["risk"]["book"]
    names = {"Month": "Month", "Year to date": "Year to date", "A year, since the beginning": "Per year"}
    tiles = [
        (said, rate(found[name]["return"], signed=True), _beside(found[name]["benchmark"]))
        for name, said in names.items()
        if name in found
    ]
    if len(tiles) < 3:
        whole = found["Since the beginning"]
        tiles.append(("Since the beginning", rate(whole["return"], signed=True), _beside(whole["benchmark"])))
    fall = document["curve"]["fall"]
    said = _between(_day(fall["peak"]), _day(fall["trough"])) if fall else "no fall yet"
    theirs = document["risk"]["benchmark"]
    return (
        *tiles,
        (
            "Volatility",
            rate(own.get("volatility")),
            f"benchmark {rate(theirs['volatility'])}" if theirs else "",
        ),
        ("Deepest fall", rate(fall["depth"] if fall else 0.0), said),
        ("Sharpe", _plain(own.get("sharpe")), f"benchmark {_plain(theirs.get('sharpe'))}" if theirs else ""),
    )


def _between(first: date, last: date) -> str:
    """``13 Aug to 6 Nov 2026``: a year that is the same is said once."""
    begin = short_date(first)
    return f"{begin.rpartition(' ')[0] if first.year == last.year else begin} to {short_date(last)}"


def _beside(benchmark: float | None) -> str:
    return "" if benchmark is None else f"benchmark {rate(benchmark, signed=True)}"


def _growth(document: Document) -> Drawing | None:
    curve, days = document["curve"], [_day(text) for text in document["curve"]["days"]]
    own = _points(days, [value - 1 for value in curve["growth"]])
    theirs = _points(days, [value - 1 for value in curve["benchmark"] or []]) if curve["benchmark"] else []
    chart = curves.curves([own, theirs], width=WIDE, height=250)
    if chart is None:
        return None
    said = f"ends at {rate(own[-1][1], signed=True)}" + (
        f", the benchmark at {rate(theirs[-1][1], signed=True)}" if theirs else ""
    )
    return Drawing(
        "growth", "curves", "Return since the beginning", "time-weighted: what was put in or taken out is not in it",
        f"From {long_date(days[0])} to {long_date(days[-1])}: {said}.", chart, wide=True,
        legend=("Investments", "Benchmark") if theirs else ("Investments",),
    )  # fmt: skip


def _fall(document: Document) -> Drawing | None:
    days = [_day(text) for text in document["curve"]["days"]]
    chart = curves.curves([_points(days, document["curve"]["drawdown"])], width=WIDE, height=160, filled=True)
    fall = document["curve"]["fall"]
    if chart is None:
        return None
    said = "It never fell."
    if fall:
        back = (
            f"recovered on {long_date(_day(fall['recovered']))}" if fall["recovered"] else "not recovered yet"
        )
        said = f"{rate(fall['depth'])}, {long_date(_day(fall['peak']))} to {long_date(_day(fall['trough']))}, {back}."
    return Drawing(
        "drawdown",
        "area",
        "Below its highest",
        f"the deepest fall: {said}".rstrip("."),
        said,
        chart,
        wide=True,
    )


def _months(document: Document) -> Drawing | None:
    years = [(row["year"], row["months"], row["whole"]) for row in document["months"]]
    chart = curves.heat_map(years, width=WIDE)
    if chart is None:
        return None
    said = "; ".join(f"{year}: {rate(whole, signed=True)}" for year, _, whole in years)
    return Drawing("months", "heat", "Month by month", "time-weighted", said, chart, wide=True)


def _volatility(document: Document) -> Drawing | None:
    return _rolling(
        document, "volatility", "Volatility", "a year, over the last 63 market days", percent=True
    )


def _sharpe(document: Document) -> Drawing | None:
    return _rolling(document, "sharpe", "Sharpe ratio", "over the last 63 market days", percent=False)


def _rolling(document: Document, name: str, title: str, subtitle: str, *, percent: bool) -> Drawing | None:
    days = [_day(text) for text in document["rolling"]["days"]]
    points = _points(days, document["rolling"][name])
    chart = curves.curves([points], height=210, percent=percent)
    if chart is None:
        return None
    last = points[-1][1]
    said = f"Now {rate(last) if percent else _plain(last)}; between {len(points)} points from {long_date(days[0])} on."
    return Drawing(name, "curves", title, subtitle, said, chart)


def _classes(document: Document) -> Drawing | None:
    return _bars(
        "classes",
        "What the investments are",
        "by class, at market",
        _weights(document["classes"], document["currency"]),
    )


def _holdings(document: Document) -> Drawing | None:
    rows = _weights(document["holdings"], document["currency"])
    subtitle = f"the largest {_MOST_BARS}, at market" if len(rows) > _MOST_BARS else "at market"
    return _bars("holdings", "Holdings", subtitle, rows[:_MOST_BARS])


def _weights(rows: Sequence[Document], currency: str) -> list[charts.RankedRow]:
    shares = [rate(row["weight"]) for row in rows]
    widest = max(map(len, shares), default=0)
    return [
        (_called(row["name"]), Decimal(row["value"]),
         f"{amount(Decimal(row['value']), currency)}  {share.rjust(widest, FIGURE_SPACE)}", None)
        for row, share in zip(rows, shares, strict=True)
    ]  # fmt: skip


def _contributions(document: Document) -> Drawing | None:
    rows: list[charts.RankedRow] = [
        (
            _called(row["name"]),
            Decimal(str(row["contribution"])),
            rate(row["contribution"], 2, signed=True),
            None,
        )
        for row in document["contributions"]["rows"][:_MOST_BARS]
    ]
    since = short_date(_day(document["contributions"]["since"]))
    return _bars(
        "contributions",
        "Where the return came from",
        f"parts of it since {since}, days linked by Cariño",
        rows,
    )


def _attribution(document: Document) -> Drawing | None:
    """What the choice of classes, and what was held in each, made of the difference from the benchmark."""
    rows: list[charts.RankedRow] = []
    for row in document["attribution"]["rows"]:
        whole = sum(row[name] or 0.0 for name in ("allocation", "selection", "interaction"))
        rows.append((_called(row["class"]), Decimal(str(round(whole, 6))), rate(whole, 2, signed=True), None))
    since = short_date(_day(document["attribution"]["since"]))
    return _bars(
        "attribution",
        "Better or worse than the benchmark",
        f"by class since {since}, Brinson and Fachler",
        rows,
    )


def _bars(anchor: str, title: str, subtitle: str, rows: list[charts.RankedRow]) -> Drawing | None:
    chart = charts.ranked_chart(rows)
    if chart is None:
        return None
    return Drawing(
        anchor, "ranked", title, subtitle, "; ".join(f"{label}: {text}" for label, _, text, _ in rows), chart
    )


def _listings(document: Document) -> Sequence[Listing]:
    currency = document["currency"]
    return (_of_returns(document), _of_parts(document, currency), _of_risk(document), _of_stress(document),
            _of_accounts(document, currency), _of_holdings(document, currency), _of_attribution(document))  # fmt: skip


def _of_returns(document: Document) -> Listing:
    has = bool(document["benchmark"])
    rows = []
    for row in document["returns"]:
        both = row["return"] is not None and row["benchmark"] is not None
        more = row["return"] - row["benchmark"] if both else None
        beside = (rate(row["benchmark"], 2), rate(more, 2, signed=True)) if has else ()
        rows.append((row["span"], rate(row["return"], 2), *beside))
    header = ("", "Investments", "Benchmark", "Difference") if has else ("", "Investments")
    return Listing("Returns", "Time-weighted, but for the last.", header, tuple(rows))


_SAID = {
    "opening": "Value before", "flows": "Put in, less taken out", "income": "Dividends and interest", "fees": "Fees",
    "realized": "Realized gains", "unrealized": "Unrealized change", "currency_effect": "Exchange rates",
    "closing": "Value after",
}  # fmt: skip


def _of_parts(document: Document, currency: str) -> Listing:
    spans = document["parts"]
    rows = [
        (said, *(_signless(Decimal(parts[part]), currency) for parts in spans.values()))
        for part, said in _SAID.items()
        if part in ("opening", "closing") or any(Decimal(parts[part]) for parts in spans.values())
    ]
    return Listing(
        "What changed the value",
        currency,
        ("", "Month", "Year to date", "Since the beginning"),
        tuple(rows),
        (len(rows) - 1,),
    )


_RISKS = (
    ("volatility", "Volatility, a year", True), ("sharpe", "Sharpe ratio", False), ("sortino", "Sortino ratio", False),
    ("calmar", "Calmar ratio", False), ("max_drawdown", "Deepest fall", True), ("value_at_risk", "Value at risk, a day in 20", True),
    ("expected_shortfall", "Mean of those days", True), ("best_day", "Best day", True), ("worst_day", "Worst day", True),
    ("beta", "Beta", False), ("alpha", "Alpha, a year", True), ("correlation", "Correlation with the benchmark", False),
    ("tracking_error", "Tracking error", True), ("information_ratio", "Information ratio", False),
)  # fmt: skip


def _of_risk(document: Document) -> Listing:
    own, theirs = document["risk"]["book"], document["risk"]["benchmark"]
    rows = []
    for name, said, in_percent in _RISKS:
        if own.get(name) is None:
            continue
        beside = theirs.get(name)
        text = (lambda value: rate(value, 2)) if in_percent else _plain
        rows.append((said, text(own[name]), *(("" if beside is None else text(beside),) if theirs else ())))
    note = f"Of {document['risk']['days']} market days, 252 a year."
    return Listing(
        "Risk", note, ("", "Investments", "Benchmark") if theirs else ("", "Investments"), tuple(rows)
    )


def _of_stress(document: Document) -> Listing:
    worth = Decimal(document["parts"]["month"]["closing"])
    rows = [
        (
            row["scenario"],
            rate(row["return"]),
            amount(worth * Decimal(str(row["return"] or 0)), document["currency"]),
        )
        for row in document["stress"]
    ]
    return Listing(
        "If it happened now", "The book’s scenarios.", ("", "Return", document["currency"]), tuple(rows)
    )


def _of_accounts(document: Document, currency: str) -> Listing:
    rows = [
        (row["name"], amount(Decimal(row["value"]), currency), rate(row["month"]), rate(row["year_to_date"]),
         rate(row["whole"]), rate(row["money"]), short_date(_day(row["since"])))
        for row in document["accounts"]
    ]  # fmt: skip
    header = (
        "Account",
        currency,
        "Month",
        "Year to date",
        "Since the beginning",
        "Of the money",
        "Valued since",
    )
    return Listing("Accounts", "", header, tuple(rows))


def _of_holdings(document: Document, currency: str) -> Listing:
    rows = [
        (_called(row["name"]), amount(Decimal(row["value"]), currency), rate(row["weight"]), rate(row["month"]),
         rate(row["year_to_date"]), rate(row["whole"]), short_date(_day(row["since"])))
        for row in document["holdings"]
    ]  # fmt: skip
    header = ("Holding", currency, "Weight", "Month", "Year to date", "Since the beginning", "Valued since")
    return Listing("Holdings", "", header, tuple(rows))


def _of_attribution(document: Document) -> Listing:
    columns = (
        "weight",
        "benchmark_weight",
        "contribution",
        "benchmark_contribution",
        "allocation",
        "selection",
        "interaction",
    )
    rows = [
        (_called(row["class"]), *(rate(row[name], 2) for name in columns))
        for row in document["attribution"]["rows"]
    ]
    if rows:
        sums = [sum(row[name] or 0.0 for row in document["attribution"]["rows"]) for name in columns]
        rows.append(("Together", *(rate(value, 2) for value in sums)))
    since = long_date(_day(document["attribution"]["since"]))
    header = (
        "Class",
        "Weight",
        "Benchmark’s",
        "Contribution",
        "Benchmark’s",
        "Allocation",
        "Selection",
        "Interaction",
    )
    note = f"Since {since}: Brinson and Fachler by day, days linked by Cariño."
    return Listing("Attribution", note, header, tuple(rows), (len(rows) - 1,) if rows else ())


def _note(note: Document, until: date) -> str:
    day = long_date(_day(note["day"]))
    if note["kind"] == "broken":
        return f"The chain of returns is broken on {day}: {note['reason']}"
    count = "1 position" if note["positions"] == 1 else f"{note['positions']} positions"
    if note["kind"] == "stale":
        return f"{count} at a price more than a week old"
    if _day(note["day"]) == until:
        return f"{count} left out, for want of a price or of an exchange rate"
    return f"{count} left out until {day}, for want of a price or of an exchange rate, and then taken in as a flow"


def _points(days: Sequence[date], values: Sequence[float | None]) -> Points:
    return [(day, value) for day, value in zip(days, values, strict=True) if value is not None]


def _called(name: str) -> str:
    """Money is called that."""
    if name.startswith("CUR:"):
        return f"Cash, {name.removeprefix('CUR:')}"
    return name[:1].upper() + name[1:]


def _plain(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{MINUS if value < 0 else ''}{abs(value):.2f}"


def _signless(value: Decimal, currency: str) -> str:
    return amount(value, currency) if value else "\N{EN DASH}"


def _day(text: str) -> date:
    return date.fromisoformat(text)
