"""A run and its process: who executes it, and what became of those whose process died.

What belongs here: the resource every asset gets, and clearing up after a killed process. What does not:
starting servers (``services``, ``serving``).

A run that is killed hard stays STARTED for ever and keeps its pool slots, so that the next run hangs:
Dagster's default launcher cannot see that death. Who is alive is asked of the kernel, never of a pid or a
clock. These files in ``DAGSTER_HOME`` are locked with flock, which ends with the process, however it ends:

    running/RUN_ID   by the process that executes the run, while it does
    serving.lock     by the supervisor of webserver and daemon (`manna up`)
    children.lock    by whatever ends their processes after that supervisor (``leash``)
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from resources.installation import Installation
from resources.schema import require_current
from resources.settings import Settings

SERVING, CHILDREN = "serving.lock", "children.lock"
LAST_WORDS_SECONDS = 60
"""How long the processes of a supervisor that was killed are given to end."""

UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""States of a run that a process is at, or should be."""
_STATEMENT_SECONDS, _RECYCLE_SECONDS = 60, 300


@dg.resource(description="The installation: lake, Postgres, providers, books.")
def installation_resource(context: dg.InitResourceContext) -> Iterator[Installation]:
    """One :class:`Installation` per run or tick; a run holds its lock as long as it has one.

    A run begins with the lake's files as they were written, or not at all.
    """
    from resources import lake_files  # SQLAlchemy takes 0.4 s to import

    installation, run = Installation(), context.run
    recorded = run if run is not None and context.instance and context.instance.has_run(run.run_id) else None
    with ExitStack() as holding:
        if recorded and context.instance:
            from pipelines.logs import of_run

            holding.enter_context(executing(context.instance, recorded.run_id))
            holding.enter_context(of_run(installation.settings, recorded.run_id))
        try:
            require_current(installation.postgres_url)
            if recorded:
                lake_files.require_whole(installation)
            yield installation
            if recorded:
                lake_files.note_new(installation)
        finally:
            installation.close()


@contextmanager
def executing(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Says that this process executes the run, until the block ends or the process does.

    Nothing happens when it has been said already (by the ``Runner`` of this very process).
    """
    lock = _lock_of(instance, run_id)
    if lock.exists():
        yield
        return
    keep_connections(instance)
    lock.parent.mkdir(parents=True, exist_ok=True)
    # It appears under its name when it is locked already: nobody ever finds it there and free.
    draft = lock.with_name(f".{lock.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        draft.rename(lock)
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def keep_connections(instance: dg.DagsterInstance) -> None:
    """Lets this process keep its connection to Dagster's storage.

    Dagster opens one per statement, which is a quarter of the time of a run with nothing to do.
    """
    instance.optimize_for_webserver(
        statement_timeout=_STATEMENT_SECONDS * 1000, pool_recycle=_RECYCLE_SECONDS, max_overflow=20
    )


def is_dead(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run was executed on this machine by a process that is gone.

    False for one that has not begun or has ended in good order, or is another machine's to judge.
    """
    return not is_held(_lock_of(instance, run_id), absent=True)


def bury_dead_runs(instance: dg.DagsterInstance, *, alone: bool = True) -> list[str]:
    """Fails every unfinished run whose process is gone, frees its slots, and returns their ids.

    Args:
        instance: where the runs are recorded.
        alone: nobody but this machine's processes executes runs of ``instance``. A run that no process
            has begun is then dead too, unless a daemon lives that may be about to launch it.
    """
    home = Path(instance.root_directory)
    served = is_held(home / SERVING)
    if not served:
        # Whoever was left by a killed supervisor is about to be killed: nobody would bury it later.
        _await_release(home / CHILDREN)
    buried = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=UNFINISHED)):
        lock = _lock_of(instance, run.run_id)
        # Without a lock nobody has begun it, or it ends in good order just now: then its last words are on their way.
        if is_held(lock, absent=served or not alone):
            continue
        # Its lock may be gone because it has just ended in good order.
        now = instance.get_run_by_id(run.run_id)
        if now is not None and now.status in UNFINISHED:
            instance.report_run_failed(now, "its process was killed; found dead at the next start")
            buried.append(run.run_id)
        lock.unlink(missing_ok=True)
    _free_slots_of_the_finished(instance)
    return buried


def _free_slots_of_the_finished(instance: dg.DagsterInstance) -> None:
    """A run that was failed by others, or killed as it ended, may still hold its slots."""
    log = instance.event_log_storage
    for run_id in log.get_concurrency_run_ids():
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            log.free_concurrency_slots_for_run(run_id)


class WatchfulRunLauncher(DefaultRunLauncher):
    """Dagster's default launcher, which can tell that a run's process is gone.

    ``run_monitoring`` then fails such a run while the daemon lives, so that the night after is not held up.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Whether run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Failed when the process is gone, else running."""
        if is_dead(self._instance, run.run_id):
            return CheckRunHealthResult(WorkerStatus.FAILED, "its process was killed")
        return CheckRunHealthResult(WorkerStatus.RUNNING)


def owns_database(settings: Settings) -> bool:
    """Whether the database is the embedded one, which nobody but this data directory's processes uses."""
    from resources.embedded_postgres import Cluster

    try:
        return Cluster(settings.data_dir).url == settings.postgres_url
    except FileNotFoundError:
        return False


def hold(lock: Path) -> int | None:
    """Locks the file and returns its descriptor, which holds it until closed; None when others hold it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _lock_of(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory) / "running" / run_id


def is_held(lock: Path, *, absent: bool = False) -> bool:
    """Whether a living process holds it exclusively; ``absent`` is the answer when there is no such file (any more)."""
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return absent
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        # Whoever ends in good order removes it and lets go of it then: that is no death, though it is free.
        return os.fstat(descriptor).st_nlink == 0 and absent
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def _await_release(lock: Path) -> None:
    """Waits until nobody holds it; raises ``tenacity.RetryError`` when that takes too long."""
    patience = Retrying(
        retry=retry_if_result(bool), stop=stop_after_delay(LAST_WORDS_SECONDS), wait=wait_fixed(0.1)
    )
    patience(is_held, lock)
