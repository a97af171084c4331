"""Which accounts are sheltered: what they earn is neither taxed nor deducted while it stays in them.

What belongs here: that question. What does not: where their results are booked (:mod:`chart`) or what their purchases
do to losses elsewhere (``manna.tax.wash``).
"""

from collections.abc import Mapping
from typing import Any

from manna.investment_settings import Investments

SUBTYPES = frozenset({
    "401a", "401k", "403b", "457b", "529", "education savings account", "fhsa", "health reimbursement arrangement",
    "hsa", "ira", "isa", "cash isa", "keogh", "lif", "life insurance", "lira", "lrif", "lrsp",
    "non-taxable brokerage account", "pension", "prif", "profit sharing plan", "rdsp", "resp", "retirement", "rlif",
    "roth", "roth 401k", "roth 403b", "roth 457b", "roth pension", "roth profit sharing plan",
    "roth thrift savings plan", "rrif", "rrsp", "sarsep", "sep ira", "simple ira", "sipp", "tfsa", "thrift savings plan",
})  # fmt: skip
"""Plaid's subtypes of accounts that a state does not tax year by year (its OpenAPI document, 2020-09-14)."""

_TYPES = ("investment", "brokerage", "depository")
"""A health savings account may be a bank's."""


def is_sheltered(settings: Investments, account: Mapping[str, Any]) -> bool:
    """Whether a row of clean.accounts is sheltered: as the book's file says, else by the provider's subtype."""
    for setting in settings.accounts:
        if setting.is_about(account):
            return setting.sheltered
    return account["type"] in _TYPES and (account["subtype"] or "").casefold() in SUBTYPES
