"""Executing an approved plan: sells, then buys with what is there, then what became of it.

What belongs here: the order of things, what stops them, and the outcome. What does not: one order's way (``sending``),
any rule of sizes and states (``manna.trading``), or the commands (``pipelines.cli.trading``).

Nothing is remembered in this process: after a crash, whenever it came, the next execution reads ``ops`` and asks the
broker. Every write is a transaction of its own, before the call it announces or after the answer it records.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from manna.trading import alpaca
from manna.trading.execution import ApprovedPlan, line, outcome, planned, reconciled, refusal, still_wanted
from manna.trading.orders import NONE, Order, client_order_id
from manna.trading.settings import Trading, order_limit
from manna.trading.sizing import Wanted, affordable, budget, limit_price, units
from pipelines.account_stops import account_stops
from pipelines.sending import Desk
from resources import audit, orders, switches
from resources.providers import ProviderUnavailableError

CLOCKS = timedelta(hours=1)
"""How far the broker's clock may be from ours."""
UNDONE = "run `manna rebalance execute {}` again to go on"


class ExecutionError(Exception):
    """A plan cannot be executed. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class Result:
    """``finished``: the plan is over, whatever came of it; else ``reason`` says why it stopped, and it can go on later."""

    plan_id: str
    finished: bool
    reason: str | None
    detail: Mapping[str, Any]


@dataclass(slots=True)
class Execution:
    """One execution of one plan, on the connection that holds its lock."""

    connection: sa.Connection
    row: Mapping[str, Any]
    desk: Desk
    trading: Trading
    now: Callable[[], datetime]
    by: str
    made: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)
    before: dict[str, Decimal] = field(default_factory=dict)
    stopped: str | None = None

    @property
    def plan(self) -> ApprovedPlan:
        """The plan."""
        return planned(self.row)

    def run(self) -> Result:
        """Executes the plan as far as it goes.

        Raises:
            ExecutionError: it may not be executed and never was, so that there is nothing to report.
            ContradictionError: the broker tells what cannot be; nothing more is sent.
        """
        try:
            self._begin()
            self._recover()
            for side in ("sell", "buy"):
                reason = self._trade(side)
                if reason is not None:
                    return self._stop(reason)
            return self._finish(None) if self.stopped is None else self._stop(self.stopped)
        except ProviderUnavailableError as error:
            return self._paused(str(error))

    # -- before anything is sent --------------------------------------------------------------------

    def _begin(self) -> None:
        """Writes down that execution has begun and what is held, unless that was done before."""
        with self.connection.begin():
            events = orders.plan_events(self.connection, self.row["plan_id"])
        begun = next((event for event in events if event["action"] == "execute"), None)
        over = next((event for event in events if event["action"] == "finish"), None)
        why = self._refusal()
        if over is not None or (begun is None and why is not None):
            raise ExecutionError(f"plan {self.row['plan_id']} {why}")
        if begun is None:
            held = {p["symbol"]: str(p["qty"]) for p in self.desk.broker.positions()}
            with self.connection.begin():
                # Nobody cancels it, or makes it void, between this look and the event.
                orders.lock_plans(self.connection, self.plan.book)
                events, at = orders.plan_events(self.connection, self.plan.plan_id), self.now()
                why = refusal(self.plan, events, at)
                if why is not None:
                    raise ExecutionError(f"plan {self.plan.plan_id} {why}")
                orders.add_plan_event(
                    self.connection, self.row, "execute", self.by, at, detail={"positions": held}
                )
            begun = {"detail": {"positions": held}, "known_at": at}
        self.before = {symbol: Decimal(quantity) for symbol, quantity in begun["detail"]["positions"].items()}
        self.desk.load(self.row["plan_id"], begun["known_at"] - CLOCKS)

    def _recover(self) -> None:
        """Asks what became of every order that may have been sent."""
        self.desk.poll()
        for name, state in list(self.desk.states.items()):
            if state.next_step == "look_up":
                found = self.desk.broker.find(name)
                if found is not None:
                    self.desk.told(name, found)

    def _refusal(self) -> str | None:
        with self.connection.begin():
            events = orders.plan_events(self.connection, self.row["plan_id"])
        return refusal(self.plan, events, self.now())

    def _may_send(self) -> str | None:
        """Asked before every sending: the switch, the plan's life, the market's hours."""
        with self.connection.begin():
            halted = switches.halted(self.connection, self.plan.book)
        if halted is not None:
            return halted
        why = self._refusal()
        if why is not None:
            return f"the plan {why}"
        clock = self.desk.broker.clock()
        return (
            None if clock.get("is_open") is True else f"the market is closed until {clock.get('next_open')}"
        )

    def _keeps_waiting(self) -> str | None:
        """Asked while orders are followed: only what makes waiting useless stops it."""
        with self.connection.begin():
            halted = switches.halted(self.connection, self.plan.book)
        return halted or (f"the plan {why}" if (why := self._refusal()) else None)

    # -- sells, then buys ---------------------------------------------------------------------------

    def _trade(self, side: str) -> str | None:
        """Makes, sends and follows the orders of one side; why it stopped before they were over."""
        trades = [trade for trade in self.plan.trades if trade.side == side]
        if not trades:
            return None
        if any(still_wanted(trade, self.desk.attempts(trade.symbol), self.made) for trade in trades):
            reason = (
                self._may_send()
                or account_stops(self.desk.broker, self.trading)
                or self._clear_the_way(trades)
            )
            if reason is not None:
                return reason
            self._make(trades)
        names = [o.client_order_id for trade in trades for o, _ in self.desk.attempts(trade.symbol)]
        for name in names:
            reason = self.desk.send(name, self._may_send)
            if reason is not None:
                return reason
        left, reason = self.desk.follow(names, self._keeps_waiting)
        return reason if left else None

    def _clear_the_way(self, trades: Iterable[Wanted]) -> str | None:
        """Cancels others' open orders of the opposite side; of a symbol with one of the same side nothing is ordered."""
        wanted, cancelled = {trade.symbol: trade.side for trade in trades}, set()
        for payload in self.desk.broker.open_orders():
            other = alpaca.order(payload)
            if other.client_order_id in self.desk.states or other.symbol not in wanted:
                continue
            if other.side == wanted[other.symbol]:
                self.skipped[other.symbol] = f"another {other.side} order of {other.symbol} is open already"
                continue
            with self.connection.begin():
                audit.append(
                    self.connection, at=self.now(), book=self.plan.book, actor=self.by, action="cancel",
                    subject=other.client_order_id, detail={"plan": self.plan.plan_id, "symbol": other.symbol},
                )  # fmt: skip
            self.desk.broker.cancel(other.told.broker_order_id)
            cancelled.add(other.told.broker_order_id)
        return self.desk.gone(cancelled)

    def _make(self, trades: list[Wanted]) -> None:
        """Writes down the orders of one side: all of them before any is sent."""
        wanted, fractions = [], []
        account_takes = not self.plan.whole_shares and self.desk.broker.takes_fractions()
        held = {p["symbol"]: Decimal(p.get("qty_available", p["qty"])) for p in self.desk.broker.positions()}
        for trade in trades:
            quantity = still_wanted(trade, self.desk.attempts(trade.symbol), self.made)
            if not quantity or trade.symbol in self.skipped:
                continue
            asset = self.desk.broker.asset(trade.symbol)
            if asset is None or asset.get("tradable") is not True or asset.get("status") != "active":
                self.skipped[trade.symbol] = f"{trade.symbol} is not tradable at the broker now"
                continue
            fractions.append(account_takes and asset.get("fractionable") is True)
            if trade.side == "sell":
                quantity = units(min(quantity, held.get(trade.symbol, NONE)), fractional=fractions[-1])
            wanted.append(Wanted(trade.symbol, trade.side, quantity, trade.price))
        if wanted and wanted[0].side == "buy":
            limits = [limit_price(each.price, "buy", self.plan.collar) for each in wanted]
            wanted = list(affordable(wanted, limits, self._money(), fractions))
        for trade in trades:
            if trade.symbol not in self.skipped and trade.symbol not in {
                w.symbol for w in wanted if w.quantity
            }:
                self.skipped.setdefault(trade.symbol, _nothing(trade))
        self.desk.make(self._within_limits([each for each in wanted if each.quantity]))

    def _money(self) -> Decimal:
        """What buys may cost now: our own that are not filled yet count as open wherever they are."""
        account = alpaca.account(self.desk.broker.account())
        shown = [alpaca.order(payload) for payload in self.desk.broker.open_orders()]
        unsent = [
            self.desk.orders[name].amount
            for name, state in self.desk.states.items()
            if state.next_step in ("send", "look_up") and self.desk.orders[name].side == "buy"
        ]
        claims = [order.left_cost or NONE for order in shown if order.side == "buy"]
        return budget(account.cash, account.non_marginable, [*claims, *unsent])

    def _within_limits(self, wanted: Iterable[Wanted]) -> list[Order]:
        """Orders, as many as the book's limits allow today; what is beyond stops the execution afterwards."""
        day = alpaca.moment(str(self.desk.broker.clock()["timestamp"])).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        with self.connection.begin():
            count, amount = orders.made_since(self.connection, self.plan.book, day)
        made: list[Order] = []
        for each in wanted:
            attempt = len(self.desk.attempts(each.symbol))
            name = client_order_id(self.plan.plan_id, each.symbol, attempt)
            limit = limit_price(each.price, each.side, self.plan.collar)
            order = Order(
                name, self.plan.plan_id, self.plan.book, self.plan.account_id, each.symbol, each.side, attempt,
                each.quantity, limit,
            )  # fmt: skip
            broken = order_limit(self.trading, count, amount, order.amount)
            if broken is not None:
                self.stopped = self.skipped[each.symbol] = f"{each.symbol}: {broken}"
                continue
            made.append(order)
            count, amount = count + 1, amount + order.amount
        self.made |= {order.client_order_id for order in made}
        return made

    # -- the end ------------------------------------------------------------------------------------

    def _stop(self, reason: str) -> Result:
        """Ends for a reason: for good where the plan is not to be executed any more, else until later."""
        if self._refusal() is None:
            return self._paused(reason)
        for name in self.desk.states:
            self.desk.give_up(name)
        self.desk.cancel(list(self.desk.states))
        waiting = [
            name for name, state in self.desk.states.items() if state.next_step not in ("over", "send")
        ]
        left, still = self.desk.follow(waiting, lambda: None) if waiting else ([], None)
        return self._paused(f"{reason}; {still}") if left else self._finish(reason)

    def _paused(self, reason: str) -> Result:
        lines = [line(t, self.desk.attempts(t.symbol), self.skipped.get(t.symbol)) for t in self.plan.trades]
        return Result(self.plan.plan_id, False, reason, outcome(lines, [], NONE, reason))

    def _finish(self, reason: str | None) -> Result:
        """Compares positions with fills, and writes the outcome down."""
        if self.desk.orders:
            self.desk.collect()
        lines = [line(t, self.desk.attempts(t.symbol), self.skipped.get(t.symbol)) for t in self.plan.trades]
        held = {p["symbol"]: Decimal(str(p["qty"])) for p in self.desk.broker.positions()}
        equity = alpaca.account(self.desk.broker.account()).equity
        detail = outcome(lines, reconciled(self.before, held, lines), equity, reason)
        with self.connection.begin():
            orders.add_plan_event(
                self.connection, self.row, "finish", self.by, self.now(), reason=reason, detail=detail
            )
        return Result(self.plan.plan_id, True, reason, detail)


def _nothing(trade: Wanted) -> str:
    if trade.side == "sell":
        return f"nothing of {trade.symbol} is there to sell"
    return f"there is no money left for {trade.symbol}"
