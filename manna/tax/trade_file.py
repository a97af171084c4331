"""A file of trades, read and worked through: what `manna lots` is about.

What belongs here: the columns of such a file, every fault in it, and the walk from its first row to its last. What
does not: reading the file from a disk, or the rules themselves (``manna.ledger.matching``, ``wash``).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal, InvalidOperation, localcontext

from manna.ledger.lots import Lot, held, split_lots
from manna.ledger.matching import METHODS, MatchingError, take
from manna.money import round_money
from manna.tax.wash import Acquisition, Disposal, Overlay, wash_sales

REQUIRED = ("date", "account", "symbol", "side", "quantity", "price")
OPTIONAL = ("fees", "lot")
SIDES = ("buy", "sell", "reinvest", "split")
_EXACT = Context(prec=50)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DIGITS, _PLACES = 15, 9
"""Digits before the point of any number, and after it of a quantity: what is finer or larger is a slip."""
_RATIO = re.compile(r"\s*([0-9.]+)\s*(?::|/|-for-)\s*([0-9.]+)\s*")


class TradeFileError(ValueError):
    """A file that cannot be worked through; the message lists every fault, a line each."""


@dataclass(frozen=True, slots=True)
class FileTrade:
    """One row. ``quantity`` is positive; of a split it is how many new shares each old one becomes."""

    line: int
    day: date
    account: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fees: Decimal
    lot: str | None = None

    @property
    def place(self) -> tuple[date, int]:
        """Where it stands in the order of everything that happened."""
        return self.day, self.line

    @property
    def lot_id(self) -> str:
        """Of what it buys: as the file names it, else by day and line."""
        return self.lot or f"{self.day}#{self.line}"

    def __str__(self) -> str:
        return f"line {self.line}: {self.day} {self.side} {self.quantity.normalize():f} {self.symbol} ({self.account})"


@dataclass(frozen=True, slots=True)
class Worked:
    """What a file comes to: ``overlay`` as tax sees it, and the lots that stay open as they were bought."""

    overlay: Overlay
    lots: tuple[Lot, ...]


def read_trades(rows: Sequence[Mapping[str, str | None]], columns: Sequence[str]) -> list[FileTrade]:
    """The rows of a file, as text by column name, as trades in the order of their days.

    ``date`` is YYYY-MM-DD; ``side`` one of :data:`SIDES`; ``fees`` and ``lot`` may be left out. A split needs no price, its
    ``quantity`` is new shares per old one (``4``, ``0.1``, ``4:1``), and with no account it concerns all of them. Rows of one
    day stay in the order of the file.

    Raises:
        TradeFileError: columns are missing, or rows cannot be read: all of them, with their line numbers.
    """
    lacking = [name for name in REQUIRED if name not in columns]
    if lacking:
        raise TradeFileError(
            f"the file has no column {', '.join(lacking)}; it needs {', '.join(REQUIRED)}, "
            f"and may have {', '.join(OPTIONAL)}"
        )
    faults: list[str] = []
    trades = [_trade(line, row, faults) for line, row in enumerate(rows, start=2)]
    if faults:
        raise TradeFileError("\n".join(faults))
    return sorted((trade for trade in trades if trade), key=lambda trade: trade.day)


def work_through(
    trades: Sequence[FileTrade],
    method: str = "fifo",
    *,
    wash: bool = False,
    sheltered: Collection[str] = (),
    same: Callable[[str], str] = lambda symbol: symbol,
    currency: str = "USD",
) -> Worked:
    """Matches every sale with lots of its account and symbol.

    Args:
        trades: in order, see :func:`read_trades`.
        method: one of :data:`manna.ledger.matching.METHODS`.
        wash: whether losses are disallowed by later or earlier purchases.
        sheltered: accounts without gains and losses.
        same: one name for all symbols that are substantially identical.
        currency: of all amounts.

    Raises:
        TradeFileError: sales of more than is held (naming the open lots), or of a lot that is not open: all of them.
        ValueError: an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; it is one of {', '.join(METHODS)}")
    walk = _Walk(method, currency)
    for trade in trades:
        walk.step(trade)
    if walk.faults:
        raise TradeFileError("\n".join(walk.faults))
    disposals = walk.disposals()
    overlay = wash_sales(
        walk.acquisitions(disposals), disposals, sheltered=sheltered, same=same, applies=wash
    )
    return Worked(overlay, walk.lots)


@dataclass(frozen=True, slots=True)
class _Sold:
    trade: FileTrade
    lot: Lot
    quantity: Decimal
    cost: Decimal
    proceeds: Decimal


_Pool = tuple[str, str]


