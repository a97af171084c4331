"""The page behind a month's figures: what it shows, what it leaves out and says so, and that nothing on it runs."""

import re
from datetime import date
from decimal import Decimal

import pytest

from manna.documents import opened
from manna.documents.opened import Opened, Part, Source, opened_page, sources_shown, totals
from manna.documents.statements import statement_tables

HOSTILE = "<script>alert(1)</script> 000123456789"
KEY = ("clean.transactions", "t1")


def part(amount="5", source=KEY, description="Groceries"):
    return Part(date(2026, 3, 2), description, Decimal(amount), source)


def line(parts, *, figure="5", **more):
    return Opened(
        "income_statement-1", "Income statement", "Expenses:Food", Decimal(figure), "USD", parts, **more
    )


@pytest.fixture
def page(book, period):
    def make(lines, sources):
        return opened_page(book, period, lines, sources)

    return make


def test_from_a_figure_to_the_payload(page):
    facts = {"sha256": "abc", "cursor_after": "c1", "run_id": "r1"}
    source = Source(
        *KEY, {"description": HOSTILE, "pending": None}, [(facts, '{"name": "<b>ACH 000123456789</b>"}')]
    )
    text = page([line([part(description=HOSTILE)])], {KEY: source})
    assert 'id="income_statement-1"' in text
    assert '<a href="#s0">' in text
    assert 'id="s0"' in text
    for told in ("abc", "c1", "r1", "••••6789"):
        assert told in text
    assert "<script" not in text
    assert "<b>" not in text
    assert "000123456789" not in text
    assert text.count("<pre>") == 1


def test_what_is_left_out_is_counted(page, monkeypatch):
    monkeypatch.setattr(opened, "MOST_PARTS", 2)
    monkeypatch.setattr(opened, "MOST_SOURCES", 1)
    found = line(
        [part(source=("clean.transactions", f"t{n}")) for n in range(5)], figure="30", before=Decimal(5)
    )
    keys = sources_shown([found])
    assert keys == [("clean.transactions", "t0")]
    text = page([found], {keys[0]: Source(*keys[0], {})})
    assert "3 more postings, left out here" in text
    assert "15.00" in text
    assert "1 sources had no room here" in text
    assert "Brought forward from before the month" in text


def test_a_total_leads_to_the_lines_it_adds_up(page, statements, period):
    [table] = statement_tables("income_statement", statements["income_statement"], period, ["USD"])
    terms = totals(table)
    net = max(terms)
    assert [(sign, label) for sign, _, label, _ in terms[net]] == [
        (1, "Total income"),
        (-1, "Total expenses"),
    ]
    found = Opened(
        f"income_statement-{net}", "Income statement", "Net income", Decimal(1), "USD", terms=terms[net]
    )
    text = page([found], {})
    assert re.search(r'less <a href="#income_statement-\d+">Total expenses</a>', text)


def test_a_month_of_nothing_is_a_page_too(page):
    assert "There are no lines." in page([], {})
