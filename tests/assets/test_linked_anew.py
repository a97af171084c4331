"""A bank is linked anew: every figure stays as it was, nothing is doubled, what was decided is still there."""

import json
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from worlds import TUESDAY, World, succeeded

from assets import clean as clean_assets
from manna.cleaning import CLEANERS, clean
from manna.contracts import CONTRACTS
from manna.contracts.declaration import content_hash
from pipelines.linking import find_connection, link_plaid, unlink
from pipelines.settling import settle

BANK, BROKER = "First Platypus Bank", "Houndstooth Bank"
FIGURES = {
    "balances and income per day": "SELECT book, account, date, currency, sum(amount) FROM ledger.postings",
    "positions": "SELECT book, account_id, security_id, sum(quantity), sum(remaining_cost) FROM ledger.lots",
    "gains": "SELECT book, account_id, security_id, sum(gain) FROM ledger.gains",
    "reconciliation": "SELECT book, account_id, as_of, difference, basis FROM ledger.reconciliation",
    "accounts": "SELECT book, account_id, name, mask FROM clean.accounts",
    "rows": "SELECT book, account_id, count(*) FROM clean.transactions WHERE NOT removed",
    "trades": "SELECT book, account_id, count(*) FROM clean.trades WHERE NOT removed",
    "holdings": "SELECT book, account_id, security_id, as_of, quantity FROM clean.holdings",
    "terms": "SELECT book, account_id, minimum_payment FROM clean.liabilities",
    "valuations": "SELECT book, date, currency, sum(value) FROM portfolio.valuations",
    "quarantine": "SELECT table_name, count(*) FROM clean.quarantine",
}


def figures(world: World) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: world.manna.lake.query(f"{query} GROUP BY ALL ORDER BY ALL").rows()
        for name, query in FIGURES.items()
    }


def link_again(world: World, institution: str) -> None:
    """What a person does who does not repair a login but links the bank once more."""
    former = world.connection(institution)
    login, products = former["products"]["login"], [p for p in former["products"] if p != "login"]
    ids = {"First Platypus Bank": "ins_109508", "Houndstooth Bank": "ins_109512"}
    public_token = world.manna.plaid.sandbox_public_token(ids[institution], products, login)
    assert link_plaid(world.manna, "household", public_token, institution, products, login) == 1


def some_row(world: World, institution: str, *, pending: bool) -> str:
    account = world.connection(institution)["connection_id"]
    query = (
        "SELECT t.transaction_id FROM clean.transactions t JOIN clean.accounts a USING (account_id) "
        "WHERE a.connection_id = ? AND t.pending = ? AND NOT t.removed ORDER BY t.date DESC, 1 LIMIT 1"
    )
    return str(world.manna.lake.query(query, [account, pending])["transaction_id"][0])


def decide(world: World, row_id: str, category: str) -> None:
    world.manna.ops.decide("household", row_id, category, "ana", world.manna.settings.now(), note="mine")


def remove_unheard(world: World) -> str:
    """A row that the bank told of today and removed before it was asked again: its id."""
    today = str(world.manna.settings.now().date())
    rows = world.read("raw.plaid_transactions", connection_id=world.connection(BANK)["connection_id"])
    like = rows.filter(pl.col("change") == "added").sort("known_at", "seq").row(-1, named=True)
    changed = {"transaction_id": "vanished", "date": today, "pending": False, "pending_transaction_id": None}
    text = json.dumps(json.loads(like["payload"]) | changed)
    earlier = like["known_at"] - timedelta(hours=1)  # than the new login: the clock stands still
    record = like | {"source_id": "vanished", "payload": text, "seq": like["seq"] + 1, "known_at": earlier}
    row = pl.DataFrame([record], schema=rows.schema)
    world.manna.lake.commit(["raw"], lambda lake: lake.append("raw.plaid_transactions", row))
    return "vanished"


def broken_logins(world: World) -> list[str]:
    """How bad the open alerts on connections are."""
    settle(world.manna, world.instance)
    return [alert["severity"] for alert in world.manna.ops.alerts() if alert["kind"] == "connection"]


@pytest.mark.slow
def test_every_figure_stays_and_every_decision_follows(world: World) -> None:
    monday = content_hash(CONTRACTS["clean.transactions"], world.read("clean.transactions"))
    moment: datetime = world.manna.lake.query("SELECT max(known_at) AS last FROM raw.batches")["last"][0]
    world.at(TUESDAY)
    succeeded(world.pull())
    succeeded(world.run(clean_assets.ASSETS))
    posted, pending = (some_row(world, BANK, pending=is_pending) for is_pending in (False, True))
    decide(world, posted, "Expenses:Decided")
    decide(world, pending, "Expenses:Decided while Pending")
    succeeded(world.night())
    before = figures(world)

    vanished = remove_unheard(world)
    unlink(world.manna, find_connection(world.manna, world.connection(BANK)["connection_id"]))
    link_again(world, BANK)
    broken, now = world.connection(BROKER), world.manna.settings.now()
    token = world.manna.vault.open(broken["token"])
    world.plaid("/sandbox/item/reset_login", access_token=token)
    world.manna.ops.connection_status(broken["connection_id"], "login_required", "broken", now)
    link_again(world, BROKER)
    assert "critical" in broken_logins(world)
    world.night()  # the login that is broken fails its check
    assert broken_logins(world) == []  # its bank answers through the new one
    assert world.read("clean.account_questions").is_empty()
    assert figures(world) == before
    sent_again = world.read("clean.transactions").filter(pl.col("superseded_by").is_not_null())
    assert sent_again.height > 500
    assert world.read("clean.trades")["superseded_by"].count() > 20

    gone = world.read("clean.transactions", transaction_id=vanished).row(0, named=True)
    assert (gone["removed"], gone["unlisted"], gone["superseded_by"]) == (True, True, None)
    (named,) = world.read("clean.findings", kind="unlisted_row")["row_ids"]
    assert named == vanished

    heirs = dict(world.read("clean.successions").select("predecessor_id", "successor_id").iter_rows())
    categories = dict(world.read("categorized.transactions").select("transaction_id", "category").iter_rows())
    assert categories[heirs[posted]] == "Expenses:Decided"
    assert categories[heirs[pending]] == "Expenses:Decided while Pending"
    assert posted not in categories

    raw = {source: world.read(source) for source in CLEANERS["clean.transactions"].sources}
    past = clean("clean.transactions", raw, clean_assets.cleaning_context(world.manna), as_known_on=moment)
    assert content_hash(CONTRACTS["clean.transactions"], past.rows) == monday
    assert past.rows.filter(pl.col("superseded_by").is_not_null()).is_empty()
