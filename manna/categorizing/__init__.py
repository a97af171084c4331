"""What each transaction was for: stage ``categorized`` as pure functions.

``categories`` maps Plaid's taxonomy to the chart of accounts, ``transfers`` finds movements between own
accounts, ``following`` carries a person's decision to the row that took another's place, ``deciding`` puts the
sources in order: a person's override, the book's rules, a matched transfer, Plaid's category, nothing.
"""

from manna.categorizing.deciding import categorize
from manna.categorizing.following import followed, proposals
from manna.categorizing.transfers import pair_transfers

__all__ = ["categorize", "followed", "pair_transfers", "proposals"]
