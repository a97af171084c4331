"""Rows that are several things: sales less a fee or with tax in them, income tax of a proprietor, spending of two books."""

from decimal import Decimal as D

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_examples import account, frames, keep, lines, sums, transaction

from manna.book_sections import Deposit
from manna.books import Book, complaints
from manna.ledger import keep_books, out_of_balance
from manna.ledger.dividing import gross, shares, undivided, with_draws
from manna.ledger.journal import posted

CHECKING, CARD = account("checking"), account("card", "credit")
BANK, VISA = "Assets:Cash:Bank Checking", "Liabilities:Cards:Bank Card"
FEES, SALES_TAX = "Expenses:Fees:Processing", "Liabilities:Taxes:Sales Tax"
PHONE = "Expenses:Rent and Utilities:Telephone"


# -- deposits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "fee", "sales_tax", "expected"),
    [
        ("97.10", "0.029", None, ("100.00", "0", "2.90")),
        ("108.25", None, "0.0825", ("100.00", "8.25", "0")),
        # 100.00 + 8.25 tax = 108.25 charged; 2.9 % of that is 3.14: 105.11 arrives.
        ("105.11", "0.029", "0.0825", ("100.00", "8.25", "3.14")),
        ("-97.10", "0.029", None, ("-100.00", "0", "-2.90")),
        ("0.01", "0.029", "0.0825", ("0.01", "0.00", "0.00")),
    ],
)
def test_what_arrived_grossed_up(net, fee, sales_tax, expected):
    deposit = Deposit(fee=fee, sales_tax=sales_tax)
    income, tax, kept = gross(D(net), deposit, "USD")
    assert (income, tax, kept) == tuple(map(D, expected))
    assert income + tax - kept == D(net)


def studio(**more):
    return Book.model_validate({"id": "home", "name": "Studio", "kind": "proprietor", **more})


def sold(book, amount="105.11", description="STRIPE TRANSFER", category="Income:Sales", **more):
    return keep(
        book, accounts=[CHECKING],
        transactions=[transaction("t", "checking", "01-05", amount, description=description)],
        categories=[{"transaction_id": "t", "category": category}], **more,
    )  # fmt: skip


def test_sales_tax_is_owed_and_the_fee_is_an_expense():
    books = sold(studio(deposits=[{"description": "stripe", "fee": "0.029", "sales_tax": "0.0825"}]))
    assert lines(books, "t") == [
        (BANK, D("105.11")), ("Income:Sales", D(-100)), (SALES_TAX, D("-8.25")), (FEES, D("3.14")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        {"description": "SQUARE"},
        {"category": "Income:Salesmen"},
        {"splits": [{"transaction_id": "t", "position": 1, "category": "Income:Sales", "amount": "105.11"}]},
    ],
)
def test_any_other_row_and_what_a_person_split_stays_as_it_is(more):
    books = sold(studio(deposits=[{"description": "stripe", "fee": "0.029"}]), **more)
    assert len(lines(books, "t")) == 2


def test_the_first_setting_that_a_row_meets_decides():
    first = {"fee": "0.03", "fee_account": "Expenses:Fees:Card"}
    books = sold(studio(deposits=[first, {"fee": "0.5"}]), "97")
    assert lines(books, "t")[2] == ("Expenses:Fees:Card", D(3))


@pytest.mark.parametrize(
    ("section", "setting", "said"),
    [
        ("deposits", {}, "say fee, sales_tax, or both"),
        ("deposits", {"fee": 1}, "less than 1"),
        ("deposits", {"fee": "0.1", "category": "Expenses:X"}, "a deposit is income, not Expenses:X"),
        ("shared", {"account": "Income:X", "book": "b"}, "what is shared is an expense, not Income:X"),
        ("shared", {"account": PHONE, "book": "b", "share": 0}, "greater than 0"),
        ("shared", {"account": PHONE, "book": "b", "booked_as": "Equity:X"}, "not Equity:X"),
    ],
)
def test_a_setting_that_is_none_is_named(section, setting, said):
    (complaint,) = complaints({"id": "b", "name": "B", section: [setting]})
    assert said in complaint


# -- income tax of a proprietor -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "category", "source", "description", "expected"),
    [
        ("proprietor", "Expenses:Government and Non Profit:Tax Payment", "plaid", "IRS USATAXPYMT 2704",
         "Equity:Owner's Draws:Estimated Tax"),
        ("proprietor", "Expenses:Government and Non Profit:Tax Payment", "plaid", "CDTFA SALES TAX",
         "Expenses:Government and Non Profit:Tax Payment"),
        ("proprietor", "Expenses:Government and Non Profit:Tax Payment", "override", "IRS USATAXPYMT 2704",
         "Expenses:Government and Non Profit:Tax Payment"),
        ("proprietor", "Expenses:Taxes:Federal", "rule", "ANY", "Equity:Owner's Draws:Estimated Tax"),
        ("proprietor", "Expenses:Taxes:Payroll", "rule", "IRS USATAXPYMT", "Expenses:Taxes:Payroll"),
        ("household", "Expenses:Taxes:Federal", "rule", "IRS", "Expenses:Taxes:Federal"),
    ],
)  # fmt: skip
def test_estimated_income_tax_is_a_draw(kind, category, source, description, expected):
    books = keep(
        Book(id="home", name="Home", kind=kind),
        accounts=[CHECKING],
        transactions=[transaction("t", "checking", "04-15", -500, description=description)],
        categories=[{"transaction_id": "t", "category": category, "source": source}],
    )
    assert lines(books, "t")[1] == (expected, D(500))


