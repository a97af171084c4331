"""Payments of loans of which the lender tells balances alone: principal, interest, escrow, and what is left."""

import json
from datetime import date, timedelta
from decimal import Decimal as D

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_examples import account, balance, day, keep, lines, sums, transaction

from manna.books import Book, complaints
from manna.ledger import out_of_balance
from manna.ledger.amortizing import Parts, divided, installment, interest_of, walked_back
from manna.ledger.loan_entries import FORMS

BANK, LOAN = "Assets:Cash:Bank Checking", "Liabilities:Loans:Bank Home"
INTEREST, TRANSIT = "Expenses:Interest:Mortgage", "Assets:In Transit"
ESCROW, PAID_OUT = "Assets:Escrow:Bank Home", "Expenses:Home:Escrow Payments"
SUSPENSE, CHANGES = "Equity:Suspense", "Equity:Loan Balance Changes"
CHECKING, HOME = account("checking"), account("home", "loan", subtype="mortgage")
MORTGAGE = "Expenses:Loan Payments:Mortgage Payment"


# -- arithmetic -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "rate", "months", "expected"),
    [
        # Published examples: 30 years at 6 % are $599.55 per $100,000; the others by the same annuity formula.
        (100_000, "6", 360, "599.55"),
        (200_000, "4.5", 360, "1013.37"),
        (20_000, "5", 60, "377.42"),
        (1_200, "0", 12, "100.00"),
    ],
)
def test_the_level_payment(principal, rate, months, expected):
    assert installment(D(principal), D(rate), months, "USD") == D(expected)


def test_the_first_month_of_a_hundred_thousand_at_six_per_cent():
    assert interest_of(D(100_000), D(6), "USD") == D(500)


@pytest.mark.parametrize(
    ("paid", "decrease", "interest", "escrow", "expected"),
    [
        (600, 100, 500, D(0), (100, 500, 0, 0)),
        (900, 100, 500, None, (100, 500, 300, 0)),
        (900, 100, 500, D(250), (100, 500, 250, 50)),
        (900, 100, 0, D(0), (100, 0, 0, 800)),
        (550, 100, 500, D(0), (100, 450, 0, 0)),
        (90, 100, 500, None, (100, 0, 0, -10)),
    ],
)
def test_a_payment_divided(paid, decrease, interest, escrow, expected):
    parts = divided(D(paid), D(decrease), D(interest), escrow)
    assert (parts.principal, parts.interest, parts.escrow, parts.rest) == expected
    assert parts.paid == paid


def test_walking_back_finds_the_schedule_again():
    payment, owed, told = installment(D(100_000), D(6), 360, "USD"), D(100_000), []
    for _ in range(24):
        interest = interest_of(owed, D(6), "USD")
        told.append(Parts(payment - interest, interest, D(300)))
        owed -= payment - interest
    assert walked_back(owed, [payment + 300] * 24, D(6), payment, "USD") == told
    without = [Parts(parts.principal, parts.interest) for parts in told]
    assert walked_back(owed, [payment] * 24, D(6), None, "USD") == without


# -- entries --------------------------------------------------------------------------------------------


def term(as_of, **more):
    return {"account_id": "home", "as_of": day(as_of)} | more


def house(owed, *, paid=(), terms=(), book=None, forms=None, **more):
    """A book with one mortgage: balances by day (positive = owed), rows that paid it by day."""
    told = {
        "accounts": [CHECKING, HOME],
        "balances": [balance("home", on, -D(amount)) for on, amount in owed.items()],
        "transactions": [
            transaction(f"p{n}", "checking", on, -amount, description="MTG PMT")
            for n, (on, amount) in enumerate(paid)
        ],
        "categories": [{"transaction_id": f"p{n}", "category": MORTGAGE} for n in range(len(paid))],
        "loan_terms": list(terms),
    } | more
    return keep(book or Book(id="home", name="Home"), tax_forms=forms, **told)


def with_loan(**setting):
    return Book.model_validate({"id": "home", "name": "Home", "loans": [{"account": "Home", **setting}]})


def entry_of_payment(books, on="2026-02-03"):
    return dict(lines(books, f"home/{on}"))


OWED = {"01-31": 100_000, "02-01": 100_000, "02-02": 100_000, "02-03": "99900.45"}
PAID = [("02-02", 900)]


