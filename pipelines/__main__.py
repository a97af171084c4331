"""``python -m pipelines``: the same as ``manna``."""

from pipelines.cli import main

main()
