"""`make licences`: the licence of every library that runs with Manna, as CSV on standard output.

What belongs here: which libraries those are (from pyproject.toml, with extras, through what is installed) and which licences would
not go with Apache-2.0. What does not: reading a licence out of a package, which pip-licenses-lib does.

Libraries under the LGPL or MPL are used as they come, by import, and may be: they are listed like all others.
Tools that only test or benchmark are not part of what runs.
"""

import csv
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from piplicenses_lib import FromArg, get_packages

PROJECT = Path(__file__).resolve().parents[1]
INCOMPATIBLE = re.compile(
    r"(?<!L)(?<!Lesser )\bA?GPL|(?<!Lesser )(?<!Library or Lesser )General Public License|Affero|Commons Clause|SSPL|Business Source|BUSL",
    re.I,
)


def runtime() -> set[str]:
    """Canonical names of the libraries that run, Manna aside."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    found: set[tuple[str, str]] = set()
    queue = list(_asked(wanted, ""))
    while queue:
        name, extra = one = queue.pop()
        if one not in found:
            found.add(one)
            queue += _asked(importlib.metadata.requires(name) or [], extra)
    return {name for name, _ in found}


def _asked(requirements: list[str], extra: str) -> Iterator[tuple[str, str]]:
    """Libraries that apply here, each with the extras asked of it; what is not installed is overridden in pyproject.toml."""
    for text in requirements:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            try:
                importlib.metadata.distribution(name)
            except importlib.metadata.PackageNotFoundError:
                continue
            yield from ((name, asked) for asked in ("", *requirement.extras))


def licences() -> list[tuple[str, str, str]]:
    """Name, version and licence of each library that runs, by name."""
    wanted = runtime()
    return sorted(
        (package.name, package.version, "; ".join(sorted(package.license_names)))
        for package in get_packages(FromArg.MIXED, include_files=False)
        if canonicalize_name(package.name) in wanted
    )


def incompatible(licence: str) -> bool:
    """Whether the licence says that it does not go with Apache-2.0. One of several (``A OR B``) that does is enough."""
    return all(INCOMPATIBLE.search(one) for one in re.split(r"\bOR\b", licence))


def main() -> int:
    """Prints the list; 1 when one of them must not be there."""
    rows = licences()
    out = csv.writer(sys.stdout)
    out.writerow(("library", "version", "licence"))
    out.writerows(rows)
    wrong = [f"{name} {version}: {licence}" for name, version, licence in rows if incompatible(licence)]
    sys.stderr.writelines(f"does not go with Apache-2.0: {one}\n" for one in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
