"""The books' gains as Form 8949 wants them: wash sales over accounts and books, sheltered ones included."""

from datetime import date
from decimal import Decimal as D
from typing import Any

import polars as pl
import pytest
from ledger_examples import account, holding, keep, trade

from manna.books import Book
from manna.contracts.tax import TAXABLE_GAINS
from manna.tax.form_8949 import miscounted, schedule_d, taxable_gains

IRA = account("ira", "investment", subtype="ira")
BROKER = account("broker", "investment")
OTHER = account("other", "brokerage")
LATER = date(2030, 1, 1)


def counted(*trades: dict[str, Any], as_of: date = LATER, **more: Any) -> pl.DataFrame:
    books = keep(accounts=[BROKER, OTHER, IRA], trades=list(trades))
    rows = taxable_gains(books.gains, books.lots, as_of=as_of, sheltered={"ira"}, **more)
    assert miscounted(books.gains, rows) == []
    assert not TAXABLE_GAINS.violations(rows).list.len().sum()
    return rows


BOUGHT = trade("b", "2024-01-02", "buy", 100, -1000)
SOLD = trade("s", "2024-03-01", "sell", -100, 750)


def test_a_gain_is_one_line_of_the_form():
    rows = counted(BOUGHT, trade("s", "2025-01-03", "sell", -40, 500))
    columns = (
        "description",
        "acquired",
        "sold",
        "proceeds",
        "basis",
        "code",
        "adjustment",
        "gain",
        "term",
        "box",
    )
    assert rows.select(columns).rows() == [
        ("40 sh. ABC", date(2024, 1, 2), date(2025, 1, 3), 500, 400, "", 0, 100, "long", "unassigned")
    ]


def test_the_example_of_publication_550():
    """Chapter 4, "Wash Sales", example 1: the loss of 250 is added to the basis of 800, whose holding period it keeps."""
    again = trade("a", "2024-03-20", "buy", 100, -800)
    rows = counted(BOUGHT, SOLD, again, trade("z", "2025-01-22", "sell", -100, 1100))
    columns = ("basis", "code", "adjustment", "gain", "term", "held_since")
    assert rows.select(columns).rows() == [
        (1000, "W", 250, 0, "short", date(2024, 1, 2)),
        (1050, "", 0, 50, "long", date(2024, 1, 21)),
    ]


def test_a_replacement_in_an_ira_disallows_for_good_and_its_own_sales_are_not_listed():
    """Revenue Ruling 2008-5."""
    rows = counted(
        BOUGHT,
        SOLD,
        trade("a", "2024-03-20", "buy", 100, -800, account_id="ira"),
        trade("z", "2024-04-20", "sell", -100, 1100, account_id="ira"),
    )
    assert rows.select("code", "adjustment", "gain", "lost").rows() == [("W", 250, 0, 250)]


def test_shares_bought_with_a_dividend_replace():
    rows = counted(BOUGHT, SOLD, trade("r", "2024-03-05", "reinvestment", 10, -80))
    assert rows["adjustment"].to_list() == [25]


def test_a_split_between_the_sale_and_what_replaces_it():
    rows = counted(
        trade("b", "2024-01-02", "buy", 200, -2000),
        SOLD,
        trade("x", "2024-03-04", "split", 100, 0),
        trade("a", "2024-03-20", "buy", 200, -800),
    )
    assert rows["adjustment"].to_list() == [250]


def test_declared_equivalents_replace():
    rows = (BOUGHT, SOLD, trade("a", "2024-03-20", "buy", 100, -800, security_id="XYZ"))
    assert counted(*rows)["adjustment"].to_list() == [0]
    assert counted(*rows, same=lambda name: "one")["adjustment"].to_list() == [250]


@pytest.mark.parametrize(("day", "provisional"), [("2025-01-30", True), ("2025-01-31", False)])
def test_december_is_provisional_through_30_january(day, provisional):
    rows = counted(BOUGHT, trade("s", "2024-12-31", "sell", -100, 750), as_of=date.fromisoformat(day))
    assert rows["provisional"].to_list() == [provisional]


def test_an_unknown_basis_has_no_gain_and_is_in_no_sum():
    rows = counted(trade("t", "2024-01-02", "transfer", 10, 0), trade("s", "2024-03-01", "sell", -10, 90))
    assert rows.select("acquired", "basis", "gain", "adjustment").rows() == [(None, None, None, 0)]
    sums = schedule_d(pl.concat([rows, counted(BOUGHT, SOLD)]))
    assert sums.filter(pl.col("term") == "short")["gain"].to_list() == [-250]
    assert sums["unknown"].sum() == 1


def test_capital_returned_beyond_the_basis_is_a_gain():
    """Publication 550, "Nondividend Distributions", its example, from memory: basis 100, 80 and then 30 come back: gain 10."""
    rows = counted(
        trade("b", "2024-01-02", "buy", 10, -100),
        trade("r1", "2024-06-02", "return_of_capital", 10, 80),
        trade("r2", "2025-06-02", "return_of_capital", 10, 30),
        trade("s", "2025-07-02", "sell", -10, 70),
    )
    assert rows.select("sold", "proceeds", "basis", "gain", "term").rows() == [
        (date(2025, 6, 2), 10, 0, 10, "long"),
        (date(2025, 7, 2), 70, 0, 70, "long"),
    ]


