"""The clean tables, each from the raw tables of every provider that speaks of it.

What belongs here: which raw tables make which clean table, and how the parts meet. What does not: the
meaning of a provider's field (``plaid``, ``alpaca``).

Each function takes raw tables by address, all books together, and is deterministic: the state as known on
a past moment is the same function of the raw rows known by then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from manna.cleaning import activities, alpaca, market, plaid
from manna.cleaning.accounts import (
    account_questions,
    accounts,
    each_account,
    of_the_latest_login,
    taken,
    who_is_who,
    with_rows,
)
from manna.cleaning.context import Context, Raw, known_by
from manna.cleaning.coverage import SOURCES as HEARD
from manna.cleaning.coverage import coverage, pasts_in_full, without_rows_yet
from manna.cleaning.decoding import Cleaned, Reader, both, identified, latest, latest_per_day, typed
from manna.cleaning.identity import Identities
from manna.cleaning.relinking import relinked_trades, relinked_transactions
from manna.cleaning.reversals import latest_activities
from manna.cleaning.snapshots import from_the_latest_login, given_up
from manna.contracts import CONTRACTS
from manna.contracts import clean as c
from manna.contracts import market as m
from manna.contracts.declaration import Contract
from manna.facts import MARGIN
from manna.money import ledger_balance, ledger_sign


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
        as_known_on: only facts known up to this moment count, people's decisions among them. The table is
            then the same, by its content hash, as the one that was made at that moment.
    """
    if as_known_on is not None:
        raw, context = known_by(as_known_on, raw, context)
    return CLEANERS[address].make(raw, context)


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


def balances(raw: Raw, context: Context) -> Cleaned:
    """``clean.balances``: what is owed on cards and loans becomes negative."""
    # That an account vanished in the evening does not take back what was said of it in the morning.
    told = latest_per_day(raw["raw.plaid_accounts"].filter(pl.col("change") != "removed"), context.zones)
    types = each_account(raw, context).rows.select("account_id", "type", "connection_id")
    part = typed(c.BALANCES, told, plaid.balance, types["account_id"])
    owed = part.rows.join(types, on="account_id", how="left", maintain_order="left").with_columns(
        ledger_balance(pl.col("current"), pl.col("type"))
    )
    rows, who = c.BALANCES.conform(without_rows_yet(owed, raw, context)), who_is_who(raw, context)
    broker = latest_per_day(raw["raw.alpaca_account"], context.zones).filter(~pl.col("removed"))
    return both(
        c.BALANCES,
        with_rows(part, from_the_latest_login(rows, who) if who.chains else rows),
        typed(c.BALANCES, broker, alpaca.balance, types["account_id"]),
    )


def transactions(raw: Raw, context: Context) -> Cleaned:
    """``clean.transactions``: current state of every row, removed ones as tombstones."""
    told, known = raw["raw.plaid_transactions"], taken(raw, context)
    part = _turned(typed(c.TRANSACTIONS, latest(told, context.zones), plaid.transaction, known))
    who = who_is_who(raw, context)
    if not who.chains:
        return part
    first = _turned(typed(c.TRANSACTIONS, _first_said(told, raw, who), plaid.transaction))
    pasts = pasts_in_full(raw, "raw.plaid_transactions", context)
    return with_rows(part, relinked_transactions(part.rows, first.rows, who, pasts))


def _first_said(told: pl.DataFrame, raw: Raw, who: Identities) -> pl.DataFrame:
    """The first record per source id of the logins whose accounts are continued, or continue one."""
    listed = raw["raw.plaid_accounts"].filter(pl.col("source_id").is_in(list(who.ranks)))
    ordered = told.filter(pl.col("change") != "removed").sort("known_at", "batch_id", "seq")
    return (
        ordered.join(listed.select("connection_id").unique(), on="connection_id", how="semi")
        .unique("source_id", keep="first", maintain_order=True)
        .with_columns(removed=False, removed_on=None, first_known_on=pl.col("known_at").dt.date())
    )


def _turned(part: Cleaned) -> Cleaned:
    """Plaid's signs become the ledger's."""
    return Cleaned(
        part.rows.with_columns(ledger_sign(pl.col("amount")).alias("amount")), part.quarantined, part.received
    )


