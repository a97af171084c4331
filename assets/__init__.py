"""What exists and what it is made from: read, call ``manna``, write, say what was done. Thin.

What belongs here: one module (or folder) per stage of the flow, each defining that stage's Dagster assets;
an asset's key is its table's address in the lake. What does not: a decision about money (``manna``), a
socket or a file (``resources``), or when anything runs (``pipelines``).
"""
