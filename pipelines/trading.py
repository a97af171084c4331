"""Executing a plan of an installation, halting and resuming: what the commands and the job ``execution`` do.

What belongs here: finding the plan, its account's keys and its book, and the kill switch. What does not: the execution
itself (``executing``), or planning (``rebalancing``).
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl
import sqlalchemy as sa

from manna.books import Book
from manna.trading import alpaca
from manna.trading.execution import planned
from manna.trading.orders import Quote
from pipelines.executing import Execution, ExecutionError, Result
from pipelines.rebalancing import one_plan, void_if_moved, which_are_open
from pipelines.sending import Desk
from resources import orders, switches
from resources.broker import Broker
from resources.installation import Installation
from resources.providers import ProviderError, ProviderUnavailableError
from resources.trade_updates import trade_updates

_log = logging.getLogger("manna.orders")
_AMOUNT = pl.Decimal(38, 9)
_TRADES: dict[str, pl.DataType | type[pl.DataType]] = {
    "symbol": pl.String, "side": pl.String, "planned": _AMOUNT, "filled": _AMOUNT, "planned_price": _AMOUNT,
    "average_price": _AMOUNT, "slippage": _AMOUNT, "residual": _AMOUNT, "said": pl.String,
}  # fmt: skip
AUTOMATIC = "automatic mode"
"""In whose name a plan is approved that the book's file approves."""
POLL_SECONDS = 2.0
WAIT_SECONDS = 300.0
"""How long one execution follows its orders before it says that they are open still."""


def execute(
    manna: Installation,
    plan_id: str,
    by: str,
    *,
    wait_seconds: float = WAIT_SECONDS,
    approving: Callable[[Book, Mapping[str, Any], list[dict[str, Any]]], bool] | None = None,
) -> Result:
    """Executes an approved plan, or goes on with one that was begun.

    Args:
        manna: the installation.
        plan_id: the plan, or the beginning of its id.
        by: who executes it: a person's name, or ``executor``.
        wait_seconds: how long open orders are followed.
        approving: whether the book's file itself approves the plan, by its row and its life.

    Raises:
        ExecutionError: no such plan, or it may not be executed.
        PlanError: what it was made from has moved, by live quotes where the broker gives them: it is void from now on.
        LiveTradingError: the account is not a paper account, and a switch is off.
        BusyError: another executor works on this account.
    """
    with manna.ops.engine.connect() as connection:
        with connection.begin():
            row = orders.plan(connection, plan_id) if plan_id else None  # every id begins with nothing
        if row is None:
            what = f"there is no plan {plan_id!r}" if plan_id else "say which plan"
            raise ExecutionError(f"{what}; {which_are_open(manna)}")
        book = manna.books.get(row["book"])
        if book is None:
            raise ExecutionError(f"the book {row['book']} of plan {row['plan_id']} is not there any more")
        broker, keys = broker_of(manna, book, row["account_id"])
        url = manna.settings.trade_updates_url
        with (
            orders.only_executor(connection, row["account_id"]),
            trade_updates(url, *keys) as updates,
        ):
            if approving is not None:
                _approve(connection, manna, book, row, approving)
            if "pinned" in row["document"]:  # else nothing is written down that could have moved
                symbols = [trade.symbol for trade in planned(row).trades]
                void_if_moved(manna, one_plan(manna, row["plan_id"]), live_quotes(manna, keys, symbols))
            rounds = max(int(wait_seconds / POLL_SECONDS), 1)
            desk = Desk(connection, broker, updates, manna.settings.now, seconds=POLL_SECONDS, rounds=rounds)
            return Execution(connection, row, desk, book.trading, manna.settings.now, by).run()


def _approve(
    connection: sa.Connection,
    manna: Installation,
    book: Book,
    row: Mapping[str, Any],
    approving: Callable[[Book, Mapping[str, Any], list[dict[str, Any]]], bool],
) -> None:
    with connection.begin():
        orders.lock_plans(connection, book.id)
        if approving(book, row, orders.plan_events(connection, row["plan_id"])):
            orders.add_plan_event(
                connection, row, "approve", AUTOMATIC, manna.settings.now(), reason="targets: automatic: true"
            )


