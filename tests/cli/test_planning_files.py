"""`manna rebalance plan` on files: the answer, its formats, and every fault of a file."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.cli import app

POSITIONS = (
    "Symbol,Quantity,Price,Cost,Opened\nVTI,80,100,4000,2020-01-02\nBND,10,100,900,2020-01-02\nCASH,1000,,,\n"
)
TARGETS = "targets: {weights: {VTI: 0.6, BND: 0.4}, lots: best, costs: {rate: 0}}\n"
DAY = ("--as-of", "2026-11-20")


def asked(
    tmp_path: Path, *more: str, positions: str = POSITIONS, targets: str = TARGETS, **files: str
) -> Any:
    paths = {"positions.csv": positions, "targets.yaml": targets}
    paths |= {f"{name}.csv": text for name, text in files.items()}
    for name, text in paths.items():
        (tmp_path / name).write_text(text)
    options = [part for name in files for part in (f"--{name}", str(tmp_path / f"{name}.csv"))]
    command = ["rebalance", "plan", "--positions", str(tmp_path / "positions.csv")]
    return CliRunner().invoke(
        app, [*command, "--targets", str(tmp_path / "targets.yaml"), *options, *DAY, *more]
    )


def trades(tmp_path: Path, *more: str, **files: str) -> dict[str, Any]:
    result = asked(tmp_path, "--format", "json", *more, **files)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    return {trade["symbol"]: trade for trade in document["trades"]} | {"": document}


def test_a_plan_from_files_alone(tmp_path: Path) -> None:
    found = trades(tmp_path)
    assert (found["VTI"]["side"], found["VTI"]["notional"], found["VTI"]["tax"]) == (
        "sell",
        "2000.00",
        "150.00",
    )
    assert (found["BND"]["side"], found["BND"]["notional"]) == ("buy", "3000.00")
    assert found[""]["tax"] == "150.00"


def test_for_people_it_says_what_from_which_lots_what_tax_and_why(tmp_path: Path) -> None:
    shown = asked(tmp_path).stdout
    for words in ("Sell for 2,000.00 USD", "lot of 2020-01-02", "long", "150.00", "Buy for 3,000.00 USD", "inside again", "80.0 % held, 60.0 % wanted: 20.0 % above target", "Expected tax"):  # fmt: skip
        assert words in shown, words


def test_lots_prices_and_trades_of_their_own(tmp_path: Path) -> None:
    lots = "symbol,quantity,cost,opened,lot\nVTI,40,2000,2020-01-02,a\nVTI,40,4400,2026-09-01,b\nBND,10,900,2020-01-02,c\n"
    found = trades(tmp_path, lots=lots, prices="symbol,price\nVTI,100\nBND,50\n")
    assert [part["lot_id"] for part in found["VTI"]["lots"]] == ["b"]
    bought = "date,account,symbol,side,quantity,price\n2026-11-01,IRA,VTI,buy,1,100\n"
    washed = trades(tmp_path, lots=lots, trades=bought)
    assert [part["lot_id"] for part in washed["VTI"]["lots"]] == ["a"], "the loss on b would be a wash sale"
    header = "date,account,symbol,side,quantity,price\n"
    for due, words in (
        ("2026-08-25,IRA,VTI,reinvest,1,100\n", "a reinvestment is expected about 2026-11-25"),
        ("".join(f"2026-{month}-20,401k,VTI,buy,1,100\n" for month in ("02", "05", "08")), "a quarterly purchase is expected about 2026-11-20"),
    ):  # fmt: skip
        expected = trades(tmp_path, lots=lots, trades=header + due)
        assert [part["lot_id"] for part in expected["VTI"]["lots"]] == ["a"], words
    only = {"positions": POSITIONS.replace(",4000,", ",9000,")}
    assert words in " ".join(asked(tmp_path, trades=header + due, **only).stdout.split())
    sold = "date,account,symbol,side,quantity,price\n2026-01-02,joint,BND,buy,9,90\n2026-11-02,joint,BND,sell,9,80\n"
    idle = asked(tmp_path, lots=lots, trades=sold).stdout
    assert "Buy for" not in idle
    assert "BND was sold at a loss on 2026-11-02 (joint)" in " ".join(idle.split())


def test_several_accounts(tmp_path: Path) -> None:
    both = "symbol,quantity,price,account\nVTI,80,100,ira\nCASH,2000,,ira\nVTI,9,100,joint\nBND,1,100,joint\n"
    result = asked(tmp_path, positions=both)
    assert "no rows of account ''; there are: 'ira', 'joint'; say which is traded with --account" in str(
        result.exception
    )
    found = trades(tmp_path, "--account", "ira", "--sheltered", "ira", positions=both)
    assert found["VTI"]["tax"] == "0.00"
    assert "the account is sheltered: its sales are not taxed" in found[""]["notes"]


def test_money_that_is_to_come(tmp_path: Path) -> None:
    found = trades(tmp_path, "--cash-flow", "5000")
    assert {found["VTI"]["side"], found["BND"]["side"]} == {"buy"}
    assert "5,000 USD coming in are counted" in found[""]["notes"]


def test_no_trades_have_a_reason(tmp_path: Path) -> None:
    even = "symbol,quantity,price\nVTI,60,1\nBND,40,1\n"
    assert "No trades: every weight is inside its band" in asked(tmp_path, positions=even).stdout
    said = json.loads(asked(tmp_path, "--format", "json", positions=even).stdout)
    assert said == {"trades": [], "why_none": "every weight is inside its band"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"positions": "ticker,quantity\n"}, "positions.csv has no column symbol; it needs symbol, quantity"),
        ({"positions": "symbol,quantity,price\nVTI,x,1\n"}, "positions.csv line 2: quantity 'x' is no number"),
        ({"positions": "symbol,quantity,price\n,1,1\n"}, "positions.csv line 2: symbol is missing"),
        ({"positions": "symbol,quantity,price\nVTI,-1,1\n"}, "VTI is sold short"),
        ({"positions": "symbol,quantity,price,opened\nVTI,1,1,1.2.2020\n"}, "opened '1.2.2020' is no day"),
        ({"lots": "symbol,quantity\nVTI,79\nBND,10\n"}, "VTI: the lots have 79 units, the positions 80"),
        ({"trades": "date,account,symbol,side,quantity,price\nx,a,VTI,buy,1,1\n"}, "trades.csv: line 2: date 'x' is no day"),
        ({"targets": "weights: {VTI: 0.5}\n"}, "weights sum to 0.5, not 1"),
        ({"targets": "weights: {VTI: 1}\nbands: 2\n"}, "targets.bands: Extra inputs are not permitted"),
        ({"targets": "[1]\n"}, "holds no targets"),
        ({"targets": "{"}, "is not readable YAML"),
        ({"targets": "id: home\nname: Home\n"}, "there are no targets in it"),
    ],
)  # fmt: skip
def test_every_fault_is_named(tmp_path: Path, files: dict[str, str], words: str) -> None:
    result = asked(tmp_path, **files)
    assert result.exit_code == 1
    assert words in str(result.exception), result.exception


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["rebalance", "plan"], "give --book BOOK, or --positions FILE and --targets FILE"),
        (["rebalance", "plan", "--positions", "p.csv"], "give --book BOOK, or --positions"),
        (["rebalance", "plan", "--book", "b", "--cash-flow", "much"], "--cash-flow 'much' is no amount"),
        (["rebalance", "plan", "--book", "b", "--format", "csv"], "unknown format 'csv'"),
        (
            ["rebalance", "plan", "--positions", "p.csv", "--targets", "nowhere.yaml"],
            "there is no file nowhere.yaml",
        ),
    ],
)
def test_what_cannot_be_asked(command: list[str], words: str) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert words in str(result.exception)
