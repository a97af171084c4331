"""Scales and geometry: round ticks, and a defined picture for no, one, zero and negative values."""

import re
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manna.documents import charts

D = Decimal
amounts = st.decimals(D("-1e12"), D("1e12"), places=2)


def days(count):
    return [date(2024, 1, 31) + timedelta(days=30 * i) for i in range(count)]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        ("0", "0", ["0"]),
        ("0", "100", ["0", "20", "40", "60", "80", "100"]),
        ("0", "12000", ["0", "2500", "5000", "7500", "10000", "12500"]),
        ("310000", "349504", ["310000", "320000", "330000", "340000", "350000"]),
        ("-30", "70", ["-40", "-20", "0", "20", "40", "60", "80"]),
        ("0.01", "0.05", ["0.01", "0.02", "0.03", "0.04", "0.05"]),
        ("500", "500", ["0", "100", "200", "300", "400", "500"]),
        ("-500", "-500", ["-500", "-400", "-300", "-200", "-100", "0"]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low, high, ticks):
    assert list(charts.nice_ticks(D(low), D(high))) == [D(tick) for tick in ticks]


@given(amounts, amounts)
def test_ticks_enclose_any_range_with_few_equal_steps(one, other):
    low, high = sorted((one, other))
    ticks = charts.nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    steps = {after - before for before, after in pairwise(ticks)}
    assert len(steps) == (0 if low == high == 0 else 1)
    assert len(ticks) <= 7
    for step in steps:
        assert step.normalize().scaleb(-step.adjusted()) in (D(1), D(2), D("2.5"), D(5))


def test_no_data_is_no_chart():
    assert charts.line_chart([]) is None
    assert charts.column_chart([], [], []) is None
    assert charts.ranked_chart([]) is None


def test_a_single_point_stands_in_the_middle_and_is_labelled():
    chart = charts.line_chart([(date(2026, 3, 31), D(100))])
    middle = str(charts.LEFT + (charts.WIDTH - charts.LEFT - charts.RIGHT) // 2)
    assert chart.last == (middle, str(charts.TOP))
    assert [(tick.label, tick.year) for tick in chart.dates] == [("Mar", "2026")]


def test_only_zeros_lie_on_a_baseline_with_one_tick():
    chart = charts.line_chart([(day, D(0)) for day in days(3)])
    bottom = str(charts.HEIGHT - charts.BOTTOM)
    assert [row.label for row in chart.rows] == ["0"]
    assert chart.baseline == bottom
    assert {y for _, y in chart.dots} == {bottom}
    columns = charts.column_chart(days(2), [[D(0), D(0)]], [["", ""]])
    assert {bar.height for bar in columns.bars} == {"0"}
    assert charts.ranked_chart([("a", D(0), "0", None)]).bars[0].width == "0"


def test_points_are_drawn_by_day_whatever_their_order():
    points = [(day, D(i)) for i, day in enumerate(days(5))]
    assert charts.line_chart(points[::-1]) == charts.line_chart(points)


def test_the_scale_is_cut_only_when_zero_would_cost_half_the_height():
    assert charts.line_chart([(days(2)[0], D(40)), (days(2)[1], D(100))]).from_zero
    assert not charts.line_chart([(days(2)[0], D(90)), (days(2)[1], D(100))]).from_zero
    assert charts.line_chart([(days(2)[0], D(-40)), (days(2)[1], D(-100))]).from_zero


def test_the_last_label_keeps_clear_of_the_line():
    rising = charts.line_chart([(days(2)[0], D(0)), (days(2)[1], D(50)), (days(3)[2], D(80))])
    falling = charts.line_chart([(days(2)[0], D(80)), (days(2)[1], D(50)), (days(3)[2], D(40))])
    assert D(rising.label_y) < D(rising.last[1])
    assert D(falling.label_y) > D(falling.last[1])


def test_negative_columns_hang_below_the_baseline():
    chart = charts.column_chart(days(1), [[D(100)], [D(-100)]], [["up"], ["down"]])
    up, down = chart.bars
    assert D(up.y) + D(up.height) == D(chart.baseline) == D(down.y)
    assert up.height == down.height
    assert (up.series, down.series) == (1, 2)


def test_ranked_bars_start_at_zero_and_show_it_when_something_is_negative():
    chart = charts.ranked_chart([("a", D(300), "300", D(-100)), ("b", D(-100), "-100", None)])
    first, second = chart.bars
    assert chart.zero == first.x == str(D(second.x) + D(second.width))
    assert first.mark == second.x == "1"
    assert second.mark is None
    assert charts.ranked_chart([("a", D(1), "1", None)]).zero is None


def test_a_long_label_is_cut_and_kept_whole_for_the_title():
    bar = charts.ranked_chart([("x" * 100, D(1), "1", None)], longest_label=10).bars[0]
    assert bar.label == "x" * 9 + "…"
    assert bar.full_label == "x" * 100


def test_dates_are_few_end_at_the_last_and_name_each_year_once():
    ticks = charts.line_chart([(day, D(1)) for day in days(36)]).dates
    assert len(ticks) <= 7
    assert ticks[-1].label == "Dec"
    assert [tick.year for tick in ticks if tick.year] == ["2024", "2025", "2026"]


def test_many_points_are_a_line_without_dots():
    assert charts.line_chart([(day, D(1)) for day in days(120)]).dots == ()


@given(st.lists(st.tuples(st.dates(date(2000, 1, 1), date(2060, 1, 1)), amounts), min_size=1, max_size=40))
def test_every_coordinate_lies_inside_the_chart(points):
    chart = charts.line_chart(points)
    numbers = re.findall(r"(-?[\d.]+) (-?[\d.]+)", chart.path)
    assert len(numbers) == len(points)
    for x, y in [*numbers, chart.last]:
        assert charts.LEFT <= D(x) <= charts.WIDTH - charts.RIGHT
        assert charts.TOP <= D(y) <= charts.HEIGHT - charts.BOTTOM
    assert 0 < D(chart.label_y) < charts.HEIGHT
