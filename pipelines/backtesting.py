"""What `manna backtest` walks through: a file of prices, or the lake's own bars.

What belongs here: finding the market, and what was asked for in words turned into parameters. What does not: the walk
(``manna.portfolio``), or how its figures look.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.asked import UsageError, csv_table
from resources.installation import Installation

if TYPE_CHECKING:
    from manna.books import Book
    from manna.portfolio.market import Market
    from manna.portfolio.recorded_market import Recorded


def market_of_file(path: Path) -> "Market":
    """The market of a CSV file.

    Raises:
        UsageError: the file cannot be read, or says no prices; every fault.
    """
    from manna.portfolio.price_file import read_prices
    from manna.portfolio.series_file import SeriesFileError

    table = csv_table(path)
    try:
        return read_prices(table)
    except SeriesFileError as error:
        raise UsageError(f"{path}: {error}") from None


def market_of_lake(manna: Installation, symbols: Sequence[str]) -> "Recorded":
    """The market as the lake has it, of ``symbols`` (none: of all with bars).

    Raises:
        UsageError: there are no prices of one of them.
    """
    from manna.portfolio.recorded_market import recorded_market

    try:
        return recorded_market(
            manna.lake.read("clean.bars"), manna.lake.read("clean.corporate_actions"), symbols
        )
    except ValueError as error:
        raise UsageError(f"{error}; `manna run market_close` brings bars") from None


def targets_of(book: "Book") -> dict[str, float]:
    """The wanted weights of a book's securities; what is missing to one is money."""
    return {symbol: float(weight) for symbol, weight in book.targets.by_security.items()}


def parameters(given: Sequence[str]) -> dict[str, Any]:
    """What ``--set`` said: ``count=5``, ``exponential=true``, ``targets=VTI:0.6,BND:0.4``.

    Raises:
        UsageError: it says nothing of the kind.
    """
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise UsageError(
                f"--set {text!r} is no parameter; write it as count=5 or targets=VTI:0.6,BND:0.4"
            )
        found[name.strip()] = _weights(text, value) if ":" in value else _value(text, value.strip())
    return found


def _weights(text: str, value: str) -> dict[str, float]:
    found = {}
    for part in value.split(","):
        symbol, _, weight = part.partition(":")
        found[symbol.strip().upper()] = float(_number(text, weight.strip()))
    return found


def _value(text: str, value: str) -> Any:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    return _number(text, value)


def _number(text: str, value: str) -> int | float:
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"--set {text!r}: {value!r} is neither a number nor true or false") from None
