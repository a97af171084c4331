"""The model of a book: what it learns, when, how sure it is, and what it does with what no one expects."""

import random
import subprocess
import sys
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from manna.categorizing.model import PREDICTION, Model, train
from manna.categorizing.observing import Columns
from manna.categorizing.ranking import Calibration, calibrated

PLAIN = Columns("description", (), "amount", "date", "category")
PLACED = Columns("description", ("place",), "amount", "date", "category")
SHOPS = {
    "FOOD": ("GREEN GROCER", "CORNER BAKERY", "FISH MARKET", "FRESH FRUIT", "BIG SUPERMARKET"),
    "FUEL": ("SHELL OIL", "CITY GAS", "ROAD PETROL", "HIGHWAY FUEL", "MOTOR STATION"),
    "BOOKS": ("OLD BOOKSHOP", "PAPER PRESS", "NEWS STAND", "CITY LIBRARY", "COMIC BOOKS"),
}


def decisions(months: int = 8, each: int = 120, seed: int = 1) -> pl.DataFrame:
    """Decisions of a small book: merchants with store numbers, mostly decided alike, one in thirty otherwise."""
    dice = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for month in range(months):
        for _ in range(each):
            category = dice.choice(list(SHOPS))
            shop = dice.choice(SHOPS[category])
            rows.append(
                {
                    "description": f"{shop} #{dice.randint(100, 140)}",
                    "amount": -dice.randint(100, 9000) / 100,
                    "date": date(2025, 1, 1) + timedelta(days=30 * month + dice.randint(0, 27)),
                    "place": dice.choice(("north", "south")),
                    "category": category if dice.random() > 1 / 30 else dice.choice(list(SHOPS)),
                }
            )
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def book() -> pl.DataFrame:
    return decisions()


@pytest.fixture(scope="module")
def model(book: pl.DataFrame) -> Model:
    return train(book, PLAIN)


def test_a_merchant_decided_before_is_decided_so_again_and_says_why(model: Model) -> None:
    answer = model.predict(pl.DataFrame({"description": ["SQ *GREEN GROCER 0999"], "amount": [-12.5]}))

    category, probability, _, why = answer.row(0)
    assert category == "FOOD"
    assert probability > 0.9
    assert why.startswith("'green grocer' was FOOD ")


def test_a_merchant_never_seen_is_read_from_its_words(model: Model) -> None:
    answer = model.predict(pl.DataFrame({"description": ["MAIN STREET BOOKSHOP"]}))

    assert answer["category"].to_list() == ["BOOKS"]
    assert answer["why"].to_list() == [
        "read from the words of 'main street bookshop', which was never decided before"
    ]


def test_a_context_that_decides_otherwise_is_followed() -> None:
    rows = decisions().with_columns(
        category=pl.when(pl.col("description").str.starts_with("GREEN") & (pl.col("place") == "south"))
        .then(pl.lit("HOSPITALITY"))
        .otherwise("category")
    )
    asked = pl.DataFrame({"description": ["GREEN GROCER #777"] * 2, "place": ["north", "south"]})

    assert train(rows, PLACED).predict(asked)["category"].to_list() == ["FOOD", "HOSPITALITY"]


def test_a_change_of_mind_is_followed() -> None:
    rows = decisions(10).with_columns(
        category=pl.when(
            pl.col("description").str.starts_with("SHELL") & (pl.col("date") >= date(2025, 6, 30))
        )
        .then(pl.lit("CAR"))
        .otherwise("category")
    )

    answer = train(rows, PLAIN).predict(pl.DataFrame({"description": ["SHELL OIL #1"], "amount": [-30.0]}))

    assert answer["category"].to_list() == ["CAR"]


def test_sure_rows_are_right_and_the_odd_ones_are_not_called_sure(model: Model) -> None:
    later = decisions(2, 400, seed=5)
    answer = model.predict(later)
    right = answer["category"] == later["category"]

    assert right.mean() > 0.9
    assert abs(float(answer["probability"].mean()) - float(right.mean())) < 0.05  # type: ignore[arg-type]
    assert model.calibration.threshold == 2.0  # one label in thirty is wrong: 99 of 100 cannot be promised
    assert not answer["sure"].any()


def test_a_consistent_book_is_posted_nearly_whole() -> None:
    rows = decisions(10).with_columns(category=pl.col("description").str.split(" #").list.first())

    answer = train(rows, PLAIN).predict(rows.head(50))

    assert answer["sure"].mean() == 1.0
    assert (answer["category"] == rows["category"].head(50)).all()


def test_labels_of_the_period_that_is_predicted_have_no_influence(book: pl.DataFrame) -> None:
    """Answers come from the past alone: with or without labels, and with wrong ones, they are the same."""
    past, now = (
        book.filter(pl.col("date") < date(2025, 7, 1)),
        book.filter(pl.col("date") >= date(2025, 7, 1)),
    )
    model = train(past, PLAIN)
    before = model.to_bytes()

    with_labels = model.predict(now)
    with_wrong_ones = model.predict(now.with_columns(category=pl.lit("WRONG")))
    without = model.predict(now.drop("category"))

    assert with_labels.equals(without)
    assert with_wrong_ones.equals(without)
    assert model.to_bytes() == before


def test_calibration_rests_on_answers_given_before_the_labels_were_learnt(book: pl.DataFrame) -> None:
    """Were the labels of a period known when it is rehearsed, random labels would look like knowledge."""
    dice = random.Random(3)
    names = [dice.choice(["A", "B"]) for _ in range(book.height)]

    model = train(book.with_columns(category=pl.Series(names)), PLAIN)
    answer = model.predict(book.with_columns(description=pl.lit("GREEN GROCER #101")))

    assert float(answer["probability"].mean()) < 0.65  # type: ignore[arg-type]
    assert not answer["sure"].any()


