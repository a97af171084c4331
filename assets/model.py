"""``categorized.model``: each book's model, trained on what people decided in it.

What belongs here: reading decisions, having a challenger trained, measured and run in the shadow, keeping it, and putting
it into use if nothing speaks against it. What does not: the model, its figures, and what speaks against it
(``manna.categorizing``).

A book in which nobody has decided anything has no model. The same decisions under the same code are the same model:
training again changes nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.categorized import categorized, families, model_in_use, models_in_use, read_facts
from assets.common import BooksConfig, Manna, chosen, result, row_counts, spec
from manna.categorizing import Facts, followed
from manna.categorizing.claims import by_plaid
from manna.categorizing.measuring import Figures, figures, objections, together
from manna.categorizing.review import queue
from manna.categorizing.shadow import difference
from resources.installation import CODE_VERSION, Installation
from resources.lake import Change
from resources.model_files import ModelFileError

if TYPE_CHECKING:
    from manna.categorizing.learning import Lessons
    from manna.categorizing.model import Model

TABLE = "categorized.model"
NOBODY = "manna"
"""Who decides where no person does."""
MEASURES = ("rows", "accuracy", "coverage", "precision", "calibration_error")
_ID_LENGTH = 16
_KEPT = 8
"""So many of a book's latest versions keep their files (some megabytes each), and the one in use."""
_LINES = 20


@dg.multi_asset(
    name="train_models",
    specs=[spec(TABLE, deps=("clean.transactions", "clean.successions", "clean.trades", "clean.accounts"))],
)
def models(context: dg.AssetExecutionContext, config: BooksConfig, manna: Manna) -> Iterator[Any]:
    """Trains a challenger per book, measures it, runs it in the shadow, and promotes it if nothing speaks against it."""
    wanted = chosen(manna.books, config.books)
    said: dict[str, Any] = {}
    change = Change()
    with manna.lake.locked(["training"]):  # two at once would each promote theirs
        facts = {book.id: read_facts(manna, manna.lake, book) for book in manna.books.values()}
        for book_id in wanted:
            trained, kept = _train(manna, book_id, facts, context.run.run_id)
            said |= {f"{book_id}: {name}": value for name, value in trained.items()}
            change += kept
    yield result(TABLE, change, row_counts(manna, [TABLE]), **said)


def _train(
    manna: Installation, book_id: str, facts: Mapping[str, Facts], run_id: str
) -> tuple[dict[str, Any], Change]:
    """One book's challenger, kept and compared: what is to be said of it, and what it did to the table."""
    from manna.categorizing.learning import lessons, trained

    taught = lessons(facts[book_id], [other for name, other in facts.items() if name != book_id])
    if taught.own.is_empty():
        return {"outcome": "nobody has decided anything yet: no model"}, Change()
    named = f"{book_id}\n{taught.sha256}\n{CODE_VERSION}"
    model_id = hashlib.sha256(named.encode()).hexdigest()[:_ID_LENGTH]
    for known in manna.ops.models(book_id):
        if known["model_id"] == model_id:
            total = manna.lake.read(TABLE, {"model_id": model_id}).height
            said = _said(manna, book_id, known["metrics"], f"{model_id}: nothing was decided since")
            return said, Change(total=total)
    model, answers = trained(taught)
    measured = {**figures(answers), **_compared(manna, book_id, facts, taught, model, answers)}
    file_sha256 = manna.model_files.write(model_id, model.to_bytes())
    rows = answers.with_columns(model_id=pl.lit(model_id), book=pl.lit(book_id))
    change = manna.lake.commit(
        [TABLE],
        lambda lake: lake.replace(TABLE, rows, {"model_id": model_id}),
        author=TABLE,
        message=f"run {run_id}",
    )
    now = manna.settings.now()
    manna.ops.record_model(
        {
            "model_id": model_id,
            "book": book_id,
            "trained_at": now,
            "code_version": CODE_VERSION,
            "data_sha256": taught.sha256,
            "snapshot": manna.lake.snapshot(),
            "file_sha256": file_sha256,
            "metrics": measured,
        }
    )
    against = measured["objections"]
    if not against:
        manna.ops.use_model(book_id, model_id, "not worse than what was in use", NOBODY, now)
    _forget_old(manna, book_id)
    outcome = f"{model_id} is not put into use: {'; '.join(against)}" if against else f"{model_id} is in use"
    return _said(manna, book_id, measured, outcome), change


def _forget_old(manna: Installation, book_id: str) -> None:
    """Files of old versions that were never in use go; what is known of them stays.

    What was in use once is needed to rebuild a report as it was known then.
    """
    used = {use["model_id"] for use in manna.ops.model_uses(book_id)}
    for row in manna.ops.models(book_id)[_KEPT:]:
        if row["model_id"] not in used:
            manna.model_files.remove(row["model_id"])


