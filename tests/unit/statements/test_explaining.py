"""Every line of every statement is the sum of its parts."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tie_out import MONTHS, entries, kept

from manna.contracts import CONTRACTS
from manna.contracts.reports import STATEMENTS
from manna.statements import tie_out
from manna.statements.explaining import explain_line, figure_of

TODAY = date(2026, 3, 20)


def unexplained(life, name):
    """Lines whose parts come to another figure."""
    found = []
    for line in life.made[name].iter_rows(named=True):
        parts = explain_line(
            name, line, life.ledger.book, life.ledger.postings, life.valuations, TODAY, life.sources
        )
        if sum(parts["amount"], Decimal(0)) != figure_of(name, line):
            found.append((line, sum(parts["amount"], Decimal(0))))
    return found


@pytest.mark.parametrize("name", [contract.name for contract in STATEMENTS])
def test_every_line_is_the_sum_of_its_parts(life, name):
    assert not life.made[name].is_empty()
    assert unexplained(life, name) == []


@pytest.mark.parametrize("name", ["balance_sheet", "changes_in_equity", "tax_lines"])
def test_also_in_a_firms_book(firm_life, name):
    assert unexplained(firm_life, name) == []


def test_both_lives_tie(life, firm_life):
    assert tie_out(life.ledger.book, life.made) == []
    assert tie_out(firm_life.ledger.book, firm_life.made) == []


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(made=st.lists(entries(), min_size=4, max_size=12))
def test_of_any_ledger_too(ledger, made):
    books, last = kept(ledger, made), date(2026, 5, 17)
    frames, unpriced = books.statements(*MONTHS[1:4:2], as_of=last), CONTRACTS["portfolio.valuations"].empty()
    for name, frame in frames.items():
        for line in frame.iter_rows(named=True):
            parts = explain_line(name, line, books.book, books.postings, unpriced, last)
            assert sum(parts["amount"], Decimal(0)) == figure_of(name, line), (name, line)
