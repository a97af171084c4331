"""The clean tables, each from the raw tables of every provider that speaks of it.

What belongs here: which raw tables make which clean table, and how the parts meet. What does not: the
meaning of a provider's field (``plaid``, ``alpaca``).

Each function takes raw tables by address, all books together, and is deterministic: the state as known on
a past moment is the same function of the raw rows known by then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from manna.cleaning import alpaca, plaid
from manna.cleaning.decoding import Cleaned, Reader, both, identified, latest, latest_per_day, typed
from manna.contracts import CONTRACTS
from manna.contracts import clean as c
from manna.contracts.declaration import Contract
from manna.money import ledger_balance, ledger_sign

Raw = Mapping[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Context:
    """What payloads do not say: each book's time zone, each connection's institution."""

    zones: Mapping[str, str]
    institutions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cleaner:
    """How one clean table is made."""

    contract: Contract
    sources: tuple[str, ...]
    make: Callable[[Raw, Context], Cleaned]


def clean(address: str, raw: Raw, context: Context, as_known_on: datetime | None = None) -> Cleaned:
    """The clean table ``address`` as known on a moment (null: all that is known).

    Args:
        address: e.g. ``clean.transactions``.
        raw: the frames of its sources, by address.
        context: see :class:`Context`.
        as_known_on: only records with ``known_at`` up to this moment count.
    """
    if as_known_on is not None:
        raw = {name: frame.filter(pl.col("known_at") <= as_known_on) for name, frame in raw.items()}
    return CLEANERS[address].make(raw, context)


def _with_institution(raw: pl.DataFrame, context: Context) -> pl.DataFrame:
    return raw.with_columns(
        institution=pl.col("connection_id").replace_strict(
            dict(context.institutions), default="unknown institution", return_dtype=pl.String
        )
    )


def _with_account(raw: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Alpaca's records do not name their account; a connection has one."""
    owner = (
        latest(accounts)
        .select("connection_id", account_id="source_id")
        .unique("connection_id", keep="last", maintain_order=True)
    )
    return raw.join(owner, on="connection_id", how="left", maintain_order="left")


def _security_names(raw: Raw) -> dict[str, str]:
    """Plaid's security ids and ours."""
    named = identified(latest(raw["raw.plaid_securities"]), plaid.security_id)
    return dict(named.select("source_id", "ours").iter_rows())


def _knowing(read: Reader, **more: Any) -> Reader:
    """``read`` with more columns in its row."""
    return lambda payload, row: read(payload, {**row, **more})


def accounts(raw: Raw, context: Context) -> Cleaned:
    """``clean.accounts``: an account that vanished from its login stays, with its history."""
    return both(
        c.ACCOUNTS,
        typed(c.ACCOUNTS, _with_institution(latest(raw["raw.plaid_accounts"]), context), plaid.account),
        typed(c.ACCOUNTS, latest(raw["raw.alpaca_account"]), alpaca.account),
    )


def balances(raw: Raw, context: Context) -> Cleaned:
    """``clean.balances``: what is owed on cards and loans becomes negative."""
    told = latest_per_day(raw["raw.plaid_accounts"], context.zones).filter(~pl.col("removed"))
    types = accounts(raw, context).rows.select("account_id", "type")
    part = typed(c.BALANCES, told, plaid.balance, types["account_id"])
    owed = part.rows.join(types, on="account_id", how="left", maintain_order="left").with_columns(
        ledger_balance(pl.col("current"), pl.col("type"))
    )
    broker = latest_per_day(raw["raw.alpaca_account"], context.zones).filter(~pl.col("removed"))
    return both(
        c.BALANCES,
        Cleaned(c.BALANCES.conform(owed), part.quarantined, part.received),
        typed(c.BALANCES, broker, alpaca.balance, types["account_id"]),
    )


def transactions(raw: Raw, context: Context) -> Cleaned:
    """``clean.transactions``: current state of every row, removed ones as tombstones."""
    known = accounts(raw, context).rows["account_id"]
    return _turned(
        typed(c.TRANSACTIONS, latest(raw["raw.plaid_transactions"], context.zones), plaid.transaction, known)
    )


def _turned(part: Cleaned) -> Cleaned:
    """Plaid's signs become the ledger's."""
    return Cleaned(
        part.rows.with_columns(ledger_sign(pl.col("amount")).alias("amount")), part.quarantined, part.received
    )


