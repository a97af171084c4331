"""What the investments earned, day by day: parts that sum, flows that cancel out, chains that break and say so."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manna.books import Book
from manna.contracts import CONTRACTS
from manna.ledger import keep_books
from manna.portfolio.agreement import disagreements
from manna.portfolio.performance import performance
from manna.portfolio.valuation import valuations

DAYS = [date(2026, 3, 2) + timedelta(days=n) for n in range(30)]
BOOK = Book(id="home", name="Home")
ACCOUNTS = ({"account_id": "broker"}, {"account_id": "other", "name": "Other"})


@pytest.fixture(scope="session")
def measure(frame):
    """Performance of clean rows, through ledger and valuations: (performance, valuations)."""

    def run(*trades, holdings=(), bars=(), accounts=ACCOUNTS, transfers=(), last=None, book=BOOK, more=()):
        clean = {
            "accounts": frame("clean.accounts", *accounts),
            "balances": CONTRACTS["clean.balances"].empty(),
            "securities": frame(
                "clean.securities",
                {"security_id": "VTI", "symbol": "VTI", "type": "etf"},
                {"security_id": "FUND", "type": "mutual fund"},
                {"security_id": "CUR:USD", "is_cash": True, "type": "cash"},
                *more,
            ),
            "holdings": frame("clean.holdings", *holdings),
            "trades": frame("clean.trades", *({"trade_id": str(n), **t} for n, t in enumerate(trades))),
            "transactions": CONTRACTS["clean.transactions"].empty(),
        }
        paired = frame("categorized.transfers", *transfers)
        kept = keep_books(
            book, **clean, splits=CONTRACTS["categorized.splits"].empty(), transfers=paired,
            categories=CONTRACTS["categorized.transactions"].empty(),
        )  # fmt: skip
        valued = valuations(
            postings=kept.postings, lots=kept.lots, accounts=clean["accounts"], securities=clean["securities"],
            bars=frame("clean.bars", *bars), corporate_actions=CONTRACTS["clean.corporate_actions"].empty(),
            holdings=clean["holdings"], first=kept.postings["date"].min(), last=last or DAYS[-1],
        )  # fmt: skip
        made = performance(
            book, postings=kept.postings, journal=kept.journal, trades=clean["trades"], transfers=paired,
            valuations=valued, accounts=clean["accounts"], securities=clean["securities"],
        )  # fmt: skip
        assert CONTRACTS["portfolio.performance"].violations(made).list.len().sum() == 0
        assert disagreements(book, made, valued) == []
        return made, valued

    return run


def closes(*prices, symbol="VTI"):
    return [
        {"symbol": symbol, "date": day, "close": Decimal(str(price))}
        for day, price in zip(DAYS, prices, strict=False)
    ]


def deposit(day, amount, **more):
    return {"date": DAYS[day], "kind": "deposit", "amount": amount, "security_id": None, **more}


def trade(day, quantity, amount, **more):
    kind = "buy" if quantity > 0 else "sell"
    return {
        "date": DAYS[day],
        "kind": kind,
        "quantity": Decimal(str(quantity)),
        "amount": Decimal(str(amount)),
        **more,
    }


def shown(made, scope, name, *columns):
    rows = made.filter(pl.col("scope") == scope, pl.col("name") == name)
    return {row[0]: tuple(_plain(v) for v in row[1:]) for row in rows.select("date", *columns).iter_rows()}


def _plain(value):
    return float(value) if isinstance(value, Decimal) else value


PARTS = ("opening", "flows", "income", "fees", "realized", "unrealized", "closing", "day_return")


def test_each_kind_of_earning_is_told_apart(measure):
    made, _ = measure(
        deposit(0, 1000), trade(1, 10, -1000),
        {"date": DAYS[2], "kind": "dividend", "amount": 20},
        {"date": DAYS[3], "kind": "fee", "amount": -5, "security_id": None},
        trade(4, -4, 480), bars=closes(100, 101, 110, 110, 120), last=DAYS[4],
    )  # fmt: skip
    assert shown(made, "book", "home", *PARTS) == {
        DAYS[0]: (0, 1000, 0, 0, 0, 0, 1000, 0),
        DAYS[1]: (1000, 0, 0, 0, 0, 10, 1010, 0.01),
        DAYS[2]: (1010, 0, 20, 0, 0, 90, 1120, 0.10891089),
        DAYS[3]: (1120, 0, 0, -5, 0, 0, 1115, -0.00446429),
        DAYS[4]: (1115, 0, 0, 0, 80, 20, 1215, 0.0896861),
    }


def test_a_purchase_earns_from_its_own_day_and_a_dividend_is_the_holdings(measure):
    made, _ = measure(
        deposit(0, 1000), trade(1, 10, -1000), {"date": DAYS[2], "kind": "dividend", "amount": 20},
        bars=closes(100, 101, 110), last=DAYS[2],
    )  # fmt: skip
    assert shown(made, "holding", "VTI", "opening", "flows", "income", "unrealized", "day_return") == {
        DAYS[1]: (0, 1000, 0, 10, 0.01),
        DAYS[2]: (1010, -20, 20, 90, 0.10891089),
    }
    assert shown(made, "class", "cash", "flows", "closing", "day_return")[DAYS[2]] == (20, 20, 0)


def test_money_between_own_accounts_is_external_to_each_and_the_books_all_the_time(measure):
    out = {"date": DAYS[2], "kind": "withdrawal", "amount": -400, "security_id": None}
    pair = {"transfer_id": "t", "book": "home", "in_book": "home", "out_id": "1", "in_id": "2", "amount": 400,
            "currency": "USD", "in_amount": 400, "in_currency": "USD", "days_apart": 3}  # fmt: skip
    made, _ = measure(
        deposit(0, 1000), out, deposit(5, 400, account_id="other"), transfers=[pair], last=DAYS[6]
    )
    assert {flows for flows, _ in list(shown(made, "book", "home", "flows", "closing").values())[1:]} == {0}
    assert {closing for (closing,) in shown(made, "book", "home", "closing").values()} == {1000}
    assert shown(made, "account", "broker", "flows", "closing")[DAYS[2]] == (-400, 600)
    assert shown(made, "account", "other", "flows", "closing")[DAYS[5]] == (400, 400)


def test_what_moves_in_kind_moves_at_market_and_nothing_is_earned_by_it(measure):
    moved = {"kind": "transfer", "amount": 0}
    made, _ = measure(
        deposit(0, 1000), trade(0, 10, -1000), {**moved, "date": DAYS[3], "quantity": -10},
        {**moved, "date": DAYS[5], "quantity": 10, "account_id": "other"},
        bars=closes(100, 110, 120, 130, 140, 150, 150), last=DAYS[6],
    )  # fmt: skip
    columns = ("flows", "realized", "unrealized", "closing")
    assert shown(made, "account", "broker", *columns)[DAYS[3]] == (-1200, 0, 0, 0), "at the last price known"
    assert shown(made, "account", "other", *columns)[DAYS[5]] == (1500, 0, 0, 1500)
    assert list(shown(made, "book", "home", "flows", "closing").values()) == [
        (1000, 1000), (0, 1100), (0, 1200), (0, 1200), (0, 1200), (0, 1500), (0, 1500),
    ]  # fmt: skip


def test_an_employers_contribution_is_a_flow_of_what_was_paid(measure):
    paid = {"date": DAYS[1], "kind": "contribution", "quantity": 10, "amount": -1000, "security_id": "FUND"}
    told = [{"security_id": "FUND", "as_of": DAYS[n], "price_as_of": DAYS[n], "price": price, "quantity": q, "value": q * price}
            for n, price, q in ((0, 100, 10), (1, 104, 20))]  # fmt: skip
    made, _ = measure(paid, holdings=told, last=DAYS[2])
    row = shown(made, "book", "home", "opening", "flows", "unrealized", "closing", "day_return")[DAYS[1]]
    assert row == (1000, 1000, 80, 2080, 0.04)


def test_measuring_begins_with_the_first_price_and_says_what_is_left_out(measure):
    told = [
        {
            "security_id": "FUND",
            "as_of": DAYS[3],
            "price_as_of": DAYS[3],
            "price": 50,
            "quantity": 10,
            "value": 500,
        }
    ]
    made, _ = measure(deposit(1, 100), holdings=told, last=DAYS[4])
    assert shown(made, "book", "home", "flows", "closing", "day_return", "unpriced") == {
        DAYS[1]: (100, 100, 0, 1),
        DAYS[2]: (0, 100, 0, 1),
        DAYS[3]: (500, 600, 0, 0),
        DAYS[4]: (0, 600, 0, 0),
    }
    assert min(shown(made, "holding", "FUND", "closing")) == DAYS[3]


def test_a_new_price_of_something_unpriced_is_no_gain_of_that_day(measure):
    told = [
        {
            "security_id": "FUND",
            "as_of": DAYS[2],
            "price_as_of": DAYS[2],
            "price": 50,
            "quantity": 20,
            "value": 1000,
        }
    ]
    made, _ = measure(
        deposit(0, 1000), trade(0, 10, -1000), holdings=told, bars=closes(100, 100, 110), last=DAYS[2]
    )
    row = shown(made, "book", "home", "flows", "unrealized", "closing", "at_work", "day_return")[DAYS[2]]
    assert row == (1000, 100, 2100, 1000, 0.1), "what joins at the day's end does not dilute the day's return"


def test_an_exchange_of_one_security_for_another_is_no_flow_of_the_account(measure):
    swap = {"date": DAYS[2], "kind": "merger", "amount": 0}
    made, _ = measure(
        deposit(0, 1000), trade(0, 10, -1000), {**swap, "quantity": -10}, {**swap, "quantity": 5, "security_id": "NEW"},
        bars=[*closes(100, 110, 110), *closes(0.01, 0.01, 230, symbol="NEW")], last=DAYS[2],
        more=[{"security_id": "NEW", "symbol": "NEW", "type": "equity"}],
    )  # fmt: skip
    assert shown(made, "account", "broker", "flows", "unrealized", "closing", "day_return")[DAYS[2]] == (
        0, 50, 1150, 0.04545455,
    )  # fmt: skip
    assert shown(made, "holding", "VTI", "flows", "closing")[DAYS[2]][1] == 0


def test_what_is_sold_of_an_unknown_basis_is_realized_against_what_it_was_carried_at(measure):
    told = [{"security_id": "VTI", "as_of": DAYS[0], "price_as_of": DAYS[0], "price": 100, "quantity": 10, "value": 1000,
             "cost_basis": None}]  # fmt: skip
    made, _ = measure(
        deposit(0, 50),
        trade(1, -5, 600),
        trade(2, -5, 0),
        holdings=told,
        bars=closes(100, 110, 120),
        last=DAYS[2],
    )
    assert shown(made, "holding", "VTI", "flows", "realized", "unrealized", "closing") == {
        DAYS[0]: (1000, 0, 0, 1000),
        DAYS[1]: (-600, 100, 50, 550),
        DAYS[2]: (0, -500, -50, 0),
    }


def test_a_value_below_zero_breaks_the_chain_and_says_so(measure):
    made, _ = measure(trade(0, 1, -100), deposit(2, 500), bars=closes(100, 90, 90, 99), last=DAYS[3])
    assert shown(made, "class", "cash", "opening", "day_return", "reason")[DAYS[1]] == (
        -100, None, "the opening value is below zero",
    )  # fmt: skip
    book = shown(made, "book", "home", "opening", "closing", "day_return", "reason")
    assert book[DAYS[1]] == (0, -10, None, "nothing was at work")
    assert book[DAYS[2]] == (-10, 490, None, "the opening value is below zero")
    assert book[DAYS[3]] == (490, 499, 0.01836735, None)


def test_the_currencys_effect_is_that_of_the_opening_value(measure):
    book = Book(id="home", name="Home", dated_rates={"EUR": {DAYS[0]: "1.10", DAYS[1]: "1.21"}})
    euros = {"currency": "EUR", "security_id": "SAP"}
    told = [{"security_id": "SAP", "as_of": DAYS[n], "price_as_of": DAYS[n], "price": price, "quantity": 10,
             "value": 10 * price, "currency": "EUR"} for n, price in ((0, 100), (1, 110))]  # fmt: skip
    made, _ = measure(
        deposit(0, 0), holdings=told, book=book, last=DAYS[1],
        more=[{**euros, "symbol": None, "type": "equity"}],
    )  # fmt: skip
    row = shown(made, "book", "home", "opening", "unrealized", "currency_effect", "closing", "day_return")[
        DAYS[1]
    ]
    assert row == (1100, 121, 110, 1331, 0.21)


def test_without_a_rate_a_position_is_left_out(measure):
    told = [
        {
            "security_id": "SAP",
            "as_of": DAYS[0],
            "price_as_of": DAYS[0],
            "price": 100,
            "quantity": 10,
            "value": 1000,
            "currency": "EUR",
        }
    ]
    made, _ = measure(
        deposit(0, 100), holdings=told, last=DAYS[1], more=[{"security_id": "SAP", "currency": "EUR"}]
    )
    assert shown(made, "book", "home", "closing", "unpriced")[DAYS[1]] == (100, 1)


def test_classes_are_the_books_own_where_it_names_them(measure):
    book = Book(id="home", name="Home", performance={"classes": {"US shares": ["VTI"]}})
    made, _ = measure(deposit(0, 150), trade(0, 1, -100), bars=closes(100), book=book, last=DAYS[0])
    assert set(made.filter(pl.col("scope") == "class")["name"]) == {"US shares", "cash"}


def test_nothing_held_is_no_performance():
    nothing = {name: CONTRACTS[address].empty() for name, address in (
        ("postings", "ledger.postings"), ("journal", "ledger.journal"), ("trades", "clean.trades"),
        ("transfers", "categorized.transfers"), ("valuations", "portfolio.valuations"),
        ("accounts", "clean.accounts"), ("securities", "clean.securities"))}  # fmt: skip
    assert performance(BOOK, **nothing).is_empty()
    assert disagreements(BOOK, performance(BOOK, **nothing), nothing["valuations"]) == []


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("deposit"), st.integers(0, 12), st.integers(1, 5000)),
        st.tuples(st.just("withdrawal"), st.integers(0, 12), st.integers(1, 5000)),
        st.tuples(st.just("dividend"), st.integers(0, 12), st.integers(1, 300)),
        st.tuples(st.just("fee"), st.integers(0, 12), st.integers(1, 50)),
        st.tuples(st.just("buy"), st.integers(0, 12), st.integers(1, 30)),
        st.tuples(st.just("sell"), st.integers(0, 12), st.integers(1, 30)),
        st.tuples(st.just("split"), st.integers(0, 12), st.integers(1, 30)),
        st.tuples(st.just("contribution"), st.integers(0, 12), st.integers(1, 30)),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(
    max_examples=9,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(EVENTS, st.lists(st.integers(50, 200), min_size=13, max_size=13), st.booleans())
def test_parts_sum_whatever_happens(measure, events, prices, other):
    """``measure`` itself checks that parts sum, days adjoin, and accounts close at their valuations."""
    rows = [deposit(0, 10_000), trade(0, 1000, -500), *(_event(*event, prices) for event in events)]
    if other:
        rows += [{**row, "account_id": "other"} for row in rows]
    made, _ = measure(*rows, bars=closes(*prices), last=DAYS[12])
    sums = made.group_by("scope", "date").agg(pl.col("closing", "flows").sum())
    book = sums.filter(pl.col("scope") == "book")
    for scope in ("account", "class", "holding"):
        both = book.join(sums.filter(pl.col("scope") == scope), on="date", how="left", suffix="_parts")
        assert both.filter(
            (pl.col("closing") != pl.col("closing_parts")) | (pl.col("flows") != pl.col("flows_parts"))
        ).is_empty()
    moved = {"deposit": 1, "withdrawal": 1, "contribution": -1}
    assert book["flows"].sum() == sum(moved.get(row["kind"], 0) * row["amount"] for row in rows)


def _event(kind, day, size, prices):
    row = {"date": DAYS[day], "kind": kind}
    if kind in ("deposit", "dividend"):
        return row | {"amount": size, "security_id": None if kind == "deposit" else "VTI"}
    if kind in ("withdrawal", "fee"):
        return row | {"amount": -size, "security_id": None}
    worth = size * prices[day]
    if kind == "split":
        return row | {"quantity": size, "amount": 0}
    return row | {
        "quantity": -size if kind == "sell" else size,
        "amount": worth if kind == "sell" else -worth,
    }
