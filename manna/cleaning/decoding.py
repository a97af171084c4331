"""Payloads become typed rows; what cannot be read becomes a reason, never an exception and never a guess.

What belongs here: decoding, casting, latest versions, quarantine. What does not: the meaning of any
provider's field (``plaid``, ``alpaca``).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
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
_EXPECTED = {
    Kind.TEXT: "text",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.MOMENT: "moment",
    Kind.INTEGER: "integer",
}
_PROVENANCE = ("batch_id", "payload_sha256", "known_at")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Rows that keep their contract, and those that do not (as rows of ``clean.quarantine``).

    ``received`` = ``rows`` + ``quarantined``: nothing is silently dropped.
    """

    rows: pl.DataFrame
    quarantined: pl.DataFrame
    received: int


def latest(raw: pl.DataFrame, zones: Mapping[str, str] | None = None) -> pl.DataFrame:
    """The last record per source id, with ``removed`` telling whether it was taken back.

    ``first_known_on`` and ``removed_on`` are the days on which the id was first heard of and taken back,
    in its book's time zone.

    A removal carries no facts of its own, so the last payload that did is kept beside the flag; the
    removal of something never seen is dropped, because it changes nothing.
    """
    ordered = raw.sort("known_at", "batch_id", "seq")
    said = ordered.filter(pl.col("change") != "removed").unique("source_id", keep="last", maintain_order=True)
    gone = pl.col("change").last() == "removed"
    ever = (
        ordered.with_columns(day=local_day(zones or {}))
        .group_by("source_id")
        .agg(
            removed=gone,
            first_known_on=pl.col("day").first(),
            removed_on=pl.when(gone).then(pl.col("day").last()),
        )
    )
    return said.join(ever, on="source_id", how="left", maintain_order="left")


def local_day(zones: Mapping[str, str]) -> pl.Expr:
    """The day of ``known_at`` where the book is; UTC for a book without a zone."""
    day = pl.col("known_at").dt.date()
    for book, zone in zones.items():
        there = pl.col("known_at").dt.convert_time_zone(zone).dt.date()
        day = pl.when(pl.col("book") == book).then(there).otherwise(day)
    return day


def latest_per_day(raw: pl.DataFrame, zones: Mapping[str, str]) -> pl.DataFrame:
    """The last record per source id and day, with the day as ``as_of`` (in the book's time zone).

    Per connection as well: Alpaca names a position by its asset, which two accounts may hold.
    """
    ordered = raw.with_columns(as_of=local_day(zones), removed=pl.col("change") == "removed").sort(
        "known_at", "batch_id", "seq"
    )
    return ordered.unique(["connection_id", "source_id", "as_of"], keep="last", maintain_order=True)


def typed(contract: Contract, raw: pl.DataFrame, read: Reader, accounts: pl.Series | None = None) -> Cleaned:
    """Reads every record of ``raw`` with ``read`` into ``contract``'s types.

    Args:
        contract: the clean table.
        raw: raw records (with whatever extra columns ``read`` wants).
        read: column values from one payload. A missing key is a null.
        accounts: ids of the accounts there are; a row of any other account is refused.

    Returns:
        The rows that keep the contract, and the others with all their reasons.
    """
    values: dict[str, list[str | None]] = {name: [] for name in contract.names if name not in _PROVENANCE}
    faults: list[list[str]] = []
    unreadable: list[bool] = []
    for found, why in _readings(read, raw):
        said: list[str] = []
        for name, cells in values.items():
            text, fault = _text(name, found.get(name))
            cells.append(text)
            said += fault
        unreadable.append(why is not None)
        faults.append(said if why is None else [why])
    texts = pl.DataFrame(values, schema=dict.fromkeys(values, pl.String))
    cast = texts.select(_cast(column) for column in contract.columns if column.name in values)
    rows = cast.with_columns(raw[name] for name in _PROVENANCE).select(contract.names)
    reasons = _reasons(contract, texts, rows, accounts)
    parsed = pl.Series("parsed", faults, dtype=pl.List(pl.String))
    every = pl.select(
        pl.when(pl.Series(unreadable, dtype=pl.Boolean))
        .then(parsed)
        .otherwise(pl.concat_list(parsed, reasons))
    ).to_series()
    return split(contract, rows, every.alias("reasons"), raw)


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


def refused(contract: Contract, raw: pl.DataFrame, reason: str) -> Cleaned:
    """All of ``raw`` in quarantine, for one and the same reason."""
    nothing = contract.empty().clear(raw.height)
    return split(
        contract, nothing, pl.Series("reasons", [[reason]] * raw.height, dtype=pl.List(pl.String)), raw
    )


