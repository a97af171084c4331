"""The demo's books over two years with labelled incidents, as the product knows them and as the sandbox does.

What belongs here: making them, for ``alerts.py`` and its test. What does not: measuring.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from manna.alerting.looking import Past
from manna.alerting.replay import Told
from manna.books import Book
from manna.categorizing import Facts, categorize, followed, settle
from manna.categorizing.following import DECISIONS
from manna.categorizing.merchants import merchants
from manna.categorizing.recurring import payments
from manna.contracts import CONTRACTS
from manna.ledger import keep_books
from sandbox.market import Market, sessions_between
from sandbox.people.bank import BankAccount
from sandbox.people.incidents import Befallen, Incident, LabelledStudio, shocks

START, LAST = date(2024, 3, 16), date(2026, 3, 16)
BOOKS = Path(__file__).resolve().parents[1] / "books"
HELD = {"VTI": 0.60, "VXUS": 0.20, "BND": 0.20}
SHARES = ("VTI", "VXUS")


@dataclass(frozen=True, slots=True)
class World:
    """One book's two years: what the product sees, what is labelled, and what arithmetic says."""

    past: Past
    incidents: list[Incident]
    says: dict[str, Callable[[Told], bool]]
    """By kind of alert, whether the sandbox's own books say the same."""


def household(seed: int) -> World:
    """The household with its incidents, and investments that the market's shocks befall."""
    market = Market(seed, START)
    person = Befallen(START, seed, market)
    accounts = [one for one in vars(person.accounts).values() if isinstance(one, BankAccount)]
    days = [session.day for session in sessions_between(START, LAST)]
    falls, fallen = shocks(market, person.book, days)
    moves = [
        {name: float(market.close(name, day) / market.close(name, before)) * (1 + falls.get(day, 0.0) * (name in SHARES)) - 1 for name in HELD}
        for before, day in pairwise(days)
    ]  # fmt: skip
    return world(person, accounts, fallen, days[1:], moves)


def studio(seed: int) -> World:
    """The studio, to which nothing happens but its life."""
    person = LabelledStudio(START, seed)
    return world(person, [person.checking, person.savings, person.card], [], [], [])


