"""`manna backtest`: a strategy against past prices.

What belongs here: this command. What does not: the walk and its figures (``manna.portfolio``).
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.asked import UsageError, require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, err, opened, out

if TYPE_CHECKING:
    from manna.portfolio.market import Market
    from manna.portfolio.trial import Terms, Trial

_SHOWN = ("figures", "days", "trades")


@app.command()
def backtest(
    prices: Annotated[
        Path | None,
        typer.Argument(help="a CSV file: date and a column per symbol, or date, symbol, close; else the lake's own bars"),
    ] = None,
    strategy: Annotated[
        str, typer.Option(help="fixed targets, drift bands, momentum, moving average cross, minimum variance, risk parity, hierarchical risk parity or maximum sharpe")
    ] = "fixed targets",
    parameter: Annotated[
        list[str] | None, typer.Option("--set", help="a parameter of it, e.g. count=5 or targets=VTI:0.6,BND:0.4 (may be repeated)")
    ] = None,
    book: Annotated[str | None, typer.Option(help="a book: its targets, and the lake's own bars")] = None,
    symbol: Annotated[list[str] | None, typer.Option(help="only this symbol may be held (may be repeated); else all there are")] = None,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="the first day; days before it are shown to the strategy")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="the last day")] = None,
    every: Annotated[str, typer.Option(help="decides on the first day of each day, week, month, quarter or year; trades on the next")] = "month",
    capital: Annotated[float, typer.Option(help="money to begin with")] = 10_000.0,
    contribution: Annotated[
        float, typer.Option(help="put in at each decision after the first; negative: taken out")
    ] = 0.0,
    cost_bps: Annotated[float, typer.Option(help="cost of trading, in basis points of what is traded")] = 0.0,
    slippage_bps: Annotated[float, typer.Option(help="how far the price moves against a trade, in basis points")] = 0.0,
    per_order: Annotated[float, typer.Option(help="cost of each order, in money")] = 0.0,
    whole_shares: Annotated[bool, typer.Option("--whole-shares", help="no fractions of shares")] = False,
    benchmark: Annotated[str | None, typer.Option(help="a symbol to compare with, bought and held")] = None,
    show: Annotated[str, typer.Option(help="figures, days or trades")] = "figures",
    output: FormatOption = "table",
) -> None:  # fmt: skip
    """What a strategy would have come to, from one decision to the next, seeing nothing of what came later.

    Raw prices with columns `split` (new shares per old one), `dividend` and `delisted` (paid per share) in a long file, or
    adjusted ones without. An empty cell is a day without trading. With `--book` and no file, bars and corporate
    actions are the lake's, and targets the book's.

    Example: `manna backtest prices.csv --strategy momentum --set count=5 --every month --cost-bps 5 --benchmark SPY`
    """
    from manna.portfolio.trial import Terms
    from pipelines.backtesting import parameters

    require_format(output)
    named = strategy.strip().lower().replace("-", " ").replace("_", " ")
    _require_known(named, every, show)
    if (prices is None) == (book is None):
        raise UsageError("name a file of prices, or a book whose bars are in the lake: `--book household`")
    terms = Terms(
        strategy=named, parameters=parameters(parameter or ()), symbols=tuple(name.strip().upper() for name in symbol or ()),
        first=first.date() if first else None, last=last.date() if last else None, every=every,
        capital=capital, contribution=contribution, cost_bps=cost_bps, slippage_bps=slippage_bps, per_order=per_order,
        whole_shares=whole_shares, benchmark=benchmark.strip().upper() if benchmark else None,
    )  # fmt: skip
    market, terms, notes = _of_file(prices, terms) if prices is not None else _of_book(str(book), terms)
    _print(market, terms, show, output)
    for note in notes:
        err.print(note, style="yellow", markup=False, highlight=False)


def _require_known(strategy: str, every: str, show: str) -> None:
    from manna.portfolio.strategies import STRATEGIES
    from manna.portfolio.trial import PERIODS

    require_one_of("strategy", [strategy], STRATEGIES)
    require_one_of("period", [every], PERIODS)
    require_one_of("table", [show], _SHOWN)


def _of_file(prices: Path, terms: "Terms") -> tuple["Market", "Terms", tuple[str, ...]]:
    from pipelines.backtesting import market_of_file

    return market_of_file(prices), terms, ()


def _of_book(name: str, terms: "Terms") -> tuple["Market", "Terms", tuple[str, ...]]:
    """Bars and actions of the lake, and the book's own targets where a strategy needs some and was told none."""
    from dataclasses import replace

    from pipelines.backtesting import market_of_lake, targets_of

    with opened() as manna:
        require_one_of("book", [name], manna.books)
        if terms.strategy in ("fixed targets", "drift bands") and "targets" not in terms.parameters:
            targets = targets_of(manna.books[name])
            if not targets:
                raise UsageError(f"{name} has no targets; add --set targets=VTI:0.6,BND:0.4")
            terms = replace(terms, parameters={**terms.parameters, "targets": targets})
        own = terms.symbols or tuple(terms.parameters.get("targets", ()))
        beside = [terms.benchmark] if own and terms.benchmark and terms.benchmark not in own else []
        recorded = market_of_lake(manna, [*own, *beside])
    return recorded.market, replace(terms, symbols=own), recorded.notes


def _print(market: "Market", terms: "Terms", show: str, output: str) -> None:
    from manna.portfolio import trial
    from pipelines.rendering import render

    try:
        found = trial.carried_out(market, terms)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if show == "days":
        render(trial.days_table(found), output, title="Day by day", console=out)  # type: ignore[arg-type]
    elif show == "trades":
        render(trial.trades_table(found), output, title="Trades", console=out)  # type: ignore[arg-type]
    else:
        _print_figures(found, terms, output)


def _print_figures(found: "Trial", terms: "Terms", output: str) -> None:
    import polars as pl

    from manna.portfolio import trial
    from pipelines.rendering import render

    days = found.found.days
    said: dict[str, Any] = {
        "strategy": terms.strategy,
        "from": days[0],
        "to": days[-1],
        **trial.figures(found),
    }
    if output != "table":
        render(pl.DataFrame([said]), output, title="Backtest", console=out)  # type: ignore[arg-type]
        return
    title = f"{terms.strategy}, {days[0]} to {days[-1]}"
    rows = [
        (name.replace("_", " "), value)
        for name, value in said.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    shown = pl.DataFrame(rows, schema={"figure": pl.String, "value": pl.Float64}, orient="row")
    render(shown.with_columns(pl.col("value").round(6)), "table", title=title, console=out)
    for day, symbol in found.found.delisted:
        out.print(f"{day}  {symbol} was delisted and paid out", markup=False, highlight=False)
