"""Wash sales by the law's own examples, and what holds for any history."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manna.tax import tables
from manna.tax.trade_file import FileTrade, read_trades
from manna.tax.walking import Worked, work_through

D = Decimal
COLUMNS = ("date", "account", "symbol", "side", "quantity", "price", "fees", "lot")


def trades(text: str) -> list[FileTrade]:
    """``date account symbol side quantity price``, a line each."""
    rows = [dict(zip(COLUMNS, line.split(), strict=False)) for line in text.strip().splitlines()]
    return read_trades(rows, COLUMNS)


def worked(text: str, method: str = "fifo", **more: Any) -> Worked:
    return work_through(trades(text), method, **{"wash": True, **more})


def disallowed(found: Worked) -> list[Decimal]:
    return [line.disallowed for line in found.overlay.lines]


def held(found: Worked) -> list[tuple[date, Decimal, Decimal, Decimal]]:
    """(held since, quantity, cost, adjusted basis) of what is left."""
    frame = tables.open_lots(found.lots, found.overlay.held)
    return frame.select("held_since", "quantity", "cost", "adjusted_basis").rows()


class TestPublication550:
    """IRS Publication 550, chapter 4, "Wash Sales"."""

    def test_the_loss_is_added_to_the_basis_of_the_new_stock(self) -> None:
        found = worked("""
            2024-01-02 A X buy 100 10
            2024-03-01 A X sell 100 7.50
            2024-03-20 A X buy 100 8""")
        assert disallowed(found) == [D(250)]
        assert found.overlay.lines[0].counted == 0
        assert held(found) == [(date(2024, 1, 21), D(100), D(800), D(1050))]

    def test_fewer_bought_than_sold_and_bought_before_the_sale(self) -> None:
        found = worked("""
            2023-09-24 A M buy 100 50
            2023-12-21 A M buy 50 55
            2023-12-28 A M buy 25 45
            2024-01-04 A M sell 100 40""")
        [line] = found.overlay.lines
        assert (line.gain, line.disallowed, line.counted) == (D(-1000), D(750), D(-250))
        assert [basis for *_, basis in held(found)] == [D(3250), D(1375)]

    def test_more_bought_than_sold_the_first_bought_replace(self) -> None:
        found = worked("""
            2023-09-24 A M buy 100 50
            2024-02-03 A M sell 100 40
            2024-02-12 A M buy 50 41
            2024-02-13 A M buy 50 42
            2024-02-14 A M buy 50 43
            2024-02-15 A M buy 50 44""")
        assert disallowed(found) == [D(1000)]
        assert [basis - cost for _, _, cost, basis in held(found)] == [D(500), D(500), D(0), D(0)]


class TestRulings:
    def test_an_ira_that_replaces_makes_the_loss_void_for_good(self) -> None:
        """Revenue Ruling 2008-5."""
        found = worked(
            """
            2024-01-02 A X buy 100 10
            2024-03-01 A X sell 100 7.50
            2024-03-20 IRA X buy 100 8""",
            sheltered=["IRA"],
        )
        [line] = found.overlay.lines
        assert (line.disallowed, line.lost) == (D(250), D(250))
        assert held(found) == [(date(2024, 3, 20), D(100), D(800), D(800))]

    def test_an_ira_and_an_account_of_ones_own_share_a_loss(self) -> None:
        """Revenue Ruling 2008-5 for the units bought in the IRA, 26 U.S.C. 1091(d) for the others."""
        found = worked(
            """
            2024-01-02 A X buy 100 10
            2024-03-01 A X sell 100 7.50
            2024-03-20 IRA X buy 40 8
            2024-03-21 A X buy 60 8""",
            sheltered=["IRA"],
        )
        [line] = found.overlay.lines
        assert (line.disallowed, line.lost, line.counted) == (D(250), D(100), D(0))
        assert held(found) == [
            (date(2024, 1, 22), D(60), D(480), D(630)),
            (date(2024, 3, 20), D(40), D(320), D(320)),
        ]

    def test_sales_of_an_ira_are_no_gains(self) -> None:
        found = worked("2024-01-02 IRA X buy 1 10\n2024-03-01 IRA X sell 1 7", sheltered=["IRA"])
        assert found.overlay.lines == ()

    def test_part_of_one_recent_purchase_is_no_wash(self) -> None:
        """Revenue Ruling 56-602: the rest of the lot that is being sold replaces nothing."""
        assert disallowed(worked("2024-03-01 A X buy 100 10\n2024-03-10 A X sell 40 7")) == [D(0)]

    def test_all_that_is_held_sold_at_once_is_no_wash(self) -> None:
        text = "2024-03-01 A X buy 100 10\n2024-03-05 A X buy 100 10\n2024-03-10 A X sell 200 7"
        assert disallowed(worked(text)) == [D(0), D(0)]

    @pytest.mark.parametrize(
        ("days", "washed"), [(30, True), (31, False), (-30, True), (-31, False), (0, True)]
    )
    def test_the_window_is_thirty_days_to_both_sides(self, days: int, washed: bool) -> None:
        day = date(2024, 6, 1) + timedelta(days=days)
        found = worked(f"2023-01-02 A X buy 10 10\n2024-06-01 A X sell 10 7\n{day} A X buy 10 8")
        assert bool(found.overlay.lines[0].disallowed) is washed

    def test_a_share_replaces_one_share_once(self) -> None:
        """26 CFR 1.1091-1(e)."""
        found = worked("""
            2023-01-02 A X buy 20 10
            2024-06-01 A X sell 10 7
            2024-06-02 A X sell 10 6
            2024-06-05 A X buy 15 8""")
        assert disallowed(found) == [D(30), D(20)]

    def test_another_account_and_reinvested_dividends_replace_too(self) -> None:
        found = worked("2023-01-02 A X buy 10 10\n2024-06-01 A X sell 10 7\n2024-06-05 B X reinvest 4 8")
        assert disallowed(found) == [D(12)]

    def test_a_renamed_symbol_is_the_same_security(self) -> None:
        text = "2021-01-02 A FB buy 10 10\n2022-06-01 A FB sell 10 7\n2022-06-10 A META buy 10 8"
        assert disallowed(worked(text)) == [D(0)]
        assert disallowed(worked(text, same={"FB": "META"}.get)) == [D(0)]
        assert disallowed(worked(text, same=lambda s: {"FB": "META"}.get(s, s))) == [D(30)]

    def test_the_holding_period_goes_on_in_the_replacement(self) -> None:
        found = worked("""
            2023-01-02 A X buy 10 10
            2023-12-02 A X sell 10 7
            2023-12-10 A X buy 10 8
            2024-02-20 A X sell 10 9""")
        gains = tables.realized(found.overlay.lines, date(2025, 1, 1))
        assert gains["term"].to_list() == ["short", "long"]
        assert gains["held_since"].to_list()[1] == date(2023, 1, 10)
        assert gains["recognized_gain"].to_list() == [D(0), D(-20)]

    def test_a_split_between_sale_and_purchase(self) -> None:
        """Ten shares sold before a split of 2 for 1 are replaced by twenty bought after it."""
        found = worked(
            """
            2023-01-02 A X buy 10 10
            2023-01-02 A X buy 10 10
            2024-06-01 A X sell 10 6
            2024-06-03 A X split 2:1
            2024-06-05 A X buy 10 3"""
        )
        assert disallowed(found) == [D(20)]
        assert [row[1] for row in held(found)] == [D(20), D(10)]

    def test_a_loss_is_provisional_while_it_can_still_be_replaced(self) -> None:
        lines = worked("2024-01-02 A X buy 10 10\n2024-12-20 A X sell 10 7").overlay.lines
        assert tables.realized(lines, date(2025, 1, 19))["provisional"].to_list() == [True]
        assert tables.realized(lines, date(2025, 1, 20))["provisional"].to_list() == [False]


SYMBOLS, ACCOUNTS = ("X", "Y"), ("A", "B", "IRA")


@st.composite
def histories(draw: st.DrawFn) -> list[FileTrade]:
    """Trades that never sell more than is held, with splits between them."""
    day, made, open_ = date(2024, 1, 1), [], dict.fromkeys(((a, s) for a in ACCOUNTS for s in SYMBOLS), D(0))
    for line in range(2, 2 + draw(st.integers(1, 14))):
        day += timedelta(days=draw(st.integers(0, 20)))
        account, symbol = draw(st.sampled_from(ACCOUNTS)), draw(st.sampled_from(SYMBOLS))
        side = draw(st.sampled_from(["buy", "reinvest", "sell", "sell", "split"]))
        quantity, price = D(draw(st.integers(1, 60))), D(draw(st.integers(1, 5000))) / 100
        if side == "split":
            quantity, account = draw(st.sampled_from([D(2), D("0.5"), D("1.5")])), ""
            open_ = {key: units * quantity if key[1] == symbol else units for key, units in open_.items()}
        elif side == "sell":
            quantity = min(quantity, open_[account, symbol])
            if not quantity:
                continue
            open_[account, symbol] -= quantity
        else:
            open_[account, symbol] += quantity
        made.append(FileTrade(line, day, account, symbol, side, quantity, price, D(0)))
    return made


@given(histories(), st.sampled_from(["fifo", "lifo", "hifo", "average"]))
def test_no_cent_is_lost_or_made(history: list[FileTrade], method: str) -> None:
    """Disallowed losses are in the basis of what is held, in later gains, or said to be lost."""
    plain, found = work_through(history, method), work_through(history, method, wash=True, sheltered=["IRA"])
    taxable = sum((line.gain for line in plain.overlay.lines if line.disposal.account != "IRA"), D(0))
    counted = sum((line.counted for line in found.overlay.lines), D(0))
    kept = sum((part.adjustment for parts in found.overlay.held.values() for part in parts), D(0))
    lost = sum((line.lost for line in found.overlay.lines), D(0))
    assert counted - kept - lost == taxable
    for line in found.overlay.lines:
        assert 0 <= line.lost <= line.disallowed <= max(-line.gain, D(0))
        assert sum((units for _, units in line.replaced_by), D(0)) <= line.units
    for lot in found.lots:
        assert sum((part.units for part in found.overlay.held[lot.lot_id]), D(0)) == lot.remaining
