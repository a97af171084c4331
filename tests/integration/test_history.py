"""A new login whose past comes in three steps: what arrives late changes what was there before, never the income."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from assets.raw.plaid import _ask
from assets.raw.receiving import receive
from manna.categorizing import Facts, categorize, followed, settle
from manna.cleaning import CLEANERS, clean
from manna.cleaning.context import Context
from manna.contracts.continuity import SUCCESSIONS
from manna.ledger import keep_books
from manna.ledger.keeping import Books
from manna.standing import Standing, reasons_against_closing, standing
from resources.installation import Installation

NIGHTS = {
    night: datetime(2026, 3, 16 + number, 12, tzinfo=UTC)
    for number, night in enumerate(("waiting", "first month", "everything", "a day later"))
}


class Login:
    """A login at the sandbox, pulled on given nights, and the books that follow."""

    def __init__(self, manna: Installation, bank: Any) -> None:
        assert bank.control.put("/plaid/new_items", json={"history": "not_ready"}).is_success
        try:
            token, self._item = bank.link("rivera_platypus", "ins_109508", "transactions")
        finally:
            bank.control.put("/plaid/new_items", json={"history": "complete"})
        self._manna, self._bank = manna, bank
        values = {"connection_id": "c", "book": "home", "provider": "plaid", "institution": "Platypus"}
        values |= {"external_id": self._item, "products": {"transactions": True}, "linked_at": bank.now}
        manna.ops.add_connection({**values, "token": manna.vault.seal(token)})

    def night(self, when: datetime, history: str) -> Books:
        """Pulls on that night, with so much of the past loaded, and keeps the books."""
        manna, self._bank.now = self._manna, when
        manna.settings = manna.settings.model_copy(update={"fixed_now": when})
        assert self._bank.control.patch(f"/plaid/items/{self._item}", json={"history": history}).is_success
        connections = manna.ops.live_connections(provider="plaid")
        received = receive(manna, "run", connections, "plaid", lambda told: _ask(manna, told))
        assert received.failures == {}
        return self.books()

    def table(self, name: str) -> pl.DataFrame:
        """A clean table as it follows from ``raw``."""
        sources = {source: self._manna.lake.read(source) for source in CLEANERS[name].sources}
        return clean(name, sources, Context({"home": "America/New_York"}, {"c": "Platypus"})).rows

    def books(self) -> Books:
        book = self._manna.books["home"]
        tables = {
            name: self.table(f"clean.{name}")
            for name in ("accounts", "balances", "transactions", "securities", "holdings", "trades")
        }
        rows = tables["transactions"]
        known = Facts(
            book=book,
            transactions=rows,
            trades=tables["trades"],
            accounts=tables["accounts"],
            decisions=followed(self._manna.ops.overrides(), SUCCESSIONS.empty()),
            merchants=rows.select("transaction_id", merchant="description"),
        )
        found = categorize(settle(known))
        return keep_books(
            book,
            categories=found.transactions,
            splits=found.splits,
            transfers=found.transfers,
            **tables,
        )

    def standing(self) -> Standing:
        connections = self._manna.ops.connections(book="home")
        return standing(self.table("clean.coverage"), self.table("clean.balances"), connections)


def income(books: Books, month: date) -> Decimal:
    """Income less expenses of a month, credit positive."""
    of_month = books.postings.filter(
        pl.col("account").str.contains("^(Income|Expenses)"), pl.col("date").dt.truncate("1mo") == month
    )
    return -Decimal(str(of_month["amount"].sum() or 0))


def openings(books: Books) -> dict[str, Decimal]:
    entries = books.journal.filter(pl.col("kind") == "opening")["entry_id"].to_list()
    rows = books.postings.filter(pl.col("entry_id").is_in(entries), pl.col("account_id").is_not_null())
    return dict(rows.select("account_id", "amount").sort("account_id").iter_rows())


def test_history_in_three_steps(manna: Installation, bank: Any) -> None:
    login, march = Login(manna, bank), date(2026, 3, 1)

    waiting = login.night(NIGHTS["waiting"], "not_ready")
    assert waiting.postings.filter(pl.col("account").str.contains("^(Income|Expenses)")).is_empty()
    assert openings(waiting)
    assert login.standing() == Standing(None, ("Platypus",))
    (connection,) = manna.ops.connections()
    assert (connection["history"], connection["complete_through"]) == ("not_ready", None)

    recent = login.night(NIGHTS["first month"], "initial")
    assert income(recent, march) != 0
    assert login.standing() == Standing(date(2026, 3, 17), ("Platypus",))
    assert "difference" not in recent.reconciliation["basis"].to_list()

    whole = login.night(NIGHTS["everything"], "complete")
    assert whole.journal["date"].min() < date(2024, 6, 1) < recent.journal["date"].min()
    assert openings(whole).keys() == openings(recent).keys()
    moved = {name for name, amount in openings(recent).items() if openings(whole)[name] != amount}
    assert moved == set(login.table("clean.transactions")["account_id"])
    assert "difference" not in whole.reconciliation["basis"].to_list()
    stands = login.standing()
    assert stands == Standing(date(2026, 3, 18))
    assert reasons_against_closing(stands, date(2026, 2, 28)) == []
    # What came of March since is of the days since: nothing of what was loaded late is income of March.
    news = whole.journal.filter(pl.col("date") >= march).join(recent.journal, on="entry_id", how="anti")
    known = login.table("clean.transactions").filter(pl.col("first_known_on") == date(2026, 3, 18))
    assert set(news["source_id"]) <= set(known["transaction_id"])
    assert news.filter(pl.col("date") < date(2026, 3, 12)).is_empty()

    later = login.night(NIGHTS["a day later"], "complete")
    assert openings(later) == openings(whole)
    assert "difference" not in later.reconciliation["basis"].to_list()
    histories = manna.lake.read("raw.batches").sort("known_at")["history"].drop_nulls().to_list()
    assert histories == ["not_ready", "initial", "complete", "complete"]
    events = [event["status"] for event in manna.ops.connection_events("c")]
    assert events == ["new", "healthy"]


def test_a_step_that_brings_no_row_is_remembered(manna: Installation, bank: Any) -> None:
    login = Login(manna, bank)
    login.night(NIGHTS["waiting"], "initial")
    before = manna.lake.read("raw.plaid_transactions").height
    login.night(NIGHTS["waiting"], "not_ready")
    login.night(NIGHTS["waiting"], "not_ready")
    histories = manna.lake.read("raw.batches").sort("known_at")["history"].drop_nulls().to_list()
    assert histories == ["initial", "not_ready"]
    assert manna.lake.read("raw.plaid_transactions").height == before
    assert login.standing() == Standing(date(2026, 3, 16), ("Platypus",))
