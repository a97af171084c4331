"""Schedules that follow from accounts and months: tax lines, and income by who pays it.

What belongs here: how results are told apart once more for a tax return. What does not: realized gains
(:mod:`realized_gains`), which line an account leads to (:mod:`manna.ledger.tax_lines`), or a closed year with what became
known of it later (:mod:`tax_year`).

A tax return counts an adjusting entry in the year that it belongs to, the ledger in the year it is booked in. So
what belongs to an earlier year is stated in sections of its own, by that year: it is in none of this year's lines, and all
lines together are still what the ledger has.
"""

import polars as pl

from manna.books import Book
from manna.contracts.reports import DIVIDENDS_AND_INTEREST, TAX_LINES
from manna.ledger.closing import with_tax_dates
from manna.ledger.tax_lines import tax_lines as lines_of
from manna.statements.balances import MonthlyBalances, root
from manna.statements.income import NET_INCOME, is_result
from manna.statements.presentation import numbered, total

NO_LINE = "Not on the return"
PAID = (("Dividends", r"^Income:Dividends(:|$)"), ("Interest", r"^Income:Interest( Earned)?(:|$)"))
"""Sections of dividends and interest, and the accounts of each."""
_AMOUNTS = ("amount", "year_to_date")
_MONTH = ["period", "currency"]


def tax_lines(
    book: Book, balances: MonthlyBalances, postings: pl.DataFrame, adjustments: pl.DataFrame
) -> pl.DataFrame:
    """Income and expenses by line of the tax return, each line with its sum, and all that is on no line.

    Income is presented positive, expenses positive; the last total is net income, so that nothing is lost.

    Args:
        postings: ``ledger.postings`` of the book up to the last known day.
        adjustments: ``ledger.adjustments`` of the book.

    Returns:
        ``reports.tax_lines`` of every month in ``balances.months``.
    """
    # Few entries are adjustments, so these are looked at alone.
    late = postings.join(adjustments, on="entry_id", how="semi")
    results = _results(balances, of_earlier_years(late, adjustments))
    is_income = root(pl.col("account")) == "Income"
    shown = results.with_columns(
        pl.when(is_income).then(-pl.col(name)).otherwise(name).alias(name) for name in _AMOUNTS
    )
    shown = shown.filter(pl.any_horizontal(pl.col(_AMOUNTS) != 0))
    said = section_of_tax(book, results["account"].unique().to_list())
    lines = shown.join(said, on="account", how="left").with_columns(
        rank=pl.col("rank") + _AFTER * pl.col("of_year").fill_null(0), section=adjusted_section()
    )
    key = [*_MONTH, "rank", "section"]
    sums = lines.group_by(key).agg(pl.col(_AMOUNTS).sum())
    sums = sums.with_columns(account=pl.concat_str(pl.lit("Total "), "section"), level=pl.lit("subtotal"))
    columns = [*key, "account", "level", *_AMOUNTS]
    earned = results.with_columns(-pl.col(_AMOUNTS))
    parts = [
        lines.with_columns(level=pl.lit("line")).select(columns),
        sums.select(columns),
        total(earned, balances.months, _LAST, NET_INCOME, NET_INCOME, _AMOUNTS).select(columns),
    ]
    return numbered(TAX_LINES, book, pl.concat(parts, how="vertical_relaxed"))


_AFTER = 10_000
"""More than there are lines of a return: what belongs to an earlier year comes after them, in order of years."""
_LAST = _AFTER * _AFTER


def of_earlier_years(postings: pl.DataFrame, adjustments: pl.DataFrame) -> pl.DataFrame:
    """``postings`` with ``of_year``: the year that one belongs to if it is earlier than the one it is booked in, else null."""
    dated = with_tax_dates(postings, adjustments)
    year = pl.col("tax_date").dt.year()
    return dated.with_columns(of_year=pl.when(year < pl.col("date").dt.year()).then(year))


def adjusted_section() -> pl.Expr:
    """``section``, of what belongs to an earlier year with that year: ``Adjustments of 2025: Schedule A 8a: ...``."""
    late = pl.format("Adjustments of {}: {}", "of_year", "section")
    return pl.when(pl.col("of_year").is_null()).then("section").otherwise(late).alias("section")


def _results(balances: MonthlyBalances, postings: pl.DataFrame) -> pl.DataFrame:
    """``period, currency, account, of_year, amount, year_to_date`` of results: this year's, and apart what is of earlier ones."""
    key = [*_MONTH, "account", "of_year"]
    booked = balances.accounts.filter(is_result()).join(balances.months, on=_MONTH, how="semi")
    booked = booked.select(*_MONTH, "account", *_AMOUNTS, of_year=pl.lit(None, pl.Int32))
    late = postings.filter(is_result(), pl.col("of_year").is_not_null())
    apart = _so_far(late, balances.months, ["currency", "account", "of_year"])
    taken = apart.with_columns(-pl.col(_AMOUNTS), of_year=pl.lit(None, pl.Int32))
    parts = [part.select(*key, *_AMOUNTS) for part in (booked, taken, apart)]
    return pl.concat(parts, how="vertical_relaxed").group_by(key).agg(pl.col(_AMOUNTS).sum())


