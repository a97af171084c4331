"""Figures of W-2, 1098 and 1099 forms against the books, line by line.

What belongs here: which boxes there are, what each is in the books, and the difference. What does not: storing forms
(``resources.book_records``).

Sources: Internal Revenue Service, Forms W-2, 1098, 1099-INT, 1099-DIV and 1099-B for tax year 2025, names of boxes
shortened. A difference is a question, not a fault: a broker may leave small amounts out, a bank may pay in another year
than it reports.

A bank shows net pay. So of a W-2 the books know wages and what is withheld only where somebody has entered gross pay, with
its withholding, as journal entries that name the employer; where nobody has, these boxes have no figure of ours, and only what was
deposited is compared with what the form leaves. Contributions to a plan and insurance that an employer keeps back are in
neither.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from manna.filing.entered_forms import together
from manna.ledger.loan_entries import SOURCE

NET_PAY = "net pay"
"""The line of a W-2 that no form has: what is left of its wages, beside what was deposited, which is all the bank sees."""

BASIS_REPORTED = "12"
"""The box of Form 1099-B by which Form 8949 tells its boxes A and D from B and E."""

_INTEREST = r"^Income:Interest(:Savings|:Bank|:Other)?$|^Income:Interest Earned$"
_WITHHELD = r"^Expenses:Taxes:Federal:Withheld$"
_SALARY = r"^Income:(Salary|Wages)(:|$)"
_TAKEN = {
    "2": _WITHHELD,
    "4": r"^Expenses:Taxes:Social Security",
    "6": r"^Expenses:Taxes:Medicare",
    "17": r"^Expenses:Taxes:State",
    "19": r"^Expenses:Taxes:Local",
}


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its name, and the accounts (expression) whose year it should be; ``column``: of ledger.gains.

    ``is_check``: a box with a cross or none, written yes or no; it is not compared, but says something of the account.
    """

    label: str
    accounts: str = ""
    column: str = ""
    is_check: bool = False


FORMS: Mapping[str, Mapping[str, Box]] = {
    "W-2": {
        "1": Box("wages", _SALARY),
        "2": Box("federal income tax withheld", _TAKEN["2"]),
        "4": Box("social security tax withheld", _TAKEN["4"]),
        "6": Box("Medicare tax withheld", _TAKEN["6"]),
        "17": Box("state income tax", _TAKEN["17"]),
        "19": Box("local income tax", _TAKEN["19"]),
    },
    "1098": {
        "1": Box("mortgage interest received", r"^Expenses:(.+:)?(Mortgage Interest|Interest:Mortgage)"),
        "5": Box("mortgage insurance premiums", r"^Expenses:(.+:)?Mortgage Insurance"),
        "10": Box("real estate taxes", r"^Expenses:(.+:)?(Real Estate Tax|Property Tax)"),
    },
    "1099-INT": {
        "1": Box("interest income", _INTEREST),
        "2": Box("early withdrawal penalty", r"^Expenses:(.+:)?Early Withdrawal"),
        "3": Box("interest on U.S. obligations", r"^Income:Interest:Treasury"),
        "4": Box("federal income tax withheld", _WITHHELD),
        "8": Box("tax-exempt interest", r"^Income:Interest:Tax-Exempt"),
    },
    "1099-DIV": {
        "1a": Box("ordinary dividends", r"^Income:Dividends(:|$)"),
        "2a": Box("capital gain distributions", r"^Income:Capital Gain Distributions"),
        "4": Box("federal income tax withheld", _WITHHELD),
        "7": Box("foreign tax paid", r"^Expenses:Taxes:Foreign"),
    },
    "1099-B": {
        "1d": Box("proceeds", column="proceeds"),
        "1e": Box("cost or other basis", column="cost"),
        BASIS_REPORTED: Box("basis reported to the IRS, yes or no", is_check=True),
    },
}
_SCHEMA = {
    "form": pl.String(),
    "issuer": pl.String(),
    "box": pl.String(),
    "label": pl.String(),
    "theirs": pl.Decimal(18, 4),
    "ours": pl.Decimal(18, 4),
    "difference": pl.Decimal(18, 4),
    "currency": pl.String(),
}


