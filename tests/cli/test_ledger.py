"""`manna ledger`: running balances that end where the statements stand."""

import json
from decimal import Decimal
from typing import Any

import pytest

ASKED = ("ledger", "--book", "household", "--period", "2026-02")


def test_a_register_runs_from_balance_to_balance(manna: Any, demo: Any) -> None:
    rows = json.loads(manna(demo.data_dir, *ASKED, "--account", "Assets:Cash", "--format", "json").out)
    assert {row["account"].rpartition(":")[0] for row in rows} == {"Assets:Cash"}
    balance = Decimal(0)
    for row in rows:
        moved = Decimal(row["debit"]) - Decimal(row["credit"])
        balance = Decimal(row["balance"]) if row["level"] == "opening" else balance + moved
        assert Decimal(row["balance"]) == balance, row
        assert (row["level"] == "line") == bool(row["source_id"]), "each line leads to its source"
    sheet = json.loads(
        manna(
            demo.data_dir,
            "report",
            "balance_sheet",
            "--book",
            "household",
            "--period",
            "2026-02",
            "--format",
            "json",
        ).out
    )
    lines = sheet["lines"] if isinstance(sheet, dict) else sheet
    stated = {
        row["account"]: Decimal(row["amount"]) for row in lines if row["account"].startswith("Assets:Cash:")
    }
    closing = {row["account"]: Decimal(row["balance"]) for row in rows if row["level"] == "closing"}
    assert {name: amount for name, amount in closing.items() if amount} == stated


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--book", "nobody"), "unknown book 'nobody'"),
        (("--period", "soon"), "'soon' is no month, quarter or year; write 2026-03, 2026-Q1 or 2026"),
        (("--period", "1999-01"), "nothing is booked in household up to 1999-01-"),
        (("--account", "Assets:Nowhere"), "nothing is on 'Assets:Nowhere' by 2026-02-28; there are: Assets:"),
    ],
)
def test_what_there_is_not_is_said(manna: Any, demo: Any, more: tuple[str, ...], said: str) -> None:
    found = manna(demo.data_dir, *ASKED, *more)
    assert found.code != 0
    assert said in found.err.replace("\n", " ")
