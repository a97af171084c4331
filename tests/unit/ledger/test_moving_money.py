"""Money on its way: between own accounts, between currencies, between the two books of one taxpayer."""

from datetime import date, timedelta
from decimal import Decimal as D

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_examples import account, balance, frames, keep, keep_books, lines, sums, transaction

from manna.books import Book
from manna.categorizing import Facts, categorize, followed, settle
from manna.categorizing.deciding import between_books
from manna.categorizing.following import DECISIONS
from manna.contracts import continuity
from manna.ledger import out_of_balance

EURO = account("euro", currency="EUR")
DOLLAR, POUND = account("dollar"), account("pound", currency="GBP")
TRANSIT, EXCHANGE, GAINS = "Assets:In Transit", "Equity:Currency Exchange", "Income:Exchange Gains"
RATES = {"EUR": {"2026-01-02": "1.10"}, "GBP": {"2026-01-02": "1.25"}}


def crossing(given_out, given_in, rates=RATES, **more):
    """A transfer: (account, day, amount, currency) that leaves and that arrives, amounts without a sign."""
    sides = [given_out, given_in]
    rows = [
        transaction(name, account_id, on, D(amount) * sign, currency=currency)
        for name, sign, (account_id, on, amount, currency) in zip(("o", "i"), (-1, 1), sides, strict=True)
    ]
    moved = {
        "transfer_id": "x", "book": "home", "in_book": "home", "out_id": "o", "in_id": "i",
        "amount": given_out[2], "currency": given_out[3], "in_amount": given_in[2], "in_currency": given_in[3],
    }  # fmt: skip
    book = Book.model_validate({"id": "home", "name": "Home", "dated_rates": rates})
    return keep(
        book, accounts=[EURO, DOLLAR, POUND], transactions=rows, transfers=[moved | more],
        categories=[{"transaction_id": name, "transfer_id": "x"} for name in ("o", "i")],
    )  # fmt: skip


OUT, IN = ("dollar", "01-05", "112.00", "USD"), ("euro", "01-07", "100.00", "EUR")


class TestExchanges:
    @pytest.mark.parametrize(
        ("given_out", "given_in", "expected"),
        [
            # 112 dollars for 100 euros at 1.10: two dollars went to the bank.
            (OUT, IN, [(TRANSIT, "-112"), (EXCHANGE, "110"), (GAINS, "2"), (TRANSIT, "100"), (EXCHANGE, "-100")]),
            # The other way: 100 euros are 110 dollars, of which 109 arrive.
            (("euro", "01-05", "100", "EUR"), ("dollar", "01-07", "109", "USD"),
             [(TRANSIT, "-100"), (EXCHANGE, "100"), (TRANSIT, "109"), (EXCHANGE, "-110"), (GAINS, "1")]),
            # A gain; the euros are worth more than what was given.
            (("dollar", "01-05", "108.00", "USD"), IN,
             [(TRANSIT, "-108"), (EXCHANGE, "110"), (GAINS, "-2"), (TRANSIT, "100"), (EXCHANGE, "-100")]),
            # Neither is the book's: in the currency that left. 80 pounds are 100 dollars, 90.91 euros.
            (("euro", "01-05", "92", "EUR"), ("pound", "01-07", "80", "GBP"),
             [(TRANSIT, "-92"), (EXCHANGE, "90.91"), (GAINS, "1.09"), (TRANSIT, "80"), (EXCHANGE, "-80")]),
            # At the very rate nothing is gained.
            (("dollar", "01-05", "110", "USD"), IN,
             [(TRANSIT, "-110"), (EXCHANGE, "110"), (TRANSIT, "100"), (EXCHANGE, "-100")]),
        ],
    )  # fmt: skip
    def test_the_difference_to_the_days_rate_is_realized(self, given_out, given_in, expected):
        books = crossing(given_out, given_in)
        assert lines(books, "x") == [(name, D(amount)) for name, amount in expected]
        assert sums(books)[TRANSIT] == 0
        assert books.unrated == ()

    def test_it_is_booked_when_the_later_side_is_and_names_the_day_of_the_rate(self):
        entry = crossing(OUT, IN).journal.filter(pl.col("source_id") == "x")
        assert entry.select("date", "kind", "description", "source_table").row(0) == (
            date(2026, 1, 7), "transaction", "Currency exchange at the rate of 2026-01-02", "categorized.transfers",
        )  # fmt: skip

    @pytest.mark.parametrize(
        "rates", [{}, {"EUR": {"2025-12-06": "1.10"}}, {"EUR": {"2026-01-08": "1.10"}}, {"GBP": RATES["GBP"]}]
    )
    def test_without_the_days_rate_both_sides_stay_in_transit_and_that_is_said(self, rates):
        books = crossing(OUT, IN, rates)
        left = (
            books.postings.filter(pl.col("account") == TRANSIT)
            .group_by("currency")
            .agg(pl.col("amount").sum())
        )
        assert dict(left.iter_rows()) == {"USD": D(112), "EUR": D(-100)}
        assert books.unrated == (
            "2026-01-07: 112.00 USD for 100.00 EUR stays in transit; give dated_rates of that day",
        )

    @pytest.mark.parametrize("more", [{"in_book": "other"}, {"out_id": "gone"}])
    def test_what_is_no_exchange_of_this_book_is_passed_over(self, more):
        books = crossing(OUT, IN, **more)
        assert (books.journal.height, books.unrated) == (2, ())

    amounts = st.decimals("0.01", 99999, places=2)
    rates = st.decimals("0.0001", 9999, places=4)

    @settings(max_examples=40, deadline=None)
    @given(amounts, amounts, rates, rates, st.permutations(["EUR", "GBP", "USD"]))
    def test_every_exchange_balances_and_leaves_nothing_in_transit(
        self, out, arrived, euro, pound, currencies
    ):
        names = {"EUR": "euro", "GBP": "pound", "USD": "dollar"}
        sides = [
            (names[currency], "01-05", amount, currency)
            for currency, amount in zip(currencies, (out, arrived), strict=False)
        ]
        told = {"EUR": {"2026-01-05": euro}, "GBP": {"2026-01-05": pound}}
        books = crossing(*sides, told)
        assert out_of_balance(books.postings).is_empty()
        transit = books.postings.filter(pl.col("account") == TRANSIT).group_by("currency")
        assert set(transit.agg(pl.col("amount").sum())["amount"]) == {D(0)}


