"""The market as the lake has recorded it: bars and corporate actions, as a backtest needs them.

What belongs here: what each kind of corporate action does to a share that is held. What does not: reading the lake, files of
prices (:mod:`price_file`), or the walk (:mod:`backtest`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from manna.portfolio.market import Floats, Market

_SPLITS = ("split", "stock_dividend")
_PAID = ("dividend",)
_BESIDE = ("spin_off", "rights_distribution")
_ENDS = ("cash_merger", "redemption", "worthless_removal")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A market, and what could not be told of it, in words."""

    market: Market
    notes: tuple[str, ...]


def recorded_market(bars: pl.DataFrame, actions: pl.DataFrame, symbols: Sequence[str] = ()) -> Recorded:
    """Raw closes of ``symbols`` (none: of all), with what happened to them.

    A split or a dividend in shares multiplies shares; a dividend is cash; what is received beside a share (a spin-off) is
    sold at its own close that day; a cash merger, a redemption and a worthless removal end it, for the cash they pay. Where a
    share turns into another (mergers for shares, changes of name), it is paid out at its last price once the
    market has been silent for :attr:`Market.patience` days; so it is where the value of something received is not known,
    which ``notes`` says.

    Args:
        bars: ``clean.bars``.
        actions: ``clean.corporate_actions``.
        symbols: in this order.

    Raises:
        ValueError: there are no prices of a symbol, or none at all.
    """
    known = sorted(bars["symbol"].unique().to_list())
    wanted = list(symbols) or known
    lacking = sorted(set(wanted) - set(known))
    if lacking or not known:
        raise ValueError(
            f"there are no prices of {', '.join(lacking) or 'anything'}; there are: {', '.join(known)}"
        )
    of_wanted = bars.filter(pl.col("symbol").is_in(wanted))
    days = of_wanted["date"].unique().sort().to_list()
    closes = _closes(bars, days)
    columns = {symbol: number for number, symbol in enumerate(wanted)}
    own = np.column_stack([closes[symbol] for symbol in wanted])
    shape = own.shape
    splits, dividends, delistings = np.ones(shape), np.zeros(shape), np.full(shape, np.nan)
    notes: list[str] = []
    for row in _in_order(actions, columns):
        at = _first_from(days, row["ex_date"])
        if at is None or row["ex_date"] < days[0]:
            continue
        place = at, columns[row["symbol"]]
        if row["kind"] in _SPLITS and row["ratio"] and not row["new_symbol"]:
            splits[place] *= float(row["ratio"])
        elif row["kind"] in _PAID and row["cash"]:
            dividends[place] += float(row["cash"])
        elif row["kind"] in _BESIDE:
            worth = _received(row, closes, at)
            dividends[place] += worth or 0.0
            notes += [] if worth is not None else [_unknown(row)]
        elif row["kind"] in _ENDS:
            _end(delistings, own, place, float(row["cash"] or 0))
    return Recorded(Market(tuple(days), tuple(wanted), own, splits, dividends, delistings), tuple(notes))


def _closes(bars: pl.DataFrame, days: Sequence[date]) -> dict[str, Floats]:
    """Closes on ``days`` of every symbol: of those received beside others too."""
    calendar = pl.Series("date", days)
    found: dict[str, Floats] = {}
    for (symbol,), part in (
        bars.select("symbol", "date", "close").partition_by("symbol", as_dict=True).items()
    ):
        part = part.filter(pl.col("date").is_in(calendar.implode()))
        closes = np.full(len(days), np.nan)
        closes[calendar.search_sorted(part["date"]).to_numpy()] = part["close"].cast(pl.Float64).to_numpy()
        found[str(symbol)] = closes
    return found


def _in_order(actions: pl.DataFrame, columns: Iterable[str]) -> Iterator[dict[str, Any]]:
    own = actions.filter(pl.col("symbol").is_in(list(columns)))
    yield from own.sort("ex_date", "action_id").iter_rows(named=True)


def _first_from(days: Sequence[date], day: date) -> int | None:
    at = pl.Series(days).search_sorted(day)
    return int(at) if at < len(days) else None


def _received(row: dict[str, Any], closes: dict[str, Floats], at: int) -> float | None:
    """What came beside one share is worth at that day's close; None where it has none."""
    beside = closes.get(row["new_symbol"] or "")
    if beside is None or not row["ratio"] or np.isnan(beside[at]):
        return None
    return float(row["ratio"]) * float(beside[at])


def _end(delistings: Floats, closes: Floats, place: tuple[int, int], cash: float) -> None:
    """Ends a share on the first day from ``place`` on after which it has no price."""
    priced = np.flatnonzero(~np.isnan(closes[:, place[1]]))
    at = max(place[0], int(priced[-1]) + 1)
    if at < len(closes):
        delistings[at, place[1]] = cash


def _unknown(row: dict[str, Any]) -> str:
    return f"{row['symbol']}: what {row['new_symbol'] or 'was received'} was worth on {row['ex_date']} is not known; left out"
