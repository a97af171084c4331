"""Tear sheets: figures that agree with the tables they are made from, pages and paper that hold what they say."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from manna.books import Book
from manna.contracts.performance import PERFORMANCE
from manna.documents.tear_sheet import sheet, tear_sheet_page
from manna.documents.tear_sheet_paper import colours, tear_sheet_pdf
from manna.portfolio.history import History
from manna.portfolio.spans import span_returns
from manna.portfolio.tear_sheet import tear_sheet

FIRST, COUNT = date(2024, 11, 20), 400
HOSTILE = "#import <script>alert(1)</script> & Söhne"
MARCH = date(2025, 3, 1)


def performance(rates, starts=100_000.0):
    """Two holdings in two accounts and classes; 500 come in on the 40th day, the chain is whole."""
    rows = []
    for scope, name, parts in (
        ("holding", "VTI", [0]), ("holding", "BND", [1]), ("account", "a1", [0]), ("account", "a2", [1]),
        ("class", "US shares", [0]), ("class", "Bonds", [1]), ("book", "home", [0, 1]),
    ):  # fmt: skip
        worth = np.zeros(2)
        for number in range(COUNT):
            before, flow = worth.copy(), np.zeros(2)
            if number in (0, 40):
                flow = np.array([0.6, 0.4]) * (starts if number == 0 else 500)
            worth = (before + flow) * (1 + (rates[number] if number else 0))
            opening, flows, closing = (round(float(v[parts].sum()), 2) for v in (before, flow, worth))
            rows.append((scope, name, FIRST + timedelta(number), opening, flows, closing))
    columns = ["scope", "name", "date", "opening", "flows", "closing"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    at_work = pl.col("opening") + pl.col("flows")
    earned = (pl.col("closing") - pl.col("opening") - pl.col("flows")).round(2)
    nothing = ("income", "fees", "realized", "currency_effect", "unpriced", "stale")
    return PERFORMANCE.conform(frame.with_columns(
        at_work=at_work, day_return=(earned / at_work).round(8), unrealized=earned, book=pl.lit("home"),
        currency=pl.lit("USD"), reason=pl.lit(None, pl.String), **{each: pl.lit(0) for each in nothing},
    ))  # fmt: skip


@pytest.fixture(scope="module")
def history(frame):
    rng = np.random.default_rng(11)
    days = performance(rng.normal(0.0004, 0.008, (COUNT, 1)) * np.array([1.0, 0.3]))
    open_days = [day for n in range(COUNT) if (day := FIRST + timedelta(n)).weekday() < 5]
    closes = [
        {"symbol": s, "date": day, "close": 100 + n % 7 + n // 20}
        for n, day in enumerate(open_days)
        for s in ("VTI", "BND")
    ]
    securities = frame(
        "clean.securities",
        {"security_id": "VTI", "symbol": "VTI", "type": "etf"},
        {"security_id": "BND", "symbol": "BND", "type": "etf"},
    )
    book = Book(id="home", name=HOSTILE, performance={
        "benchmark": {"VTI": "0.6", "BND": "0.4"}, "classes": {"US shares": ["VTI"], "Bonds": ["BND"]},
        "scenarios": {"Crash": {"US shares": "-0.5"}},
    })  # fmt: skip
    return History.of(book, days, frame("clean.bars", *closes), frame("clean.corporate_actions"), securities)


@pytest.fixture(scope="module")
def document(history):
    made = tear_sheet(history, date(2025, 11, 1), {"VTI": HOSTILE, "a1": "Broker"})
    assert made is not None
    return json.loads(json.dumps(made, allow_nan=False))


def test_its_returns_are_those_of_the_spans(history, document):
    spans = span_returns(history.performance).filter(pl.col("scope") == "book")
    table = {(row["span"], row["since"]): row for row in spans.to_dicts()}
    said = {row["span"]: row["return"] for row in document["returns"]}
    month = tear_sheet(history, MARCH, {})
    assert month["returns"][0]["return"] == pytest.approx(
        float(table["month", MARCH]["time_weighted"]), abs=1e-6
    )
    ytd = table["year to date", date(2025, 1, 1)]
    inception = table["since inception", FIRST]
    assert said["Since the beginning"] == pytest.approx(
        float(np.prod([1 + (m or 0) for row in document["months"] for m in row["months"]]) - 1), abs=1e-5
    )
    newest = tear_sheet(history, history.days[-1].replace(day=1), {})
    whole = {row["span"]: row["return"] for row in newest["returns"]}
    assert whole["Since the beginning"] == pytest.approx(float(inception["time_weighted"]), abs=1e-6)
    assert whole["Of the money, a year (XIRR)"] == pytest.approx(
        float(inception["money_weighted_annual"]), abs=1e-6
    )
    assert whole["Year to date"] == pytest.approx(float(ytd["time_weighted"]), abs=1e-6)


def test_a_past_month_knows_nothing_of_later_days(history):
    early = History.of(
        history.book, history.performance.filter(pl.col("date") <= date(2025, 3, 31)),
        *_prices(history), history.securities,
    )  # fmt: skip
    assert tear_sheet(early, MARCH, {}) == tear_sheet(history, MARCH, {})


def _prices(history):
    bars = pl.DataFrame(
        {
            "symbol": ["VTI", "BND"] * len(history.mix.days),
            "date": [d for d in history.mix.days for _ in range(2)],
        }
    )
    worth = np.cumprod(1 + np.nan_to_num(history.mix.each), axis=0) * 100
    order = [history.mix.symbols.index(symbol) for symbol in ("VTI", "BND")]
    return bars.with_columns(close=pl.Series(worth[:, order].ravel())), pl.DataFrame(
        schema={
            "symbol": pl.String,
            "kind": pl.String,
            "ex_date": pl.Date,
            "ratio": pl.Decimal(18, 8),
            "cash": pl.Decimal(28, 9),
        }
    )


def test_contributions_and_attribution_sum_to_what_they_explain(document):
    said = {row["span"]: row for row in document["returns"]}["Year to date"]
    parts = sum(row["contribution"] for row in document["contributions"]["rows"])
    assert parts == pytest.approx(said["return"], abs=1e-5)
    rows = document["attribution"]["rows"]
    effects = sum(row[name] for row in rows for name in ("allocation", "selection", "interaction"))
    assert effects == pytest.approx(said["return"] - said["benchmark"], abs=1e-5)


def test_where_there_is_nothing_there_is_no_tear_sheet(history):
    assert tear_sheet(history, date(2024, 10, 1), {}) is None
    assert tear_sheet(history, date(2030, 1, 1), {}) is None
    with pytest.raises(ValueError, match="no investments that were ever valued"):
        History.of(history.book, history.performance.clear(), *_prices(history), history.securities)


def test_a_book_of_two_days_without_prices_or_benchmark_has_one(history, frame):
    days = history.performance.filter(pl.col("date") < FIRST + timedelta(2))
    made = tear_sheet(
        History.of(Book(id="home", name="Home"), days, frame("clean.bars"), frame("clean.corporate_actions"), history.securities),
        date(2024, 11, 1), {},
    )  # fmt: skip
    page = tear_sheet_page(json.loads(json.dumps(made, allow_nan=False)))
    assert "Home" in page
    assert "Benchmark</dt><dd>none" in page
    assert tear_sheet_pdf(made, "1").startswith(b"%PDF")


def test_the_page_holds_every_drawing_and_no_name_becomes_markup(document):
    page = tear_sheet_page(document)
    drawn = {
        "growth",
        "months",
        "drawdown",
        "volatility",
        "sharpe",
        "classes",
        "holdings",
        "contributions",
        "attribution",
    }
    assert all(f'id="chart-{name}"' in page for name in drawn)
    assert page.count("<svg") == len(drawn)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert page == tear_sheet_page(document), "equal input, equal bytes"


def test_paper_has_its_colours_written_out(document):
    assert "var(" not in colours()
    assert "@media" not in colours()
    assert tear_sheet_pdf(document, "1") == tear_sheet_pdf(document, "1")


def test_what_has_no_price_or_an_old_one_is_named(history):
    last, month = date(2025, 11, 30), date(2025, 11, 1)
    at, book = pl.col("date") == last, pl.col("name") == "home"
    faulty = history.performance.with_columns(
        stale=pl.when(at & (book | (pl.col("name") == "BND"))).then(1).otherwise("stale"),
        unpriced=pl.when(at & book).then(1).otherwise("unpriced"),
    )
    of = replace(history, performance=PERFORMANCE.conform(faulty))
    made = tear_sheet(
        of, month, {"BND": "A bond fund", "F": "A fund"}, {last: ["F"], date(2025, 1, 1): ["X"]}
    )
    assert made is not None
    assert [(note["kind"], note["names"]) for note in made["notes"]] == [
        ("unpriced", ["A fund"]),
        ("stale", ["A bond fund"]),
    ]
    assert sheet(made).notes[1] == "1 position at a price more than a week old: A bond fund"


def test_notes_say_what_is_left_out(document):
    noted = document | {"notes": [
        {"kind": "unpriced", "day": document["until"], "positions": 1},
        {"kind": "unpriced", "day": "2025-01-31", "positions": 2},
        {"kind": "stale", "day": document["until"], "positions": 3},
        {"kind": "broken", "day": "2025-01-31", "reason": "nothing was at work"},
    ]}  # fmt: skip
    assert sheet(noted).notes == (
        "1 position left out, for want of a price or of an exchange rate",
        "2 positions left out until 31 January 2025, for want of a price or of an exchange rate, and then taken in as a flow",
        "3 positions at a price more than a week old",
        "The chain of returns is broken on 31 January 2025: nothing was at work",
    )
