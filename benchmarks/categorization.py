"""How well the categorization learns from its owner, on any labelled CSV: predict a period, then learn its labels.

Prints JSON: for Manna's model and, side by side, for a plain one (TF-IDF of runs of 2 to 5 characters, linear support
vector machine, trained anew before every period):

- ``rows``, ``accuracy``, ``macro_f1`` (over the categories that occur among the true labels) and ``macro_f1_common``
  (over those that occur five times or more: one row decides nothing);
- ``unseen_accuracy``: of rows whose merchant (the first two alphabetic words of the first text column) stood in no
  earlier period, with ``unseen_share``;
- ``posted_share`` and ``posted_precision``: rows that would be posted without a look. Manna's model says itself which;
  the plain one posts from the margin on from which 99 of 100 of its own past answers were right;
- ``touches_per_1000``: answers a person gives per 1,000 rows when a period's open rows are grouped by normalized
  merchant and context, as the review queue does;
- ``rows_per_second``: predicting only; ``seconds``: everything.

Without ``--from`` the first period is only learnt. A row of a period before which nothing was decided counts as wrong.

Usage: ``uv run python benchmarks/categorization.py --data FILE --text COL [--text COL ...] --label COL --date COL
[--amount COL] [--from DATE] [--every month|week] [--without-plain]``.
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import warnings
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # two models at once, one core each

import numpy as np  # noqa: E402
import polars as pl  # noqa: E402

from manna.categorizing.merchants import merchants  # noqa: E402
from manna.categorizing.model import train  # noqa: E402
from manna.categorizing.observing import Columns  # noqa: E402

_FORMATS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%d.%m.%Y", "%Y%m%d", "%d/%m/%y", "%m/%d/%y", "%d %b %Y",
    "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y",
)  # fmt: skip
_PRECISION = 0.99
_COMMON = 5


def main() -> None:
    """Reads the options, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="CSV, plain or .gz")
    parser.add_argument(
        "--text", action="append", required=True, help="description first, then what narrows it down"
    )
    parser.add_argument("--label", required=True)
    parser.add_argument("--date", required=True)
    parser.add_argument("--amount")
    parser.add_argument("--from", dest="begin", type=date.fromisoformat, help="first day that is predicted")
    parser.add_argument("--every", choices=("month", "week"), default="month")
    parser.add_argument("--without-plain", action="store_true", help="only Manna's model")
    options = parser.parse_args()
    rows, left_out = read(options.data, options.text, options.label, options.date, options.amount)
    periods = cut(rows, options.begin, options.every)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the other process is ended too
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        plain = None if options.without_plain else pool.apply_async(plainly, (periods, len(options.text)))
        found: dict[str, Any] = {"data": options.data.name, "periods": len(periods) - 1, **left_out}
        found["manna"] = learned(periods, len(options.text), options.amount is not None)
        if plain is not None:
            found["plain"] = plain.get()
    print(json.dumps(found, indent=1))


