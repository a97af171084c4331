"""A person's answers: questions of the review queue, splits, pairs that are no transfer, rules on trial.

What belongs here: finding what an answer is about, checking it, and writing it down as decisions. What does not:
asking on a terminal (``pipelines.cli.reviewing``), or what a decision leads to (``manna.categorizing``).

Every answer is append-only, with who and when, and holds from the next run of ``nightly_close`` on.
"""

import getpass
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl
import yaml
from pydantic import ValidationError

from assets.categorized import read_facts
from manna.book_sections import CHART_PATTERN
from manna.books import Book
from manna.categorizing.review import queue
from manna.categorizing.rules import try_rules
from manna.categorizing.splitting import SplitError, parts
from manna.categorizing.transfers import transfer_id
from pipelines.asked import UsageError
from resources.installation import Installation

_LEG = ("date", "amount", "currency", "account", "description", "book", "id")


def whoever() -> str:
    """Who sits here: the account of this machine."""
    return getpass.getuser()


def questions(manna: Installation, books: Sequence[str]) -> pl.DataFrame:
    """The queue of these books, the most valuable first, without what was answered since the last run."""
    answered = manna.ops.overrides()["transaction_id"]
    found = []
    for book in books:
        scope = {"book": book}
        categorized = manna.lake.read("categorized.transactions", scope)
        still = categorized.filter(~pl.col("transaction_id").is_in(answered.implode()))
        found.append(queue(manna.lake.read("clean.transactions", scope), still))
    return pl.concat(found).sort("worth", "question_id", descending=[True, False])


def usual_categories(manna: Installation, book: str) -> list[str]:
    """Every category in use, the most used in this book first, then those of other books."""
    counts = manna.lake.query(
        "SELECT category FROM categorized.transactions GROUP BY category "
        "ORDER BY count(*) FILTER (book = ?) DESC, count(*) DESC, category",
        [book],
    )
    return counts["category"].to_list()


def pairs(manna: Installation, book: str | None, *, rejected: bool = False) -> pl.DataFrame:
    """Pairs, the latest first: when, how much, from which account to which, what either row says, and the ids.

    Args:
        book: only those of which a leg is in it.
        rejected: those of which a person has said that they are none, instead of those that were found.

    A leg in clean.trades has no description.
    """
    if rejected:
        refused = [
            (transfer_id(*pair), *pair) for one in manna.books for pair in manna.ops.rejected_transfers(one)
        ]
        found = pl.DataFrame(refused, schema=["transfer_id", "out_id", "in_id"], orient="row")
        found = found.cast(pl.String)
    else:
        found = manna.lake.read("categorized.transfers").select("transfer_id", "out_id", "in_id")
    legs = manna.lake.query(
        "SELECT t.transaction_id AS id, t.book, t.date, t.amount, t.currency, t.description, "
        "a.institution || ' ' || a.name AS account "
        "FROM clean.transactions t LEFT JOIN clean.accounts a USING (account_id) UNION ALL "
        "SELECT t.trade_id, t.book, t.date, t.amount, t.currency, NULL, a.institution || ' ' || a.name "
        "FROM clean.trades t LEFT JOIN clean.accounts a USING (account_id)"
    )
    for side in ("out", "in"):
        told = legs.rename(lambda name, side=side: f"{side}_{name}")  # type: ignore[misc]
        found = found.join(told, on=f"{side}_id", how="left", maintain_order="left")
    if book is not None:
        found = found.filter((pl.col("out_book") == book) | (pl.col("in_book") == book))
    columns = [f"{side}_{name}" for name in _LEG for side in ("out", "in")]
    return found.sort("out_date", "transfer_id", descending=[True, False]).select("transfer_id", *columns)