def securities(raw: Raw, context: Context) -> Cleaned:
    """``clean.securities``: one row per symbol, however many brokers hold it; the last word counts."""
    # The same security comes through several logins.
    told = identified(latest(raw["raw.plaid_securities"]), plaid.security_id)
    told = told.unique("ours", keep="last", maintain_order=True)
    parts = both(
        c.SECURITIES,
        typed(c.SECURITIES, latest(raw["raw.alpaca_assets"]), alpaca.security),
        typed(c.SECURITIES, told, plaid.security),
    )
    # Plaid knows types and names better than Alpaca does, so its rows come last and win.
    rows = parts.rows.unique("security_id", keep="last", maintain_order=True)
    said_twice = parts.rows.height - rows.height
    return Cleaned(rows, parts.quarantined, parts.received - said_twice)


def holdings(raw: Raw, context: Context) -> Cleaned:
    """``clean.holdings``: per day told; Alpaca's cash stands beside its positions, as Plaid's does."""
    told = latest_per_day(raw["raw.plaid_holdings"], context.zones)
    positions = _with_account(
        latest_per_day(raw["raw.alpaca_positions"], context.zones), raw["raw.alpaca_account"]
    )
    money = latest_per_day(raw["raw.alpaca_account"], context.zones).filter(~pl.col("removed"))
    known = accounts(raw, context).rows["account_id"]
    return both(
        c.HOLDINGS,
        typed(c.HOLDINGS, told, _knowing(plaid.holding, names=_security_names(raw)), known),
        typed(c.HOLDINGS, positions, alpaca.position, known),
        typed(c.HOLDINGS, money, alpaca.cash, known),
    )


def trades(raw: Raw, context: Context) -> Cleaned:
    """``clean.trades``: investment transactions of Plaid and activities of Alpaca."""
    known = accounts(raw, context).rows["account_id"]
    told = latest(raw["raw.plaid_investment_transactions"], context.zones)
    activities = _with_account(latest(raw["raw.alpaca_activities"], context.zones), raw["raw.alpaca_account"])
    return both(
        c.TRADES,
        _turned(typed(c.TRADES, told, _knowing(plaid.trade, names=_security_names(raw)), known)),
        typed(c.TRADES, activities, alpaca.activity, known),
    )


def liabilities(raw: Raw, context: Context) -> Cleaned:
    """``clean.liabilities``: latest known terms."""
    known = accounts(raw, context).rows["account_id"]
    return typed(c.LIABILITIES, latest(raw["raw.plaid_liabilities"]), plaid.liability, known)


def orders(raw: Raw, context: Context) -> Cleaned:
    """``clean.orders``: the broker's view of every order."""
    records = _with_account(latest(raw["raw.alpaca_orders"]), raw["raw.alpaca_account"])
    return typed(c.ORDERS, records, alpaca.order, accounts(raw, context).rows["account_id"])


def bars(raw: Raw, context: Context) -> Cleaned:
    """``clean.bars``: raw daily prices; a corrected bar replaces the former."""
    return typed(c.BARS, latest(raw["raw.alpaca_bars"]), alpaca.bar)


def corporate_actions(raw: Raw, context: Context) -> Cleaned:
    """``clean.corporate_actions``."""
    return typed(c.CORPORATE_ACTIONS, latest(raw["raw.alpaca_corporate_actions"]), alpaca.corporate_action)


def _cleaner(make: Callable[[Raw, Context], Cleaned], *sources: str) -> Cleaner:
    return Cleaner(CONTRACTS[f"clean.{make.__name__}"], tuple(f"raw.{name}" for name in sources), make)


_ACCOUNTS = ("plaid_accounts", "alpaca_account")

CLEANERS: dict[str, Cleaner] = {
    cleaner.contract.address: cleaner
    for cleaner in (
        _cleaner(accounts, *_ACCOUNTS),
        _cleaner(balances, *_ACCOUNTS),
        _cleaner(transactions, "plaid_transactions", *_ACCOUNTS),
        _cleaner(securities, "plaid_securities", "alpaca_assets"),
        _cleaner(holdings, "plaid_holdings", "plaid_securities", "alpaca_positions", *_ACCOUNTS),
        _cleaner(
            trades, "plaid_investment_transactions", "plaid_securities", "alpaca_activities", *_ACCOUNTS
        ),
        _cleaner(liabilities, "plaid_liabilities", *_ACCOUNTS),
        _cleaner(orders, "alpaca_orders", *_ACCOUNTS),
        _cleaner(bars, "alpaca_bars"),
        _cleaner(corporate_actions, "alpaca_corporate_actions"),
    )
}
"""Every clean table but the quarantine, which all of them fill."""
