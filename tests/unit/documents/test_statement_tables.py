"""How the rows of a statement are gathered, indented and closed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manna.documents import keyfigures, tables
from manna.documents.statements import BY_NAME, TITLES, statement_tables


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], []),
        (["Gifts"], [(0, "Gifts", 0)]),
        (["Housing:Rent"], [(0, "Housing · Rent", 0)]),
        (["Food:A", "Food:B"], [(0, "Food", None), (1, "A", 0), (1, "B", 1)]),
        (["Food", "Food:B"], [(0, "Food", 0), (1, "B", 1)]),
        (["X:Y:A", "X:Y:B"], [(0, "X · Y", None), (1, "A", 0), (1, "B", 1)]),
        (["A:x", "B", "A:y"], [(0, "A · x", 0), (0, "B", 1), (0, "A · y", 2)]),
        (
            ["H:Rent", "H:Utilities:Gas", "H:Utilities:Water"],
            [(0, "H", None), (1, "Rent", 0), (1, "Utilities", None), (2, "Gas", 1), (2, "Water", 2)],
        ),
        (["A", "A"], [(0, "A", 0), (0, "A", 1)]),
    ],
)
def test_outline(paths, expected):
    assert tables.outline([path.split(":") for path in paths]) == expected


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), max_size=12))
def test_an_outline_keeps_every_account_once_and_in_order(paths):
    assert [index for _, _, index in tables.outline(paths) if index is not None] == list(range(len(paths)))


def rows_of(found):
    return [(row.level, row.depth, row.label) for group in found.groups for row in group.rows]


def test_an_income_statement_is_set_by_section_group_and_total(statements, period):
    [found] = statement_tables("income_statement", statements["income_statement"], period, ["USD"])
    assert [group.heading for group in found.groups] == ["Income", "Expenses", ""]
    assert found.columns == ("March 2026", "February 2026", "2026 to date")
    assert rows_of(found) == [
        ("line", 0, "Salary · Acme"),
        ("total", 0, "Total income"),
        ("heading", 0, "Food"),
        ("line", 1, "Groceries"),
        ("line", 1, "Restaurants"),
        ("subtotal", 0, "Total Food"),
        ("line", 0, "Gifts"),
        ("line", 0, "Housing · Rent"),
        ("total", 0, "Total expenses"),
        ("final", 0, "Net income"),
    ]
    gifts = found.groups[1].rows[4]
    assert [(cell.text, cell.negative, cell.faint) for cell in gifts.cells] == [
        ("(45.00)", True, False),
        ("–", False, True),
        ("(45.00)", True, False),
    ]


def test_a_subtotal_within_a_deeper_outline_stands_below_its_own_heading(statements, period):
    frame = statements["income_statement"]
    deeper = frame.with_columns(section=frame["section"].replace({"Expenses": "Operating activities"}))
    [found] = statement_tables("income_statement", deeper, period, ["USD"])
    assert ("subtotal", 1, "Total Food") in rows_of(found)


def test_a_trial_balance_gets_its_sections_from_the_roots_of_the_chart(statements, period):
    [found] = statement_tables("trial_balance", statements["trial_balance"], period, ["USD"])
    assert [group.heading for group in found.groups] == ["Assets", "Liabilities", ""]
    assert rows_of(found)[-1] == ("final", 0, "Total")


def test_net_worth_is_newest_first_with_its_change(statements, period):
    [found] = statement_tables("net_worth", statements["net_worth"], period, ["USD"])
    rows = found.groups[0].rows
    assert [row.label for row in rows] == ["31 Mar 2026", "28 Feb 2026", "31 Jan 2026"]
    assert [row.cells[-1].text for row in rows] == ["(700.00)", "1,600.00", "–"]


def test_the_total_cost_of_an_allocation_is_unknown_when_one_cost_is(statements, period):
    [found] = statement_tables("allocation", statements["allocation"], period, ["USD"])
    vti, bnd, total = found.groups[0].rows
    assert [cell.text for cell in vti.cells] == ["100", "40,000.00", "38,800.00", "1,200.00", "78.1%"]
    assert (vti.note, bnd.note) == ("VTI", "")
    assert [cell.text for cell in bnd.cells[2:4]] == ["not known", "–"]
    assert [cell.text for cell in total.cells] == ["", "51,200.00", "not known", "–", "100.0%"]


@pytest.mark.parametrize("name", TITLES)
def test_a_statement_without_rows_is_no_table(name, period):
    assert statement_tables(name, BY_NAME[name].empty(), period, ["USD"]) == []


def test_the_books_currency_comes_first(income):
    frames = [income(currency="EUR"), income(currency="USD"), income(currency="CHF")]
    assert tables.currencies(frames, "USD") == ["USD", "CHF", "EUR"]
    assert tables.currencies([], "USD") == []


def test_key_figures(statements, period):
    figures = keyfigures.key_figures(statements, period, "USD")
    assert (figures.net_worth, figures.change) == (52900, -700)
    assert (figures.income, figures.income_before) == (5000, 4900)
    assert float(figures.expenses) == 2815.75
    assert figures.cash == 10500
    assert round(figures.savings_rate, 4) == round(figures.saved / 5000, 4)


def test_without_income_there_is_no_savings_rate(period):
    figures = keyfigures.key_figures({}, period, "USD")
    assert (figures.net_worth, figures.change, figures.cash, figures.savings_rate) == (None,) * 4


def test_expenses_are_gathered_by_category_and_the_rest_in_one_row(statements, period):
    rows = keyfigures.top_expenses(statements["income_statement"], period, "USD", most=1)
    assert [(name, float(month)) for name, month, _ in rows] == [
        ("Housing", 2100.0),
        ("All other expenses", 715.75),
    ]