def broker_of(manna: Installation, book: Book, account_id: str) -> tuple[Broker, tuple[str, str]]:
    """The client for orders of an account of ``clean.accounts``, and its keys.

    Raises:
        ExecutionError: it is no account that can be traded, or its keys are another account's.
        LiveTradingError: see :func:`resources.broker.require_paper`.
    """
    accounts = manna.lake.read("clean.accounts", {"book": book.id}).filter(pl.col("account_id") == account_id)
    logins = {c["connection_id"]: c for c in manna.ops.live_connections(provider="alpaca", book=book.id)}
    login = logins.get(accounts["connection_id"][0]) if accounts.height else None
    if login is None:
        raise ExecutionError(
            f"account {account_id} is not one of a linked Alpaca login of {book.id}: `manna accounts list`"
        )
    token = manna.vault.open(login["token"])
    broker = manna.broker(book, token)
    shown = broker.account().get("id")
    if shown != login["external_id"]:
        raise ExecutionError(f"the keys of {account_id} are those of another account ({shown}): link it anew")
    key_id, _, secret = token.partition(":")
    return broker, (key_id, secret)


def live_quotes(manna: Installation, keys: tuple[str, str], symbols: Sequence[str]) -> dict[str, Quote]:
    """What the market bids and asks now, by symbol; nothing where these keys may not ask for it.

    Raises:
        ProviderUnavailableError: the broker does not answer.
    """
    try:
        answer = manna.alpaca(":".join(keys)).quotes(symbols)
    except ProviderUnavailableError:
        raise
    except ProviderError as error:
        _log.warning("no quotes, so the last closes count: %s", error)
        return {}
    found = {record.source_id: alpaca.quote(alpaca.decoded(record.payload)) for record in answer.records}
    return {symbol: quote for symbol, quote in found.items() if quote is not None}


def trades_frame(detail: Mapping[str, Any]) -> pl.DataFrame:
    """What became of each trade (:func:`manna.trading.execution.outcome`), numbers as decimals."""
    rows = [
        {
            name: Decimal(each[name]) if kind == _AMOUNT and each[name] is not None else each[name]
            for name, kind in _TRADES.items()
        }
        for each in detail["trades"]
    ]
    return pl.DataFrame(rows, schema=_TRADES)


def halt(manna: Installation, book: str | None, reason: str, by: str) -> None:
    """Halts trading of one book, or of all (None). When it returns, no order is on its way; open ones stay so."""
    _switch(manna, book, True, reason, by)


def resume(manna: Installation, book: str | None, reason: str, by: str) -> str | None:
    """Lets a book, or all, trade again; returns why it still may not (the other switch)."""
    _switch(manna, book, False, reason, by)
    if book is None:
        return None
    with manna.ops.engine.connect() as connection:
        return switches.halted(connection, book)


def cancel_open(manna: Installation, book: str | None) -> list[str]:
    """Asks for the cancellation of every order of ours that is open; one line each, also where that failed."""
    with manna.ops.engine.connect() as connection:
        found = orders.open_orders(connection, book)
    said = []
    for order, _ in found:
        words = f"{order.side} {order.quantity.normalize():f} {order.symbol} ({order.client_order_id})"
        try:
            broker, _ = broker_of(manna, manna.books[order.book], order.account_id)
            shown: Mapping[str, Any] | None = broker.find(order.client_order_id)
            if shown is not None:
                broker.cancel(str(shown["id"]))
            said.append(f"cancelled: {words}" if shown is not None else f"not at the broker: {words}")
        except Exception as error:  # noqa: BLE001  one order that cannot be cancelled must not keep the others open
            said.append(f"NOT cancelled: {words}: {error}")
    return said


def _switch(manna: Installation, book: str | None, is_halted: bool, reason: str, by: str) -> None:
    with manna.ops.engine.begin() as connection:
        switches.switch(connection, book, is_halted, reason, by, manna.settings.now())
