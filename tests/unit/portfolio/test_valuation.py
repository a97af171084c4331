"""Daily valuations: which quantity, which price, which day, and what is not known."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from manna.contracts import CONTRACTS
from manna.portfolio import valuations

MON, TUE, WED = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18)
FRI, SAT, SUN = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)
DAILY = ("date", "quantity", "price", "price_date", "price_source", "value")


@pytest.fixture(scope="session")
def vti(frame):
    return frame("clean.securities", {"security_id": "VTI", "symbol": "VTI"})


def bought(frame, day, quantity, cost, **more):
    row = {"posting_id": f"{day}{quantity}", "date": day, "security_id": "VTI", "quantity": Decimal(quantity)}
    return frame("ledger.postings", {**row, "amount": Decimal(cost), "lot_id": "lot", **more})


def test_the_last_close_is_carried_over_the_weekend(frame, valued, vti):
    bars = frame("clean.bars", {"symbol": "VTI", "date": FRI, "close": Decimal("301.255")})
    postings = pl.concat([bought(frame, FRI, "2.5", 700), bought(frame, SUN, "-1", -280)])
    assert valued(FRI, SUN, *DAILY, "cost", postings=postings, securities=vti, bars=bars) == [
        (FRI, "2.5", "301.255", FRI, "bar", "753.14", "700"),
        (SAT, "2.5", "301.255", FRI, "bar", "753.14", "700"),
        (SUN, "1.5", "301.255", FRI, "bar", "451.88", "420"),
    ]


def test_what_moved_before_the_first_day_is_held_on_it_and_what_is_sold_is_gone(frame, valued, vti):
    postings = pl.concat([bought(frame, MON, 4, 40), bought(frame, WED, -4, -40), bought(frame, FRI, 9, 90)])
    made = valued(TUE, date(2026, 11, 19), "date", "quantity", postings=postings, securities=vti)
    assert made == [(TUE, "4")], "sold on Wednesday; Friday is not yet"


def test_a_price_is_used_from_its_day_on_and_never_before(frame, valued, vti):
    told = frame("clean.holdings", {"security_id": "VTI", "as_of": WED, "price_as_of": TUE, "price": 20})
    postings = bought(frame, MON, 1, 15)
    assert valued(MON, WED, *DAILY, postings=postings, securities=vti, holdings=told) == [
        (MON, "1", None, None, "missing", None),
        (TUE, "1", "20", TUE, "institution", "20"),
        (WED, "1", "20", TUE, "institution", "20"),
    ]


def test_told_twice_of_one_day_the_later_word_counts_and_as_of_stands_in_for_the_day(frame, valued, vti):
    told = frame(
        "clean.holdings",
        {"security_id": "VTI", "as_of": WED, "price_as_of": TUE, "price": 21},
        {"security_id": "VTI", "as_of": TUE, "price_as_of": None, "price": 20},
        {"security_id": "VTI", "as_of": TUE, "price": 99, "account_id": "elsewhere"},
    )
    postings = bought(frame, MON, 1, 15)
    made = valued(TUE, WED, "date", "price", postings=postings, securities=vti, holdings=told)
    assert made == [(TUE, "21"), (WED, "21")]


def test_a_bar_gives_way_to_the_institution_only_when_it_is_stale(frame, valued, vti):
    bars = frame("clean.bars", {"symbol": "VTI", "date": MON, "close": 10})
    stale = MON + timedelta(days=8)
    for day, expected in ((MON + timedelta(days=7), "bar"), (stale, "institution")):
        told = frame("clean.holdings", {"security_id": "VTI", "as_of": day, "price_as_of": day, "price": 7})
        postings = bought(frame, MON, 1, 10)
        made = valued(day, day, "price_source", postings=postings, securities=vti, bars=bars, holdings=told)
        assert made == [(expected,)]


def test_a_price_carried_over_a_split_is_divided_by_its_ratio(frame, valued):
    """Apple, 4 for 1 on 31 August 2020: closed at 499.23 on the Friday, at 129.04 on the Monday."""
    friday, monday = date(2020, 8, 28), date(2020, 8, 31)
    postings = frame(
        "ledger.postings",
        {"posting_id": "1", "date": friday, "security_id": "AAPL", "quantity": 10, "amount": 4000},
        {"posting_id": "2", "date": monday, "security_id": "AAPL", "quantity": 30, "amount": 0},
    )
    tables = {
        "postings": postings,
        "securities": frame("clean.securities", {"security_id": "AAPL", "symbol": "AAPL"}),
        "corporate_actions": frame(
            "clean.corporate_actions",
            {"action_id": "s", "symbol": "AAPL", "ex_date": monday, "ratio": 4},
            {"action_id": "d", "symbol": "AAPL", "ex_date": monday, "kind": "dividend", "cash": 1},
            {"action_id": "o", "symbol": "TSLA", "ex_date": monday, "ratio": 5},
            {"action_id": "p", "symbol": "AAPL", "ex_date": date(2014, 6, 9), "ratio": 7},
        ),
    }
    known = frame("clean.bars", {"symbol": "AAPL", "date": friday, "close": Decimal("499.23")})
    assert valued(friday, monday, *DAILY, bars=known, **tables)[::3] == [
        (friday, "10", "499.23", friday, "bar", "4992.3"),
        (monday, "40", "124.8075", friday, "bar", "4992.3"),
    ]
    later = frame("clean.bars", {"symbol": "AAPL", "date": monday, "close": Decimal("129.04")})
    made = valued(monday, monday, "price", "value", "cost", bars=pl.concat([known, later]), **tables)
    assert made == [("129.04", "5161.6", "4000")], "a split changes no cost"


@pytest.mark.parametrize(
    ("booked", "added", "expected"),
    [
        (MON, "20", ["10", "30", "30"]),  # two days early
        (FRI, "20", ["10", "30", "30"]),  # two days late
        (FRI, "19.5", ["10", "29.5", "29.5"]),  # half a share was paid out
        (FRI, "12", ["10", "10", "10"]),  # something else: it counts from the day it is booked on
        (WED, "20", ["10", "30", "30"]),  # on the day
    ],
)
def test_a_split_counts_from_its_ex_date_whenever_it_was_booked(frame, valued, vti, booked, added, expected):
    ratio = frame("clean.corporate_actions", {"action_id": "s", "symbol": "VTI", "ex_date": WED, "ratio": 3})
    postings = pl.concat([
        bought(frame, date(2026, 10, 1), "6", 60),
        bought(frame, date(2026, 10, 2), "4", 40),
        bought(frame, booked, added, 0),
    ])  # fmt: skip
    made = valued(
        TUE, date(2026, 11, 19), "quantity", postings=postings, securities=vti, corporate_actions=ratio
    )
    assert [row[0] for row in made] == expected


def test_cash_of_investment_accounts_is_a_position_at_par_and_other_cash_is_none(frame, valued):
    accounts = frame(
        "clean.accounts",
        {"account_id": "broker"},
        {"account_id": "bank", "type": "depository"},
    )
    cash = {"date": MON, "account": "Assets:Retirement:Cash"}
    postings = frame(
        "ledger.postings",
        {"posting_id": "1", "amount": Decimal("-12.34"), **cash},
        {"posting_id": "2", "amount": 100, **cash, "account": "Assets:Cash:Bank", "account_id": "bank"},
        {"posting_id": "3", "amount": 7, **cash, "account": "Income:Dividends", "account_id": None},
    )
    made = valued(MON, MON, "account_id", "security_id", *DAILY, "cost", postings=postings, accounts=accounts)
    assert made == [("broker", "CUR:USD", MON, "-12.34", "1", MON, "par", "-12.34", "-12.34")]


def test_a_sweep_is_at_par_in_its_own_currency_only(frame, valued):
    sweep = frame("clean.securities", {"security_id": "SWEEP", "is_cash": True, "currency": "USD"})
    held = {"security_id": "SWEEP", "date": MON, "quantity": 5, "amount": 5}
    postings = frame(
        "ledger.postings", {**held, "posting_id": "1"}, {**held, "posting_id": "2", "currency": "CAD"}
    )
    made = valued(MON, MON, "currency", "price_source", "value", postings=postings, securities=sweep)
    assert made == [("CAD", "missing", None), ("USD", "par", "5")]


def test_nothing_is_converted(frame, valued):
    """Shopify trades in New York and in Toronto under one ticker: bars are of New York, in dollars."""
    bars = frame("clean.bars", {"symbol": "SHOP", "date": MON, "close": 100})
    toronto = frame("clean.securities", {"security_id": "SHOP", "symbol": "SHOP", "currency": "CAD"})
    held = {"posting_id": "1", "security_id": "SHOP", "date": MON, "quantity": 1, "amount": 90}
    told = frame("clean.holdings", {"security_id": "SHOP", "as_of": MON, "price": 137, "currency": "CAD"})
    for currency, expected in (("CAD", ("institution", "137")), ("USD", ("missing", None))):
        postings = frame("ledger.postings", {**held, "currency": currency})
        made = valued(
            MON, MON, "price_source", "value", postings=postings, securities=toronto, bars=bars, holdings=told
        )
        assert made == [expected]


def test_value_is_rounded_to_the_minor_unit_of_its_currency(frame, valued):
    def told(currency):
        return {"security_id": "X", "as_of": MON, "price": Decimal("1.2345"), "currency": currency}

    held = {"security_id": "X", "date": MON, "quantity": 10, "amount": 1}
    currencies = ("JPY", "KWD", "USD")
    postings = frame("ledger.postings", *({**held, "posting_id": c, "currency": c} for c in currencies))
    made = valued(
        MON,
        MON,
        "currency",
        "value",
        postings=postings,
        holdings=frame("clean.holdings", *map(told, currencies)),
    )
    assert made == [("JPY", "12"), ("KWD", "12.345"), ("USD", "12.34")], "halves to even"


def test_cost_is_unknown_while_a_lot_of_unknown_basis_is_held(frame, valued, vti):
    lots = frame(
        "ledger.lots",
        {"lot_id": "lot", "security_id": "VTI", "cost": 60},
        {"lot_id": "gift", "security_id": "VTI", "cost": None},
    )
    postings = pl.concat([
        bought(frame, MON, 3, 60),
        bought(frame, TUE, 2, 0, lot_id="gift"),
        bought(frame, WED, -2, 0, lot_id="gift"),
    ])  # fmt: skip
    made = valued(MON, WED, "date", "cost", postings=postings, lots=lots, securities=vti)
    assert made == [(MON, "60"), (TUE, None), (WED, "60")]


def test_nothing_held_and_no_days(frame, valued):
    assert valued(MON, WED, "security_id") == []
    with pytest.raises(ValueError, match="no days from 2026-11-18 to 2026-11-16"):
        valued(WED, MON, "security_id")


QUANTITIES = st.decimals(-(10**6), 10**6, places=9)


@settings(max_examples=25, deadline=None)
@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(["A", "B"]), st.integers(0, 9), QUANTITIES, st.decimals(-9999, 9999, places=2)
        ),
        max_size=8,
    ),
    closes=st.lists(
        st.tuples(st.sampled_from(["A", "B"]), st.integers(-3, 9), st.integers(1, 10**6)), max_size=8
    ),
    data=st.data(),
)
def test_against_a_plain_computation_and_in_any_order(frame, moves, closes, data):
    """Every day and position recomputed with a loop over all moves and closes."""
    day = [MON + timedelta(days=n) for n in range(10)]
    closes = list({(symbol, n): (symbol, n, close) for symbol, n, close in closes}.values())

    def made(moves, closes):
        return valuations(
            postings=pl.concat([CONTRACTS["ledger.postings"].empty()] + [
                bought(frame, day[n], q, c, security_id=s, posting_id=str(i)) for i, (s, n, q, c) in enumerate(moves)
            ]),
            bars=frame("clean.bars", *(
                {"symbol": s, "date": MON + timedelta(days=n), "close": Decimal(c).scaleb(-3)} for s, n, c in closes
            )),
            securities=frame("clean.securities", *({"security_id": s, "symbol": s} for s in "AB")),
            **{t: CONTRACTS[a].empty() for t, a in (
                ("lots", "ledger.lots"), ("accounts", "clean.accounts"), ("holdings", "clean.holdings"),
                ("corporate_actions", "clean.corporate_actions"),
            )},
            first=MON, last=day[-1],
        )  # fmt: skip

    expected = []
    for s in "AB":
        for n in range(10):
            quantity = sum((q for name, k, q, _ in moves if name == s and k <= n), Decimal(0))
            known = [(k, c) for name, k, c in closes if name == s and k <= n]
            price = Decimal(max(known)[1]).scaleb(-3) if known else None
            value = None if price is None else round(quantity * price, 2)
            if quantity:
                expected.append((s, day[n], quantity, price, value))
    result = made(moves, closes)
    assert list(result.select("security_id", "date", "quantity", "price", "value").iter_rows()) == expected
    again = made(data.draw(st.permutations(moves)), data.draw(st.permutations(closes)))
    assert_frame_equal(result, again)
