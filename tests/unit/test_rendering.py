"""What the command line prints, in every format and width."""

import csv
import dataclasses
import io
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from manna.contracts import clean, portfolio, reports
from pipelines.rendering import Summary, as_csv, as_html, as_json, render, summary
from pipelines.terminal import on_terminal

D = Decimal


def shown(renderable, width):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def coloured(renderable, width=100):
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(renderable)
    return console.file.getvalue()


@pytest.fixture
def balances():
    return pl.DataFrame(
        {
            "name": ["Everyday checking", "Visa"],
            "as_of": [date(2026, 3, 31), None],
            "amount": pl.Series([D("1234567.5"), D("-1421.18")], dtype=pl.Decimal(18, 4)),
            "open": [True, False],
        }
    )


def test_json_loses_nothing_and_is_only_json(balances):
    assert json.loads(as_json(balances)) == [
        {"name": "Everyday checking", "as_of": "2026-03-31", "amount": "1234567.5000", "open": True},
        {"name": "Visa", "as_of": None, "amount": "-1421.1800", "open": False},
    ]
    assert json.loads(as_json(balances.clear())) == []


def test_json_of_values_json_does_not_know():
    frame = pl.DataFrame(
        {
            "x": [float("nan"), float("inf"), 0.5],
            "at": [datetime(2026, 3, 1, 5, tzinfo=UTC)] * 3,
            "many": [[D("1.50")], [], None],
            "pair": [{"a": date(2026, 1, 1)}] * 3,
            "raw": [b"\x00"] * 3,
        }
    )
    rows = json.loads(as_json(frame), parse_constant=pytest.fail)
    assert [row["x"] for row in rows] == [None, None, 0.5]
    assert rows[0]["at"] == "2026-03-01T05:00:00+00:00"
    assert rows[0]["many"] == ["1.50"]
    assert rows[0]["pair"] == {"a": "2026-01-01"}
    assert isinstance(rows[0]["raw"], str)


def test_csv_is_plain(balances):
    assert as_csv(balances) == (
        "name,as_of,amount,open\nEveryday checking,2026-03-31,1234567.5000,true\nVisa,,-1421.1800,false\n"
    )
    assert as_csv(pl.DataFrame({"many": [[1, 2]]})) == 'many\n"[1, 2]"\n'


@pytest.mark.parametrize("first", list("=+-@\t\r\n"))
def test_csv_text_is_never_a_formula(first):
    frame = pl.DataFrame({f"{first}name": [f"{first}HYPERLINK(A1)"], "amount": [D("-5.00")]})
    header, row = csv.reader(io.StringIO(as_csv(frame), newline=""))
    assert header[0] == f"'{first}name"
    assert row == [f"'{first}HYPERLINK(A1)", "-5.00"]


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_csv_and_json_give_back_every_text(values):
    frame = pl.DataFrame({"x": values})
    rows = list(csv.reader(io.StringIO(as_csv(frame), newline="")))[1:]
    assert [row[0] if row else "" for row in rows] == [
        f"'{value}" if value[:1] in tuple("=+-@\t\r\n") else value for value in values
    ]
    assert [row["x"] for row in json.loads(as_json(frame))] == values


def test_html_is_a_document(balances):
    assert as_html(balances, title="balances").startswith("<!doctype html>")


@pytest.mark.parametrize("kind", ["json", "csv", "html"])
def test_a_console_gets_the_exact_text_however_narrow_it_is(balances, kind):
    console = Console(width=20, file=io.StringIO(), force_terminal=True)
    render(balances, kind, title="[bold]balances[/bold]", console=console)
    text = console.file.getvalue()
    makers = {"json": as_json, "csv": as_csv, "html": lambda f: as_html(f, title="[bold]balances[/bold]")}
    assert text.rstrip("\n") == makers[kind](balances).rstrip("\n")
    assert text.endswith("\n")
    assert "\x1b" not in text


def test_a_table_for_people(balances):
    console = Console(width=80, file=io.StringIO(), color_system=None)
    render(balances, "table", title="balances", console=console)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert lines == [
        "balances",
        "name               as of             amount  open",
        "Everyday checking  2026-03-31  1,234,567.50  yes",
        "Visa                              -1,421.18  no",
    ]
    assert "\x1b[31m" in coloured(on_terminal(balances, "balances"))


