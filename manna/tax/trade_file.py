"""A file of trades, read: what `manna lots` is about.

What belongs here: the columns of such a file, and every fault in it. What does not: reading the file from a disk, or what
its trades come to (:mod:`walking`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

REQUIRED = ("date", "account", "symbol", "side", "quantity", "price")
OPTIONAL = ("fees", "lot")
SIDES = ("buy", "sell", "reinvest", "split")
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
    trades = [_Row(line, row, faults).trade() for line, row in enumerate(rows, start=2)]
    if faults:
        raise TradeFileError("\n".join(faults))
    return sorted((trade for trade in trades if trade), key=lambda trade: trade.day)


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of a row; what cannot be read of them is said in ``faults``, and stands for nothing."""

    line: int
    cells: Mapping[str, str | None]
    faults: list[str]

    def trade(self) -> FileTrade | None:
        """The row as a trade; None where a fault was found."""
        before = len(self.faults)
        side, day = self.side(), self.day()
        for name in ("symbol", *(() if side == "split" else ("account",))):
            if not self.text(name):
                self.blame(f"{name} is missing")
        quantity = self.quantity(side)
        price, fees = self.number("price", needed=side != "split"), self.number("fees", needed=False)
        if quantity <= 0:
            self.blame(f"quantity {self.text('quantity')!r} is not above zero; the side says which way")
        if price < 0 or fees < 0:
            self.blame("price and fees must not be below zero")
        if len(self.faults) > before or day is None:
            return None
        symbol, lot = self.text("symbol").upper(), self.text("lot") or None
        return FileTrade(self.line, day, self.text("account"), symbol, side, quantity, price, fees, lot)

    def side(self) -> str:
        """One of :data:`SIDES`."""
        side = self.text("side").lower()
        if side not in SIDES:
            self.blame(f"side {self.text('side')!r} is none of {', '.join(SIDES)}")
        return side

    def day(self) -> date | None:
        """The day, which is written in one way alone: others are read differently in different countries."""
        written = self.text("date")
        try:
            day = date.fromisoformat(written) if _DATE.fullmatch(written) else None
        except ValueError:
            day = None
        if day is None:
            self.blame(f"date {written!r} is no day; write YYYY-MM-DD")
        return day

    def quantity(self, side: str) -> Decimal:
        """Units; of a split new shares per old one, which may be written as a ratio."""
        ratio = _RATIO.fullmatch(self.text("quantity")) if side == "split" else None
        try:
            return Decimal(ratio[1]) / Decimal(ratio[2]) if ratio else self.number("quantity", needed=True)
        except (InvalidOperation, ZeroDivisionError):
            self.blame(f"quantity {self.text('quantity')!r} is no ratio")
            return Decimal(1)

    def number(self, name: str, *, needed: bool) -> Decimal:
        """A number, with or without thousands separators and a dollar sign."""
        value = self.text(name)
        if not value and not needed:
            return Decimal(0)
        try:
            read = Decimal(value.replace(",", "").replace("$", ""))
        except InvalidOperation:
            read = Decimal("NaN")
        if not read.is_finite():
            self.blame(f"{name} {value!r} is no number")
            return Decimal(1)
        if read.adjusted() >= _DIGITS:
            self.blame(f"{name} {value} is too large")
            return Decimal(1)
        if name == "quantity" and int(read.as_tuple().exponent) < -_PLACES:
            self.blame(f"quantity {value} has more than {_PLACES} decimals")
            return Decimal(1)
        return read

    def text(self, name: str) -> str:
        """A cell; nothing where there is none."""
        return (self.cells.get(name) or "").strip()

    def blame(self, fault: str) -> None:
        """Says what is wrong with this row."""
        self.faults.append(f"line {self.line}: {fault}")
