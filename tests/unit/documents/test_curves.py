"""Curves and maps of heat: defined for what a book brings, and drawn where they belong."""

from datetime import date, timedelta

import pytest

from manna.documents import curves

DAYS = [date(2025, 1, 1) + timedelta(n) for n in range(400)]


def test_nothing_or_one_point_is_no_curve():
    assert curves.curves([[], []]) is None
    assert curves.curves([[(DAYS[0], 0.1)]]) is None
    assert curves.heat_map([]) is None


def test_a_flat_curve_and_one_through_the_base_are_on_the_axis():
    flat = curves.curves([[(DAYS[0], 0.0), (DAYS[1], 0.0)]])
    assert flat is not None
    assert next(iter(flat.rows)).label == "0.00%"
    made = curves.curves([[(DAYS[0], -0.1), (DAYS[-1], 0.25)]], filled=True)
    assert made is not None
    assert [tick.label for tick in made.rows] == ["−10%", "0%", "10%", "20%", "30%"]
    assert made.base is not None
    assert made.area.endswith("Z")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0.2, [0, 0.05, 0.1, 0.15, 0.2]),
        (-0.031, 0, [-0.04, -0.03, -0.02, -0.01, 0]),
        (0.5, 0.5, [0.5, 0.5025, 0.505, 0.5075, 0.51]),
    ],
)
def test_ticks_are_round_and_enclose(low, high, expected):
    assert curves.nice(low, high) == pytest.approx(expected)


def test_dates_are_months_with_the_year_below_the_first_of_each():
    made = curves.curves([[(DAYS[0], 0.0), (DAYS[-1], 0.1)]])
    assert made is not None
    assert [(tick.label, tick.year) for tick in made.dates] == [
        ("Jan", "2025"), ("Apr", ""), ("Jul", ""), ("Oct", ""), ("Jan", "2026"),
    ]  # fmt: skip


def test_a_map_has_a_cell_for_every_month_and_shades_by_size():
    made = curves.heat_map(
        [(2025, [None] * 10 + [0.001, -0.09], -0.0891), (2026, [0.05] + [None] * 11, 0.05)]
    )
    assert made is not None
    assert len(made.cells) == 26
    assert [tick.label for tick in made.years] == ["2026", "2025"]
    assert {cell.shade for cell in made.cells} == {"none", "up-1", "down-5", "up-4"}
    assert made.cells[-1].title == "2025: −8.9%"


def test_rates_as_text():
    assert curves.rate(0.1234) == "12.3%"
    assert curves.rate(-0.00001) == "0.0%"
    assert curves.rate(0.01, 2, signed=True) == "+1.00%"
    assert curves.rate(None) == "–"
