"""`manna returns` and `manna risk`: performance and risk of any file.

What belongs here: these commands. What does not: the formulas (``manna.portfolio``).
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.asked import UsageError, csv_rows, require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, out


@app.command()
def returns(
    flows: Annotated[
        Path, typer.Argument(help="a CSV file: date, flow (put in positive), value (at the day's end)")
    ],
    timing: Annotated[str, typer.Option(help="flows move at the start or the end of their day")] = "end",
    output: FormatOption = "table",
) -> None:
    """What a portfolio earned: time-weighted, Modified Dietz and money-weighted (XIRR).

    Of less than a year nothing is said per year. Where no rate or several rates solve XIRR, all are named and none is chosen;
    where nothing was there to earn on, the chain is broken and says so.

    Example: `manna returns flows.csv --timing start --format json`
    """
    from manna.portfolio.series_file import SeriesFileError, read_flows, returns_table
    from pipelines.rendering import render

    require_format(output)
    require_one_of("timing", [timing], ("start", "end"))
    when: Literal["start", "end"] = "start" if timing == "start" else "end"
    rows, columns = csv_rows(flows)
    try:
        table = returns_table(read_flows(rows, columns), when)
    except SeriesFileError as error:
        raise UsageError(f"{flows}: {error}") from None
    render(table, output, title="Returns", console=out)  # type: ignore[arg-type]


@app.command()
def risk(
    series: Annotated[Path, typer.Argument(help="a CSV file: date, and a column of returns per series")],
    benchmark: Annotated[str | None, typer.Option(help="the column to measure the others by")] = None,
    per_year: Annotated[float, typer.Option(help="periods of a year: 252, 52, 12")] = 252,
    risk_free: Annotated[float, typer.Option(help="riskless rate per year, 0.02 for two per cent")] = 0.0,
    tail: Annotated[float, typer.Option(help="share of periods that count as the tail")] = 0.05,
    output: FormatOption = "table",
) -> None:
    """Risk of series of returns: volatility, Sharpe, Sortino, Calmar, drawdown and its days, VaR, CVaR, beta, alpha.

    An empty cell is a missing day: it counts in no mean. Losses are negative, in VaR and CVaR too.

    Example: `manna risk returns.csv --benchmark spy --risk-free 0.02 --format json`
    """
    import polars as pl

    from manna.portfolio.series_file import SeriesFileError, read_returns, risk_table
    from pipelines.rendering import render

    require_format(output)
    if per_year <= 0 or not 0 < tail < 1 or risk_free <= -1:
        raise UsageError("--per-year is above 0, --tail between 0 and 1, --risk-free above -1")
    rows, columns = csv_rows(series)
    try:
        table = risk_table(
            read_returns(rows, columns),
            benchmark=None if benchmark is None else benchmark.strip().lower(),
            periods=per_year,
            risk_free=risk_free,
            tail=tail,
        )
    except SeriesFileError as error:
        raise UsageError(f"{series}: {error}") from None
    if output == "table":
        days = ["from", "to", "peak", "trough", "recovered"]
        figures = table.drop("periods", *days).with_columns(pl.col(pl.Float64).round(6))
        turned = figures.transpose(include_header=True, header_name="figure", column_names="series")
        render(turned, "table", title="Risk", console=out)
        out.print()
        render(table.select("series", "periods", *days), "table", title="Span and deepest fall", console=out)
        return
    render(table, output, title="Risk", console=out)  # type: ignore[arg-type]
