"""Schedules that follow from accounts and months: tax lines, and income by who pays it.

What belongs here: how results are told apart once more for a tax return. What does not: realized gains
(:mod:`realized_gains`), or which line an account leads to (:mod:`manna.ledger.tax_lines`).
"""

import polars as pl

from manna.books import Book
from manna.contracts.reports import DIVIDENDS_AND_INTEREST, TAX_LINES
from manna.ledger.tax_lines import tax_lines as lines_of
from manna.statements.balances import MonthlyBalances, root
from manna.statements.income import NET_INCOME, is_result
from manna.statements.presentation import numbered, total

NO_LINE = "Not on the return"
PAID = (("Dividends", r"^Income:Dividends(:|$)"), ("Interest", r"^Income:Interest( Earned)?(:|$)"))
"""Sections of dividends and interest, and the accounts of each."""
_AMOUNTS = ("amount", "year_to_date")
_MONTH = ["period", "currency"]


def tax_lines(book: Book, balances: MonthlyBalances) -> pl.DataFrame:
    """Income and expenses by line of the tax return, each line with its sum, and all that is on no line.

    Income is presented positive, expenses positive; the last total is net income, so that nothing is lost.

    Returns:
        ``reports.tax_lines`` of every month in ``balances.months``.
    """
    results = balances.accounts.filter(is_result())
    is_income = root(pl.col("account")) == "Income"
    shown = results.with_columns(
        pl.when(is_income).then(-pl.col(name)).otherwise(name).alias(name) for name in _AMOUNTS
    )
    shown = shown.filter(pl.any_horizontal(pl.col(_AMOUNTS) != 0))
    said = section_of_tax(book, results["account"].unique().to_list())
    lines = shown.join(balances.months, on=_MONTH, how="semi").join(said, on="account", how="left")
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


_LAST = 10_000


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
        pl.col("section").fill_null(NO_LINE), pl.col("rank").cast(pl.Int64).fill_null(_LAST - 1)
    )


def dividends_and_interest(book: Book, balances: MonthlyBalances, postings: pl.DataFrame) -> pl.DataFrame:
    """Dividends and interest by the account that pays them, as a payer sends one form per account.

    Args:
        postings: ``ledger.postings`` of the book up to the last known day.

    Returns:
        ``reports.dividends_and_interest`` of every month in ``balances.months``.
    """
    months = balances.months
    key = ["currency", "section", "account"]
    paid = received(postings).with_columns(of=pl.col("date").dt.month_start())
    moved = paid.group_by(*key, "of").agg(amount=-pl.col("amount").sum())
    of_year = moved.join(months.select("period", "currency"), on="currency").filter(
        pl.col("of") <= pl.col("period"), pl.col("of").dt.year() == pl.col("period").dt.year()
    )
    this_month = pl.when(pl.col("of") == pl.col("period")).then("amount").otherwise(pl.lit(0))
    lines = of_year.group_by("period", *key).agg(amount=this_month.sum(), year_to_date=pl.col("amount").sum())
    ranks = {name: rank for rank, (name, _) in enumerate(PAID)}
    lines = lines.with_columns(
        rank=pl.col("section").replace_strict(ranks, return_dtype=pl.Int64), level=pl.lit("line")
    )
    columns = [*_MONTH, "rank", "section", "account", "level", *_AMOUNTS]
    sums = [
        total(lines.filter(section=name), months, rank, name, f"Total {name.lower()}", _AMOUNTS).select(
            columns
        )
        for name, rank in ranks.items()
    ]
    return numbered(
        DIVIDENDS_AND_INTEREST, book, pl.concat([lines.select(columns), *sums], how="vertical_relaxed")
    )


def received(postings: pl.DataFrame) -> pl.DataFrame:
    """Postings of dividends and interest with their ``section``, and as ``account`` the account that pays them.

    That is the own account of the entry, a broker's without its leaf; where an entry has none, the income account.
    """
    account, section = pl.col("account"), pl.lit(None, dtype=pl.String)
    for name, pattern in PAID:
        section = pl.when(account.str.contains(pattern)).then(pl.lit(name)).otherwise(section)
    income = postings.with_columns(section=section).drop_nulls("section")
    own = postings.join(income.select("entry_id"), on="entry_id", how="semi").filter(
        pl.col("account_id").is_not_null()
    )
    payers = own.group_by("entry_id").agg(payer=account.str.replace(r":(Cash|Securities)$", "").min())
    named = income.join(payers, on="entry_id", how="left", maintain_order="left")
    return named.with_columns(account=pl.coalesce("payer", "account")).drop("payer")
