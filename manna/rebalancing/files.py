"""Facts of a plan from files alone: what `manna rebalance plan --positions FILE --targets FILE` is about.

What belongs here: the columns of such files, and every fault in them. What does not: reading a file from a disk.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation

import polars as pl

from manna.contracts.clean import TRADES
from manna.ledger.lots import Lot
from manna.rebalancing.expected import REINVESTMENT, purchases_due
from manna.rebalancing.facts import Facts, LossSale, Purchase
from manna.rebalancing.targets import CASH
from manna.tax.trade_file import FileTrade, TradeFileError, read_trades
from manna.tax.walking import work_through
from manna.tax.wash import WINDOW

Row = Mapping[str, str | None]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class PositionFileError(ValueError):
    """Files that no plan can be made of; the message lists every fault, a line each."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one file as text by column name, with its name and its columns in lower case."""

    name: str
    rows: Sequence[Row]
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class _History:
    bought: tuple[Purchase, ...] = ()
    lost: tuple[LossSale, ...] = ()
    due: tuple[Purchase, ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    symbol: str
    quantity: Decimal
    price: Decimal | None
    cost: Decimal | None
    opened: date | None
    account: str
    lot: str


def facts_of_files(
    positions: Table,
    *,
    day: date,
    currency: str,
    lots: Table | None = None,
    prices: Table | None = None,
    trades: Table | None = None,
    account: str = "",
    sheltered: Collection[str] = (),
    same: Callable[[str], str] = str,
    cash_flow: Decimal = Decimal(0),
) -> Facts:
    """The facts that files tell.

    Args:
        positions: ``symbol, quantity`` and, where known, ``price, cost`` (of all units), ``opened, account``; each row is a
            lot. The row ``CASH`` has the money as its quantity.
        day: today.
        currency: of all amounts.
        lots: ``symbol, quantity, cost, opened`` and ``account, lot``: in place of the costs of ``positions``.
        prices: ``symbol, price``: in place of the prices of ``positions``.
        trades: as `manna lots` reads them, of all accounts: from them follow the purchases and losses of the last 30 days,
            and the purchases to expect within 30 more (:mod:`expected`).
        account: the traded one, where ``positions`` has several; what others bought counts for wash sales only.
        sheltered: accounts without gains and losses.
        same: one name for what counts as substantially identical.
        cash_flow: money that is about to come (positive) or to go.

    Raises:
        PositionFileError: all faults, with files and lines.
    """
    faults: list[str] = []
    traded, own, others = _sorted_out(positions, lots, account, faults)
    given = {each.symbol: each.price for each in [*others, *traded] if each.price is not None}
    given |= _prices(prices, faults) if prices else {}
    past = _history(trades, day, same, sheltered, faults) if trades else _History()
    if faults:
        raise PositionFileError("\n".join(faults))
    # The traded account's own purchases are its lots.
    bought = tuple(each for each in past.bought if each.account != account)
    return Facts(
        book="files",
        account_id=account or "account",
        currency=currency,
        day=day,
        cash=sum((each.quantity for each in traded if each.symbol == CASH), Decimal(0)),
        lots=tuple(_lot(each, currency, day) for each in own),
        prices=given,
        cash_flow=cash_flow,
        bought=(*_recent([*own, *others], day), *bought),
        due=past.due,
        sold_at_loss=past.lost,
        sheltered=account in sheltered,
        same=same,
    )


def _sorted_out(
    positions: Table, lots: Table | None, account: str, faults: list[str]
) -> tuple[list[_Held], list[_Held], list[_Held]]:
    """Positions of the traded account, its lots, and what other accounts hold."""
    held = _read(positions, faults)
    known = _read(lots, faults) if lots else []
    traded = [each for each in held if each.account == account]
    if not traded:
        there = ", ".join(map(repr, sorted({each.account for each in held})))
        faults.append(
            f"{positions.name}: no rows of account {account!r}; there are: {there}; say which is traded with --account"
        )
    own = [each for each in known if each.account == account] if lots else traded
    if lots:
        faults += _sums(traded, own)
    named = [
        replace(each, lot=each.lot or f"{each.symbol} {each.opened or 'undated'} #{number}")
        for number, each in enumerate(_ordered(own), start=1)
    ]
    return traded, named, [each for each in [*held, *known] if each.account != account]


def _ordered(rows: Sequence[_Held]) -> list[_Held]:
    """Lots, the oldest first; of unknown day before all: they may be."""
    return sorted(
        (each for each in rows if each.symbol != CASH),
        key=lambda each: (each.symbol, each.opened or date.min),
    )


def _lot(held: _Held, currency: str, day: date) -> Lot:
    opened = held.opened or day  # of unknown term then
    cost = Decimal(0) if held.cost is None else held.cost
    return Lot(
        held.lot, held.account, held.symbol, opened, held.quantity,
        held.quantity, held.cost, cost, currency, dated=held.opened is not None, origin=held.lot,
    )  # fmt: skip


def _recent(rows: Sequence[_Held], day: date) -> tuple[Purchase, ...]:
    return tuple(
        Purchase(each.symbol, each.opened, each.account or "this account", "it was bought", each.lot)
        for each in rows
        if each.opened is not None and day - WINDOW <= each.opened <= day and each.symbol != CASH
    )  # fmt: skip


def _history(
    trades: Table, day: date, same: Callable[[str], str], sheltered: Collection[str], faults: list[str]
) -> _History:
    """Purchases of the last 30 days that are still held, losses that nothing has replaced yet, and what will be bought."""
    try:
        read = [trade for trade in read_trades(trades.rows, trades.columns) if trade.day <= day]
        worked = work_through(read, wash=True, sheltered=sheltered, same=same)
    except TradeFileError as error:
        faults += [f"{trades.name}: {line}" for line in str(error).splitlines()]
        return _History()
    bought = tuple(
        Purchase(lot.security_id, lot.opened, lot.account_id, "it was bought", lot.lot_id)
        for lot in worked.lots
        if lot.opened >= day - WINDOW
    )
    lost = tuple(
        LossSale(line.disposal.security, line.disposal.place[0], line.disposal.account)
        for line in worked.overlay.lines
        if line.gain < 0 and line.open_units > 0 and line.window_ends >= day
    )
    return _History(bought, lost, tuple(purchases_due(_clean_trades(read), day, {})))


def _clean_trades(trades: Sequence[FileTrade]) -> pl.DataFrame:
    """As much of ``clean.trades`` as purchases are expected from."""
    kinds = {"buy": "buy", "reinvest": REINVESTMENT}
    rows = [
        (trade.account, trade.symbol, kinds[trade.side], trade.quantity, trade.day, False)
        for trade in trades
        if trade.side in kinds
    ]
    names = ("account_id", "security_id", "kind", "quantity", "date", "removed")
    schema = {name: TRADES.polars_schema[name] for name in names}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _sums(positions: Sequence[_Held], lots: Sequence[_Held]) -> list[str]:
    def units(rows: Sequence[_Held], symbol: str) -> Decimal:
        return sum((each.quantity for each in rows if each.symbol == symbol), Decimal(0))

    symbols = sorted({each.symbol for each in [*positions, *lots]} - {CASH})
    return [
        f"{symbol}: the lots have {units(lots, symbol)} units, the positions {units(positions, symbol)}"
        for symbol in symbols
        if units(positions, symbol) != units(lots, symbol)
    ]


def _prices(table: Table, faults: list[str]) -> dict[str, Decimal]:
    _require(table, ("symbol", "price"), faults)
    found = {}
    for line, row in enumerate(table.rows, start=2):
        price = _number(table, line, row, "price", faults)
        if price is not None:
            found[(row.get("symbol") or "").strip().upper()] = price
    return found


def _read(table: Table, faults: list[str]) -> list[_Held]:
    _require(table, ("symbol", "quantity"), faults)
    found = []
    for line, row in enumerate(table.rows, start=2):
        symbol = (row.get("symbol") or "").strip().upper()
        quantity = _number(table, line, row, "quantity", faults)
        price, cost = (_number(table, line, row, name, faults) for name in ("price", "cost"))
        if not symbol or quantity is None:
            faults.append(f"{table.name} line {line}: {'quantity' if symbol else 'symbol'} is missing")
            continue
        if symbol != CASH and quantity < 0:
            faults.append(
                f"{table.name} line {line}: {symbol} is sold short; short positions are not planned for"
            )
        opened = _day(table, line, row, faults)
        account, lot = ((row.get(name) or "").strip() for name in ("account", "lot"))
        found.append(_Held(symbol, quantity, price, cost, opened, account, lot))
    return [each for each in found if each.quantity]


def _require(table: Table, names: Sequence[str], faults: list[str]) -> None:
    lacking = [name for name in names if name not in table.columns]
    if lacking:
        raise PositionFileError(
            f"{table.name} has no column {', '.join(lacking)}; it needs {', '.join(names)}"
        )


def _number(table: Table, line: int, row: Row, name: str, faults: list[str]) -> Decimal | None:
    text = (row.get(name) or "").strip().replace(",", "").replace("$", "")
    if not text:
        return None
    try:
        read = Decimal(text)
    except InvalidOperation:
        read = Decimal("NaN")
    if not read.is_finite():
        faults.append(f"{table.name} line {line}: {name} {text!r} is no number")
        return None
    return read


def _day(table: Table, line: int, row: Row, faults: list[str]) -> date | None:
    text = (row.get("opened") or "").strip()
    try:
        if not text or _DATE.fullmatch(text):
            return date.fromisoformat(text) if text else None
    except ValueError:
        pass
    faults.append(f"{table.name} line {line}: opened {text!r} is no day; write YYYY-MM-DD")
    return None