def test_the_same_decisions_make_the_same_model(book: pl.DataFrame, model: Model) -> None:
    again = train(book, PLAIN)

    assert again.to_bytes() == model.to_bytes()
    assert again.predict(book).equals(model.predict(book))


def test_a_model_survives_its_bytes(book: pl.DataFrame, model: Model) -> None:
    assert Model.from_bytes(model.to_bytes()).predict(book).equals(model.predict(book))


def test_one_row_and_many_rows_get_the_same_answer(book: pl.DataFrame, model: Model) -> None:
    together = model.predict(book.head(20))

    assert [model.predict(book[at : at + 1]).row(0) for at in range(20)] == together.rows()


def test_a_book_without_decisions_knows_nothing() -> None:
    empty = decisions(1).clear()
    asked = pl.DataFrame({"description": ["ANY SHOP", None]})

    for model in (Model(PLAIN), train(empty, PLAIN), train(empty, Columns())):
        answer = model.predict(asked)
        assert answer.schema == PREDICTION
        assert answer.rows() == [(None, 0.0, False, "nothing was decided yet")] * 2
        assert model.predict(asked.clear()).rows() == []


def test_decisions_without_labels_are_left_out(book: pl.DataFrame) -> None:
    unlabelled = book.with_columns(category=pl.lit(None, dtype=pl.String))

    assert train(unlabelled, PLAIN).predict(book.head(1))["category"].to_list() == [None]
    assert train(pl.concat([book, unlabelled]), PLAIN).predict(book).equals(train(book, PLAIN).predict(book))


def test_one_decision_one_category_two_categories() -> None:
    one = decisions(1, 1)
    for rows in (one, decisions(3, 40).with_columns(category=pl.lit("ALL")), decisions(1, 3)):
        answer = train(rows, PLAIN).predict(rows)
        assert set(answer["category"]) <= set(rows["category"])
        assert not answer["sure"].any()
        assert answer["probability"].is_between(0, 1).all()


def test_a_category_with_one_example_neither_breaks_nor_disappears(book: pl.DataFrame) -> None:
    last = book.tail(1).with_columns(description=pl.lit("SOLE ZEBRA EXPERTS"), category=pl.lit("ZEBRAS"))

    answer = train(pl.concat([book, last]), PLAIN).predict(last)

    assert answer["category"].to_list() == ["ZEBRAS"]
    assert not answer["sure"].item()


ODD = [
    "",
    None,
    "  ",
    "x" * 10_000,
    "日本語カフェ",
    "КОФЕЙНЯ",
    "😀🎉",
    "a\x00b\x1b[31m",
    "\u202egnp",
    "12345",
    "\x1f",
    "nan",
]


def test_odd_descriptions_have_defined_answers(model: Model) -> None:
    answer = model.predict(pl.DataFrame({"description": ODD}))

    assert answer.height == len(ODD)
    assert answer["category"].is_in(list(SHOPS)).all()
    assert answer["probability"].is_between(0, 1).all()


def test_odd_decisions_can_be_learnt() -> None:
    odd = pl.DataFrame({"description": ODD}).with_columns(
        amount=pl.Series([float("nan"), float("inf"), None, 0.0] * 3),
        category=pl.lit("ODD"),
        place=pl.lit("\x1f"),
    )
    rows = pl.concat([decisions(4, 60), odd], how="diagonal")

    for columns in (
        PLAIN,
        PLACED,
        Columns("description", ("place", "nowhere"), "nothing", "never", "category"),
    ):
        answer = train(rows, columns).predict(odd)
        assert answer["category"].null_count() == 0
        assert answer["probability"].is_finite().all()


def test_columns_of_any_type_and_missing_ones(book: pl.DataFrame, model: Model) -> None:
    asked = book.head(5)
    as_texts = asked.with_columns(pl.col("amount").cast(pl.String), pl.col("date").cast(pl.String))

    assert model.predict(as_texts).equals(model.predict(asked))
    assert model.predict(asked.with_columns(description=pl.int_range(5))).height == 5
    assert model.predict(pl.DataFrame({"other": [1, 2, 3]})).height == 3
    assert model.predict(asked.with_columns(amount=pl.lit("much"))).height == 5


def test_a_calibration_without_enough_answers_is_never_sure() -> None:
    few = calibrated(np.ones(20), np.zeros(20, int), np.ones(20, bool))

    assert few == Calibration()
    assert few.probability(np.array([0.5]), np.zeros(1, int)).tolist() == [0.45]


def test_a_calibration_promises_what_was_kept() -> None:
    dice = np.random.default_rng(1)
    score = dice.random(6000)
    right = dice.random(6000) < np.where(score > 0.6, 0.999, score)
    kind = dice.integers(0, 3, 6000)

    found = calibrated(score, kind, right)
    probability = found.probability(score, kind)
    sure = probability >= found.threshold

    assert right[sure].mean() >= 0.99
    assert 0.35 < sure.mean() < 0.5
    assert abs(probability[score < 0.5].mean() - right[score < 0.5].mean()) < 0.02
    assert probability.max() < 1.0


def test_importing_the_model_does_not_import_scikit_learn() -> None:
    code = "import sys, manna.categorizing.model; sys.exit(any(n.split('.')[0] in ('sklearn', 'scipy') for n in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
