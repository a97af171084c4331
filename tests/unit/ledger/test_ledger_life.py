"""Any life of a book: rows that come late, change, move and vanish, decisions, trades, closings and reopenings.

After every step the books balance, closed days are as they were reported, the bridge explains the difference to the
cent, and the books as known on any step before are, by their hash, what they were then.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_examples import BROKER, account, balance, keep, trade, transaction

from manna.contracts.closings import ADJUSTMENTS, CLOSED_JOURNAL, CLOSED_POSTINGS
from manna.contracts.declaration import content_hash
from manna.contracts.ledger import JOURNAL, POSTINGS
from manna.ledger import out_of_balance
from manna.ledger.closing import (
    CLOSE,
    REOPEN,
    Adjusted,
    adjusted,
    closed_days,
    closed_through,
    restatement,
    to_be_kept,
)

BEGIN = date(2026, 1, 1)
TOLD = BEGIN + timedelta(days=150)
"""The day of the balance from which openings follow, after every row."""
CATEGORIES = ("Expenses:Groceries", "Expenses:Rent", "Income:Salary")

days = st.integers(0, 120).map(lambda n: BEGIN + timedelta(days=n))
amounts = st.integers(-500_00, 500_00).filter(bool).map(lambda cents: Decimal(cents) / 100)
names = st.sampled_from(["a", "b", "c", "d"])
steps = st.one_of(
    st.tuples(st.just("row"), names, days, amounts),  # new, corrected, or given another day
    st.tuples(st.just("remove"), names),
    st.tuples(st.just("decide"), names, st.sampled_from(CATEGORIES)),
    st.tuples(st.just("buy"), names, days, st.integers(1, 9)),
    st.tuples(st.just("close"), days),
    st.tuples(st.just("reopen"), days),
)


@dataclass
class Life:
    """All facts with their moments, and what the books were after every step."""

    facts: list[tuple[datetime, tuple[Any, ...]]] = field(default_factory=list)
    closings: list[dict[str, Any]] = field(default_factory=list)
    kept: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: {"journal": [], "postings": []})

    def truth(self, moment: datetime) -> Adjusted:
        """What follows from the facts known at a moment."""
        rows: dict[str, dict[str, Any]] = {}
        categories: dict[str, str] = {}
        trades: dict[str, dict[str, Any]] = {}
        for known_at, fact in self.facts:
            if known_at > moment:
                break
            match fact:
                case ("row", name, day, amount):
                    rows[name] = transaction(name, "bank", str(day), amount)
                case ("remove", name):
                    rows.pop(name, None)
                    trades.pop(name, None)
                case ("decide", name, category):
                    categories[name] = category
                case ("buy", name, day, quantity):
                    trades[name] = trade(name, str(day), "buy", quantity, -10 * quantity)
        books = keep(
            accounts=[account("bank"), BROKER],
            balances=[
                balance("bank", str(TOLD), 1000),
                balance("broker", str(TOLD), -40),
            ],  # bought on margin
            transactions=list(rows.values()),
            categories=[{"transaction_id": n, "category": c} for n, c in categories.items() if n in rows],
            trades=list(trades.values()),
        )
        return Adjusted(books.journal, books.postings, ADJUSTMENTS.empty())

    def known(self, moment: datetime) -> Adjusted:
        """The books as they stand at a moment."""
        truth = self.truth(moment)
        at = [row for row in self.closings if row["known_at"] <= moment]
        frames = [
            pl.concat([contract.empty(), *self.kept[name]]).filter(pl.col("known_at") <= moment)
            for name, contract in (("journal", CLOSED_JOURNAL), ("postings", CLOSED_POSTINGS))
        ]
        return adjusted(truth.journal, truth.postings, at, *frames)

    def take(self, step: tuple[Any, ...], moment: datetime) -> None:
        """One more thing becomes known or is decided."""
        through = closed_through(self.closings)
        match step:
            case ("close", day) if through is None or day > through:
                books = self.known(moment)
                closing = {"action": CLOSE, "through": day, "known_at": moment}
                [*_, closed] = closed_days([*self.closings, closing])
                for name, rows in zip(self.kept, to_be_kept(books, closed), strict=True):
                    self.kept[name].append(rows)
                self.closings.append(closing)
            case ("reopen", day) if through is not None and day < through:
                self.closings.append({"action": REOPEN, "through": day, "known_at": moment})
            case ("row" | "remove" | "decide" | "buy", *_):
                self.facts.append((moment, step))


def sums(postings: pl.DataFrame) -> dict[tuple[str, str | None], Decimal]:
    """Balance and position by account and security, without zeros."""
    found = postings.group_by("account", "security_id").agg(pl.col("amount").sum(), pl.col("quantity").sum())
    return {(a, s): (m, q) for a, s, m, q in found.iter_rows() if m or q}  # type: ignore[misc]


def fingerprint(books: Adjusted) -> str:
    frames = ((JOURNAL, books.journal), (POSTINGS, books.postings), (ADJUSTMENTS, books.adjustments))
    return " ".join(content_hash(contract, frame) for contract, frame in frames)


def require_whole(life: Life, books: Adjusted, truth: Adjusted, reported: pl.DataFrame) -> None:
    """Every invariant of books as they stand."""
    for contract, frame in (
        (JOURNAL, books.journal),
        (POSTINGS, books.postings),
        (ADJUSTMENTS, books.adjustments),
    ):
        assert not contract.violations(frame).list.len().sum()
    assert out_of_balance(books.postings).is_empty()
    assert set(books.postings["entry_id"]) == set(books.journal["entry_id"])
    assert sums(books.postings) == sums(truth.postings)
    cash = truth.postings.filter(pl.col("account") == "Assets:Investments:Bank Broker:Cash")
    stands = cash.group_by("date").agg(pl.col("amount").sum()).sort("date")["amount"].cum_sum()
    assert stands.is_empty() or stands.min() >= 0  # type: ignore[operator]
    through = closed_through(life.closings)
    if through is None:
        return
    assert content_hash(POSTINGS, books.postings.filter(pl.col("date") <= through)) == content_hash(
        POSTINGS, reported.filter(pl.col("date") <= through)
    )
    bridge = restatement(books, date.min, through)
    assert (bridge["known"] - bridge["reported"] == bridge["difference"]).all()
    both = [books.postings.filter(pl.col("date") <= through).select("account", "amount")]
    both += [bridge.select("account", amount="difference")]
    assert totals(both) == totals(
        [truth.postings.filter(pl.col("date") <= through).select("account", "amount")]
    )


def totals(frames: Iterable[pl.DataFrame]) -> dict[str, Decimal]:
    found = pl.concat(frames, how="vertical_relaxed").group_by("account").agg(pl.col("amount").sum())
    return {name: amount for name, amount in found.iter_rows() if amount}


@pytest.mark.slow
@settings(deadline=None, max_examples=25 if settings.get_current_profile_name() != "long" else 5_000)
@given(st.lists(steps, min_size=3, max_size=10))
def test_any_life_keeps_every_invariant(taken: list[tuple[Any, ...]]) -> None:
    life, moment = Life(), datetime(2026, 6, 1, tzinfo=UTC)
    history: list[tuple[datetime, str]] = []
    reported = POSTINGS.empty()
    for step in taken:
        moment += timedelta(hours=1)
        before = closed_through(life.closings)
        life.take(step, moment)
        books = life.known(moment)
        through = closed_through(life.closings)
        if through != before:
            # What is closed now was reported so; what a reopening leaves closed stays.
            reported = books.postings
        require_whole(life, books, life.truth(moment), reported)
        history.append((moment, fingerprint(books)))
    for then, said in history:
        assert fingerprint(life.known(then)) == said
