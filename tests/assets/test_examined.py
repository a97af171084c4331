"""Great Expectations looks at each content once, and is not even imported to say so again."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl
import pytest
import worlds
from worlds import World, checks

from assets import clean, examined
from manna.contracts.clean import QUARANTINE
from resources.settings import PROJECT

ADDRESS = "clean.accounts"
ACCOUNTS = next(asset for asset in clean.ASSETS if worlds.key(ADDRESS) in asset.keys)
NAME, REFUSED = f"{ADDRESS} great_expectations", f"{ADDRESS} few_are_refused"


def examine(world: World) -> worlds.Result:
    """Runs the check of one table alone, as the UI's button does."""
    one = dg.AssetCheckKey(worlds.key(ADDRESS), "great_expectations")
    return world.run([*clean.ASSETS, examined.examined], selection=dg.AssetSelection.checks(one))


def said(world: World) -> tuple[dg.AssetCheckEvaluation, dict[str, Any]]:
    found = checks(examine(world))[NAME]
    return found, {name: value.value for name, value in found.metadata.items()}


class TestExamination:
    @pytest.fixture(scope="class")
    @staticmethod
    def seen(
        finished: World, server: str, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[tuple[World, str]]:
        """A world whose accounts have been examined, and the run that did."""
        world = worlds.copy_world(finished, tmp_path_factory.mktemp("examined") / "data", server, "examined")
        try:
            result = worlds.succeeded(examine(world))
            metadata = checks(result)[NAME].metadata
            assert metadata["how"].value == "examined now"
            assert metadata["expectations"].value > 10
            yield world, result.run_id
        finally:
            world.close()

    def test_the_check_links_to_its_page_among_the_data_docs(self, seen: Any) -> None:
        world, run_id = seen
        folder = examined.data_docs(world.manna)
        _, metadata = said(world)
        assert metadata["page"] == "/documents/data_docs/clean.accounts.html"
        result, suite, index = (
            (folder / name).read_text()
            for name in ("clean.accounts.html", "clean.accounts.suite.html", "index.html")
        )
        assert 'href="clean.accounts.suite.html"' in result
        assert "Evaluated Expectations" in result
        assert "values must be unique" in suite
        assert 'href="clean.accounts.html"' in index
        assert run_id[:8] in index
        for page in (result, suite, index):
            assert "<script" not in page
            assert "://" not in page
            assert "default-src 'none'" in page

    def test_the_second_time_cites_the_run_that_examined_this_content(self, seen: Any) -> None:
        world, run_id = seen
        found, metadata = said(world)
        assert found.passed
        assert metadata["how"] == f"unchanged since run {run_id}"

    def test_and_does_not_ask_great_expectations(self, seen: Any) -> None:
        world, run_id = seen
        program = (
            "import sys, pathlib, worlds, test_examined\n"
            "import resources.examiner\n"
            "resources.examiner.examine = None\n"
            "world = worlds.World(pathlib.Path(sys.argv[1]), sys.argv[2])\n"
            "print(test_examined.said(world))\n"
            "world.close()\n"
            "assert 'great_expectations' not in sys.modules\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(world.data_dir), world.url],
            cwd=PROJECT / "tests" / "assets",
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"unchanged since run {run_id}" in done.stdout

    def test_rows_written_again_as_they_were_are_the_same_content(self, seen: Any) -> None:
        world, run_id = seen
        world.manna.lake.query(f"UPDATE {ADDRESS} SET currency = currency")
        _, metadata = said(world)
        assert metadata["how"] == f"unchanged since run {run_id}"

    def test_other_content_is_examined_and_a_broken_promise_warns_per_book(self, seen: Any) -> None:
        world, _ = seen
        # Past the lake's own guard, as a defect of ours would.
        world.manna.lake.query(f"UPDATE {ADDRESS} SET currency = 'dollars' WHERE book = 'studio'")
        found, metadata = said(world)
        assert not found.passed
        assert found.severity == dg.AssetCheckSeverity.WARN
        assert metadata["how"] == "examined now"
        assert metadata["failures"] == ["expect_column_values_to_match_regex currency"]
        assert metadata["rows of studio"] == 3
        assert "rows of household" not in metadata
        # A failure is remembered as well.
        found, metadata = said(world)
        assert not found.passed
        assert metadata["how"].startswith("unchanged since run ")

    def test_a_key_that_is_there_twice_is_systemic(self, seen: Any) -> None:
        world, _ = seen
        world.manna.lake.query(f"INSERT INTO {ADDRESS} SELECT * FROM {ADDRESS} LIMIT 1")
        found, metadata = said(world)
        assert not found.passed
        assert found.severity == dg.AssetCheckSeverity.ERROR
        assert "expect_column_values_to_be_unique account_id" in metadata["failures"]


def test_a_systemic_failure_blocks_what_is_made_from_the_table_and_a_warning_does_not(world: World) -> None:
    accounts = [*clean.ASSETS, examined.examined, downstream]
    selection = dg.AssetSelection.assets(downstream) | dg.AssetSelection.checks(
        dg.AssetCheckKey(worlds.key(ADDRESS), "great_expectations")
    )
    world.manna.lake.query(f"UPDATE {ADDRESS} SET currency = 'dollars'")
    assert world.run(accounts, selection=selection).success
    world.manna.lake.query(f"INSERT INTO {ADDRESS} SELECT * FROM {ADDRESS} LIMIT 1")
    result = world.run(accounts, selection=selection)
    assert not result.success
    assert not [
        event for event in result.all_events if event.is_step_start and event.step_key == "downstream"
    ]


@dg.asset(deps=[worlds.key(ADDRESS)])
def downstream() -> None:
    """Stands for whatever is made from the accounts."""


class TestRefused:
    @staticmethod
    def flood(world: World, rows: int) -> dg.AssetCheckEvaluation:
        """So many rows of the accounts refused."""
        source = {"batch_id": "b", "payload_sha256": "a", "known_at": world.manna.settings.now()}
        refused = [
            {"table_name": ADDRESS, "source_id": str(n), "book": "studio", "reasons": "?", "payload": "{}"}
            | source
            for n in range(rows)
        ]
        world.plant(
            QUARANTINE.address, pl.DataFrame(refused, schema=QUARANTINE.polars_schema), table_name=ADDRESS
        )
        return checks(
            world.run([*clean.ASSETS, examined.refused], selection=dg.AssetSelection.checks(examined.refused))
        )[REFUSED]

    def test_a_flood_blocks_unless_it_has_been_discarded(self, world: World) -> None:
        assert self.flood(world, 19).passed
        found = self.flood(world, 20)
        assert not found.passed
        assert found.blocking
        assert found.metadata["why"].value == "20 rows refused, 59% of the table"
        assert found.metadata["rows of studio"].value == 20
        decision = {
            "decision": "discard",
            "reason": "test",
            "decided_by": "ana",
            "known_at": world.manna.settings.now(),
        }
        row = {"book": "studio", "table_name": ADDRESS, "payload_sha256": "a"}
        world.manna.ops.decide_on_quarantine([row | decision | {"source_id": str(n)} for n in range(20)])
        assert self.flood(world, 20).passed
