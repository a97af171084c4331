"""`manna lots`: tax lots and wash sales of any file of trades.

What belongs here: this command. What does not: the rules (``manna.tax``).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.asked import UsageError, csv_rows, require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, err, out

if TYPE_CHECKING:
    import polars as pl

    from manna.tax.walking import Worked


@app.command()
def lots(
    trades: Annotated[
        Path, typer.Argument(help="a CSV file: date, account, symbol, side, quantity, price, fees")
    ],
    method: Annotated[str, typer.Option(help="fifo, lifo, hifo, specific or average")] = "fifo",
    wash_sales: Annotated[
        bool, typer.Option("--wash-sales", help="disallow losses that were replaced")
    ] = False,
    sheltered: Annotated[
        list[str] | None, typer.Option(help="an account without gains, such as an IRA (may be repeated)")
    ] = None,
    same: Annotated[
        list[str] | None, typer.Option(help="symbols that count as one, e.g. FB=META (may be repeated)")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="the day that decides what is provisional; else today"),
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Matches the sales of a file with its purchases: realized gains, terms, wash sales, the lots that are left.

    `side` is buy, sell, reinvest or split. A split's quantity is new shares per old one (4, 0.1 or 4:1); without an
    account it concerns all. A column `lot` may name a purchase; with `--method specific` each sale names the lot it sells.

    Example: `manna lots trades.csv --method hifo --wash-sales --sheltered IRA --format json`
    """
    from manna.ledger.matching import METHODS
    from manna.tax import tables
    from pipelines.rendering import render
    from resources.settings import Settings

    require_format(output)
    require_one_of("method", [method], METHODS)
    worked = _worked_through(trades, method, wash_sales, sheltered or (), same or ())
    gains = tables.realized(worked.overlay.lines, as_of.date() if as_of else Settings.load().now().date())
    left, sums = tables.open_lots(worked.lots, worked.overlay.held), tables.totals(gains)
    if output == "json":
        _print_json(method, wash_sales, {"realized": gains, "open_lots": left, "totals": sums})
    elif output == "table":
        _print_tables(gains, left, sums, wash_sales)
    else:
        render(gains, output, title="Realized gains", console=out)  # type: ignore[arg-type]


def _worked_through(
    trades: Path, method: str, wash: bool, sheltered: Sequence[str], same: Sequence[str]
) -> "Worked":
    """The trades of a file, matched; the options must be about accounts and symbols that can be."""
    from manna.tax.trade_file import read_trades
    from manna.tax.walking import work_through

    rows, columns = csv_rows(trades)
    read = read_trades(rows, columns)
    unknown = sorted(set(sheltered) - {trade.account for trade in read})
    if unknown:
        raise UsageError(f"{trades} has no account {', '.join(map(repr, unknown))}")
    return work_through(read, method, wash=wash, sheltered=sheltered, same=_sameness(same))


def _print_json(method: str, wash_sales: bool, parts: "Mapping[str, pl.DataFrame]") -> None:
    from pipelines.rendering import as_json

    listed = ",\n".join(f'"{name}": {as_json(frame)}' for name, frame in parts.items())
    out.file.write(f'{{"method": "{method}", "wash_sales": {str(wash_sales).lower()},\n{listed}}}\n')


def _print_tables(
    gains: "pl.DataFrame", left: "pl.DataFrame", sums: "pl.DataFrame", wash_sales: bool
) -> None:
    """The three tables; without the columns that are of wash sales alone, where nobody asked for those."""
    from pipelines.rendering import render

    if wash_sales:
        gains_shown = gains.drop("lot", "replaced_by")
    else:
        gains_shown = gains.drop(
            "lot", "replaced_by", "held_since", "basis_adjustment", "adjusted_basis", "gain", "disallowed", "lost", "provisional"
        )  # fmt: skip
        left = left.drop("basis_adjustment", "held_since", "adjusted_basis")
        sums = sums.drop("disallowed", "gain", "lost")
    for title, shown in (("Realized gains", gains_shown), ("Open lots", left), ("Totals", sums)):
        render(shown, "table", title=title, console=out)
    if gains["provisional"].any():
        err.print(
            "Some losses are provisional: a purchase within 30 days of the sale would disallow them.",
            style="yellow",
        )


def _sameness(declared: Sequence[str]) -> Callable[[str], str]:
    """One name for all symbols that were declared one, from texts such as ``FB=META``."""
    groups = [[symbol.strip().upper() for symbol in text.split("=")] for text in declared]
    for text, group in zip(declared, groups, strict=True):
        if len(group) < 2 or not all(group):
            raise UsageError(f"--same {text!r} names no two symbols; write it as FB=META")
    from manna.investment_settings import sameness  # it brings Polars, and every command imports this module

    return sameness(groups)
