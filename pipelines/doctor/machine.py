"""The program and the machine: versions, variables, disk, permission bits.

What belongs here: what needs no database. What does not: mending.
"""

import importlib.metadata
import os
import shutil
import stat
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values

from pipelines.doctor.finding import BROKEN, FINE, WARNING, Finding
from resources.installation import CODE_VERSION
from resources.settings import SECRETS_DIR, Settings
from resources.vault import DEMO_KEY

OWN_VARIABLES = {"MANNA_DAGSTER_URL", SECRETS_DIR, "MANNA_CODE_HOST", "MANNA_CODE_PORT"}
"""No settings of the program: what it sets for its children, where its secrets are, what `deploy/` says."""
SECRETS = (DEMO_KEY, "signing.key", "sandbox/credentials.json", "postgres/password")
"""Files of the data directory that only their owner may read."""
MOST_NAMED = 5


def program(lock: Path) -> Iterator[Finding]:
    """Its version, Python's, and packages of other versions than ``lock`` (uv's) names."""
    yield Finding("manna", FINE, f"{CODE_VERSION} on Python {sys.version.split()[0]}")
    if not lock.exists():
        yield Finding("packages", FINE, "installed as a package: there is no uv.lock to compare with")
        return
    locked: dict[str, set[str]] = {}
    needed: set[str] = set()
    for package in tomllib.loads(lock.read_text(encoding="utf-8"))["package"]:
        locked.setdefault(package["name"], set()).add(package.get("version", ""))
        if package["name"] == "manna":
            needed = {each["name"] for each in package["dependencies"] if "marker" not in each}
    found = {name: _installed(name) for name in locked if name != "manna"}
    missing = sorted(name for name in needed if found[name] is None)
    if missing:
        yield Finding("packages", BROKEN, f"not installed: {_some(missing)}", "`uv sync`")
    other = [
        f"{name} {version} instead of {' or '.join(sorted(locked[name]))}"
        for name, version in sorted(found.items())
        if version is not None and version not in locked[name]
    ]
    if other:
        yield Finding("packages", WARNING, f"not as in uv.lock: {_some(other)}", "`uv sync`")
    if not missing and not other:
        yield Finding("packages", FINE, f"{sum(map(bool, found.values()))} as in uv.lock")


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def variables(settings: Settings) -> Iterator[Finding]:
    """Variables that look like ours and are none: a misspelt one has no effect and says nothing. And a clock that stands."""
    file = settings.model_config.get("env_file")
    named = {*os.environ, *(dotenv_values(file) if isinstance(file, str | os.PathLike) else ())}
    known = {str(field.alias) for field in Settings.model_fields.values()} | OWN_VARIABLES
    for name in sorted(named):
        if name.startswith("MANNA_") and name not in known:
            yield Finding(
                "settings",
                WARNING,
                f"{name} is no setting of Manna",
                "`manna config show` lists them; take it out",
            )
    if settings.fixed_now is not None:
        pretended = settings.profile == "development" and not settings.uses_real_providers
        words = f"stands still at {settings.now():%Y-%m-%d %H:%M} UTC (MANNA_NOW)"
        yield Finding(
            "clock", FINE if pretended else WARNING, words, "" if pretended else "take MANNA_NOW out"
        )


def data_directory(settings: Settings) -> Iterator[Finding]:
    """Whether it is there or can be made, and written to."""
    folder = settings.data_dir
    existing = _existing(folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        yield Finding("data directory", BROKEN, f"cannot write to {folder}", "set MANNA_DATA_DIR")
        return
    yield Finding("data directory", FINE, str(folder))


def disk(folder: Path, least: int, none: int) -> Iterator[Finding]:
    """Bytes free where ``folder`` is: below ``least`` a warning, below ``none`` broken, as Postgres is about to stop."""
    free = shutil.disk_usage(_existing(folder)).free
    status = BROKEN if free < none else WARNING if free < least else FINE
    yield Finding("disk", status, f"{free / 1e9:.1f} GB free", "" if status == FINE else "make room")


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def permissions(settings: Settings) -> Iterator[Finding]:
    """Who may read and write what: secrets their owner alone, the data nobody else, books' folders their group if wanted."""
    found = [*_secrets(settings), *_folders(settings)]
    yield from found or [Finding("permissions", FINE, "secrets and data are closed to others")]


def _secrets(settings: Settings) -> Iterator[Finding]:
    files = [settings.data_dir / name for name in SECRETS]
    file = settings.model_config.get("env_file")
    if isinstance(file, str | os.PathLike):
        files.append(Path(file))
    for secret in files:
        if secret.is_file() and (mode := _mode(secret)) & 0o077:
            words = f"others may read {secret} ({mode:o}), which holds secrets"
            yield Finding("permissions", BROKEN, words, f"`chmod 600 {secret}`")


def _folders(settings: Settings) -> Iterator[Finding]:
    data, group = settings.data_dir, settings.group_reads
    if not data.is_dir():
        return
    mode = _mode(data)
    wanted = "711" if group else "700"
    if mode & 0o022:
        yield Finding(
            "permissions", BROKEN, f"others may write to {data} ({mode:o})", f"`chmod {wanted} {data}`"
        )
    elif mode & 0o044:
        yield Finding(
            "permissions", WARNING, f"others may read {data} ({mode:o})", f"`chmod {wanted} {data}`"
        )
    elif group and not mode & 0o011:
        words = f"MANNA_GROUP_READS is set, and no group comes through {data} ({mode:o})"
        yield Finding("permissions", WARNING, words, f"`chmod 711 {data}`")
    if not mode & 0o011:
        return  # nobody else comes as far as what is in it
    of_books = [*settings.published_dir.glob("*.duckdb"), *settings.documents_dir.glob("*/")]
    for path in sorted(of_books):
        bits = (0o750 if group else 0o700) if path.is_dir() else (0o640 if group else 0o600)
        if (mode := _mode(path)) & ~bits & 0o077:
            words = f"others may read {path} ({mode:o}), which is of one book"
            yield Finding("permissions", WARNING, words, f"`chmod {bits:o} {path}`")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
