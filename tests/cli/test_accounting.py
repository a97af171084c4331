"""Reports of the past, closing, reconciliation and tax forms, as a person asks for them. Nothing of the demo is changed."""

import json

import pytest
from console import Demo, Manna

MONTH = ("--book", "household", "--period", "2026-02")


@pytest.mark.slow
def test_a_report_as_known_on_its_day_is_the_one_published(demo: Demo, manna: Manna) -> None:
    now = manna(
        demo.data_dir, "report", "balance_sheet", *MONTH, "--format", "csv", MANNA_POSTGRES_URL=demo.url
    )
    then = manna(
        demo.data_dir, "report", "balance_sheet", *MONTH, "--format", "csv", "--as-known-on", "2026-03-16",
        MANNA_POSTGRES_URL=demo.url,
    )  # fmt: skip
    assert (then.code, then.out, then.err) == (0, now.out, now.err)


def test_a_moment_that_is_none_or_has_not_come(demo: Demo, manna: Manna) -> None:
    for text, words in (("someday", "is no moment"), ("2026-04-01", "has not come yet")):
        said = manna(
            demo.data_dir, "explain", "balance_sheet", "cash", *MONTH, "--as-known-on", text, MANNA_POSTGRES_URL=demo.url
        )  # fmt: skip
        assert words in said.complaint


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("close", "--book", "household"), "give --through DATE, or --file-year YEAR"),
        (("close", "--book", "household", "--through", "soon"), "'soon' is no day"),
        (("close", "--book", "household", "--through", "2026-03-16"), "that day is not over yet"),
        (("close", "--book", "nobody", "--through", "2026-01-31"), "unknown book 'nobody'"),
        (("close", "--book", "household", "--file-year", "2025"), "2025 of household is not closed"),
        (("reopen", "--book", "household", "--after", "2026-01-31", "--reason", "x"), "nothing of household is closed"),
        (("restatement", *MONTH), "is not closed"),
        (("restatement", *MONTH, "--amended"), "--amended wants a year"),
        (("restatement", "--book", "household", "--period", "2025", "--amended"), "has not been filed"),
        (("reconcile", "--book", "household", "--account", "nothing"), "no account is 'nothing'"),
        (
            ("tax-form", "add", "--book", "household", "--year", "2025", "--form", "1099-INT", "--issuer", "Nobody", "--box", "1=1"),
            "household has no accounts at 'Nobody'",
        ),
        (
            ("tax-form", "add", "--book", "household", "--year", "2025", "--form", "1040", "--issuer", "x", "--box", "1=1"),
            "unknown form '1040'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_line(
    demo: Demo, manna: Manna, command: tuple[str, ...], words: str
) -> None:
    assert words in manna(demo.data_dir, *command, MANNA_POSTGRES_URL=demo.url).complaint


def test_reconciliation_and_forms_are_tables_for_programs_too(demo: Demo, manna: Manna) -> None:
    said = manna(demo.data_dir, "reconcile", "--book", "household", MANNA_POSTGRES_URL=demo.url)
    assert said.code == 0
    assert "days compared" in said.out
    found = json.loads(
        manna(demo.data_dir, "tie-out", "--book", "household", "--year", "2025", "--format", "json", MANNA_POSTGRES_URL=demo.url).out
    )  # fmt: skip
    assert found == []
