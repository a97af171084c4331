"""The past rebuilt: every publication again, from ``raw`` and the decisions of its day, with an equal hash."""

import shutil
from datetime import date, datetime

import polars as pl
import pytest
import worlds
from worlds import MONDAY, TUESDAY, WEDNESDAY, World

from manna.contracts import CONTRACTS
from manna.contracts.declaration import content_hash
from pipelines.rebuilding import MomentError, as_published, edition_of, read_moment, rebuilt
from resources.past import Past, PastError
from resources.settings import PROJECT

MARCH = date(2026, 3, 1)
MADE = [
    c for c in CONTRACTS.values() if c.schema in ("clean", "categorized", "ledger", "portfolio", "reports")
]
ELSEWHERE = {"categorized.model", "portfolio.rebalance_plan", "portfolio.tear_sheets", "reports.editions"}
"""Made by other jobs than a night's, or a record of more than one night."""


def editions(world: World) -> pl.DataFrame:
    return world.read("reports.editions").sort("book", "period", "number")


def hashes(world: World, moment: datetime) -> dict[tuple[str, date], str]:
    with rebuilt(world.manna, moment) as past:
        rows = past.lake.read("reports.publications")
    return {(row["book"], row["period"]): row["content_hash"] for row in rows.to_dicts()}


def in_force(world: World, moment: datetime) -> dict[tuple[str, date], str]:
    """Content hash of what was published at a moment, by book and month."""
    known = editions(world).filter(pl.col("known_at") <= moment)
    return {(row["book"], row["period"]): row["content_hash"] for row in known.to_dicts()}


@pytest.mark.slow
def test_as_known_now_every_table_is_what_the_lake_holds(world: World) -> None:
    with rebuilt(world.manna, latest(world)) as past:
        for contract in MADE:
            if contract.address not in ELSEWHERE:
                ours, theirs = (lake.read(contract.address) for lake in (past.lake, world.manna.lake))
                assert content_hash(contract, ours) == content_hash(contract, theirs), contract.address
        assert past.lake.read("reports.publications").height == editions(world).height


@pytest.mark.slow
def test_every_publication_of_several_nights_is_rebuilt(world: World) -> None:
    """With decisions on one day, another rule in the book's file on the next, and new rows on both."""
    folder = world.data_dir / "books"
    moments = [latest(world)]
    for now in (TUESDAY, WEDNESDAY):
        world.at(now)
        if now == TUESDAY:
            rows = world.read("clean.transactions", book="household").filter(~pl.col("pending"))
            for name in rows["transaction_id"].sort().head(40):
                world.manna.ops.decide("household", name, "Expenses:Gifts", "ana", world.manna.settings.now())
        else:
            shutil.copytree(PROJECT / "books", folder)
            text = (folder / "household.yaml").read_text()
            rule = "rules:\n  - {description: '.', category: 'Expenses:Test'}\n"
            (folder / "household.yaml").write_text(text.replace("rules:\n", rule, 1))
            world.at(now)
        worlds.succeeded(world.night(), failing=FAILING)
        assert world.report() is not None
        moments.append(latest(world))
    assert len(set(moments)) == 3
    assert editions(world).group_by("book", "period").len().filter(pl.col("len") == 3).height
    for moment in moments:
        assert hashes(world, moment).items() >= in_force(world, moment).items(), moment


FAILING = ["clean.findings nothing_to_look_at", "ledger.reconciliation reconciled"]


def latest(world: World) -> datetime:
    last = editions(world)["known_at"].max()
    assert isinstance(last, datetime)
    return last


class TestMoments:
    NOW = datetime.fromisoformat(MONDAY)

    def test_a_day_is_its_end_where_the_book_is(self) -> None:
        found = read_moment("2026-03-15", "America/New_York", self.NOW)
        assert found.isoformat() == "2026-03-16T03:59:59.999999+00:00"
        assert read_moment("2026-03-15T08:00", "America/New_York", self.NOW).hour == 12
        assert read_moment("2026-03-15T08:00+00:00", "America/New_York", self.NOW).hour == 8

    @pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-03-17"])
    def test_no_moment_and_one_to_come(self, text: str) -> None:
        with pytest.raises(MomentError):
            read_moment(text, "UTC", self.NOW)


def test_before_the_first_night_there_is_nothing(world: World) -> None:
    moment = datetime.fromisoformat("2020-01-01T00:00:00Z")
    assert edition_of(world.manna, "household", MARCH, moment) is None
    with (
        pytest.raises(PastError, match="ask for a moment after the first night"),
        as_published(world.manna, "household", MARCH, moment),
    ):
        pass


def test_what_is_no_fact_of_the_past_is_not_answered(world: World) -> None:
    past = Past(world.manna, world.manna.settings.now())
    with pytest.raises(PastError, match="cannot be asked of the past"):
        past.ops.alerts()
