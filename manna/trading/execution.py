"""An approved plan as execution reads it, what of it is still to be ordered, and what became of it.

What belongs here: whether a plan may be executed, what each trade still wants, the outcome. What does not: how a plan is
made or becomes void (``manna.rebalancing``), or doing any of it (``pipelines.executing``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from manna.trading.orders import NONE, Order, OrderState
from manna.trading.sizing import Wanted, netted

Attempt = tuple[Order, OrderState]
_PLACES = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ApprovedPlan:
    """What execution needs of a plan: one net trade per symbol, sells first. ``collar`` is a ratio."""

    plan_id: str
    book: str
    account_id: str
    expires_at: datetime
    collar: Decimal
    whole_shares: bool
    approvals: int
    trades: tuple[Wanted, ...]


def planned(row: Mapping[str, Any]) -> ApprovedPlan:
    """A row of ``ops.rebalance_plans``."""
    document = row["document"]
    trades = netted(
        Wanted(each["symbol"], each["side"], Decimal(each["quantity"]), Decimal(each["price"]))
        for each in document["trades"]
    )
    return ApprovedPlan(
        row["plan_id"],
        row["book"],
        row["account_id"],
        row["expires_at"].astimezone(UTC),
        Decimal(document["collar"]),
        bool(document.get("whole_shares", False)),
        int(document.get("approvals", 1)),
        trades,
    )


def refusal(plan: ApprovedPlan, events: Sequence[Mapping[str, Any]], now: datetime) -> str | None:
    """Why a plan may not trade; null where it may. ``events``: its life (``ops.plan_events``), oldest first."""
    for event in reversed(events):
        if event["action"] in ("cancel", "void", "finish"):
            done = {"cancel": "was cancelled", "void": "is void", "finish": "has been executed"}[
                event["action"]
            ]
            return f"{done}{': ' + event['reason'] if event['reason'] else ''}"
    names = (event["decided_by"] for event in events if event["action"] == "approve")
    missing = plan.approvals - len({"".join(name.split()).casefold() for name in names})
    if missing > 0:
        return f"wants the approval of {missing} {'more person' if missing == 1 else 'more persons'}: `manna rebalance approve`"
    return f"expired at {plan.expires_at:%Y-%m-%d %H:%M} UTC" if plan.expires_at <= now else None


def still_wanted(trade: Wanted, attempts: Sequence[Attempt], made_now: Iterable[str]) -> Decimal:
    """Units to order in another attempt; zero while one is under way, or where another would be of no use.

    Another attempt follows one that was cancelled or has expired, and only in a later execution: in this one
    (``made_now``, client order ids) the same limit would end the same way. A rejected order is a person's to look at.
    """
    if not attempts:
        return trade.quantity
    last, state = attempts[-1]
    if (
        state.next_step != "over"
        or state.status not in ("canceled", "expired")
        or last.client_order_id in set(made_now)
    ):
        return NONE
    return max(trade.quantity - sum((each.filled for _, each in attempts), NONE), NONE)


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one trade. ``slippage``: what its fills cost more than planned, in money; negative where less."""

    symbol: str
    side: str
    planned: Decimal
    filled: Decimal
    price: Decimal
    average_price: Decimal | None
    slippage: Decimal
    residual: Decimal
    said: str

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, numbers as text."""
        average = None if self.average_price is None else f"{self.average_price:.9f}"
        return {
            "symbol": self.symbol, "side": self.side, "planned": f"{self.planned:f}", "filled": f"{self.filled:f}",
            "planned_price": f"{self.price:f}", "average_price": average, "slippage": f"{self.slippage:f}",
            "residual": f"{self.residual:f}", "said": self.said,
        }  # fmt: skip


def line(trade: Wanted, attempts: Sequence[Attempt], skipped: str | None) -> Line:
    """What became of a trade in all its attempts; ``skipped`` says why it had none."""
    states = [state for _, state in attempts]
    units = sum((state.filled for state in states), NONE)
    paid = sum((e.quantity * e.price for state in states for e in state.standing), NONE)
    bought = sum((e.quantity for state in states for e in state.standing), NONE)
    average = paid / bought if bought else None
    worse = NONE if average is None else (average - trade.price) * (1 if trade.side == "buy" else -1)
    said = skipped or (states[-1].status if states else "no order was made")
    if attempts and not skipped and attempts[0][0].quantity < trade.quantity:
        said = f"{said}, but only {attempts[0][0].quantity.normalize():f} could be ordered"
    slippage = (worse * units).quantize(_PLACES) + NONE  # never a negative zero
    return Line(
        trade.symbol, trade.side, trade.quantity, units, trade.price, average, slippage, trade.quantity - units, said
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Units of one security before the execution, what they would be by our fills, and what the broker holds after it."""

    symbol: str
    before: Decimal
    expected: Decimal
    held: Decimal

    @property
    def problem(self) -> str | None:
        """What a person must look at; null where the position is explained."""
        if self.held == self.expected:
            return None
        held, expected = self.held.normalize(), self.expected.normalize()
        return f"the broker holds {held:f} {self.symbol}, by our fills it would be {expected:f}"

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, numbers as text."""
        units = {"before": self.before, "expected": self.expected, "held": self.held}
        return {"symbol": self.symbol, **{name: f"{each:f}" for name, each in units.items()}}


def reconciled(
    before: Mapping[str, Decimal], after: Mapping[str, Decimal], lines: Iterable[Line]
) -> list[Reconciled]:
    """Positions of what was traded (units by symbol), against what they were before and our fills."""
    found = []
    for each in lines:
        was = before.get(each.symbol, NONE)
        expected = was + (each.filled if each.side == "buy" else -each.filled)
        found.append(Reconciled(each.symbol, was, expected, after.get(each.symbol, NONE)))
    return found


def outcome(
    lines: Sequence[Line], positions: Sequence[Reconciled], equity: Decimal, reason: str | None
) -> dict[str, Any]:
    """The detail of a plan's event ``finish``: trades, slippage, positions, and how much of the account stayed untraded.

    ``residual_drift`` is the untraded amount at planned prices as a share of ``equity``.
    """
    left = sum((abs(each.residual) * each.price for each in lines), NONE)
    return {
        "trades": [each.document for each in lines],
        "slippage": f"{sum((each.slippage for each in lines), NONE):f}",
        "residual": f"{left:.2f}",
        "residual_drift": f"{left / equity:.6f}" if equity > 0 else None,
        "positions": [each.document for each in positions],
        "problems": [each.problem for each in positions if each.problem],
        "stopped": reason,
    }
