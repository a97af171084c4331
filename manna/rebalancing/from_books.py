"""The facts of a plan from the tables of the lake.

What belongs here: which rows count, and as what. What does not: reading the lake (``assets.rebalancing``), or what
follows from the facts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from manna.books import Book
from manna.contracts.ledger import PURCHASE
from manna.ledger.lots import Lot, share
from manna.ledger.settlement import settlement_day
from manna.rebalancing.expected import bills_due, purchases_due
from manna.rebalancing.facts import Facts, LossSale, Purchase
from manna.rebalancing.plan_document import SELL, PlanDocument, sha256_of
from manna.tax.form_8949 import held_for_tax
from manna.tax.taxpayers import same_security, sheltered_accounts
from manna.tax.wash import WINDOW, Held

STALE = timedelta(days=7)
"""A price that is older is none: the plan waits."""

_NONE = Decimal(0)


class NotPlannableError(ValueError):
    """No facts can be stated. One line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the lake: of all books of the taxpayer and spouse, but for those that name the book's own.

    ``valuations`` (of the last day that has any) and ``recurring`` are the book's own; ``bars`` and ``actions`` are everybody's.
    """

    accounts: pl.DataFrame
    lots: pl.DataFrame
    gains: pl.DataFrame
    taxable_gains: pl.DataFrame
    trades: pl.DataFrame
    valuations: pl.DataFrame
    recurring: pl.DataFrame
    bars: pl.DataFrame
    actions: pl.DataFrame


def facts_of(
    book: Book,
    group: Sequence[Book],
    rows: Rows,
    day: date,
    *,
    plans: Sequence[PlanDocument] = (),
    cash_flow: Decimal = _NONE,
) -> Facts:
    """What a plan of ``book`` depends on.

    Args:
        group: all books of the taxpayer and spouse, ``book`` among them.
        day: today.
        plans: those of the group that are approved or executing: what they buy is due, what they lose is lost.
        cash_flow: money that is about to come (positive) or go.

    Raises:
        NotPlannableError: there is no such account, something is sold short, or lots and valuation are of different nights.
    """
    account_id = traded_account(book, rows.accounts)
    same = same_security(group, rows.actions, rows.trades)
    sheltered = sheltered_accounts(group, rows.accounts)
    names = {row["account_id"]: _called(row) for row in rows.accounts.iter_rows(named=True)}
    here, elsewhere = _managed(book, rows, account_id)
    lots = _lots(rows, account_id, book.currency, sheltered, same)
    _require_agreement(here, lots)
    own = rows.trades.filter(pl.col("account_id") == account_id, ~pl.col("removed"))
    prices, cash = last_prices(rows.bars, day), _money(here)
    return Facts(
        book=book.id,
        account_id=account_id,
        currency=book.currency,
        day=day,
        cash=cash,
        lots=lots,
        prices={name: price for name, (price, _) in prices.items()},
        price_days={name: on for name, (_, on) in prices.items()},
        elsewhere=_units(elsewhere),
        cash_elsewhere=_money(elsewhere),
        # What was spent again is no part of it.
        unsettled=min(_unsettled(own, day), max(cash, _NONE)),
        bills=bills_due(rows.recurring, account_id, book.currency, day, book.targets.bill_days),
        cash_flow=cash_flow,
        bought=_bought(rows.lots, day, names),
        due=(*purchases_due(rows.trades, day, names), *_planned_purchases(plans)),
        sold_at_loss=(*_losses(rows.taxable_gains, day, names), *_planned_losses(plans)),
        sheltered=account_id in sheltered,
        last_traded=_last_traded(own, day),
        same=same,
    )


def traded_account(book: Book, accounts: pl.DataFrame) -> str:
    """The account in which the book's plans trade: the one its targets name, else the first at their institution.

    Raises:
        NotPlannableError: there is none, or several are meant.
    """
    targets = book.targets
    at = accounts.filter(pl.col("book") == book.id, pl.col("institution") == targets.institution)
    if targets.account is not None:
        named = pl.lit(targets.account)
        at = at.filter(
            (pl.col("account_id") == named) | (pl.col("name") == named) | (pl.col("mask") == named)
        )
        if at.height > 1:
            raise NotPlannableError(
                f"targets.account {targets.account!r} of book {book.id} is several accounts; name its id"
            )
    if at.is_empty():
        named_so = f", called {targets.account!r}" if targets.account else ""
        raise NotPlannableError(f"book {book.id} has no account at {targets.institution}{named_so}")
    return str(at["account_id"].sort()[0])


def account_sha256(rows: Rows, account_id: str) -> str:
    """Of all trades of the account, those that were taken back included: any new one makes a plan void."""
    own = rows.trades.filter(pl.col("account_id") == account_id).sort("trade_id")
    told = own.select("trade_id", "quantity", "amount", "removed").rows()
    return sha256_of([[str(value) for value in row] for row in told])


def last_prices(bars: pl.DataFrame, day: date) -> dict[str, tuple[Decimal, date]]:
    """The last raw close of every symbol up to ``day`` with its day; none that is older than a week."""
    known = bars.filter(pl.col("date") <= day, pl.col("date") >= day - STALE).sort("date")
    last = known.group_by("symbol").agg(pl.col("close").last(), pl.col("date").last()).sort("symbol")
    return {symbol: (close, on) for symbol, close, on in last.iter_rows()}


def _managed(book: Book, rows: Rows, account_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Valuations of the traded account, and of the other managed ones."""
    at = rows.accounts.filter(pl.col("book") == book.id, pl.col("institution") == book.targets.institution)[
        "account_id"
    ]
    held = rows.valuations.filter(
        pl.col("account_id").is_in(at.implode()), pl.col("currency") == book.currency
    )
    short = held.filter(pl.col("quantity") < 0, pl.col("price_source") != "par")["security_id"].to_list()
    if short:
        raise NotPlannableError(
            f"{', '.join(short)} of book {book.id} is sold short; close that by hand first"
        )
    return held.filter(pl.col("account_id") == account_id), held.filter(pl.col("account_id") != account_id)


