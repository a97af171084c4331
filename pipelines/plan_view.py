"""A plan on a terminal: what is sold from which lots, what is bought, what it costs in tax, why, and what came of it.

What belongs here: how a plan is laid out. What does not: what is in it (``manna.rebalancing.plan_document``,
``manna.trading.execution``).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from manna.rebalancing.plan_document import SELL, PlanDocument, PlannedLot, PlannedTrade, PlannedWeight
from manna.rebalancing.standing import OPEN, State, came_to
from pipelines.terminal import Fitting, grid, printable

_ID = 12
"""Characters by which an id is known."""
_FEW = 6
"""More lots than these are summed up by term."""
_COLOURS = {"approved": "green", "finished": "green", "proposed": "yellow", "executing": "yellow"}


def plan_on_terminal(
    plan: PlanDocument,
    state: State | None = None,
    outcome: Mapping[str, Any] | None = None,
    *,
    every_lot: bool = False,
) -> RenderableType:
    """The plan for people; ``state``: how it stands, of one that was written down; ``outcome``: of one that is finished.

    Of a sale that takes many lots the sums by term are shown, unless ``every_lot`` is asked for.
    """
    parts: list[RenderableType] = [_heading(plan, state), Text("")]
    for side, words in ((SELL, "Sell"), ("buy", "Buy")):
        trades = [trade for trade in plan.trades if trade.side == side]
        if trades:
            title = f"{words} for {_money(plan.amount(side))} {plan.currency}"
            parts += [Text(title, style="bold"), _indented(_trades(trades, every_lot=every_lot)), Text("")]
    if outcome is not None:
        parts += [Text("What came of it", style="bold"), _indented(_outcome(plan, outcome)), Text("")]
    parts += [Text("Weights", style="bold"), _indented(_weights(plan, outcome)), Text("")]
    parts += [Text("What it comes to", style="bold"), _indented(_sums(plan))]
    for title, lines, style in (("What stays outside", plan.unmet, "yellow"), ("Notes", plan.notes, "")):
        if lines:
            said = [_indented(Text(f"- {printable(line)}", style=style)) for line in lines]
            parts += [Text(""), Text(title, style="bold"), *said]
    if state is not None and state.status in OPEN:
        parts += [Text(""), Text(_next_step(plan, state), style="dim")]
    return Group(*parts)


def _heading(plan: PlanDocument, state: State | None) -> RenderableType:
    if state is None:
        return Text(f"What would be traded on {plan.planned_on}", style="bold")
    title = Text(f"Plan {plan.plan_id[:12]} of {plan.book}: ", style="bold")
    title.append(state.status, style=_COLOURS.get(state.status, "red"))
    facts = grid("", "")
    facts.show_header = False
    void_if = f"a price moves by more than {plan.collar * 100:.1f} %, or anything else it was made from"
    names = f" ({', '.join(state.approved_by)})" if state.approved_by else ""
    for name, said in (
        ("Account", f"{plan.institution} {plan.account_id[:_ID]}"),
        ("Made", f"{plan.created_at:%Y-%m-%d %H:%M} UTC, good until {plan.expires_at:%Y-%m-%d %H:%M} UTC"),
        ("Approvals", f"{len(state.approved_by)} of {plan.approvals}{names}"),
        *((("Void if", void_if),) if state.status in OPEN else ()),
        *((("Reason", state.reason),) if state.reason else ()),
    ):
        facts.add_row(Text(name, style="dim"), Text(printable(said)))
    return Group(title, facts)


def _trades(trades: list[PlannedTrade], *, every_lot: bool) -> RenderableType:
    sells = trades[0].side == SELL
    gains = (">Gain", "Term", ">Tax") if sells else ()
    table = grid("Security", ">Units", ">Price", ">Amount", *gains)
    for trade in trades:
        figures = [_units(trade.quantity), _price(trade.price), _money(trade.notional)]
        if sells:
            figures += [_signed(trade.gain), "", _signed(trade.tax)]
        table.add_row(Text(printable(trade.symbol), style="bold"), *map(_number, figures))
        few = every_lot or len(trade.lots) <= _FEW
        for line in map(_lot, trade.lots) if few else _by_term(trade.lots):
            table.add_row(*line)
    reasons = [Text(f"{printable(trade.symbol)}: {printable(trade.reason)}", style="dim") for trade in trades]
    return Group(Fitting(table, titled=True), *reasons)


def _by_term(lots: Sequence[PlannedLot]) -> list[list[Text]]:
    """The lots of each term as one line."""
    found = []
    for term in sorted({lot.term for lot in lots}):
        of = [lot for lot in lots if lot.term == term]
        days = [lot.held_since for lot in of if lot.held_since]
        since = f" of {min(days)} to {max(days)}" if days else ""
        gains, taxes = (
            [lot.gain for lot in of if lot.gain is not None],
            [lot.tax for lot in of if lot.tax is not None],
        )
        known = len(gains) == len(of)
        figures = (
            _units(sum((lot.quantity for lot in of), Decimal(0))),
            "",
            _money(sum((lot.proceeds for lot in of), Decimal(0))),
            _signed(sum(gains, Decimal(0))) if known else "unknown",
        )
        tax = _signed(sum(taxes, Decimal(0))) if known else "unknown"
        name = Text(f"  {len(of)} lots{since}", style="dim")
        found.append([name, *map(_number, figures), Text(term), _number(tax)])
    return found


def _lot(lot: PlannedLot) -> list[Text]:
    gain, tax = (
        ("unknown", "unknown")
        if lot.gain is None or lot.tax is None
        else (_signed(lot.gain), _signed(lot.tax))
    )
    name = Text(f"  lot of {lot.held_since or 'unknown day'}", style="dim")
    return [
        name,
        *map(_number, (_units(lot.quantity), "", _money(lot.proceeds), gain)),
        Text(lot.term),
        _number(tax),
    ]


def _outcome(plan: PlanDocument, outcome: Mapping[str, Any]) -> RenderableType:
    """Each trade's fills and slippage, what stayed untraded, and whether the broker holds what the fills make."""
    table = grid("Security", "Side", ">Planned", ">Filled", ">Price", ">Average", ">Slippage", "")
    for line in outcome["trades"]:
        average = line["average_price"]
        figures = (
            _units(Decimal(line["planned"])),
            _units(Decimal(line["filled"])),
            _price(Decimal(line["planned_price"])),
            "" if average is None else _price(Decimal(average)),
            _signed(Decimal(line["slippage"])),
        )
        said = Text(printable(line["said"]), style="" if line["said"] == "filled" else "yellow")
        table.add_row(Text(printable(line["symbol"]), style="bold"), Text(line["side"]), *map(_number, figures), said)  # fmt: skip
    share = outcome["residual_drift"]
    words = [
        f"Slippage {_signed(Decimal(outcome['slippage']))} {plan.currency} (negative: better than planned)",
        f"Untraded {_money(Decimal(outcome['residual']))} {plan.currency}"
        + ("" if share is None else f", {_percent(Decimal(share))} of the account"),
    ]
    if outcome["stopped"]:
        words.append(f"It ended early: {outcome['stopped']}")
    problems = [Text(f"look at this: {printable(each)}", style="yellow") for each in outcome["problems"]]
    agreed = [] if problems else [Text("The broker holds what the fills make.", style="dim")]
    return Group(Fitting(table, titled=True), *(Text(printable(each), style="dim") for each in words), *problems, *agreed)  # fmt: skip


