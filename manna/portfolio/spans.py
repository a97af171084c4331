"""What each scope returned in months, quarters and years: days linked, and the internal rate of the money.

What belongs here: from ``portfolio.performance`` to ``portfolio.returns``. What does not: a day's return
(:mod:`performance`), or the search for internal rates (:mod:`returns`).
"""

from datetime import date, timedelta
from typing import Any

import polars as pl

from manna.contracts.performance import RETURNS
from manna.portfolio.performance import exact_return
from manna.portfolio.returns import Flow, per_year, roots

PARTS = ("flows", "income", "fees", "realized", "unrealized", "currency_effect")
_SCOPE = ["book", "scope", "name"]
_SPAN = [*_SCOPE, "span", "of"]
_DAY = timedelta(days=1)
_EVERY = {"month": "1mo", "quarter": "1q", "year": "1y"}
_MOST_RATE = 1e9


def span_returns(days: pl.DataFrame, since: date | None = None) -> pl.DataFrame:
    """``portfolio.returns`` of ``portfolio.performance``.

    A span is a calendar month, quarter or year that has begun, as far as the scope was valued in it; ``year to date``
    stands for the present year. The time-weighted return links the days' returns; one broken day breaks it. The
    money-weighted one is the rate at which opening value, flows and closing value are worth nothing together; of
    several rates, or none, none is chosen. Less than a year is not annualized.

    Args:
        days: of any number of books.
        since: leave out spans that ended before that day; null: none.
    """
    last = days["date"].max()
    if not isinstance(last, date):
        return RETURNS.empty()
    kinds = [
        days.with_columns(span=pl.lit(name), of=pl.col("date").dt.truncate(every))
        for name, every in _EVERY.items()
    ]
    this_year = pl.col("of") == date(last.year, 1, 1)
    kinds[-1] = kinds[-1].with_columns(span=pl.when(this_year).then(pl.lit("year to date")).otherwise("span"))
    kinds.append(days.with_columns(span=pl.lit("since inception"), of=pl.lit(days["date"].min())))
    rows = pl.concat(kinds)
    if since is not None:
        rows = rows.join(rows.filter(pl.col("date") >= since).select(_SPAN).unique(), on=_SPAN, how="semi")
    rows = rows.sort(*_SPAN, "date")
    rate = exact_return()
    moved = pl.col("flows") != 0
    spans = rows.group_by(_SPAN, maintain_order=True).agg(
        pl.col("currency").first(),
        since=pl.col("date").min(),
        until=pl.col("date").max(),
        opening=pl.col("opening").first(),
        closing=pl.col("closing").last(),
        **{name: pl.col(name).sum() for name in PARTS},
        linked=pl.when(rate.is_null().any()).then(None).otherwise((1 + rate).product() - 1),
        broken=pl.col("date").filter(pl.col("reason").is_not_null()).first(),
        reason=pl.col("reason").drop_nulls().first(),
        on=pl.col("date").filter(moved),
        moved=pl.col("flows").filter(moved).cast(pl.Float64),
    )
    found = [_rates(row) for row in spans.iter_rows(named=True)]
    names = ("time_weighted", "time_weighted_annual", "money_weighted", "money_weighted_annual", "note")
    told = pl.DataFrame(
        found, schema=dict.fromkeys(names[:-1], pl.Float64) | {"note": pl.String}, orient="row"
    )
    whole = spans.hstack(told).with_columns(pl.col(names[:-1]).round(8))
    return RETURNS.conform(whole.sort(*_SCOPE, "span", "since"))


def _rates(row: dict[str, Any]) -> tuple[float | None, float | None, float | None, float | None, str | None]:
    """Time-weighted, per year, money-weighted, per year, and what is to be said of them."""
    linked = _bounded(row["linked"])
    begin, opening = row["since"], float(row["opening"])
    paid = [Flow(day, -amount) for day, amount in zip(row["on"], row["moved"], strict=True)]
    if opening:
        begin -= _DAY
        paid.insert(0, Flow(begin, -opening))
    end, notes = row["until"], []
    if row["reason"]:
        notes.append(f"broken on {row['broken']}: {row['reason']}")
    solved = roots([*paid, Flow(end, float(row["closing"]))]) if end > begin else ()
    length = (end - begin).days
    whole = _bounded((1 + solved[0]) ** (length / 365) - 1) if len(solved) == 1 else None
    if len(solved) > 1:
        several = ", ".join(f"{rate:.4%}" for rate in solved)
        notes.append(f"several rates a year solve the money-weighted return: {several}")
    elif not solved and end > begin:
        notes.append("no rate solves the money-weighted return")
    annual = solved[0] if len(solved) == 1 and length >= 365 else None
    return linked, per_year(linked, begin, end), whole, _bounded(annual), "; ".join(notes) or None


def _bounded(rate: float | None) -> float | None:
    """A rate beyond all measure (next to nothing was at work) is none."""
    return rate if rate is not None and abs(rate) < _MOST_RATE else None


def renewed(spans: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """``spans`` of ``before``, as they are of ``after``: only those are made again that a day which differs touches.

    Args:
        spans: ``portfolio.returns`` of ``before``.
        before, after: two versions of ``portfolio.performance`` of one book.
    """
    since, last = first_difference(before, after), before["date"].max()
    if since is None:
        return spans
    if isinstance(last, date):  # what was the year to date may be a year by now
        since = min(since, date(last.year, 1, 1)) if since.year > last.year else since
    ended = spans.filter(pl.col("until") < since, pl.col("span") != "year to date")
    return pl.concat([ended, span_returns(after, since).join(ended, on=RETURNS.key, how="anti")])


def first_difference(before: pl.DataFrame, after: pl.DataFrame) -> date | None:
    """The first day on which two versions of ``portfolio.performance`` differ; null where they do not."""
    columns = before.columns
    differing = [
        before.join(after, on=columns, how="anti", nulls_equal=True),
        after.join(before, on=columns, how="anti", nulls_equal=True),
    ]
    first = pl.concat(differing)["date"].min()
    return first if isinstance(first, date) else None
