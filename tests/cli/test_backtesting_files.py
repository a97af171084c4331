"""`manna backtest` on files: figures, days, trades, and everything that can be got wrong."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from console import Demo, Manna
from typer.testing import CliRunner

from pipelines.cli import app

PRICES = "Date,a,SPY\n" + "".join(
    f"2024-0{month}-{day:02},{100 + 10 * month + day},{50 + month}\n"
    for month in (1, 2, 3)
    for day in (2, 3, 4)
)
ALL_IN = ("--set", "targets=a:1")


def asked(tmp_path: Path, *command: str, text: str = PRICES) -> Any:
    file = tmp_path / "prices.csv"
    file.write_text(text)
    return CliRunner().invoke(app, ["backtest", str(file), *command])


def as_json(tmp_path: Path, *command: str, text: str = PRICES) -> list[dict[str, Any]]:
    result = asked(tmp_path, *command, "--format", "json", text=text)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_figures(tmp_path: Path) -> None:
    [found] = as_json(tmp_path, *ALL_IN, "--capital", "1130", "--benchmark", "spy")
    assert (found["strategy"], found["from"], found["to"]) == ("fixed targets", "2024-01-02", "2024-03-04")
    assert found["final_value"] == pytest.approx(1_340)  # ten shares at 113 and at 134
    assert found["benchmark_return"] == pytest.approx(53 / 51 - 1)
    assert found["annual_return"] is None


def test_costs_whole_shares_and_span(tmp_path: Path) -> None:
    trades = as_json(
        tmp_path, *ALL_IN, "--from", "2024-02-01", "--to", "2024-02-29", "--whole-shares",
        "--cost-bps", "50", "--slippage-bps", "50", "--per-order", "1", "--show", "trades",
    )  # fmt: skip
    assert trades == [{"date": "2024-02-03", "symbol": "A", "units": 80.0, "price": 123.0}]


def test_contributions(tmp_path: Path) -> None:
    [found] = as_json(tmp_path, "--set", "targets=SPY:0", "--contribution", "-100", "--benchmark", "SPY")
    assert (found["final_value"], found["contributions"]) == (9_800, -200)


def test_days_as_csv(tmp_path: Path) -> None:
    result = asked(tmp_path, *ALL_IN, "--show", "days", "--format", "csv", "--every", "quarter")
    assert result.stdout.splitlines()[:2] == [
        "date,value,cash,benchmark,drawdown",
        "2024-01-02,10000.0,10000.0,,0.0",
    ]


def test_a_table_for_people(tmp_path: Path) -> None:
    gone = "date,symbol,close,delisted\n2024-01-02,A,1,\n2024-01-03,A,1,\n2024-01-04,A,,0.5\n"
    result = asked(tmp_path, *ALL_IN, text=gone)
    assert result.exit_code == 0
    assert "fixed targets, 2024-01-02 to 2024-01-04" in result.stdout
    assert "2024-01-04  A was delisted and paid out" in result.stdout


@pytest.mark.parametrize("name", ["moving-average-cross", "Moving_Average_Cross"])
def test_names_may_be_written_with_hyphens(tmp_path: Path, name: str) -> None:
    [found] = as_json(
        tmp_path, "--strategy", name, "--set", "fast=2", "--set", "slow=3", "--set", "exponential=true"
    )
    assert found["strategy"] == "moving average cross"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("--strategy", "magic"), "unknown strategy 'magic'; there are: fixed targets"),
        ((), "fixed targets needs targets"),
        (("--set", "targets"), "'targets' is no parameter; write it as count=5"),
        (("--set", "targets=a:x"), "'x' is neither a number nor true or false"),
        (("--strategy", "momentum", "--set", "count=0.5"), "count is a whole number, not 0.5"),
        ((*ALL_IN, "--every", "hour"), "unknown period 'hour'"),
        ((*ALL_IN, "--show", "chart"), "unknown table 'chart'"),
        ((*ALL_IN, "--book", "household"), "name a file of prices, or a book"),
        ((*ALL_IN, "--symbol", "X"), "there are no prices of X; there are: A, SPY"),
        ((*ALL_IN, "--from", "2030-01-01"), "prices are from 2024-01-02 to 2024-03-04"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly(tmp_path: Path, command: tuple[str, ...], said: str) -> None:
    result = asked(tmp_path, *command)
    assert result.exit_code == 1
    assert said in str(result.exception)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,A\n2024-01-02,x\n", "prices.csv: line 2: close of A 'x' is no price"),
        ("date,A\n2024-01-02,1,2\n", "is no CSV file in UTF-8"),
        ("date,A,a\n2024-01-02,1,2\n", "columns need names of their own: a"),
        ("", "is no CSV file in UTF-8"),
    ],
)
def test_a_file_of_something_else(tmp_path: Path, text: str, said: str) -> None:
    result = asked(tmp_path, *ALL_IN, text=text)
    assert result.exit_code == 1
    assert said in str(result.exception)


def test_no_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["backtest", str(tmp_path / "none.csv"), *ALL_IN])
    assert "there is no file" in str(result.exception)
    result = CliRunner().invoke(app, ["backtest", str(tmp_path), *ALL_IN])
    assert result.exit_code == 1
    assert str(tmp_path) in str(result.exception)


@pytest.mark.slow  # a finished demo, and the database of a copy
def test_a_books_targets_on_the_lakes_own_bars(manna: Manna, demo: Demo) -> None:
    told = manna(demo.data_dir, "backtest", "--book", "household", "--benchmark", "VTI", "--format", "json")
    [found] = json.loads(told.out)
    assert found["strategy"] == "fixed targets"
    assert found["trades"] > 12
    assert found["benchmark_return"] is not None
    split = manna(
        demo.data_dir, "backtest", "--book", "household", "--set", "targets=NVDA:1", "--show", "days", "--format", "csv"
    )  # fmt: skip
    values = [float(line.split(",")[1]) for line in split.out.splitlines()[1:]]
    assert max(abs(late / early - 1) for early, late in itertools.pairwise(values)) < 0.3
    none = manna(demo.data_dir, "backtest", "--book", "studio").complaint
    assert "studio has no targets; add --set targets=VTI:0.6,BND:0.4" in none
    unknown = manna(demo.data_dir, "backtest", "--book", "household", "--set", "targets=SPX:1").complaint
    assert "there are no prices of SPX; there are: AAPL" in unknown


@pytest.mark.parametrize(
    ("section", "asked_for", "said"),
    [
        (
            "{a: {strategy: momentum, sweep: {count: [1, 2]}}}",
            (),
            "add --partition b.a.count-1, or FIRST...LAST",
        ),
        (
            "{a: {strategy: momentum}}",
            ("--partition", "b.c"),
            "there is no set of parameters 'b.c'; from b.a to b.a",
        ),
        (
            "{a: {strategy: momentum, sweep: {count: [1, 2]}}}",
            ("--partition", "b.a.count-2...b.a.count-1"),
            "b.a.count-2 is after b.a.count-1",
        ),
        ("{}", ("--partition", "b.c"), "no book's file has a section backtests"),
        ("{a: {strategy: magic}}", (), "backtests.a.strategy: Input should be 'fixed targets'"),
    ],
)
def test_a_partition_is_a_set_of_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str, asked_for: tuple[str, ...], said: str
) -> None:
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "b.yaml").write_text(f"id: b\nname: B\nbacktests: {section}\n")
    monkeypatch.setenv("MANNA_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(app, ["run", "backtests", *asked_for])
    assert result.exit_code == 1
    assert said in str(result.exception)
