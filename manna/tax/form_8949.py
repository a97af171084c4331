"""Realized gains of the books as Form 8949 wants them: wash sales, adjusted basis, terms.

What belongs here: the books' gains and lots as sales and purchases of the overlay (:mod:`wash`), and its lines as rows
of ``ledger.taxable_gains``. What does not: the rules of wash sales, or what is posted.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from manna.contracts.ledger import INHERITANCE, PURCHASE
from manna.contracts.tax import INHERITED, TAXABLE_GAINS, VARIOUS
from manna.ledger.lots import is_long
from manna.tax.wash import Acquisition, Disposal, Held, Overlay, TaxLine, wash_sales

UNASSIGNED = "unassigned"
WASH_SALE = "W"

Row = Mapping[str, Any]


def taxable_gains(
    gains: pl.DataFrame,
    lots: pl.DataFrame,
    *,
    as_of: date,
    sheltered: Collection[str] = (),
    same: Callable[[str], str] = lambda security: security,
    reported: Mapping[tuple[int, str], bool] | None = None,
) -> pl.DataFrame:
    """Rows of ``ledger.taxable_gains``, from the books of one taxpayer (and spouse), in order of the sales.

    Sales of sheltered accounts are not among them; their purchases replace what was sold elsewhere. A sale of
    unknown basis has neither basis, gain nor adjustment. Sums of ``gain`` are what Schedule D takes over.

    The order of a day: purchases first, then sales, those of the oldest lots first (26 CFR 1.1091-1(b) where the
    order of sales is not known). What is sold in another currency than it was bought in has no known basis.

    Args:
        gains: rows of ledger.gains of all their books.
        lots: rows of ledger.lots of all their books.
        as_of: the day that decides what is provisional: a loss of December is until 30 January.
        sheltered: account_ids of IRAs and the like.
        same: one name for all securities that count as substantially identical.
        reported: by year and account_id, whether a Form 1099-B has the basis; without one a sale has no box.
    """
    worked = _work(gains, lots, sheltered, same)
    sold, sales, disposals, overlay = worked.sold, worked.sales, worked.disposals, worked.overlay
    beyond = [each for each in sold if not each.row["quantity"]]
    by_disposal = {id(disposal): each for disposal, each in zip(disposals, sales, strict=True)}
    counts: defaultdict[str, int] = defaultdict(int)
    rows = []
    for line in overlay.lines:
        each = by_disposal[id(line.disposal)]
        counts[each.row["gain_id"]] += 1
        rows.append(each.taxed(line, counts[each.row["gain_id"]], as_of))
    rows += [each.untouched() for each in beyond if each.row["account_id"] not in sheltered]
    for row in rows:
        row["box"] = box_of(row["term"], (reported or {}).get((row["sold"].year, row["account_id"])))
    return pl.DataFrame(rows, schema=TAXABLE_GAINS.polars_schema).sort("sold", "part_id")


def box_of(term: str, basis_reported: bool | None) -> str:
    """The box of Form 8949 that a sale stands under: A and D with a basis that the IRS was told, B and E without.

    Boxes C and F are for sales on no Form 1099-B: that none will come cannot be known, so they are for people to say.
    """
    if basis_reported is None or term not in ("short", "long"):
        return UNASSIGNED
    return {"short": "AB", "long": "DE"}[term][not basis_reported]


def held_for_tax(
    gains: pl.DataFrame,
    lots: pl.DataFrame,
    *,
    sheltered: Collection[str] = (),
    same: Callable[[str], str] = lambda security: security,
) -> dict[str, tuple[Held, ...]]:
    """What is left of each lot as tax sees it, by the lot it began as: units, since when, and what losses added.

    Arguments as of :func:`taxable_gains`.
    """
    return _work(gains, lots, sheltered, same).overlay.held


@dataclass(frozen=True, slots=True)
class _Worked:
    sold: Sequence["_Sold"]
    sales: Sequence["_Sold"]
    disposals: Sequence[Disposal]
    overlay: Overlay


def _work(
    gains: pl.DataFrame, lots: pl.DataFrame, sheltered: Collection[str], same: Callable[[str], str]
) -> _Worked:
    its_lots = {row["lot_id"]: row for row in lots.iter_rows(named=True)}
    sold = [_Sold(row, its_lots[row["lot_id"]]) for row in _ordered(gains)]
    sales = [each for each in sold if each.row["quantity"]]
    places = _places(sales)
    disposals = [each.disposal(places[each.row["entry_id"]]) for each in sales]
    overlay = wash_sales(_acquisitions(its_lots, disposals), disposals, sheltered=sheltered, same=same)
    return _Worked(sold, sales, disposals, overlay)


def schedule_d(rows: pl.DataFrame) -> pl.DataFrame:
    """Sums of rows of ``ledger.taxable_gains`` by year, term, box and currency: the lines of Schedule D.

    Returns:
        ``year, term, box, currency, proceeds, basis, adjustment, gain, unknown``: ``unknown`` counts the rows
        without a basis, whose proceeds are in no sum.
    """
    known = pl.col("basis").is_not_null()
    amounts = [pl.col(name).filter(known).sum() for name in ("proceeds", "basis", "adjustment", "gain")]
    by = ["year", "term", "box", "currency"]
    dated = rows.with_columns(year=pl.col("sold").dt.year())
    return dated.group_by(by).agg(*amounts, unknown=(~known).sum()).sort(by)


def miscounted(gains: pl.DataFrame, rows: pl.DataFrame) -> list[str]:
    """What does not agree between ``gains`` and the ``rows`` made of them, in words; empty when all does.

    Quantity, proceeds and cost of every sale outside sheltered accounts stand in the rows once, and no row disallows
    more than it lost.
    """
    sums = ("quantity", "proceeds", "cost")
    counted = rows.group_by("gain_id").agg(pl.col(sums).sum())
    both = gains.filter(~pl.col("sheltered")).join(
        counted, on="gain_id", how="full", coalesce=True, suffix="_counted"
    )
    wrong = both.filter(
        pl.any_horizontal(pl.col(name).fill_null(0).ne_missing(pl.col(f"{name}_counted")) for name in sums)
    )
    loss = pl.col("basis") - pl.col("proceeds")
    too_much = rows.filter(
        (pl.col("adjustment") > pl.max_horizontal(loss, 0)) | (pl.col("lost") > pl.col("adjustment"))
    )
    return [f"sale {name} is not counted once" for name in wrong["gain_id"].sort()] + [
        f"row {name} disallows more than its loss" for name in too_much["part_id"].sort()
    ]


@dataclass(frozen=True, slots=True)
class _Sold:
    """A row of ledger.gains and the row of ledger.lots that it took from."""

    row: Row
    lot: Row

    def disposal(self, place: tuple[date, int]) -> Disposal:
        row = self.row
        return Disposal(
            sale_id=row["entry_id"],
            lot_id=self.lot["origin"],
            account=row["account_id"],
            security=row["security_id"],
            place=place,
            opened=row["opened"],
            quantity=row["quantity"],
            units=row["units"],
            proceeds=row["proceeds"],
            cost=row["proceeds"]
            if row["cost"] is None
            else row["cost"],  # unknown: no loss that could be one
            currency=row["currency"],
        )

    def taxed(self, line: TaxLine, number: int, as_of: date) -> dict[str, Any]:
        known, sold = self.row["cost"] is not None, self.row["closed"]
        term = self.row["term"]
        if line.held_since != self.row["opened"] and self.lot["came_by"] != INHERITANCE:
            term = "long" if is_long(line.held_since, sold) else "short"
        return self._row(number) | {
            "held_since": line.held_since,
            "quantity": line.quantity,
            "proceeds": line.proceeds,
            "cost": line.cost if known else None,
            "basis": line.cost + line.adjustment if known else None,
            "code": WASH_SALE if line.disallowed else "",
            "adjustment": line.disallowed,
            "gain": line.counted if known else None,
            "term": term,
            "provisional": line.gain < 0 and line.open_units > 0 and as_of <= line.window_ends,
            "lost": line.lost,
            "replaced_by": ", ".join(dict.fromkeys(name for name, _ in line.replaced_by)),
        }

    def untouched(self) -> dict[str, Any]:
        """A gain without a sale: capital returned beyond the basis."""
        names = ("quantity", "proceeds", "cost", "gain", "term")
        nothing = {"code": "", "adjustment": Decimal(0), "provisional": False, "lost": Decimal(0)}
        return (
            self._row(1)
            | {name: self.row[name] for name in names}
            | nothing
            | {"held_since": self.row["opened"], "basis": self.row["cost"], "replaced_by": ""}
        )

    def _how(self) -> str | None:
        """Column (b) where it is no day. A cost without a day is that of a pool, of which the purchases are not told."""
        if self.lot["came_by"] == INHERITANCE:
            return INHERITED
        return None if self.lot["dated"] or self.row["cost"] is None else VARIOUS

    def _row(self, number: int) -> dict[str, Any]:
        row = self.row
        names = ("book", "gain_id", "account_id", "security_id", "lot_id", "currency")
        return {name: row[name] for name in names} | {
            "part_id": f"{row['gain_id']}-{number}",
            "description": f"{row['quantity'].normalize():f} sh. {row['security_id']}"
            if row["quantity"]
            else f"{row['security_id']}, money received",
            "acquired": row["opened"] if self.lot["dated"] else None,
            "acquired_how": self._how(),
            "sold": row["closed"],
            "box": UNASSIGNED,
        }


def _ordered(gains: pl.DataFrame) -> Sequence[Row]:
    """In the order of the sales; all rows of one sale together."""
    first = pl.col("opened").min().over("entry_id")
    return gains.sort("closed", first, "entry_id", "opened", "gain_id").rows(named=True)


def _places(sales: Sequence[_Sold]) -> dict[str, tuple[date, int]]:
    """Where each sale stands; purchases of a day have place 0 of it."""
    places: dict[str, tuple[date, int]] = {}
    for each in sales:
        places.setdefault(each.row["entry_id"], (each.row["closed"], len(places) + 1))
    return places


def _acquisitions(lots: Mapping[str, Row], disposals: Sequence[Disposal]) -> list[Acquisition]:
    """What came in, in units of today: what was sold of it and what is left.

    What continues another lot (after a transfer in kind or a merger) is that lot still. What was there before, whose
    day is not known, or that was inherited or spun off, replaces nothing: 26 U.S.C. 1091(a) is about purchases.
    """
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    for disposal in disposals:
        units[disposal.lot_id] += disposal.units
    for row in lots.values():
        units[row["origin"]] += row["remaining"]
    return [
        Acquisition(
            name,
            lots[name]["account_id"],
            lots[name]["security_id"],
            (lots[name]["opened"], 0),
            quantity,
            replaces=lots[name]["dated"] and lots[name]["came_by"] == PURCHASE,
        )
        for name, quantity in sorted(units.items())
    ]
