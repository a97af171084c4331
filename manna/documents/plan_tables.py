"""A plan and what came of it as Markdown, for Dagster's UI: what a person approves or has executed there.

What belongs here: these tables. What does not: what is in them (``manna.rebalancing``, ``manna.trading``), or how a plan
looks on a terminal (``pipelines.plan_view``).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from manna.documents.markdown import plain, table
from manna.rebalancing.plan_document import PlanDocument


def plan_markdown(plan: PlanDocument) -> str:
    """Its trades with amounts, tax and reasons, what they lead to, and until when it is good."""
    trades = [
        (each.side, each.symbol, _units(each.quantity), _price(each.price), f"{each.notional:,.2f}", f"{each.tax:,.2f}", each.reason)
        for each in plan.trades
    ]  # fmt: skip
    weights = [
        (each.name, *(f"{share * 100:.1f} %" for share in (each.before, each.after, each.target)))
        for each in plan.weights
        if each.before or each.after or each.target
    ]
    said = (
        f"Plan `{plan.plan_id}` of {plain(plan.book)}, good until {plan.expires_at:%Y-%m-%d %H:%M} UTC, "
        f"{plan.approvals} approval{'s' if plan.approvals > 1 else ''} wanted. "
        f"Expected tax {plan.tax:,.2f} {plan.currency}, costs {plan.costs:,.2f}."
    )
    parts = [said, table(("Side", "Security", "Units", "Price", plan.currency, "Tax", "Why"), trades)]
    parts.append(table(("Part", "Before", "After", "Target"), weights))
    parts += [f"- {plain(line)}" for line in (*plan.unmet, *plan.notes)]
    return "\n\n".join(parts)


def outcome_markdown(outcome: Mapping[str, Any]) -> str:
    """What became of each trade, with slippage and what a person has to look at."""
    trades = [
        (
            each["side"], each["symbol"], _units(Decimal(each["planned"])), _units(Decimal(each["filled"])),
            _price(Decimal(each["planned_price"])), each["average_price"] and _price(Decimal(each["average_price"])), each["slippage"], each["said"],
        )
        for each in outcome["trades"]
    ]  # fmt: skip
    header = ("Side", "Security", "Planned", "Filled", "Price", "Average", "Slippage", "")
    said = f"Slippage {outcome['slippage']}, untraded {outcome['residual']}."
    problems = [f"- look at this: {plain(each)}" for each in outcome["problems"]]
    return "\n\n".join([table(header, trades), said, *problems])


def _units(units: Decimal) -> str:
    return f"{units.normalize():,f}"


def _price(price: Decimal) -> str:
    """With the cents at least, and no more than it has."""
    return max(f"{price:,.2f}", f"{price.normalize():,f}", key=len)
