"""The walk through the trades of a file, from the first to the last: what its sales take, and what is left.

What belongs here: that walk. What does not: reading the file (:mod:`trade_file`), or the rules themselves
(``manna.ledger.matching``, :mod:`wash`).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext

from manna.ledger.lots import Lot, held, split_lots
from manna.ledger.matching import METHODS, MatchingError, take
from manna.money import round_money
from manna.tax.trade_file import FileTrade, TradeFileError
from manna.tax.wash import Acquisition, Disposal, Overlay, wash_sales

_EXACT = Context(prec=50)


@dataclass(frozen=True, slots=True)
class Worked:
    """What a file comes to: ``overlay`` as tax sees it, and the lots that stay open as they were bought."""

    overlay: Overlay
    lots: tuple[Lot, ...]


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
        trades: in order, see :func:`manna.tax.trade_file.read_trades`.
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
