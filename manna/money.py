"""Money: the one place where it is rounded and where a provider's sign becomes the ledger's.

What belongs here: rounding, minor units, signs, which currencies there are and how a loan in one is called. What does not: anything that knows what money is for.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

import polars as pl

MINOR_UNITS: dict[str, int] = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
    "UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip
"""Decimals of the currencies that do not have two (ISO 4217)."""


MARGIN_ENDING = ":margin"
"""Ends the id of the security by which an institution's loan to an account stands among what it holds."""


def margin_id(currency: str | None) -> str:
    """That id: ``CUR:USD:margin`` of a loan in dollars. As every id that begins with ``CUR:`` it is money."""
    return f"CUR:{currency}{MARGIN_ENDING}"


def minor_units(currency: str) -> int:
    """Decimals of a currency's smallest amount: 2 unless ISO 4217 says otherwise."""
    return MINOR_UNITS.get(currency, 2)


_NO_MONEY = ("XTS", "XXX")
"""In the standard's list for tests, and for where there is no currency."""


@cache
def is_currency(code: str) -> bool:
    """Whether ISO 4217 has a currency of this code today (the table is that of the package ``iso4217``)."""
    from iso4217 import raw_table  # reads the standard's XML: 80 ms, for what people write alone

    return code in raw_table and code not in _NO_MONEY


def round_money(amount: Decimal, currency: str) -> Decimal:
    """``amount`` to the currency's minor unit, halves to even.

    The only rounding of money in Manna. Half-even because sums of many rounded amounts then stay
    unbiased (IEEE 754-2019 section 4.3.1; also the default of the General Decimal Arithmetic).
    """
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_EVEN)


def round_money_expr(amount: pl.Expr, currency: str = "USD") -> pl.Expr:
    """:func:`round_money` for a whole column of one currency."""
    return amount.round(minor_units(currency), mode="half_to_even")


def ledger_sign(amount: pl.Expr) -> pl.Expr:
    """A provider's amount with Plaid's sign (positive = money out) as the ledger's (positive = debit).

    For an asset account, money out is a credit; for a card, money out (a purchase) raises what is owed,
    which is a credit too. So it is one minus sign, made here and nowhere else. Balances are different:
    see :func:`ledger_balance`.
    """
    return -amount


def ledger_balance(balance: pl.Expr, account_type: pl.Expr) -> pl.Expr:
    """A provider's balance as the ledger's: what is owed on credit and loan accounts is negative."""
    return pl.when(account_type.is_in(["credit", "loan"])).then(-balance).otherwise(balance)
