"""The command line.

What belongs here: commands, their options and help, and turning every foreseeable error into one line and
a non-zero exit code (``shell``). What does not: the work (``pipelines.running``, ``services``, ``demo``), what
may be asked for (``asked``) or how a table looks (``rendering``). Heavy imports happen inside the commands, so
that ``manna --help`` is quick.

One module per kind of command; their order here is the order in ``manna --help``.
"""

from pipelines.cli import nights, reading, reviewing, modelling  # isort: skip  (the order of the help)
from pipelines.cli import connecting, accounts, quarantine, journal, lots, instructions, measuring, performing  # isort: skip
from pipelines.cli import backtesting  # isort: skip
from pipelines.cli import export, explain, ledger, bundle  # isort: skip
from pipelines.cli import reconciling, closing  # isort: skip
from pipelines.cli import rebalancing, trading, auditing  # isort: skip
from pipelines.cli import alerts, readers, configuring, storing  # isort: skip
from pipelines.cli.shell import app, main

__all__ = [
    "accounts",
    "alerts",
    "app",
    "auditing",
    "backtesting",
    "bundle",
    "closing",
    "configuring",
    "connecting",
    "explain",
    "export",
    "instructions",
    "journal",
    "ledger",
    "lots",
    "main",
    "measuring",
    "modelling",
    "nights",
    "performing",
    "quarantine",
    "readers",
    "reading",
    "rebalancing",
    "reconciling",
    "reviewing",
    "storing",
    "trading",
]
