"""Entries that people write: what they must be, what they become, and files of them."""

from datetime import date
from decimal import Decimal as D

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_examples import account, balance, entered, entry, keep, lines, transaction

from manna.books import Book
from manna.contracts.ledger import JOURNAL
from manna.ledger import out_of_balance
from manna.ledger.entered import (
    UnknownEntryError,
    currencies_of,
    faults,
    line_of,
    opposite,
    voided_by,
    written,
)
from manna.ledger.entry_file import EntryFileError, not_there_yet, read_entries

CHECKING = account("checking")
BANK = "Assets:Cash:Bank Checking"
RENT, OWED = "Expenses:Rent", "Liabilities:Accrued"
ACCRUAL = entry("01-31", (RENT, 1200), (OWED, -1200))


@pytest.mark.parametrize(
    ("given_entry", "said"),
    [
        (entry("01-31", (RENT, 1)), "it needs two lines or more"),
        (entry("01-31", (RENT, 1), (OWED, "-1.50")), "out of balance by -0.50 USD"),
        (entry("01-31", (RENT, 1), (OWED, -1, "EUR")), "out of balance by -1 EUR"),
        (entry("01-31", ("Rent", 1), (OWED, -1)), "'Rent' is no account; write e.g. Expenses:Rent"),
        (entry("01-31", (RENT, "0.001"), (OWED, "-0.001")), "more than 2 decimals of USD"),
        (entry("01-31", (RENT, 0), (OWED, 0)), "must not be zero"),
        (entry("01-31", (RENT, "1e13"), (OWED, "-1e13")), "must not be zero and be below"),
        (entry("01-31", (RENT, 1, "$"), (OWED, -1)), "'$' is no currency"),
        (entry("01-31", (RENT, 1, "ZZZ"), (OWED, -1, "ZZZ")), "'ZZZ' is no currency of ISO 4217; write e.g. USD"),
        (entry("01-31", (RENT, 1, "XXX"), (OWED, -1, "XXX")), "'XXX' is no currency"),
        (entry("01-31", (RENT, 1), (OWED, -1), description=" "), "no description"),
        (entry("1969-12-31", (RENT, 1), (OWED, -1)), "1969-12-31 is before 1970-01-01"),
        (entry("01-31", (RENT, 1), (OWED, -1), reverses_on=date(2026, 1, 31)), "cannot be reversed on 2026-01-31"),
    ],
)  # fmt: skip
def test_what_cannot_be_booked_is_named(given_entry, said):
    assert any(said in fault for fault in faults(given_entry)), faults(given_entry)


def test_a_coin_that_the_book_gives_a_rate_is_a_currency():
    coins = entry("01-31", (RENT, 1, "BTC"), (OWED, -1, "BTC"))
    book = Book(id="home", name="Home", exchange_rates={"BTC": 1})
    assert faults(coins)
    assert faults(coins, currencies_of(book)) == []


def test_every_fault_is_told_not_the_first_one():
    assert len(faults(entry("01-31", ("x", 0), description=""))) == 4


@pytest.mark.parametrize("text", ["", "ten", "nan", "1..2", "inf"])
def test_an_amount_that_is_none(text):
    with pytest.raises(ValueError, match="is no amount; write"):
        line_of(RENT, text, "USD")


def test_an_entry_stands_in_the_journal_under_its_number():
    books = keep(accounts=[CHECKING], entered=entered(ACCRUAL))
    assert lines(books, "1/home") == [(RENT, D(1200)), (OWED, D(-1200))]
    assert books.journal.select("date", "kind", "description", "source_table").row(0) == (
        date(2026, 1, 31), "manual", "Entry", "ops.journal_entries",
    )  # fmt: skip


def test_it_reverses_on_its_day_and_an_adjusting_one_says_so():
    books = keep(
        accounts=[CHECKING],
        entered=entered(
            entry("01-31", (RENT, 1200), (OWED, -1200), reverses_on=date(2026, 2, 1), adjusting=True)
        ),
    )
    assert lines(books, "1/reversal/home") == [(RENT, D(-1200)), (OWED, D(1200))]
    assert books.journal.select("date", "kind", "description").rows() == [
        (date(2026, 1, 31), "adjusting", "Entry"),
        (date(2026, 2, 1), "adjusting", "Reversal of 1: Entry"),
    ]