class TestAPayment:
    @pytest.mark.parametrize(
        ("terms", "setting", "expected"),
        [
            # The lender's own figure of interest; no escrow is known, so the rest is in suspense.
            ([term("01-31", interest_paid=0), term("02-03", interest_paid=500)], {},
             {INTEREST: 500, SUSPENSE: "300.45"}),
            # A new year begins at nothing.
            ([term("2025-12-31", interest_paid=6000), term("02-03", interest_paid=500)], {},
             {INTEREST: 500, SUSPENSE: "300.45"}),
            # The lender's figure comes a day late: the schedule, by the lender's rate.
            ([term("01-31", interest_paid=0, interest_rate=6)], {}, {INTEREST: 500, SUSPENSE: "300.45"}),
            # A lender that keeps an escrow account: what is left is for taxes and insurance.
            ([term("01-31", interest_rate=6, escrow=1200)], {}, {INTEREST: 500, ESCROW: "300.45"}),
            # The book's schedule and escrow; a remainder of 0.45.
            ([], {"rate": 6, "escrow": 300}, {INTEREST: 500, ESCROW: 300, SUSPENSE: "0.45"}),
            # The book's word before the lender's.
            ([term("01-31", interest_rate=9)], {"rate": 6}, {INTEREST: 500, SUSPENSE: "300.45"}),
            # Nothing is known but the balance.
            ([], {}, {SUSPENSE: "800.45"}),
        ],
    )  # fmt: skip
    def test_principal_is_what_the_balance_went_down_by(self, terms, setting, expected):
        books = house(OWED, paid=PAID, terms=terms, book=with_loan(**setting) if setting else None)
        given = {LOAN: D("99.55"), TRANSIT: D(-900)} | {name: D(v) for name, v in expected.items()}
        assert entry_of_payment(books) == given
        assert lines(books, "p0") == [(BANK, D(-900)), (TRANSIT, D(900))]

    def test_net_worth_does_not_dip_while_it_is_on_its_way(self):
        books = house(OWED, paid=[("02-01", 900)], terms=[term("01-31", interest_rate=6, escrow=0)])
        own = pl.col("account").str.contains("^(Assets|Liabilities):")
        worth = books.postings.filter(own).group_by("date").agg(pl.col("amount").sum()).sort("date")
        assert dict(worth.iter_rows())[day("02-01")] == 0
        assert dict(worth.iter_rows())[day("02-03")] == -500

    def test_one_that_the_lender_had_before_the_bank(self):
        books = house(OWED, paid=[("02-05", 900)], terms=[term("01-31", interest_rate=6)])
        assert entry_of_payment(books)[INTEREST] == 500

    def test_one_of_which_no_balance_has_told_yet_is_on_its_way(self):
        books = house({"01-31": 100_000, "02-02": 100_000}, paid=PAID)
        assert lines(books, "p0")[1] == (TRANSIT, D(900))

    def test_one_that_never_lowered_a_balance_stays_what_its_category_says(self):
        still = {f"0{m}-{d:02}": 100_000 for m in (1, 2, 3) for d in (1, 15, 28)}
        assert lines(house(still, paid=PAID), "p0")[1] == (MORTGAGE, D(900))

    def test_two_in_one_decrease_and_extra_principal(self):
        owed = {"01-31": 100_000, "02-20": "98900.45"}
        books = house(owed, paid=[("02-02", 600), ("02-10", 1000)], book=with_loan(rate=6))
        found = entry_of_payment(books, "2026-02-20")
        assert found == {LOAN: D("1099.55"), INTEREST: D("500.45"), TRANSIT: D(-1600)}

    def test_a_decrease_that_nobody_paid_for_and_an_increase_stay_changes(self):
        books = house({"01-31": 100, "02-01": 90, "02-02": 95})
        assert lines(books, "home/2026-02-01") == [(LOAN, D(10)), (CHANGES, D(-10))]
        assert lines(books, "home/2026-02-02") == [(LOAN, D(-5)), (CHANGES, D(5))]

    def test_what_a_person_split_stays_as_it_was_split(self):
        parts = [
            {"transaction_id": "p0", "position": n, "category": name, "amount": amount}
            for n, (name, amount) in enumerate([("Expenses:A", -400), ("Expenses:B", -500)], start=1)
        ]
        books = house(OWED, paid=PAID, splits=parts)
        assert [name for name, _ in lines(books, "p0")] == [BANK, "Expenses:A", "Expenses:B"]
        assert CHANGES in entry_of_payment(books)

    def test_the_books_agree_with_the_lender_every_day(self):
        found = house(OWED, paid=PAID, terms=[term("01-31", interest_rate=6)]).reconciliation
        assert set(found.filter(pl.col("account_id") == "home")["basis"]) == {"plugged"}


