"""What the books ask a person: held accounts and decisions to review, and what each answer does."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from worlds import World, succeeded

from assets import clean
from manna.contracts import CONTRACTS
from manna.contracts.continuity import SUCCESSIONS
from pipelines.answering import AnswerError, carry, different, listed, same, shortened, to_review
from pipelines.settling import settle

BANK = "First Platypus Bank"


@pytest.fixture
def twin(world: World) -> tuple[str, str]:
    """A second login at the bank, beside the first, shows what may be the same account: (its id, the first's)."""
    former = world.connection(BANK)
    account = world.read("clean.accounts", connection_id=former["connection_id"]).row(0, named=True)
    values = former | {"connection_id": "second", "external_id": "second item"}
    names = (
        "connection_id",
        "book",
        "provider",
        "institution",
        "external_id",
        "products",
        "token",
        "linked_at",
    )
    world.manna.ops.add_connection({name: values[name] for name in names})
    told = world.read("raw.plaid_accounts", source_id=account["account_id"]).row(-1, named=True)
    payload = json.loads(told["payload"]) | {"account_id": "twin-of-it"}
    add(world, "raw.plaid_accounts", told, "twin-of-it", payload)
    row = world.read("raw.plaid_transactions", connection_id=former["connection_id"]).filter(
        pl.col("payload").str.contains(account["account_id"], literal=True), pl.col("change") == "added"
    )
    sent = row.row(0, named=True)
    again = json.loads(sent["payload"]) | {"transaction_id": "sent-again", "account_id": "twin-of-it"}
    add(world, "raw.plaid_transactions", sent, "sent-again", again)
    return "twin-of-it", account["account_id"]


def add(world: World, table: str, like: dict[str, Any], source_id: str, payload: dict[str, Any]) -> None:
    text = json.dumps(payload)
    record = like | {
        "batch_id": f"batch of {source_id}",
        "connection_id": "second",
        "source_id": source_id,
        "payload": text,
        "payload_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "known_at": like["known_at"] + timedelta(minutes=5),
    }
    rows = pl.DataFrame([record], schema=CONTRACTS[table].polars_schema)
    world.manna.lake.commit(["raw"], lambda lake: lake.append(table, rows))


def refused(world: World) -> list[tuple[str, str]]:
    return sorted(world.read("clean.quarantine").select("table_name", "source_id").rows())


@pytest.mark.slow
def test_an_account_is_held_until_somebody_answers(world: World, twin: tuple[str, str]) -> None:
    new, old = twin
    before = {name: world.read(f"clean.{name}").height for name in ("accounts", "transactions", "balances")}
    known = refused(world)
    held = [("clean.accounts", new), ("clean.balances", new), ("clean.transactions", "sent-again")]
    succeeded(world.run(clean.ASSETS))
    assert [row for row in refused(world) if row not in known] == held
    assert {name: world.read(f"clean.{name}").height for name in before} == before
    shown = listed(world.manna).row(0, named=True)
    assert (shown["account"], shown["state"], shown["may_continue"]) == (new, "held", old)
    assert "still answered" in shown["reason"]
    short = shortened(listed(world.manna))
    assert old.startswith(short["may_continue"][0])
    assert short["account"].n_unique() == short.height
    settle(world.manna, world.instance)
    assert "account_question" in {alert["kind"] for alert in world.manna.ops.alerts()}

    assert different(world.manna, "twin-", "ana").startswith(f"{new} is an account of its own")
    succeeded(world.run(clean.ASSETS))
    assert refused(world) == known
    assert world.read("clean.accounts").height == before["accounts"] + 1
    assert world.read("clean.account_questions").is_empty()

    assert same(world.manna, new, old, "ana").startswith(f"{new} continues {old}")
    succeeded(world.run(clean.ASSETS))
    assert world.read("clean.accounts").height == before["accounts"]
    sent_again = world.read("clean.transactions").filter(superseded_by="sent-again")
    assert sent_again.height == 1
    assert world.read("clean.transactions").filter(pl.col("account_id") == new).is_empty()
    settle(world.manna, world.instance)
    assert "account_question" not in {alert["kind"] for alert in world.manna.ops.alerts()}


def test_answers_that_cannot_be_are_refused_and_nothing_is_written(
    world: World, twin: tuple[str, str]
) -> None:
    new, old = twin
    login = world.read("clean.accounts", connection_id=world.connection(BANK)["connection_id"])
    sibling = next(account for account in login["account_id"] if account != old)
    for later, former, why in (
        ("nobody", old, "there is no account 'nobody'"),
        ("", old, "could be any of"),
        (new, new, "cannot continue"),
        (old, new, "cannot continue"),
        (sibling, old, "two accounts of one login are never the same"),
    ):
        with pytest.raises(AnswerError, match=why):
            same(world.manna, later, former, "ana")
    with pytest.raises(AnswerError, match="there is no account"):
        different(world.manna, "nobody", "ana")
    assert world.manna.ops.account_decisions() == []


def test_a_decision_is_carried_over_when_a_person_says_so(world: World) -> None:
    now = world.manna.settings.now()
    row = {
        "predecessor_id": "the pending row",
        "successor_id": "the posted row",
        "book": "household",
        "account_id": "card",
        "how": "changed_amount",
        "certain": False,
        "reason": "-40.00 became -46.50, 1 day later, similar description",
    }
    world.plant(SUCCESSIONS.address, pl.DataFrame([row], schema=SUCCESSIONS.polars_schema))
    assert to_review(world.manna).is_empty()
    with pytest.raises(AnswerError, match="there is no decision to review 'the pending'"):
        carry(world.manna, "the pending", "ben")
    world.manna.ops.decide("household", "the pending row", "Expenses:Meals", "ana", now, note="with Carla")
    assert to_review(world.manna).height == 1
    settle(world.manna, world.instance)
    assert "decision_review" in {alert["kind"] for alert in world.manna.ops.alerts()}
    assert carry(world.manna, "the pending", "ben").startswith("the posted row is Expenses:Meals")
    assert world.manna.ops.overrides().row(-1) == (
        "the posted row",
        "Expenses:Meals",
        "with Carla",
        None,
        "ben",
    )
    assert to_review(world.manna).is_empty()