def test_what_was_taken_back_stays_and_comes_to_nothing():
    accrual = entry("01-31", (RENT, 1200), (OWED, -1200), reverses_on=date(2026, 2, 1))
    back = opposite(1, entered(accrual))
    there = entered(accrual, back)
    books = keep(accounts=[CHECKING], entered=there)
    assert books.journal.height == 4
    assert set(books.postings.group_by("account", "date").agg(pl.col("amount").sum())["amount"]) == {D(0)}
    assert back.description == "Void of 1: Entry"
    assert voided_by(there) == {1: 2}


@pytest.mark.parametrize(
    ("number", "said"),
    [(7, "there is no entry 7; they are numbered 1 to 2"), (2, "entry 2 takes back entry 1; enter that one anew")],
)  # fmt: skip
def test_what_cannot_be_taken_back(number, said):
    there = entered(ACCRUAL, opposite(1, entered(ACCRUAL)))
    with pytest.raises(UnknownEntryError, match=said):
        opposite(number, there)


def test_nothing_to_take_back():
    with pytest.raises(UnknownEntryError, match="there are none yet"):
        opposite(1, entered())


def test_an_entry_on_a_banks_account_is_a_difference_and_moves_no_opening():
    told = {
        "accounts": [CHECKING],
        "balances": [balance("checking", "01-10", 100), balance("checking", "01-31", 70)],
        "transactions": [transaction("t", "checking", "01-20", -30)],
    }
    cheque = [entry(day, ("Expenses:Gifts", 25), (BANK, -25)) for day in ("01-05", "01-25")]
    for given_entry, expected in ((cheque[0], [D(-25), D(-25)]), (cheque[1], [D(0), D(-25)])):
        books = keep(entered=entered(given_entry), **told)
        assert books.reconciliation["difference"].to_list() == expected
        assert books.reconciliation["basis"][-1] == "difference"
        assert lines(books, "checking/2026-01-10")[0] == (BANK, D(100))


def test_an_entry_that_is_reversed_when_the_row_comes_leaves_no_difference():
    cheque = entry("01-25", ("Expenses:Gifts", 25), (BANK, -25), reverses_on=date(2026, 2, 2))
    books = keep(
        accounts=[CHECKING],
        balances=[balance("checking", "01-10", 100), balance("checking", "02-05", 75)],
        transactions=[transaction("t", "checking", "02-02", -25)],
        entered=entered(cheque),
    )
    assert books.reconciliation["basis"].to_list() == ["plugged", "reconciled"]


# -- files ----------------------------------------------------------------------------------------------


def read(text, currency="USD"):
    header, *body = [line.split(",") for line in text.strip().splitlines()]
    return read_entries([dict(zip(header, row, strict=False)) for row in body], header, currency)


def test_a_file_with_numbers_and_amounts():
    found = read(
        "entry,date,description,account,amount,currency,adjusting,reverses_on\n"
        "1,2025-12-31,Depreciation,Expenses:Depreciation,300,,yes,\n"
        "1,,,Assets:Equipment,-300,,,\n"
        "2,2025-12-31,Accrual,Expenses:Rent,10,EUR,,2026-01-01\n"
        "2,2025-12-31,Accrual,Liabilities:Accrued,-10,EUR,,2026-01-01\n"
    )
    assert [(e.day, e.description, e.adjusting, e.reverses_on) for e in found] == [
        (date(2025, 12, 31), "Depreciation", True, None),
        (date(2025, 12, 31), "Accrual", False, date(2026, 1, 1)),
    ]
    assert [(line.account, line.amount, line.currency) for line in found[1].lines] == [
        ("Expenses:Rent", D(10), "EUR"), ("Liabilities:Accrued", D(-10), "EUR"),
    ]  # fmt: skip


