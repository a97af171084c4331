"""What the bank changed or removed while no login answered: alive once, and never lost without a word."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from cleaning_examples import ACCOUNT, TRADE, raw_rows
from test_relinking import AFTER, COFFEE, EARLIER, FUEL, LATER, MOMENT, Row, made, new, old, sent

from manna.cleaning.succession import successions
from manna.contracts import CONTRACTS
from manna.validating.unlisted import unlisted_rows

NOTHING = CONTRACTS["clean.trades"].empty()


def histories(*steps: tuple[Any, str]) -> pl.DataFrame:
    """Rows of raw.batches: what the new login said of its past, and when."""
    rows = [
        {
            "connection_id": "bank2",
            "book": "home",
            "known_at": at,
            "history": history,
            "batch_id": str(at),
            "endpoint": "plaid_transactions",
        }
        for at, history in steps
    ]
    contract = CONTRACTS["raw.batches"]
    return pl.DataFrame(rows, schema_overrides=contract.polars_schema).select(
        pl.col(name) if name in (rows[0] if rows else {}) else pl.lit(None).cast(kind).alias(name)
        for name, kind in contract.polars_schema.items()
    )


def table(*records: Row, **tables: pl.DataFrame) -> pl.DataFrame:
    return made("clean.transactions", plaid_transactions=sent("plaid_transactions", *records), **tables)


def row(rows: pl.DataFrame, name: str) -> Row:
    return rows.row(by_predicate=pl.col("transaction_id") == name, named=True)


def fates(rows: pl.DataFrame) -> set[tuple[str, bool, bool]]:
    return set(rows.select("transaction_id", "removed", "unlisted").iter_rows())


def test_a_tip_takes_the_place_of_the_amount_and_a_decision_is_proposed() -> None:
    rows = table(old("o", **COFFEE), EARLIER, new("n", amount=80, date="2026-03-15", **COFFEE))
    assert row(rows, "o")["superseded_by"] == "n"
    assert row(rows, "n")["first_known_on"] == date(2026, 3, 16)
    (led,) = successions(rows).to_dicts()
    assert (led["successor_id"], led["how"], led["certain"]) == ("n", "changed_amount", False)
    assert led["reason"] == "-72.10 became -80.00, in what a later login sent"
    assert unlisted_rows(rows, NOTHING) == []


@pytest.mark.parametrize("day", ["2026-03-10", "2026-03-24"])
def test_a_decision_follows_a_row_that_is_dated_otherwise(day: str) -> None:
    (led,) = successions(table(old("o"), EARLIER, new("n", date=day))).to_dicts()
    assert (led["predecessor_id"], led["successor_id"], led["certain"]) == ("o", "n", True)


def test_of_two_changed_rows_the_one_with_the_same_amount_takes_its_place() -> None:
    rows = table(old("o"), EARLIER, new("n1", amount=75), new("n2", date="2026-03-12"))
    assert row(rows, "o")["superseded_by"] == "n2"


@pytest.mark.parametrize(
    "other",
    [[], [new("n", **FUEL, date="2026-03-15")], [new("n", amount=-72.1)], [new("n", date="2026-02-20")]],
)
def test_what_the_bank_removed_leaves_and_a_finding_names_it(other: list[Row]) -> None:
    rows = table(old("o"), EARLIER, *other)
    gone = row(rows, "o")
    assert (gone["removed"], gone["superseded_by"], gone["removed_on"]) == (True, None, date(2026, 3, 26))
    assert rows.filter(~pl.col("removed")).height == 1 + len(other)
    (one,) = unlisted_rows(rows, NOTHING)
    assert (one.kind, one.severity, one.rows, one.amount) == (
        "unlisted_row",
        "warning",
        ("o",),
        Decimal("72.10"),
    )
    assert "2026-03-14 PURCHASE WM SUPERCENTER #1700 -72.10 USD; the bank removed them" in one.message


KEPT: dict[str, list[Row]] = {
    "as old as the oldest that the new login sends": [new("n", amount=1)],
    "told by the former login after the new one came": [
        old("p"), EARLIER, new("m"), old("o", at=LATER, date="2026-03-25"),
    ],
    "of an account of which the new login tells no row": [],
}  # fmt: skip


@pytest.mark.parametrize("story", KEPT)
def test_what_a_login_may_not_cover_stays(story: str) -> None:
    rows = table(*([] if "former" in story else [old("o")]), *KEPT[story])
    assert ("o", False, False) in fates(rows)
    assert unlisted_rows(rows, NOTHING) == []


def test_while_the_past_is_being_loaded_a_row_stays() -> None:
    records = [old("o"), EARLIER]
    loading = table(*records, batches=histories((AFTER, "not_ready"), (LATER, "initial")))
    assert ("o", False, False) in fates(loading)
    loaded = table(*records, batches=histories((AFTER, "initial"), (LATER, "complete")))
    assert row(loaded, "o")["removed_on"] == date(2026, 3, 26)  # since then the balance is without it


def test_a_row_that_happens_later_takes_nobodys_place() -> None:
    rows = table(old("o"), EARLIER, new("n", at=LATER, amount=80, date="2026-03-18"))
    assert row(rows, "o")["superseded_by"] is None
    assert row(rows, "n")["first_known_on"] == date(2026, 3, 27)


def test_a_hole_in_what_the_new_login_sends_costs_no_money() -> None:
    months = [old(f"o{n}", date=f"2026-03-{n:02}", amount=n) for n in range(2, 8)]
    rows = table(*months, new("e", date="2026-03-01", amount=-5))
    assert fates(rows) == {("e", False, False), *((f"o{n}", False, True) for n in range(2, 8))}
    (one,) = unlisted_rows(rows, NOTHING)
    assert (one.kind, one.severity, len(one.rows), one.amount) == (
        "unlisted_history",
        "critical",
        6,
        Decimal(27),
    )
    assert "-4.00 USD; 3 more; too many" in one.message


def test_a_third_login_that_lists_the_row_again_leads_on() -> None:
    at = AFTER + timedelta(9)
    payload = ACCOUNT | {"account_id": "checking3"}
    third = raw_rows(
        "plaid_accounts", {"source_id": "checking3", "payload": payload, "at": at, "connection": "bank3"}
    )
    again = new("z", at=at) | {"connection": "bank3"}
    again["payload"] = again["payload"] | {"account_id": "checking3"}
    records = sent("plaid_transactions", old("o"), EARLIER, again)
    rows = made("clean.transactions", third, plaid_transactions=records)
    assert row(rows, "o")["superseded_by"] == "z"
    assert unlisted_rows(rows, NOTHING) == []


def test_a_trade_that_the_broker_corrected_or_removed_meanwhile_counts_once() -> None:
    def trade(name: str, is_new: bool, **changed: Any) -> Row:
        account_id, bank, at = ("checking2", "bank2", AFTER) if is_new else ("checking", "bank", MOMENT)
        payload = TRADE | {"investment_transaction_id": name, "account_id": account_id} | changed
        return {"source_id": name, "payload": payload, "connection": bank, "at": at}

    records = sent(
        "plaid_investment_transactions",
        trade("corrected", False),
        trade("removed", False, date="2026-03-02", type="cash", subtype="dividend", quantity=0, amount=-3),
        trade("i0", True, date="2026-02-01"),
        trade("i1", True, quantity=2.5, amount=675.28),
    )
    rows = made(
        "clean.trades",
        plaid_investment_transactions=records,
        plaid_securities=raw_rows("plaid_securities", {}),
    )
    shown = rows.sort("trade_id").select("trade_id", "removed", "superseded_by", "unlisted", "removed_on")
    assert shown.rows() == [
        ("corrected", True, "i1", True, None),
        ("i0", False, None, False, None),
        ("i1", False, None, False, None),
        ("removed", True, None, True, date(2026, 3, 26)),
    ]
    (one,) = unlisted_rows(CONTRACTS["clean.transactions"].empty(), rows)
    assert one.rows == ("removed",)


def test_on_the_day_before_nothing_was_known_of_it() -> None:
    records = sent("plaid_transactions", old("o"), EARLIER)
    then = made("clean.transactions", as_known_on=AFTER - timedelta(days=1), plaid_transactions=records)
    assert fates(then) == {("o", False, False)}
