"""One database server and one closed night for all tests of assets; each test has a copy of its own."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import worlds

from resources.postgres import EmbeddedPostgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a database of an embedded server."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture(scope="session")
def finished(server: str, tmp_path_factory: pytest.TempPathFactory) -> worlds.World:
    """A closed night of the demo's people. Not for use: for copying."""
    return worlds.closed_world(tmp_path_factory.mktemp("finished"), worlds.new_database(server, "finished"))


@pytest.fixture
def world(finished: worlds.World, server: str, tmp_path: Path) -> Iterator[worlds.World]:
    """A closed night of one's own, at noon UTC of Monday 2026-03-16."""
    copy = worlds.copy_world(finished, tmp_path / "data", server, f"world{next(_numbers)}")
    yield copy
    copy.close()


@pytest.fixture
def new_world(server: str, tmp_path: Path) -> Iterator[Callable[..., worlds.World]]:
    """Makes empty worlds: ``new_world(people=PATH)``."""
    made = []

    def make(people: Path | None = None) -> worlds.World:
        number = next(_numbers)
        url = worlds.new_database(server, f"world{number}")
        made.append(worlds.new_world(tmp_path / f"data{number}", url, people))
        return made[-1]

    yield make
    for world in made:
        world.close()
