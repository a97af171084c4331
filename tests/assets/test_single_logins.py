"""Whoever links a bank alone, or a broker alone, has nights as quiet as those of a whole household."""

from collections.abc import Callable
from typing import Any

import pytest
import worlds
from worlds import World

from assets import broker, examined
from pipelines.demo import _link_plaid, _people, write_books
from pipelines.linking import link_alpaca
from pipelines.partitions import market_days

CHECKS = [*examined.CHECKS, broker.positions, broker.calendar_check(market_days(worlds.FIRST_MONTH))]


def household(world: World) -> dict[str, Any]:
    """The household that lives in the sandbox, of which nothing is linked yet."""
    world.start_sandbox()
    control = world._addresses["control_url"]
    write_books(control, world.manna.settings)
    (found,) = (person for person in _people(control) if person["book"] == "household")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("login", [0, "alpaca"])
def test_no_check_fails_and_reports_are_published(new_world: Callable[..., World], login: int | str) -> None:
    world = new_world()
    person = household(world)
    if isinstance(login, int):
        _link_plaid(world.manna, person["book"], person["logins"][login])
    else:
        link_alpaca(world.manna, person["book"])
    worlds.succeeded(world.run([*worlds.NIGHT, *CHECKS]))
    worlds.succeeded(world.report())
    assert set(world.read("reports.publications", book=person["book"])["status"]) == {"published"}
