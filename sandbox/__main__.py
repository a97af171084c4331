"""`python -m sandbox`: serve a Plaid and an Alpaca of our own on loopback until told to stop.

Prints one line of JSON on stdout when requests are answered. Whoever starts it as a child passes its own
pid as --parent-pid: the sandbox then stops when that process ends, however it ends. (Watching for the end
of stdin would not do: any other child that inherited the pipe keeps it open.)

Exit codes: 0 stopped as asked, or the people can be served, 2 could not start; the reason is one line on stderr.
"""

import argparse
import asyncio
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import psutil

from sandbox.people import PeopleError, check_people
from sandbox.server import HOST, SandboxError, SandboxServer, bind, build, endpoints, load_credentials
from sandbox.state import State, StateError, clock_from_environment


def main(arguments: list[str] | None = None) -> int:
    """Run the sandbox; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.check_people:
            check_people(options.check_people)
            return 0
        server, listener = _prepare(options)
    except (SandboxError, StateError, PeopleError) as error:
        sys.stderr.write(f"sandbox: {' '.join(str(error).split())}\n")
        return 2
    asyncio.run(server.serve([listener]))
    server.sandbox.state.close()
    return 0


def _prepare(options: argparse.Namespace) -> tuple[SandboxServer, socket.socket]:
    """Everything that can fail, in the order in which nothing is left behind when it does."""
    parent = _parent(options.parent_pid)
    try:
        clock = clock_from_environment()
    except ValueError as error:
        raise SandboxError(f"MANNA_NOW: {error}") from error
    listener = bind(options.port)
    try:
        options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SandboxError(
            f"cannot create the data directory {options.data_dir}: {error.strerror}"
        ) from error
    credentials = load_credentials(options.credentials or options.data_dir / "credentials.json")
    state = State(options.data_dir / "sandbox.sqlite", clock, options.seed)
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    people = _people(options.people, options.data_dir)
    return SandboxServer(build(state, credentials, people), parent, endpoints(url)), listener


def _people(given: Path | None, data_dir: Path) -> Path | None:
    """Whom to serve: those who are ``given``, a copy of whom is kept for later starts, or those of an earlier start; None: the demo's.

    Without the copy nobody would answer at the logins that were linked to them.
    """
    kept = data_dir / "people"
    if given is None:
        return kept if kept.exists() else None
    check_people(given)
    folder = given if given.is_dir() else given.parent
    files = sorted(given.rglob("*.json")) if given.is_dir() else [given]
    with tempfile.TemporaryDirectory(prefix="people-", dir=data_dir) as draft:
        for file in files:
            copy = Path(draft) / "people" / file.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        if kept.exists():
            kept.rename(Path(draft) / "former")
        (Path(draft) / "people").rename(kept)
    return kept


def _parent(pid: int | None) -> psutil.Process | None:
    if pid is None:
        return None
    try:
        return psutil.Process(pid)
    except (psutil.NoSuchProcess, ValueError) as error:
        raise SandboxError(f"--parent-pid {pid}: there is no such process") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Serve a local Plaid and a local Alpaca on 127.0.0.1.",
        epilog="example: python -m sandbox --data-dir .manna/sandbox --port 8090",
    )
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument(
        "--check-people",
        type=Path,
        metavar="PATH",
        help="only look whether PATH can be served; writes nothing",
    )
    wanted.add_argument("--data-dir", type=Path, help="what the sandbox remembers is kept here")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port (default)")
    parser.add_argument(
        "--people", type=Path, help="a Plaid custom-user file, or a folder of them; kept for later starts"
    )
    parser.add_argument(
        "--credentials", type=Path, help="JSON file (default: credentials.json in the data dir)"
    )
    parser.add_argument("--seed", type=int, default=1, help="what the world grows from (default: 1)")
    parser.add_argument("--parent-pid", type=int, help="stop when this process ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
