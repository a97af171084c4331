"""Files of prices, read: what `manna backtest PRICES.csv` walks through.

What belongs here: the two forms of such files, and every fault in them. What does not: reading a file from a disk, or the
walk (:mod:`backtest`).
"""

import numpy as np
import polars as pl

from manna.portfolio.market import Market
from manna.portfolio.series_file import SeriesFileError

_EVENTS = {"split": 1.0, "dividend": 0.0, "delisted": None}
"""What a row may say beside the price, and what an empty cell means."""
_NAMED = 10
"""So many faults are named; a file with the wrong decimal sign has one per cell."""


def read_prices(table: pl.DataFrame) -> Market:
    """The market of a file, in either of two forms; symbols in capitals.

    Wide: ``date`` and one column of closes per symbol; an empty cell is a day without a price. Long: ``date, symbol, close``
    and, where wanted, ``split`` (new shares per old one from that day on), ``dividend`` (per share, on its ex date) and
    ``delisted`` (money per share paid on the first day without a listing; ``close`` is empty there). Closes are raw where
    there are events, else adjusted ones do.

    Args:
        table: every column text, names in lower case.

    Raises:
        SeriesFileError: columns are missing, or cells cannot be read; with line numbers.
    """
    if "date" not in table.columns:
        raise SeriesFileError("the file has no column date; it needs date and a column per symbol")
    table = table.with_row_index("line", offset=2).with_columns(pl.col(pl.String).str.strip_chars())
    long = _long(table) if "symbol" in table.columns else _wide(table)
    faults, parsed = _parsed(long)
    twice = parsed.filter(pl.struct("day", "symbol").is_duplicated() & pl.col("day").is_not_null())
    faults += [
        f"line {line}: {symbol} has a second price on {day}"
        for line, symbol, day in twice.select("line", "symbol", "day").unique(["symbol", "day"], keep="last").sort("line").rows()
    ]  # fmt: skip
    if not faults and parsed.is_empty():
        faults.append("the file has no prices")
    if faults:
        more = [f"and {len(faults) - _NAMED} more faults"] if len(faults) > _NAMED else []
        raise SeriesFileError("\n".join([*faults[:_NAMED], *more]))
    try:
        return _market(parsed)
    except ValueError as error:
        raise SeriesFileError(str(error)) from None


def _long(table: pl.DataFrame) -> pl.DataFrame:
    if "close" not in table.columns:
        raise SeriesFileError("the file has a column symbol, so it needs date, symbol and close")
    known = ["line", "date", "symbol", "close", *(name for name in _EVENTS if name in table.columns)]
    return table.select(known).with_columns(pl.col("symbol").str.to_uppercase())


def _wide(table: pl.DataFrame) -> pl.DataFrame:
    symbols = [name for name in table.columns if name not in ("line", "date")]
    if not symbols or "" in symbols:
        raise SeriesFileError("the file needs date and a column of prices per symbol, each with a name")
    melted = table.unpivot(symbols, index=["line", "date"], variable_name="symbol", value_name="close")
    return melted.with_columns(pl.col("symbol").str.to_uppercase())


def _parsed(table: pl.DataFrame) -> tuple[list[str], pl.DataFrame]:
    """Numbers and days in place of texts; and what is none."""
    names = [name for name in ("close", *_EVENTS) if name in table.columns]
    table = table.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep())
    parsed = table.with_columns(
        pl.col("date").str.to_date("%Y-%m-%d", strict=False).alias("day"),
        *(pl.col(name).cast(pl.Float64, strict=False).alias(f"{name} read") for name in names),
    )
    wrong: list[tuple[int, str]] = []
    for line, text in parsed.filter(pl.col("day").is_null()).select("line", "date").unique("line").rows():
        wrong.append((line, f"line {line}: {text or ''!r} is no day; write it as 2026-03-31"))
    for name in names:
        read = pl.col(f"{name} read")
        low = read < 0 if name in ("dividend", "delisted") else read <= 0
        bad = parsed.filter(pl.col(name).is_not_null() & (~read.is_finite() | read.is_null() | low))
        for line, symbol, text in bad.select("line", "symbol", name).rows():
            wrong.append((line, f"line {line}: {name} of {symbol} {text!r} is no price or ratio above zero"))
    if "symbol" in parsed.columns:
        for (line,) in parsed.filter(pl.col("symbol").is_null()).select("line").rows():
            wrong.append((line, f"line {line}: no symbol"))
    numbers = [pl.col(f"{name} read").alias(name) for name in names]
    return [said for _, said in sorted(wrong)], parsed.select("line", "day", "symbol", *numbers)


def _market(parsed: pl.DataFrame) -> Market:
    days = parsed["day"].unique().sort()
    symbols = parsed["symbol"].unique(maintain_order=True).to_list()
    row = days.search_sorted(parsed["day"]).to_numpy()
    place = {symbol: number for number, symbol in enumerate(symbols)}
    column = parsed["symbol"].replace_strict(place, return_dtype=pl.Int64).to_numpy()

    def matrix(name: str, empty: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        found = np.full((len(days), len(symbols)), empty)
        found[row, column] = parsed[name].fill_null(empty).to_numpy()
        return found

    events = {
        name: matrix(name, np.nan if empty is None else empty)
        for name, empty in _EVENTS.items()
        if name in parsed.columns and parsed[name].drop_nulls().len()
    }
    return Market(
        tuple(days.to_list()),
        tuple(symbols),
        matrix("close", np.nan),
        events.get("split"),
        events.get("dividend"),
        events.get("delisted"),
    )