def test_a_file_with_debits_and_credits_and_no_numbers():
    found = read(
        "date,description,account,debit,credit\n"
        "2025-12-31,A,Expenses:X,5.00,\n"
        "2025-12-31,A,Assets:Y,,5.00\n"
        "2025-12-31,B,Expenses:X,7,0\n"
        "2025-12-31,B,Assets:Y,0,7\n"
        "2025-12-31,A,Expenses:X,5.00,\n"
        "2025-12-31,A,Assets:Y,,5.00\n"
    )
    assert [[line.amount for line in e.lines] for e in found] == [[5, -5], [7, -7], [5, -5]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,account\n", "no column description, amount (or debit and credit)"),
        ("date,description,account,amount,colour\n", "unknown column 'colour'"),
        ("date,description,account,amount\n", "it has no rows"),
        ("date,description,account,amount\n31.12.2025,A,Expenses:X,5\n", "line 2: date '31.12.2025' is no day"),
        ("date,description,account,amount\n2025-12-31,A,Expenses:X,five\n", "line 2: 'five' is no amount"),
        ("date,description,account,amount\n2025-12-31,A,Expenses:X,5\n2025-12-31,A,Assets:Y,-4\n",
         "lines 2 to 3: it is out of balance by 1 USD"),
        ("entry,date,description,account,amount\n1,2025-12-31,A,Expenses:X,5\n1,2025-12-30,A,Assets:Y,-5\n",
         "line 3: its date is not that of the entry's first line 2"),
        ("date,description,account,amount,debit,credit\n2025-12-31,A,Expenses:X,5,5,\n", "not both"),
        ("date,description,account,debit,credit\n2025-12-31,A,Expenses:X,5,5\n", "a debit or a credit"),
        ("date,description,account,amount,adjusting\n2025-12-31,A,Expenses:X,5,maybe\n", "adjusting is yes or no"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_taken_names_what_is_wrong(text, said):
    with pytest.raises(EntryFileError) as error:
        read(text)
    assert said in str(error.value)


def test_all_faults_of_a_file_are_told_at_once():
    with pytest.raises(EntryFileError) as error:
        read("date,description,account,amount\nx,A,Expenses:X,5\n2025-12-31,B,Expenses:X,y\n")
    assert "line 2" in str(error.value)
    assert "line 3" in str(error.value)


def test_a_file_given_twice_adds_nothing_and_twins_within_a_file_are_two():
    twins = [ACCRUAL, ACCRUAL]
    assert not_there_yet(twins, []) == twins
    assert not_there_yet(twins, [ACCRUAL.content]) == [ACCRUAL]
    assert not_there_yet(twins, [e.content for e in twins]) == []


# -- properties -----------------------------------------------------------------------------------------

amounts = st.decimals(-9999, 9999, places=2).filter(lambda amount: amount != 0)
accounts = st.sampled_from([RENT, OWED, BANK, "Income:Work", "Equity:Owner's Draws"])


@st.composite
def balanced_entries(draw):
    currency = draw(st.sampled_from(["USD", "EUR"]))
    first = draw(st.lists(st.tuples(accounts, amounts, st.just(currency)), min_size=1, max_size=3))
    rest = -sum((amount for _, amount, _ in first), D(0))
    told = [*first, ("Equity:Rest", rest, currency)] if rest else [*first, *((a, -v, c) for a, v, c in first)]
    back = draw(st.sampled_from([None, date(2026, 2, 20)]))
    return entry(f"01-{draw(st.integers(1, 28)):02}", *told, reverses_on=back, adjusting=draw(st.booleans()))


@settings(max_examples=30, deadline=None)
@given(st.lists(balanced_entries(), max_size=6), st.data())
def test_whatever_people_enter_and_take_back_every_entry_balances(given_entries, data):
    assert [faults(e) for e in given_entries if faults(e)] == []
    backs = data.draw(st.sets(st.integers(1, len(given_entries)))) if given_entries else set()
    there = entered(*given_entries, *(opposite(n, entered(*given_entries)) for n in sorted(backs)))
    books = keep(accounts=[CHECKING], balances=[balance("checking", "01-15", 10)], entered=there)
    assert out_of_balance(books.postings).is_empty()
    assert not JOURNAL.violations(books.journal).list.len().sum()
    alone = [e for n, e in enumerate(given_entries, start=1) if n not in backs]
    without = keep(accounts=[CHECKING], balances=[balance("checking", "01-15", 10)], entered=entered(*alone))
    assert _sums(books) == _sums(without)
    assert [written(row) for row in there.iter_rows(named=True)][: len(given_entries)] == given_entries


def _sums(books):
    found = books.postings.group_by("account", "currency", "date").agg(pl.col("amount").sum())
    return set(found.filter(pl.col("amount") != 0).rows())
