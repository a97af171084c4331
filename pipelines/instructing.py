"""What people say of the lots that sales take: what they may say, and what there is.

What belongs here: checking an instruction against the lake before it is recorded, and listing them. What does not: which
one holds for a sale in the end (``manna.ledger.instructions``), or the commands (``pipelines.cli.instructions``).
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from assets.book_days import today
from manna.ledger.instructions import FUND, too_late
from manna.ledger.matching import METHODS
from pipelines.asked import UsageError, require_one_of
from resources.installation import Installation

_SCHEMA = {
    "number": pl.Int64, "book": pl.String, "account": pl.String, "security": pl.String, "sale": pl.String,
    "since": pl.Date, "method": pl.String, "lots": pl.String, "made_on": pl.Date, "made_by": pl.String,
}  # fmt: skip


def instruct_sale(manna: Installation, sale: str, method: str, lots: Sequence[str], by: str) -> int:
    """Records how one sale takes its lots; returns the instruction's number.

    Args:
        sale: its id in clean.trades, or the beginning of it.
        lots: ``LOT=UNITS`` for each lot that is sold, for method ``specific``.

    Raises:
        UsageError: no such sale, it has settled, or lots that cannot be meant; says what to do.
    """
    require_one_of("method", [method], METHODS)
    row = _one(manna.lake.read("clean.trades").filter(~pl.col("removed")), "trade_id", sale, "trade")
    if row["kind"] != "sell" or row["quantity"] >= 0:
        raise UsageError(f"trade {row['trade_id']} is a {row['kind']}; lots are chosen for sales")
    late = too_late(today(manna, manna.books[row["book"]]), row["date"])
    if late is not None:
        raise UsageError(
            f"{late}: first in, first out stands (26 CFR 1.1012-1(c)); a standing instruction is in time for later sales"
        )
    named = _lots(manna, row, lots)
    if (method == "specific") != bool(named):
        raise UsageError("--method specific and --lot belong together: name each lot as --lot LOT=UNITS")
    if method == "average":
        _require_average(manna, row["account_id"], row["security_id"])
    return manna.ops.instruct_lots(
        row["book"],
        row["account_id"],
        method,
        by,
        manna.settings.now(),
        security_id=row["security_id"],
        trade_id=row["trade_id"],
        lots=named,
    )


def instruct_account(
    manna: Installation, account: str, method: str, security: str | None, since: date | None, by: str
) -> int:
    """Records how all sales of an account, or of one security in it, take their lots; returns the number.

    Args:
        account: its id in clean.accounts, or the beginning of it.
        since: the first trade day; None means today. Of sales before now, those that have settled stay as they are.

    Raises:
        UsageError: no such account or security, or a method that cannot stand.
    """
    require_one_of("method", [method], [name for name in METHODS if name != "specific"])
    row = _one(manna.lake.read("clean.accounts"), "account_id", account, "account")
    if security is not None:
        held = (
            manna.lake.read("ledger.lots", {"account_id": row["account_id"]})["security_id"].unique().sort()
        )
        require_one_of(f"security in account {row['account_id']}", [security], held.to_list())
    if method == "average":
        if security is None:
            raise UsageError("average cost is chosen per security: add --security")
        _require_average(manna, row["account_id"], security)
    return manna.ops.instruct_lots(
        row["book"],
        row["account_id"],
        method,
        by,
        manna.settings.now(),
        security_id=security,
        since=since,
    )


def instructions(manna: Installation, book: str | None) -> pl.DataFrame:
    """Every instruction, oldest first."""
    rows: list[dict[str, Any]] = []
    for each in [manna.books[book]] if book else manna.books.values():
        for said in manna.ops.lot_instructions(each.id, ZoneInfo(each.time_zone)):
            lots = ", ".join(f"{lot}={units}" for lot, units in said.lots)
            rows.append(
                {
                    "number": said.instruction_id,
                    "book": each.id,
                    "account": said.account_id,
                    "security": said.security_id,
                    "sale": said.trade_id,
                    "since": None if said.trade_id else said.first_day,
                    "method": said.method,
                    "lots": lots or None,
                    "made_on": said.made_on,
                    "made_by": said.made_by,
                }
            )
    return pl.DataFrame(rows, schema=_SCHEMA).sort("number")


def _one(rows: pl.DataFrame, key: str, wanted: str, what: str) -> dict[str, Any]:
    """The only row whose ``key`` is ``wanted``, or else begins with it."""
    meant = rows.filter(pl.col(key) == wanted)
    if meant.is_empty() and wanted:
        meant = rows.filter(pl.col(key).str.starts_with(wanted))
    if meant.height != 1:
        why = f"several {what}s begin with" if meant.height else f"there is no {what}"
        raise UsageError(f'{why} {wanted!r}; `manna sql "SELECT * FROM clean.{what}s"` lists them')
    return meant.row(0, named=True)


def _lots(manna: Installation, sale: dict[str, Any], given: Sequence[str]) -> list[tuple[str, Decimal]]:
    """The lots named, in full; they add up to what is sold."""
    scope = {"account_id": sale["account_id"], "security_id": sale["security_id"]}
    known, named = manna.lake.read("ledger.lots", scope) if given else None, list[tuple[str, Decimal]]()
    for text in given:
        name, _, units = text.rpartition("=")
        try:
            wanted = Decimal(units)
        except InvalidOperation:
            wanted = Decimal(0)
        if known is None or not name or not wanted > 0:
            raise UsageError(f"--lot {text!r} is not LOT=UNITS, e.g. 5f0c1a2b=10")
        lot = _one(known, "lot_id", name, "lot")
        if lot["opened"] > sale["date"] or wanted > lot["quantity"]:
            raise UsageError(
                f"lot {lot['lot_id']} is of {lot['opened']} and {lot['quantity'].normalize():f} units; "
                f"the sale is of {sale['date']}"
            )
        named.append((lot["lot_id"], wanted))
    total = sum((units for _, units in named), Decimal(0))
    if named and total != -sale["quantity"]:
        raise UsageError(f"the lots named have {total} units, and {-sale['quantity'].normalize():f} are sold")
    return named


def _require_average(manna: Installation, account_id: str, security_id: str) -> None:
    fund = manna.lake.read("clean.securities", {"security_id": security_id})["type"].to_list() == [FUND]
    bought = {"account_id": account_id, "security_id": security_id, "kind": "reinvestment"}
    if not fund and manna.lake.read("clean.trades", bought).is_empty():
        raise UsageError(
            f"average cost is only for mutual funds and for shares bought by reinvesting dividends, and {security_id} is "
            "neither (26 CFR 1.1012-1(e)); choose fifo, lifo, hifo or specific"
        )
