"""Ordinary transactions: two postings each, ids for ever, pending rows are memo."""

from datetime import date
from decimal import Decimal as D

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_examples import BOOK, account, balance, day, frames, keep, lines, sums, trade, transaction

from manna.contracts import CONTRACTS
from manna.contracts.ledger import MONTHS, TABLES
from manna.ledger import UnknownAccountError, identity, keep_books, out_of_balance, trial_balance

KEPT = [contract for contract in TABLES if contract is not MONTHS]
CHECKING = account("checking")
CARD = account("card", "credit")


def test_a_purchase_debits_its_category():
    books = keep(
        accounts=[CARD],
        transactions=[transaction("t", "card", "01-05", "-12.34", description="SHOP")],
        categories=[{"transaction_id": "t", "category": "Expenses:Food"}],
    )
    assert lines(books, "t") == [("Liabilities:Cards:Bank Card", D("-12.34")), ("Expenses:Food", D("12.34"))]
    assert books.journal.select("date", "kind", "description", "source_table").row(0) == (
        day("01-05"), "transaction", "SHOP", "clean.transactions",
    )  # fmt: skip
    assert books.postings.sort("posting_id")["account_id"].to_list() == ["card", None]


@pytest.mark.parametrize(
    ("subtype", "where"), [("hsa", "Equity:Sheltered Accounts:Interest"), ("savings", "Income:Interest")]
)
def test_a_banks_health_savings_account_earns_no_income(subtype, where):
    books = keep(
        accounts=[account("savings", subtype=subtype)],
        transactions=[
            transaction("i", "savings", "01-31", "4.86"),
            transaction("d", "savings", "01-31", -40),
        ],
        categories=[
            {"transaction_id": "i", "category": "Income:Interest"},
            {"transaction_id": "d", "category": "Expenses:Medical:Dental Care"},
        ],
    )
    assert lines(books, "i")[1] == (where, D("-4.86"))
    assert lines(books, "d")[1] == ("Expenses:Medical:Dental Care", D(40))


def test_a_split_debits_each_of_its_categories():
    books = keep(
        accounts=[CARD],
        transactions=[transaction("t", "card", "01-05", "-20")],
        categories=[{"transaction_id": "t", "category": "Expenses:Food"}],
        splits=[
            {"transaction_id": "t", "position": 2, "category": "Expenses:Home", "amount": "-8"},
            {"transaction_id": "t", "position": 1, "category": "Expenses:Food", "amount": "-12"},
        ],
    )
    assert lines(books, "t") == [
        ("Liabilities:Cards:Bank Card", D(-20)),
        ("Expenses:Food", D(12)),
        ("Expenses:Home", D(8)),
    ]
    assert out_of_balance(books.postings).is_empty()


def test_both_legs_of_a_transfer_meet_in_transit():
    books = keep(
        accounts=[CHECKING, CARD],
        transactions=[transaction("out", "checking", "01-05", -100), transaction("in", "card", "01-07", 100)],
        categories=[
            {"transaction_id": "out", "category": "Expenses:X", "transfer_id": "tr"},
            {"transaction_id": "in", "category": "Expenses:X", "transfer_id": "tr"},
        ],
        transfers=[{"transfer_id": "tr", "out_id": "out", "in_id": "in", "amount": 100}],
    )
    assert lines(books, "out")[1] == ("Assets:In Transit", D(100))
    under_way = sums(books, date(2026, 1, 6))
    assert sum(v for k, v in under_way.items() if k.startswith(("Assets", "Liabilities"))) == 0
    assert sums(books)["Assets:In Transit"] == 0
    assert "Expenses:X" not in sums(books)


def test_a_row_without_a_category_goes_to_suspense_and_is_not_lost():
    books = keep(accounts=[CHECKING], transactions=[transaction("t", "checking", "01-05", -5)])
    assert lines(books, "t")[1] == ("Equity:Suspense", D(5))


def test_pending_and_removed_rows_are_not_booked():
    books = keep(
        accounts=[CHECKING],
        transactions=[
            transaction("p", "checking", "01-05", -5, pending=True),
            transaction("r", "checking", "01-05", -6, removed=True),
            transaction("t", "checking", "01-05", -7),
        ],
        categories=[{"transaction_id": t} for t in "prt"],
    )
    assert books.journal["source_id"].to_list() == ["t"]


def test_ids_are_those_of_yesterday():
    # Published ids: a change of this test is a change of every id in every lake.
    assert identity("clean.transactions", "t") == "b388b65c2e8ad924fdeae6e7f93d7ca1"
    books = keep(accounts=[CHECKING], transactions=[transaction("t", "checking", "01-05", -5)])
    entry = identity("clean.transactions", "t")
    assert books.postings.sort("posting_id")["posting_id"].to_list() == [f"{entry}-001", f"{entry}-002"]


def test_ids_of_different_tables_differ():
    assert identity("clean.trades", "1") != identity("clean.transactions", "1")
    assert len(identity("a", "b")) == 32


