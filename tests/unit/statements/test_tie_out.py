"""Any balanced ledger ties, and any tampered statement is found out."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from manna.contracts import CONTRACTS
from manna.contracts.declaration import content_hash
from manna.statements import open_items, tie_out, violations_by_period
from manna.statements.flows import is_cash

FIRST, TODAY = date(2026, 1, 1), date(2026, 5, 17)
MONTHS = [date(2026, m, 1) for m in range(1, 6)]
ACCOUNTS = (
    "Assets:Accounts Receivable",
    "Assets:Cash:Checking",
    "Assets:Cash:Savings",
    "Assets:In Transit",
    "Assets:Investments:Broker:Cash",
    "Assets:Investments:Broker:Securities",
    "Assets:Property:House",
    "Assets:Property:House:Revaluation",
    "Equity:Revaluation",
    "Equity:Sheltered Accounts:Dividends",
    "Liabilities:Cards:Visa",
    "Liabilities:Loans:Car",
    "Equity:Opening Balances",
    "Equity:Suspense",
    "Equity:Transfers",
    "Equity:Owner's Draws",
    "Equity:Owner's Contributions",
    "Equity:Prior Period Adjustments",
    "Income:Salary",
    "Income:Capital Gains",
    "Income:Dividends",
    "Income:Interest",
    "Expenses:Food:Groceries",
    "Expenses:Food:Restaurants",
    "Expenses:Rent",
)
EXAMPLES = settings(max_examples=6, deadline=None)  # each makes every statement of five months
MANY_EXAMPLES = settings(max_examples=60, deadline=None)
AMOUNTS = st.decimals(-99999, 99999, places=2)


@st.composite
def entries(draw):
    """One balanced entry of two to five legs, perhaps in a foreign currency, any sign, some on one account."""
    accounts = draw(st.lists(st.sampled_from(ACCOUNTS), min_size=2, max_size=5))
    amounts = draw(st.lists(AMOUNTS, min_size=len(accounts) - 1, max_size=len(accounts) - 1))
    amounts.append(-sum(amounts, Decimal(0)))
    day = FIRST + timedelta(days=draw(st.integers(0, 150)))
    currency = draw(st.sampled_from(["USD", "USD", "EUR"]))
    return day, [(a, x, {"currency": currency}) for a, x in zip(accounts, amounts, strict=True)]


def kept(ledger, made):
    books = ledger()
    for day, legs in made:
        books.entry(day, *legs)
    return books


@pytest.mark.slow
@MANY_EXAMPLES
@given(made=st.lists(entries(), max_size=12))
def test_any_balanced_ledger_ties_at_length(ledger, made):
    books = kept(ledger, made)
    assert tie_out(books.book, books.statements(*MONTHS, as_of=TODAY)) == []


def lent(asset):
    """A cent of an asset that nobody has paid for yet: no cash moves."""
    cent, dollars = Decimal("0.01"), {"currency": "USD"}
    return date(2026, 1, 1), [("Assets:Accounts Receivable", cent, dollars), (asset, -cent, dollars)]


@EXAMPLES
@given(made=st.lists(entries(), max_size=12))
@example(made=[lent("Assets:Property:House"), lent("Assets:Property:House:Revaluation")])
def test_any_balanced_ledger_ties(ledger, made):
    books = kept(ledger, made)
    frames = books.statements(*MONTHS, as_of=TODAY)
    assert tie_out(books.book, frames) == []
    sums = (
        books.postings.filter(pl.col("date") <= TODAY)
        .group_by("account", "currency")
        .agg(pl.col("amount").sum())
    )
    last = frames["trial_balance"].filter((pl.col("period") == MONTHS[-1]) & (pl.col("level") == "line"))
    stated = {
        (a, c): d - k for a, c, d, k in last.select("account", "currency", "debit", "credit").iter_rows()
    }
    assert stated == {(a, c): x for a, c, x in sums.iter_rows() if x}, "the trial balance is the ledger"


@EXAMPLES
@given(made=st.lists(entries(), min_size=1, max_size=8), data=st.data())
def test_order_of_postings_and_of_periods_does_not_matter(ledger, made, data):
    books = kept(ledger, made)
    frames = books.statements(*MONTHS, as_of=TODAY)
    books.rows = data.draw(st.permutations(books.rows))
    again = books.statements(*data.draw(st.permutations([*MONTHS, *MONTHS])), as_of=TODAY)
    for name, frame in frames.items():
        assert_frame_equal(frame, again[name])


@EXAMPLES
@given(made=st.lists(entries(), max_size=8), month=st.sampled_from(MONTHS))
def test_a_range_says_what_each_month_alone_says(ledger, made, month):
    books = kept(ledger, made)
    frames = books.statements(*MONTHS, as_of=TODAY)
    for name, frame in books.statements(month, as_of=TODAY).items():
        assert_frame_equal(frame, frames[name].filter(pl.col("period") == month))


@EXAMPLES
@given(made=st.lists(entries(), min_size=1, max_size=6), account=st.sampled_from(ACCOUNTS))
def test_an_unbalanced_entry_is_found_out(ledger, made, account):
    books = kept(ledger, made).entry(FIRST, (account, "0.01"))
    found = tie_out(books.book, books.statements(*MONTHS, as_of=TODAY))
    assert [text for text in found if "debits" in text]
    assert [text for text in found if "liabilities and equity" in text]


@pytest.fixture(scope="module")
def made(ledger):
    """The statements of January and February of :func:`small`."""
    return small(ledger).statements(*MONTHS[:2], as_of=TODAY)


def tampered(frames, table, here, column, by="0.01"):
    """``frames`` with a column of one table changed in the rows that ``here`` finds."""
    cent = pl.when(here).then(Decimal(by)).otherwise(0)
    changed = frames[table].with_columns(pl.col(column) + cent)
    return {**frames, table: CONTRACTS[f"reports.{table}"].conform(changed)}


def small(ledger):
    books = ledger().entry(FIRST, ("Assets:Cash:Checking", 500), ("Income:Salary", -500))
    books.entry(
        FIRST, ("Assets:Cash:Checking", -70), ("Expenses:Food:Groceries", 40), ("Expenses:Food:Snacks", 30)
    )
    return books.entry(date(2026, 2, 3), ("Expenses:Rent", 90), ("Liabilities:Cards:Visa", -90))


@pytest.mark.parametrize(
    ("table", "account", "column", "expected"),
    [
        ("trial_balance", "Total", "debit", "2026-02: total debits (USD) is"),
        ("trial_balance", "Income:Salary", "credit", "2026-02: trial_balance: Total (USD, credit) is"),
        ("balance_sheet", "Total assets", "amount", "2026-02: assets (USD) is"),
        ("balance_sheet", "Total liabilities", "amount", "2026-02: liabilities and equity (USD) is"),
        ("balance_sheet", "Total equity", "amount", "2026-02: change in equity (USD) is"),
        ("balance_sheet", "Total assets", "previous", "2026-02: previous assets (USD) is"),
        ("balance_sheet", "Assets:Cash:Checking", "amount", "2026-02: ending cash (USD) is"),
        ("cash_flow", "Ending cash", "amount", "2026-02: ending cash (USD) is"),
        ("cash_flow", "Opening cash", "amount", "2026-02: opening cash (USD) is"),
        ("cash_flow", "Net change in cash", "amount", "2026-02: net change in cash (USD) is"),
        (
            "income_statement",
            "Net income",
            "amount",
            "2026-02: income_statement: Net income (USD, amount) is",
        ),
        ("income_statement", "Net income", "previous", "2026-02: previous net income (USD) is"),
        (
            "income_statement",
            "Expenses:Food",
            "year_to_date",
            "2026-02: income_statement: Expenses:Food (USD",
        ),
        (
            "income_statement",
            "Expenses:Rent",
            "amount",
            "2026-02: income_statement: Total expenses (USD, amount)",
        ),
    ],
)
def test_a_cent_anywhere_is_found_out(ledger, made, table, account, column, expected):
    here = (pl.col("period") == MONTHS[1]) & (pl.col("account") == account)
    found = violations_by_period(ledger().book, tampered(made, table, here, column))
    assert set(found) == {MONTHS[1]}, "other months are not held back"
    assert any(f"2026-02: {text}".startswith(expected) for text in found[MONTHS[1]]), found


@pytest.mark.parametrize(
    ("table", "account", "expected"),
    [
        ("income_statement", "Total expenses", "the lines of USD, Expenses have no total"),
        ("income_statement", "Expenses:Food", "the lines of USD, Expenses, Expenses:Food have no total"),
        ("income_statement", "Net income", "the lines of USD have no total"),
        ("cash_flow", "Total operating activities", "the lines of USD, Operating activities have no total"),
        ("trial_balance", "Total", "the lines of USD have no total"),
    ],
)
def test_lines_without_their_total_are_found_out(ledger, made, table, account, expected):
    kept = made[table].filter((pl.col("period") != MONTHS[1]) | (pl.col("account") != account))
    assert kept.height < made[table].height
    found = violations_by_period(ledger().book, {**made, table: kept})
    assert set(found) == {MONTHS[1]}
    assert f"{table}: {expected}" in found[MONTHS[1]]


FEB = pl.col("period") == MONTHS[1]


@pytest.mark.parametrize(
    ("table", "here", "column", "expected"),
    [
        ("income_comparison", pl.col("account") == "Total income", "amount", "income_comparison: month, amount: net income"),
        ("income_comparison", pl.col("account") == "Expenses:Rent", "amount", "total expenses"),
        ("income_comparison", pl.col("account") == "Net income", "previous", "net income of the month, previous"),
        ("income_comparison", pl.col("account") == "Net income", "change", "change is not amount - previous"),
        ("balance_sheet", pl.col("account") == "Total assets", "value", "assets at current value"),
        ("balance_sheet", pl.col("account") == "Total assets", "unrealized", "unrealized of all assets"),
        ("balance_sheet", pl.col("account") == "Assets:Property:House", "value", "value is not amount + unrealized"),
        ("changes_in_equity", pl.col("account") == "Equity:Owner's Draws", "amount", "ending equity, amount"),
        ("changes_in_equity", pl.col("account") == "Net income", "year_to_date", "net income in equity, year_to_date"),
        ("changes_in_equity", pl.col("account") == "Ending equity", "amount", "equity on the balance sheet"),
        ("changes_in_equity", pl.col("account") == "Opening equity", "amount", "ending equity of the month before"),
        ("changes_in_equity", pl.col("account") == "Opening equity", "year_to_date", "what the year began with"),
        ("cash_flow_indirect", pl.col("account") == "Ending cash", "amount", "ending cash, amount, by the indirect method"),
        ("cash_flow_indirect", pl.col("account") == "Total operating activities", "amount", "operating cash, amount"),
        ("cash_flow_indirect", pl.col("account") == "Liabilities:Cards:Visa", "year_to_date", "operating cash, year_to_date"),
        ("cash_flow_indirect", pl.col("section") == "Non-cash activities", "year_to_date", "non-cash activities"),
        ("trial_balance", pl.col("account") == "Total", "unadjusted_debit", "total debits before adjustments"),
        ("trial_balance", pl.col("account") == "Income:Salary", "unadjusted_credit", "trial_balance: Total (USD"),
        ("realized_gains", pl.col("part_id") == "g1", "gain", "gain is not proceeds - basis + adjustment"),
        ("realized_gains", pl.col("level") == "total", "proceeds", "proceeds is not the sum of its lines"),
        ("realized_gains", pl.col("level") == "subtotal", "basis", "basis is not the sum of its lines"),
        ("dividends_and_interest", pl.col("account") == "Total dividends", "year_to_date", "dividends, year_to_date"),
        ("tax_lines", pl.col("level") == "line", "amount", "amount is not the sum of its lines"),
        ("tax_lines", pl.col("account") == "Net income", "amount", "net income by tax line, amount"),
        ("budget", pl.col("account") == "Total expenses", "amount", "total expenses, amount, of the budget"),
        ("budget", pl.col("account") == "Expenses:Rent", "difference", "difference is not budget - amount"),
        ("spending", pl.col("level") == "line", "amount", "is not the sum of its merchants"),
        ("spending", pl.col("level") == "subtotal", "amount", "is not what the income statement says"),
        ("spending", pl.col("level") == "total", "amount", "total spending"),
        ("translation", pl.col("level") == "line", "translated", "is not amount x rate"),
        ("translation", pl.col("level") == "total", "translated", "the sum is not that of the currencies"),
        ("translation", pl.col("level") == "line", "amount", "untranslated"),
    ],
)  # fmt: skip
def test_a_cent_in_what_is_laid_out_anew_is_found_out(life, table, here, column, expected):
    found = violations_by_period(life.ledger.book, tampered(life.made, table, here & FEB, column))
    assert set(found) <= {MONTHS[1], MONTHS[2]}, "months before are not held back"
    assert any(expected in text for text in found[MONTHS[1]]), found


def test_a_firms_book_states_no_current_value(firm_life):
    frames = firm_life.made
    stated = frames["balance_sheet"].with_columns(value=pl.col("amount"))
    found = tie_out(firm_life.ledger.book, {**frames, "balance_sheet": stated})
    assert "2026-01: balance_sheet: Total assets: a firm's book is at cost alone" in found


@pytest.mark.parametrize("column", ["net_worth", "assets_at_cost", "liabilities", "unrealized"])
def test_net_worth_out_by_a_cent(ledger, column):
    books = small(ledger)
    frames = books.statements(MONTHS[1], as_of=TODAY)
    frames["net_worth"] = CONTRACTS["reports.net_worth"].conform(
        frames["net_worth"].with_columns(pl.col(column) + Decimal("0.01"))
    )
    assert any("net worth of 2026-02-28 (USD)" in text for text in tie_out(books.book, frames))


def test_a_missing_figure_a_foreign_row_and_a_broken_contract_are_violations(ledger):
    books = small(ledger)
    frames = books.statements(MONTHS[1], as_of=TODAY)
    frames["cash_flow"] = frames["cash_flow"].filter(pl.col("account") != "Ending cash")
    frames["income_statement"] = frames["income_statement"].with_columns(book=pl.lit("theirs"))
    frames["balance_sheet"] = frames["balance_sheet"].with_columns(line=pl.lit(0, pl.Int64))
    found = tie_out(books.book, frames)
    assert any("ending cash (USD) is not stated" in text for text in found)
    assert "2026-02: income_statement: row of another book" in found
    assert "2026-02: balance_sheet: duplicate key (book, period, line)" in found
    with pytest.raises(KeyError):
        tie_out(books.book, {})


def test_no_postings_at_all(ledger):
    books = ledger()
    frames = books.statements(*MONTHS, as_of=TODAY)
    assert tie_out(books.book, frames) == []
    assert set(frames["balance_sheet"]["amount"]) == {Decimal(0)}
    assert frames["allocation"].is_empty()
    assert frames["net_worth"]["as_of"].to_list()[-1] == TODAY


def test_a_month_without_postings_and_one_before_the_first(ledger, lines):
    books = small(ledger)
    frames = books.statements(date(2025, 12, 1), date(2026, 4, 1), as_of=TODAY)
    assert tie_out(books.book, frames) == []
    assert lines(frames["income_statement"], date(2025, 12, 1), "amount") == [("0",)] * 3
    april = dict(lines(frames["income_statement"], date(2026, 4, 1), "account", "amount"))
    assert (april["Net income"], april["Expenses:Rent"]) == ("0", "0"), "shown for its year to date"


def test_two_currencies_stand_apart(ledger, lines):
    books = small(ledger)
    euro = {"currency": "EUR"}
    books.entry(date(2026, 2, 5), ("Assets:Cash:Paris", 200, euro), ("Equity:Opening Balances", -200, euro))
    frames = books.statements(*MONTHS[:2], as_of=TODAY)
    assert tie_out(books.book, frames) == []
    sheet = frames["balance_sheet"]
    assert lines(sheet, MONTHS[0], "account", currency="EUR") == [], "not before its first month"
    assert dict(lines(sheet, MONTHS[1], "account", "amount", currency="EUR"))["Total assets"] == "200"
    assert dict(lines(sheet, MONTHS[1], "account", "amount"))["Total assets"] == "430"
    order = sheet.filter(pl.col("period") == MONTHS[1]).sort("line")["currency"].unique(maintain_order=True)
    assert order.to_list() == ["USD", "EUR"], "the book's own currency first"
    assert frames["net_worth"].filter(pl.col("currency") == "EUR")["as_of"].to_list() == [date(2026, 2, 28)]


def test_other_books_and_days_to_come_are_left_out(ledger):
    books = small(ledger)
    alone = books.statements(MONTHS[4], as_of=TODAY)
    books.entry(
        FIRST, ("Assets:Cash:Checking", 1, {"book": "theirs"}), ("Income:Salary", -1, {"book": "theirs"})
    )
    books.entry(TODAY + timedelta(days=1), ("Assets:Cash:Checking", 1), ("Income:Salary", -1))
    for name, frame in books.statements(MONTHS[4], as_of=TODAY).items():
        assert content_hash(CONTRACTS[f"reports.{name}"], frame) == content_hash(
            CONTRACTS[f"reports.{name}"], alone[name]
        )


@pytest.mark.parametrize("periods", [[], [date(2026, 1, 2)], [date(2026, 6, 1)]])
def test_unusable_periods(ledger, periods):
    with pytest.raises(ValueError, match="periods must be first days of months up to 2026-05-17"):
        ledger().statements(*periods, as_of=TODAY)


@pytest.mark.parametrize(
    ("account", "cash"),
    [
        ("Assets:Cash:Checking", True),
        ("Assets:Cash", True),
        ("Assets:In Transit", True),
        ("Assets:Investments:Broker:Cash", True),
        ("Assets:Retirement:401k:Cash", True),
        ("Assets:Investments:Broker:Securities", False),
        ("Assets:Cash:Bank:Securities", False),
        ("Assets:Cashmere", False),
        ("Assets:Investments:Cash Cow", False),
        ("Expenses:Cash", False),
    ],
)
def test_what_is_cash(account, cash):
    assert pl.select(is_cash(pl.lit(account))).item() is cash


def test_open_items_in_plain_words():
    assert open_items() == ""
    assert open_items(uncategorized=1) == "1 transaction without a category"
    assert (
        open_items(quarantined=1200, unreconciled=2, basis_unknown=1, unpriced=3, provisional=1)
        == "1,200 rows in quarantine; 2 accounts that do not reconcile; 1 position of unknown cost basis; "
        "3 positions without a price, carried at cost; 1 provisional amount"
    )
    assert open_items(suggested=2, unproven=1) == (
        "2 suggested categories, not confirmed; 1 account whose opening balance nothing confirms"
    )
    assert open_items(unpaired=2).startswith("2 unresolved transfers to or from accounts that are not linked")
    with pytest.raises(ValueError, match="cannot be negative"):
        open_items(provisional=-1)
    with pytest.raises(ValueError, match="no such open items: colours; there are: uncategorized, "):
        open_items(colours=1)
