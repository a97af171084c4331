"""What a book's model learns from, in which order, and what it says."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from categorizing_examples import bank, facts

from manna.books import Book
from manna.categorizing import Facts
from manna.categorizing.learning import answers_to, lessons, predictions, trained
from manna.categorizing.model import Model

HOME = Book.model_validate({"id": "home", "name": "Home"})
SHOPS = {"coffee corner": "Expenses:Coffee", "grocer": "Expenses:Food", "rail": "Expenses:Travel"}


def year(of: Book = HOME, prefix: str = "t", months: int = 3, **renamed: str) -> Facts:
    """Every shop three times a month, decided the same way each time."""
    rows: list[dict[str, Any]] = []
    for month in range(1, months + 1):
        for number, shop in enumerate(SHOPS):
            rows += [
                bank(
                    f"{prefix}{month}-{number}-{i}", f"-{10 + number}", book=of.id, description=f"{shop} {i}"
                )
                | {"date": date(2026, month, 5 + i)}
                for i in range(3)
            ]
    decided = {row["transaction_id"]: SHOPS[row["description"][:-2]] for row in rows}
    decided |= {name: category for name, category in renamed.items() if name in decided}
    return facts(of, *rows, by_hand=decided)


def test_whole_decisions_on_live_rows_teach() -> None:
    rows = [bank("t1", "-1"), bank("t2", "-1", removed=True), bank("t3", "-1"), bank("t4", "-1")]
    split = [{"category": "Expenses:A", "amount": "-0.4"}, {"category": "Expenses:B", "amount": "-0.6"}]
    by_hand = {"t1": "Expenses:A", "t2": "Expenses:A", "t3": "Expenses:A"}
    taught = lessons(facts(HOME, *rows, by_hand=by_hand, divided={"t3": split}), [])
    assert taught.own["transaction_id"].to_list() == ["t1"]
    assert taught.base.is_empty()


def test_the_base_are_other_books_decisions_on_income_and_expenses() -> None:
    other = Book.model_validate({"id": "firm", "name": "Firm"})
    rows = [bank(name, "-1", book="firm") for name in ("f1", "f2", "f3")]
    by_hand = {"f1": "Expenses:A", "f2": "Equity:Draws", "f3": "Income:B"}
    taught = lessons(facts(HOME, bank("t1", "-1")), [facts(other, *rows, by_hand=by_hand)])
    assert taught.own.is_empty()
    assert taught.base["transaction_id"].to_list() == ["f1", "f3"]


def test_of_what_nobody_decided_the_base_has_plaids_word_once_per_merchant() -> None:
    food = {"plaid_primary": "FOOD_AND_DRINK", "plaid_detailed": "FOOD_AND_DRINK_GROCERIES"}
    rows = [
        bank("t1", "-1", on=3, description="grocer", **food),
        bank("t2", "-1", on=2, description="grocer", **food),
        bank("t3", "1", on=4, description="grocer", **food),  # money back is another thing
        bank("t4", "-1", on=5, description="grocer", **food),
        bank("t5", "-1", on=5, description="nobody knows"),
    ]
    taught = lessons(facts(HOME, *rows, by_hand={"t4": "Expenses:Party"}), [])
    assert taught.prior.select("transaction_id", "category").rows() == [
        ("t2", "Expenses:Food and Drink:Groceries"),
        ("t3", "Expenses:Food and Drink:Groceries"),
    ]
    assert taught.base.height == 2


def test_a_model_of_one_category_does_not_see_it_everywhere() -> None:
    food = {"plaid_primary": "FOOD_AND_DRINK", "plaid_detailed": "FOOD_AND_DRINK_GROCERIES"}
    fuel = {"plaid_primary": "TRANSPORTATION", "plaid_detailed": "TRANSPORTATION_GAS"}
    rows = [bank(f"a{n}", "-30", on=n, description="acme", plaid_primary="OTHER") for n in range(1, 10)]
    rows += [bank(f"g{n}", "-20", on=n, description=f"green grocer {n}", **food) for n in range(1, 10)]
    rows += [bank(f"p{n}", "-40", on=n, description=f"petrol {n}", **fuel) for n in range(1, 10)]
    known = facts(HOME, *rows, by_hand={f"a{n}": "Expenses:Tested" for n in range(1, 10)})
    model, _ = trained(lessons(known, []))
    said = dict(predictions(model, known.live).select("transaction_id", "category").iter_rows())
    assert said["a3"] == "Expenses:Tested"
    assert said["g3"] == "Expenses:Food and Drink:Groceries"
    assert said["p3"] == "Expenses:Transportation:Gas"


def test_equal_decisions_have_one_hash_and_one_model() -> None:
    known = year(months=2)
    backwards = lessons(
        Facts(
            HOME, known.transactions.reverse(), known.trades, known.accounts, known.decisions, known.merchants
        ),
        [],
    )
    taught = lessons(known, [])
    assert taught.sha256 == backwards.sha256
    assert trained(taught)[0].to_bytes() == trained(backwards)[0].to_bytes()
    changed = year(months=2, **{"t1-0-0": "Expenses:Other"})
    assert lessons(changed, []).sha256 != taught.sha256


def test_every_month_is_answered_by_what_was_known_before_it() -> None:
    known = year(months=3)
    late = {name: "Expenses:New" for name in known.transactions["transaction_id"] if name.startswith("t3-2")}
    _, answers = trained(lessons(year(months=3, **late), []))
    assert answers["date"].min() == date(2026, 2, 5)  # of the first month nothing was known
    assert answers.height == 18
    found = answers.filter(pl.col("decided") == "Expenses:New")
    assert found["answered"].to_list() == ["Expenses:Travel"] * 3  # as before; it could not know
    assert (answers.filter(pl.col("date") < date(2026, 3, 1))["answered"] == answers.filter(
        pl.col("date") < date(2026, 3, 1)
    )["decided"]).all()  # fmt: skip


def test_the_base_answers_a_book_from_its_first_month() -> None:
    other = Book.model_validate({"id": "firm", "name": "Firm"})
    own = year(months=1)
    earlier = year(other, "f", months=1)
    moved = earlier.transactions.with_columns(pl.col("date").dt.offset_by("-2mo"))
    base = Facts(other, moved, earlier.trades, earlier.accounts, earlier.decisions, earlier.merchants)
    _, answers = trained(lessons(own, [base]))
    assert answers.height == 9
    assert (answers["answered"] == answers["decided"]).all()
    assert not answers["transaction_id"].str.starts_with("f").any()


def test_what_it_says_of_rows() -> None:
    known = year()
    model, _ = trained(lessons(known, []))
    said = predictions(model, known.live)
    assert said["transaction_id"].to_list() == known.live["transaction_id"].to_list()
    assert set(said["category"]) == set(SHOPS.values())
    assert said["probability"].is_between(0, 1).all()
    assert said["reason"].str.len_chars().min() > 0
    assert answers_to(model, lessons(known, [])).height == 27


@pytest.mark.parametrize("known", [facts(HOME), facts(HOME, bank("t1", "-1"))])
def test_a_book_without_decisions(known: Facts) -> None:
    taught = lessons(known, [])
    model, answers = trained(taught)
    assert answers.is_empty()
    assert predictions(model, known.live).is_empty()
    assert predictions(Model(), known.live).is_empty()
    assert answers_to(model, taught).is_empty()
