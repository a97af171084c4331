"""Our figures against those of others: what `manna reconcile`, `tax-form` and `tie-out` read and write.

What belongs here: finding the account or form that is meant, and reading what is compared. What does not: the
comparisons themselves, or printing.
"""

from collections.abc import Sequence

import polars as pl

from manna.filing.entered_forms import mortgage_of
from manna.filing.tie_out import read_boxes, tie_out
from manna.ledger.closing import with_tax_dates
from manna.tax.taxpayers import sheltered_accounts
from pipelines import closing
from pipelines.asked import UsageError
from pipelines.reporting import require_book
from resources.installation import Installation


def account_of(manna: Installation, book: str, wanted: str) -> str:
    """The id of the one account that ``wanted`` names: by id, name or last digits, in any case.

    Raises:
        UsageError: none or several have it; those there are, are listed.
    """
    rows = manna.lake.read("clean.accounts", {"book": book}).sort("institution", "name").to_dicts()
    text = wanted.strip().casefold()
    found = [
        row for row in rows if text in (row["account_id"].casefold(), row["name"].casefold(), row["mask"])
    ]
    if len(found) != 1:
        listed = ", ".join(
            f"{row['institution']} {row['name']} ({row['account_id']})" for row in found or rows
        )
        raise UsageError(
            f"{'several accounts are' if found else 'no account is'} {wanted!r}; there are: {listed}"
        )
    return str(found[0]["account_id"])


def differences(manna: Installation, book: str, account: str | None = None) -> pl.DataFrame:
    """Every difference, with the rows that explain it: :func:`manna.ledger.differences.explained_differences`."""
    require_book(manna, book)
    return closing.differences(manna.lake, book, account_of(manna, book, account) if account else None)


def summary(manna: Installation, book: str, account: str | None = None) -> pl.DataFrame:
    """Per account how many days were compared, how many agree, and up to which day it was told last."""
    require_book(manna, book)
    rows = manna.lake.read("ledger.reconciliation", {"book": book})
    if account:
        rows = rows.filter(pl.col("account_id") == account_of(manna, book, account))
    names = manna.lake.read("clean.accounts", {"book": book}).select("account_id", "institution", "name")
    counts = rows.group_by("account_id").agg(
        days=pl.len(),
        reconciled=(pl.col("basis") == "reconciled").sum(),
        # An opening that was plugged from this very balance proves nothing.
        unproven=(pl.col("basis") == "plugged").sum(),
        different=(pl.col("basis") == "difference").sum(),
        last=pl.col("as_of").max(),
    )
    return (
        counts.join(names, on="account_id", how="left")
        .sort("institution", "name")
        .select("institution", "name", "days", "reconciled", "unproven", "different", "last")
    )


def add_form(
    manna: Installation,
    book: str,
    year: int,
    form: str,
    issuer: str,
    boxes: Sequence[str],
    account: str | None,
    by: str,
) -> int:
    """Writes the figures of a form down; returns how many.

    Raises:
        ReportError, UsageError, TaxFormError: no such book, account, form, box or amount, or no such institution.
    """
    require_book(manna, book)
    figures = read_boxes(form, boxes)
    account_id = account_of(manna, book, account) if account else None
    accounts = manna.lake.read("clean.accounts", {"book": book})
    names = accounts["institution"].unique().sort().to_list()
    if form != "W-2" and account_id is None and issuer.casefold() not in {name.casefold() for name in names}:
        raise UsageError(
            f"{book} has no accounts at {issuer!r}; there are: {', '.join(names)} (or give --account)"
        )
    account_id = account_id or mortgage_of({"form": form, "issuer": issuer}, accounts)
    values = {"book": book, "year": year, "form": form, "issuer": issuer, "boxes": figures}
    manna.ops.add_tax_form(
        {**values, "account_id": account_id, "decided_by": by, "known_at": manna.settings.now()}
    )
    return len(figures)


def compared_forms(manna: Installation, book: str, year: int) -> pl.DataFrame:
    """Every figure entered for a year beside ours: :func:`manna.filing.tie_out.tie_out`."""
    require_book(manna, book)
    scope = {"book": book}
    postings = with_tax_dates(
        manna.lake.read("ledger.postings", scope), manna.lake.read("ledger.adjustments", scope)
    )
    accounts = manna.lake.read("clean.accounts", scope)
    return tie_out(
        manna.ops.tax_forms(book, year),
        year,
        manna.books[book].currency,
        postings=postings,
        journal=manna.lake.read("ledger.journal", scope),
        accounts=accounts,
        gains=manna.lake.read("ledger.gains", scope),
        sheltered=sheltered_accounts([manna.books[book]], accounts),
    )
