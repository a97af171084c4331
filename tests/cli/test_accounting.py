"""Reports of the past, closing, reconciliation and tax forms, as a person asks for them. Nothing of the demo is changed."""

import json
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import polars as pl
import pytest
from console import Demo, Manna

from manna.books import Book
from manna.contracts import CONTRACTS
from pipelines.reconciling import compared_forms

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


def test_a_sheltered_account_is_in_no_1099() -> None:
    """A bank with a savings account and a health savings account reports the interest of the former alone."""
    accounts = [
        {"account_id": "savings", "subtype": "savings"},
        {"account_id": "hsa", "subtype": "hsa"},
    ]
    interest = [
        {"posting_id": f"{n}-{leaf}", "entry_id": str(n), "date": date(2025, 6, 1), "account": account, "amount": Decimal(amount),
         "account_id": account_id, "currency": "USD"}
        for n, account_id in enumerate(("savings", "hsa"))
        for leaf, account, amount in ((1, f"Assets:Cash:{account_id}", 12), (2, "Income:Interest", -12))
    ]  # fmt: skip
    for row in interest:
        row["account_id"] = row["account_id"] if str(row["account"]).startswith("Assets") else None
    told = {
        "clean.accounts": [{**row, "book": "home", "institution": "Bank", "type": "depository"} for row in accounts],
        "ledger.postings": interest,
        "ledger.journal": [{"entry_id": str(n)} for n in range(2)],
    }  # fmt: skip
    form = {"form_id": 1, "year": 2025, "form": "1099-INT", "issuer": "Bank", "account_id": None}
    manna = SimpleNamespace(
        books={"home": Book(id="home", name="Home")},
        ops=SimpleNamespace(tax_forms=lambda *_: [{**form, "boxes": {"1": "12"}}]),
        lake=SimpleNamespace(
            read=lambda address, _: pl.DataFrame(
                told.get(address, []), schema=CONTRACTS[address].polars_schema
            )
        ),
    )
    found = compared_forms(manna, "home", 2025)  # type: ignore[arg-type]
    assert found.select("theirs", "ours", "difference").rows() == [(12, 12, 0)]
