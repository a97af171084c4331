"""A tear sheet as a page and on paper: one set of figures, drawings and tables for both.

What belongs here: what stands on it, in order, and the page. What does not: its figures (:mod:`manna.portfolio.tear_sheet`),
or setting it on paper (:mod:`tear_sheet_paper`).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from manna.documents.curves import rate
from manna.documents.numerals import amount, long_date, month_name, short_date
from manna.documents.page import render_own, render_page
from manna.documents.tear_sheet_drawings import Drawing, drawings
from manna.documents.tear_sheet_tables import Listing, listings
from manna.documents.tear_sheet_words import Document, called, day_of, plain

_STYLE = Path(__file__).parent / "templates" / "tear_sheet.css"


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
    until, period = day_of(document["until"]), day_of(document["period"])
    names = ", ".join(f"{symbol} {rate(weight, 0)}" for symbol, weight in document["benchmark"].items())
    return Sheet(
        name=document["name"],
        heading=f"{document['name']}: tear sheet, {month_name(period)}",
        month=month_name(period),
        facts=(
            ("Figures to", long_date(until)),
            ("Measured since", long_date(day_of(document["since"]))),
            ("Benchmark", names or "none"),
            ("Currency", document["currency"]),
        ),
        hero=_hero(document),
        tiles=_tiles(document),
        drawings=drawings(document),
        listings=listings(document),
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
        f"Value on {short_date(day_of(document['until']))}",
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
    said = _between(day_of(fall["peak"]), day_of(fall["trough"])) if fall else "no fall yet"
    theirs = document["risk"]["benchmark"]
    return (
        *tiles,
        (
            "Volatility",
            rate(own.get("volatility")),
            f"benchmark {rate(theirs['volatility'])}" if theirs else "",
        ),
        ("Deepest fall", rate(fall["depth"] if fall else 0.0), said),
        ("Sharpe", plain(own.get("sharpe")), f"benchmark {plain(theirs.get('sharpe'))}" if theirs else ""),
    )


def _between(first: date, last: date) -> str:
    """``13 Aug to 6 Nov 2026``: a year that is the same is said once."""
    begin = short_date(first)
    return f"{begin.rpartition(' ')[0] if first.year == last.year else begin} to {short_date(last)}"


def _beside(benchmark: float | None) -> str:
    return "" if benchmark is None else f"benchmark {rate(benchmark, signed=True)}"


def _note(note: Document, until: date) -> str:
    day = long_date(day_of(note["day"]))
    if note["kind"] == "broken":
        return f"The chain of returns is broken on {day}: {note['reason']}"
    count = "1 position" if note["positions"] == 1 else f"{note['positions']} positions"
    named = note.get("names", ())
    which = f": {', '.join(map(called, named))}" if named else ""
    if note["kind"] == "stale":
        return f"{count} at a price more than a week old{which}"
    if day_of(note["day"]) == until:
        return f"{count} left out, for want of a price or of an exchange rate{which}"
    return f"{count} left out until {day}, for want of a price or of an exchange rate, and then taken in as a flow{which}"
