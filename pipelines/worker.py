"""`python -m pipelines.worker`: a Celery worker that makes steps of runs, one at a time, on this or another machine.

What belongs here: that process. What does not: what it agrees on with runs (``executors``), or who starts it (systemd).

It needs the settings of the runs: the same ``MANNA_POSTGRES_URL``, ``MANNA_CELERY_BROKER`` and keys, the same
``MANNA_DATA_DIR`` under the same path, and the same version of Manna. Start as many as steps may be made at once. More words
are Celery's: `python -m pipelines.worker --hostname two@%h`.
"""

import sys
from collections.abc import Sequence

from resources.postgres import PostgresError
from resources.settings import Settings, SettingsError


def main(words: Sequence[str]) -> int:
    """Works until SIGTERM, which lets the step at hand end; 1 when it cannot begin, with one line of why."""
    from pipelines.attached import attach

    try:
        settings = Settings.load()
        if settings.celery_broker is None:
            raise SettingsError(
                "set MANNA_CELERY_BROKER to the broker that runs use, e.g. redis://HOST:6379/0"
            )
        attach(settings)
    except (SettingsError, PostgresError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    from dagster_celery.make_app import make_app
    from dagster_celery.tasks import create_task

    from pipelines.executors import celery_settings

    app = make_app(celery_settings(settings))  # type: ignore[no-untyped-call]
    create_task(app)  # type: ignore[no-untyped-call]
    # In this very process: libraries with threads of their own (Polars, DuckDB) do not survive a fork.
    app.worker_main(["worker", "--pool", "solo", "--queues", "dagster", "--loglevel", "info", *words])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