@given(
    st.integers(24, 140),
    st.lists(
        st.tuples(st.text(max_size=60), st.decimals(D("-1e9"), D("1e9"), places=2), st.dates()),
        min_size=1,
        max_size=4,
    ),
)
def test_no_number_is_ever_cut_and_no_line_too_long(width, rows):
    names, values, days = zip(*rows, strict=True)
    money = pl.Series(values, dtype=pl.Decimal(18, 4))
    frame = pl.DataFrame({"description": names, "amount": money, "booked_on": days, "balance": money})
    text = shown(on_terminal(frame, "t"), width)
    for value, day in zip(values, days, strict=True):
        assert f"{value + 0:,.2f}" in text
        assert day.isoformat() in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width or not "".join(names).isascii()


def test_markup_and_control_characters_are_only_text():
    frame = pl.DataFrame({"merchant": ["[red]SALE[/red] \x1b[2J\nnext"]})
    text = coloured(on_terminal(frame, "[b]t[/b]"))
    assert "[red]SALE[/red]" in text
    assert "[b]t[/b]" in text
    assert "\x1b[2J" not in text


def test_no_rows_are_said():
    assert shown(on_terminal(pl.DataFrame({"x": []}), "t"), 80) == "t\nno rows\n"
    assert shown(on_terminal(pl.DataFrame({"x": []}), ""), 80) == "no rows\n"


@pytest.fixture
def income():
    rows = [
        ("Income", "Income:Salary", "line", "5000", "0", "5000"),
        ("Income", "Total income", "total", "5000", "0", "5000"),
        ("Expenses", "Expenses:Gifts", "line", "-45.5", "0", "-45.5"),
        ("Expenses", "Total expenses", "total", "-45.5", "0", "-45.5"),
        ("Net income", "Net income", "total", "5045.5", "0", "5045.5"),
    ]
    names = reports.INCOME_STATEMENT.names[3:9]
    return reports.INCOME_STATEMENT.conform(
        pl.DataFrame([dict(zip(names, row, strict=True)) for row in rows]).with_columns(
            pl.col("amount", "previous", "year_to_date").cast(pl.Decimal(18, 4)),
            book=pl.lit("household"),
            period=date(2026, 3, 1),
            line=pl.int_range(pl.len()),
            currency=pl.lit("USD"),
        )
    )


def test_a_statement_is_set_as_on_its_page(income):
    lines = [line.rstrip() for line in shown(on_terminal(income, "income"), 80).splitlines()]
    assert lines == [
        "income",
        "",
        "Account (USD)   March 2026  February 2026  2026 to date",
        "Income",
        "  Salary          5,000.00              –      5,000.00",
        "Total income      5,000.00              –      5,000.00",
        "",
        "Expenses",
        "  Gifts            (45.50)              –       (45.50)",
        "Total expenses     (45.50)              –       (45.50)",
        "",
        "Net income        5,045.50              –      5,045.50",
        "",
    ]


def test_a_statement_on_a_narrow_terminal_is_told_line_by_line(income):
    text = shown(on_terminal(income, "income"), 34)
    assert [line.split() for line in text.splitlines()][3:7] == [
        ["Salary"],
        ["March", "2026", "5,000.00"],
        ["February", "2026", "–"],
        ["2026", "to", "date", "5,000.00"],
    ]


def test_statements_of_several_months_are_an_ordinary_table(income):
    two = pl.concat([income, income.with_columns(period=date(2026, 4, 1))])
    assert "year to date" in shown(on_terminal(two, "income"), 140)


