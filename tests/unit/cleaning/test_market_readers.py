"""Alpaca's market data become rows: prices, market days, corporate actions of every kind."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cleaning_examples import BAR, MARKET_DAY, MOMENT, SPLIT, raw_rows, reasons, reference, the_row

from manna.cleaning.market import ACTIONS
from manna.contracts.market import ACTION_KINDS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"o": -1}, "open is below 0"),
        ({"c": 0}, "close is below 1E-9"),
        ({"v": 1.5}, "volume is no integer: 1.5"),
        ({"c": None, "v": None}, "close is missing; volume is missing"),
    ],
)
def test_bars_that_cannot_be_used(change: dict[str, Any], reason: str) -> None:
    assert reasons("clean.bars", alpaca_bars=raw_rows("alpaca_bars", {"payload": BAR | change})) == [reason]


def test_a_corrected_bar_replaces_the_former() -> None:
    sent = raw_rows("alpaca_bars", {}, {"payload": BAR | {"c": 1.8}, "at": MOMENT + timedelta(days=1)})
    row = the_row("clean.bars", alpaca_bars=sent)
    assert (row["symbol"], row["date"], row["close"]) == ("VTI", date(2026, 3, 13), Decimal("1.8"))


@pytest.mark.parametrize(
    ("source_id", "payload", "row"),
    [
        ("forward_splits:x", SPLIT, {"kind": "split", "ratio": Decimal(4), "cash": None}),
        ("reverse_splits:x", SPLIT | {"new_rate": 1, "old_rate": 50}, {"ratio": Decimal("0.02")}),
        ("reverse_splits:x", SPLIT | {"new_rate": 1, "old_rate": 3}, {"ratio": Decimal("0.33333333")}),
        ("forward_splits:x", SPLIT | {"new_rate": 1.5}, {"ratio": Decimal("1.5")}),
        ("reverse_splits:x", SPLIT | {"new_symbol": ""}, {"symbol": "VTI", "new_symbol": None}),
        ("reverse_splits:x", SPLIT | {"new_symbol": "VTJ"}, {"new_symbol": "VTJ"}),
        (
            "cash_dividends:x",
            SPLIT | {"rate": 0.125, "payable_date": "2026-03-09"},
            {
                "kind": "dividend",
                "cash": Decimal("0.125"),
                "ratio": None,
                "ex_date": date(2026, 3, 2),
                "payable_date": date(2026, 3, 9),
            },
        ),
    ],
)
def test_corporate_actions(source_id: str, payload: dict[str, Any], row: dict[str, Any]) -> None:
    sent = raw_rows("alpaca_corporate_actions", {"source_id": source_id, "payload": payload})
    found = the_row("clean.corporate_actions", alpaca_corporate_actions=sent)
    assert found | row == found


@pytest.mark.parametrize(
    ("source_id", "payload", "reason"),
    [
        ("forward_splits:x", SPLIT | {"old_rate": 0}, "not shaped as documented: DivisionByZero"),
        ("reverse_splits:x", {"symbol": "VTI"}, "not shaped as documented: KeyError 'new_rate'"),
        ("stock_dividends:x", SPLIT, "not shaped as documented: KeyError 'rate'"),
        ("moon_landings:x", SPLIT | {"rate": 0.05}, "kind is none of: split, unit_split, "),
    ],
)
def test_corporate_actions_that_cannot_be_used(source_id: str, payload: dict[str, Any], reason: str) -> None:
    sent = raw_rows("alpaca_corporate_actions", {"source_id": source_id, "payload": payload})
    (found,) = reasons("clean.corporate_actions", alpaca_corporate_actions=sent)
    assert found.startswith(reason)


# What each group of the SDK's recorded answer comes to: symbol, new symbol, ratio, cash.
RECORDED: dict[str, tuple[str, str | None, Any, Any]] = {
    "reverse_splits": ("MNTS", None, "0.02", None),
    "forward_splits": ("SRE", None, "2", None),
    "unit_splits": ("TPBAU", "LVRO", "1", None),
    "stock_dividends": ("MSBC", None, "1.05", None),
    "cash_dividends": ("FCF", None, None, "0.125"),
    "spin_offs": ("JUPW", "SRM", "0.05167959", None),
    "cash_mergers": ("GLOP", None, None, "5.37"),
    "stock_mergers": ("LSI", "EXR", "0.895", None),
    "stock_and_cash_mergers": ("MLVF", "FRBA", "0.7733", "7.8"),
    "redemptions": ("ORPHY", None, None, "0.141134"),
    "name_changes": ("BSAQ", "VFS", None, None),
    "worthless_removals": ("ATNXQ", None, None, None),
    "rights_distributions": ("IFN", "IFN.RTWI", "1", None),
}


def test_every_kind_of_corporate_action_as_recorded() -> None:
    name = "data__test_corporate_actions__test_get_corporate_actions_1.json"
    groups = reference("alpaca", "payloads", "sdk_tests", name)["corporate_actions"]
    assert set(RECORDED) == set(groups)
    for group, (payload,) in groups.items():
        sent = raw_rows("alpaca_corporate_actions", {"source_id": f"{group}:x", "payload": payload})
        row = the_row("clean.corporate_actions", alpaca_corporate_actions=sent)
        symbol, new_symbol, ratio, cash = RECORDED[group]
        assert (row["symbol"], row["new_symbol"]) == (symbol, new_symbol), group
        assert row["ratio"] == (ratio and Decimal(ratio)), group
        assert row["cash"] == (cash and Decimal(cash)), group
        assert row["kind"] == ACTIONS[group].kind


def test_further_securities_are_kept_as_sent() -> None:
    unit = {"old_symbol": "SPACU", "new_symbol": "SPAC", "old_rate": 1, "new_rate": 1} | {
        "alternate_symbol": "SPACW", "alternate_rate": 0.5, "effective_date": "2026-08-01",
    }  # fmt: skip
    sent = raw_rows("alpaca_corporate_actions", {"source_id": "unit_splits:x", "payload": unit})
    row = the_row("clean.corporate_actions", alpaca_corporate_actions=sent)
    assert json.loads(row["also"]) == {"alternate_symbol": "SPACW", "alternate_rate": "0.5"}
    assert row["ex_date"] == date(2026, 8, 1)
    (movement,) = movements = [{"symbol": "NEWCO", "new_rate": "1", "source_rate": "10"}]
    reorganized = {
        "symbol": "OLDCO",
        "process_date": "2026-08-15",
        "cash_rate": 5,
        "stock_movements": movements,
    }
    sent = raw_rows("alpaca_corporate_actions", {"source_id": "reorganizations:x", "payload": reorganized})
    row = the_row("clean.corporate_actions", alpaca_corporate_actions=sent)
    assert (json.loads(row["also"]), row["cash"]) == ({"stock_movements": [movement]}, 5)


def test_the_kinds_are_those_of_the_document() -> None:
    spec = reference("alpaca", "openapi", "market_data.yaml")["components"]["schemas"]
    assert set(spec["corporate_actions"]["properties"]) == set(ACTIONS)
    assert {action.kind for action in ACTIONS.values()} == set(ACTION_KINDS)


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (
            {},
            {
                "date": date(2026, 3, 13),
                "opens_at": datetime(2026, 3, 13, 13, 30, tzinfo=UTC),
                "closes_at": datetime(2026, 3, 13, 20, tzinfo=UTC),
                "closes_early": False,
                "settles_on": date(2026, 3, 16),
            },
        ),
        (
            {"date": "2025-11-28", "close": "13:00"},
            {"closes_at": datetime(2025, 11, 28, 18, tzinfo=UTC), "closes_early": True},
        ),
        ({"settlement_date": None}, {"settles_on": None}),
    ],
)
def test_market_days(change: dict[str, Any], row: dict[str, Any]) -> None:
    sent = raw_rows("alpaca_calendar", {"payload": MARKET_DAY | change})
    found = the_row("clean.market_days", alpaca_calendar=sent)
    assert found | row == found


@pytest.mark.parametrize(
    "change", [{"open": None}, {"close": "late"}, {"date": "2026-13-01"}, {"date": None}, {"open": "25:00"}]
)
def test_market_days_that_cannot_be_used(change: dict[str, Any]) -> None:
    sent = raw_rows("alpaca_calendar", {"payload": MARKET_DAY | change})
    (reason,) = reasons("clean.market_days", alpaca_calendar=sent)
    assert reason.startswith("not shaped as documented")
