"""A filed tax year: its lot selections stay, and what an amended return would say otherwise.

What belongs here: which lots the sales of a filed year took, as instructions for booking, and the difference between
what was filed and what follows now. What does not: whether to amend.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import polars as pl

from manna.ledger.closing import FILE
from manna.ledger.instructions import Instruction

_BEFORE_ALL = 2**62
"""Of two instructions on a sale the one with the higher number holds; people's are numbered from 1."""
_SALE = ["entry_id", "lot_id"]
_AMOUNTS = ("quantity", "proceeds", "cost", "gain")


def filed_years(closings: Iterable[Mapping[str, Any]]) -> dict[int, Any]:
    """The moment at which each year was filed last, by year.

    Args:
        closings: rows of ``ops.closings`` of one book, oldest first.
    """
    return {row["through"].year: row["known_at"] for row in closings if row["action"] == FILE}


def as_filed(filed_gains: pl.DataFrame, closings: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of ``ledger.filed_gains`` that stand: of a year that was filed again only the last."""
    moments = list(filed_years(closings).values())
    return filed_gains.filter(pl.col("known_at").is_in(moments))


def pinned(filed: pl.DataFrame, closed_journal: pl.DataFrame) -> list[Instruction]:
    """The lots that sales of filed years took, as instructions that come before any other.

    What is bought, corrected or instructed later cannot give a filed sale other lots. One whose lots are gone is refused as
    any such instruction is, and shows in the difference to the filed return.

    Args:
        filed: :func:`as_filed`.
        closed_journal: ledger.closed_journal, for the trades that the sales are made from.
    """
    trades = closed_journal.filter(pl.col("source_table") == "clean.trades")
    names = trades.select("entry_id", trade_id="source_id").unique("entry_id")
    lots = (
        filed.filter(pl.col("quantity") > 0)
        .join(names, on="entry_id", how="inner")
        .sort("trade_id", "lot_id")
    )
    return [
        Instruction(
            _BEFORE_ALL + number,
            str(account_id),
            "specific",
            date.min,
            "the filed return",
            str(security_id),
            str(trade_id),
            lots=tuple(part.select("lot_id", "quantity").iter_rows()),
        )
        for number, ((trade_id, account_id, security_id), part) in enumerate(
            lots.group_by(["trade_id", "account_id", "security_id"], maintain_order=True)
        )
    ]


def amended(filed: pl.DataFrame, gains: pl.DataFrame, year: int) -> pl.DataFrame:
    """What an amended return of ``year`` would change, sale by sale and lot by lot; nothing where all is as filed.

    Args:
        filed: :func:`as_filed`.
        gains: ledger.gains.
        year: of the sales.

    Returns:
        ``closed, account_id, security_id, entry_id, lot_id, term_filed, term, quantity_filed, quantity, proceeds_filed,
        proceeds, cost_filed, cost, gain_filed, gain, difference, currency``; ``difference`` is what the gain is more
        than was filed, null where a basis is unknown. A sale that was not filed, or is gone, has zeros on one side.
    """
    of_year = [frame.filter(pl.col("closed").dt.year() == year) for frame in (filed, gains)]
    heads = ["closed", "account_id", "security_id", "currency"]
    was = (
        of_year[0]
        .select(*_SALE, *heads, "term", *_AMOUNTS)
        .rename({name: f"{name}_filed" for name in ("term", *_AMOUNTS)})
    )
    now = of_year[1].select(*_SALE, *heads, "term", *_AMOUNTS)
    both = now.join(was, on=_SALE, how="full", coalesce=True, suffix="_was").with_columns(
        *(pl.coalesce(name, f"{name}_was").alias(name) for name in heads),
        # Zero only where there is no row: an unknown basis stays unknown.
        *(_or_nothing(name, "closed") for name in _AMOUNTS),
        *(_or_nothing(f"{name}_filed", "closed_was") for name in _AMOUNTS),
    )
    changed = pl.any_horizontal(
        [pl.col(name).ne_missing(pl.col(f"{name}_filed")) for name in ("term", *_AMOUNTS)]
    )
    pairs = [column for name in ("term", *_AMOUNTS) for column in (f"{name}_filed", name)]
    return (
        both.filter(changed)
        .with_columns(difference=pl.col("gain") - pl.col("gain_filed"))
        .select("closed", "account_id", "security_id", *_SALE, *pairs, "difference", "currency")
        .sort("closed", "account_id", "security_id", *_SALE)
    )


def _or_nothing(name: str, there: str) -> pl.Expr:
    return pl.when(pl.col(there).is_null()).then(0).otherwise(pl.col(name)).alias(name)
