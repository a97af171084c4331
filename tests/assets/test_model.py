"""A book's model through the assets: nothing to learn, trained, used, promoted or not, gone back from, tampered with."""

from typing import Any

import polars as pl
import pytest
from worlds import World, checks, said, succeeded

from assets import categorized, model
from assets.categorized import TRANSACTIONS
from assets.model import TABLE
from pipelines import modelling
from pipelines.asked import UsageError
from resources.model_files import ModelFileError

USABLE = f"{TRANSACTIONS} models_are_usable"
OURS = "Expenses:Ours"


def train(world: World) -> dict[str, Any]:
    result = succeeded(world.run([model.models]))
    return {
        name.removeprefix("household: "): value
        for name, value in said(result, TABLE).items()
        if name.startswith("household: ")
    }


def decide(world: World, merchants: list[str], category: str = OURS, every: int = 2) -> int:
    """Decides on every second row of these merchants, as ana."""
    rows = world.read(TRANSACTIONS, book="household").filter(pl.col("merchant").is_in(merchants))
    chosen = rows.sort("transaction_id")["transaction_id"].to_list()[::every]
    for transaction_id in chosen:
        world.manna.ops.decide("household", transaction_id, category, "ana", world.manna.settings.now())
    return len(chosen)


def uncertain(world: World, count: int) -> list[str]:
    """The merchants with the most rows that wait for review."""
    rows = world.read(TRANSACTIONS, book="household").filter(~pl.col("certain"), pl.col("merchant") != "")
    by_merchant = rows.group_by("merchant").len().sort("len", "merchant", descending=[True, False])
    return by_merchant["merchant"].head(count).to_list()


def model_rows(world: World) -> pl.DataFrame:
    return world.read(TRANSACTIONS, book="household").filter(pl.col("source") == "model")


def test_a_book_without_decisions_has_no_model(world: World) -> None:
    assert train(world) == {"outcome": "nobody has decided anything yet: no model"}
    assert world.manna.ops.models() == []
    assert world.read(TABLE).is_empty()
    assert checks(succeeded(world.run([categorized.categories])))[USABLE].passed


@pytest.mark.slow  # it is trained four times
def test_the_life_of_a_model(world: World) -> None:
    before = world.read(TRANSACTIONS)
    merchants = uncertain(world, 4)
    decided = decide(world, merchants[:2], every=2) + decide(world, merchants[2:], "Expenses:Theirs", every=2)
    # One slip, so that memory is not sure and the model is asked.
    for merchant in merchants:
        decide(world, [merchant], "Expenses:Slip", every=10_000)

    # Trained: the figures are in the metadata as numbers and as pictures, the answers in the table.
    told = train(world)
    [first] = world.manna.ops.models("household")
    assert told["outcome"] == f"{first['model_id']} is in use"
    assert told["accuracy"] == first["metrics"]["accuracy"] > 0.8
    assert told["plots"].count("data:image/svg+xml;base64,") >= 3
    assert f"| {OURS} | USD |" in told["money per report line"]
    assert first["metrics"]["decisions"] == decided
    answers = world.read(TABLE, book="household")
    assert answers.height == first["metrics"]["rows"]
    assert first["metrics"]["champion"]["model_id"] is None
    assert world.read(TRANSACTIONS).equals(before)  # a training changes no category

    # Used: the rows nobody decided are the model's, those a person decided are not.
    succeeded(world.run([categorized.categories]))
    used = model_rows(world)
    assert used.height > 0
    learnt = used.filter(pl.col("merchant").is_in(merchants))
    assert learnt.height > 0
    assert set(learnt["category"]) <= {OURS, "Expenses:Theirs", "Expenses:Slip"}
    people = world.manna.ops.overrides()["transaction_id"]
    assert not used["transaction_id"].is_in(people.implode()).any()

    # Nothing new: nothing is done.
    assert train(world)["outcome"] == f"{first['model_id']}: nothing was decided since"
    assert len(world.manna.ops.models("household")) == 1

    # Everything the model was good at turns out to be something else: it is compared on that.
    decide(world, merchants, "Expenses:Turned", every=3)
    world.at("2026-03-17T12:00:00Z")
    outcome = train(world)["outcome"]
    second = world.manna.ops.models("household")[0]
    assert second["model_id"] != first["model_id"]
    assert second["metrics"]["champion"]["model_id"] == first["model_id"]
    assert ("is not put into use" in outcome) == bool(second["metrics"]["objections"])

    # A person's word on versions; going back goes back to none in the end.
    manna = world.manna
    wanted = first if modelling.listed(manna, ["household"])["in_use"][0] else second
    assert modelling.promote(manna, wanted["model_id"][:8], by="ana", reason="try") == (
        f"household uses {wanted['model_id']}"
    )
    with pytest.raises(UsageError, match="is in use in household already"):
        modelling.promote(manna, wanted["model_id"], by="ana", reason="again")
    while manna.ops.model_in_use("household") is not None:
        modelling.roll_back(manna, "household", by="ana", reason="back")
    with pytest.raises(UsageError, match="household uses no model"):
        modelling.roll_back(manna, "household", by="ana", reason="back")
    succeeded(world.run([categorized.categories]))
    assert model_rows(world).is_empty()

    # A file that is not the recorded one is never loaded, and that is said.
    modelling.promote(manna, first["model_id"], by="ana", reason="try")
    file = manna.settings.models_dir / f"{first['model_id']}.model"
    file.write_bytes(file.read_bytes() + b"!")
    result = succeeded(world.run([categorized.categories]), failing=[USABLE])
    assert not checks(result)[USABLE].passed
    assert "is not the file that was recorded" in str(checks(result)[USABLE].metadata["household"].value)
    assert model_rows(world).is_empty()
    listed = modelling.listed(manna, ["household"]).filter("in_use")
    assert "not loaded" in listed["why_not"][0]
    assert "not loaded" in modelling.shown(manna, first["model_id"])["file"]
    modelling.promote(manna, second["model_id"], by="ana", reason="other")
    with pytest.raises(ModelFileError, match="not loaded"):
        modelling.roll_back(manna, "household", by="ana", reason="back")
    # What it had answered is kept, so the next one is compared all the same.
    decide(world, merchants[:1], "Expenses:Later", every=2)
    train(world)
    assert world.manna.ops.models("household")[0]["metrics"]["champion"]["rows"] > 0


@pytest.mark.parametrize("name", ["", "no such model"])
def test_a_version_that_is_none(world: World, name: str) -> None:
    with pytest.raises(UsageError, match="there is no model"):
        modelling.shown(world.manna, name)
