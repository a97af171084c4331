"""Lots held before the feed begins, as somebody states them: the institution in its list, or a person in the book's file.

What belongs here: reading them. What does not: which of them are believed (:mod:`opening_positions`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import polars as pl

from manna.books import Book
from manna.contracts.ledger import INHERITANCE, PURCHASE
from manna.ledger.journal import identity
from manna.ledger.lots import Lot, share
from manna.ledger.records import Holding
from manna.money import round_money

_NINE_DECIMALS = Decimal("1e-9")
_A_LITTLE = Decimal("0.000001")
"""Institutions send quantities as floating point numbers."""


@dataclass(frozen=True, slots=True)
class StatedLot:
    """A lot held before the feed begins, as somebody states it; ``cost`` None where unknown. ``name`` tells it apart."""

    name: str
    security_id: str
    opened: date
    quantity: Decimal
    cost: Decimal | None
    came_by: str = PURCHASE

    def lot(self, rest: Lot, holding: Holding | None) -> Lot:
        """As a lot beside ``rest``, what is held of the same beyond it; without a cost carried at today's value."""
        carrying = Decimal(0) if self.cost is None else round_money(self.cost, rest.currency)
        if self.cost is None and holding is not None and holding.quantity > 0:
            carrying = share(holding.value, self.quantity, holding.quantity, rest.currency)
        return replace(
            rest,
            lot_id=identity(
                "clean.holdings", f"{rest.account_id}/{rest.security_id}/{self.opened}/{self.name}"
            ),
            opened=self.opened,
            quantity=self.quantity,
            remaining=self.quantity,
            cost=None if self.cost is None else carrying,
            carrying=carrying,
            dated=True,
            came_by=self.came_by,
        )


def declared_lots(book: Book, accounts: pl.DataFrame) -> dict[str, list[StatedLot]]:
    """The lots that the book's file declares, by account; an account is named by its id, name or last digits."""
    found: dict[str, list[StatedLot]] = {}
    for row in accounts.iter_rows(named=True):
        names = {(row[field] or "").casefold() for field in ("account_id", "name", "mask")}
        its = [each for each in book.investments.lots if each.account.casefold() in names]
        for number, each in enumerate(sorted(its, key=lambda lot: (lot.opened, lot.security)), start=1):
            how = INHERITANCE if each.inherited else PURCHASE
            lot = StatedLot(f"declared {number}", each.security, each.opened, each.quantity, each.cost, how)
            found.setdefault(row["account_id"], []).append(lot)
    return found


def listed_lots(holding: Holding | None, day: date) -> Sequence[StatedLot]:
    """The lots that the institution lists of a position and that are older than the feed.

    Source: Plaid's ``HoldingTaxLot``. Where a lot lacks its day or quantity, or they do not add up to the position,
    the list is not used.
    """
    if holding is None or holding.tax_lots is None:
        return ()
    found, total = [], Decimal(0)
    for number, row in enumerate(json.loads(holding.tax_lots), start=1):
        moment, quantity = row.get("original_purchase_datetime"), _number(row.get("quantity"))
        if not moment or not quantity or quantity <= 0:
            return ()
        total += quantity
        cost, price = _number(row.get("cost_basis")), _number(row.get("purchase_price"))
        if cost is None and price is not None:
            cost = price * quantity
        opened = date.fromisoformat(moment[:10])
        if opened <= day:
            name = row.get("institution_lot_id") or str(number)
            found.append(StatedLot(name, holding.security_id, opened, quantity, cost or None))
    same = abs(total - holding.quantity) < _A_LITTLE
    return sorted(found, key=lambda each: each.opened) if same else ()


def _number(value: object) -> Decimal | None:
    """A number as sent; None where there is none. Nine decimals, as all quantities."""
    return None if value is None else Decimal(str(value)).quantize(_NINE_DECIMALS)
