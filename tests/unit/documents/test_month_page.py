"""The page of a book and month: complete in itself, safe, accessible, and the same for the same input."""

import base64
import hashlib
import re
from datetime import date
from html.parser import HTMLParser

import jinja2
import polars as pl
import pytest

from manna.books import Book
from manna.documents.page import IndexEntry, index_page, month_page, table_page

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Reads a page as strictly as a page must be written: everything closed, ids once."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.text = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture
def page(book, period, statements, publication, alerts):
    return month_page(book, period, statements, publication, alerts)


def test_the_same_input_gives_the_same_bytes(book, period, statements, publication, alerts, page):
    assert month_page(book, period, statements, publication, alerts) == page


def test_the_cover_says_what_a_reader_must_know(page):
    words = Reader(page).words()
    for expected in (
        "Rivera household",
        "March 2026",
        "Published",
        "Complete through 31 March 2026",
        "As known on 1 April 2026, 21:30 EDT",
        "Manna 0.1.0",
        "9f2c4e81b7aa",
        "1 row in quarantine",
        "2 provisional amounts",
        "Checking is at 410.00 USD, below 500.00",
    ):
        assert expected in words


def test_the_key_figures_are_those_of_the_statements(page):
    words = Reader(page).words()
    assert "Net worth USD 52,900.00 −700.00 since the month end before" in words
    assert "Income 5,000.00 4,900.00 the month before" in words
    assert "Expenses 2,815.75 2,790.00 the month before" in words
    assert "Savings rate 43.7% 2,184.25 saved" in words
    assert "Cash 10,500.00 on 31 March 2026" in words


def test_nothing_is_fetched_and_nothing_runs(page):
    reader = Reader(page)
    assert not {tag for tag, _ in reader.tags} & {"script", "link", "img", "iframe", "object", "form"}
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page
    assert "@import" not in page
    for _, attrs in reader.tags:
        assert not [name for name in attrs if name.startswith("on") or name in ("style", "src")]
        assert attrs.get("href", "#").startswith("#")


