"""Performance in the lake: it ties with valuations, costs nothing on a night without news, and renews what has changed."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import worlds
from worlds import World

from manna.portfolio.agreement import disagreements
from pipelines import closing
from pipelines.performance import find_tear_sheet

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
TABLES = ("performance", "returns", "risk", "attribution", "measured", "months")


def said(result: Any) -> dict[str, Any]:
    """What the step said of each of its tables."""
    return {
        event.asset_key.path[-1]: event.materialization.metadata["change"].value
        for event in result.get_asset_materialization_events()
    }


def measured_again(world: World, failing: tuple[str, ...] = ()) -> Any:
    return worlds.succeeded(world.run([worlds.performance.measured]), failing=failing)


def test_it_ties_and_a_night_without_news_makes_nothing(world: World) -> None:
    days = world.read("portfolio.performance", book="household")
    assert days.height > 1000
    valued = world.read("portfolio.valuations", book="household")
    assert disagreements(world.manna.books["household"], days, valued) == []
    again = measured_again(world)
    assert said(again) == dict.fromkeys(TABLES, "nothing has changed")
    [check] = again.get_asset_check_evaluations()
    assert check.passed
    assert check.metadata["books with nothing new"].value == ["household", "studio"]


@pytest.mark.slow
def test_another_value_renews_the_days_from_it_on_and_the_tear_sheets_of_their_months(world: World) -> None:
    assert worlds.published.months_to_publish(world.manna) == []
    before = world.read("portfolio.tear_sheets", book="household")
    valued = world.read("portfolio.valuations", book="household")
    day = valued.filter(pl.col("value").is_not_null() & (pl.col("date") < MARCH))["date"].max()

    def change(amount: int) -> None:
        changed = (pl.col("date") == day) & pl.col("security_id").str.starts_with("CUR:").not_()
        value = pl.when(changed).then(pl.col("value") + Decimal(amount)).otherwise("value")
        rows = valued.with_columns(value.cast(valued["value"].dtype))
        world.plant("portfolio.valuations", rows, book="household")

    change(7)
    assert said(measured_again(world))["performance"] != "nothing has changed"
    stale = worlds.tear_sheets.stale_months(world.manna)
    assert stale == [day.replace(day=1), MARCH], "a month's tear sheet looks back on all before it"
    assert worlds.published.months_to_publish(world.manna) == stale
    worlds.succeeded(world.report(*stale))
    assert worlds.tear_sheets.stale_months(world.manna) == []
    after = world.read("portfolio.tear_sheets", book="household")
    same = before.join(after, on=before.columns, how="semi")
    assert set(before["period"]) - set(same["period"]) == set(stale)
    newest = json.loads(after.sort("period")["document"][-1])
    page = world.manna.settings.documents_dir / "household" / "2026-03-tear-sheet.html"
    assert newest["name"] in page.read_text()
    assert f'href="{page.name}"' in (page.parent / "2026-03.html").read_text()
    assert f'href="household/{page.name}"' in (page.parent.parent / "index.html").read_text()

    # A month that is closed keeps its tear sheet; closing makes it first.
    change(9)
    measured_again(world)
    worlds.succeeded(world.run([worlds.ledger.months]))
    worlds.succeeded(world.run([worlds.STATEMENTS], partition="2026-02-01"))
    closing.close(world.manna, "household", date(2026, 2, 28), "ana")
    [kept] = world.read("portfolio.tear_sheets", book="household", period=FEBRUARY)["document"]
    assert kept not in after["document"].to_list()
    assert worlds.tear_sheets.stale_months(world.manna) == [MARCH]
    change(11)
    measured_again(world)
    worlds.succeeded(world.report(FEBRUARY, MARCH))
    assert world.read("portfolio.tear_sheets", book="household", period=FEBRUARY)["document"].to_list() == [
        kept
    ]
    assert find_tear_sheet(world.manna, "household", "2026-02") == json.loads(kept)
    assert worlds.tear_sheets.stale_months(world.manna) == []


def test_what_does_not_tie_fails_the_check_and_is_said_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = world.read("portfolio.measured")
    world.plant("portfolio.measured", rows.with_columns(state=pl.lit("another")))
    monkeypatch.setattr(worlds.performance, "disagreements", lambda *_: ["the parts do not sum"])
    for said_of_it in ("household: the parts do not sum", "household: 1 as when it was last measured"):
        [check] = measured_again(
            world, failing=("portfolio.performance closes_at_valuations",)
        ).get_asset_check_evaluations()
        assert not check.passed
        assert check.metadata["first"].value == [said_of_it]
