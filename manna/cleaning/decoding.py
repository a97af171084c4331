"""Payloads become typed rows; what cannot be read becomes a reason, never an exception and never a guess.

What belongs here: decoding, casting, latest versions, quarantine. What does not: the meaning of any
provider's field (``plaid``, ``alpaca``).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from manna.contracts.clean import QUARANTINE
from manna.contracts.declaration import Column, Contract, Kind

Payload = Mapping[str, Any]
Reader = Callable[[Payload, Mapping[str, Any]], Mapping[str, Any]]
"""Reads a payload (and its raw row, less where that came from) into text, booleans or null; types come later."""

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
_TEXTUAL = {str, type(None)}
_SINGLE = (str, int, Decimal, date)
_ALIKE: tuple[set[type], ...] = ({bool}, {date})
"""Of one of these types throughout: Polars writes such a column as Python would."""
_AT_ONCE = 2_000  # records whose decoded payloads are in memory at a time


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

    Per connection as well: Alpaca names a position by its symbol, which two accounts may hold.
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
    texts, faults = _texts([name for name in contract.names if name not in _PROVENANCE], read, raw)
    cast = texts.select(_cast(column) for column in contract.columns if column.name in texts.columns)
    rows = cast.with_columns(raw[name] for name in _PROVENANCE).select(contract.names)
    return split(contract, rows, _reasons(contract, texts, rows, faults, accounts), raw)


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
        raw.filter(broken)
        .with_columns(
            reasons=reasons.filter(broken).list.unique(maintain_order=True).list.join("; "),
            table_name=pl.lit(contract.address),
        )
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
    names = [name for name in raw.columns if name not in _PROVENANCE]
    for cells in zip(*(raw[name].to_list() for name in names), strict=True):
        row = dict(zip(names, cells, strict=True))
        try:
            payload = _DECODER.decode(row["payload"])
        except (msgspec.DecodeError, RecursionError) as error:
            yield {}, f"not JSON: {error}"
            continue
        try:
            yield (read(payload, row), None) if isinstance(payload, dict) else ({}, "not a JSON object")
        except (AttributeError, TypeError, KeyError, ValueError, ArithmeticError) as error:
            yield {}, f"not shaped as documented: {type(error).__name__} {error}"


@dataclass(frozen=True, slots=True)
class _Faults:
    """What is wrong with records as sent, by their number; those at no fault are not in it."""

    unreadable: dict[int, str] = field(default_factory=dict)
    values: dict[int, list[str]] = field(default_factory=dict)


def _texts(names: Sequence[str], read: Reader, raw: pl.DataFrame) -> tuple[pl.DataFrame, _Faults]:
    """The columns ``names`` of every record as text, and what is wrong with the records as sent."""
    faults = _Faults()
    parts = [pl.DataFrame(schema=dict.fromkeys(names, pl.String))]
    for first in range(0, raw.height, _AT_ONCE):
        found = []
        for number, (values, why) in enumerate(_readings(read, raw.slice(first, _AT_ONCE)), first):
            found.append(values)
            if why is not None:
                faults.unreadable[number] = why
        columns = [_column(name, [values.get(name) for values in found], first, faults) for name in names]
        parts.append(pl.DataFrame(columns))
    return pl.concat(parts, rechunk=True), faults


def _column(name: str, cells: list[Any], first: int, faults: _Faults) -> pl.Series:
    """One column as text; ``first`` is the number of the record of its first cell."""

    def blame(place: int, fault: str) -> None:
        faults.values.setdefault(first + place, []).append(f"{name} {fault}")

    kinds = set(map(type, cells))
    if kinds in _ALIKE:
        return pl.Series(name, cells, dtype=pl.DataType.from_python(kinds.pop())).cast(pl.String)
    if not kinds <= _TEXTUAL:
        for place, cell in enumerate(cells):
            if type(cell) not in _TEXTUAL:
                cells[place] = text = _text(cell)
                if text is None:
                    blame(place, "is no single value")
    texts = pl.Series(name, cells, dtype=pl.String)
    spoilt = texts.str.contains("\0", literal=True)
    if not spoilt.any():
        return texts
    for place in spoilt.arg_true():  # no database keeps it
        blame(place, "holds a NUL character")
    return texts.str.replace_all("\0", "", literal=True)


def _text(value: Any) -> str | None:
    """A single value as text; null when it is none."""
    if value is True or value is False:
        return "true" if value else "false"
    return str(value) if isinstance(value, _SINGLE) else None


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
    contract: Contract, texts: pl.DataFrame, rows: pl.DataFrame, faults: _Faults, accounts: pl.Series | None
) -> pl.Series:
    """Every reason per row: what cannot be read or does not fit its type, breaks the contract, has no account."""
    sent = {name: pl.col(f"{name}:text") for name in texts.columns}
    misfit = {name: text.is_not_null() & pl.col(name).is_null() for name, text in sent.items()}
    kinds = {column.name: _EXPECTED.get(column.kind, "number") for column in contract.columns}
    found = [
        pl.when(misfit[name]).then(pl.format(f"{name} is no {kinds[name]}: {{}}", text.str.slice(0, 40)))
        for name, text in sent.items()
    ]
    # What was sent but did not fit is not missing as well.
    not_missing = [pl.when(misfit[name]).then(pl.lit(f"{name} is missing")) for name in sent]
    homeless = pl.lit(False)
    if accounts is not None:
        homeless = ~pl.col("account_id").is_in(accounts.implode())
        found.append(pl.when(homeless).then(pl.lit("its account is unknown or quarantined")))
    together = pl.concat([rows, texts.rename(lambda name: f"{name}:text")], how="horizontal").with_columns(
        contract.violations(rows).alias("broken"), number=pl.int_range(rows.height)
    )
    # Reasons are put into words for the rows at fault only: they are few.
    few = together.filter(
        pl.any_horizontal(*misfit.values(), homeless.fill_null(False))
        | (pl.col("broken").list.len() > 0)
        | pl.col("number").is_in([*faults.unreadable, *faults.values])
    ).select(
        "number",
        "broken",
        pl.concat_list(found).list.drop_nulls().alias("found"),
        pl.concat_list(not_missing).list.drop_nulls().alias("not_missing"),
    )
    every: list[list[str]] = [[]]
    for number, broken, said, excused in few.iter_rows():
        why = faults.unreadable.get(number)
        # Not by Polars' set_difference, which keeps no order.
        unexcused = (reason for reason in broken if reason not in excused)
        every.append([why] if why is not None else [*faults.values.get(number, ()), *said, *unexcused])
    place = pl.zeros(rows.height, pl.UInt32, eager=True).scatter(few["number"], range(1, len(every)))
    return pl.Series("reasons", every, dtype=pl.List(pl.String)).gather(place)
