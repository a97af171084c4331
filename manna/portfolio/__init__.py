"""The portfolio: what is held, what it is worth, how far it is from its targets, what would bring it back.

What belongs here: pure functions from ledger, prices and targets to the tables of stage ``portfolio``.
What does not: sending orders, fetching prices.
"""

from manna.portfolio.drift import CASH, drift
from manna.portfolio.rebalance import last_prices, rebalance_plan, unpriced
from manna.portfolio.valuation import valuations

__all__ = ["CASH", "drift", "last_prices", "rebalance_plan", "unpriced", "valuations"]
