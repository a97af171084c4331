"""Great Expectations looks at each content once, and is not even imported to say so again."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
import worlds
from worlds import World, checks

from assets import clean
from assets.examined import CHECKS
from resources.settings import PROJECT

ADDRESS = "clean.accounts"
CHECK = next(check for check in CHECKS if worlds.key(ADDRESS) in {one.asset_key for one in check.check_keys})
ACCOUNTS = next(asset for asset in clean.ASSETS if worlds.key(ADDRESS) in asset.keys)
NAME = f"{ADDRESS} great_expectations"


def examine(world: World) -> worlds.Result:
    """Runs the check alone, as the UI's button does."""
    return world.run([ACCOUNTS, CHECK], selection=dg.AssetSelection.checks(CHECK))


def said(world: World) -> tuple[bool, dict[str, Any]]:
    found = checks(examine(world))[NAME]
    return found.passed, {name: value.value for name, value in found.metadata.items()}


class TestExamination:
    @pytest.fixture(scope="class")
    @staticmethod
    def examined(
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

    def test_the_second_time_cites_the_run_that_examined_this_content(self, examined: Any) -> None:
        world, run_id = examined
        passed, metadata = said(world)
        assert passed
        assert metadata["how"] == f"same content as in run {run_id}"

    def test_and_does_not_import_great_expectations(self, examined: Any) -> None:
        world, run_id = examined
        program = (
            "import sys, pathlib, worlds, test_examined\n"
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
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"same content as in run {run_id}" in done.stdout

    def test_other_content_is_examined_and_a_broken_promise_fails_the_check(self, examined: Any) -> None:
        world, _ = examined
        # Past the lake's own guard, as a defect of ours would.
        world.manna.lake.query(f"UPDATE {ADDRESS} SET currency = 'dollars'")
        passed, metadata = said(world)
        assert not passed
        assert metadata["how"] == "examined now"
        assert metadata["failures"] == ["expect_column_values_to_match_regex currency"]
        # A failure is remembered as well.
        passed, metadata = said(world)
        assert not passed
        assert metadata["how"].startswith("same content as in run ")
