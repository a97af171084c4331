"""A refused row from the bank's next word to its leaving, and what a doubled account holds back."""

from datetime import date
from typing import Any

import polars as pl
import pytest
import worlds
from worlds import World, checks, said

from assets import clean, findings, ledger
from manna.contracts.clean import QUARANTINE
from manna.validating.quarantine import named
from pipelines.refused import QuarantineError, as_json, decide, listed, pretty, shown, tried_again
from pipelines.settling import settle

NAME = QUARANTINE.address


def refused(world: World) -> dict[str, Any]:
    """The one row of the demo's people that has no currency."""
    return named(world.read(NAME), world.manna.ops.quarantine_decisions()).row(0, named=True)


def mend(world: World) -> dict[str, Any]:
    """The bank sends the row once more, with its currency; ``clean`` has not seen it yet."""
    row = refused(world)
    raw = world.read("raw.plaid_transactions", batch_id=row["batch_id"])
    one = raw.filter(pl.col("source_id") == row["source_id"])
    payload = row["payload"].replace('"iso_currency_code":null', '"iso_currency_code":"USD"')
    payload = payload.replace('"iso_currency_code": null', '"iso_currency_code": "USD"')
    assert payload != row["payload"]
    sent = one.with_columns(
        payload=pl.lit(payload),
        payload_sha256=pl.lit("c" * 64),
        change=pl.lit("modified"),
        batch_id=pl.lit("sent again"),
        known_at=pl.col("known_at") + pl.duration(seconds=1),
    )
    world.manna.lake.commit(["test"], lambda lake: lake.append("raw.plaid_transactions", sent))
    return row


def test_a_row_that_passes_later_leaves_by_itself(world: World) -> None:
    row = mend(world)
    result = worlds.succeeded(world.run(clean.ASSETS))
    assert world.read(NAME).is_empty()
    assert said(result, NAME)["dagster/row_count"] == 0
    kept = world.read("clean.transactions", transaction_id=row["source_id"])
    assert kept["currency"].to_list() == ["USD"]


def test_tried_again_it_leaves_at_once_and_what_left_is_said(world: World) -> None:
    row = mend(world)
    (told,) = tried_again(world.manna, [row["id"]])
    assert told.startswith(f"{row['id']} has left the quarantine for clean.transactions")
    assert world.read(NAME).is_empty()
    assert world.read("clean.transactions", transaction_id=row["source_id"]).height == 1


def test_discarded_it_neither_alerts_nor_counts_and_another_payload_is_a_new_question(world: World) -> None:
    row = refused(world)
    month = date(2026, 3, 1)
    settle(world.manna, world.instance)
    assert "quarantine" in {alert["kind"] for alert in world.manna.ops.alerts()}
    assert "quarantine" in world.read("reports.publications", book="household", period=month)["open_items"][0]

    decide(world.manna, "discard", [row["id"]], "the bank's test row", "ana")
    settle(world.manna, world.instance)
    assert "quarantine" not in {alert["kind"] for alert in world.manna.ops.alerts()}
    worlds.succeeded(world.run([clean.quarantine, ledger.months]))
    assert world.report() is not None
    assert (
        "quarantine"
        not in world.read("reports.publications", book="household", period=month)["open_items"][0]
    )
    assert world.read(NAME).height == 1
    assert shown(world.manna, row["id"])["status"] == "discarded"

    changed = world.read(NAME).with_columns(payload_sha256=pl.lit("d" * 64))
    world.plant(NAME, changed)
    assert clean.open_rows(world.manna).height == 1


def test_rows_are_listed_by_book_and_table_and_called_by_the_beginning_of_their_name(world: World) -> None:
    row, manna = refused(world), world.manna
    asked = [
        ((), ()),
        (("household",), ()),
        (("studio", "household"), ("transactions", "bars")),
        ((), ("clean.transactions",)),
    ]
    assert [listed(manna, books, tables)["id"].to_list() for books, tables in asked] == [[row["id"]]] * 4
    assert listed(manna, ("studio",)).is_empty()
    assert listed(manna, (), ("bars",)).is_empty()
    for name in (row["id"][:4], row["id"].upper(), row["source_id"], row["source_id"][:6]):
        assert shown(manna, name)["id"] == row["id"]
    for name in ("", row["id"][:3], "nothing"):
        with pytest.raises(QuarantineError, match="no refused row"):
            shown(manna, name)
    other = world.read(NAME).with_columns(source_id=pl.lit(row["source_id"][:9] + "other"))
    world.plant(NAME, pl.concat([world.read(NAME), other]))
    with pytest.raises(QuarantineError, match="fits several rows"):
        shown(manna, row["source_id"][:6])


def test_a_payload_is_shown_as_it_was_sent() -> None:
    assert pretty('{"amount":38.20,"big":12345678901234567890.5}') == (
        '{\n  "amount": 38.20,\n  "big": 12345678901234567890.5\n}'
    )
    assert pretty("no JSON {") == "no JSON {"
    assert '"payload": {\n    "amount": 38.20\n  }' in as_json({"id": "a", "payload": '{"amount":38.20}'})
    assert '"payload": "no JSON {"' in as_json({"id": "a", "payload": "no JSON {"})


@pytest.mark.slow
def test_a_doubled_account_holds_the_reports_of_its_book_until_somebody_keeps_them_apart(
    world: World,
) -> None:
    accounts, rows = world.read("clean.accounts"), world.read("clean.transactions")
    card = accounts.filter(pl.col("name") == "Business Card")
    twin = rows.filter(pl.col("account_id") == card["account_id"][0], pl.col("date") >= date(2026, 2, 1))
    twin = twin.with_columns(account_id=pl.lit("twin"), transaction_id="twin " + pl.col("transaction_id"))
    world.plant("clean.accounts", pl.concat([accounts, card.with_columns(account_id=pl.lit("twin"))]))
    world.plant("clean.transactions", pl.concat([rows, twin.select(rows.columns)]))
    result = worlds.succeeded(
        world.run([findings.found, ledger.months]), failing=["clean.findings nothing_to_look_at"]
    )
    metadata = checks(result)["clean.findings nothing_to_look_at"].metadata
    assert set(metadata) == {"studio"}

    assert world.report() is not None
    status = dict(world.read("reports.publications", book="studio").select("period", "status").iter_rows())
    assert {period for period, told in status.items() if told == "held"} == {
        date(2026, 2, 1),
        date(2026, 3, 1),
    }
    assert "held" not in world.read("reports.publications", book="household")["status"]
    settle(world.manna, world.instance)
    kinds = {
        (alert["kind"], alert["severity"]) for alert in world.manna.ops.alerts() if alert["book"] == "studio"
    }
    assert {("finding", "critical"), ("held_report", "critical")} <= kinds

    world.manna.ops.decide_account("studio", "twin", None, "ana", world.manna.settings.now())
    worlds.succeeded(world.run([findings.found, ledger.months]))
    assert world.report() is not None
    assert "held" not in world.read("reports.publications", book="studio")["status"]
