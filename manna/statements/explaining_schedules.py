"""What a line of a schedule is made of: the postings (or gains) behind its figure.

What belongs here: for each schedule, which of them a line adds up. What does not: making the schedule, or the statements
(:mod:`explaining`).
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

import polars as pl

from manna.books import Book
from manna.contracts.declaration import Kind
from manna.money import round_money
from manna.statements.balances import root
from manna.statements.budget import budgeted
from manna.statements.income import NET_INCOME, is_result
from manna.statements.parts import PARTS, Line, as_parts
from manna.statements.realized_gains import form_8949
from manna.statements.schedules import adjusted_section, of_earlier_years, received, section_of_tax
from manna.statements.sources import Sources
from manna.statements.spending import NOBODY, OTHERS, TOTAL, ranked, spent

_Explains = Callable[[Line, Book, pl.DataFrame, date, Sources], pl.DataFrame]


def _gains(line: Line, book: Book, until: pl.DataFrame, day: date, sources: Sources) -> pl.DataFrame:
    """Parts of sales, each by the row that tax counts; their proceeds where the gain is not known of all."""
    of_year = pl.col("sold").is_between(date(line["period"].year, 1, 1), day)
    sold = form_8949(book, sources.gains).filter(
        of_year, pl.col("currency") == line["currency"], pl.col("section") == line["section"]
    )
    if line["level"] == "line":
        sold = sold.filter(pl.col("part_id") == line["part_id"])
    elif line["level"] == "subtotal":
        sold = sold.filter(pl.col("box") == line["box"])
    column = "proceeds" if line["gain"] is None else "gain"
    parts = sold.select(
        "currency",
        date="sold",
        account="description",
        amount=column,
        source_table=pl.lit("ledger.taxable_gains"),
        source_id="part_id",
    )
    return as_parts(until.clear(), parts)


def _payers(line: Line, _: Book, until: pl.DataFrame, __: date, sources: Sources) -> pl.DataFrame:
    paid = received(until, sources.adjustments).filter(
        pl.col("date") >= line["period"], pl.col("section") == line["section"]
    )
    if line["level"] == "line":
        paid = paid.filter(pl.col("account") == line["account"])
    return as_parts(paid.with_columns(-pl.col("amount")))


def _tax_lines(line: Line, book: Book, until: pl.DataFrame, _: date, sources: Sources) -> pl.DataFrame:
    month = until.filter(pl.col("date") >= line["period"]).filter(is_result())
    if line["account"] == NET_INCOME:
        return as_parts(month.with_columns(-pl.col("amount")))
    told = section_of_tax(book, month["account"].unique().to_list())
    dated = of_earlier_years(month, sources.adjustments)
    sectioned = dated.join(told, on="account", how="left", maintain_order="left")
    of_line = sectioned.filter(adjusted_section() == line["section"])
    if line["level"] == "line":
        of_line = of_line.filter(pl.col("account") == line["account"])
    return as_parts(of_line.with_columns(_as_presented()))


def _budget(line: Line, book: Book, until: pl.DataFrame, _: date, __: Sources) -> pl.DataFrame:
    month = until.filter(pl.col("date") >= line["period"], root(pl.col("account")) == line["section"])
    if line["level"] == "line":
        month = month.filter(budgeted(book, pl.col("account")) == line["account"])
    return as_parts(month.with_columns(_as_presented()))


def _spending(line: Line, _: Book, until: pl.DataFrame, __: date, sources: Sources) -> pl.DataFrame:
    month = until.filter(pl.col("date") >= line["period"], pl.col("account").str.starts_with("Expenses:"))
    if line["account"] != TOTAL:
        month = month.filter(pl.col("account") == line["account"])
    if line["merchant"] is None:
        return as_parts(month)
    told = month.join(sources.merchants, on="entry_id", how="left", maintain_order="left")
    named = [line["merchant"]]
    if line["merchant"] == OTHERS:
        months = pl.DataFrame({"period": [line["period"]], "currency": [line["currency"]]})
        sums = ranked(spent(month, months, sources.merchants))
        named = sums.filter(pl.col("merchant") == OTHERS)["named"].to_list()
    is_named = pl.col("merchant").fill_null("").is_in(["" if name == NOBODY else name for name in named])
    return as_parts(told.filter(is_named))


def translated(book: Book, found: Sequence[tuple[str, pl.DataFrame]], day: date) -> pl.DataFrame:
    """The worth of each currency's figure, by what it is made of; nothing where a rate is unknown."""
    rows: list[tuple[object, ...]] = []
    for currency, parts in found:
        amount = sum(parts["amount"], Decimal(0))
        rate, of = (Decimal(1), None) if currency == book.currency else book.rate(currency, day)
        if rate is None:
            return as_parts(parts.clear())
        text = f"{currency} at {rate}" + (f" of {of}" if of else "")
        worth = round_money(amount * rate, book.currency)
        rows.append((day, text, worth, book.currency, None, None, "exchange_rates", f"{currency}/{of or ''}"))
    schema = dict.fromkeys(PARTS, pl.String()) | {"date": pl.Date(), "amount": Kind.MONEY.polars}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _as_presented() -> pl.Expr:
    return (
        pl.when(root(pl.col("account")) == "Income")
        .then(-pl.col("amount"))
        .otherwise("amount")
        .alias("amount")
    )


SCHEDULED: dict[str, _Explains] = {
    "realized_gains": _gains,
    "dividends_and_interest": _payers,
    "tax_lines": _tax_lines,
    "budget": _budget,
    "spending": _spending,
}