def world(
    person: Befallen | LabelledStudio,
    accounts: list[BankAccount],
    fallen: list[Incident],
    days: list[date],
    moves: list[dict[str, float]],
) -> World:
    """Two years of a person, as the product would know them, and as the sandbox does."""
    person.advance(datetime.combine(LAST, datetime.min.time(), UTC) + timedelta(hours=16))
    book = Book.model_validate(yaml.safe_load((BOOKS / f"{person.book}.yaml").read_text(encoding="utf-8")))
    posted = [row for account in accounts for row in _posted(account)]
    weekly = [START + timedelta(days=7 * number + 1) for number in range((LAST - START).days // 7)]
    stated = [(one, day, person.balance(one, day)) for one in accounts for day in weekly]
    known = rows(
        "clean.transactions",
        (
            {**_transaction(row), "book": book.id}
            for row in posted
            if row["transaction_id"] not in person.untold
        ),
    )
    owned = rows("clean.accounts", ({**_account(one), "book": book.id} for one in accounts))
    balances = rows(
        "clean.balances",
        (
            {"account_id": one.account_id, "book": book.id, "as_of": day, "currency": "USD",
             "current": -told if one.type == "credit" else told}
            for one, day, told in stated
        ),
    )  # fmt: skip
    named = known.select(
        "transaction_id", merchant=merchants(known.select(pl.coalesce("merchant", "description")).to_series())
    )
    nothing = {
        name: CONTRACTS[name].empty() for name in ("clean.trades", "clean.securities", "clean.holdings")
    }
    decisions = followed(pl.DataFrame(schema=DECISIONS), CONTRACTS["clean.successions"].empty())
    made = categorize(settle(Facts(book, known, nothing["clean.trades"], owned, decisions, named)))
    kept = keep_books(
        book, accounts=owned, balances=balances, transactions=known, categories=made.transactions,
        splits=made.splits, transfers=made.transfers, securities=nothing["clean.securities"],
        holdings=nothing["clean.holdings"], trades=nothing["clean.trades"],
    )  # fmt: skip
    values = list(_values(moves))
    past = Past(
        book=book,
        accounts=pl.concat([owned, rows("clean.accounts", [{"account_id": "invested", "book": book.id, "institution": "Alpaca", "name": "Invested", "type": "brokerage"}])]),
        balances=balances,
        transactions=payments(known, made.transactions),
        postings=kept.postings,
        reconciliation=kept.reconciliation,
        performance=rows(
            "portfolio.performance",
            ({"book": book.id, "scope": "book", "date": day, "day_return": Decimal(repr(round(moved, 8)))} for day, (moved, _) in zip(days, values, strict=True)),
        ),
        valuations=rows(
            "portfolio.valuations",
            ({"book": book.id, "account_id": "invested", "security_id": name, "date": day, "quantity": Decimal(1),
              "price_source": "bar", "currency": "USD", "value": Decimal(repr(round(worth, 4)))}
             for day, (_, held) in zip(days, values, strict=True) for name, worth in held.items()),
        ),
    )  # fmt: skip
    return World(past, [*person.incidents, *fallen], _arithmetic(book, accounts, posted, days, values))


def rows(address: str, given: Any) -> pl.DataFrame:
    """Rows of a table; what is not said is null."""
    schema = CONTRACTS[address].polars_schema
    return pl.DataFrame([{name: one.get(name) for name in schema} for one in given], schema=schema)


def _posted(account: BankAccount) -> Iterator[dict[str, Any]]:
    """The rows the bank stands by in the end."""
    standing: dict[str, dict[str, Any]] = {}
    for event in account.events:
        if event.row["pending"] or date.fromisoformat(event.row["date"]) > LAST:
            continue
        if event.kind == "removed":
            standing.pop(event.row["transaction_id"], None)
        else:
            standing[event.row["transaction_id"]] = event.row
    yield from standing.values()


def _transaction(row: dict[str, Any]) -> dict[str, Any]:
    category = row["personal_finance_category"] or {}
    return {
        "transaction_id": row["transaction_id"], "account_id": row["account_id"], "date": date.fromisoformat(row["date"]),
        "amount": -row["amount"], "currency": row["iso_currency_code"] or "USD", "description": row["name"],
        "merchant": row["merchant_name"], "pending": False, "removed": False, "unlisted": False,
        "plaid_primary": category.get("primary"), "plaid_detailed": category.get("detailed"),
        "plaid_confidence": category.get("confidence_level"),
    }  # fmt: skip


def _account(one: BankAccount) -> dict[str, Any]:
    return {
        "account_id": one.account_id, "connection_id": "c", "provider": "plaid", "institution": "Bank", "name": one.name,
        "mask": one.mask, "type": one.type, "subtype": one.subtype, "currency": one.currency,
    }  # fmt: skip


def _values(moves: list[dict[str, float]]) -> Iterator[tuple[float, dict[str, float]]]:
    """Day by day the whole's return and what each part is worth, of 10,000 that are left alone."""
    held = {name: 10_000 * share for name, share in HELD.items()}
    for moved in moves:
        before = sum(held.values())
        held = {name: worth * (1 + moved[name]) for name, worth in held.items()}
        yield sum(held.values()) / before - 1, held


def _arithmetic(
    book: Book,
    accounts: list[BankAccount],
    posted: list[dict[str, Any]],
    days: list[date],
    values: list[tuple[float, dict[str, float]]],
) -> dict[str, Callable[[Told], bool]]:
    """What the sandbox's own books say of alerts that need no judgement."""
    moved: dict[str, Counter[str]] = {}
    spent: dict[tuple[str, str], list[tuple[str, Decimal]]] = {}
    first: dict[str, tuple[str, Decimal]] = {}
    for row in sorted(posted, key=lambda row: row["date"]):
        moved.setdefault(row["account_id"], Counter())[row["date"]] += row["amount"]
        primary = (row["personal_finance_category"] or {}).get("primary", "").replace("_", " ").lower()
        spent.setdefault((primary, row["date"][:7]), []).append((row["date"], row["amount"]))
        if row["amount"] > 0:
            first.setdefault(row["merchant_name"] or row["name"], (row["date"], row["amount"]))

    def low(alert: Told) -> bool:
        [own] = [one for one in accounts if alert.fingerprint.endswith(one.account_id)]
        until = alert.opened_on.isoformat()
        out = sum((amount for day, amount in moved[own.account_id].items() if day <= until), Decimal(0))
        return own.opening - out < book.thresholds.low_balance

    def overspent(alert: Told) -> bool:
        name, month = alert.fingerprint.partition(":Expenses:")[2].rsplit(" ", 1)
        until = alert.opened_on.isoformat()
        total = sum(amount for day, amount in spent[name.lower(), month] if day <= until)
        return total > book.budgets[f"Expenses:{name}"] * (1 + book.thresholds.overspent)

    def new(alert: Told) -> bool:
        return any(
            day == alert.opened_on.isoformat() and amount >= book.thresholds.large_payment
            for day, amount in first.values()
        )

    def lost(alert: Told) -> bool:
        moved = [one for day, (one, _) in zip(days, values, strict=True) if day <= alert.opened_on]
        # One in a hundred of a year of 252 days: at most three of them were worse.
        return moved[-1] < 0 and sum(one < moved[-1] for one in moved[-253:-1]) <= 3

    def fallen(alert: Told) -> bool:
        worths = [
            sum(held.values()) for day, (_, held) in zip(days, values, strict=True) if day <= alert.opened_on
        ]
        return worths[-1] <= max(10_000, *worths) * (1 - float(book.thresholds.drawdown))

    def drifted(alert: Told) -> bool:
        [held] = [held for day, (_, held) in zip(days, values, strict=True) if day == alert.opened_on]
        shares = {name: worth / sum(held.values()) for name, worth in held.items()}
        return any(abs(shares[name] - HELD[name]) > 0.05 for name in HELD)

    return {
        "low_balance": low, "budget": overspent, "new_merchant": new, "value_at_risk": lost, "drawdown": fallen,
        "drift": drifted,
    }  # fmt: skip