# -- net worth while money is on its way ------------------------------------------------------------------

FIRST = date(2026, 1, 2)
moves = st.lists(
    st.tuples(st.integers(0, 20), st.integers(-4, 4), st.decimals("0.01", 500, places=2), st.booleans()),
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(moves)
def test_net_worth_never_moves_because_money_is_on_its_way(given_moves):
    """Whatever is moved between own accounts, and however long it takes: net worth is on every day what it was."""
    rows, categories, transfers = [], [], []
    for number, (start, apart, amount, to_savings) in enumerate(given_moves):
        ends = ("dollar", "savings") if to_savings else ("savings", "dollar")
        days = [FIRST + timedelta(days=5 + start), FIRST + timedelta(days=5 + start + apart)]
        for side, end, day, sign in zip("oi", ends, days, (-1, 1), strict=True):
            rows.append(transaction(f"{side}{number}", end, day.isoformat(), amount * sign))
            categories.append({"transaction_id": f"{side}{number}", "transfer_id": f"x{number}"})
        transfers.append(
            {"transfer_id": f"x{number}", "book": "home", "in_book": "home", "out_id": f"o{number}", "in_id": f"i{number}"}
        )  # fmt: skip
    books = keep(
        accounts=[DOLLAR, account("savings")],
        balances=[balance(name, FIRST.isoformat(), 1000) for name in ("dollar", "savings")],
        transactions=rows, categories=categories, transfers=transfers,
    )  # fmt: skip
    worth = (
        books.postings.filter(pl.col("account").str.contains("^(Assets|Liabilities):"))
        .group_by("date").agg(pl.col("amount").sum()).sort("date")["amount"].cum_sum()
    )  # fmt: skip
    assert set(worth) == {D(2000)}
    assert sums(books).get(TRANSIT, D(0)) == 0
    assert set(books.journal["kind"]) <= {"opening", "transaction"}


def test_an_opening_that_was_plugged_is_no_evidence():
    books = keep(
        accounts=[DOLLAR],
        balances=[balance("dollar", "01-10", 70), balance("dollar", "01-20", 50)],
        transactions=[transaction("t", "dollar", "01-15", -20)],
    )
    assert books.reconciliation["basis"].to_list() == ["plugged", "reconciled"]


# -- two books of one taxpayer ----------------------------------------------------------------------------


def test_a_payment_between_the_books_of_one_taxpayer_is_a_draw_and_never_income():
    """The studio pays its owner 2,000: a draw there, money from the studio here, income nowhere."""
    home = Book(id="home", name="Home", taxpayer="ana")
    firm = Book(id="firm", name="Studio", kind="proprietor", taxpayer="ana")
    told = {
        "firm": frames(
            accounts=[account("firms", book="firm")],
            transactions=[transaction("o", "firms", "01-05", -2000, book="firm", description="OWNER DRAW ACH")],
        ),
        "home": frames(
            accounts=[DOLLAR], transactions=[transaction("i", "dollar", "01-06", 2000, description="ACH DEPOSIT")]
        ),
    }  # fmt: skip
    none = followed(pl.DataFrame(schema=DECISIONS), continuity.SUCCESSIONS.empty())
    settled = []
    for book in (firm, home):
        own = told[book.id]
        blank = own["transactions"].with_columns(plaid_primary=pl.lit(None, dtype=pl.String))
        merchants = blank.select("transaction_id", merchant=pl.lit(""))
        settled.append(settle(Facts(book, blank, own["trades"], own["accounts"], none, merchants)))
    between = between_books(settled)
    kept = {}
    for one in settled:
        found = categorize(one, between=between, books=[firm, home])
        tables = {"categories": found.transactions, "splits": found.splits, "transfers": found.transfers}
        kept[one.facts.book.id] = keep_books(one.facts.book, **(told[one.facts.book.id] | tables))
    assert lines(kept["firm"], "o")[1] == ("Equity:Owner's Draws", D(2000))
    assert lines(kept["home"], "i")[1] == ("Equity:Received from Studio", D(-2000))
    for books in kept.values():
        assert not books.postings["account"].str.contains("^(Income|Expenses):").any()
