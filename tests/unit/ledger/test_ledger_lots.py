"""Lots: first in first out, splits, holding periods."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manna.ledger import Lot, fifo, split_lots
from manna.ledger.lots import held, share, term


def lot(name, quantity, cost, opened=date(2025, 1, 2), **more):
    cost = None if cost is None else D(cost)
    carrying = more.pop("carrying", cost)
    return Lot(name, "a", "XYZ", opened, D(quantity), D(quantity), cost, D(carrying), "USD", **more)


def test_the_example_of_irs_publication_550():
    """Publication 550, "Identifying stock or bonds sold", the example of XYZ Corporation.

    100 shares at 10, then 200 at 11; 50 are given away; then 100 more at 9; then 130 are sold. The gift
    took 500 of basis, the sale 50 x 10 + 80 x 11 = 1,380.
    """
    bought = [lot("first", 100, 1000), lot("second", 200, 2200)]
    left, gift = fifo(bought, D(50))
    assert [(t.left.lot_id, t.quantity, t.carrying) for t in gift] == [("first", 50, 500)]
    left, sale = fifo([*left, lot("third", 100, 900)], D(130))
    assert [(t.left.lot_id, t.quantity, t.carrying) for t in sale] == [
        ("first", 50, 500),
        ("second", 80, 880),
    ]
    assert [(rest.lot_id, rest.remaining, rest.remaining_cost) for rest in left] == [
        ("second", 120, 1320),
        ("third", 100, 900),
    ]


def test_parts_of_a_lot_share_its_cost_to_the_cent_and_the_last_takes_the_rest():
    lots, costs = [lot("a", 3, 100)], []
    for _ in range(3):
        lots, (taken,) = fifo(lots, D(1))
        costs.append(taken.carrying)
    assert costs == [D("33.33"), D("33.34"), D("33.33")]  # 33.335 goes to the even cent
    assert lots == []


def test_more_than_is_held_takes_all_there_is():
    left, taken = fifo([lot("a", 3, 100), lot("b", 1, 50)], D(5))
    assert left == []
    assert sum(t.quantity for t in taken) == 4


def test_nothing_taken_leaves_all():
    lots = [lot("a", 3, 100)]
    assert fifo(lots, D(0)) == (lots, [])
    assert fifo([], D(1)) == ([], [])


def test_an_unknown_basis_stays_unknown():
    (left,), (taken,) = fifo([lot("a", 4, None, carrying=100)], D(1))
    assert (left.cost, left.remaining_cost, left.carrying) == (None, None, 75)
    assert (taken.left.cost, taken.carrying) == (None, 25)


def test_a_split_multiplies_every_lot_and_the_last_takes_the_rest():
    after = split_lots([lot("a", 1, 10), lot("b", 1, 20), lot("c", 1, 30)], D(1))
    assert [x.remaining for x in after] == [D("1.333333333"), D("1.333333333"), D("1.333333334")]
    assert [x.cost for x in after] == [10, 20, 30]


def test_a_split_restates_what_was_sold_before():
    (part,), _ = fifo([lot("a", 10, 100)], D(4))
    (after,) = split_lots([part], D(6))
    assert (after.quantity, after.remaining, after.cost, after.remaining_cost) == (20, 12, 100, 60)


def test_a_reverse_split_takes_shares():
    assert [x.remaining for x in split_lots([lot("a", 10, 100), lot("b", 20, 100)], D(-27))] == [1, 2]


@pytest.mark.parametrize("added", ["-3", "-4"])
def test_a_split_that_would_leave_nothing_is_refused(added):
    with pytest.raises(ValueError, match="cannot turn 3 units"):
        split_lots([lot("a", 3, 100)], D(added))


def test_a_split_of_nothing_is_refused():
    with pytest.raises(ValueError, match="cannot turn 0 units"):
        split_lots([], D(3))


@pytest.mark.parametrize(
    ("opened", "closed", "expected"),
    [
        # IRS Publication 544 (2024), "Holding period": bought 15 June 2023, sold 15 June 2024 is not longer.
        (date(2023, 6, 15), date(2024, 6, 15), "short"),
        (date(2023, 6, 15), date(2024, 6, 16), "long"),
        (date(2023, 6, 15), date(2024, 6, 17), "long"),
        (date(2023, 6, 15), date(2023, 6, 15), "short"),
        # Bought on the last day of a month: months end on the last days of months (Rev. Rul. 66-7).
        (date(2019, 2, 28), date(2020, 2, 29), "short"),
        (date(2019, 2, 28), date(2020, 3, 1), "long"),
        (date(2020, 2, 29), date(2021, 2, 28), "short"),
        (date(2020, 2, 29), date(2021, 3, 1), "long"),
        (date(2020, 2, 28), date(2021, 2, 28), "short"),
        (date(2020, 2, 28), date(2021, 3, 1), "long"),
    ],
)
def test_terms(opened, closed, expected):
    assert term(lot("a", 1, 1, opened), closed) == expected
    undated = lot("a", 1, 1, opened, dated=False)
    assert term(undated, closed) == ("long" if expected == "long" else "unknown")


def test_shares_are_exact_beyond_the_usual_precision():
    whole = D("1234567890123456789.000000001")
    assert share(D("99999999999999.99"), whole, whole, "USD") == D("99999999999999.99")
    assert share(D(10), D(1), D(3), "JPY") == D(3)


quantities = st.decimals("0.000000001", 1000, places=9)
bought_lots = st.lists(st.tuples(quantities, st.decimals("0.01", 99999, places=2)), min_size=1, max_size=6)


def from_pairs(pairs):
    return [lot(str(i), quantity, cost) for i, (quantity, cost) in enumerate(pairs)]


@given(bought_lots, st.lists(quantities, max_size=6))
def test_nothing_is_lost_and_nothing_made(pairs, sales):
    lots = from_pairs(pairs)
    sold, cost = D(0), D(0)
    for wanted in sales:
        before = held(lots)
        lots, taken = fifo(lots, wanted)
        assert sum(t.quantity for t in taken) == min(wanted, before)
        sold += sum(t.quantity for t in taken)
        cost += sum(t.carrying for t in taken)
    assert held(lots) + sold == sum(quantity for quantity, _ in pairs)
    assert sum((x.carrying for x in lots), D(0)) + cost == sum(cost for _, cost in pairs)
    assert all(x.remaining > 0 for x in lots)


@given(bought_lots, st.decimals("-0.9", 9, places=9))
def test_a_split_changes_no_cost_and_no_lot_falls_below_zero(pairs, ratio):
    lots = from_pairs(pairs)
    added = (held(lots) * ratio).quantize(D("1e-9"))
    if held(lots) + added <= 0:
        return
    after = split_lots(lots, added)
    assert held(after) == held(lots) + added
    assert all(x.remaining >= 0 for x in after)
    assert [x.remaining_cost for x in after] == [x.remaining_cost for x in lots]


@given(bought_lots, st.decimals("0", 9, places=3), st.integers(1, 4))
def test_a_split_before_selling_out_does_not_change_what_was_paid(pairs, ratio, parts):
    lots = from_pairs(pairs)
    split = split_lots(lots, (held(lots) * ratio).quantize(D("1e-9")))
    total, cost = held(split), D(0)
    for part in range(parts):
        wanted = total if part == parts - 1 else (total / parts).quantize(D("1e-9"))
        split, taken = fifo(split, wanted)
        cost += sum(t.carrying for t in taken)
    assert cost + sum((x.carrying for x in split), D(0)) == sum(cost for _, cost in pairs)
