"""`manna export`: other programs read the books without an error and come to the same figures, to the cent."""

import csv
import io
import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import convert, data

from manna.exporting import DIALECTS, names

MONTH, BEGIN, END = "2026-02", "2026-02-01", "2026-03-01"
BOOKS = ("studio", pytest.param("household", marks=pytest.mark.slow))
Sums = dict[str, Decimal]


@pytest.fixture(params=BOOKS)
def book(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def exported(manna: Any, demo: Any, tmp_path: Path) -> Callable[[str, str], Path]:
    def write(dialect: str, book: str) -> Path:
        path = tmp_path / f"{book}.{dialect}"
        said = manna(demo.data_dir, "export", dialect, "--book", book, "--to", str(path))
        assert (said.code, said.out) == (0, "")
        return path

    return write


@pytest.fixture
def ours(manna: Any, demo: Any, book: str) -> tuple[Sums, Sums]:
    """Balance sheet and income statement by account, positive = debit; houses and cars at cost and their revaluation."""

    def lines(report: str) -> list[dict[str, str]]:
        said = manna(demo.data_dir, "report", report, "--book", book, "--period", MONTH, "--format", "json")
        return [row for row in json.loads(said.out) if row["level"] == "line" and ":" in row["account"]]

    def sums(report: str) -> Sums:
        return {
            row["account"]: Decimal(row["amount"]) * (1 if row["section"] in ("Assets", "Expenses") else -1)
            for row in lines(report)
        }

    # The balance sheet tells what is unrealized in a column beside the cost, the exports in accounts of its own.
    revalued = {
        row["account"]: Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
        for row in lines("trial_balance")
        if row["account"].endswith(":Revaluation")
    }
    return _some(sums("balance_sheet") | revalued), _some(sums("income_statement"))


def test_beancount_agrees(exported: Any, ours: tuple[Sums, Sums], book: str) -> None:
    entries, errors, _ = loader.load_file(str(exported("beancount", book)))
    assert errors == []
    sheet: Sums = defaultdict(Decimal)
    income: Sums = defaultdict(Decimal)
    for entry in entries:
        if not isinstance(entry, data.Transaction):
            continue
        for posting in entry.postings:
            root, amount = posting.account.partition(":")[0], convert.get_weight(posting).number
            if root in ("Income", "Expenses"):
                income[posting.account] += amount if BEGIN <= str(entry.date) < END else 0
            elif str(entry.date) < END:
                sheet[posting.account] += amount
    for theirs, our in zip((sheet, income), ours, strict=True):
        assert _some(theirs) == {names.beancount_account(name): amount for name, amount in our.items()}


@pytest.mark.parametrize("program", ["hledger", "ledger"])
def test_hledger_and_ledger_agree(exported: Any, ours: tuple[Sums, Sums], book: str, program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian: apt-get install {program})")
    path = exported(program, book)
    ask = _hledger if program == "hledger" else _ledger
    sheet = ask(path, ("-e", END, "^Assets", "^Liabilities", "^Equity"))
    income = ask(path, ("-b", BEGIN, "-e", END, "^Income", "^Expenses"))
    assert (sheet, income) == ours


def _hledger(path: Path, question: tuple[str, ...]) -> Sums:
    _said("hledger", "-f", str(path), "check", "--strict")
    asked = ("balance", "-B", "--flat", "--no-total", "-O", "csv", *question)
    rows = csv.DictReader(io.StringIO(_said("hledger", "-f", str(path), *asked)))
    return _some({row["account"]: Decimal(row["balance"].removesuffix(" USD")) for row in rows})


def _ledger(path: Path, question: tuple[str, ...]) -> Sums:
    asked = ("balance", "-B", "--flat", "--no-total", "--format", "%(account)\t%(amount)\n", *question)
    lines = _said("ledger", "-f", str(path), "--pedantic", "--args-only", *asked).splitlines()
    read = (line.split("\t") for line in lines if line)
    return _some({account: Decimal(amount.removesuffix(" USD")) for account, amount in read})


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def _some(sums: Sums) -> Sums:
    """To the cent, without what is nil."""
    rounded = {account: round(amount, 2) for account, amount in sums.items()}
    return {account: amount for account, amount in rounded.items() if amount}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_it_is_printed_unless_a_file_is_named(manna: Any, demo: Any, exported: Any, dialect: str) -> None:
    said = manna(demo.data_dir, "export", dialect, "--book", "studio")
    assert (said.code, said.err) == (0, "")
    assert said.out == exported(dialect, "studio").read_text()


def test_a_file_that_cannot_be_written_is_one_line(manna: Any, demo: Any, tmp_path: Path) -> None:
    said = manna(demo.data_dir, "export", "ledger", "--book", "studio", "--to", str(tmp_path / "no" / "file"))
    assert said.code == 1
    assert said.err.startswith("error: cannot write")


def test_what_there_is_none_of_is_one_line(manna: Any, demo: Any) -> None:
    assert (
        "unknown language 'gnucash'; there are: beancount, hledger, ledger"
        in manna(demo.data_dir, "export", "gnucash", "--book", "studio").err
    )
    assert "unknown book 'nobody'" in manna(demo.data_dir, "export", "ledger", "--book", "nobody").err