@dataclass(slots=True)
class _Walk:
    method: str
    currency: str
    open: defaultdict[_Pool, list[Lot]] = field(default_factory=lambda: defaultdict(list))
    bought: list[FileTrade] = field(default_factory=list)
    sold: list[_Sold] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _splits: list[FileTrade] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def step(self, trade: FileTrade) -> None:
        if trade.side == "split":
            self._split(trade)
        elif trade.side == "sell":
            self._sell(trade)
        else:
            self._buy(trade)

    def _buy(self, trade: FileTrade) -> None:
        name = trade.lot_id
        if name in self._names:
            self.faults.append(f"{trade}: there is a lot {name} already")
        self._names.add(name)
        cost = round_money(trade.quantity * trade.price + trade.fees, self.currency)
        self.bought.append(trade)
        self.open[trade.account, trade.symbol].append(
            Lot(
                lot_id=name,
                account_id=trade.account,
                security_id=trade.symbol,
                opened=trade.day,
                quantity=trade.quantity,
                remaining=trade.quantity,
                cost=cost,
                carrying=cost,
                currency=self.currency,
            )
        )

    def _sell(self, trade: FileTrade) -> None:
        pool = (trade.account, trade.symbol)
        before = self.open[pool]
        if held(before) < trade.quantity:
            listed = ", ".join(
                f"{lot.remaining.normalize():f} of {lot.opened} (lot {lot.lot_id})" for lot in before
            )
            self.faults.append(
                f"{trade}: only {held(before).normalize():f} are held: {listed or 'no lots'}; "
                "add the purchase it is from (short sales are not supported)"
            )
            return
        try:
            named = {trade.lot: trade.quantity} if trade.lot else None
            self.open[pool], taken = take(before, trade.quantity, self.method, named)
        except MatchingError as error:
            self.faults.append(f"{trade}: {error}")
            return
        left = total = round_money(trade.quantity * trade.price - trade.fees, self.currency)
        for number, each in enumerate(taken, start=1):
            part = round_money(total * each.quantity / trade.quantity, self.currency)
            proceeds = left if number == len(taken) else part
            left -= proceeds
            self.sold.append(_Sold(trade, each.left, each.quantity, each.carrying, proceeds))

    def _split(self, trade: FileTrade) -> None:
        self._splits.append(trade)
        for (account, symbol), lots in self.open.items():
            if symbol == trade.symbol and trade.account in ("", account) and lots:
                with localcontext(_EXACT):
                    after = (held(lots) * trade.quantity).quantize(Decimal("1e-9"))
                self.open[account, symbol] = split_lots(lots, after - held(lots))

    def disposals(self) -> list[Disposal]:
        """What every sale took, in order."""
        return [
            Disposal(
                sale_id=str(sold.trade.line),
                lot_id=sold.lot.lot_id,
                account=sold.trade.account,
                security=sold.trade.symbol,
                place=sold.trade.place,
                opened=sold.lot.opened,
                quantity=sold.quantity,
                units=sold.quantity * self._scale(sold.trade),
                proceeds=sold.proceeds,
                cost=sold.cost,
                currency=self.currency,
            )
            for sold in self.sold
        ]

    def acquisitions(self, disposals: Sequence[Disposal]) -> list[Acquisition]:
        """What was bought, in units of the last day: what was sold of it and what is left, exactly."""
        units: defaultdict[str, Decimal] = defaultdict(Decimal)
        for disposal in disposals:
            units[disposal.lot_id] += disposal.units
        for lot in self.lots:
            units[lot.lot_id] += lot.remaining
        return [
            Acquisition(trade.lot_id, trade.account, trade.symbol, trade.place, units[trade.lot_id])
            for trade in self.bought
        ]

    @property
    def lots(self) -> tuple[Lot, ...]:
        """The lots that are open."""
        return tuple(lot for lots in self.open.values() for lot in lots)

    def _scale(self, trade: FileTrade) -> Decimal:
        """How many units of the last day a unit of then has become."""
        scale = Decimal(1)
        for split in self._splits:
            if (
                split.symbol == trade.symbol
                and split.account in ("", trade.account)
                and split.place > trade.place
            ):
                scale *= split.quantity
        return scale


def _trade(line: int, row: Mapping[str, str | None], faults: list[str]) -> FileTrade | None:
    def text(name: str) -> str:
        return (row.get(name) or "").strip()

    def blame(fault: str) -> None:
        faults.append(f"line {line}: {fault}")

    def number(name: str, *, needed: bool) -> Decimal:
        value = text(name)
        if not value and not needed:
            return Decimal(0)
        try:
            read = Decimal(value.replace(",", "").replace("$", ""))
        except InvalidOperation:
            read = Decimal("NaN")
        if not read.is_finite():
            blame(f"{name} {value!r} is no number")
            return Decimal(1)
        if read.adjusted() >= _DIGITS:
            blame(f"{name} {value} is too large")
            return Decimal(1)
        if name == "quantity" and int(read.as_tuple().exponent) < -_PLACES:
            blame(f"quantity {value} has more than {_PLACES} decimals")
            return Decimal(1)
        return read

    before = len(faults)
    side, day = text("side").lower(), None
    if side not in SIDES:
        blame(f"side {text('side')!r} is none of {', '.join(SIDES)}")
    try:
        day = date.fromisoformat(text("date")) if _DATE.fullmatch(text("date")) else None
    except ValueError:
        day = None
    if day is None:
        blame(f"date {text('date')!r} is no day; write YYYY-MM-DD")
    for name in ("symbol", *(() if side == "split" else ("account",))):
        if not text(name):
            blame(f"{name} is missing")
    ratio = _RATIO.fullmatch(text("quantity")) if side == "split" else None
    try:
        quantity = Decimal(ratio[1]) / Decimal(ratio[2]) if ratio else number("quantity", needed=True)
    except (InvalidOperation, ZeroDivisionError):
        blame(f"quantity {text('quantity')!r} is no ratio")
        quantity = Decimal(1)
    price, fees = number("price", needed=side != "split"), number("fees", needed=False)
    if quantity <= 0:
        blame(f"quantity {text('quantity')!r} is not above zero; the side says which way")
    if price < 0 or fees < 0:
        blame("price and fees must not be below zero")
    if len(faults) > before or day is None:
        return None
    return FileTrade(
        line, day, text("account"), text("symbol").upper(), side, quantity, price, fees, text("lot") or None
    )