def test_the_policy_admits_this_style_sheet_alone(page):
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    [policy] = [attrs["content"] for tag, attrs in Reader(page).tags if attrs.get("http-equiv")]
    assert policy == (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")


HOSTILE = "<script>alert(1)</script>\"'><img src=x>&amp;"


def test_every_text_from_outside_is_escaped(book, period, statements, publication, alerts):
    def hostile(frame, *columns):
        return frame.with_columns(pl.concat_str(pl.col(columns), pl.lit(HOSTILE)).alias(columns[0]))

    spoilt = {
        name: hostile(frame, "name" if name == "allocation" else "account") if name != "net_worth" else frame
        for name, frame in statements.items()
    }
    fields = ("reason", "open_items", "code_version", "content_hash")
    record = publication | dict.fromkeys(fields, HOSTILE) | {"status": "held"}
    warned = alerts.with_columns(severity=pl.lit(HOSTILE), message=pl.lit(HOSTILE))
    owner = Book(id="household", name=HOSTILE)
    html = month_page(owner, period, spoilt, record, warned)
    reader = Reader(html)
    assert "<script" not in html
    assert "<img" not in html
    assert HOSTILE in reader.words()
    assert (
        HOSTILE
        in Reader(index_page([IndexEntry("household", HOSTILE, period, "held", None, HOSTILE)])).words()
    )
    table = Reader(table_page(pl.DataFrame({HOSTILE: [HOSTILE]}), title=HOSTILE))
    assert table.words().count(HOSTILE) == 4  # title, caption, heading, cell


def test_tables_and_charts_can_be_heard(page):
    reader = Reader(page)
    tags = reader.tags
    assert all(attrs.get("scope") in ("col", "row", "rowgroup") for tag, attrs in tags if tag == "th")
    assert len(reader.ids) == len(set(reader.ids))
    named = [attrs["aria-labelledby"] for tag, attrs in tags if tag == "svg"]
    assert len(named) == 3
    for names in named:
        assert set(names.split()) <= set(reader.ids)
    assert [attrs["role"] for tag, attrs in tags if tag == "svg"] == ["img"] * 3
    assert sum(tag == "details" for tag, _ in tags) == 3  # the figures of each chart as a table
    assert "lowest 52,000.00 on 31 January 2026, highest 53,600.00 on 28 February 2026" in reader.words()


def test_income_against_expenses_is_drawn_from_three_months_on(book, period, statements, publication, income):
    months = pl.concat([income(date(2026, month, 1)) for month in (1, 2, 3, 4)])
    page = month_page(book, period, statements | {"income_statement": months}, publication)
    words = Reader(page).words()
    assert "Two bars a month over 3 months, January 2026 to March 2026" in words  # April is after the period
    assert words.count("Net income") == 1
    assert "Two bars" not in Reader(month_page(book, period, statements, publication)).words()


def test_a_held_month_says_why_and_what_is_shown(book, period, statements, publication):
    held = publication | {"status": "held", "reason": "cash does not tie; one more"}
    words = Reader(month_page(book, period, statements, held)).words()
    assert "What follows is the last good version. The reasons: Cash does not tie One more" in words
    never = held | {"content_hash": None, "open_items": ""}
    page = month_page(book, period, {}, never)
    words = Reader(page).words()
    assert "No version of this month has been published yet." in words
    assert "There are no figures for this month." in words
    assert "<table" not in page


def test_a_provisional_month_says_so(book, period, statements, publication):
    words = Reader(month_page(book, period, statements, publication | {"provisional": True})).words()
    assert "Provisional The past is still being loaded" in words
    assert "Published , provisional" in words
    final = Reader(month_page(book, period, statements, publication | {"provisional": False})).words()
    assert "The past is still being loaded" not in final
    entry = IndexEntry("household", "Household", period, "published", None, None, provisional=True)
    assert "Published provisional" in Reader(index_page([entry])).words()


def test_an_open_month_says_up_to_when(book, period, statements, publication):
    early = date(2026, 3, 18)
    worth = statements["net_worth"].with_columns(
        as_of=pl.when(pl.col("line") == 2).then(early).otherwise("as_of")
    )
    page = month_page(
        book, period, statements | {"net_worth": worth}, publication | {"complete_through": early}
    )
    words = Reader(page).words()
    assert "March 2026 figures to 18 March 2026" in words
    assert "Account 18 March 2026 28 February 2026" in words  # the balance sheet's columns
    unknown = month_page(book, period, statements, publication | {"complete_through": None})
    assert "Complete through not known" in Reader(unknown).words()


def test_statements_without_lines_and_figures_without_data_say_so(book, period, statements, publication):
    kept = {"net_worth": statements["net_worth"]}
    empty = {name: frame.clear() for name, frame in statements.items() if name != "net_worth"}
    for given in (kept, kept | empty):
        words = Reader(month_page(book, period, given, publication)).words()
        assert words.count("This statement has no lines.") == 5
        assert "No expenses this month." in words
        assert "No investments." in words
        assert "Savings rate –" in words


def test_all_zero_and_negative_net_worth_are_drawn(book, period, statements, publication):
    for factor in (0, -1):
        worth = statements["net_worth"].with_columns(net_worth=pl.col("net_worth") * factor)
        page = month_page(book, period, statements | {"net_worth": worth}, publication)
        assert 'class="curve"' in page
    assert "−52,900.00" in page


def test_currencies_are_kept_apart_the_books_first(book, period, statements, publication, income):
    both = pl.concat([income(currency="EUR"), statements["income_statement"], income(currency="JPY")])
    page = month_page(book, period, statements | {"income_statement": both}, publication)
    words = Reader(page).words()
    order = [words.index(f"Income statement {code}") for code in ("USD", "EUR", "JPY")]
    assert order == sorted(order)
    assert "Expenses 2,816 2,790 the month before" in words  # yen have no decimals
    ids = Reader(page).ids
    assert len(ids) == len(set(ids))


def test_a_proprietor_has_a_margin(period, statements, publication):
    firm = Book(id="studio", name="Studio", kind="proprietor")
    words = Reader(month_page(firm, period, statements, publication)).words()
    assert "Margin 43.7% 2,184.25 earned" in words
    assert "Savings rate" not in words


def test_a_period_is_the_first_of_a_month(book, statements, publication):
    with pytest.raises(ValueError, match="first day of a month, not 2026-03-02"):
        month_page(book, date(2026, 3, 2), statements, publication)


def test_an_incomplete_publication_is_an_error_not_a_gap(book, period, statements):
    with pytest.raises(jinja2.UndefinedError):
        month_page(book, period, statements, {})


def test_the_index_lists_books_by_name_and_months_newest_first():
    entries = [
        IndexEntry("studio", "A studio", date(2026, 2, 1), "published", date(2026, 2, 28)),
        IndexEntry("household", "Household", date(2025, 12, 1), "published", date(2025, 12, 31)),
        IndexEntry("household", "Household", date(2026, 2, 1), "held", None, "cash does not tie"),
        IndexEntry("household", "Household", date(2026, 1, 1), "published", date(2026, 1, 31)),
    ]
    page = index_page(entries)
    assert page == index_page(entries[::-1])
    assert "data_docs" not in page
    assert "tear sheet" not in page
    measured = IndexEntry("household", "Household", date(2026, 2, 1), "published", has_tear_sheet=True)
    assert '<a href="household/2026-02-tear-sheet.html">tear sheet</a>' in index_page([measured])
    assert 'href="data_docs/index.html"' in index_page(entries, "data_docs/index.html")
    assert re.findall(r'href="([^#"]+)"', page) == [
        "studio/2026-02.html",
        "household/2026-02.html",
        "household/2026-01.html",
        "household/2025-12.html",
    ]
    words = Reader(page).words()
    assert "February 2026 cash does not tie Held not known" in words
    assert "January 2026 Published 31 January 2026" in words


def test_an_empty_index_says_so():
    assert "Nothing has been published yet." in Reader(index_page([])).words()


def test_any_frame_is_a_document(statements):
    reader = Reader(table_page(statements["cash_flow"], title="cash_flow"))
    assert "−500.00" in reader.words()
    assert "5 rows" in reader.words()
    assert all(attrs["class"] for tag, attrs in reader.tags if tag == "td")
    assert "0 rows" in Reader(table_page(statements["cash_flow"].clear(), title="x")).words()
