"""Statements and schedules as pure functions of postings and valuations, and the proof that they tie.

What belongs here: income statement, balance sheet, changes in equity, cash flow, trial balance, net worth, allocation,
the schedules beside them, the general ledger on demand, and :func:`tie_out`. What does not: storing, publishing or
rendering them.
"""

from manna.statements.general_ledger import general_ledger
from manna.statements.monthly import statements
from manna.statements.open_items import open_items
from manna.statements.sources import Sources
from manna.statements.tie_out import tie_out, violations_by_period

__all__ = ["Sources", "general_ledger", "open_items", "statements", "tie_out", "violations_by_period"]
