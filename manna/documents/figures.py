"""The page's figures: each a chart with its heading, its words for who cannot see it, and its numbers.

What belongs here: choosing what is drawn and saying what it shows. What does not: geometry (see
:mod:`manna.documents.charts`) and reading figures off statements (:mod:`manna.documents.keyfigures`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from manna.documents import charts, keyfigures
from manna.documents.curves import Curves
from manna.documents.numerals import FIGURE_SPACE, amount, long_date, month_name, percent

FEWEST_MONTHS = 3
"""Income against expenses is drawn from three months on; fewer stand in the income statement anyway."""

Chart = charts.LineChart | charts.ColumnChart | charts.RankedChart | Curves


@dataclass(frozen=True, slots=True)
class Figure:
    """``kind`` names the template's macro; ``header`` and ``data`` are the chart's numbers as text.

    ``legend`` names the series in order; ``label`` is written at the last point of a line.
    """

    anchor: str
    kind: str
    title: str
    subtitle: str
    description: str
    chart: Chart | None
    header: tuple[str, ...]
    data: tuple[tuple[str, ...], ...]
    legend: tuple[str, ...] = ()
    label: str = ""


def figures(statements: dict[str, pl.DataFrame], period: date, currencies: list[str]) -> list[Figure]:
    """Every figure of the page, by currency; one without data says so instead of vanishing."""
    drawn = []
    for currency in currencies:
        found = (_net_worth, _income, _expenses, _allocation)
        drawn += [figure for make in found if (figure := make(statements, period, currency)) is not None]
    return drawn


def _net_worth(statements: dict[str, pl.DataFrame], period: date, currency: str) -> Figure:
    points = keyfigures.net_worth_points(statements.get("net_worth"), period, currency)
    chart = charts.line_chart(points)
    cut = "" if chart is None or chart.from_zero else "; the scale does not begin at zero"
    description = "There is nothing to draw yet."
    if points:
        lowest, highest = min(points, key=lambda p: p[1]), max(points, key=lambda p: p[1])
        description = (
            f"Line through {len(points)} month ends, {long_date(points[0][0])} to {long_date(points[-1][0])}: "
            f"first {amount(points[0][1], currency)}, last {amount(points[-1][1], currency)}, "
            f"lowest {amount(lowest[1], currency)} on {long_date(lowest[0])}, "
            f"highest {amount(highest[1], currency)} on {long_date(highest[0])} {currency}."
        )
    return Figure(
        anchor=f"net-worth-{currency}",
        kind="line",
        title="Net worth",
        subtitle=f"{currency}, month ends{cut}",
        description=description,
        chart=chart,
        header=("As of", "Net worth"),
        data=tuple((long_date(day), amount(value, currency)) for day, value in points),
        label=amount(points[-1][1], currency) if points else "",
    )


def _income(statements: dict[str, pl.DataFrame], period: date, currency: str) -> Figure | None:
    months = keyfigures.income_by_month(statements.get("income_statement"), period, currency)
    if len(months) < FEWEST_MONTHS:
        return None
    names = ("Income", "Expenses")
    series = [[income for _, income, _ in months], [expenses for _, _, expenses in months]]
    titles = [
        [f"{name}, {month_name(months[m][0])}: {amount(value, currency)}" for m, value in enumerate(values)]
        for name, values in zip(names, series, strict=True)
    ]
    ahead = sum(income >= expenses for _, income, expenses in months)
    return Figure(
        anchor=f"income-{currency}",
        kind="columns",
        title="Income and expenses",
        subtitle=f"{currency}, by month",
        description=f"Two bars a month over {len(months)} months, {month_name(months[0][0])} to "
        f"{month_name(months[-1][0])}; income covered expenses in {ahead} of them.",
        chart=charts.column_chart([month for month, _, _ in months], series, titles),
        header=("Month", *names),
        data=tuple((month_name(m), amount(i, currency), amount(e, currency)) for m, i, e in months),
        legend=names,
    )


def _expenses(statements: dict[str, pl.DataFrame], period: date, currency: str) -> Figure:
    top = keyfigures.top_expenses(statements.get("income_statement"), period, currency)
    return _ranked(
        anchor=f"expenses-{currency}",
        title="Where the money went",
        subtitle=f"{currency}, {month_name(period)}",
        empty="No expenses this month.",
        rows=[(name, month, amount(month, currency), before) for name, month, before in top],
        header=("Category", "This month", "Month before"),
        last=lambda before: amount(before, currency),
        legend=("This month", "Month before"),
    )


def _allocation(statements: dict[str, pl.DataFrame], period: date, currency: str) -> Figure:
    top = keyfigures.top_holdings(statements.get("allocation"), period, currency)
    weights = [percent(weight) for _, _, weight in top]
    widest = max(map(len, weights), default=0)
    texts = [
        f"{amount(value, currency)}  {weight.rjust(widest, FIGURE_SPACE)}"
        for (_, value, _), weight in zip(top, weights, strict=True)
    ]
    return _ranked(
        anchor=f"allocation-{currency}",
        title="What the investments are",
        subtitle=f"{currency}, at market",
        empty="No investments.",
        rows=[(name, value, text, None) for (name, value, _), text in zip(top, texts, strict=True)],
        header=("Holding", "Value and weight"),
    )


def _ranked(
    *,
    anchor: str,
    title: str,
    subtitle: str,
    empty: str,
    rows: list[charts.RankedRow],
    header: tuple[str, ...],
    last: Callable[..., str] | None = None,
    legend: tuple[str, ...] = (),
) -> Figure:
    """Lying bars with what they say; ``last`` writes the value compared with."""
    data = tuple((name, text, *(() if last is None else (last(mark),))) for name, _, text, mark in rows)
    listed = "; ".join(f"{name} {text}" for name, _, text, _ in rows)
    return Figure(
        anchor=anchor,
        kind="ranked",
        title=title,
        subtitle=subtitle,
        description=f"Bars, largest first: {listed}." if rows else empty,
        chart=charts.ranked_chart(rows),
        header=header,
        data=data,
        legend=legend,
    )
