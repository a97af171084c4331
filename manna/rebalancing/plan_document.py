"""The plan as a document: everything a person decides by, and everything it was made from.

What belongs here: its shape, to and from JSON, its id, and the sums a reader wants. What does not: what becomes of it
(:mod:`standing`), or storing it (``resources.plans``).

Amounts are decimals, written as text in JSON. ``plan_id`` is derived from the content without its moments, so that the
same facts make the same plan, however often they are looked at.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pydantic import TypeAdapter

BUY, SELL = "buy", "sell"


class PlanDocumentError(ValueError):
    """JSON that is no plan. One line that says why."""


@dataclass(frozen=True, slots=True)
class PlannedLot:
    """Units of one lot that a sale takes. Without a known basis there is neither gain nor tax to state, and
    ``held_since`` is null where the day of acquisition is not known."""

    lot_id: str
    quantity: Decimal
    held_since: date | None
    term: str
    proceeds: Decimal
    cost: Decimal | None
    gain: Decimal | None
    tax: Decimal | None


@dataclass(frozen=True, slots=True)
class PlannedTrade:
    """One net order, for the sake of ``part``. ``notional`` and ``cost`` (of trading) are positive; ``gain`` and ``tax`` of what is known."""

    symbol: str
    security_id: str
    part: str
    side: Literal["buy", "sell"]
    quantity: Decimal
    price: Decimal
    price_day: date
    notional: Decimal
    cost: Decimal
    gain: Decimal
    tax: Decimal
    reason: str
    lots: tuple[PlannedLot, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedWeight:
    """A part of the whole before and after; ``low`` and ``high`` are the ends of its band."""

    name: str
    sleeve: bool
    before: Decimal
    after: Decimal
    target: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the plan was made from. It is void once any of it is otherwise.

    ``snapshot``: of the lake, None for a plan of files. ``facts_sha256``: of all facts; ``account_sha256``: of the
    account's transactions and trades; ``targets_sha256``: of the section ``targets``. ``positions`` and ``cash`` are those
    of the traded account.
    """

    snapshot: int | None
    facts_sha256: str
    account_sha256: str
    targets_sha256: str
    positions: Mapping[str, Decimal]
    cash: Decimal
    prices: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """A plan of trades in one account. ``number`` counts plans of the same content that ran out before this one."""

    plan_id: str
    number: int
    book: str
    account_id: str
    institution: str
    currency: str
    planned_on: date
    created_at: datetime
    expires_at: datetime
    collar: Decimal
    whole_shares: bool
    lot_method: str
    approvals: int
    automatic: bool
    trades: tuple[PlannedTrade, ...]
    weights: tuple[PlannedWeight, ...]
    worth: Decimal
    cash_after: Decimal
    tax: Decimal
    costs: Decimal
    score: Decimal
    plain_score: Decimal
    made_by: str
    unmet: tuple[str, ...]
    notes: tuple[str, ...]
    pinned: Pinned

    def amount(self, side: str) -> Decimal:
        """What all orders of a side come to."""
        return sum((trade.notional for trade in self.trades if trade.side == side), Decimal(0))

    def numbered(self, number: int) -> "PlanDocument":
        """The same plan as the ``number``-th of its content, with its id."""
        plain = replace(self, number=number, plan_id="")
        return replace(plain, plan_id=_plan_id(plain))


def to_json(plan: PlanDocument) -> dict[str, Any]:
    """The document as JSON has it: decimals and moments as text."""
    found: dict[str, Any] = _adapter().dump_python(plan, mode="json")
    return found


def from_json(document: Any) -> PlanDocument:
    """The plan that :func:`to_json` wrote.

    Raises:
        PlanDocumentError: it is none.
    """
    from pydantic import ValidationError

    try:
        return _adapter().validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise PlanDocumentError(f"not a plan of this version of Manna: {where}: {first['msg']}") from None


def sha256_of(content: Any) -> str:
    """SHA-256 of JSON, hex; equal content has equal ones, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _plan_id(plan: PlanDocument) -> str:
    content = to_json(plan)
    for moment in ("plan_id", "created_at", "expires_at"):
        del content[moment]
    del content["pinned"]["snapshot"]
    return sha256_of(content)[:24]


@cache
def _adapter() -> "TypeAdapter[PlanDocument]":
    from pydantic import TypeAdapter

    return TypeAdapter(PlanDocument)