class TestWhichLoan:
    TWO = (CHECKING, HOME, account("lake", "loan", subtype="mortgage", mask="9"))

    def test_with_two_of_a_kind_nobody_can_say(self):
        books = house(OWED, paid=PAID, accounts=self.TWO)
        assert lines(books, "p0")[1] == (MORTGAGE, D(900))

    def test_unless_the_book_says_so(self):
        books = house(OWED, paid=PAID, accounts=self.TWO, book=with_loan(payments="^mtg", rate=6))
        assert entry_of_payment(books)[INTEREST] == 500

    @pytest.mark.parametrize(
        ("subtype", "name", "interest"),
        [
            ("auto", "Car Payment", "Car Loan"),
            ("student", "Student Loan Payment", "Student Loan"),
            ("personal", "Other Payment", "Loan"),
        ],
    )
    def test_kinds_of_loans_by_the_names_of_their_payments(self, subtype, name, interest):
        books = house(
            OWED, paid=PAID, book=with_loan(rate=6), accounts=[CHECKING, HOME | {"subtype": subtype}],
            categories=[{"transaction_id": "p0", "category": f"Expenses:Loan Payments:{name}"}],
        )  # fmt: skip
        assert entry_of_payment(books)[f"Expenses:Interest:{interest}"] == 500


class TestBeforeTheFirstBalance:
    OWED, PAID = {"02-10": "99800.40"}, [("01-02", 900), ("02-02", 900)]

    def test_payments_are_divided_by_the_terms_that_the_lender_tells(self):
        terms = [
            term(
                "02-10", interest_rate=6, is_fixed=True, original_principal=100_000, term_months=360, escrow=0
            )
        ]
        books = house(self.OWED, paid=self.PAID, terms=terms)
        assert lines(books, "p0") == [
            (BANK, D(-900)), (LOAN, D("99.55")), (INTEREST, D(500)), (PAID_OUT, D("300.45")),
        ]  # fmt: skip
        assert lines(books, "p1")[2] == (INTEREST, D("499.50"))
        assert sums(books)[LOAN] == D("-99800.40")
        assert sums(books, day("01-01"))[LOAN] == -100_000
        assert set(books.reconciliation.filter(pl.col("account_id") == "home")["difference"]) == {D(0)}

    def test_or_by_the_schedule_of_the_book(self):
        for setting in ({"payment": "599.55"}, {"principal": 100_000, "term": 360}):
            books = house(self.OWED, paid=self.PAID, book=with_loan(rate=6, escrow=300, **setting))
            assert lines(books, "p0")[2] == (INTEREST, D(500))

    def test_without_escrow_all_beyond_the_interest_is_principal(self):
        books = house({"02-10": 99_000}, paid=[("02-02", 1500)], book=with_loan(rate=6))
        assert lines(books, "p0") == [(BANK, D(-1500)), (LOAN, D(1000)), (INTEREST, D(500))]
        assert sums(books)[LOAN] == -99_000

    def test_without_a_rate_they_stay_what_their_category_says(self):
        assert lines(house(self.OWED, paid=self.PAID), "p0")[1] == (MORTGAGE, D(900))


class TestEscrow:
    TERMS = (term("01-31", interest_rate=6, escrow=1200), term("02-04", escrow=1200),
             term("02-20", escrow="1500.45"), term("03-01", escrow=100))  # fmt: skip

    def test_it_is_an_asset_until_the_lender_pays_from_it(self):
        books = house(OWED, paid=PAID, terms=self.TERMS)
        assert sums(books, day("02-02"))[ESCROW] == 1200
        # The figure of the day after the payment does not include it yet, and is passed over.
        assert sums(books, day("02-28"))[ESCROW] == D("1500.45")
        assert lines(books, "home/2026-03-01") == [(ESCROW, D("-1400.45")), (PAID_OUT, D("1400.45"))]

    def test_what_the_lender_adds_is_not_explained(self):
        books = house(OWED, terms=[term("01-31", escrow=100), term("02-20", escrow=103)])
        assert lines(books, "home/2026-02-20") == [(ESCROW, D(3)), (SUSPENSE, D(-3))]

    def test_what_it_pays_for_is_where_the_book_says(self):
        books = house(
            OWED, paid=PAID, terms=self.TERMS, book=with_loan(escrow_pays="Expenses:Taxes:Property")
        )
        assert sums(books)["Expenses:Taxes:Property"] == D("1400.45")


