"""What a book's reports may claim, by a table of examples."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from manna.contracts import CONTRACTS
from manna.standing import Standing, reasons_against_closing, standing


def known(*accounts: dict[str, Any], statuses: dict[str, str] | None = None, heard: bool = True) -> Standing:
    """The standing of a book with these accounts, each at the login ``bank`` unless it says otherwise."""
    rows, balances = [], []
    for number, account in enumerate(accounts):
        row = {"account_id": f"a{number}", "book": "home", "connection_id": "bank", "listed": True}
        row |= {"complete_through": date(2026, 3, 10), "provisional": False} | account
        balance = row.pop("balance", 100)
        rows.append(row)
        if balance is not None:
            balances += [(f"a{number}", day, Decimal(value)) for day, value in ((1, 50), (2, balance))]
    coverage = pl.DataFrame(rows, schema=CONTRACTS["clean.coverage"].polars_schema)
    told = pl.DataFrame(
        [(name, date(2026, 3, day), value) for name, day, value in balances],
        schema={"account_id": pl.String, "as_of": pl.Date, "current": pl.Decimal(18, 4)},
        orient="row",
    )
    logins = {row["connection_id"]: "healthy" for row in rows} | (statuses or {})
    connections = [
        {
            "connection_id": name,
            "status": status,
            "institution": name.title(),
            "last_success_at": True if heard else None,
        }
        for name, status in logins.items()
    ]
    return standing(coverage, told, connections)


EARLY = {"complete_through": date(2026, 2, 3)}


@pytest.mark.parametrize(
    ("accounts", "statuses", "expected"),
    [
        ([{}], {}, Standing(date(2026, 3, 10))),
        ([{}, EARLY], {}, Standing(date(2026, 2, 3))),
        ([{}, {"complete_through": None}], {}, Standing(None)),
        ([], {}, Standing(None)),
        # A login that broke holds the book up, until it is unlinked.
        ([{}, EARLY | {"connection_id": "gone"}], {"gone": "login_required"}, Standing(date(2026, 2, 3))),
        ([{}, EARLY | {"connection_id": "gone"}], {"gone": "revoked"}, Standing(date(2026, 2, 3))),
        ([{}, EARLY | {"connection_id": "gone"}], {"gone": "unlinked"}, Standing(date(2026, 3, 10))),
        # An account that vanished holds it up and is told of, unless it was empty.
        ([{}, EARLY | {"listed": False}], {}, Standing(date(2026, 2, 3), unlisted=1)),
        ([{}, EARLY | {"listed": False, "balance": 0}], {}, Standing(date(2026, 3, 10))),
        ([{}, EARLY | {"listed": False, "balance": None}], {}, Standing(date(2026, 3, 10))),
        # A past that is still being loaded.
        ([{}, {"provisional": True}], {}, Standing(date(2026, 3, 10), ("Bank",))),
        ([{"provisional": True}], {"bank": "unlinked"}, Standing(None)),
    ],
)
def test_what_is_known_of_a_book(accounts: Any, statuses: dict[str, str], expected: Standing) -> None:
    assert known(*accounts, statuses=statuses) == expected


def test_a_login_that_never_answered_leaves_the_day_unknown() -> None:
    assert known({}, heard=False) == Standing(None)


@pytest.mark.parametrize(
    ("stands", "reasons"),
    [
        (Standing(date(2026, 2, 28)), []),
        (Standing(date(2026, 3, 1), unlisted=1), []),
        (Standing(date(2026, 2, 27)), ["rows are known up to 2026-02-27, not up to 2026-02-28"]),
        (Standing(None), ["a login has never answered"]),
        (
            Standing(date(2026, 2, 3), ("Bank", "Union")),
            [
                "the past of Bank has not been told in full",
                "the past of Union has not been told in full",
                "rows are known up to 2026-02-03, not up to 2026-02-28",
            ],
        ),
    ],
)
def test_a_period_closes_when_nothing_speaks_against_it(stands: Standing, reasons: list[str]) -> None:
    assert reasons_against_closing(stands, date(2026, 2, 28)) == reasons
