"""The finance itself: pure functions over Polars frames and frozen dataclasses.

What belongs here: every decision about money. What does not: Dagster, an SDK, a database, the clock,
the network, a file. A function here gets all it needs as arguments and can be tested with a table.
"""
