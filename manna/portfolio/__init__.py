"""The portfolio: what is held, what it is worth, what it has returned and at which risk.

What belongs here: pure functions from ledger and prices to the tables of stage ``portfolio``.
What does not: fetching prices, or targets and what would bring a portfolio to them (``manna.rebalancing``).
"""

from manna.portfolio.valuation import valuations

__all__ = ["valuations"]