def _so_far(postings: pl.DataFrame, months: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """``period, amount, year_to_date`` by ``key`` (which has the currency) of every month that anything of its year came by."""
    moved = postings.group_by(*key, of=pl.col("date").dt.month_start()).agg(pl.col("amount").sum())
    of_year = moved.join(months.select(_MONTH), on="currency").filter(
        pl.col("of") <= pl.col("period"), pl.col("of").dt.year() == pl.col("period").dt.year()
    )
    this_month = pl.when(pl.col("of") == pl.col("period")).then("amount").otherwise(pl.lit(0))
    return of_year.group_by("period", *key).agg(amount=this_month.sum(), year_to_date=pl.col("amount").sum())


def section_of_tax(book: Book, accounts: list[str]) -> pl.DataFrame:
    """``account, section, rank``: the line of the return that each account leads to, in the return's order."""
    known = lines_of(book, accounts)
    text = pl.concat_str(
        pl.col("form"), pl.when(pl.col("line") != "").then(pl.lit(" ") + pl.col("line")).otherwise(pl.lit("")),
        pl.lit(": "), pl.col("label"),
    )  # fmt: skip
    told = known.select("account", section=text)
    order = told.select("section").unique(maintain_order=True).with_row_index("rank")
    every = pl.DataFrame({"account": accounts}, schema={"account": pl.String})
    joined = every.join(told, on="account", how="left").join(order, on="section", how="left")
    return joined.with_columns(
        pl.col("section").fill_null(NO_LINE), pl.col("rank").cast(pl.Int64).fill_null(_AFTER - 1)
    )


def dividends_and_interest(
    book: Book, balances: MonthlyBalances, postings: pl.DataFrame, adjustments: pl.DataFrame
) -> pl.DataFrame:
    """Dividends and interest by the account that pays them, as a payer sends one form per account.

    Args:
        postings: ``ledger.postings`` of the book up to the last known day.
        adjustments: ``ledger.adjustments`` of the book.

    Returns:
        ``reports.dividends_and_interest`` of every month in ``balances.months``.
    """
    months = balances.months
    paid = received(postings, adjustments).with_columns(-pl.col("amount"))
    lines = _so_far(paid, months, ["currency", "section", "account"])
    # Dividends, Interest, Dividends of 2025, ...: those of an earlier year only where there are any.
    late = sorted(set(lines["section"]) - {name for name, _ in PAID}, key=lambda name: (name[-4:], name))
    ranks = {name: rank for rank, name in enumerate([*(name for name, _ in PAID), *late])}
    lines = lines.with_columns(
        rank=pl.col("section").replace_strict(ranks, return_dtype=pl.Int64), level=pl.lit("line")
    )
    columns = [*_MONTH, "rank", "section", "account", "level", *_AMOUNTS]
    sums = []
    for name, rank in ranks.items():
        own = lines.filter(section=name)
        stated = own.select(_MONTH).unique() if name in late else months
        sums.append(total(own, stated, rank, name, f"Total {name.lower()}", _AMOUNTS).select(columns))
    return numbered(
        DIVIDENDS_AND_INTEREST, book, pl.concat([lines.select(columns), *sums], how="vertical_relaxed")
    )


def received(postings: pl.DataFrame, adjustments: pl.DataFrame) -> pl.DataFrame:
    """Postings of dividends and interest with their ``section``, and as ``account`` the account that pays them.

    What belongs to an earlier year than it is booked in is in a section with that year: ``Dividends of 2025``.
    That is the own account of the entry, a broker's without its leaf; of an adjustment that moves money between two
    categories, that of the entry it corrects; where neither has one, the income account.
    """
    account, section = pl.col("account"), pl.lit(None, dtype=pl.String)
    for name, pattern in PAID:
        section = pl.when(account.str.contains(pattern)).then(pl.lit(name)).otherwise(section)
    late = pl.format("{} of {}", "section", "of_year")
    income = of_earlier_years(postings.with_columns(section=section).drop_nulls("section"), adjustments)
    income = income.with_columns(
        pl.when(pl.col("of_year").is_null()).then("section").otherwise(late).alias("section")
    )
    meant = pl.concat([income.select("entry_id"), income.select(entry_id="adjusts")])
    own = postings.join(meant, on="entry_id", how="semi").filter(pl.col("account_id").is_not_null())
    payers = own.group_by("entry_id").agg(payer=account.str.replace(r":(Cash|Securities)$", "").min())
    named = income.join(payers, on="entry_id", how="left", maintain_order="left").join(
        payers, left_on="adjusts", right_on="entry_id", how="left", suffix="_before", maintain_order="left"
    )
    payer = pl.coalesce("payer", "payer_before", "account")
    return named.with_columns(account=payer).drop("payer", "payer_before")
