"""What is looked at in a transaction: its texts, amount and day, as keys to remember decisions under.

What belongs here: columns in, keys out. What does not: what was decided under a key (``memory``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from manna.categorizing.merchants import LONGEST, NUMBER, NUMBERS, merchants

_SEPARATOR = "\x1f"
_HOUSE_BRAND = 8
"""Letters of a merchant, without spaces, by which its spellings agree: ``WAL-MART``, ``WALMART SUPERCENTRE``."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a frame say what.

    ``text`` is the bank's description; ``contexts`` are further texts that narrow it down (cost centre, account type,
    Plaid's category or merchant); ``amount`` has a sign; ``date`` is a day. All but ``text`` may be absent.
    """

    text: str = "description"
    contexts: tuple[str, ...] = ()
    amount: str | None = None
    date: str | None = None
    label: str = "category"


def observed(frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
    """One row per row, never null: text, context, one ``context_i`` per context if several, amount, day.

    A column that the frame does not have counts as empty: amount 0, day null. Whatever is no number or no day too.
    """
    has = set(frame.columns)

    def text(name: str) -> pl.Expr:
        if name not in has:
            return pl.lit("")
        return pl.col(name).cast(pl.String).fill_null("").str.slice(0, LONGEST).str.to_lowercase()

    amount = pl.col(columns.amount).cast(pl.Float64, strict=False) if columns.amount in has else pl.lit(0.0)
    day = (
        _day(frame.schema[columns.date], columns.date) if columns.date in has else pl.lit(None, dtype=pl.Date)
    )
    parts = {f"context_{number}": text(name) for number, name in enumerate(columns.contexts)}
    rows = frame.select(
        text=text(columns.text),
        context=pl.concat_str(list(parts.values()), separator=_SEPARATOR) if parts else pl.lit(""),
        amount=pl.when(amount.is_finite()).then(amount).otherwise(0.0).fill_null(0.0),
        day=day.cast(pl.Int32),
        **(parts if len(parts) > 1 else {}),
    )
    if rows.height != frame.height:  # nothing but literals: a frame without any of these columns
        rows = pl.concat([rows] * frame.height) if frame.height else rows.clear()
    return rows


def _day(kind: pl.DataType, name: str) -> pl.Expr:
    if kind == pl.String:
        return pl.col(name).str.to_date(strict=False)
    return pl.col(name).cast(pl.Date) if kind.is_temporal() else pl.lit(None, dtype=pl.Date)


def keys(rows: pl.DataFrame, columns: Columns) -> dict[str, list[str]]:
    """The keys of each row by name, most general last; what a model without context or amount cannot tell apart is left out."""
    merchant, context = pl.col("merchant"), pl.col("context")
    letters = merchant.str.replace_all(r"[^\p{L}]+", " ").str.strip_chars().str.split(" ")
    first, two = letters.list.get(0, null_on_oob=True).fill_null(""), letters.list.head(2).list.join(" ")
    brand = merchant.str.replace_all(" ", "").str.slice(0, _HOUSE_BRAND)
    size = ((pl.col("amount").abs().log1p() * 1.5).round() * pl.col("amount").sign()).cast(pl.Int32)

    def both(*parts: pl.Expr) -> pl.Expr:
        return pl.concat_str(*parts, separator=_SEPARATOR)

    found = {
        "text": pl.col("text"),
        "merchant": merchant,
        "brand": brand,
        "two words": two,
        "first word": first,
    }
    if columns.amount:
        found["merchant, amount"] = both(merchant, pl.col("amount"))
        found["merchant, size"] = both(merchant, size)
    if columns.contexts:
        tail = context.str.extract(r"(\p{L}+)[^\p{L}]*$", 1).fill_null("")
        found |= {
            "context": context,
            "merchant, context": both(merchant, context),
            "first word, context": both(first, context),
            "brand, tail": both(brand, tail),
        }
        if columns.amount:
            found["context, amount"] = both(context, pl.col("amount"))
            found["context, size"] = both(context, size)
            found["merchant, context, size"] = both(merchant, context, size)
    for number in range(len(columns.contexts) if len(columns.contexts) > 1 else 0):
        part = pl.col(f"context_{number}")
        found |= {f"context {number}": part, f"merchant, context {number}": both(merchant, part)}
    table = rows.select(**found)
    return {name: table[name].to_list() for name in found}


def named(rows: pl.DataFrame) -> pl.DataFrame:
    """With ``merchant`` and ``shape``: the text with every long number as the same one."""
    return rows.with_columns(merchants(rows["text"]), shape=pl.col("text").str.replace_all(NUMBERS, NUMBER))


def distinct(rows: pl.DataFrame, known: Mapping[str, object]) -> tuple[pl.DataFrame, np.ndarray]:
    """Distinct rows (their day is any) in order of appearance, and for each row the number of its distinct one.

    A text that is not among the ``known`` ones stands for all of its shape: nothing can be remembered about it.
    """
    texts = pl.DataFrame({"text": rows["text"].unique()}) if rows.height > 1 else rows.select("text")
    remembered = pl.Series([text in known for text in texts["text"].to_list()], dtype=pl.Boolean)
    shapes = texts.with_columns(
        shape=pl.when(remembered).then("text").otherwise(pl.col("text").str.replace_all(NUMBERS, NUMBER))
    )
    if rows.height == 1:
        return rows.with_columns(text=shapes["shape"]), np.zeros(1, np.int64)
    names = [name for name in rows.columns if name != "day"]
    shaped = (
        rows.join(shapes, on="text", how="left", maintain_order="left")
        .with_columns(text="shape")
        .drop("shape")
    )
    once = shaped.unique(names, keep="first", maintain_order=True)
    numbered = once.select(names).with_row_index("number")
    return once, shaped.select(names).join(numbered, on=names, how="left", maintain_order="left")[
        "number"
    ].to_numpy()