def _require_agreement(here: pl.DataFrame, lots: Sequence[Lot]) -> None:
    valued, known = _units(here), dict[str, Decimal]()
    for lot in lots:
        known[lot.security_id] = known.get(lot.security_id, _NONE) + lot.remaining
    names = valued.keys() | known.keys()
    wrong = sorted(name for name in names if valued.get(name, _NONE) != known.get(name, _NONE))
    if wrong:
        raise NotPlannableError(
            f"the lots and the valuation of {', '.join(wrong)} do not agree: `manna run nightly_close` first"
        )


def _money(held: pl.DataFrame) -> Decimal:
    return sum(held.filter(pl.col("price_source") == "par")["quantity"].to_list(), _NONE)


def _units(held: pl.DataFrame) -> dict[str, Decimal]:
    rows = held.filter(pl.col("price_source") != "par", pl.col("quantity") != 0)
    return dict(rows.group_by("security_id").agg(pl.col("quantity").sum()).sort("security_id").iter_rows())


def _lots(
    rows: Rows, account_id: str, currency: str, sheltered: frozenset[str], same: Callable[[str], str]
) -> tuple[Lot, ...]:
    """Open lots of the account, oldest first; where a disallowed loss moved into one, in parts as tax sees them."""
    for_tax = held_for_tax(rows.gains, rows.lots, sheltered=sheltered, same=same)
    open_ = rows.lots.filter(pl.col("remaining") > 0)
    shared = set(open_.filter(pl.col("origin").is_duplicated())["origin"])
    own = open_.filter(pl.col("account_id") == account_id, pl.col("currency") == currency)
    found = []
    for row in own.sort("security_id", "opened", "lot_id").iter_rows(named=True):
        lot = Lot(
            row["lot_id"], account_id, row["security_id"], row["opened"], row["quantity"], row["remaining"],
            row["remaining_cost"], row["remaining_cost"] or _NONE, currency, row["is_opening"], row["dated"], row["origin"],
            row["came_by"],
        )  # fmt: skip
        # A lot of which parts moved to other accounts: which part an adjustment went with is not told.
        parts = () if row["origin"] in shared else for_tax.get(row["origin"], ())
        found += _parts(lot, parts)
    return tuple(found)


