"""Plaid's personal finance categories as accounts of the chart.

What belongs here: the mapping and its confidence. What does not: who decides when (``deciding``).
Source of the taxonomy: Plaid's published category file, versions 1 and 2.
"""

from decimal import Decimal

import polars as pl

UNCATEGORIZED_OUT = "Expenses:Uncategorized"
UNCATEGORIZED_IN = "Income:Uncategorized"
TRANSFERS = "Equity:Transfers"
"""Where money goes that was moved to or from an account we do not see."""

CARD_PAYMENT = "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"

CONFIDENCE = {
    "VERY_HIGH": Decimal("0.98"),
    "HIGH": Decimal("0.90"),
    "MEDIUM": Decimal("0.70"),
    "LOW": Decimal("0.40"),
    "UNKNOWN": Decimal("0.20"),
}
"""Plaid's words as numbers. Plaid documents >98 % for VERY_HIGH and >90 % for HIGH; the rest is nominal."""

_AS_WRITTEN = {"AND": "and", "OF": "of", "TV": "TV", "ATM": "ATM", "EWA": "EWA", "BNPL": "BNPL"}
_NAMED = {"INCOME_INTEREST_EARNED": "Income:Interest"}
"""Categories whose account has another name here: interest is one account, whoever pays it."""

_MOVED = ("TRANSFER_IN", "TRANSFER_OUT", "LOAN_DISBURSEMENTS")


def plaid_category(primary: str | None, detailed: str | None) -> str | None:
    """The account of the chart for Plaid's primary and detailed category; null where Plaid has none.

    ``FOOD_AND_DRINK`` / ``FOOD_AND_DRINK_GROCERIES`` becomes ``Expenses:Food and Drink:Groceries``,
    ``INCOME_SALARY`` ``Income:Salary``. Transfers, card payments and loans drawn are no income and no
    expense. A loan payment is an expense as a whole here: the feed does not split principal from interest.
    """
    if not primary or primary == "OTHER":
        return None
    if primary in _MOVED or detailed == CARD_PAYMENT:
        return TRANSFERS
    if detailed in _NAMED:
        return _NAMED[detailed]
    detail = _title((detailed or "").removeprefix(primary)) or "Other"
    return f"Income:{detail}" if primary == "INCOME" else f"Expenses:{_title(primary)}:{detail}"


def plaid_categories(transactions: pl.DataFrame) -> pl.DataFrame:
    """:func:`plaid_category` of every distinct pair: plaid_primary, plaid_detailed, suggested."""
    pairs = transactions.select("plaid_primary", "plaid_detailed").unique(maintain_order=True)
    suggested = [plaid_category(*pair) for pair in pairs.iter_rows()]
    return pairs.with_columns(suggested=pl.Series(suggested, dtype=pl.String))


def _title(code: str) -> str:
    return " ".join(_AS_WRITTEN.get(word, word.capitalize()) for word in code.split("_") if word)