# -- spending of two books ------------------------------------------------------------------------------


def two(home_shares=(), firm_shares=()):
    home = {"id": "home", "name": "Home", "taxpayer": "ana", "shared": home_shares}
    firm = {"id": "firm", "name": "Studio", "kind": "proprietor", "taxpayer": "ana", "shared": firm_shares}
    return {book["id"]: Book.model_validate(book) for book in (home, firm)}


def both(books, payer, *rows):
    """Both books, where ``payer`` has one card with rows of (amount, category)."""
    given_rows = {
        "accounts": [CARD],
        "transactions": [transaction(f"t{n}", "card", "01-05", amount) for n, (amount, _) in enumerate(rows)],
        "categories": [{"transaction_id": f"t{n}", "category": name} for n, (_, name) in enumerate(rows)],
    }
    told = frames(**given_rows)
    whole = undivided(
        posted(told["transactions"]),
        with_draws(books[payer], told["transactions"], told["categories"]),
        told["splits"],
    )
    shared = shares(books[payer], books, whole)
    empty = frames(accounts=[])
    return {
        book.id: keep_books(book, family=books, **(told if book.id == payer else empty), shared=shared)
        for book in books.values()
    }


def test_business_spending_on_a_personal_card_is_a_contribution():
    """40 % of a telephone of 140.00 is the firm's: 56.00 in both books."""
    setting = {"account": PHONE, "book": "firm", "share": "0.4"}
    kept = both(two(home_shares=[setting]), "home", (-140, PHONE))
    assert lines(kept["home"], "t0") == [
        (VISA, D(-140)), (PHONE, D(84)), ("Equity:Contributions to Studio", D(56)),
    ]  # fmt: skip
    assert lines(kept["firm"], "t0/firm") == [(PHONE, D(56)), ("Equity:Owner's Contributions", D(-56))]
    assert kept["firm"].journal.select("source_table", "kind").row(0) == ("clean.transactions", "transaction")


def test_personal_spending_on_a_business_card_is_a_draw():
    setting = {"account": "Expenses:Fun", "book": "home", "booked_as": "Expenses:Entertainment"}
    kept = both(two(firm_shares=[setting]), "firm", (-18, "Expenses:Fun:TV"))
    assert lines(kept["firm"], "t0") == [(VISA, D(-18)), ("Equity:Owner's Draws", D(18))]
    assert lines(kept["home"], "t0/home") == [
        ("Expenses:Entertainment", D(18)), ("Equity:Received from Studio", D(-18)),
    ]  # fmt: skip


def test_a_refund_goes_the_other_way():
    setting = {"account": PHONE, "book": "firm", "share": "0.5"}
    kept = both(two(home_shares=[setting]), "home", (20, PHONE))
    assert lines(kept["firm"], "t0/firm") == [(PHONE, D(-10)), ("Equity:Owner's Contributions", D(10))]


@pytest.mark.parametrize(
    "setting",
    [
        {"account": PHONE, "book": "firm", "description": "somebody else"},
        {"account": "Expenses:Rent", "book": "firm"},
        {"account": PHONE, "book": "stranger"},
    ],
)
def test_what_is_not_shared_stays_in_its_book(setting):
    kept = both(two(home_shares=[setting]), "home", (-140, PHONE))
    assert len(lines(kept["home"], "t0")) == 2
    assert kept["firm"].journal.is_empty()


def test_a_loans_payment_is_not_shared():
    paid = "Expenses:Loan Payments:Car Payment"
    kept = both(two(home_shares=[{"account": paid, "book": "firm"}]), "home", (-140, paid))
    assert kept["firm"].journal.is_empty()


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.decimals(-999, 999, places=2), st.sampled_from([PHONE, "Expenses:Food", "Income:Sales"])
        ),
        max_size=6,
    ),
    st.decimals("0.01", 1, places=2),
    st.sampled_from(["home", "firm"]),
)
def test_what_one_book_gives_the_other_gets_to_the_cent(rows, share, payer):
    other = {"home": "firm", "firm": "home"}[payer]
    setting = [{"account": PHONE, "book": other, "share": share}]
    books = two(**{f"{payer}_shares": setting})
    kept = both(books, payer, *rows)
    equity = pl.col("account").str.starts_with("Equity:")
    moved = {book: one.postings.filter(equity)["amount"].sum() for book, one in kept.items()}
    assert moved["home"] == -moved["firm"]
    for one in kept.values():
        assert out_of_balance(one.postings).is_empty()
    spent = sum((sums(one).get(PHONE, D(0)) for one in kept.values()), D(0))
    assert spent == -sum((amount for amount, name in rows if name == PHONE), D(0))


@settings(max_examples=50, deadline=None)
@given(
    st.decimals(-99999, 99999, places=2),
    st.none() | st.decimals("0.001", "0.2", places=3),
    st.decimals("0.001", "0.2", places=4),
    st.sampled_from(["USD", "JPY"]),
)
def test_a_deposit_is_divided_without_a_remainder(net, fee, tax, currency):
    net = net.quantize(D(1)) if currency == "JPY" else net
    income, owed, kept = gross(net, Deposit(fee=fee, sales_tax=tax), currency)
    assert income + owed - kept == net
