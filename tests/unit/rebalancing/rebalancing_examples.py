"""Facts for the tests of rebalancing, in as few words as an example has."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from manna.ledger.lots import Lot
from manna.rebalancing.facts import Facts
from manna.rebalancing.targets import Targets

DAY = date(2026, 11, 20)
LONG_AGO = date(2020, 1, 2)


def lot(security: str, units: Any, cost: Any = None, opened: date = LONG_AGO, name: str = "") -> Lot:
    """``units`` bought for ``cost`` in all; the name is made of security and day unless it is said."""
    quantity = Decimal(str(units))
    known = None if cost is None else Decimal(str(cost))
    return Lot(
        name or f"{security}-{opened}",
        "broker",
        security,
        opened,
        quantity,
        quantity,
        known,
        Decimal(0) if known is None else known,
        "USD",
    )


def facts(
    cash: Any = 0, lots: Sequence[Lot] = (), prices: Mapping[str, Any] | None = None, **more: Any
) -> Facts:
    """Of one account in dollars; without ``prices`` everything costs one."""
    given = {name: Decimal(str(price)) for name, price in (prices or {}).items()}
    return Facts(
        book="home",
        account_id="broker",
        currency="USD",
        day=more.pop("day", DAY),
        cash=Decimal(str(cash)),
        lots=tuple(lots),
        prices=given,
        **more,
    )


def targets(**said: Any) -> Targets:
    """Targets without costs and with a minimum of a dollar, unless they say otherwise."""
    plain = {"minimum_trade": 1, "costs": {"rate": 0, "per_trade": 0}, "lots": "best"}
    return Targets.model_validate({**plain, **said})