def securities(raw: Raw, context: Context) -> Cleaned:
    """``clean.securities``: one row per symbol, however many brokers hold it, one for Alpaca's
    cash and one per currency of margin loans; the last word counts."""
    loans = raw["raw.plaid_holdings"].filter(pl.col("source_id").str.starts_with(MARGIN))
    # The same security comes through several logins.
    told = identified(latest(raw["raw.plaid_securities"]), plaid.security_id)
    told = told.unique("ours", keep="last", maintain_order=True)
    parts = both(
        c.SECURITIES,
        typed(c.SECURITIES, latest(raw["raw.alpaca_account"]), alpaca.money),
        typed(c.SECURITIES, latest(loans), plaid.margin_security),
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
    known, who = taken(raw, context), who_is_who(raw, context)
    part = typed(c.HOLDINGS, told, _knowing(plaid.holding, names=_security_names(raw)), known)
    if who.chains:
        counting = from_the_latest_login(part.rows, who)
        part = with_rows(part, pl.concat([counting, given_up(part.rows, counting, who)]))
    return both(
        c.HOLDINGS,
        part,
        typed(c.HOLDINGS, positions, alpaca.position, known),
        typed(c.HOLDINGS, money, alpaca.cash, known),
    )


def trades(raw: Raw, context: Context) -> Cleaned:
    """``clean.trades``: investment transactions of Plaid and activities of Alpaca."""
    told, known = raw["raw.plaid_investment_transactions"], taken(raw, context)
    who, read = who_is_who(raw, context), _knowing(plaid.trade, names=_security_names(raw))
    part = _turned(typed(c.TRADES, latest(told, context.zones), read, known))
    if who.chains:
        first = _turned(typed(c.TRADES, _first_said(told, raw, who), read))
        pasts = pasts_in_full(raw, "raw.plaid_investment_transactions", context)
        part = with_rows(part, relinked_trades(part.rows, first.rows, who, pasts))
    told_by_broker = latest_activities(raw["raw.alpaca_activities"], context.zones)
    by_broker = _with_account(told_by_broker, raw["raw.alpaca_account"])
    return both(c.TRADES, part, typed(c.TRADES, by_broker, activities.activity, known))


def liabilities(raw: Raw, context: Context) -> Cleaned:
    """``clean.liabilities``: latest known terms."""
    told = latest(raw["raw.plaid_liabilities"])
    return of_the_latest_login(
        typed(c.LIABILITIES, told, plaid.liability, taken(raw, context)), who_is_who(raw, context)
    )


def loan_terms(raw: Raw, context: Context) -> Cleaned:
    """``clean.loan_terms``: of loans, per day told. A card's terms have no past that anybody asks for."""
    told = raw["raw.plaid_liabilities"].filter(
        pl.col("change") != "removed", ~pl.col("source_id").str.starts_with("credit:")
    )
    part = typed(c.LOAN_TERMS, latest_per_day(told, context.zones), plaid.loan_terms, taken(raw, context))
    who = who_is_who(raw, context)
    return with_rows(part, from_the_latest_login(part.rows, who) if who.chains else part.rows)


def orders(raw: Raw, context: Context) -> Cleaned:
    """``clean.orders``: the broker's view of every order."""
    records = _with_account(latest(raw["raw.alpaca_orders"]), raw["raw.alpaca_account"])
    return typed(c.ORDERS, records, alpaca.order, taken(raw, context))


def bars(raw: Raw, context: Context) -> Cleaned:
    """``clean.bars``: raw daily prices; a corrected bar replaces the former."""
    return typed(m.BARS, latest(raw["raw.alpaca_bars"]), market.bar)


def market_days(raw: Raw, context: Context) -> Cleaned:
    """``clean.market_days``: the same through any account."""
    return typed(m.MARKET_DAYS, latest(raw["raw.alpaca_calendar"]), market.market_day)


def corporate_actions(raw: Raw, context: Context) -> Cleaned:
    """``clean.corporate_actions``."""
    return typed(m.CORPORATE_ACTIONS, latest(raw["raw.alpaca_corporate_actions"]), market.corporate_action)


def _cleaner(make: Callable[[Raw, Context], Cleaned], *sources: str) -> Cleaner:
    return Cleaner(CONTRACTS[f"clean.{make.__name__}"], tuple(f"raw.{name}" for name in sources), make)


_ACCOUNTS = ("plaid_accounts", "alpaca_account")

CLEANERS: dict[str, Cleaner] = {
    cleaner.contract.address: cleaner
    for cleaner in (
        _cleaner(accounts, *_ACCOUNTS),
        _cleaner(account_questions, *_ACCOUNTS),
        _cleaner(coverage, *_ACCOUNTS, *HEARD),
        _cleaner(balances, *_ACCOUNTS, "batches"),
        _cleaner(transactions, "plaid_transactions", *_ACCOUNTS, "batches"),
        _cleaner(securities, "plaid_securities", "plaid_holdings", "alpaca_assets", "alpaca_account"),
        _cleaner(holdings, "plaid_holdings", "plaid_securities", "alpaca_positions", *_ACCOUNTS),
        _cleaner(
            trades,
            "plaid_investment_transactions",
            "plaid_securities",
            "alpaca_activities",
            *_ACCOUNTS,
            "batches",
        ),
        _cleaner(liabilities, "plaid_liabilities", *_ACCOUNTS),
        _cleaner(loan_terms, "plaid_liabilities", *_ACCOUNTS),
        _cleaner(orders, "alpaca_orders", *_ACCOUNTS),
        _cleaner(bars, "alpaca_bars"),
        _cleaner(market_days, "alpaca_calendar"),
        _cleaner(corporate_actions, "alpaca_corporate_actions"),
    )
}
"""Every clean table made from ``raw``; all of them fill the quarantine."""
