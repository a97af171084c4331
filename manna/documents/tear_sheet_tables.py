"""The tables of a tear sheet: text alone, as its page, its paper and the terminal set it.

What belongs here: rows and their headings. What does not: drawings (:mod:`tear_sheet_drawings`).
"""

from dataclasses import dataclass
from decimal import Decimal

from manna.documents.curves import rate
from manna.documents.numerals import amount, long_date, short_date
from manna.documents.tear_sheet_words import Document, called, day_of, plain


@dataclass(frozen=True, slots=True)
class Listing:
    """A small table: text alone; what begins with a minus is negative. ``strong`` rows are sums."""

    title: str
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: tuple[int, ...] = ()


def listings(document: Document) -> tuple[Listing, ...]:
    """Those that have rows, in order."""
    currency = document["currency"]
    every = (
        _of_returns(document), _of_parts(document, currency), _of_risk(document), _of_stress(document),
        _of_accounts(document, currency), _of_holdings(document, currency), _of_attribution(document),
    )  # fmt: skip
    return tuple(listing for listing in every if listing.rows)


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
        text = (lambda value: rate(value, 2)) if in_percent else plain
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
         rate(row["whole"]), rate(row["money"]), short_date(day_of(row["since"])))
        for row in document["accounts"]
    ]  # fmt: skip
    header = ("Account", currency, "Month", "Year to date", "All time", "Of the money", "Since")
    return Listing("Accounts", "", header, tuple(rows))


def _of_holdings(document: Document, currency: str) -> Listing:
    rows = [
        (called(row["name"]), amount(Decimal(row["value"]), currency), rate(row["weight"]), rate(row["month"]),
         rate(row["year_to_date"]), rate(row["whole"]), short_date(day_of(row["since"])))
        for row in document["holdings"]
    ]  # fmt: skip
    header = ("Holding", currency, "Weight", "Month", "Year to date", "All time", "Since")
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
        (called(row["class"]), *(rate(row[name], 2) for name in columns))
        for row in document["attribution"]["rows"]
    ]
    if rows:
        sums = [sum(row[name] or 0.0 for row in document["attribution"]["rows"]) for name in columns]
        rows.append(("Together", *(rate(value, 2) for value in sums)))
    since = long_date(day_of(document["attribution"]["since"]))
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


def _signless(value: Decimal, currency: str) -> str:
    return amount(value, currency) if value else "\N{EN DASH}"