def answer(
    manna: Installation,
    subject: str,
    category: str,
    *,
    by: str,
    note: str | None = None,
    split: Sequence[str] = (),
) -> int:
    """Writes an answer down and returns the number of transactions it decides.

    Args:
        subject: a question's id (all its rows are decided), or a transaction's.
        category: account of the chart.
        split: ``CATEGORY=AMOUNT`` for each further part of one transaction; ``category`` gets the rest.

    Raises:
        UsageError: nothing has that id, the category is none, or the split cannot be.
    """
    if not re.match(CHART_PATTERN, category):
        raise UsageError(f"{category!r} is no account of a chart; write it like Expenses:Food:Groceries")
    book, ids = _subject(manna, subject)
    divided = _divided(manna, book, ids, category, split) if split else None
    now = manna.settings.now()
    for transaction_id in ids:
        manna.ops.decide(book, transaction_id, category, by, now, note=note, splits=divided)
    return len(ids)


def _subject(manna: Installation, subject: str) -> tuple[str, list[str]]:
    """(book, transaction ids) of a question or a transaction."""
    rows = manna.lake.read("categorized.transactions", {"transaction_id": subject})
    if not rows.is_empty():
        return rows["book"][0], [subject]
    asked = questions(manna, list(manna.books)).filter(pl.col("question_id") == subject)
    if asked.is_empty():
        raise UsageError(
            f"there is no question or transaction {subject!r}; `manna review --format json` lists them"
        )
    return asked["book"][0], asked["transaction_ids"][0].to_list()


def _divided(
    manna: Installation, book: str, ids: Sequence[str], category: str, split: Sequence[str]
) -> list[dict[str, Any]]:
    if len(ids) > 1:
        raise UsageError("a split is of one transaction: give its id, not a question's")
    given: list[dict[str, Any]] = [{"category": category, "amount": None}]
    for part in split:
        name, found, amount = part.rpartition("=")
        if not found or not re.match(CHART_PATTERN, name):
            raise UsageError(f"--split {part!r} is not CATEGORY=AMOUNT, e.g. Expenses:Home=12.50")
        given.append({"category": name, "amount": amount})
    rows = manna.lake.read("clean.transactions", {"book": book, "transaction_id": ids[0]})
    whole: Decimal = rows["amount"][0]
    try:
        return [{"category": name, "amount": str(each)} for name, each in parts(whole, given)]
    except SplitError as error:
        raise UsageError(str(error)) from error


def decide_transfer(manna: Installation, transfer: str, *, by: str, is_transfer: bool) -> None:
    """Remembers that a pair is no transfer, or is one again.

    Args:
        transfer: its id, or the beginning of it.

    Raises:
        UsageError: no pair (or, for being one again, no rejected pair) has that id, or several have.
    """
    if is_transfer:
        known = {
            transfer_id(*pair): (book, *pair)
            for book in manna.books
            for pair in manna.ops.rejected_transfers(book)
        }
    else:
        rows = (
            manna.lake.read("categorized.transfers").select("transfer_id", "book", "out_id", "in_id").rows()
        )
        known = {name: (of, out_id, in_id) for name, of, out_id, in_id in rows}
    meant = [legs for name, legs in known.items() if transfer and name.startswith(transfer)]
    if len(meant) != 1:
        what = "rejected pair" if is_transfer else "pair"
        why = f"several {what}s begin with" if meant else f"there is no {what}"
        raise UsageError(
            f"{why} {transfer!r}; `manna transfers list{' --rejected' * is_transfer}` shows them"
        )
    [(book, out_id, in_id)] = meant
    manna.ops.decide_transfer(book, out_id, in_id, by, manna.settings.now(), is_transfer=is_transfer)


def trial(manna: Installation, book: Book, text: str | None) -> pl.DataFrame:
    """What the book's rules would change; ``text``: YAML of other rules (a list, or a book file) to try instead.

    Raises:
        UsageError: the text holds no rules; every complaint is named.
    """
    rules = book.rules if text is None else _rules(book, text)
    rows = read_facts(manna, manna.lake, book).live
    return try_rules(rules, rows, manna.lake.read("categorized.transactions", {"book": book.id}))


def _rules(book: Book, text: str) -> Any:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"not readable YAML: {' '.join(str(error).split())}") from error
    listed = document.get("rules") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise UsageError("the file holds no rules: write a list, or a book file with the key `rules`")
    try:
        return Book.model_validate({"id": book.id, "name": book.name, "rules": listed}).rules
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(said) from error
