"""Prices that are missing or jump, and splits that prices and positions do not agree with."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from validating_examples import rows

from manna.validating import prices, splits
from manna.validating.finding import Finding

FIRST = date(2026, 1, 5)
DAYS = [FIRST + timedelta(n) for n in range(30)]
HELD = {"XYZ": [prices.Held("home", Decimal(10), "USD")]}
SECURITIES = rows(
    "securities", {"security_id": "s", "symbol": "XYZ"}, {"security_id": "cash", "is_cash": True}
)


def bars(*closes: float | None) -> pl.DataFrame:
    """A bar of XYZ per day; null is a day without one."""
    return rows(
        "bars",
        *(
            {"symbol": "XYZ", "date": str(DAYS[n]), "close": close}
            for n, close in enumerate(closes)
            if close is not None
        ),
    )


def known(*given: tuple[int, Any]) -> pl.DataFrame:
    """Splits of XYZ: number of the day, ratio."""
    actions = rows(
        "corporate_actions",
        {"action_id": "dividend", "symbol": "XYZ", "kind": "dividend", "ex_date": str(DAYS[3]), "cash": 1},
        *(
            {
                "action_id": f"split{n}",
                "symbol": "XYZ",
                "kind": "split",
                "ex_date": str(DAYS[n]),
                "ratio": ratio,
            }
            for n, ratio in given
        ),
    )
    return splits.splits(actions)


CALM = [100, 101, 100, 99, 100, 101, 100, 99]


def told(found: list[Finding]) -> list[tuple[str, str, Decimal | None]]:
    return [(one.kind, one.severity, one.amount) for one in found]


class TestMissing:
    @pytest.mark.parametrize(
        ("closes", "gaps"),
        [
            ([100, 101, 102], []),
            ([100, None, 102], [(1, 1)]),
            ([100, None, None, 102, None], [(1, 2), (4, 4)]),
            ([None, None, 102, 103], []),
            ([100, None, None], [(1, 2)]),
        ],
        ids=["none", "one", "two runs", "before its first", "until now"],
    )
    def test_a_run_of_market_days_without_a_bar(self, closes: list[Any], gaps: list[Any]) -> None:
        found = prices.missing_prices(bars(*closes), DAYS[: len(closes)], HELD)
        assert [(DAYS.index(one.since), DAYS.index(one.until)) for one in found] == gaps
        assert {one.kind for one in found} <= {"missing_price"}

    def test_a_weekend_is_no_gap(self) -> None:
        assert prices.missing_prices(bars(100, None, None, 103), [DAYS[0], DAYS[3]], HELD) == []

    def test_the_value_at_the_last_price_is_at_stake_for_who_holds_it(self) -> None:
        (one,) = prices.missing_prices(bars(100, None, 102), DAYS[:3], HELD)
        assert (one.book, one.severity, one.amount, one.currency) == ("home", "warning", Decimal(1000), "USD")
        (one,) = prices.missing_prices(bars(100, None, 102), DAYS[:3], {})
        assert (one.book, one.severity, one.amount) == ("market", "info", None)


class TestJumps:
    @pytest.mark.parametrize(
        ("closes", "count"),
        [
            (CALM, 0),
            ([*CALM, 123], 0),
            ([*CALM, 130], 1),
            ([*CALM, 60], 1),
            # As wild as every day of this one.
            ([100, 140, 100, 140, 100, 140], 0),
            # The size of a split: told as one.
            ([*CALM, 50], 0),
        ],
        ids=["calm", "under a quarter", "up", "down", "always wild", "a split's size"],
    )
    def test_a_close_far_from_the_one_before(self, closes: list[Any], count: int) -> None:
        found = prices.price_jumps(bars(*closes), known(), HELD)
        assert [one.kind for one in found] == ["price_jump"] * count

    def test_the_jump_of_what_is_held_is_at_stake(self) -> None:
        (one,) = prices.price_jumps(bars(*CALM, 60), known(), HELD)
        assert one.amount == Decimal(390)
        assert one.rows == ("XYZ 2026-01-12", "XYZ 2026-01-13")

    def test_a_known_split_explains_a_jump_and_no_more(self) -> None:
        assert prices.price_jumps(bars(*CALM, 25), known((8, 4)), HELD) == []
        (one,) = prices.price_jumps(bars(*CALM, 15), known((8, 4)), HELD)
        assert one.message.startswith("XYZ closed at 24.75")


class TestSplitsAndPrices:
    @pytest.mark.parametrize(
        ("closes", "given", "kinds"),
        [
            ([*CALM, 25], [(8, 4)], []),
            ([*CALM, 25], [], ["split_unknown"]),
            ([*CALM, 995], [], ["split_unknown"]),
            ([*CALM, 66], [], ["split_unknown"]),
            ([*CALM, 60], [], []),
            ([*CALM, 99], [(8, 4)], ["split_without_jump"]),
            ([*CALM, 99], [(8, "0.1")], ["split_without_jump"]),
            # Known, and no bar to hold it against.
            (CALM, [(8, 4)], []),
            # A bar is missing on the ex date: the next one shows it.
            ([*CALM, None, 25], [(8, 4)], []),
            # So small that an ordinary day hides it.
            ([*CALM, 99], [(8, "1.05")], []),
        ],
        ids=["known", "unknown", "reverse", "3 for 2", "no ratio", "no jump", "no jump, reverse", "no bar", "gap", "small"],
    )  # fmt: skip
    def test_a_ratio_sized_jump_and_a_known_split_belong_together(
        self, closes: list[Any], given: list[Any], kinds: list[str]
    ) -> None:
        series, on_record = bars(*closes), known(*given)
        found = splits.unknown_splits(series, on_record, HELD) + splits.splits_without_jump(
            series, on_record, HELD
        )
        assert [one.kind for one in found] == kinds
        assert {one.severity for one in found} <= {"warning"}

    def test_what_the_split_moves_is_at_stake(self) -> None:
        (one,) = splits.unknown_splits(bars(*CALM, 25), known(), HELD)
        assert one.amount == Decimal(740)
        assert "a split of 4 for 1" in one.message
        (one,) = splits.splits_without_jump(bars(*CALM, 99), known((8, 4)), HELD)
        assert one.amount == Decimal("742.50")

    @pytest.mark.parametrize(
        ("given", "count"),
        [
            ([(3, 4), (5, 4)], 1),
            ([(3, 4), (8, 4)], 1),
            ([(3, 4), (9, 4)], 0),
            ([(3, 4), (5, 2)], 0),
            ([(3, 4)], 0),
        ],
    )
    def test_told_twice_within_days(self, given: list[Any], count: int) -> None:
        found = splits.splits_told_twice(known(*given), HELD)
        assert told(found) == [("split_told_twice", "warning", None)] * count


def trade(name: str, number: int, kind: str, quantity: Any, **more: Any) -> dict[str, Any]:
    usual = {"trade_id": name, "account_id": "broker", "security_id": "s", "date": str(DAYS[number])}
    return usual | {"kind": kind, "quantity": quantity} | more


BOUGHT = trade("buy", 1, "buy", 10)


class TestSplitsAndTrades:
    @pytest.mark.parametrize(
        ("trades", "ratio", "kinds"),
        [
            ([BOUGHT, trade("split", 8, "split", 30)], 4, []),
            ([BOUGHT, trade("split", 11, "split", 30)], 4, []),
            ([BOUGHT, trade("out", 8, "split", -10), trade("in", 8, "split", 40)], 4, []),
            ([BOUGHT], 4, ["split_not_applied"]),
            ([BOUGHT, trade("split", 20, "split", 30)], 4, ["split_not_applied"]),
            ([BOUGHT, trade("split", 8, "split", 30), trade("again", 9, "split", 30)], 4, ["split_applied_twice"]),
            ([BOUGHT, trade("split", 8, "split", -9)], "0.1", []),
            ([BOUGHT, trade("split", 8, "split", -9), trade("again", 8, "split", -9)], "0.1", ["split_applied_twice"]),
            ([BOUGHT, trade("split", 8, "split", 30), trade("again", 9, "split", 30, removed=True)], 4, []),
            ([BOUGHT, trade("sold", 4, "sell", -10)], 4, []),
            ([trade("late", 9, "buy", 10)], 4, []),
            # Held before the history begins: its one split trade is enough.
            ([trade("split", 8, "split", 30)], 4, []),
            ([BOUGHT, trade("dividend", 4, "dividend", 10), trade("split", 8, "split", 30)], 4, []),
            # Two lots with different numbers, each split once.
            ([BOUGHT, trade("one", 8, "split", 12), trade("other", 8, "split", 18)], 4, []),
        ],
        ids=["once", "days late", "old out, new in", "not", "much later", "twice", "reverse", "reverse twice",
             "taken back", "sold before", "bought after", "old history", "dividend", "two lots"],
    )  # fmt: skip
    def test_a_split_is_booked_once(self, trades: list[dict[str, Any]], ratio: Any, kinds: list[str]) -> None:
        found = splits.splits_in_positions(
            rows("trades", *trades), SECURITIES, bars(*CALM, 25), known((8, ratio))
        )
        assert [one.kind for one in found] == kinds
        assert {one.severity for one in found} <= {"critical"}

    def test_the_shares_in_doubt_at_the_first_price_after_it_are_at_stake(self) -> None:
        (one,) = splits.splits_in_positions(
            rows("trades", BOUGHT), SECURITIES, bars(*CALM, 25), known((8, 4))
        )
        assert (one.book, one.subject, one.amount) == ("home", "broker", Decimal(750))
        assert "30 shares are in doubt" in one.message
        (one,) = splits.splits_in_positions(rows("trades", BOUGHT), SECURITIES, bars(100), known((8, 4)))
        assert one.amount is None


class TestSplitsAndHoldings:
    @pytest.mark.parametrize(
        ("quantities", "trades", "kinds"),
        [
            ({7: 10, 14: 40}, [], []),
            ({7: 10, 14: 10}, [], ["split_not_applied"]),
            ({7: 10, 14: 160}, [], ["split_applied_twice"]),
            # Still within the days that an institution may take.
            ({7: 10, 13: 10}, [], []),
            ({7: 10, 13: 10, 14: 40}, [], []),
            ({14: 10}, [], []),
            # Traded in between: nothing can be said.
            ({7: 10, 14: 10}, [trade("sold", 9, "sell", -30)], []),
            ({7: 10, 14: 39}, [], []),
        ],
        ids=["applied", "not", "twice", "early", "then applied", "not before", "traded", "fraction paid out"],
    )
    def test_a_position_is_multiplied_once(
        self, quantities: dict[int, int], trades: list[dict[str, Any]], kinds: list[str]
    ) -> None:
        holdings = rows(
            "holdings",
            *(
                {
                    "account_id": "broker",
                    "security_id": "s",
                    "as_of": str(DAYS[n]),
                    "quantity": q,
                    "price": 25,
                }
                for n, q in quantities.items()
            ),
        )
        found = splits.splits_in_holdings(holdings, rows("trades", *trades), SECURITIES, known((8, 4)))
        assert [one.kind for one in found] == kinds
        amounts = {"split_not_applied": Decimal(750), "split_applied_twice": Decimal(3000)}
        assert [one.amount for one in found] == [amounts[kind] for kind in kinds]


def test_who_holds_what_is_as_last_told() -> None:
    holdings = rows(
        "holdings",
        {"account_id": "a", "security_id": "s", "as_of": "03-10", "quantity": 5},
        {"account_id": "a", "security_id": "s", "as_of": "03-11", "quantity": 7},
        {"account_id": "b", "security_id": "s", "as_of": "03-09", "quantity": 1},
        {"account_id": "c", "security_id": "s", "as_of": "03-09", "quantity": 2, "book": "shop"},
        {"account_id": "d", "security_id": "s", "as_of": "03-09", "quantity": 0, "book": "third"},
        {"account_id": "a", "security_id": "cash", "as_of": "03-11", "quantity": 9},
    )
    held = prices.holders(holdings, SECURITIES)
    assert list(held) == ["XYZ"]
    assert [(one.book, one.quantity) for one in held["XYZ"]] == [("home", Decimal(8)), ("shop", Decimal(2))]
