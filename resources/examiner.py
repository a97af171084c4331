"""Great Expectations: a second, independent look at each clean table.

What belongs here: a contract as an expectation suite, running it, and its Data Docs pages. What does not:
what happens on failure (``assets.examined``), the row-level checks (``manna.contracts``, which are a hundred
times faster and guard every write), or how a page looks (``manna.documents.data_docs``).

Importing Great Expectations takes seconds and 150 MB, so it happens only when there is something new to examine, and in a
process of its own (``python -m resources.examiner``), with which the memory is gone.
"""

import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from manna.contracts import Contract
from manna.contracts.declaration import Kind
from manna.validating.relations import Related
from resources.settings import PROJECT

SYSTEMIC = (
    "expect_table_columns_to_match_ordered_list",
    "expect_column_values_to_be_unique",
    "expect_compound_columns_to_be_unique",
)
"""Expectations whose failure is a fault of the machinery and not of some row, so of every book."""

_SITE = "manna"


@dataclass(frozen=True, slots=True)
class Examination:
    """What a suite found.

    Attributes:
        expectations: how many there were.
        failures: those that do not hold, in words.
        systemic: whether one of them concerns every book.
        by_book: rows that break an expectation, per book (each row once per expectation).
        result_html, suite_html: Great Expectations' own pages.
    """

    expectations: int
    failures: list[str] = field(default_factory=list)
    systemic: bool = False
    by_book: dict[str, int] = field(default_factory=dict)
    result_html: str = ""
    suite_html: str = ""

    @property
    def success(self) -> bool:
        """Whether everything holds."""
        return not self.failures


class ExaminationError(Exception):
    """The examination did not come to its end. The message is one line."""


def examine(subjects: Sequence[Related], at: datetime) -> dict[str, Examination]:
    """Runs the suites that follow from the contracts of ``subjects``, in a process of its own; results by address.

    ``at`` is the moment that the pages show.

    Raises:
        ExaminationError: that process failed, with its last words.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        cwd=PROJECT,
        input=pickle.dumps((list(subjects), at)),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise ExaminationError(f"the examination of {len(subjects)} tables failed: {said[-1]}")
    results: dict[str, Examination] = pickle.loads(done.stdout)
    return results


def main() -> None:
    """The process of :func:`examine`: from standard input to standard output, on which nothing else is written."""
    from resources import examiner  # by that name the other process finds what is written

    subjects, at = pickle.load(sys.stdin.buffer)
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answer:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        pickle.dump(examiner._examined(subjects, at), answer)


def _examined(subjects: Sequence[Related], at: datetime) -> dict[str, Examination]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # it would call home at import
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # third-party deprecations at import are not ours to mend
        import great_expectations as gx

        with _quiet_context(gx, Path(folder)) as context:
            source = context.data_sources.add_pandas("clean")
            results = {one.contract.address: _run(gx, context, source, one, at) for one in subjects}
            context.build_data_docs(site_names=[_SITE], build_index=False)
        return {address: _read(address, result, Path(folder)) for address, result in results.items()}


@contextmanager
def _quiet_context(gx: Any, folder: Path) -> Iterator[Any]:
    """A context that keeps nothing but the pages in ``folder``, and shows no progress bars."""
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    for name in list(context.get_site_names()):
        context.delete_data_docs_site(name)
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}
    context.add_data_docs_site(
        site_name=_SITE,
        site_config={"class_name": "SiteBuilder", "store_backend": store, "show_how_to_buttons": False},
    )
    yield context


def _run(gx: Any, context: Any, source: Any, subject: Related, at: datetime) -> Any:
    from great_expectations.core.run_identifier import RunIdentifier

    contract = subject.contract
    suite = context.suites.add(gx.ExpectationSuite(contract.address, expectations=_suite(gx, subject)))
    data = source.add_dataframe_asset(contract.name).add_batch_definition_whole_dataframe("all")
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=contract.address, data=data, suite=suite)
    )
    whose = ["book"] if "book" in contract.names else []
    return definition.run(
        batch_parameters={"dataframe": _comparable(contract, subject.rows).to_pandas()},
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": whose},
        run_id=RunIdentifier(run_name=contract.address, run_time=at),
    )


def _read(address: str, result: Any, folder: Path) -> Examination:
    """What a result says, with the pages that were built for it."""
    failed = [found for found in result.results if not found.success]
    by_book: dict[str, int] = {}
    for found in failed:
        for row in found.result.get("unexpected_index_list") or ():
            if "book" in row:
                by_book[row["book"]] = by_book.get(row["book"], 0) + 1
    schema, _, table = address.partition(".")
    page = next(folder.glob(f"validations/{schema}/{table}/**/*.html"))
    return Examination(
        expectations=len(result.results),
        failures=[_words(found.expectation_config) for found in failed],
        systemic=any(_is_systemic(found.expectation_config) for found in failed),
        by_book=dict(sorted(by_book.items())),
        result_html=page.read_text(encoding="utf-8"),
        suite_html=(folder / "expectations" / schema / f"{table}.html").read_text(encoding="utf-8"),
    )


def _is_systemic(expectation: Any) -> bool:
    """A row in another book than its account is one too: books are separate, whatever else is wrong."""
    return expectation.type in SYSTEMIC or expectation.kwargs.get("column_A") == "book"


def _words(expectation: Any) -> str:
    named = [expectation.kwargs.get(name) for name in ("column", "column_A", "column_B")]
    return " ".join([expectation.type, *filter(None, named)])


def _suite(gx: Any, subject: Related) -> list[Any]:
    """The contract's promises as expectations, then what other tables say."""
    expected, contract = gx.expectations, subject.contract
    suite = [
        expected.ExpectTableColumnsToMatchOrderedList(
            column_list=[*contract.names, *(theirs for _, theirs in subject.pairs)]
        ),
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
    for name, keys in subject.keys.items():
        suite.append(expected.ExpectColumnValuesToBeInSet(column=name, value_set=list(keys)))
    for own, theirs in subject.pairs:
        suite.append(
            expected.ExpectColumnPairValuesToBeEqual(
                column_A=own, column_B=theirs, ignore_row_if="either_value_is_missing"
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


if __name__ == "__main__":
    main()
