"""Rebalancing: from targets and what is held to a plan of trades that people can approve.

What belongs here: pure functions from facts to a plan, and what makes a plan void. What does not: orders (a plan only
says what they would be), clocks, databases, or where the facts are from (``assets.rebalancing``).
"""