def _weights(plan: PlanDocument, outcome: Mapping[str, Any] | None) -> RenderableType:
    reached = {} if outcome is None else came_to(plan, outcome)
    table = grid("Part", ">Before", ">Planned" if reached else ">After", *([">Came to"] if reached else []), ">Target", "Band", "")  # fmt: skip
    for weight in plan.weights:
        if not (weight.before or weight.after or weight.target):
            continue
        depth, ended = weight.name.count("/"), reached.get(weight.name, weight.after)
        name = "  " * depth + weight.name.rpartition("/")[2]
        shares = (weight.before, weight.after, *([ended] if reached else []), weight.target)
        table.add_row(
            Text(printable(name), style="bold" if weight.sleeve else ""),
            *(_number(_percent(share)) for share in shares),
            Text(f"{_percent(max(weight.low, Decimal(0)))} to {_percent(weight.high)}", style="dim"),
            _where(weight, ended),
        )
    return Fitting(table, titled=True)


def _where(weight: PlannedWeight, ended: Decimal) -> Text:
    before, after = (weight.low <= share <= weight.high for share in (weight.before, ended))
    if after:
        return Text("inside" if before else "inside again", style="dim" if before else "green")
    return Text("still outside" if not before else "outside", style="yellow")


def _sums(plan: PlanDocument) -> RenderableType:
    table = grid("", ">")
    table.show_header = False
    tax = "Expected tax" if plan.tax >= 0 else "Expected tax (saved)"
    for name, amount in (
        ("Worth of the managed accounts", plan.worth),
        (tax, plan.tax),
        ("Costs of trading", plan.costs),
        ("Cash afterwards", plan.cash_after),
    ):
        table.add_row(Text(name), _number(f"{_signed(amount)} {plan.currency}"))
    if plan.score == plan.plain_score:
        return table
    said = f"The {plan.made_by}'s trades score {plan.score:,.2f}, those of the plain planner {plan.plain_score:,.2f}: less is better"
    return Group(table, Text(said, style="dim"))


def _next_step(plan: PlanDocument, state: State) -> str:
    short = plan.plan_id[:12]
    if state.status == "approved":
        return f"To stop it: manna rebalance cancel {short} --reason TEXT"
    return f"To approve it: manna rebalance approve {short} --by NAME"


def _indented(content: RenderableType) -> Padding:
    return Padding(content, (0, 0, 0, 2))


def _number(text: str) -> Text:
    return Text(text, style="red" if text.startswith("-") else "yellow" if text == "unknown" else "")


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _signed(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _price(price: Decimal) -> str:
    plain = f"{price.normalize():,f}"
    return plain if len(plain.partition(".")[2]) > 2 else f"{price:,.2f}"


def _units(units: Decimal) -> str:
    return f"{units.normalize():,f}"


def _percent(share: Decimal) -> str:
    return f"{share * 100:.1f} %"