def both(contract: Contract, *parts: Cleaned) -> Cleaned:
    """Several providers' rows as one."""
    return Cleaned(
        contract.conform(pl.concat([part.rows for part in parts])) if parts else contract.empty(),
        pl.concat([part.quarantined for part in parts]) if parts else QUARANTINE.empty(),
        sum(part.received for part in parts),
    )


def identified(raw: pl.DataFrame, identify: Callable[[Payload], str]) -> pl.DataFrame:
    """``raw`` with the column ``ours``: what ``identify`` makes of each payload, else its source id."""

    def read(payload: Payload, row: Mapping[str, Any]) -> dict[str, str]:
        return {"ours": identify(payload)}

    ours = [
        found.get("ours", name)
        for (found, _), name in zip(_readings(read, raw), raw["source_id"], strict=True)
    ]
    return raw.with_columns(ours=pl.Series(ours, dtype=pl.String))


def _readings(read: Reader, raw: pl.DataFrame) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    """Per record: what ``read`` finds in it, or why it cannot be read."""
    for row in raw.iter_rows(named=True):
        try:
            payload = _DECODER.decode(row["payload"])
        except (msgspec.DecodeError, RecursionError) as error:
            yield {}, f"not JSON: {error}"
            continue
        if not isinstance(payload, dict):
            yield {}, "not a JSON object"
            continue
        try:
            yield read(payload, row), None
        except (AttributeError, TypeError, KeyError, ValueError, ArithmeticError) as error:
            yield {}, f"not shaped as documented: {type(error).__name__} {error}"


def _text(name: str, value: Any) -> tuple[str | None, list[str]]:
    """A value as text, and what is wrong with it as sent."""
    match value:
        case None:
            return None, []
        case bool():
            return ("true" if value else "false"), []
        case str() if "\0" in value:  # no database keeps it
            return value.replace("\0", ""), [f"{name} holds a NUL character"]
        case str():
            return value, []
        case int() | Decimal() | date():
            return str(value), []
        case _:
            return None, [f"{name} is no single value"]


def _cast(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    match column.kind:
        case Kind.TEXT:
            return value
        case Kind.BOOLEAN:
            return value.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
        case Kind.DATE:
            return _if_years_have_four_digits(value).str.to_date("%Y-%m-%d", strict=False)
        case Kind.MOMENT:
            return _if_years_have_four_digits(value).str.to_datetime(
                "%+", time_unit="us", time_zone="UTC", strict=False
            )
        case Kind.INTEGER:
            return value.cast(pl.Int64, strict=False)
        case _:
            exact = value.str.strip_chars().cast(pl.Decimal(38, 12), strict=False)
            scale = column.kind.polars.scale  # type: ignore[attr-defined]
            return exact.round(scale, mode="half_to_even").cast(column.kind.polars, strict=False)


def _if_years_have_four_digits(value: pl.Expr) -> pl.Expr:
    """Null for what Polars would read and neither Python nor Postgres can hold, such as the year -5000."""
    return pl.when(value.str.contains(r"^[1-9][0-9]{3}-")).then(value)


def _reasons(
    contract: Contract, texts: pl.DataFrame, rows: pl.DataFrame, accounts: pl.Series | None
) -> pl.Series:
    """Every reason per row: what does not fit its type, what breaks the contract, whose account is unknown."""
    sent = {name: pl.col(f"{name}:text") for name in texts.columns}
    misfit = {name: text.is_not_null() & pl.col(name).is_null() for name, text in sent.items()}
    kinds = {column.name: _EXPECTED.get(column.kind, "number") for column in contract.columns}
    found = [
        pl.when(misfit[name]).then(pl.format(f"{name} is no {kinds[name]}: {{}}", text.str.slice(0, 40)))
        for name, text in sent.items()
    ]
    # What was sent but did not fit is not missing as well.
    not_missing = [pl.when(misfit[name]).then(pl.lit(f"{name} is missing")) for name in sent]
    if accounts is not None:
        homeless = ~pl.col("account_id").is_in(accounts.implode())
        found.append(pl.when(homeless).then(pl.lit("its account is unknown or quarantined")))
    together = pl.concat([rows, texts.rename(lambda name: f"{name}:text")], how="horizontal").select(
        contract.violations(rows).alias("broken"),
        pl.concat_list(found).list.drop_nulls().alias("found"),
        pl.concat_list(not_missing).list.drop_nulls().alias("not_missing"),
    )
    # Not by Polars' set_difference, which keeps no order.
    every = [
        [*said, *(reason for reason in broken if reason not in excused)]
        for broken, said, excused in together.iter_rows()
    ]
    return pl.Series("reasons", every, dtype=pl.List(pl.String))
