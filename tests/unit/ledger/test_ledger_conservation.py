"""Whatever happens to shares, and however sales take their lots: no unit and no cent is lost or made."""

from datetime import date, timedelta
from decimal import Decimal as D

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from ledger_examples import BROKER, MONEY, account, frames, sums, trade

from manna.books import Book
from manna.ledger import Lot, keep_books, out_of_balance
from manna.ledger.instructions import Instruction
from manna.ledger.lots import held
from manna.ledger.matching import METHODS, take
from manna.tax.form_8949 import miscounted, taxable_gains

FIRST = date(2026, 1, 1)
ACCOUNTS = ("broker", "other")
SECURITIES = ("ABC", "XYZ", "NEW")
FUNDS = [{"security_id": name, "symbol": name, "type": "mutual fund"} for name in SECURITIES]

# Shrinking a history of trades takes minutes; it is short enough to read as it is.
NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]
units = st.decimals("0.01", 500, places=9)
money = st.decimals("0.01", 9999, places=2)
moves = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "sell", "sell", "split", "capital", "transfer", "merger", "spin-off"]),
        st.sampled_from(ACCOUNTS), st.sampled_from(SECURITIES), units, money, st.fractions("1/9", 1),
    ),
    max_size=14,
)  # fmt: skip


class History:
    """Trades that never take more than is held, a day each; ``bought`` and ``returned`` are in money."""

    def __init__(self):
        self.rows, self.spin_offs, self.held = [], [], {}
        self.bought = self.returned = D(0)

    def tell(self, day, kind, quantity, amount, who, what, **more):
        number = f"t{len(self.rows):03}"
        self.rows.append(
            trade(number, str(day), kind, quantity, amount, account_id=who, security_id=what, **more)
        )
        self.held[who, what] = self.held.get((who, what), D(0)) + quantity

    def step(self, day, kind, who, what, quantity, amount, part):
        has = self.held.get((who, what), D(0))
        some = (has * part.numerator / part.denominator).quantize(D("1e-9"))
        if kind == "buy":
            self.tell(day, "reinvestment" if part < D("0.5") else "buy", quantity, -amount, who, what)
            self.bought += amount
        elif not some:
            return
        elif kind == "sell":
            self.tell(day, "sell", -some, amount, who, what)
        elif kind == "split":
            self.tell(day, "split", quantity if part < D("0.5") else -(has - some), 0, who, what)
        elif kind == "capital":
            self.tell(day, "return_of_capital", 0, amount, who, what)
            self.returned += amount
        elif kind == "transfer":
            to = next(each for each in ACCOUNTS if each != who)
            self.tell(day, "transfer", -some, 0, who, what)
            self.tell(day, "transfer", some, 0, to, what)
        else:
            self.exchange(day, kind, who, what, quantity, amount, has)

    def exchange(self, day, kind, who, what, quantity, amount, has):
        other = SECURITIES[(SECURITIES.index(what) + 1) % len(SECURITIES)]
        if kind == "merger":
            self.tell(day, "merger", -has, amount, who, what)
            self.tell(day, "merger", quantity, 0, who, other, price=2)
        else:
            self.tell(day, "spin_off", quantity, 0, who, other)
            said = {"parent": what, "security": other, "date": str(day), "basis": "0.12"}
            self.spin_offs.append(said)


def history(steps):
    told = History()
    for number, (kind, who, what, quantity, amount, part) in enumerate(steps):
        # Far enough apart that a spin-off is never taken for another.
        told.step(FIRST + timedelta(days=25 * number), kind, who, what, quantity, amount, part)
    return told


@settings(max_examples=30, deadline=None, phases=NO_SHRINKING)
@given(moves, st.sampled_from([name for name in METHODS if name != "specific"]))
def test_what_came_in_is_in_lots_in_gains_or_was_returned(steps, method):
    told = history(steps)
    tables = frames(
        accounts=[BROKER, account("other", "brokerage")], securities=[MONEY, *FUNDS], trades=told.rows
    )
    said = [Instruction(n, who, method, FIRST, "me", since=FIRST) for n, who in enumerate(ACCOUNTS)]
    book = Book.model_validate({"id": "home", "name": "Home", "investments": {"spin_offs": told.spin_offs}})
    books = keep_books(book, **tables, instructions=said)

    assert out_of_balance(books.postings).is_empty()
    assert books.refused_instructions == ()
    key = ["account_id", "security_id"]
    kept = books.lots.group_by(key).agg(pl.col("remaining", "remaining_cost").sum())
    moved = books.postings.drop_nulls("security_id").group_by(key).agg(pl.col("quantity", "amount").sum())
    both = moved.join(kept, on=key, how="full", coalesce=True)
    assert both.select("quantity", "amount").equals(
        both.select(quantity="remaining", amount="remaining_cost"), null_equal=False
    )
    assert {(who, what): has for who, what, has in kept.select(*key, "remaining").iter_rows() if has} == {
        where: has for where, has in told.held.items() if has
    }
    assert books.lots["cost"].null_count() == 0
    totals = sums(books)
    assert not any(
        totals.get(name) for name in ("Assets:In Transit", "Equity:Unknown Basis", "Equity:Suspense")
    )
    assert -totals.get("Income:Capital Gains", D(0)) == books.gains["gain"].sum()
    beyond = books.gains.filter(pl.col("quantity") == 0, pl.col("cost") == 0)["proceeds"].sum()
    merged = {row["trade_id"] for row in told.rows if row["kind"] == "merger"}
    came = books.journal.filter(pl.col("source_id").is_in(list(merged)))["entry_id"].implode()
    beyond -= books.gains.filter(pl.col("entry_id").is_in(came), pl.col("cost") == 0)["proceeds"].sum()
    assert (
        books.lots["remaining_cost"].sum() + books.gains["cost"].sum() + told.returned - beyond == told.bought
    )
    rows = taxable_gains(books.gains, books.lots, as_of=date(2030, 1, 1))
    assert miscounted(books.gains, rows) == []


def pool(pairs):
    day = date(2025, 1, 2)
    return [
        Lot(str(n), "a", "X", day + timedelta(days=n), quantity, quantity, cost, cost, "USD")
        for n, (quantity, cost) in enumerate(pairs)
    ]


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25)
@given(
    pairs=st.lists(st.tuples(units, money), min_size=1, max_size=6),
    parts=st.lists(st.fractions(0, 1), max_size=5),
)
def test_every_method_takes_what_is_wanted_and_nothing_else(method, pairs, parts):
    lots = before = pool(pairs)
    gone, cost = D(0), D(0)
    for part in parts:
        named = {
            lot.lot_id: (lot.remaining * part.numerator / part.denominator).quantize(D("1e-9"))
            for lot in lots
        }
        named = {name: some for name, some in named.items() if some}
        wanted = sum(named.values(), D(0))
        if not wanted:
            continue
        lots, taken = take(lots, wanted, method, named)
        assert sum((each.quantity for each in taken), D(0)) == wanted
        gone, cost = gone + wanted, cost + sum((each.carrying for each in taken), D(0))
    assert held(lots) + gone == held(before)
    assert sum((lot.carrying for lot in lots), D(0)) + cost == sum((lot.carrying for lot in before), D(0))
    assert [lot.lot_id for lot in lots] == sorted(lot.lot_id for lot in lots)
    assert all(lot.remaining > 0 for lot in lots)
