"""Lot methods in the books: which instruction holds for a sale, worked by hand for every method."""

from datetime import date
from decimal import Decimal as D

import polars as pl
import pytest
from ledger_examples import ABC, BOOK, MONEY, frames, sums, trade

from manna.ledger import keep_books, out_of_balance
from manna.ledger.instructions import Instruction
from manna.ledger.settlement import settlement_day

SECURITIES = "Assets:Investments:Bank Broker:Securities"
FUND = {"security_id": "ABC", "symbol": "ABC", "type": "mutual fund"}
BOUGHT = [
    trade("b1", "2024-01-02", "buy", 10, -100),
    trade("b2", "2024-02-02", "buy", 10, -300),
    trade("b3", "2024-03-04", "buy", 10, -200),
]
SOLD = trade("s", "2026-03-05", "sell", -15, 375)  # a Thursday: settles on Friday


def told(number, method, made_on="2026-03-06", **more):
    return Instruction(number, "broker", method, date.fromisoformat(made_on), "me", **more)


def kept(*instructions, trades=(*BOUGHT, SOLD), security=ABC):
    tables = frames(securities=[MONEY, security], trades=list(trades))
    books = keep_books(BOOK, **tables, instructions=instructions)
    assert out_of_balance(books.postings).is_empty()
    cost = books.lots["remaining_cost"].sum()
    assert cost == sums(books)[SECURITIES]
    by_lot = books.postings.drop_nulls("lot_id").group_by("lot_id").agg(pl.col("amount").sum())
    both = books.lots.join(by_lot, on="lot_id")
    assert both["remaining_cost"].equals(both["amount"], check_names=False), (
        "lots are carried as the postings say"
    )
    return books


def taken(books):
    return books.gains.sort("opened").select("quantity", "cost", "method").rows()


def lot_of(trade_id):
    [found] = keep_books(BOOK, **frames(trades=[t for t in BOUGHT if t["trade_id"] == trade_id])).lots[
        "lot_id"
    ]
    return found


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("fifo", [(10, 100, "fifo"), (5, 150, "fifo")]),
        ("lifo", [(5, 150, "lifo"), (10, 200, "lifo")]),
        ("hifo", [(10, 300, "hifo"), (5, 100, "hifo")]),
        ("average", [(10, 200, "average"), (5, 100, "average")]),
    ],
)
def test_a_standing_instruction(method, expected):
    """Lots of 10 at 10, 30 and 20; 15 are sold. By hand, as for files (tests/unit/tax/test_trade_file)."""
    books = kept(told(1, method, since=date(2026, 1, 1)), security=FUND)
    assert taken(books) == expected
    assert books.refused_instructions == ()


def test_specific_identification_takes_the_lots_that_are_named():
    """26 CFR 1.1012-1(c)(2)."""
    named = ((lot_of("b3"), D(9)), (lot_of("b1"), D(6)))
    books = kept(told(1, "specific", trade_id="s", lots=named))
    assert taken(books) == [(6, 60, "specific"), (9, 180, "specific")]


def test_without_an_instruction_the_first_in_leave_first():
    assert taken(kept()) == [(10, 100, "fifo"), (5, 150, "fifo")]


def test_an_instruction_after_settlement_is_refused_and_fifo_stands():
    books = kept(told(1, "hifo", made_on="2026-03-09", trade_id="s"))
    assert taken(books) == [(10, 100, "fifo"), (5, 150, "fifo")]
    [said] = books.refused_instructions
    assert "instruction 1 (hifo, by me on 2026-03-09) does not hold for the sale s of 2026-03-05" in said
    assert "the sale settled on 2026-03-06" in said


def test_an_earlier_instruction_holds_where_a_later_one_is_too_late():
    books = kept(told(1, "lifo", made_on="2026-01-02"), told(2, "hifo", made_on="2026-03-09", trade_id="s"))
    assert {method for *_, method in taken(books)} == {"lifo"}
    assert len(books.refused_instructions) == 1


def test_of_two_in_time_the_one_for_the_sale_holds_then_the_later():
    early = told(1, "hifo", made_on="2026-03-05", trade_id="s")
    assert taken(kept(early, told(2, "lifo", made_on="2026-03-05")))[0][2] == "hifo"
    assert taken(kept(early, told(2, "lifo", made_on="2026-03-06", trade_id="s")))[0][2] == "lifo"


@pytest.mark.parametrize(
    "about", [{"security_id": "XYZ"}, {"trade_id": "another"}, {"since": date(2026, 3, 6)}]
)
def test_what_is_about_something_else_changes_nothing(about):
    books = kept(told(1, "hifo", made_on="2026-03-05", **about))
    assert taken(books)[0][2] == "fifo"
    assert books.refused_instructions == ()


def test_average_cost_of_a_stock_is_refused():
    """26 CFR 1.1012-1(e)(1)."""
    books = kept(told(1, "average", made_on="2026-03-05"))
    assert taken(books)[0][2] == "fifo"
    assert "only for mutual funds" in books.refused_instructions[0]


def test_average_cost_of_shares_bought_with_dividends():
    rows = [
        *BOUGHT,
        trade("r", "2025-01-02", "reinvestment", 10, -200),
        trade("s", "2026-03-05", "sell", -15, 375),
    ]
    books = kept(told(1, "average", made_on="2026-03-05"), trades=rows)
    assert [cost for _, cost, _ in taken(books)] == [200, 100]  # 800 over 40


@pytest.mark.parametrize(
    ("lots", "said"),
    [
        (lambda: ((lot_of("b1"), D(11)), (lot_of("b2"), D(4))), "holds 10, not 11"),
        (lambda: (("nothing", D(15)),), "lot nothing holds 0, not 15"),
        (lambda: ((lot_of("b1"), D(4)),), "names 4 units, and 15 are sold"),
    ],
)
def test_lots_that_cannot_be_meant_are_refused(lots, said):
    books = kept(told(1, "specific", trade_id="s", lots=lots()))
    assert taken(books)[0][2] == "fifo"
    assert said in books.refused_instructions[0]


def test_the_average_over_several_sales():
    """26 CFR 1.1012-1(e)(7): the average moves with purchases, not with sales. As in tests/unit/tax/test_trade_file."""
    rows = [
        trade("b1", "2024-01-02", "buy", 10, -100),
        trade("s1", "2024-02-02", "sell", -5, 60),
        trade("b2", "2024-03-04", "buy", 15, -300),
        trade("s2", "2024-04-02", "sell", -10, 250),
        trade("s3", "2024-05-02", "sell", -10, 250),
    ]
    books = kept(told(1, "average", made_on="2024-01-02"), trades=rows, security=FUND)
    assert books.gains.group_by("closed").agg(pl.col("cost").sum()).sort("closed")["cost"].to_list() == [
        50,
        175,
        175,
    ]
    assert books.lots["remaining_cost"].to_list() == [0, 0]


@pytest.mark.parametrize(
    ("traded", "settled"),
    [
        ("2026-03-05", "2026-03-06"),
        ("2026-03-06", "2026-03-09"),  # over a week-end
        ("2026-07-02", "2026-07-06"),  # over the Third of July, on which 2026's holiday is kept
        ("2024-05-24", "2024-05-29"),  # the last day of T+2, before Memorial Day
        ("2024-05-28", "2024-05-29"),
        ("2017-09-01", "2017-09-07"),  # the last day of T+3, before Labor Day
    ],
)
def test_settlement(traded, settled):
    """17 CFR 240.15c6-1 as of each day."""
    assert settlement_day(date.fromisoformat(traded)) == date.fromisoformat(settled)
