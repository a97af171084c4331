"""Which lot a sale takes, and the file it is read from."""

from datetime import date
from decimal import Decimal

import pytest

from manna.tax import tables
from manna.tax.trade_file import TradeFileError, read_trades
from manna.tax.walking import Worked, work_through

D = Decimal
COLUMNS = ("date", "account", "symbol", "side", "quantity", "price", "fees", "lot")
FILE = """
    2024-01-02 A X buy 10 10 0 first
    2024-02-02 A X buy 10 30 0 second
    2024-03-02 A X buy 10 20 0 third"""


def worked(text: str, method: str = "fifo") -> Worked:
    rows = [dict(zip(COLUMNS, line.split(), strict=False)) for line in text.strip().splitlines()]
    return work_through(read_trades(rows, COLUMNS), method)


@pytest.mark.parametrize(
    ("method", "taken"),
    [
        ("fifo", [("first", 10, 100), ("second", 5, 150)]),
        ("lifo", [("third", 10, 200), ("second", 5, 150)]),
        ("hifo", [("second", 10, 300), ("third", 5, 100)]),
        ("average", [("first", 10, 200), ("second", 5, 100)]),
    ],
)
def test_a_method_takes_its_lots(method: str, taken: list[tuple[str, int, int]]) -> None:
    lines = worked(FILE + "\n2024-04-02 A X sell 15 25", method).overlay.lines
    assert [(line.disposal.lot_id, line.quantity, line.cost) for line in lines] == taken


def test_specific_identification_takes_the_lot_that_is_named() -> None:
    found = worked(FILE + "\n2024-04-02 A X sell 4 25 0 second", "specific")
    assert [(line.disposal.lot_id, line.cost) for line in found.overlay.lines] == [("second", D(120))]
    assert [(lot.lot_id, lot.remaining) for lot in found.lots] == [
        ("first", 10),
        ("second", 6),
        ("third", 10),
    ]


def test_the_average_of_a_pool_over_several_sales() -> None:
    """26 CFR 1.1012-1(e)(7): the average moves with purchases, not with sales; the oldest leave first."""
    found = worked(
        """
        2024-01-02 A X buy 10 10
        2024-02-02 A X sell 5 12
        2024-03-02 A X buy 15 20
        2024-04-02 A X sell 10 25
        2024-05-02 A X sell 10 25""",
        "average",
    )
    gains = tables.realized(found.overlay.lines, date(2025, 1, 1))
    assert gains.group_by("sold", maintain_order=True).agg("cost")["cost"].list.sum().to_list() == [
        50,
        175,
        175,
    ]
    assert found.lots == ()


def test_a_reverse_split_keeps_the_cost() -> None:
    found = worked("2024-01-02 A X buy 30 10\n2024-02-01 A X split 1:3\n2024-03-01 A X sell 5 40")
    [line] = found.overlay.lines
    assert (line.cost, line.gain) == (D(150), D(50))


def test_fees_are_part_of_the_cost_and_leave_the_proceeds() -> None:
    [line] = worked("2024-01-02 A X buy 10 10 1.50\n2024-03-01 A X sell 10 12 2").overlay.lines
    assert (line.cost, line.proceeds, line.gain) == (D("101.50"), D(118), D("16.50"))


def test_totals_by_year_and_term() -> None:
    text = "2023-01-02 A X buy 10 10\n2024-01-02 A X sell 4 12\n2024-01-03 A X sell 4 12\n2025-01-02 A X sell 2 9"
    sums = tables.totals(tables.realized(worked(text).overlay.lines, date(2026, 1, 1)))
    assert sums.select("year", "term", "gain").rows() == [
        ("2024", "long", D(8)), ("2024", "short", D(8)), ("2025", "long", D(-2)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2024-13-01 A X buy 1 1", "date '2024-13-01' is no day"),
        ("20240101 A X buy 1 1", "date '20240101' is no day"),
        ("2024-01-01 A X short 1 1", "side 'short' is none of buy, sell, reinvest, split"),
        ("2024-01-01 A X buy one 1", "quantity 'one' is no number"),
        ("2024-01-01 A X buy NaN 1", "quantity 'NaN' is no number"),
        ("2024-01-01 A X buy 1e400 1", "quantity 1e400 is too large"),
        ("2024-01-01 A X buy 1 1e400", "price 1e400 is too large"),
        ("2024-01-01 A X buy 5.1234567891 1", "quantity 5.1234567891 has more than 9 decimals"),
        ("2024-01-01 A X buy -1 1", "is not above zero"),
        ("2024-01-01 A X buy 1 -1", "must not be below zero"),
        ("2024-01-01 A X split 1:0", "is no ratio"),
        ("2024-01-01 A X buy 1", "price '' is no number"),
        ("2024-01-01 A X sell 1 1", "only 0 are held: no lots"),
        ("2024-05-01 A X sell 31 1", "only 30 are held: 10 of 2024-01-02 (lot first), 10 of"),
        ("2024-05-01 B X sell 1 1", "only 0 are held"),
        ("2024-05-01 A X buy 1 1 0 first", "there is a lot first already"),
    ],
)
def test_every_fault_says_where_it_is(line: str, said: str) -> None:
    with pytest.raises(TradeFileError) as error:
        worked(FILE + "\n" + line)
    assert "line 5: " in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("lot", "said"),
    [
        ("", "names no lot"),
        ("fourth", "names lot fourth, which is not open"),
        ("first", "takes 11 of lot first"),
    ],
)
def test_a_wrong_identification_is_refused(lot: str, said: str) -> None:
    with pytest.raises(TradeFileError, match=said):
        worked(FILE + f"\n2024-05-01 A X sell 11 1 0 {lot}", "specific")


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(TradeFileError) as error:
        worked("2024-13-01 A X buy 1 1\n2024-01-01 A X buy x y")
    assert len(str(error.value).splitlines()) == 3


def test_missing_columns_are_named() -> None:
    with pytest.raises(TradeFileError, match="no column price; it needs date"):
        read_trades([], [name for name in COLUMNS if name != "price"])


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown method 'best'"):
        work_through([], "best")
