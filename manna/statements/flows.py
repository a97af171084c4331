"""What moved cash and what did not: the postings behind both cash flow statements.

What belongs here: what cash is, which section a flow stands in, and which entries moved none. What does not: how either
statement is laid out.
"""

import polars as pl

from manna.ledger.chart import IN_TRANSIT

_CASH = r"^Assets:(Cash(:|$)|In Transit(:|$)|(.+:)?Cash$)"

OPERATING, INVESTING, FINANCING = "Operating activities", "Investing activities", "Financing activities"
OPENING, EXCHANGE, UNRESOLVED = "Opening balances", "Currency exchange", "Unresolved transfers"
PURCHASES, SOLD = "Purchases of investments", "Proceeds from investments sold"
ASSETS_SOLD = "Proceeds from other assets sold"
EXCHANGED = "Securities exchanged or transferred"
_GAINS = r"^(Income:(.+:)?[^:]*\bGains?\b|Expenses:(.+:)?Loss(es)?( on\b|:|$))"
SECTION_OF_FLOW = (
    (r"^Assets:.*(Receivable|Inventory|Prepaid|Supplies|Escrow)", OPERATING),
    (r"^Assets:", INVESTING),
    (r"^Income:Exchange Gains", EXCHANGE),
    (_GAINS, INVESTING),
    (r"^(Income|Expenses):", OPERATING),
    (r"^Liabilities:(Cards|Payable|Taxes|Sales Tax|Unearned)|^Liabilities:.*Payable$", OPERATING),
    (r"^Liabilities:", FINANCING),
    (r"^Equity:Opening", OPENING),
    (r"^Equity:Suspense", OPERATING),
    (r"^Equity:Transfers", UNRESOLVED),
    (r"^Equity:Currency Exchange", EXCHANGE),
    (r"^Equity:Sheltered Accounts:Capital Gains", INVESTING),
    (r"^Equity:Sheltered Accounts", OPERATING),
    (r"^Equity:", FINANCING),
)
"""Section of the cash flow statement by the counter account; the first expression that fits decides.

The change of a card's balance is operating, a loan's principal and an owner's draws are financing; a gain is part of the
proceeds of what was sold, and so investing (IAS 7.16, ASC 230-10-45). Money changed into another currency is none of the
three (IAS 7.28), and of a transfer to or from an account that is not linked nobody has said yet which it is."""

_STATED = r"^(Equity:(Opening|Revaluation)|Expenses:)"
"""Accounts whose entries are no activity: what was there before the books, changes of value, and expenses without cash
such as depreciation (ASC 230-10-50-3 means investing and financing)."""


def is_cash(account: pl.Expr) -> pl.Expr:
    """Whether an account of the chart is cash, by its path.

    Cash is what stands under ``Assets:Cash``, a broker's leaf ``:Cash`` (money and sweep), and what is in transit between
    own accounts; the securities that a bank account may have on its leaf ``:Securities`` are not.
    """
    return account.str.contains(_CASH) & ~account.str.ends_with(":Securities")


def section_of_flow(account: pl.Expr) -> pl.Expr:
    """The section of a flow whose counter account this is (:data:`SECTION_OF_FLOW`)."""
    section = pl.lit(INVESTING)
    for pattern, name in reversed(SECTION_OF_FLOW):
        section = pl.when(account.str.contains(pattern)).then(pl.lit(name)).otherwise(section)
    return section


def classed(postings: pl.DataFrame) -> pl.DataFrame:
    """Postings with what their account is: ``cash``, ``is_result`` (income or expense), and ``section`` of a flow."""
    account = pl.col("account")
    classes = postings.select("account").unique().with_columns(
        cash=is_cash(account), is_result=account.str.contains(r"^(Income|Expenses):"), section=section_of_flow(account)
    )  # fmt: skip
    return postings.join(classes, on="account", how="left", maintain_order="left")


def flows_of(known: pl.DataFrame) -> pl.DataFrame:
    """The postings that explain what moved cash, each with its ``section`` of the cash flow statement.

    In an entry that touches cash, the other postings sum to the cash moved, negated: so they explain it
    without a remainder. Where one of them is a security, all of them are investing (the gain is part of
    the proceeds, the fee part of the price), as IAS 7.16 has it. Purchases and sales are gross (IAS 7.21,
    ASC 230-10-45-7): an entry that sells is proceeds in all it has of investing, its gain or loss included.

    Args:
        known: rows of ``ledger.postings``, whole entries, :func:`classed`.

    Returns:
        Those of them that are not cash in entries that touch it, with the ``section`` of their flow and the ``line`` of
        the statement that they are part of: their account, but for what is bought and sold.
    """
    cash = known.filter("cash").select("entry_id", "currency")
    counter = known.filter(~pl.col("cash")).join(cash, on=["entry_id", "currency"], how="semi")
    traded = counter.filter(pl.col("security_id").is_not_null())["entry_id"].unique()
    of_trade = pl.col("entry_id").is_in(traded.implode())
    named = counter.with_columns(
        section=pl.when(of_trade).then(pl.lit(INVESTING)).otherwise("section"), line="account"
    )
    invested = named.filter(pl.col("section") == INVESTING)
    under_way = known.filter(pl.col("account") == IN_TRANSIT)["entry_id"].unique()
    on_the_way = pl.col("entry_id").is_in(under_way.implode())
    return pl.concat(
        [
            named.filter(pl.col("section") != INVESTING),
            invested.with_columns(line=_gross(of_trade, on_the_way)),
        ]
    )


def _gross(of_trade: pl.Expr, on_the_way: pl.Expr) -> pl.Expr:
    """What an investing posting stands as, given all those of its entry.

    Securities that leave one account (or turn into others) pass through ``Assets:In Transit``, which is cash: nothing was
    sold for what comes back from there, so both entries are one line, of which the cash that was paid beside is left.
    """
    entry = ["entry_id", "currency"]
    paid = pl.col("amount").sum().over(entry) > 0
    has_asset = pl.col("account").str.starts_with("Assets:").any().over(entry)
    disposed = has_asset & pl.col("is_result").any().over(entry)
    line = (
        pl.when(of_trade & on_the_way).then(pl.lit(EXCHANGED)).when(of_trade & paid).then(pl.lit(PURCHASES))
    )
    return (
        line.when(of_trade).then(pl.lit(SOLD)).when(disposed).then(pl.lit(ASSETS_SOLD)).otherwise("account")
    )


def without_cash(known: pl.DataFrame) -> pl.DataFrame:
    """The postings of entries that move no cash and touch more than results and operating balances.

    Reinvested dividends and employer's contributions are among them, depreciation, a house bought with a loan, and
    openings of what is no cash. A purchase by card is not: it moves none either, but only until the card is paid.

    Args:
        known: rows of ``ledger.postings``, whole entries, :func:`classed`.

    Returns:
        These postings; they sum to zero.
    """
    key = ["entry_id", "currency"]
    lasting = ~pl.col("cash") & ~pl.col("is_result") & (pl.col("section") != OPERATING)
    entries = known.filter(lasting).select(key).unique()
    touched = known.join(entries, on=key, how="semi")
    return touched.join(touched.filter("cash").select(key), on=key, how="anti")


def is_activity(entries: pl.DataFrame) -> pl.Expr:
    """Whether a posting's entry is an activity: what was invested or financed, and not merely stated.

    Args:
        entries: the result of :func:`without_cash`.
    """
    stated = pl.col("account").str.contains(_STATED)
    return ~pl.col("entry_id").is_in(entries.filter(stated)["entry_id"].unique().implode())