def test_a_row_of_an_unknown_account_is_refused_and_all_are_named():
    with pytest.raises(UnknownAccountError) as error:
        keep(
            accounts=[CHECKING],
            balances=[balance("gone", "01-01", 1)],
            transactions=[transaction("t", "lost", "01-05", -5)],
            trades=[trade("b", "01-05", "buy", 1, -5)],
        )
    assert set(error.value.missing) == {
        ("clean.balances", "gone"), ("clean.transactions", "lost"), ("clean.trades", "broker"),
    }  # fmt: skip
    assert "lost (in clean.transactions)" in str(error.value)


def test_nothing_in_nothing_out():
    books = keep(accounts=[])
    for contract in KEPT:
        frame = getattr(books, contract.name)
        assert frame.is_empty()
        assert dict(frame.schema) == contract.polars_schema


def test_a_category_said_twice_is_an_error_not_a_doubled_row():
    with pytest.raises(pl.exceptions.ComputeError):
        keep(
            accounts=[CHECKING],
            transactions=[transaction("t", "checking", "01-05", -5)],
            categories=[{"transaction_id": "t"}, {"transaction_id": "t"}],
        )


def test_trial_balance_by_hand():
    books = keep(
        accounts=[CHECKING],
        balances=[balance("checking", "01-31", 70)],
        transactions=[transaction("a", "checking", "01-05", -50), transaction("b", "checking", "01-20", 20)],
        categories=[
            {"transaction_id": "a", "category": "Expenses:Rent"},
            {"transaction_id": "b", "category": "Income:Gifts"},
        ],
    )
    assert trial_balance(books.postings, date(2026, 1, 10)).rows() == [
        ("Assets:Cash:Bank Checking", "USD", D(50), D(0)),
        ("Equity:Opening Balances", "USD", D(0), D(100)),
        ("Expenses:Rent", "USD", D(50), D(0)),
    ]
    assert trial_balance(books.postings).rows()[-1] == ("Income:Gifts", "USD", D(0), D(20))


def test_every_entry_that_does_not_balance_is_found():
    books = keep(
        accounts=[CHECKING],
        transactions=[transaction(t, "checking", "01-05", -5) for t in "abc"],
    )
    assert out_of_balance(books.postings).is_empty()
    torn = books.postings.filter(
        ~((pl.col("entry_id") != identity("clean.transactions", "b")) & (pl.col("amount") > 0))
    )
    found = out_of_balance(torn)
    assert set(found["entry_id"]) == {identity("clean.transactions", t) for t in "ac"}
    assert found["amount"].to_list() == [D(-5), D(-5)]


amounts = st.decimals(-9999, 9999, places=2)
movements = st.lists(
    st.tuples(
        st.sampled_from(["checking", "card"]), st.integers(1, 28), amounts, st.booleans(), st.booleans(),
        st.sampled_from(["USD", "EUR"]),
    ),
    max_size=12,
)  # fmt: skip


def tables(moves, snapshots):
    return {
        "accounts": [CHECKING, CARD],
        "balances": [balance(a, f"01-{d:02}", v) for (a, d), v in snapshots.items()],
        "transactions": [
            transaction(f"t{i}", a, f"01-{d:02}", v, pending=pending, currency=currency)
            for i, (a, d, v, pending, _, currency) in enumerate(moves)
        ],
        "categories": [
            {"transaction_id": f"t{i}", "transfer_id": "x" if moved else None}
            for i, (*_, moved, _) in enumerate(moves)
        ],
    }


snapshots = st.dictionaries(
    st.tuples(st.sampled_from(["checking", "card"]), st.integers(1, 28)), amounts, max_size=4
)


@settings(max_examples=40, deadline=None)
@given(movements, snapshots, st.randoms(use_true_random=False))
def test_properties_of_bank_books(moves, told, random):
    given_frames = frames(**tables(moves, told))
    books = keep_books(BOOK, **given_frames)
    for contract in KEPT:
        assert not contract.violations(getattr(books, contract.name)).list.len().sum(), contract.address
    assert out_of_balance(books.postings).is_empty()
    totals = trial_balance(books.postings).group_by("currency").agg(pl.col("debit", "credit").sum())
    assert totals["debit"].to_list() == totals["credit"].to_list()
    shuffled = {
        name: frame[random.sample(range(frame.height), frame.height)] for name, frame in given_frames.items()
    }
    again = keep_books(BOOK, **shuffled)
    for contract in KEPT:
        assert getattr(books, contract.name).equals(getattr(again, contract.name)), contract.address
    without = tables([m for m in moves if not m[3]], told)
    booked = keep(**without)
    assert trial_balance(booked.postings).equals(trial_balance(books.postings))
    for account_id, as_of, difference in books.reconciliation.select(
        "account_id", "as_of", "difference"
    ).iter_rows():
        if as_of == min(day(f"01-{d:02}") for a, d in told if a == account_id):
            assert difference == 0


def test_every_contract_of_the_stage_is_made():
    assert {c.address for c in TABLES} <= set(CONTRACTS)
