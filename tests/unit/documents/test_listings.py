"""A statement that is a list is set by its declaration alone."""

from datetime import date
from decimal import Decimal

import polars as pl
from documents_examples import rows_of

from manna.contracts.declaration import Column, Contract, Kind
from manna.contracts.reports import ALLOCATION, REALIZED_GAINS
from manna.documents import listings, statements

GAINS = Contract(
    "reports",
    "gains",
    "Sales.",
    (
        *ALLOCATION.columns[:3],
        Column("section", Kind.TEXT, "term"),
        Column("box", Kind.TEXT, "of the form", nullable=True),
        Column("account", Kind.TEXT, "what was sold"),
        Column("level", Kind.TEXT, "what the line is"),
        Column("sold", Kind.DATE, "day", nullable=True),
        Column("proceeds", Kind.MONEY, "after fees"),
        Column("cost", Kind.MONEY, "null = not known", nullable=True),
        Column("gain_id", Kind.TEXT, "ledger.gains", nullable=True),
        Column("units", Kind.QUANTITY, "sold", nullable=True),
        Column("share", Kind.RATIO, "of all", nullable=True),
        Column("covered", Kind.BOOLEAN, "by a 1099", nullable=True),
        Column("currency", Kind.TEXT, "of the amounts"),
    ),
    key=("book", "period", "line"),
)
D = Decimal
ROWS = [
    (
        "Short-term",
        "A",
        "VTI",
        "line",
        date(2026, 3, 2),
        D("100"),
        D("90"),
        "g1",
        D("1.5"),
        D("0.25"),
        True,
        "USD",
    ),
    ("Short-term", None, "BND", "line", date(2026, 3, 3), D("50"), None, "g2", D("3"), None, False, "USD"),
    ("Short-term", None, "Total short-term", "total", None, D("150"), None, None, None, None, None, "USD"),
]


def made(monkeypatch, rows=ROWS):
    monkeypatch.setitem(statements.BY_NAME, "gains", GAINS)
    monkeypatch.setitem(statements.TITLES, "gains", "Gains")
    frame = rows_of(GAINS, rows) if rows else GAINS.empty()
    return statements.statement_tables("gains", frame, date(2026, 3, 1), ["USD"])


def test_a_list_has_a_column_for_each_that_says_something(monkeypatch):
    [table] = made(monkeypatch)
    assert (table.first, table.columns) == (
        "Account",
        ("Box", "Sold", "Proceeds", "Cost", "Units", "Share", "Covered"),
    )
    assert table.kinds == ("text", "date", "money", "money", "quantity", "ratio", "text")
    assert [group.heading for group in table.groups] == ["Short-term"]
    vti, bnd, total = table.rows
    assert [cell.text for cell in vti.cells] == ["A", "2 Mar 2026", "100.00", "90.00", "1.5", "25.0%", "yes"]
    assert [cell.text for cell in bnd.cells] == ["", "3 Mar 2026", "50.00", "–", "3", "–", "no"]
    assert (total.level, total.label, total.cells[2].value) == ("total", "Total short-term", 150)


def test_form_8949_has_its_own_headings_and_days():
    """Column (b): a day as the form writes it, what stands in its place, or nothing that is known."""
    day, amounts = date(2026, 2, 4), (D(70), D(50), "", D(0), D(20), False, None, "USD")
    lots = ((date(2025, 12, 31), None), (None, "VARIOUS"), (date(2025, 1, 2), "INHERITED"), (None, None))
    rows = [("Long-term", "unassigned", "1 sh. X", "line", *lot, day, *amounts) for lot in lots]
    frame = rows_of(REALIZED_GAINS, rows)
    [table] = statements.statement_tables("realized_gains", frame, date(2026, 2, 1), ["USD"])
    assert (table.first, *table.columns) == (
        "(a) Description", "Box", "(b) Acquired", "(c) Sold", "(d) Proceeds", "(e) Basis", "(f) Code", "(g) Adjustment",
        "(h) Gain or loss", "Provisional",
    )  # fmt: skip
    assert [row.cells[1].text for row in table.rows] == ["12/31/2025", "VARIOUS", "INHERITED", "–"]
    assert {row.cells[2].text for row in table.rows} == {"02/04/2026"}