class TaxFormError(Exception):
    """The figures cannot be taken as given. One line that says what there is."""


def read_boxes(form: str, given: Iterable[str]) -> dict[str, str]:
    """Figures written as ``BOX=AMOUNT`` (``1=1,234.56``), as box to amount in text.

    Raises:
        TaxFormError: no such form or box, no amount, or a box given twice.
    """
    if form not in FORMS:
        raise TaxFormError(f"unknown form {form!r}; there are: {', '.join(FORMS)}")
    found: dict[str, str] = {}
    for text in given:
        box, equals, amount = (part.strip() for part in text.partition("="))
        if box not in FORMS[form]:
            boxes = ", ".join(f"{name} ({one.label})" for name, one in FORMS[form].items())
            raise TaxFormError(f"form {form} has no box {box!r} that is compared; there are: {boxes}")
        if FORMS[form][box].is_check and amount.casefold() in ("yes", "no") and box not in found:
            found[box] = amount.casefold()
            continue
        plain = amount.replace(",", "").removeprefix("$")
        example = "yes" if FORMS[form][box].is_check else "1234.56"
        is_amount = re.fullmatch(r"-?\d+(\.\d{1,4})?", plain)
        if not equals or FORMS[form][box].is_check or not is_amount or box in found:
            raise TaxFormError(f"{text!r}: write each box once, as {box}={example}")
        found[box] = plain
    if not found:
        raise TaxFormError(
            f"no figures; give boxes of form {form}, e.g. --box {next(iter(FORMS[form]))}=1234.56"
        )
    return found


def tie_out(
    forms: Iterable[Mapping[str, Any]],
    year: int,
    currency: str,
    *,
    postings: pl.DataFrame,
    journal: pl.DataFrame,
    accounts: pl.DataFrame,
    gains: pl.DataFrame,
    sheltered: Collection[str] = (),
) -> pl.DataFrame:
    """Each box that was entered, beside the books' figure.

    Args:
        forms: rows of ``ops.tax_forms`` that count (:func:`manna.filing.entered_forms.in_force`).
        year: the calendar year.
        currency: of the forms; postings in others are left out.
        postings: ledger.postings with ``tax_date`` and ``adjusts`` (:func:`manna.ledger.closing.with_tax_dates`).
        journal: ledger.journal, for the employer's name in what its bank said, and the form that an entry is made from.
        accounts: clean.accounts: the issuer of a 1098 or 1099 is their institution.
        gains: ledger.gains.
        sheltered: accounts of which nobody files a 1099.

    Returns:
        ``form, issuer, box, label, theirs, ours, difference, currency``; the difference is ours less theirs, null where
        the books cannot know. A W-2 has the line :data:`NET_PAY` too: what was deposited, beside its wages less what it
        withholds.
    """
    own = postings.filter((pl.col("tax_date").dt.year() == year) & (pl.col("currency") == currency))
    sold = gains.filter((pl.col("closed").dt.year() == year) & (pl.col("currency") == currency))
    found = []
    for form in together(forms, accounts):
        boxes, name = FORMS[form["form"]], form["issuer"]
        ids = _accounts_of(form, accounts, sheltered)
        if form["form"] == "W-2":
            part = own.join(journal.filter(_names(name)), on="entry_id", how="semi")
        else:
            part = own.join(_entries_of(form, ids, postings, journal), on="adjusts", how="semi")
        disposed = sold.filter(pl.col("account_id").is_in(ids))
        theirs = {box: Decimal(amount) for box, amount in form["boxes"].items() if not boxes[box].is_check}
        ours = {box: _ours(boxes[box], part, disposed) for box in boxes}
        lines: list[_Line] = [(box, boxes[box].label, amount, ours[box]) for box, amount in theirs.items()]
        if form["form"] == "W-2":
            lines = _wages(theirs, ours, part)
        found += [
            (form["form"], name, box, label, amount, mine, None if mine is None else mine - amount, currency)
            for box, label, amount, mine in lines
        ]
    return pl.DataFrame(found, schema=_SCHEMA, orient="row")