def read(
    data: Path, texts: list[str], label: str, day: str, amount: str | None
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Rows in time order: t0, t1, ..., label, date, amount, key; and how many were left out, why."""
    table = pl.read_csv(
        data, infer_schema=False, encoding="utf8-lossy", truncate_ragged_lines=True, ignore_errors=True
    )
    missing = [
        name for name in (*texts, label, day, amount) if name is not None and name not in table.columns
    ]
    if missing:
        raise SystemExit(f"{data.name} has no column {', '.join(missing)}; it has {', '.join(table.columns)}")
    stripped = pl.col(day).str.strip_chars()
    tries = [
        table.select(
            stripped.str.replace(r"[T ]\d{1,2}:\d{2}.*$", "").str.to_date(form, strict=False)
        ).to_series()
        for form in _FORMATS
    ]
    days = max(tries, key=lambda parsed: parsed.len() - parsed.null_count())
    number = pl.lit(0.0)
    if amount is not None:
        digits = pl.col(amount).str.replace_all(r"[^\d.()-]", "")
        number = digits.str.replace(r"^\((.*)\)$", "-$1").cast(pl.Float64, strict=False).fill_null(0.0)
    rows = table.select(
        *(pl.col(name).fill_null("").alias(f"t{place}") for place, name in enumerate(texts)),
        label=pl.col(label).str.strip_chars(),
        date=days,
        amount=number,
    ).with_columns(key=pl.col("t0").str.to_lowercase().str.extract_all(r"\p{L}+").list.head(2).list.join(" "))
    unlabelled = pl.col("label").fill_null("") == ""
    left_out = {
        "unlabelled": rows.filter(unlabelled).height,
        "undated": rows.filter(~unlabelled, pl.col("date").is_null()).height,
    }
    return rows.filter(~unlabelled, pl.col("date").is_not_null()).sort("date", maintain_order=True), left_out


def cut(rows: pl.DataFrame, begin: date | None, every: str) -> list[pl.DataFrame]:
    """What is known before the first predicted day, then the periods."""
    if not rows.height:
        raise SystemExit("no row has both a date and a label")
    step = pl.col("date").dt.truncate("1mo" if every == "month" else "1w")
    numbered = rows.with_columns(period=step)
    before = pl.col("period") == pl.col("period").min() if begin is None else pl.col("date") < begin
    known, rest = numbered.filter(before), numbered.filter(~before)
    return [
        known.drop("period"),
        *(p.drop("period") for p in rest.partition_by("period", maintain_order=True)),
    ]


def learned(periods: list[pl.DataFrame], texts: int, with_amount: bool) -> dict[str, float]:
    """Manna's model."""
    began = perf_counter()
    contexts = tuple(f"t{place}" for place in range(1, texts))
    columns = Columns("t0", contexts, "amount" if with_amount else None, "date", "label")
    model = train(periods[0], columns)
    answers, spent = [], 0.0
    for period in periods[1:]:
        asked = perf_counter()
        answer = model.predict(period.drop("label"))
        spent += perf_counter() - asked
        answers.append((answer["category"].fill_null(""), answer["sure"].to_numpy()))
        model.learn(period)
    return figures(periods, answers, spent, perf_counter() - began, contexts)


def plainly(periods: list[pl.DataFrame], texts: int) -> dict[str, float]:
    """The plain model, with the same weight for each row, worked out on distinct rows."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    warnings.simplefilter("ignore")
    began, spent = perf_counter(), 0.0
    names = [f"t{place}" for place in range(texts)]
    joined = pl.concat_str(names, separator=" ").str.to_lowercase().alias("text")
    answers: list[tuple[pl.Series, np.ndarray]] = []
    margins, rights = np.zeros(0), np.zeros(0, bool)
    past = periods[0].select(joined, "label")
    for period in periods[1:]:
        known = past.group_by("text", "label", maintain_order=True).len()
        texts_now = period.select(joined)["text"].to_list()
        if known["label"].n_unique() < 2:
            only = known["label"][0] if known.height else ""
            answers.append(
                (pl.Series([only] * period.height, dtype=pl.String), np.zeros(period.height, bool))
            )
        else:
            vectors = TfidfVectorizer(
                analyzer="char", ngram_range=(2, 5), min_df=1, sublinear_tf=True, dtype=np.float32
            )
            machine = LinearSVC(tol=0.01, max_iter=40, random_state=0)
            machine.fit(
                vectors.fit_transform(known["text"].to_list()),
                known["label"].to_numpy(),
                known["len"].to_numpy(),
            )
            asked = perf_counter()
            scores = machine.decision_function(vectors.transform(texts_now))
            spent += perf_counter() - asked
            scores = np.stack([-scores, scores], 1) if scores.ndim == 1 else scores
            two = np.sort(np.partition(scores, -2, 1)[:, -2:], 1)
            margin = two[:, 1] - two[:, 0]
            answer = pl.Series(machine.classes_[scores.argmax(1)], dtype=pl.String)
            answers.append((answer, margin >= _enough(margins, rights)))
            margins = np.append(margins, margin)
            rights = np.append(rights, (answer == period["label"]).to_numpy())
        past = pl.concat([past, period.select(joined, "label")])
    contexts = tuple(names[1:])
    return figures(periods, answers, spent, perf_counter() - began, contexts)


def _enough(margins: np.ndarray, rights: np.ndarray) -> float:
    """The margin from which on 99 of 100 past answers were right."""
    order = np.argsort(-margins, kind="stable")
    good = np.flatnonzero(np.cumsum(rights[order]) >= _PRECISION * (np.arange(len(order)) + 1))
    return float(margins[order[good[-1]]]) if len(good) else np.inf


def figures(
    periods: list[pl.DataFrame],
    answers: list[tuple[pl.Series, np.ndarray]],
    spent: float,
    seconds: float,
    contexts: tuple[str, ...],
) -> dict[str, float]:
    """The figures of all periods together."""
    seen, parts = set(periods[0]["key"].to_list()), []
    for number, (period, (answer, posted)) in enumerate(zip(periods[1:], answers, strict=True)):
        unseen = pl.Series([key not in seen for key in period["key"].to_list()], dtype=pl.Boolean)
        seen.update(period["key"].to_list())
        parts.append(
            period.with_columns(
                answer=answer,
                right=answer == period["label"],
                posted=pl.Series(posted),
                unseen=unseen,
                period=pl.lit(number),
                merchant=merchants(period["t0"]),
            )
        )
    if not parts:
        return {"rows": 0}
    rows = pl.concat(parts)
    open_rows = rows.filter(~pl.col("posted"))
    touches = open_rows.select("period", "merchant", *contexts).n_unique() if open_rows.height else 0
    return {
        "rows": rows.height,
        "accuracy": _share(rows["right"]),
        "macro_f1": round(_macro_f1(rows), 4),
        "macro_f1_common": round(_macro_f1(rows, _COMMON), 4),
        "unseen_share": _share(rows["unseen"]),
        "unseen_accuracy": _share(rows.filter("unseen")["right"]),
        "posted_share": _share(rows["posted"]),
        "posted_precision": _share(rows.filter("posted")["right"]),
        "touches_per_1000": round(1000 * touches / rows.height, 1),
        "rows_per_second": round(rows.height / spent) if spent else 0,
        "seconds": round(seconds, 1),
    }


def _share(flags: pl.Series) -> float:
    mean = flags.mean()
    return round(float(mean), 4) if isinstance(mean, float) else 0.0


def _macro_f1(rows: pl.DataFrame, least: int = 1) -> float:
    """Mean over the categories that are true ``least`` times, of 2 right / (given + true); 0 if there is none."""
    true = rows.group_by("label").agg(true=pl.len(), right=pl.col("right").sum())
    given = rows.group_by(label="answer").agg(given=pl.len())
    true = true.filter(pl.col("true") >= least)
    found = true.join(given, on="label", how="left").with_columns(pl.col("given").fill_null(0))
    return float(
        found.select((2 * pl.col("right") / (pl.col("given") + pl.col("true"))).mean()).item() or 0.0
    )


if __name__ == "__main__":
    main()
