"""Which of the tax forms that people entered count.

What belongs here: corrected forms, and several forms about one thing. What does not: what is in a form (:mod:`tie_out`),
or what a Form 1098 trues up (:mod:`manna.ledger.loan_entries`).

The same form of the same issuer about the same account, entered again, is a corrected one: it takes the place of the
former. A Form 1098 that names no account is about the issuer's only mortgage, so there one that names it and one that
does not are the same form. Forms 1098 of two issuers about one loan, which was sold within the year, count together.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from manna.ledger.loans import MORTGAGES

MORTGAGE_FORM = "1098"

Form = Mapping[str, Any]
_Name = tuple[int, str, str, str]


def in_force(forms: Iterable[Form]) -> list[Form]:
    """The last of each, by year, form, issuer and account.

    Args:
        forms: rows of ``ops.tax_forms`` of one book, in the order in which they were entered.
    """
    last: dict[_Name, Form] = {}
    for form in forms:
        name = _name(form)
        if form["form"] == MORTGAGE_FORM:
            same = [other for other in last if other[:3] == name[:3] and "" in (other[3], name[3])]
            for other in same if len(same) == 1 else ():
                del last[other]
        last[name] = form
    return [last[name] for name in sorted(last)]


def together(forms: Iterable[Form], accounts: pl.DataFrame) -> list[dict[str, Any]]:
    """The forms as they are compared: those about one mortgage as one, its boxes summed.

    Args:
        forms: those :func:`in_force`.
        accounts: clean.accounts of the book.

    Returns:
        The forms with ``form_ids``, and ``account_id`` where it is known which mortgage one is about.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, form in enumerate(forms):
        account_id = form["account_id"] or mortgage_of(form, accounts)
        is_known = form["form"] == MORTGAGE_FORM and account_id
        name = (form["year"], account_id) if is_known else (number,)
        given = {**form, "account_id": account_id, "form_ids": [form["form_id"]]}
        found[name] = _sum(found[name], given) if name in found else given
    return list(found.values())


def mortgage_of(form: Form, accounts: pl.DataFrame) -> str | None:
    """The only mortgage of a Form 1098's issuer; null where there is none, or are several."""
    if form["form"] != MORTGAGE_FORM:
        return None
    issuer = pl.col("institution").str.to_lowercase() == form["issuer"].strip().lower()
    is_mortgage = (pl.col("type") == "loan") & pl.col("subtype").is_in(MORTGAGES)
    loans = accounts.filter(issuer, is_mortgage)["account_id"].to_list()
    return str(loans[0]) if len(loans) == 1 else None


def _name(form: Form) -> _Name:
    return form["year"], form["form"], form["issuer"].strip().casefold(), form["account_id"] or ""


def _sum(one: Form, other: Form) -> dict[str, Any]:
    boxes = dict(one["boxes"])
    for box, amount in other["boxes"].items():
        boxes[box] = str(Decimal(boxes.get(box, "0")) + Decimal(amount))
    names = dict.fromkeys((one["issuer"], other["issuer"]))
    return {
        **one,
        "boxes": boxes,
        "issuer": " and ".join(names),
        "form_ids": [*one["form_ids"], *other["form_ids"]],
    }
