"""Alpaca's activities become trades: each type with what it moves, and what is taken back."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from cleaning_examples import (
    ACTIVITY,
    FILL,
    MOMENT,
    cleaned,
    raw_rows,
    reasons,
    reference,
    the_row,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.cleaning.activities import ACTIVITY_KINDS
from manna.contracts.clean import TRADE_KINDS


def activity(payload: dict[str, Any]) -> dict[str, Any]:
    return the_row("clean.trades", alpaca_activities=raw_rows("alpaca_activities", {"payload": payload}))


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (
            {},
            {
                "kind": "buy",
                "quantity": Decimal("0.5"),
                "amount": Decimal("-135.06"),
                "date": date(2026, 3, 12),
            },
        ),
        ({}, {"moment": datetime(2026, 3, 12, 14, 30, 0, 123456, tzinfo=UTC), "price": Decimal("270.11")}),
        ({"side": "sell"}, {"kind": "sell", "quantity": Decimal("-0.5"), "amount": Decimal("135.06")}),
        ({"side": "sell_short"}, {"kind": "sell", "quantity": Decimal("-0.5")}),
        ({"type": "partial_fill", "qty": "1"}, {"amount": Decimal("-270.11")}),
        ({"qty": 2, "price": 1.5}, {"amount": Decimal("-3.00")}),
        # A price of an option is per share, and a contract is for a hundred.
        ({"symbol": "AAPL260320C00250000", "qty": "2", "price": "1.5"}, {"amount": Decimal("-300.00")}),
        # Extended hours: eight in the evening in New York is the next day in UTC.
        ({"transaction_time": "2026-03-13T00:30:00Z"}, {"date": date(2026, 3, 12)}),
    ],
)
def test_fills(change: dict[str, Any], row: dict[str, Any]) -> None:
    found = activity(FILL | change)
    assert found | row == found
    assert (found["account_id"], found["fees"], found["currency"]) == ("acc", 0, "USD")


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({}, {"kind": "dividend", "amount": Decimal("1.02"), "quantity": 0, "description": "DIV VTI"}),
        ({"date": "2026-03-12T00:00:00Z"}, {"date": date(2026, 3, 12)}),
        ({"activity_type": "DIVNRA", "net_amount": "-0.15"}, {"kind": "fee", "amount": Decimal("-0.15")}),
        ({"activity_type": "FEE", "net_amount": "-0.02", "symbol": ""}, {"kind": "fee", "security_id": None}),
        ({"activity_type": "CSD", "net_amount": "500"}, {"kind": "deposit", "amount": Decimal(500)}),
        ({"activity_type": "CSW", "net_amount": "-500"}, {"kind": "withdrawal", "amount": Decimal(-500)}),
        ({"activity_type": "JNLC", "net_amount": "-7"}, {"kind": "withdrawal"}),
        ({"activity_type": "TRANS", "net_amount": "7"}, {"kind": "deposit"}),
        ({"activity_type": "INT", "symbol": None}, {"kind": "interest", "description": "INT"}),
        (
            {"activity_type": "SPLIT", "qty": "15", "net_amount": "0"},
            {"kind": "split", "quantity": Decimal(15), "amount": 0},
        ),
        ({"activity_type": "SPLIT", "qty": "-9", "net_amount": None}, {"quantity": Decimal(-9), "amount": 0}),
        ({"activity_type": "JNLS", "qty": "3"}, {"kind": "transfer", "quantity": Decimal(3)}),
        ({"activity_type": "MA"}, {"kind": "merger"}),
        ({"description": "Cash Dividend"}, {"description": "Cash Dividend"}),
        ({"currency": "EUR"}, {"currency": "EUR"}),
    ],
)
def test_other_activities(change: dict[str, Any], row: dict[str, Any]) -> None:
    found = activity(ACTIVITY | change)
    assert found | row == found


def moved(code: str, **more: Any) -> tuple[str, Decimal, Decimal]:
    """Kind, change of the position, change of the cash."""
    row = activity({"activity_type": code, "id": "20260312::x", "date": "2026-03-12", "symbol": "VTI"} | more)
    return row["kind"], row["quantity"], row["amount"]


# fmt: off
MOVES: list[tuple[str, dict[str, Any], tuple[str, Any, Any]]] = [
    ("ACATC", {"net_amount": "100"}, ("deposit", 0, 100)),
    ("ACATC", {"net_amount": "-100"}, ("withdrawal", 0, -100)),
    ("ACATS", {"qty": "10", "net_amount": "0"}, ("transfer", 10, 0)),
    ("ACATS", {"qty": "-10"}, ("transfer", -10, 0)),
    ("CFEE", {"qty": "-0.0002", "net_amount": "0", "symbol": "ETHUSD"}, ("other", Decimal("-0.0002"), 0)),
    ("CFEE", {"net_amount": "-0.5"}, ("fee", 0, Decimal("-0.5"))),
    ("CGD", {"net_amount": "3", "qty": "9"}, ("dividend", 0, 3)),
    ("CSR", {"net_amount": "3"}, ("deposit", 0, 3)),
    ("DIV", {"net_amount": "3", "qty": "9", "activity_sub_type": "CDIV"}, ("dividend", 0, 3)),
    # The document's own example of a stock dividend: it brings money, and 2 is what it was paid on.
    ("DIV", {"net_amount": "1.02", "per_share_amount": "0.51", "qty": "2", "activity_sub_type": "SDIV"},
     ("dividend", 0, Decimal("1.02"))),
    ("DIV", {"net_amount": "0", "qty": "2", "activity_sub_type": "SDIV"}, ("split", 2, 0)),
    ("DIVWH", {"net_amount": "-1", "qty": "9"}, ("fee", 0, -1)),
    ("DIVROC", {"net_amount": "1", "qty": "9"}, ("return_of_capital", 0, 1)),
    ("FEE", {"net_amount": "-0.02", "qty": "0"}, ("fee", 0, Decimal("-0.02"))),
    ("FOPT", {"qty": "4"}, ("transfer", 4, 0)),
    ("INT", {"net_amount": "-2", "activity_sub_type": "MGN"}, ("interest", 0, -2)),
    ("JNL", {"net_amount": "-7"}, ("withdrawal", 0, -7)),
    ("JNL", {"qty": "7"}, ("transfer", 7, 0)),
    ("JNLC", {"net_amount": "7"}, ("deposit", 0, 7)),
    ("JNLS", {"qty": "-3"}, ("transfer", -3, 0)),
    # A merger into money on one row is a sale; its sides told apart are each what they are.
    ("MA", {"qty": "-5", "net_amount": "27", "activity_sub_type": "CMA"}, ("sell", -5, 27)),
    ("MA", {"qty": "-5", "net_amount": "0", "activity_sub_type": "CMA"}, ("merger", -5, 0)),
    ("MA", {"net_amount": "27", "activity_sub_type": "CMA"}, ("merger", 0, 27)),
    ("MA", {"qty": "-5", "activity_sub_type": "SMA"}, ("merger", -5, 0)),
    ("MA", {"qty": "4.475", "symbol": "BND", "activity_sub_type": "SMA"}, ("merger", Decimal("4.475"), 0)),
    ("MA", {"qty": "-5", "net_amount": "39", "activity_sub_type": "SCMA"}, ("merger", -5, 39)),
    ("MEM", {"net_amount": "0"}, ("other", 0, 0)),
    ("MISC", {"net_amount": "4"}, ("other", 0, 4)),
    ("NC", {"qty": "-5", "activity_sub_type": "SNC"}, ("symbol_change", -5, 0)),
    ("NC", {"qty": "5", "symbol": "BND"}, ("symbol_change", 5, 0)),
    ("OCT", {"qty": "1.5", "symbol": "USDCUSD"}, ("transfer", Decimal("1.5"), 0)),
    ("OPASN", {"qty": "1", "symbol": "AAPL260320P00250000"}, ("other", 1, 0)),
    ("OPEXP", {"qty": "-1", "symbol": "AAPL260320C00250000"}, ("other", -1, 0)),
    ("OPEXC", {"qty": "-1"}, ("other", -1, 0)),
    ("OPCA", {"qty": "-1"}, ("other", -1, 0)),
    ("OPCSH", {"net_amount": "12"}, ("other", 0, 12)),
    ("OPXRC", {"qty": "-1"}, ("other", -1, 0)),
    ("OPTRD", {"qty": "100", "net_amount": "-25000", "price": "250"}, ("buy", 100, -25000)),
    ("OPTRD", {"qty": "-100", "net_amount": "25000"}, ("sell", -100, 25000)),
    ("PTC", {"net_amount": "-1"}, ("fee", 0, -1)),
    ("PTR", {"net_amount": "1"}, ("fee", 0, 1)),
    ("REORG", {"qty": "-8", "activity_sub_type": "WRM"}, ("reorganization", -8, 0)),
    ("RSP", {"qty": "-9"}, ("split", -9, 0)),
    ("SPIN", {"qty": "2", "symbol": "BND"}, ("spin_off", 2, 0)),
    ("SPLIT", {"qty": "15", "activity_sub_type": "FSPLIT"}, ("split", 15, 0)),
    ("SSP", {"qty": "-5"}, ("split", -5, 0)),
    ("SWP", {"net_amount": "1"}, ("interest", 0, 1)),
    ("TRANS", {"net_amount": "-1"}, ("withdrawal", 0, -1)),
    ("VOF", {"qty": "-1", "activity_sub_type": "VTND"}, ("reorganization", -1, 0)),
    ("WH", {"net_amount": "-1", "activity_sub_type": "FWH"}, ("fee", 0, -1)),
    ("NEWTYPE", {"qty": "3", "net_amount": "-1"}, ("other", 3, -1)),
]
# fmt: on


@pytest.mark.parametrize(("code", "more", "row"), MOVES, ids=[f"{m[0]} {m[2]}" for m in MOVES])
def test_what_an_activity_moves(code: str, more: dict[str, Any], row: tuple[str, Any, Any]) -> None:
    assert moved(code, **more) == row


def test_every_documented_type_is_in_the_table() -> None:
    spec = reference("alpaca", "openapi", "trading.yaml")["components"]["schemas"]
    listed = {
        *spec["ActivityType"]["enum"],
        *spec["NonTradeActivities"]["properties"]["activity_type"]["enum"],
    }
    told_as_they_are = {"FILL", "MISC", "OPASN", "OPCA", "OPCSH", "OPEXC", "OPEXP"}
    assert listed - told_as_they_are <= set(ACTIVITY_KINDS)
    assert spec["NonTradeActivities"]["properties"]["status"]["enum"] == ["executed", "correct", "canceled"]


# -- what is taken back --------------------------------------------------------------------------------

LATER = MOMENT + timedelta(days=3)
BOUGHT = FILL | {"id": "20260312093000000::e1"}
BUST = FILL | {"id": "20260313090000000::e2", "execution_type": "trade_bust", "previous_id": "e1"}
BETTER = FILL | {"id": "20260313090000000::e3", "qty": "0.4", "previous_id": "e1"}
PAID = ACTIVITY | {"id": "20260312000000000::n1"}
CANCELED = PAID | {"id": "20260314000000000::n2", "status": "canceled", "previous_id": "n1"}
CORRECT = PAID | {"id": "20260314000000000::n3", "status": "correct", "previous_id": "n1", "net_amount": "2"}


def told(*payloads: dict[str, Any], at: datetime = MOMENT) -> list[dict[str, Any]]:
    return [{"source_id": payload["id"], "payload": payload, "at": at} for payload in payloads]


def standing(*records: dict[str, Any]) -> dict[str, Decimal]:
    """Cash moved by what stands, by the last part of the id; what does not has a day on which we heard."""
    rows = cleaned("clean.trades", alpaca_activities=raw_rows("alpaca_activities", *records)).rows
    assert rows.filter(pl.col("removed") != pl.col("removed_on").is_not_null()).is_empty()
    stands = rows.filter(~pl.col("removed")).select("trade_id", "amount").iter_rows()
    return {name.rpartition("::")[2]: amount for name, amount in stands}


@pytest.mark.parametrize(
    ("payloads", "stands"),
    [
        ([BOUGHT], {"e1": Decimal("-135.06")}),
        ([BOUGHT, BUST], {}),
        ([BOUGHT, BETTER], {"e3": Decimal("-108.04")}),
        # A correction that is itself taken back does not bring back what it corrected.
        ([BOUGHT, BETTER, BUST | {"previous_id": "e3"}], {}),
        ([PAID, CANCELED], {}),
        ([PAID, CORRECT], {"n3": Decimal(2)}),
        ([PAID, CORRECT, CANCELED], {"n3": Decimal(2)}),
        ([PAID, BOUGHT, CANCELED | {"previous_id": "20260312000000000::n1"}], {"e1": Decimal("-135.06")}),
        # Canceled without a word of what: it had no effect itself.
        ([PAID | {"status": "canceled"}], {}),
        ([PAID | {"status": "correct"}], {"n1": Decimal("1.02")}),
        (
            [PAID, CORRECT | {"previous_id": None, "date": "2026-06-12"}],
            {"n1": Decimal("1.02"), "n3": Decimal(2)},
        ),
        ([PAID | {"status": "correct", "previous_id": "n1"}], {"n1": Decimal("1.02")}),
        # Siblings share a group, and are not what is taken back.
        (
            [PAID | {"group_id": "g"}, CANCELED | {"group_id": "g", "previous_id": None}],
            {"n1": Decimal("1.02")},
        ),
        ([CANCELED], {}),
        ([BOUGHT, PAID | {"previous_id": 5}], {"e1": Decimal("-135.06"), "n1": Decimal("1.02")}),
    ],
)
def test_what_stands_whatever_the_order(payloads: list[dict[str, Any]], stands: dict[str, Decimal]) -> None:
    assert standing(*told(*payloads)) == stands
    assert standing(*told(*payloads[::-1])) == stands
    for number in range(len(payloads)):  # one of them is only heard of later
        early, late = payloads[:number] + payloads[number + 1 :], payloads[number : number + 1]
        assert standing(*told(*early), *told(*late, at=LATER)) == stands


def test_a_correction_that_does_not_say_of_what_is_refused_and_not_counted_beside_it() -> None:
    bare = CORRECT | {"previous_id": None}
    found = cleaned("clean.trades", alpaca_activities=raw_rows("alpaca_activities", *told(PAID, bare)))
    assert found.rows["trade_id"].to_list() == [PAID["id"]]
    (why,) = found.quarantined["reasons"]
    assert "it is a correction and does not name what it corrects (previous_id)" in why
    itself = [*told(PAID, BOUGHT), *told(PAID | {"status": "correct", "net_amount": "2"}, at=LATER)]
    assert standing(*itself) == {"n1": Decimal(2), "e1": Decimal("-135.06")}
    # Another word on it that names what it corrects is taken, and it leaves quarantine by itself.
    again = raw_rows("alpaca_activities", *told(PAID, bare), *told(CORRECT, at=LATER))
    after = cleaned("clean.trades", alpaca_activities=again)
    assert after.quarantined.is_empty()
    assert after.rows.filter(~pl.col("removed"))["trade_id"].to_list() == [CORRECT["id"]]


def test_the_tombstone_says_what_it_was_and_since_when_it_is_not() -> None:
    records = (*told(BOUGHT), *told(BUST, at=LATER))
    rows = cleaned("clean.trades", alpaca_activities=raw_rows("alpaca_activities", *records)).rows
    first = rows.filter(pl.col("trade_id") == BOUGHT["id"]).to_dicts()[0]
    assert (first["kind"], first["quantity"], first["removed"]) == ("buy", Decimal("0.5"), True)
    assert (first["first_known_on"], first["removed_on"]) == (date(2026, 3, 16), date(2026, 3, 19))
    before = cleaned(
        "clean.trades", as_known_on=MOMENT, alpaca_activities=raw_rows("alpaca_activities", *records)
    )
    assert before.rows["removed"].to_list() == [False]


def test_an_activity_that_turns_canceled_under_its_own_id() -> None:
    records = (*told(PAID), *told(PAID | {"status": "canceled"}, at=LATER))
    (row,) = cleaned(
        "clean.trades", alpaca_activities=raw_rows("alpaca_activities", *records)
    ).rows.to_dicts()
    assert (row["removed"], row["removed_on"]) == (True, date(2026, 3, 19))


def test_nobody_takes_back_what_is_anothers() -> None:
    accounts = raw_rows(
        "alpaca_account", {}, {"connection": "second", "source_id": "acc2", "payload": {"id": "acc2"}}
    )
    records = [*told(PAID), told(CANCELED)[0] | {"connection": "second"}]
    found = cleaned(
        "clean.trades",
        alpaca_account=accounts,
        alpaca_activities=raw_rows("alpaca_activities", *records),
    )
    assert found.rows.filter(~pl.col("removed"))["trade_id"].to_list() == [PAID["id"]]


@settings(max_examples=50, deadline=None)
@given(st.permutations([BOUGHT, BUST, PAID, CORRECT, FILL | {"id": "20260312::e9"}]), st.data())
def test_any_order_and_any_night(payloads: list[dict[str, Any]], data: st.DataObject) -> None:
    nights = sorted(data.draw(st.lists(st.integers(0, 3), min_size=5, max_size=5)))
    records = [
        record
        for payload, night in zip(payloads, nights, strict=True)
        for record in told(payload, at=MOMENT + timedelta(days=night))
    ]
    assert standing(*records) == {"n3": Decimal(2), "e9": Decimal("-135.06")}


def test_every_activity_has_a_kind_of_ours() -> None:
    assert set(ACTIVITY_KINDS.values()) - {"trade"} <= set(TRADE_KINDS)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (FILL | {"side": "hold"}, "not shaped as documented: KeyError 'hold'"),
        (FILL | {"qty": "many"}, "not shaped as documented"),
        (FILL | {"price": None}, "not shaped as documented"),
        (FILL | {"price": "NaN"}, "price is no number: NaN; amount is no number: NaN"),
        (FILL | {"qty": "1e400"}, "not shaped as documented"),
        (FILL | {"transaction_time": None}, "date is missing"),
        (
            FILL | {"transaction_time": "yesterday"},
            "date is no date: yesterday; moment is no moment: yesterday",
        ),
        (ACTIVITY | {"activity_type": None}, "not shaped as documented"),
        (ACTIVITY | {"date": None}, "date is missing"),
        (ACTIVITY | {"net_amount": "1.0.2"}, "amount is no number: 1.0.2"),
        ({}, "not shaped as documented"),
    ],
)
def test_activities_that_cannot_be_used(payload: dict[str, Any], reason: str) -> None:
    sent = raw_rows("alpaca_activities", {"payload": payload})
    (found,) = reasons("clean.trades", alpaca_activities=sent)
    assert reason in found


def test_an_activity_without_its_account_is_refused() -> None:
    sent = raw_rows("alpaca_activities", {"connection": "nobody's"})
    assert reasons("clean.trades", alpaca_activities=sent) == ["account_id is missing"]