_Line = tuple[str, str, Decimal, Decimal | None]
"""Box, label, theirs, ours."""


def _wages(theirs: Mapping[str, Decimal], ours: Mapping[str, Decimal], part: pl.DataFrame) -> list[_Line]:
    """The boxes of a W-2, ours only where gross pay was entered; then net pay, which the bank knows in any case."""
    withheld = pl.any_horizontal(*(pl.col("account").str.contains(accounts) for accounts in _TAKEN.values()))
    knows = not part.filter(withheld).is_empty()
    lines: list[_Line] = [
        (box, FORMS["W-2"][box].label, amount, ours[box] if knows else None) for box, amount in theirs.items()
    ]
    if "1" in theirs:
        left = theirs["1"] - sum((theirs[box] for box in theirs if box in _TAKEN), Decimal(0))
        deposited = ours["1"] - sum((_sum(part, accounts) for accounts in _TAKEN.values()), Decimal(0))
        lines.append((NET_PAY, "wages less withheld", left, deposited))
    return lines


def basis_reported(
    forms: Iterable[Mapping[str, Any]], accounts: pl.DataFrame, sheltered: Collection[str] = ()
) -> dict[tuple[int, str], bool]:
    """By year and account_id, whether the broker told the IRS the basis of what was sold: box 12 of its Form 1099-B.

    An account of which no form says it is not among them, nor one of which two forms say different things: some of its sales are
    covered and some are not, and which of them is not told here.

    Args:
        forms: rows of ``ops.tax_forms`` that count.
        accounts: clean.accounts of the book.
        sheltered: accounts of which nobody files a 1099.
    """
    said: dict[tuple[int, str], set[bool]] = {}
    for form in forms:
        if form["form"] == "1099-B" and BASIS_REPORTED in form["boxes"]:
            for account_id in _accounts_of(form, accounts, sheltered):
                told = said.setdefault((form["year"], account_id), set())
                told.add(form["boxes"][BASIS_REPORTED] == "yes")
    return {name: True in told for name, told in said.items() if len(told) == 1}


def _names(payer: str) -> pl.Expr:
    """Entries of which the bank said a payer's name."""
    return pl.col("description").str.to_lowercase().str.contains(payer.lower(), literal=True)


def _accounts_of(form: Mapping[str, Any], accounts: pl.DataFrame, sheltered: Collection[str]) -> list[str]:
    if form["account_id"]:
        return [form["account_id"]]
    issuer = pl.col("institution").str.to_lowercase() == form["issuer"].lower()
    found: list[str] = accounts.filter(issuer)["account_id"].to_list()
    return [account_id for account_id in found if account_id not in sheltered]


def _entries_of(
    form: Mapping[str, Any], ids: Sequence[str], postings: pl.DataFrame, journal: pl.DataFrame
) -> pl.DataFrame:
    """``adjusts`` of the entries that are the issuer's.

    They have a posting of one of its accounts, correct such an entry (an adjustment may move money from one category to another
    and touch no account), or are what the form itself has trued up, whose counter is in suspense.
    """
    of_account = postings.filter(pl.col("account_id").is_in(ids))
    number = pl.col("source_id").str.split("/").list.first()
    is_form = (pl.col("source_table") == SOURCE) & number.is_in([str(each) for each in form["form_ids"]])
    of_form = postings.join(journal.filter(is_form), on="entry_id", how="semi")
    return pl.concat([of_account.select("adjusts"), of_form.select("adjusts")]).unique()


def _ours(box: Box, postings: pl.DataFrame, gains: pl.DataFrame) -> Decimal:
    if box.column:
        return Decimal(gains[box.column].sum() or 0)
    return _sum(postings, box.accounts)


def _sum(postings: pl.DataFrame, accounts: str) -> Decimal:
    """What a year brought or cost, as a positive number."""
    total = Decimal(postings.filter(pl.col("account").str.contains(accounts))["amount"].sum() or 0)
    return -total if accounts.lstrip("^").startswith("Income") else total
