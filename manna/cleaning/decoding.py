"""Payloads become typed rows; what cannot be read becomes a reason, never an exception and never a guess.

What belongs here: decoding, casting, latest versions, quarantine. What does not: the meaning of any
provider's field (``plaid``, ``alpaca``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from manna.contracts.clean import QUARANTINE
from manna.contracts.declaration import Column, Contract, Kind

Payload = Mapping[str, Any]
Reader = Callable[[Payload, Mapping[str, Any]], Mapping[str, Any]]
"""Reads a payload (and its raw row) into column values: text, booleans or null; types come later."""

# Numbers stay text until they become Decimals: 0.1 must never pass through a float.
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=str)
_PROVENANCE = ("batch_id", "payload_sha256", "known_at")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Rows that keep their contract, and those that do not (as rows of ``clean.quarantine``).

    ``received`` = ``rows`` + ``quarantined``: nothing is silently dropped.
    """

    rows: pl.DataFrame
    quarantined: pl.DataFrame
    received: int


def latest(raw: pl.DataFrame, as_known_on: datetime | None = None) -> pl.DataFrame:
    """The last record per source id known at a moment, with ``removed`` telling whether it was taken back.

    A removal carries no facts of its own, so the last payload that did is kept beside the flag; the
    removal of something never seen is dropped, because it changes nothing.
    """
    if as_known_on is not None:
        raw = raw.filter(pl.col("known_at") <= as_known_on)
    ordered = raw.sort("known_at", "batch_id", "seq")
    said = ordered.filter(pl.col("change") != "removed").unique("source_id", keep="last", maintain_order=True)
    last = ordered.unique("source_id", keep="last").select("source_id", removed=pl.col("change") == "removed")
    return said.join(last, on="source_id", how="left", maintain_order="left")


def latest_per_day(raw: pl.DataFrame, zones: Mapping[str, str]) -> pl.DataFrame:
    """The last record per source id and day, with the day as ``as_of`` (in the book's time zone)."""
    local = pl.col("known_at").dt.date()
    for book, zone in zones.items():
        there = pl.col("known_at").dt.convert_time_zone(zone).dt.date()
        local = pl.when(pl.col("book") == book).then(there).otherwise(local)
    ordered = raw.with_columns(as_of=local, removed=pl.col("change") == "removed").sort(
        "known_at", "batch_id", "seq"
    )
    return ordered.unique(["source_id", "as_of"], keep="last", maintain_order=True)


def typed(contract: Contract, raw: pl.DataFrame, read: Reader) -> Cleaned:
    """Reads every record of ``raw`` with ``read`` into ``contract``'s types.

    Args:
        contract: the clean table.
        raw: raw records (with whatever extra columns ``read`` wants).
        read: column values from one payload. A missing key is a null.

    Returns:
        The rows that keep the contract, and the others with all their reasons.
    """
    values: dict[str, list[Any]] = {column.name: [] for column in contract.columns}
    unreadable: list[str | None] = []
    for row in raw.iter_rows(named=True):
        found, why = _read(read, row)
        for name, cells in values.items():
            cells.append(row[name] if name in _PROVENANCE else _text(found.get(name)))
        unreadable.append(why)
    texts = pl.DataFrame(
        {
            name: pl.Series(name, cells, dtype=raw.schema[name] if name in _PROVENANCE else pl.String)
            for name, cells in values.items()
        }
    )
    cast = texts.select(_cast(c) if c.name not in _PROVENANCE else pl.col(c.name) for c in contract.columns)
    why_not = pl.Series("unreadable", unreadable, dtype=pl.String)
    return split(contract, cast, _reasons(contract, texts, cast, why_not), raw)


def split(contract: Contract, rows: pl.DataFrame, reasons: pl.Series, raw: pl.DataFrame) -> Cleaned:
    """Parts rows that have no reason against them from those that have.

    Args:
        contract: the clean table.
        rows: its rows, parallel to ``raw``.
        reasons: ``List(String)``, parallel to ``raw``.
        raw: the raw records, for the payloads.
    """
    broken = reasons.list.len() > 0
    quarantined = (
        raw.with_columns(reasons=reasons.list.unique(maintain_order=True).list.join("; "))
        .filter(broken)
        .with_columns(table_name=pl.lit(contract.address))
        .select(QUARANTINE.names)
        .unique(QUARANTINE.key, keep="last", maintain_order=True)
    )
    return Cleaned(rows.filter(~broken), QUARANTINE.conform(quarantined), raw.height)


def both(contract: Contract, *parts: Cleaned) -> Cleaned:
    """Several providers' rows as one."""
    return Cleaned(
        contract.conform(pl.concat([part.rows for part in parts])) if parts else contract.empty(),
        pl.concat([part.quarantined for part in parts]) if parts else QUARANTINE.empty(),
        sum(part.received for part in parts),
    )


def _read(read: Reader, row: Mapping[str, Any]) -> tuple[Mapping[str, Any], str | None]:
    try:
        payload = _DECODER.decode(row["payload"])
    except msgspec.DecodeError as error:
        return {}, f"not JSON: {error}"
    if not isinstance(payload, dict):
        return {}, "not a JSON object"
    try:
        return read(payload, row), None
    except (AttributeError, TypeError, KeyError, ValueError, ArithmeticError) as error:
        return {}, f"not shaped as documented: {error}"


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _cast(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    match column.kind:
        case Kind.TEXT:
            return value
        case Kind.BOOLEAN:
            return value.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
        case Kind.DATE:
            return value.str.to_date("%Y-%m-%d", strict=False)
        case Kind.MOMENT:
            return value.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
        case Kind.INTEGER:
            return value.cast(pl.Int64, strict=False)
        case _:
            exact = value.str.strip_chars().cast(pl.Decimal(38, 12), strict=False)
            scale = column.kind.polars.scale  # type: ignore[attr-defined]
            return exact.round(scale, mode="half_to_even").cast(column.kind.polars, strict=False)


def _reasons(contract: Contract, texts: pl.DataFrame, cast: pl.DataFrame, unreadable: pl.Series) -> pl.Series:
    """Every reason per row: unreadable altogether, else what does not fit its type or the contract."""
    misfits = [
        pl.when(pl.col(f"{c.name}:text").is_not_null() & pl.col(c.name).is_null()).then(
            pl.format(
                f"{c.name} is no {c.kind.name.lower()}: {{}}", pl.col(f"{c.name}:text").str.slice(0, 40)
            )
        )
        for c in contract.columns
        if c.name not in _PROVENANCE
    ]
    unfit = [
        pl.when(pl.col(f"{c.name}:text").is_not_null() & pl.col(c.name).is_null()).then(
            pl.lit(f"{c.name} is missing")
        )
        for c in contract.columns
        if c.name not in _PROVENANCE
    ]
    sent = texts.rename(lambda name: f"{name}:text")
    together = pl.concat([cast, sent], how="horizontal").with_columns(
        contract.violations(cast).alias("broken"), unreadable.alias("unreadable")
    )
    return together.select(
        pl.when(pl.col("unreadable").is_not_null())
        .then(pl.concat_list("unreadable"))
        .otherwise(
            pl.concat_list(
                pl.concat_list(misfits).list.drop_nulls(),
                # What was sent but did not fit is not missing as well.
                pl.col("broken").list.set_difference(pl.concat_list(unfit).list.drop_nulls()),
            )
        )
        .alias("reasons")
    ).to_series()