def test_purchases_of_another_book_of_the_taxpayer_replace():
    home = keep(accounts=[BROKER], trades=[BOUGHT, SOLD])
    bought = trade("a", "2024-03-20", "buy", 60, -480, account_id="firm")
    firm = keep(Book(id="firm", name="Firm"), accounts=[account("firm", "brokerage")], trades=[bought])
    rows = taxable_gains(pl.concat([home.gains, firm.gains]), pl.concat([home.lots, firm.lots]), as_of=LATER)
    assert rows.select("book", "adjustment", "gain").rows() == [("home", D(150), D(-100))]


def test_a_disallowed_loss_goes_with_its_lot_to_another_account():
    rows = counted(
        BOUGHT,
        SOLD,
        trade("a", "2024-03-20", "buy", 100, -800),
        trade("out", "2024-05-02", "transfer", -100, 0),
        trade("in", "2024-05-06", "transfer", 100, 0, account_id="other"),
        trade("z", "2024-06-03", "sell", -100, 1100, account_id="other"),
    )
    assert rows.select("account_id", "acquired", "basis", "adjustment", "gain").rows() == [
        ("broker", date(2024, 1, 2), 1000, 250, 0),
        ("other", date(2024, 3, 20), 1050, 0, 50),
    ]


def test_shares_moved_in_kind_replace_nothing():
    rows = counted(
        trade("old", "2020-01-02", "buy", 100, -400, account_id="other"),
        BOUGHT,
        SOLD,
        trade("out", "2024-03-04", "transfer", -100, 0, account_id="other"),
        trade("in", "2024-03-05", "transfer", 100, 0),
    )
    assert rows["adjustment"].to_list() == [0]


def test_nothing_sold_is_an_empty_table():
    assert counted(BOUGHT).is_empty()


def test_column_b_has_a_day_or_what_the_instructions_of_the_form_have_in_its_place():
    """Instructions for Form 8949, column (b): VARIOUS and INHERITED; what was inherited is long (26 U.S.C. 1223(9))."""
    lot = {"security": "OLD", "opened": "2025-12-01", "quantity": 10, "cost": 400, "inherited": True}
    book = Book.model_validate(
        {"id": "home", "name": "Home", "investments": {"lots": [{"account": "Broker", **lot}]}}
    )
    books = keep(
        book,
        holdings=[
            holding("POOLED", "02-01", 10, 900, cost_basis=530),
            holding("OLD", "02-01", 10, 900),
            holding("WHO", "02-01", 10, 900),
        ],
        trades=[
            trade("b", "02-02", "buy", 1, -9, security_id="NEW"),
            *(
                trade(name, "02-05", "sell", -1, 90, security_id=name)
                for name in ("POOLED", "OLD", "WHO", "NEW")
            ),
        ],
    )
    rows = taxable_gains(books.gains, books.lots, as_of=LATER).sort("security_id")
    assert rows.select("security_id", "acquired", "acquired_how", "basis", "term").rows() == [
        ("NEW", date(2026, 2, 2), None, 9, "short"),
        ("OLD", date(2025, 12, 1), "INHERITED", 40, "long"),
        ("POOLED", None, "VARIOUS", 53, "unknown"),
        ("WHO", None, None, None, "unknown"),
    ]


def test_what_was_spun_off_replaces_nothing_though_the_parent_was_bought_lately():
    """26 U.S.C. 1091(a) is about what was bought; a spin-off's shares have their parent's day and were not."""
    said = {"parent": "ABC", "security": "KID", "date": "2024-04-05", "basis": "0.25"}
    book = Book.model_validate({"id": "home", "name": "Home", "investments": {"spin_offs": [said]}})
    bought = [trade("b", "2024-01-02", "buy", 100, -1000), trade("c", "2024-03-28", "buy", 100, -2000)]
    spun = trade("k", "2024-04-05", "spin_off", 40, 0, security_id="KID")
    books = keep(book, trades=[*bought, spun, trade("s", "2024-04-10", "sell", -20, 10, security_id="KID")])
    rows = taxable_gains(books.gains, books.lots, as_of=LATER)
    assert rows.select("acquired", "basis", "code", "gain").rows() == [(date(2024, 1, 2), 250, "", -240)]


def test_a_symbol_changes_between_a_loss_and_what_replaces_it():
    out, come = (
        trade("o", "2024-03-05", "symbol_change", -50, 0),
        trade("i", "2024-03-05", "symbol_change", 50, 0, security_id="XYZ"),
    )
    rest = trade("r", "2024-01-02", "buy", 50, -500)
    again = trade("a", "2024-03-20", "buy", 100, -800, security_id="XYZ")
    rows = counted(BOUGHT, rest, SOLD, out, come, again, same=lambda name: "one")
    assert rows.select("code", "adjustment", "gain").rows() == [("W", 250, 0)]


@pytest.mark.parametrize(
    ("reported", "boxes"),
    [
        ({}, ["unassigned", "unassigned"]),
        ({(2024, "broker"): True, (2025, "broker"): True}, ["A", "D"]),
        ({(2024, "broker"): False, (2025, "broker"): False}, ["B", "E"]),
        ({(2024, "other"): True, (2025, "broker"): True}, ["unassigned", "D"]),
    ],
)
def test_the_box_is_that_of_the_1099_where_one_is_known(reported, boxes):
    sales = (trade("s", "2024-03-01", "sell", -50, 750), trade("z", "2025-03-01", "sell", -50, 750))
    assert counted(BOUGHT, *sales, reported=reported)["box"].to_list() == boxes