@pytest.fixture
def data():
    accounts = [
        (
            "household",
            "First Platypus Bank",
            "Checking ••0000",
            "depository",
            D("6120.44"),
            date(2026, 3, 31),
        ),
        ("household", "First Platypus Bank", "Platypus Visa", "credit", D("-1421.18"), None),
        ("studio", "Windowpane", "Business", "depository", D("18201.9"), date(2026, 3, 31)),
    ]
    names = ("book", "institution", "name", "type", "balance", "complete_through")
    per_book = {"book": ["household", "studio"], "currency": ["USD", "USD"]}
    quarantined = dict.fromkeys(clean.QUARANTINE.names, "") | {
        "table_name": "clean.transactions",
        "source_id": "tx-1",
        "reasons": "amount is missing; date is missing",
    }
    drift = {
        "book": ["household"],
        "security_id": ["VTI"],
        "weight": [D("0.673")],
        "target": [D("0.6")],
        "drift": [D("0.073")],
        "breached": [True],
    }
    trade = {
        "book": ["household"],
        "side": ["sell"],
        "quantity": pl.Series([D("12.125")], dtype=pl.Decimal(28, 9)),
        "symbol": ["VTI"],
        "notional": [D("3520.10")],
        "tax": [D("12.30")],
        "plan_id": ["5f0c1a2b3c4d5e6f"],
        "currency": ["USD"],
    }
    return Summary(
        accounts=pl.DataFrame([dict(zip(names, row, strict=True)) for row in accounts]).with_columns(
            currency=pl.lit("USD")
        ),
        net_worth=pl.DataFrame(
            per_book | {"as_of": [date(2026, 3, 31)] * 2, "net_worth": [D("448906.28"), D("-5")]}
        ),
        income=pl.DataFrame(
            per_book | {"period": [date(2026, 3, 1)] * 2, "income": [D(9100)] * 2, "expenses": [D("7.5")] * 2}
        ),
        quarantine=pl.DataFrame([quarantined]),
        alerts=pl.DataFrame({"severity": ["error"], "book": ["household"], "message": ["sign in again [x]"]}),
        drift=pl.DataFrame(drift),
        trades=pl.DataFrame(trade),
        documents=("/data/documents/index.html",),
    )


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_summary_says_everything_at_any_width(data, width):
    text = shown(summary(data), width)
    assert max(map(len, text.splitlines())) <= width
    for expected in (
        "First Platypus Bank", "Checking ••0000", "6,120.44 USD", "-1,421.18 USD", "unknown",
        "448,906.28 USD", "Income in 2026-03", "9,100.00 USD", "Expenses in 2026-03", "-5.00 USD",
        "tx-1", "sign in", "VTI", "67.3%", "60.0%", "+7.3%", "beyond its band",
        "sell", "12.125", "3,520.10 USD", "12.30 USD", "5f0c1a2b3c4d", "/data/documents/index.html",
    ):  # fmt: skip
        assert expected in text, expected
    assert width == 40 or "clean.transactions" in text  # which is text, and may wrap
    assert text.index("household") < text.index("studio") < text.index("Quarantined rows")


def test_an_institution_is_named_once_per_book(data):
    assert shown(summary(data), 80).count("First Platypus Bank") == 1


def test_what_is_provisional_or_no_longer_listed_is_said_beside_its_day(data):
    flags = {"listed": [True, False, True], "provisional": [True, False, False]}
    accounts = data.accounts.with_columns(pl.Series(name, values) for name, values in flags.items())
    text = shown(summary(dataclasses.replace(data, accounts=accounts)), 100)
    lines = {
        name: next(line for line in text.splitlines() if name in line)
        for name in ("••0000", "Visa", "Business")
    }
    assert lines["••0000"].rstrip().endswith("2026-03-31 provisional")
    assert lines["Visa"].rstrip().endswith("not listed any more")
    assert lines["Business"].rstrip().endswith("2026-03-31")


def test_an_empty_summary_says_so_in_words():
    contracts = (clean.QUARANTINE.empty(), portfolio.DRIFT.empty(), portfolio.REBALANCE_PLAN.empty())
    for quarantine, drift, trades in (contracts, (pl.DataFrame(),) * 3):
        none = pl.DataFrame()
        text = shown(summary(Summary(none, none, none, quarantine, none, drift, trades)), 80)
        for expected in (
            "No accounts are linked yet.",
            "None: every row kept its contract.",
            "No book has targets.",
            "None: every book is within its bands.",
            "None were written.",
        ):
            assert expected in text


def test_a_book_without_accounts_still_shows_its_results(data):
    bare = Summary(**{**{name: getattr(data, name) for name in data.__slots__}, "accounts": pl.DataFrame()})
    assert "no accounts" in shown(summary(bare), 80)


def test_rendering_imports_only_what_every_command_needs():
    code = "import sys, pipelines.rendering; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unwanted = {"dagster", "jinja2", "pandas", "duckdb", "sqlalchemy", "pydantic", "matplotlib"}
    assert unwanted & set(loaded.stdout.split()) == set()
