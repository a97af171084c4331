"""Great Expectations: a second, independent look at each clean table.

What belongs here: a contract as an expectation suite, and running it. What does not: what happens on
failure (``assets.examined``), or the row-level checks (``manna.contracts``, which are a hundred times faster
and guard every write).

Importing Great Expectations takes five seconds, so it happens in here and only when there is something new
to examine.
"""

import os
import warnings
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

import polars as pl

from manna.contracts import Contract
from manna.contracts.declaration import Kind


@dataclass(frozen=True, slots=True)
class Examination:
    """What a suite found: whether it holds, how many expectations there were, and those that failed."""

    success: bool
    expectations: int
    failures: list[str] = field(default_factory=list)


def examine(contract: Contract, rows: pl.DataFrame) -> Examination:
    """Runs the suite that follows from ``contract`` over ``rows``."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # it would call home at import
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party deprecations at import are not ours to mend
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = _quiet()
        asset = context.data_sources.add_pandas("clean").add_dataframe_asset(contract.name)
        suite = context.suites.add(gx.ExpectationSuite(contract.address, expectations=_suite(gx, contract)))
        definition = gx.ValidationDefinition(
            name=contract.address, data=asset.add_batch_definition_whole_dataframe("all"), suite=suite
        )
        result = definition.run(batch_parameters={"dataframe": _comparable(contract, rows).to_pandas()})
    failed = [found.expectation_config for found in result.results if not found.success]
    failures = [f"{one.type} {one.kwargs.get('column', '')}".strip() for one in failed if one is not None]
    return Examination(bool(result.success), len(result.results), failures)


def _quiet() -> Any:
    from great_expectations.data_context.types.base import ProgressBarsConfig

    return ProgressBarsConfig(globally=False, metric_calculations=False)


def _suite(gx: Any, contract: Contract) -> list[Any]:
    """The contract's promises as expectations."""
    expected = gx.expectations
    suite = [
        expected.ExpectTableColumnsToMatchOrderedList(column_list=contract.names),
        expected.ExpectCompoundColumnsToBeUnique(column_list=list(contract.key))
        if len(contract.key) > 1
        else expected.ExpectColumnValuesToBeUnique(column=contract.key[0]),
    ]
    for column in contract.columns:
        if not column.nullable:
            suite.append(expected.ExpectColumnValuesToNotBeNull(column=column.name))
        if column.allowed is not None:
            suite.append(
                expected.ExpectColumnValuesToBeInSet(column=column.name, value_set=list(column.allowed))
            )
        if column.pattern is not None:
            suite.append(expected.ExpectColumnValuesToMatchRegex(column=column.name, regex=column.pattern))
        if column.minimum is not None or column.maximum is not None:
            suite.append(
                expected.ExpectColumnValuesToBeBetween(
                    column=column.name, min_value=_bound(column.minimum), max_value=_bound(column.maximum)
                )
            )
    return suite


def _bound(value: Any) -> Any:
    if value is None:
        return None
    return datetime.combine(value, time.min) if isinstance(value, date) else float(value)


def _comparable(contract: Contract, rows: pl.DataFrame) -> pl.DataFrame:
    """Values in the types the suite's bounds have: it compares, it does not count money."""
    numbers = (Kind.MONEY, Kind.PRICE, Kind.QUANTITY, Kind.RATIO)
    floats = [pl.col(column.name).cast(pl.Float64) for column in contract.columns if column.kind in numbers]
    return rows.with_columns(floats)