def _compared(
    manna: Installation,
    book_id: str,
    facts: Mapping[str, Facts],
    taught: "Lessons",
    model: "Model",
    answers: pl.DataFrame,
) -> dict[str, Any]:
    """The challenger beside what is in use: figures on the same rows, what speaks against it, and the shadow run."""
    in_use = manna.ops.model_in_use(book_id)
    before = (
        _plaid_answers(taught, facts[book_id]) if in_use is None else _answers_in_use(manna, in_use, taught)
    )
    champion, challenger = together(before, answers)
    lines, questions = _shadow(manna, book_id, facts, model)
    return {
        "decisions": taught.own.height,
        "base": taught.base.height,
        "champion": {
            "model_id": None if in_use is None else in_use["model_id"],
            **{name: champion[name] for name in MEASURES},
        },
        "objections": objections(challenger, champion, first=in_use is None),
        "shadow": lines.with_columns(pl.col(pl.Decimal).cast(pl.String)).to_dicts(),
        "questions": questions,
    }


def _plaid_answers(taught: "Lessons", facts: Facts) -> pl.DataFrame:
    """What Plaid's category says of decided rows."""
    from manna.categorizing.learning import ANSWERS

    said = by_plaid(facts.live).select(
        "transaction_id", "certain", answered="category", probability="confidence"
    )
    rows = taught.own.select("transaction_id", "date", decided="category")
    found = rows.join(said, on="transaction_id", how="left", maintain_order="left")
    return found.with_columns(pl.col("probability").fill_null(0), pl.col("certain").fill_null(False)).select(
        *ANSWERS
    )


def _answers_in_use(manna: Installation, in_use: Mapping[str, Any], taught: "Lessons") -> pl.DataFrame:
    """What the model in use said of decided rows before it was told.

    Of rows decided after it was trained that is what it says now.
    """
    from manna.categorizing.learning import ANSWERS, answers_to

    now = taught.own.select("transaction_id", decided="category")  # a person may have changed his mind since
    kept = manna.lake.read(TABLE, {"model_id": in_use["model_id"]}).drop("decided")
    before = kept.join(now, on="transaction_id", how="inner", maintain_order="left").select(*ANSWERS)
    try:
        model = model_in_use(manna, in_use["book"])
    except ModelFileError:
        model = None
    if model is None:
        return before
    successions = manna.lake.read("clean.successions", {"book": in_use["book"]})
    learnt = followed(manna.ops.overrides(in_use["trained_at"]), successions)
    since = answers_to(model, taught).join(learnt, on="transaction_id", how="anti")
    return pl.concat([before, since])


def _shadow(
    manna: Installation, book_id: str, facts: Mapping[str, Facts], model: "Model"
) -> tuple[pl.DataFrame, int]:
    """Report lines that the challenger would change, and the number of questions in the review queue now."""
    [family] = families(manna.books.values(), [book_id])
    place = [book.id for book in family].index(book_id)
    around = [facts[book.id] for book in family]
    in_use, _ = models_in_use(manna, [book.id for book in family])
    before = categorized(around, in_use)[place]
    after = categorized(around, {**in_use, book_id: model})[place]
    rows = facts[book_id].live
    return difference(rows, before, after), queue(facts[book_id].transactions, before.transactions).height


def _said(manna: Installation, book_id: str, measured: Figures, outcome: str) -> dict[str, Any]:
    """A model as metadata: figures that Dagster draws over all trainings, and pictures of this one."""
    from manna.documents.plots import (  # Jinja costs 0.1 s, and every process would pay it
        markdown,
        model_plots,
    )

    numbers = {name.replace("_", " "): measured[name] for name in MEASURES if measured[name] is not None}
    trainings = [(row["trained_at"].date(), row["metrics"]["questions"]) for row in manna.ops.models(book_id)]
    queued = sorted({**dict(reversed(trainings))}.items())
    pictures = "\n\n".join(markdown(figure) for figure in model_plots(measured, queued))
    return {
        "outcome": outcome,
        **numbers,
        "review queue": measured["questions"],
        "plots": dg.MetadataValue.md(pictures or "No decision was answered before it was told yet."),
        "money per report line": dg.MetadataValue.md(_lines(measured["shadow"])),
    }


def _lines(lines: Sequence[Mapping[str, Any]]) -> str:
    """The shadow run as Markdown: what the books would say with this model instead of what was in use."""
    from manna.documents.markdown import table

    if not lines:
        return "No report line changes."
    header = ("line", "currency", "rows", "before", "after", "difference")
    shown = table(header, ([line[name] for name in header] for line in lines[:_LINES]))
    more = len(lines) - _LINES
    return shown if more <= 0 else f"{shown}\n\n{more} more lines: `manna model show`"