def forms(*given):
    rows = [
        {"form_id": n, "year": 2026, "form": "1098", "issuer": "bank", "account_id": None, "boxes": json.dumps({"1": "512.00"})} | form
        for n, form in enumerate(given, start=1)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=FORMS)


class TestForm1098:
    TERMS = (term("01-31", interest_rate=6),)

    @pytest.mark.parametrize("account_id", [None, "home"])
    def test_the_year_is_trued_up_to_it(self, account_id):
        books = house(OWED, paid=PAID, terms=self.TERMS, forms=forms({"account_id": account_id}))
        assert lines(books, "1/home") == [(INTEREST, D(12)), (SUSPENSE, D(-12))]
        row = books.journal.filter(pl.col("source_table") == "ops.tax_forms")
        assert row.select("date", "kind").row(0) == (date(2026, 12, 31), "adjusting")
        assert sums(books)[INTEREST] == 512
        assert sums(books)[SUSPENSE] == D("288.45")

    def test_a_loan_that_was_sold_has_two_forms(self):
        both = forms(
            {"boxes": json.dumps({"1": "300.00"})},
            {"boxes": json.dumps({"1": "205.00"}), "issuer": "Former Bank", "account_id": "home"},
        )
        books = house(OWED, paid=PAID, terms=self.TERMS, forms=both)
        assert lines(books, "1/home") == [(INTEREST, D(5)), (SUSPENSE, D(-5))]

    @pytest.mark.parametrize(
        "form",
        [
            {"boxes": json.dumps({"1": "500.00"})},
            {"form": "W-2"},
            {"account_id": "other"},
            {"issuer": "Another Bank"},
            {"boxes": "{}"},
        ],
    )
    def test_what_agrees_or_is_about_something_else_changes_nothing(self, form):
        books = house(OWED, paid=PAID, terms=self.TERMS, forms=forms(form))
        assert sums(books)[INTEREST] == 500


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"account": "x", "principal": 1}, "principal and term belong together"),
        ({"account": "x", "payment": 1}, "a schedule needs its rate"),
        ({"account": "x", "payments": "("}, "not a regular expression"),
        ({"account": "x", "rate": 100}, "less than 100"),
        ({"rate": 1}, "Field required"),
    ],
)
def test_a_setting_that_is_none_is_named(setting, said):
    (complaint,) = complaints({"id": "b", "name": "B", "loans": [setting]})
    assert said in complaint


# -- properties -----------------------------------------------------------------------------------------

FIRST = date(2026, 1, 5)
balances = st.lists(st.integers(0, 40), min_size=1, max_size=15)
payments = st.lists(st.tuples(st.integers(0, 70), st.decimals(1, 50, places=2)), max_size=6)
figures = st.lists(
    st.tuples(st.integers(0, 70), st.integers(0, 30), st.none() | st.integers(0, 90)),
    max_size=4, unique_by=lambda told: told[0],
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(balances, payments, figures, st.none() | st.integers(0, 20), st.booleans())
def test_whatever_a_lender_tells_the_books_balance_and_agree_with_it(owed, paid, told, rate, fixed):
    on = [(FIRST + timedelta(days=n)).isoformat() for n in range(0, 200)]
    terms = [
        term(on[n], interest_paid=interest, escrow=escrow, is_fixed=fixed, interest_rate=rate,
             original_principal=100, term_months=12)
        for n, interest, escrow in sorted(told)
    ]  # fmt: skip
    books = house(
        {on[3 + 4 * n]: amount for n, amount in enumerate(owed)},
        paid=[(on[n], amount) for n, amount in paid],
        terms=terms,
    )
    assert out_of_balance(books.postings).is_empty()
    assert set(books.reconciliation.filter(pl.col("account_id") == "home")["difference"]) <= {D(0)}
    spent = books.postings.filter(pl.col("account") == BANK)["amount"].sum()
    assert spent == -sum((amount for _, amount in paid), D(0))
    assert books.journal["entry_id"].is_unique().all()
