"""Executors that are killed with SIGKILL at a chosen point, one process each, forked from this program.

What belongs here: that program, for the crash tests of execution. It is started once (importing takes longer than a whole
execution) and reads one JSON object a line: the database, the sandbox's address, its keys, the plan, and ``die_at``: the
number of the point at which to die, or null. Points are before and after every commit that writes and every HTTP call
that is no question, counted from 1; between two of them nothing changes anywhere, so there is no other state to die in.
With ``all`` questions and reading count too. With ``seconds`` it is killed that long after it began, wherever it is. It answers a line: ``{"died": bool, "points":
n, "said": ...}`` per plan named.
"""

import importlib
import json
import os
import signal
import sys
import threading
import traceback
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from manna.trading.settings import Trading
from pipelines.executing import Execution, ExecutionError
from pipelines.sending import Desk
from resources import orders
from resources.alpaca import Session
from resources.broker import Broker
from resources.postgres import sqlalchemy_url
from resources.trade_updates import trade_updates


class Points:
    """Counts points, and dies at one."""

    def __init__(self, die_at: int | None) -> None:
        self.count, self._die_at = 0, die_at

    def __call__(self) -> None:
        self.count += 1
        if self.count == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    for name in ("alpaca.trading.client", "psycopg", "websockets.sync.client"):
        importlib.import_module(name)  # here once, not in every child
    for text in sys.stdin:
        asked = json.loads(text)
        children = [_fork(asked, die_at) for die_at in asked["die_at"]]
        answers = []
        for pid, answer in children:
            if asked.get("seconds"):
                threading.Timer(asked["seconds"], _kill, (pid,)).start()
            said = answer.read()
            _, status = os.waitpid(pid, 0)
            died = os.WIFSIGNALED(status)
            answers.append({"died": died, **(json.loads(said) if said else {})})
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


def _kill(pid: int) -> None:
    # A pid that is waited for already may be another process by now.
    if _alive(pid):
        os.kill(pid, signal.SIGKILL)


def _alive(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def _fork(asked: dict[str, Any], die_at: int | None) -> tuple[int, Any]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, os.fdopen(reading)
    os.close(reading)
    points = Points(die_at)
    try:
        said = _execute(asked, points)
    except Exception:  # noqa: BLE001
        said = {"failed": traceback.format_exc()}
    with os.fdopen(writing, "w") as answer:
        answer.write(json.dumps({**said, "points": points.count}))
    os._exit(0)


def _execute(asked: dict[str, Any], points: Points) -> dict[str, Any]:
    engine = sa.create_engine(sqlalchemy_url(asked["database"]), poolclass=sa.NullPool)
    commit, request = engine.dialect.do_commit, Session.request

    wrote = [False]

    def noted(_1: Any, _2: Any, statement: str, *_3: Any) -> None:
        wrote[0] |= statement.startswith(("INSERT", "UPDATE"))

    def counted_commit(connection: Any) -> None:
        counts, wrote[0] = wrote[0] or asked.get("all"), False
        if counts:
            points()
        commit(connection)
        if counts:
            points()

    def counted_request(self: Session, method: str, *arguments: Any, **more: Any) -> Any:
        counts = method != "GET" or asked.get("all")
        if counts:
            points()
        found = request(self, method, *arguments, **more)
        if counts:
            points()
        return found

    sa.event.listen(engine, "before_cursor_execute", noted)
    engine.dialect.do_commit = counted_commit  # type: ignore[method-assign]
    Session.request = counted_request  # type: ignore[method-assign]
    now = datetime.fromisoformat(asked["now"])
    keys = asked["key_id"], asked["secret_key"]
    broker = Broker(asked["trading_url"], *keys, read_seconds=asked.get("read_seconds", 60.0))
    with engine.connect() as connection:
        with connection.begin():
            row = orders.plan(connection, asked["plan"])
        assert row is not None
        try:
            with (
                orders.only_executor(connection, row["account_id"], asked.get("patience", 60.0)),
                trade_updates(asked["stream_url"], *keys) as updates,
            ):
                if asked.get("listens"):
                    updates.listens(5.0)
                desk = Desk(connection, broker, updates, lambda: now, seconds=0.02, rounds=3)
                result = Execution(
                    connection, row, desk, Trading(orders_per_day=10**6), lambda: now, "ana"
                ).run()
        except (orders.BusyError, ExecutionError) as error:
            return {"refused": str(error)}
    return {"finished": result.finished, "reason": result.reason, "problems": list(result.detail["problems"])}


if __name__ == "__main__":
    main()
