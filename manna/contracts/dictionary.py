"""The data dictionary: every table and column, as a Markdown page made from the contracts.

What belongs here: that page. What does not: anything a contract does not say.
``python -m manna.contracts.dictionary`` prints it; ``make docs`` writes it to ``docs/tables.md``.
"""

import sys

from manna.contracts import CONTRACTS, Column, Contract

_HEAD = """# Tables

Made from the contracts in `manna/contracts` by `make docs`; a test keeps it true. Every table is a Dagster
asset of the same name and can be read with `manna sql`. Amounts have the ledger's sign, positive = debit,
unless a column says otherwise; moments are in UTC.
"""


def dictionary() -> str:
    """The page, stages in the order the money flows."""
    parts, schema = [_HEAD], ""
    for contract in CONTRACTS.values():
        if contract.schema != schema:
            schema = contract.schema
            parts.append(f"## {schema}\n")
        parts.append(_table(contract))
    return "\n".join(parts)


def _table(contract: Contract) -> str:
    rows = [f"| `{column.name}` | {column.kind.duckdb} | {_meaning(column)} |" for column in contract.columns]
    key = ", ".join(f"`{name}`" for name in contract.key)
    lines = [
        f"### {contract.address}\n",
        f"{contract.meaning} Key: {key}.\n",
        "| column | type | meaning |",
        "|---|---|---|",
        *rows,
        "",
    ]
    return "\n".join(lines)


def _meaning(column: Column) -> str:
    said = [column.meaning]
    if column.references is not None:
        said.append(f"refers to `{column.references}`")
    if column.nullable:
        said.append("may be null")
    if column.allowed is not None:
        said.append("one of " + ", ".join(f"`{value}`" for value in column.allowed))
    if column.minimum is not None:
        said.append(f"at least {column.minimum}")
    if column.maximum is not None:
        said.append(f"at most {column.maximum}")
    return "; ".join(said).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(dictionary())
