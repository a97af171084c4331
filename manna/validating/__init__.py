"""What can be wrong although every row keeps its contract: findings across rows, days and tables.

One module per kind of thing: ``balances`` (roll-forward between two snapshots), ``history`` (gaps, logins
that have gone stale), ``duplicates`` (twins, doubled accounts), ``prices`` (missing, jumping) and ``splits``
(unknown, not applied, applied twice). Each is a pure function of clean tables that returns rows of
``clean.findings``; ``finding`` is their common shape. ``relations`` prepares what a table is examined
against by Great Expectations; ``quarantine`` tells which refused rows are still open.

A finding changes nothing: it is shown to people, who decide.
"""
