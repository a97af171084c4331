"""Monthly statements as pure functions of postings and valuations, and the proof that they tie.

What belongs here: income statement, balance sheet, cash flow, trial balance, net worth, allocation, and
:func:`tie_out`. What does not: storing, publishing or rendering them.
"""

from manna.statements.monthly import statements
from manna.statements.open_items import open_items
from manna.statements.tie_out import tie_out, violations_by_period

__all__ = ["open_items", "statements", "tie_out", "violations_by_period"]