def _parts(lot: Lot, parts: Sequence[Held]) -> list[Lot]:
    """The lot as tax sees it; what has been held longest is sold first, as in ``manna.tax.wash``."""
    known = lot.cost is not None and sum((part.units for part in parts), _NONE) == lot.remaining
    if not known or not any(part.adjustment or part.since != lot.opened for part in parts):
        return [lot]
    found, left = list[Lot](), lot.carrying
    ordered = sorted(parts, key=lambda part: part.since)
    for number, part in enumerate(ordered, start=1):
        cost = (
            left if number == len(ordered) else share(lot.carrying, part.units, lot.remaining, lot.currency)
        )
        left -= cost
        carrying = cost + part.adjustment
        found.append(
            replace(
                lot,
                opened=part.since,
                quantity=part.units,
                remaining=part.units,
                cost=carrying,
                carrying=carrying,
            )
        )
    return found


def _last_traded(own: pl.DataFrame, day: date) -> date | None:
    last = own.filter(pl.col("kind").is_in(["buy", "sell"]), pl.col("date") <= day)["date"].max()
    return last if isinstance(last, date) else None


def _unsettled(own: pl.DataFrame, day: date) -> Decimal:
    sales = own.filter(
        pl.col("kind") == "sell", pl.col("date") > day - timedelta(days=10), pl.col("amount") > 0
    )
    return sum((amount for on, amount in sales.select("date", "amount").iter_rows() if settlement_day(on) > day), _NONE)  # fmt: skip


def _bought(lots: pl.DataFrame, day: date, names: Mapping[str, str]) -> tuple[Purchase, ...]:
    recent = (
        lots.filter(  # what was spun off or inherited replaces nothing (26 U.S.C. 1091(a) is about purchases)
            pl.col("came_by") == PURCHASE,
            pl.col("remaining") > 0,
            pl.col("dated"),
            pl.col("opened") >= day - WINDOW,
            pl.col("opened") <= day,
        )
    )
    return tuple(
        Purchase(row["security_id"], row["opened"], names[row["account_id"]], "it was bought", row["origin"])
        for row in recent.sort("opened", "lot_id").iter_rows(named=True)
    )


def _losses(taxable: pl.DataFrame, day: date, names: Mapping[str, str]) -> tuple[LossSale, ...]:
    """Sales at a loss of which something is still without a replacement, which a purchase would disallow."""
    open_ = taxable.filter(pl.col("provisional"), pl.col("sold") >= day - WINDOW)
    told = (
        open_.select("security_id", "sold", "account_id").unique().sort("sold", "security_id", "account_id")
    )
    return tuple(LossSale(security, sold, names[account]) for security, sold, account in told.iter_rows())


def _planned_purchases(plans: Sequence[PlanDocument]) -> list[Purchase]:
    return [
        Purchase(trade.security_id, plan.planned_on, f"book {plan.book}", f"plan {plan.plan_id[:12]} buys it")
        for plan in plans
        for trade in plan.trades
        if trade.side != SELL
    ]


def _planned_losses(plans: Sequence[PlanDocument]) -> list[LossSale]:
    return [
        LossSale(trade.security_id, plan.planned_on, f"plan {plan.plan_id[:12]} of book {plan.book}")
        for plan in plans
        for trade in plan.trades
        if any(lot.gain is not None and lot.gain < 0 for lot in trade.lots)
    ]


def _called(account: Mapping[str, Any]) -> str:
    return f"{account['institution']} {account['name']}"
