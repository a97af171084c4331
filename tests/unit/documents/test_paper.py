"""The PDF: it is made without a font of this machine, of data only, and the same twice."""

import json

import pytest
from documents_examples import MARCH, PERIOD, record

from manna.documents import paper
from manna.documents.cover import cover
from manna.documents.statements import statement_tables

HOSTILE = '#import "@preview/evil:1.0.0" *  $ x $ <label> @ref *bold* \\ // # [ ] " =HYPERLINK()'


@pytest.fixture
def front(book):
    return cover(book, "Trial balance", MARCH, [record(PERIOD, open_items=HOSTILE)])


def test_a_merchants_text_is_a_text(front, statements, period):
    frame = statements["trial_balance"]
    renamed = frame.with_columns(account=frame["account"].replace("Liabilities:Car loan", HOSTILE))
    tables = statement_tables("trial_balance", renamed, period, ["USD"])
    made = paper.pdf(front, tables)
    assert made.startswith(b"%PDF-")
    assert made == paper.pdf(front, tables)
    assert len(paper.pictures(front, tables)) == 1


def test_a_statement_of_thousands_of_rows_says_what_is_left_out(front, statements, period, monkeypatch):
    monkeypatch.setattr(paper, "MOST_ROWS", 2)
    [table] = statement_tables("income_statement", statements["income_statement"], period, ["USD"])
    told = paper._table(table)
    assert (len(told["rows"]), told["left_out"]) == (2, len(table.rows) + 2 - 2)
    assert len(paper.pictures(front, [table])) == 1


def test_several_statements_begin_a_page_each(front, statements, period):
    names = ("income_statement", "balance_sheet", "allocation")
    tables = [statement_tables(name, statements[name], period, ["USD"])[0] for name in names]
    assert len(paper.pictures(front, tables)) == 4
    assert len(paper.pictures(front, [])) == 1


def test_what_the_template_is_told_are_strings(front, statements, period):
    tables = statement_tables("allocation", statements["allocation"], period, ["USD"])
    told = json.loads(json.dumps(paper._told(front, tables)))
    assert told["items"][0] == HOSTILE.partition("; ")[0]
    assert told["paper"] == "us-letter"
    assert paper.breakable("x" * 30).count("\u200b") == 29
    assert paper.breakable("short words only") == "short words only"
