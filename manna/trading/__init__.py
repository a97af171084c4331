"""Orders: what an order is, what it goes through, what may be sent.

What belongs here: pure decisions on orders and fills, and the chain of the audit log. What does not: which trades are
wanted (``manna.rebalancing``), speaking with a broker (``resources.broker``) or the database (``resources.orders``).
"""
