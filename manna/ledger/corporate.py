"""What issuers do to shares, and shares that move on: lots keep their cost and their day.

What belongs here: the entries of returns of capital, spin-offs, transfers in kind and exchanges. What does not: the
arithmetic of their lots (:mod:`basis`, :mod:`carrying`), splits and ordinary trades (:mod:`trades`).
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from manna.contracts.ledger import SPIN_OFF
from manna.investment_settings import SpinOff
from manna.ledger import chart
from manna.ledger.basis import return_capital, spin_off
from manna.ledger.carrying import MOST_DAYS, Routes, carry
from manna.ledger.disposals import Gain
from manna.ledger.journal import Line, balanced, identity
from manna.ledger.lots import Taken
from manna.ledger.matching import METHODS
from manna.ledger.positions import Positions
from manna.ledger.records import TRADES, Trade

Lines = tuple[Line, ...]


def leave(positions: Positions, trade: Trade) -> tuple[list[Taken], Lines]:
    """Lots on their way to another account, or to another security; first in, first out."""
    taken, _ = positions.take(trade, METHODS[0], {})
    lines = [positions.security(t.left, -t.carrying, -t.quantity) for t in taken]
    return taken, balanced([*lines, *positions.cash_leg(trade)], chart.IN_TRANSIT)


def arrive(positions: Positions, trade: Trade, taken: Sequence[Taken], ways: Routes) -> Lines:
    """Lots that have arrived, for what was ``taken`` where they left; money of an exchange is gain as far as it is one."""
    out, booked = ways.into[trade.trade_id], positions.booked
    is_exchange = out.account_id == trade.account_id
    money = (
        out.amount + trade.amount + ways.paid.get(trade.trade_id, Decimal(0)) if is_exchange else Decimal(0)
    )
    value = positions.value(trade) or None if money else None
    carried = carry(taken, trade, money, value)
    pool = [*positions.lots(trade), *(each.lot for each in carried)]
    booked.positions[trade.position] = sorted(pool, key=lambda lot: lot.opened)
    lines = [positions.security(each.lot, each.lot.carrying, each.lot.quantity) for each in carried]
    lines.extend(positions.cash_leg(trade))
    if not is_exchange:
        return balanced(lines, chart.IN_TRANSIT)
    booked.ratios.append((out.security_id or "", trade.date, trade.moved / -out.moved))
    if money:
        entry_id, sheltered = identity(TRADES, trade.trade_id), positions.own.sheltered
        gains = [
            Gain(
                entry_id, each.lot, trade.date, Decimal(0), each.money,
                None if each.gain is None else each.money - each.gain, trade.currency, sheltered=sheltered,
            )
            for each in carried
        ]  # fmt: skip
        lines.extend(positions.realize(gains, trade.currency))
    on_the_way = sum((t.carrying for t in taken), Decimal(0)) - (money - trade.amount)
    lines.append(Line(chart.IN_TRANSIT, -on_the_way, taken[0].left.currency))
    return balanced(lines, chart.UNKNOWN_BASIS)


def spun_off(positions: Positions, trade: Trade, declared: Sequence[SpinOff]) -> Lines:
    """Shares with the part of the parent's basis that the book declares; no lines where it declares none."""
    pools = positions.booked.positions
    for said in declared:
        parents = pools[trade.account_id, said.parent]
        near = abs((said.date - trade.date).days) <= MOST_DAYS
        if said.security != trade.security_id or not near or not parents:
            continue
        lines, children, left = [], [], []
        for each in spin_off(parents, trade.moved, said.basis, said.security):
            name = identity(TRADES, f"{trade.trade_id}/{each.parent.lot_id}")
            child = replace(each.child, lot_id=name, origin=None, came_by=SPIN_OFF)
            lines.append(positions.security(each.parent, -each.moved, Decimal(0)))
            lines.append(positions.security(child, each.moved, child.quantity))
            left.append(each.parent)
            children.append(child)
        pools[trade.account_id, said.parent] = left
        pools[trade.position] = sorted([*pools[trade.position], *children], key=lambda lot: lot.opened)
        return balanced([*lines, *positions.cash_leg(trade)], chart.SUSPENSE)
    return ()


def returned(positions: Positions, trade: Trade) -> Lines:
    """Cuts the basis, lot by lot; what is more than that is gain. What cannot be cut from any lot is in suspense."""
    lots, lines, gains = positions.lots(trade), positions.cash_leg(trade), []
    if trade.amount <= 0 or not lots or any(lot.currency != trade.currency for lot in lots):
        return balanced(lines, chart.SUSPENSE)
    changed = return_capital(lots, trade.amount)
    for each in changed:
        lines.append(positions.security(each.left, -each.cut, Decimal(0)))
        if each.excess:
            cost = None if each.left.cost is None else Decimal(0)
            figures = (each.left, trade.date, Decimal(0), each.excess, cost, trade.currency)
            gains.append(Gain(identity(TRADES, trade.trade_id), *figures, sheltered=positions.own.sheltered))
    positions.booked.positions[trade.position] = [each.left for each in changed]
    return balanced([*lines, *positions.realize(gains, trade.currency)], chart.UNKNOWN_BASIS)
