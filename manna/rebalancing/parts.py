"""The parts of the whole with their targets in money and their bands: what drift is measured by.

What belongs here: the tree of targets laid out flat, the 5/25 rule, the cash floor. What does not: what is held
(:mod:`facts`), or what to trade (:mod:`greedy`, :mod:`optimizer`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from manna.rebalancing.targets import CASH, Part, Targets, Weights

RATIO = Decimal("0.00000001")
EXACT = Context(prec=60)
"""Products of units and prices have up to 56 digits."""
_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the whole. Weights are shares of the whole, ``low`` and ``high`` the ends of its band.

    ``securities``: what counts in it, in the order in which they are bought, substitutes last. A ``sleeve`` is made of
    other nodes: it may be out of its band, but only what is in it is traded.
    """

    name: str
    target: Decimal
    low: Decimal
    high: Decimal
    securities: tuple[str, ...]
    sleeve: bool = False

    def holds(self, weight: Decimal) -> bool:
        """Whether ``weight`` is inside the band; its ends are. Weights have eight decimals."""
        return self.low <= weight <= self.high


def band(target: Decimal, absolute: Decimal, relative: Decimal | None) -> Decimal:
    """How far a weight may be from ``target``: ``absolute``, or ``relative`` of the target where that is less.

    Larry Swedroe's 5/25 rule (The Only Guide You'll Ever Need for the Right Financial Plan, 2010, on rebalancing) is
    0.05 and 0.25. What has no target has the absolute band: a quarter of nothing would be no room at all.
    """
    if relative is None or not target:
        return absolute
    return min(absolute, relative * target)


def nodes(targets: Targets, held: Iterable[str], whole: Decimal) -> tuple[Node, ...]:
    """Every part, ``CASH`` first, sleeves before what is in them; what is held without a target has target 0.

    Args:
        targets: the book's section.
        held: securities that are held.
        whole: what the managed account is worth, positive. Where the cash floor is more than the target of cash, it
            is the target, and the other parts share what is left in their proportions.
    """
    wanted = targets.weights.get(CASH, _NONE)
    assert isinstance(wanted, Decimal)
    cash = min(max(wanted, targets.cash_floor / whole), Decimal(1))
    scale = (1 - cash) / (1 - wanted) if wanted < 1 else _NONE
    rest = {name: each for name, each in targets.weights.items() if name != CASH}
    # A floor that is more than the target would have next to no relative band.
    own = Part(weight=cash, relative_band=None if cash == wanted else Decimal(1))
    found = [_node(CASH, cash, (), targets, own)]
    found += _laid_out(rest, scale, "", targets)
    known = {security for node in found for security in node.securities}
    found += [_node(name, _NONE, (name,), targets, None) for name in sorted(set(held) - known - {CASH})]
    return tuple(found)


def _laid_out(weights: Weights, share: Decimal, path: str, targets: Targets) -> list[Node]:
    found = []
    for name, each in weights.items():
        part = each if isinstance(each, Part) else Part(weight=each)
        own, full = part.weight * share, f"{path}{name}"
        if part.weights:
            inner = _laid_out(part.weights, own, f"{full}/", targets)
            members = tuple(security for node in inner if not node.sleeve for security in node.securities)
            found += [_node(full, own, members, targets, part, sleeve=True), *inner]
            continue
        members = part.securities or (name,)
        stand_ins = tuple(s for member in members for s in targets.substitutes.get(member, ()))
        found.append(_node(full, own, (*members, *stand_ins), targets, part))
    return found


def _node(
    name: str,
    target: Decimal,
    securities: tuple[str, ...],
    targets: Targets,
    part: Part | None,
    *,
    sleeve: bool = False,
) -> Node:
    absolute = targets.band if part is None or part.band is None else part.band
    relative = targets.relative_band if part is None or part.relative_band is None else part.relative_band
    room = band(target, absolute, relative)
    return Node(name, target, ratio(target - room), ratio(target + room), securities, sleeve)


def ratio(share: Decimal) -> Decimal:
    """A weight with eight decimals, halves to even."""
    return share.quantize(RATIO, ROUND_HALF_EVEN)


def weight(node: Node, values: Mapping[str, Decimal], cash: Decimal, whole: Decimal) -> Decimal:
    """The share of ``whole`` that is in ``node``, from values by security and the money."""
    value = cash if node.name == CASH else sum((values.get(s, _NONE) for s in node.securities), _NONE)
    return ratio(value / whole)
