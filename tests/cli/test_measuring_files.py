"""`manna returns` and `manna risk` on files: figures, formats, and every fault of a file."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.cli import app

FLOWS = "date,flow,value\n2022-01-01,1000,1000\n2023-01-01,,1100\n2024-01-01,100,1310\n"
RETURNS = (
    "Date,Fund,SPY\n2024-01-03,0.02,0.01\n2024-01-02,-0.01,\n2024-01-04,-0.03,-0.02\n2024-01-05,0.04,0.02\n"
)


def asked(tmp_path: Path, text: str | bytes, *command: str) -> Any:
    file = tmp_path / "file.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CliRunner().invoke(app, [command[0], str(file), *command[1:]])


def as_json(tmp_path: Path, text: str, *command: str) -> list[dict[str, Any]]:
    result = asked(tmp_path, text, *command, "--format", "json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_returns_of_a_file(tmp_path: Path) -> None:
    weighted, dietz, money = as_json(tmp_path, FLOWS, "returns")
    assert weighted["rate"] == pytest.approx(1.1 * 1.1 - 1)
    assert weighted["per_year"] == pytest.approx(0.1, abs=1e-4)
    assert dietz["rate"] == pytest.approx(210 / 1000)
    assert money["per_year"] == pytest.approx(0.1, abs=1e-4)
    assert (weighted["from"], weighted["to"], weighted["note"]) == ("2022-01-01", "2024-01-01", None)


def test_flows_at_the_start_of_their_day(tmp_path: Path) -> None:
    [weighted, *_] = as_json(
        tmp_path, "date,flow,value\n2024-01-01,,100\n2024-01-02,100,220\n", "returns", "--timing", "start"
    )
    assert weighted["rate"] == pytest.approx(0.1)
    assert weighted["per_year"] is None


def test_what_cannot_be_said_is_null_with_a_reason(tmp_path: Path) -> None:
    rows = "date,flow,value\n2020-01-01,,1600\n2021-01-01,-10000,0\n2022-01-01,10000,0\n"
    weighted, dietz, money = as_json(tmp_path, rows, "returns")
    assert weighted["rate"] is None
    assert "nothing was there" in weighted["note"]
    assert (dietz["rate"], dietz["note"]) == (None, "no capital was at work")
    assert money["rate"] is None
    assert "several rates solve it: 0.25" in money["note"]


def test_risk_of_a_file(tmp_path: Path) -> None:
    fund, spy = as_json(tmp_path, RETURNS, "risk", "--benchmark", "SPY", "--tail", "0.25")
    assert (fund["series"], fund["periods"], spy["periods"]) == ("fund", 4, 3)
    assert fund["total_return"] == pytest.approx(0.99 * 1.02 * 0.97 * 1.04 - 1)
    assert (fund["peak"], fund["trough"], fund["recovered"]) == ("2024-01-03", "2024-01-04", "2024-01-05")
    assert fund["value_at_risk"] == pytest.approx(-0.015)
    assert (spy["beta"], spy["alpha"]) == (pytest.approx(1), pytest.approx(0))
    assert spy["information_ratio"] is None


def test_on_the_terminal(tmp_path: Path) -> None:
    assert "max_drawdown" in asked(tmp_path, RETURNS, "risk").stdout
    assert "time-weighted" in asked(tmp_path, FLOWS, "returns").stdout


@pytest.mark.parametrize(
    ("command", "text", "said"),
    [
        ("returns", "", "no column date, flow, value"),
        ("returns", "date,flow\n", "no column value; it needs date, flow, value"),
        ("returns", "date,flow,value\n", "values of two days; the file has 0"),
        ("returns", "date,flow,value\n2024-13-01,1,1\n", "line 2: '2024-13-01' is no day"),
        ("returns", "date,flow,value\n2024-01-01,,\n", "line 2: neither a flow nor a value"),
        ("returns", "date,flow,value\n2024-01-01,x,1\n2024-01-02,,inf\n", "line 3: value 'inf' is no number"),
        (
            "returns",
            "date,flow,value\n2024-01-01,,1\n2024-01-01,,2\n",
            "line 3: a second value of 2024-01-01",
        ),
        ("returns", b"\xff\xfe", "no CSV file in UTF-8"),
        ("risk", "date\n2024-01-01\n", "no column beside date"),
        ("risk", "date,a\n2024-01-01,0.1\n", "returns of two days; the file has 1"),
        ("risk", "date,a\n2024-01-01,0.1\n2024-01-01,0.2\n", "line 3: 2024-01-01 is there twice"),
        ("risk", "date,a\n2024-01-01,-1.5\n2024-01-02,0\n", "line 2: a -1.5 loses more than everything"),
        ("risk", "date,a,a\n2024-01-01,1,1\n", "columns need names of their own: 'a'"),
    ],
)
def test_every_fault_is_named(tmp_path: Path, command: str, text: str | bytes, said: str) -> None:
    result = asked(tmp_path, text, command)
    assert result.exit_code != 0
    assert said in str(result.exception) + result.output


@pytest.mark.parametrize(
    "command",
    [
        ("returns", "--timing", "noon"),
        ("risk", "--benchmark", "qqq"),
        ("risk", "--tail", "1"),
        ("risk", "--per-year", "0"),
        ("risk", "--risk-free", "-1"),
        ("returns", "--format", "pdf"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert asked(tmp_path, RETURNS if command[0] == "risk" else FLOWS, *command).exit_code != 0


def test_there_is_no_such_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["risk", str(tmp_path / "none.csv")])
    assert "there is no file" in str(result.exception)
