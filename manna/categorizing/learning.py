"""What a book's model learns from, and what it says of the book's rows.

What belongs here: which decisions teach, which columns are looked at, training in time order with every answer kept
that was given before its label was known. What does not: the model itself (``model``), how good it is (``measuring``),
or which version is in use (``assets``, ``resources``).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from manna.categorizing.claims import by_plaid
from manna.categorizing.deciding import PREDICTIONS, Facts
from manna.categorizing.model import Model
from manna.categorizing.observing import Columns

LOOKED_AT = Columns(
    text="description",
    contexts=("plaid", "account_type", "counterparty"),
    amount="amount",
    date="date",
    label="category",
)
"""Weekday and direction are in date and amount."""

ANSWERS = {
    "transaction_id": pl.String(),
    "date": pl.Date(),
    "decided": pl.String(),
    "answered": pl.String(),
    "probability": pl.Decimal(18, 8),
    "certain": pl.Boolean(),
}
NO_ANSWERS = pl.DataFrame(schema=ANSWERS)
REPLAYED = 20_000
"""So many of the latest decisions are answered before they are learnt; what is older is learnt at once."""

_SHARED = ("Income:", "Expenses:")
"""Who owns what is each book's own affair; what a merchant sells is not."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What to learn from, as rows with the columns of :data:`LOOKED_AT`, transaction_id and category.

    ``own`` are the book's decisions. Below them lies the base of all books: ``others``, what was decided in the other
    books, and ``prior``, what Plaid says of merchants, once each. The base is learnt too, but never a measure of the
    model. Without the prior a model of three answers would know three categories, and see nothing else anywhere.
    """

    own: pl.DataFrame
    others: pl.DataFrame
    prior: pl.DataFrame

    @property
    def base(self) -> pl.DataFrame:
        """What all books share."""
        return pl.concat([self.others, self.prior])

    @property
    def sha256(self) -> str:
        """Hash of all decisions that are learnt from."""
        parts = [rows.sort("transaction_id").write_csv() for rows in (self.own, self.others)]
        return hashlib.sha256("\f".join(parts).encode()).hexdigest()


def lessons(facts: Facts, others: Sequence[Facts]) -> Lessons:
    """What the model of a book is to learn. ``others``: the other books, whose decisions are part of the base."""
    own = _decided(facts)
    parts = [own.clear(), *(_decided(other) for other in others)]
    shared = pl.any_horizontal(pl.col("category").str.starts_with(kind) for kind in _SHARED)
    return Lessons(
        own, pl.concat(parts).filter(shared), pl.concat([_prior(each) for each in (facts, *others)])
    )


def _prior(facts: Facts) -> pl.DataFrame:
    """What Plaid says of rows on which nobody has decided: the first of each merchant, category and direction."""
    rows = facts.live.join(facts.decisions, on="transaction_id", how="anti", maintain_order="left")
    said = by_plaid(rows).select("transaction_id", "category")
    named = looked_at(rows).with_columns(payee=rows["payee"], incoming=pl.col("amount") > 0)
    once = named.sort("date", "transaction_id").unique(
        ["payee", "plaid", "incoming"], keep="first", maintain_order=True
    )
    return once.drop("payee", "incoming").join(said, on="transaction_id", how="inner", maintain_order="left")


def _decided(facts: Facts) -> pl.DataFrame:
    """Live rows with a person's category; a split is no single one and teaches nothing."""
    whole = facts.decisions.filter(pl.col("splits").is_null()).select("transaction_id", "category")
    return looked_at(facts.live).join(whole, on="transaction_id", how="inner", maintain_order="left")


def looked_at(rows: pl.DataFrame) -> pl.DataFrame:
    """Of live transactions with their account: transaction_id and what the model looks at."""
    return rows.select(
        "transaction_id",
        "date",
        "description",
        pl.col("amount").cast(pl.Float64),
        pl.coalesce("plaid_detailed", "plaid_primary").alias("plaid"),
        "account_type",
        pl.col("merchant").alias("counterparty"),
    )


def trained(taught: Lessons) -> tuple[Model, pl.DataFrame]:
    """A model, and what it answered to the book's own decisions before it was told.

    Month by month, each answered first and learnt afterwards, as corrections would have come; of a large book only the
    months of its latest :data:`REPLAYED` decisions, everything before them at once.

    Returns:
        The model, which has learnt everything, and one row of :data:`ANSWERS` per decision that was answered. The first
        month of all never is.
    """
    model, answers = Model(LOOKED_AT), [NO_ANSWERS]
    begin = pl.lit(taught.own["date"].sort().tail(REPLAYED).first(), dtype=pl.Date)
    month = pl.when(pl.col("date") >= begin).then(pl.col("date").dt.truncate("1mo"))
    own, base = (
        rows.with_columns(month=month).sort("month", "date", "transaction_id")
        for rows in (taught.own, taught.base)
    )
    months = pl.concat([own["month"], base["month"]]).unique().sort()
    for each in months:
        now = pl.col("month").eq_missing(pl.lit(each, dtype=pl.Date))
        period, others = own.filter(now).drop("month"), base.filter(now).drop("month")
        if each is not None and model.categories and period.height:
            answers.append(_answers(model, period))
        model.learn(others, rehearse=False)
        model.learn(period, rehearse=each is not None)
    return model, pl.concat(answers)


def _answers(model: Model, decided: pl.DataFrame) -> pl.DataFrame:
    said = model.predict(decided.drop("category"))
    return pl.DataFrame(
        {
            "transaction_id": decided["transaction_id"],
            "date": decided["date"],
            "decided": decided["category"],
            "answered": said["category"],
            "probability": _sure(said["probability"]),
            "certain": said["sure"],
        },
        schema=ANSWERS,
    )


def answers_to(model: Model, taught: Lessons) -> pl.DataFrame:
    """What a model says now of every decision of the book: rows of :data:`ANSWERS`."""
    return _answers(model, taught.own) if taught.own.height else NO_ANSWERS


def predictions(model: Model, rows: pl.DataFrame) -> pl.DataFrame:
    """What the model says of live transactions: rows of ``deciding.PREDICTIONS``, none where it knows nothing."""
    said = model.predict(looked_at(rows))
    found = pl.DataFrame(
        {
            "transaction_id": rows["transaction_id"],
            "category": said["category"],
            "probability": said["probability"].clip(0, 1),
            "certain": said["sure"],
            "reason": said["why"],
        },
        schema=PREDICTIONS,
    )
    return found.filter(pl.col("category").is_not_null())


def _sure(probability: pl.Series) -> pl.Series:
    return probability.clip(0, 1).round(6).cast(pl.Decimal(18, 8))
