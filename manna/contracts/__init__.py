"""What every table of the lake promises: one contract per table, and nothing about a table said twice.

From a contract come the lake's DDL, the row-level checks that feed ``clean.quarantine``, the Great
Expectations suite, the Dagster column schema and the data dictionary. The tables themselves are
declared in one module per stage: :mod:`raw`, :mod:`clean` (and :mod:`continuity`, :mod:`coverage`,
:mod:`findings`, :mod:`market`), :mod:`categorized`, :mod:`ledger` (and :mod:`closings`), :mod:`tax`, :mod:`portfolio`, :mod:`performance`,
:mod:`reports`. The machinery is in
:mod:`declaration`.
"""

from manna.contracts import (
    categorized,
    clean,
    closings,
    continuity,
    coverage,
    findings,
    ledger,
    market,
    performance,
    portfolio,
    raw,
    reports,
    tax,
)
from manna.contracts.declaration import Column, Contract, Kind

CONTRACTS: dict[str, Contract] = {
    contract.address: contract
    for stage in (
        raw,
        clean,
        continuity,
        coverage,
        market,
        findings,
        categorized,
        ledger,
        tax,
        closings,
        portfolio,
        performance,
        reports,
    )
    for contract in stage.TABLES
}
"""Every contract by its table's address, in the order the money flows."""

__all__ = ["CONTRACTS", "Column", "Contract", "Kind"]