def test_a_list_of_nothing_is_no_table(monkeypatch):
    assert made(monkeypatch, []) == []


def test_a_statement_of_several_spans_is_a_table_for_each(monkeypatch):
    several = Contract(
        "reports",
        "several",
        "Compared.",
        (
            *ALLOCATION.columns[:3],
            Column("span", Kind.TEXT, "which"),
            Column("since", Kind.DATE, "first day"),
            Column("until", Kind.DATE, "last day"),
            Column("account", Kind.TEXT, "account"),
            Column("level", Kind.TEXT, "what"),
            Column("amount", Kind.MONEY, "the span"),
            Column("change_ratio", Kind.RATIO, "change", nullable=True),
            Column("currency", Kind.TEXT, "of the amounts"),
        ),
        key=("book", "period", "line"),
    )
    monkeypatch.setitem(statements.BY_NAME, "several", several)
    monkeypatch.setitem(statements.TITLES, "several", "Several")
    days = (date(2026, 1, 1), date(2026, 3, 31))
    rows = [
        ("quarter", *days, "Income:Salary", "line", D("10"), D("-0.5"), "USD"),
        ("year_to_date", *days, "Income:Salary", "line", D("10"), None, "USD"),
    ]
    found = statements.statement_tables("several", rows_of(several, rows), date(2026, 3, 1), ["USD"])
    assert [table.title for table in found] == ["Several, three months", "Several, the year to date"]
    assert found[0].columns == ("1 Jan 2026 to 31 Mar 2026", "In percent")
    assert [cell.text for cell in found[0].rows[0].cells] == ["10.00", "(50.0%)"]
    assert found[1].columns == ("1 Jan 2026 to 31 Mar 2026",)
    assert len({table.id for table in found}) == 2


def test_a_ledger_stands_under_its_accounts():
    names = ("account", "date", "description", "level", "balance", "currency", "source_table", "source_id")
    kinds = {"date": Kind.DATE, "balance": Kind.MONEY}
    columns = tuple(Column(name, kinds.get(name, Kind.TEXT), "", nullable=True) for name in names)
    ledger = Contract("reports", "ledger", "", (*ALLOCATION.columns[:3], *columns), key=("line",))
    day = date(2026, 3, 1)
    cash, food = "Assets:Cash:Checking", "Expenses:Food"
    rows = [
        (cash, day, "Opening balance", "opening", D("10"), "USD", None, None),
        (cash, day, "=evil", "line", D("-5"), "USD", "clean.transactions", "t1"),
        (cash, day, "Closing balance", "closing", D("5"), "USD", None, None),
        (food, day, None, "line", D("5"), "USD", None, None),
        (food, None, None, "subtotal", D("5"), "USD", None, None),
        ("Total expenses", None, None, "total", D("5"), "USD", None, None),
    ]
    headings = [listings.heading(column) for column in listings.shown(ledger)]
    [table] = listings.listing(
        ledger, rows_of(ledger, rows), title="", meaning="", headings=headings, currencies=["USD"]
    )
    assert (table.first, table.columns) == ("Date", ("Description", "Balance"))
    assert [group.heading for group in table.groups] == ["Cash · Checking", "Food", ""]
    assert [row.level for row in table.groups[0].rows] == ["line", "line", "subtotal"]
    assert [row.label for row in table.rows[-2:]] == ["Total Food", "Total expenses"]


def test_every_declared_statement_is_set_without_a_word_of_code():
    for contract in statements.STATEMENTS:
        assert statements.TITLES[contract.name]
        assert listings.shown(contract)
        assert statements.statement_tables(contract.name, contract.empty(), date(2026, 3, 1), ["USD"]) == []


def test_a_list_without_a_currency_is_one_table():
    contract = Contract(
        "reports", "x", "", (*ALLOCATION.columns[:3], Column("note", Kind.TEXT, "")), key=("line",)
    )
    frame = pl.DataFrame({"line": [1, 0], "note": ["b", "a"]})
    [table] = listings.listing(contract, frame, title="X", meaning="", headings=["Note"], currencies=["USD"])
    assert [row.label for row in table.rows] == ["a", "b"]
