"""How a table is declared, and what follows from the declaration alone.

What belongs here: the vocabulary of contracts (:class:`Kind`, :class:`Column`, :class:`Contract`) and
the vectorized row checks. What does not: any particular table (see the stage modules beside this one),
and anything that stores or fetches rows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import polars as pl


class Kind(Enum):
    """The types a column may have: name, Polars type, DuckDB type.

    Money keeps four decimals so that three-decimal currencies fit; rounding to a currency's minor unit
    is :func:`manna.money.round_money`'s business. Quantities and prices keep nine.
    """

    TEXT = (pl.String(), "VARCHAR")
    INTEGER = (pl.Int64(), "BIGINT")
    BOOLEAN = (pl.Boolean(), "BOOLEAN")
    DATE = (pl.Date(), "DATE")
    MOMENT = (pl.Datetime("us", "UTC"), "TIMESTAMPTZ")
    MONEY = (pl.Decimal(18, 4), "DECIMAL(18,4)")
    QUANTITY = (pl.Decimal(28, 9), "DECIMAL(28,9)")
    PRICE = (pl.Decimal(28, 9), "DECIMAL(28,9)")
    RATIO = (pl.Decimal(18, 8), "DECIMAL(18,8)")

    def __init__(self, polars: pl.DataType, duckdb: str) -> None:
        self.polars = polars
        self.duckdb = duckdb


@dataclass(frozen=True, slots=True)
class Column:
    """One column's promise. ``minimum`` and ``maximum`` are inclusive; ``meaning`` is for people.

    ``references`` is the address of the table whose (one-column) key this column holds. ``since`` is the version of the
    contract that brought the column: a lake of an older version gets it by `manna migrate`.
    """

    name: str
    kind: Kind
    meaning: str
    nullable: bool = False
    allowed: tuple[str, ...] | None = None
    minimum: Decimal | int | date | None = None
    maximum: Decimal | int | date | None = None
    pattern: str | None = None
    references: str | None = None
    since: int = 1


@dataclass(frozen=True, slots=True)
class Contract:
    """One table's promise.

    ``key`` names the columns that identify a row. ``volatile`` names those that may differ between two
    runs over the same facts (moments of learning, run ids): they are left out of the content hash.

    A table evolves by getting columns: a new one stands last, is nullable (rows written before have nothing in it) and
    names the new ``version`` as its ``since``.
    """

    schema: str
    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    volatile: tuple[str, ...] = ()
    version: int = 1

    def __post_init__(self) -> None:
        """Raises :class:`ValueError` for a column that a lake of an older version could not get."""
        since = [column.since for column in self.columns]
        if since != sorted(since) or any(one > self.version for one in since):
            raise ValueError(f"{self.address}: columns stand in the order of `since`, up to {self.version}")
        if any(column.since > 1 and not column.nullable for column in self.columns):
            raise ValueError(f"{self.address}: a column that came later is nullable")

    @property
    def address(self) -> str:
        """``schema.name``: the lake's table, and with dots for slashes the asset's key."""
        return f"{self.schema}.{self.name}"

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    @property
    def polars_schema(self) -> dict[str, pl.DataType]:
        """Column name to Polars type, in order."""
        return {column.name: column.kind.polars for column in self.columns}

    def ddl(self) -> str:
        """The ``CREATE TABLE`` statement for DuckLake (which has NOT NULL but no unique keys)."""
        body = ", ".join(
            f'"{c.name}" {c.kind.duckdb}{"" if c.nullable else " NOT NULL"}' for c in self.columns
        )
        return f"CREATE TABLE IF NOT EXISTS {self.schema}.{self.name} ({body})"

    def ddl_from(self, version: int) -> list[str]:
        """The statements that bring a table of an older ``version`` to this one."""
        return [
            f'ALTER TABLE {self.address} ADD COLUMN "{column.name}" {column.kind.duckdb}'
            for column in self.columns
            if column.since > version
        ]

    def empty(self) -> pl.DataFrame:
        """A frame of this contract's columns without rows."""
        return pl.DataFrame(schema=self.polars_schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The contract's columns of ``frame``, in order and cast to their types.

        Raises:
            polars.exceptions.ColumnNotFoundError: a column is missing.
            polars.exceptions.InvalidOperationError: a value does not fit its type.
        """
        return frame.select(pl.col(c.name).cast(c.kind.polars) for c in self.columns)

    def violations(self, frame: pl.DataFrame) -> pl.Series:
        """All reasons for which each row of ``frame`` breaks this contract.

        Args:
            frame: rows with this contract's columns and types.

        Returns:
            A ``List(String)`` series named ``reasons``, one (possibly empty) list per row, so that a
            row with three faults names three. Keys that occur twice are a fault of every such row.
        """
        rules = [rule for column in self.columns for rule in _rules(column)]
        rules.append((pl.struct(self.key).is_duplicated(), f"duplicate key ({', '.join(self.key)})"))
        texts = [text for _, text in rules]
        # One bit per check: rows at fault in the same way share a list of reasons, and most rows are at none.
        bits = [
            pl.when(broken.fill_null(False)).then(pl.lit(1 << number, pl.Int64)).otherwise(0)
            for number, (broken, _) in enumerate(rules)
        ]
        ways = frame.select(way=pl.sum_horizontal(bits))
        met = ways.unique(maintain_order=True).with_row_index("place")
        said = [
            [text for number, text in enumerate(texts) if way >> number & 1] for way in met["way"].to_list()
        ]
        place = ways.join(met, on="way", how="left", maintain_order="left")["place"]
        return pl.Series("reasons", said, dtype=pl.List(pl.String)).gather(place)


def _rules(column: Column) -> Sequence[tuple[pl.Expr, str]]:
    """The checks of one column: (expression that is true where the row is at fault, reason)."""
    value, found = pl.col(column.name), []
    if not column.nullable:
        found.append((value.is_null(), f"{column.name} is missing"))
    if column.allowed is not None:
        listed = ", ".join(column.allowed)
        found.append((~value.is_in(list(column.allowed)), f"{column.name} is none of: {listed}"))
    if column.minimum is not None:
        found.append((value < pl.lit(column.minimum), f"{column.name} is below {column.minimum}"))
    if column.maximum is not None:
        found.append((value > pl.lit(column.maximum), f"{column.name} is above {column.maximum}"))
    if column.pattern is not None:
        found.append((~value.str.contains(column.pattern), f"{column.name} does not match {column.pattern}"))
    return found


def content_hash(contract: Contract, frame: pl.DataFrame) -> str:
    """SHA-256 of the canonical content: rows by key, every column but the volatile ones, as text.

    Two tables are "the same" when their content hashes are equal, wherever they are stored. Decimals
    are written with their full scale, moments in UTC, so that the text does not depend on the engine.
    """
    return content_hashes(contract, frame, pl.lit(0)).get(0, _digest(""))


def content_hashes(contract: Contract, frame: pl.DataFrame, by: pl.Expr) -> dict[Any, str]:
    """:func:`content_hash` of every part of ``frame`` that has one value of ``by``, by that value.

    It is made for all parts in one pass: the statements of 120 months are 2,000 parts.
    """
    ordered = contract.conform(frame).sort(contract.key, nulls_last=True)
    texts = [_canonical(column) for column in contract.columns if column.name not in contract.volatile]
    lines = ordered.select(part=by, line=pl.concat_str(texts, separator=_CELL))
    whole = lines.group_by("part", maintain_order=True).agg(pl.col("line").str.join(_LINE))
    return {part: _digest(text) for part, text in whole.iter_rows()}


def _canonical(column: Column) -> pl.Expr:
    """A column as text. What parts cells and lines, or stands for a null, is written in another way inside a text."""
    text = pl.col(column.name).cast(pl.String)
    if column.kind is Kind.TEXT:
        text = text.str.replace_many(["\\", _CELL, _LINE], ["\\\\", "\\c", "\\l"])
    return text.fill_null("\\N")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_CELL, _LINE = "\x1f", "\x1e"
"""Between cells and between rows of the text that is hashed (ASCII's own separators of units and records)."""
