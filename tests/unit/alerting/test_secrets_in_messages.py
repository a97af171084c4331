"""No alert of any kind names a complete account number, whoever wrote one into a text."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_alerting import plan_to_approve

from manna import alerting
from manna.alerting import conditions, money, platform
from manna.alerting.conditions import Condition
from manna.books import Book
from manna.contracts.findings import FINDINGS
from manna.rebalancing.standing import State

NUMBER, CARD = "3120194471", "4111 1111 1111 1234"
BANK = f"Bank {NUMBER} IBAN DE89370400440532013000 card {CARD}"
NOW, DAY = datetime(2026, 3, 16, tzinfo=UTC), date(2026, 3, 16)
BOOK = Book(id="home", name="Home")
ZERO, ONE = Decimal(0), Decimal(1)
HELD = {"account_id": NUMBER, "institution": BANK, "name": BANK, "current": ONE, "currency": "USD"}
COMING = {
    "status": "active", "next_on": DAY, "next_amount": Decimal(-9), "merchant": BANK, "account_id": NUMBER,
    "currency": "USD", "series_id": "s",
}  # fmt: skip
ROW = {"book": "home", "account_id": NUMBER, "institution": BANK, "name": BANK}
FINDING = {
    "finding_id": "f",
    "kind": "balance_jump",
    "severity": "warning",
    "subject": NUMBER,
    "message": BANK,
}
COMPARED = {
    "as_of": DAY, "currency": "USD", "basis": "difference", "ledger_balance": ONE, "provider_balance": ZERO,
}  # fmt: skip


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows)


EVERY: list[Callable[[], list[Condition]]] = [
    lambda: money.low_balances(BOOK, [HELD]),
    lambda: money.projected_lows(BOOK, [HELD], [COMING], DAY),
    lambda: money.overspent(
        BOOK,
        [{"account": f"Expenses:{BANK}", "period": DAY, "amount": ONE, "budget": ZERO, "currency": "USD"}],
    ),
    lambda: money.reconciliation_breaks(
        frame({"book": "home", "account_id": NUMBER, **COMPARED}), frame(ROW).drop("book")
    ),
    lambda: money.losses(BOOK, [(DAY, 0.001)] * 252 + [(DAY, -0.5)]),
    lambda: money.drifted(
        BOOK,
        [
            {
                "book": "home",
                "security_id": BANK,
                "breached": True,
                "weight": ONE,
                "target": ZERO,
                "drift": ONE,
            }
        ],
    ),
    lambda: conditions.broken_connections(
        [{**ROW, "connection_id": "c", "status": "revoked", "error": BANK}]
    ),
    lambda: conditions.quarantined_rows(frame({"book": "home", "table_name": "clean.transactions"})),
    lambda: conditions.things_to_look_at(
        pl.DataFrame([{**FINDING, "book": "home", "until": DAY}], schema=FINDINGS.polars_schema), frame(ROW)
    ),
    lambda: conditions.worth_telling(
        [{"book": "home", "kind": "missed", "insight_id": "i", "message": f"payment to {BANK}"}]
    ),
    lambda: conditions.open_questions(frame({**ROW, "reason": BANK})),
    lambda: conditions.decisions_to_review(frame({"book": "home"})),
    lambda: conditions.failed_checks([("ledger.postings", "balanced", "run")]),
    lambda: conditions.held_reports(frame({"book": "home", "period": DAY, "status": "held", "reason": BANK})),
    lambda: conditions.plans_to_approve([(plan_to_approve(), State("proposed"))]),
    lambda: conditions.reopened_books({}),
    lambda: conditions.order_problems([{"book": "home", "kind": "rejected", "subject": "o", "words": BANK}]),
    lambda: platform.failed_runs([("nightly_close", "a" * 36)], []),
    lambda: platform.stuck_runs([("nightly_close", "a" * 36, NOW - timedelta(hours=9))], NOW),
    lambda: platform.late_night("nightly_close", NOW - timedelta(hours=99), NOW),
    lambda: platform.late_assets({"clean.bars": NOW - timedelta(hours=99)}, NOW),
    lambda: platform.webhook_backlog(1, NOW - timedelta(hours=9), NOW),
    lambda: platform.silent_daemons({"SENSOR": NOW - timedelta(hours=9)}, NOW),
    lambda: platform.silent_providers([{"name": "plaid", "reason": BANK}]),
    lambda: platform.low_disk(0, f"/data {NUMBER}"),
]


@pytest.mark.parametrize("make", EVERY, ids=range(len(EVERY)))
def test_no_message_has_a_complete_number(make: Callable[[], list[Condition]]) -> None:
    for one in make():
        digits = re.sub(r"[ -]", "", one["message"])
        assert NUMBER not in digits
        assert "37040044" not in digits
        assert CARD.replace(" ", "") not in digits


def test_every_kind_there_is_was_asked() -> None:
    """Each condition's source is called above: a new kind must be added."""
    folder = Path(alerting.__file__).parent
    written = "".join((folder / name).read_text() for name in ("conditions.py", "money.py", "platform.py"))
    kinds = set(
        re.findall(
            r'condition\(\s*(?:"all"|ALL|book\.id|book|plan\.book|row\["book"\]|worst\["book"\]),\s*"(\w+)"',
            written,
        )
    )
    asked = {one["kind"] for make in EVERY for one in make()} | {"reopened"}
    assert kinds == asked


def test_what_is_ours_to_type_stays_as_it_is() -> None:
    one = conditions.condition("home", "k", "s", "info", f"of {NUMBER}: `manna x 123456789012`")
    assert one["message"] == "of ••••4471: `manna x 123456789012`"
