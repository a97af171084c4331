"""What each language forbids, and amounts that it writes in its own way."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from beancount import loader

from manna.books import Book
from manna.contracts.clean import SECURITIES
from manna.contracts.ledger import JOURNAL, POSTINGS
from manna.exporting import DIALECTS, export, names

BOOK = Book(id="home", name='The "home" \\ of nobody')
DAY = date(2026, 3, 1)


def written(dialect: str, *lines: tuple[str, str, str | None, str | None], text: str = "Bread") -> str:
    """One entry of ``(account, amount, security, quantity)`` as a file."""
    journal = [("e1", "home", DAY, "trade", text, "clean.trades", "t1")]
    postings = [
        (
            f"e1-{number:03d}", "e1", "home", DAY, account, None, Decimal(amount), "USD", security,
            None if quantity is None else Decimal(quantity), None,
        )
        for number, (account, amount, security, quantity) in enumerate(lines, start=1)
    ]  # fmt: skip
    frames = (
        pl.DataFrame(journal, schema=JOURNAL.polars_schema, orient="row"),
        pl.DataFrame(postings, schema=POSTINGS.polars_schema, orient="row"),
    )
    return "\n".join(export(dialect, BOOK, *frames, SECURITIES.empty()))


def checked(text: str) -> str:
    _, errors, _ = loader.load_string(text)
    assert errors == []
    return text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Assets:Cash:Bank Checking 1", "Assets:Cash:Bank-Checking-1"),
        ("Equity:Owner's Draws", "Equity:Owners-Draws"),
        ("Assets:Acme 401(k) 0117:Cash", "Assets:Acme-401k-0117:Cash"),
        ("Expenses:été", "Expenses:T"),
        ("Expenses:食費", "Expenses:Other"),
        ("Expenses:-a & b-", "Expenses:A-b"),
    ],
)
def test_accounts_of_beancount(path: str, name: str) -> None:
    assert names.beancount_account(path) == name


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BRK.B", "BRK.B"),
        ("F", "FX"),
        ("3M", "X3M"),
        ("abc_def", "ABC_DEF"),
        ("b" * 40, "B" * 24),
        ("é", "XX"),
        ("", "XX"),
    ],
)
def test_commodities_of_beancount(symbol: str, name: str) -> None:
    assert names.beancount_commodity(symbol) == name


def test_names_that_become_one_stay_two() -> None:
    made = names.unique(["Expenses:食費", "Expenses:酒"], names.beancount_account)
    assert sorted(made.values()) == ["Expenses:Other", "Expenses:Other-2"]


@pytest.mark.parametrize(
    ("text", "one"), [("a;b\nc", "a b c"), ("", "-"), ("(x) y", "- (x) y"), ("* z", "- * z"), ("a  b", "a b")]
)
def test_descriptions_of_ledger(text: str, one: str) -> None:
    assert names.plain(text) == one


@pytest.mark.parametrize("text", ['say "no"', "back\\slash", "two\nlines", "", "🍞; bread"])
def test_any_description_is_read_by_beancount(text: str) -> None:
    checked(written("beancount", ("Assets:A", "-1", None, None), ("Expenses:B", "1", None, None), text=text))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_units_that_cost_nothing_and_costs_without_units(dialect: str) -> None:
    text = written(
        dialect,
        ("Assets:S", "0", "VTI", "10"),
        ("Assets:S", "-3", "VTI", "2"),
        ("Assets:S", "1000.0001", "VTI", "3"),
        ("Assets:S", "-7", "VTI", "0"),
        ("Equity:X", "-990.0001", None, None),
    )
    assert "10 VTI" in text
    assert "-3.00 USD" in text
    assert "1000.0001 USD" in text
    assert "-7.00 USD" in text
    if dialect == "beancount":
        checked(text)


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(KeyError):
        written("gnucash")
