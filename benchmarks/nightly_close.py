"""How long a night takes: the first close, a close with nothing new, and importing the definitions.

Prints JSON. Absolute seconds depend on the machine; the ratios are measured in one run on one machine and
are what the targets are about:

- ``nothing_new_per_dagster_start``: a whole ``manna run nightly_close`` with nothing new, over starting
  Dagster on the same storage and running one trivial asset;
- ``backfill_120_months_seconds``: all reports of ten years again, as one run (its own time is the last of ``runs``);
- ``import_beyond_dagster_seconds``: importing ``pipelines.definitions`` less importing ``dagster``.

Usage: ``uv run python benchmarks/nightly_close.py [--runs N]``. It works in a temporary data directory.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

NOW = "2026-03-16T12:00:00Z"
MANNA = [sys.executable, "-m", "pipelines"]
PROJECT = Path(__file__).resolve().parents[1]
TEN_YEARS = "2016-04-01...2026-03-01"

STAGES = """
import json, dagster as dg
from pipelines.services import database
from resources.settings import Settings
with database(Settings.load()):
    instance = dg.DagsterInstance.get()
    found = []
    for run in reversed(instance.get_runs()):
        steps = instance.get_run_step_stats(run.run_id)
        record = instance.get_run_record_by_id(run.run_id)
        found.append({
            "job": run.job_name,
            "seconds": round((record.end_time or 0) - (record.start_time or 0), 2),
            "steps": {s.step_key: round(s.end_time - s.start_time, 3) for s in steps if s.end_time},
        })
    print(json.dumps(found))
"""

TRIVIAL = """
import dagster as dg
from pipelines.services import database
from resources.settings import Settings
with database(Settings.load()):
    @dg.asset
    def nothing() -> None: ...
    dg.materialize([nothing], instance=dg.DagsterInstance.get())
"""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="repetitions of the small measurements")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="manna-bench-") as folder:
        environment = os.environ | {"MANNA_DATA_DIR": folder, "MANNA_NOW": NOW}
        first = seconds([*MANNA, "demo"], environment)
        second = seconds([*MANNA, "demo"], environment)
        nothing_new = median([*MANNA, "run", "nightly_close"], environment, runs)
        trivial = median([sys.executable, "-c", TRIVIAL], environment, runs)
        backfill = seconds([*MANNA, "run", "statements", "--partition", TEN_YEARS], environment)
        stages = subprocess.run(
            [sys.executable, "-c", STAGES],
            env=environment,
            cwd=PROJECT,
            check=True,
            capture_output=True,
            text=True,
        )
        dagster = median([sys.executable, "-c", "import dagster"], environment, runs)
        definitions = median(
            [sys.executable, "-c", "import dagster, pipelines.definitions"], environment, runs
        )
        night = json.loads(stages.stdout.splitlines()[-1])
    print(
        json.dumps(
            {
                "first_demo_seconds": first,
                "second_demo_seconds": second,
                "nothing_new_seconds": nothing_new,
                "backfill_120_months_seconds": backfill,
                "trivial_dagster_run_seconds": trivial,
                "nothing_new_per_dagster_start": round(nothing_new / trivial, 2),
                "import_dagster_seconds": dagster,
                "import_definitions_seconds": definitions,
                "import_beyond_dagster_seconds": round(definitions - dagster, 3),
                "import_beyond_dagster_per_dagster": round((definitions - dagster) / dagster, 2),
                "runs": night,
            },
            indent=1,
        )
    )


def seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    """Wall seconds of one whole process."""
    began = perf_counter()
    subprocess.run(command, env=environment, cwd=PROJECT, check=True, capture_output=True)
    return round(perf_counter() - began, 2)


def median(command: Sequence[str], environment: dict[str, str], runs: int) -> float:
    """Median wall seconds of several whole processes."""
    return round(statistics.median(seconds(command, environment) for _ in range(runs)), 3)


if __name__ == "__main__":
    main()
