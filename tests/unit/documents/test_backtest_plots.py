"""Pictures of a backtest: few points of many days, and the deepest fall among them."""

from datetime import date, timedelta

import polars as pl

from manna.documents.backtest_plots import backtest_plots
from manna.documents.charts import LineChart
from manna.documents.curves import Curves
from manna.documents.page import render_picture
from manna.documents.plots import markdown


def days(count: int, *, benchmark: bool = True) -> pl.DataFrame:
    value = [10_000.0 + number for number in range(count)]
    fallen = [-0.5 if number == count // 3 else -0.1 for number in range(count)]
    return pl.DataFrame(
        {
            "date": [date(2004, 1, 1) + timedelta(days=number) for number in range(count)],
            "value": value,
            "cash": [0.0] * count,
            "benchmark": value if benchmark else [None] * count,
            "drawdown": fallen,
        },
        schema_overrides={"benchmark": pl.Float64},
    )


def test_twenty_years_are_few_points_and_no_fall_is_left_out() -> None:
    value, drawdown = backtest_plots(days(5_040, benchmark=False))
    assert [value.title, drawdown.title] == ["Value", "Drawdown"]
    for figure in (value, drawdown):
        assert isinstance(figure.chart, LineChart)
        assert figure.chart.path.count("L") <= 120
    assert value.label == "15,039"
    assert value.description.startswith("first 10,000 on 2004-01-01, last 15,039 on 2017-10-18")
    assert "lowest −50.0% on 2008-08-07" in drawdown.description
    assert isinstance(drawdown.chart, LineChart)
    assert "−50" in [tick.label for tick in drawdown.chart.rows]


def test_strategy_and_benchmark_are_two_lines_of_one_picture() -> None:
    beside = days(5_040).with_columns(pl.col("benchmark") * 1.5)
    value, drawdown = backtest_plots(beside)
    assert [value.title, drawdown.title] == ["Value", "Drawdown"]
    assert isinstance(value.chart, Curves)
    assert len(value.chart.paths) == 2
    assert all(path.count("L") <= 121 for path in value.chart.paths)
    assert value.legend == ("Strategy 15,039", "Benchmark 22,558")
    assert value.description.startswith(
        "Strategy: first 10,000 on 2004-01-01, last 15,039 on 2017-10-18; Benchmark:"
    )
    assert value.chart.rows[-1].label == "25,000"
    picture = render_picture(value)
    assert picture.count('class="line-') == 2
    assert "Benchmark 22,558</text>" in picture


def test_without_a_benchmark_there_is_no_picture_of_it() -> None:
    drawn = backtest_plots(days(2, benchmark=False))
    assert [figure.anchor for figure in drawn] == ["value", "drawdown"]
    assert all("data:image/svg+xml;base64," in markdown(figure) for figure in drawn)
