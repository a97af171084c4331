"""The model of a book: what its decisions teach about the rows that nobody decided.

What belongs here: learning period by period and predicting. What does not: where decisions come from and which
model is in force (``assets``, ``resources``); rules, overrides and transfers, which go before it (``deciding``).

It learns *prequentially*: every period is answered first and learnt from afterwards, so that the worth of evidence and
the probabilities come from answers that were given before the label was known.
"""

import pickle
from datetime import date, timedelta

import numpy as np
import polars as pl

from manna.categorizing.observing import Columns, distinct, named, observed
from manna.categorizing.ranking import Calibration, Ranking, calibrated, kind_of
from manna.categorizing.weighing import Evidence, Witnesses

REPLAYED_DAYS = 360
"""Of the decisions it is trained on, the model answers so many days in hindsight, month by month."""

_PARTS = 12
_STRAY = 500
"""One day in so many may be wrong, far in the future, without the last year being taken for long ago."""

_CHUNK = 4096
_GROWN = 1.06
"""The reader reads everything again when there is so much more to read."""

_RANKED_AFTER = 0.25
"""The ranking is learnt again when the rows answered since are this share of those it may learn from."""

_KEPT_ROWS = 60_000
_EPOCH = date(1970, 1, 1)

PREDICTION = {"category": pl.String, "probability": pl.Float64, "sure": pl.Boolean, "why": pl.String}


class Model:
    """Decisions in, answers out. ``learn`` changes it; ``predict`` does not."""

    def __init__(self, columns: Columns | None = None) -> None:
        self.columns = columns or Columns()
        self.categories: list[str] = []
        self.calibration = Calibration()
        self._numbers: dict[str, int] = {}
        self._witnesses = Witnesses(self.columns)
        self._ranking = Ranking()
        self._past: list[tuple[Evidence, np.ndarray]] = []
        self._answers: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._texts: pl.DataFrame | None = None
        self._read = 0
        self._unranked = 0

    def predict(self, frame: pl.DataFrame) -> pl.DataFrame:
        """One answer per row, in order: category, probability (0 to 1), sure, why.

        ``sure`` rows are those of which at least 99 of 100 were right in past periods. Without any decision the
        category is null.
        """
        if not self.categories or not frame.height:
            empty = {"category": None, "probability": 0.0, "sure": False, "why": "nothing was decided yet"}
            return pl.DataFrame([empty] * frame.height, schema=PREDICTION)
        once, number = distinct(observed(frame, self.columns), self._witnesses.known)
        once = named(once)
        parts = [self._answer(once[at : at + _CHUNK]) for at in range(0, once.height, _CHUNK)]
        found = pl.concat(parts) if len(parts) > 1 else parts[0]
        return found if found.height == frame.height else found[number]

    def learn(self, decisions: pl.DataFrame, *, rehearse: bool = True) -> None:
        """Learns one period of decisions: answers it first (``rehearse``), then takes its labels in.

        Args:
            decisions: the columns of ``columns``, with the label; rows without a label are left out.
        """
        label = self.columns.label
        known = decisions.filter(pl.col(label).cast(pl.String).fill_null("") != "")
        if not known.height:
            return
        rows = named(observed(known, self.columns))
        middle = rows["day"].median()
        usual = self._witnesses.habits.until if middle is None else int(middle)  # type: ignore[arg-type]
        rows = rows.with_columns(pl.col("day").fill_null(usual).clip(upper_bound=usual + REPLAYED_DAYS))
        names = known[label].cast(pl.String)
        for name in names.unique().sort():
            self._numbers.setdefault(name, len(self._numbers))
        labels = names.replace_strict(self._numbers, return_dtype=pl.Int64).to_numpy()
        if rehearse and self.categories:
            self._rehearse(rows, labels)
        self.categories = list(self._numbers)
        self._witnesses.learn(rows, labels, len(self.categories))
        self._collect(rows, labels)
        self._study()

    def to_bytes(self) -> bytes:
        """The model as bytes, equal for equal decisions; to be loaded only where its hash is the recorded one."""
        return pickle.dumps(self, protocol=5)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Model":
        """The model of :meth:`to_bytes`. Unpickling runs what the bytes say: check their hash first."""
        model = pickle.loads(data)
        if not isinstance(model, cls):
            raise TypeError(f"these bytes are a {type(model).__name__}, not a model")
        return model

    def _answer(self, rows: pl.DataFrame) -> pl.DataFrame:
        evidence = self._witnesses.weigh(rows, len(self.categories))
        best, score = self._ranking.rank(evidence)
        probability = self.calibration.probability(score, kind_of(evidence))
        chosen = evidence.candidates[np.arange(len(best)), best]
        names = np.array(self.categories, dtype=object)[chosen]
        return pl.DataFrame(
            {
                "category": pl.Series(names, dtype=pl.String),
                "probability": probability,
                "sure": probability >= self.calibration.threshold,
                "why": _why(rows["merchant"], names, evidence, best),
            }
        )

    def _rehearse(self, rows: pl.DataFrame, labels: np.ndarray) -> None:
        parts = []
        for at in range(0, rows.height, _CHUNK):
            evidence = self._witnesses.weigh(rows[at : at + _CHUNK], len(self.categories))
            part = labels[at : at + _CHUNK]
            parts.append((evidence, part))
            if self._ranking.trees is not None:
                best, score = self._ranking.rank(evidence)
                right = evidence.candidates[np.arange(len(best)), best] == part
                self._answers.append((score, kind_of(evidence), right))
        width = {evidence.candidates.shape[1] for evidence, _ in parts}
        if width and self._past and self._past[-1][0].candidates.shape[1] not in width:
            self._past.clear()  # the first periods had fewer categories than there are candidates
        self._past = [*self._past, *parts]
        self._unranked += len(labels)
        self._forget()

    def _forget(self) -> None:
        """Old periods go: by rows, so that a busy book forgets no faster than a quiet one."""
        while len(self._past) > 1 and sum(len(labels) for _, labels in self._past) > _KEPT_ROWS:
            self._past.pop(0)
        while len(self._answers) > 1 and sum(len(score) for score, _, _ in self._answers) > _KEPT_ROWS // 2:
            self._answers.pop(0)

    def _collect(self, rows: pl.DataFrame, labels: np.ndarray) -> None:
        """Distinct texts with how often and when each was decided what."""
        counted = (
            rows.select("shape", "merchant", "context", "day", label=pl.Series(labels))
            .group_by("shape", "merchant", "context", "label", maintain_order=True)
            .agg(times=pl.len().cast(pl.Int64), day=pl.col("day").max())
        )
        if self._texts is not None:
            counted = (
                pl.concat([self._texts, counted])
                .group_by("shape", "merchant", "context", "label", maintain_order=True)
                .agg(pl.col("times").sum(), pl.col("day").max())
            )
        self._texts = counted

    def _study(self) -> None:
        """Reader, ranking and calibration again, those that are due."""
        texts = self._texts
        if texts is not None and texts.height > self._read * _GROWN:
            self._witnesses.reader.fit(texts, texts["label"].to_numpy(), np.log1p(texts["times"].to_numpy()))
            self._read = texts.height
        kept = sum(len(labels) for _, labels in self._past)
        if kept and (self._ranking.trees is None or self._unranked >= _RANKED_AFTER * kept):
            self._ranking.fit([evidence for evidence, _ in self._past], [labels for _, labels in self._past])
            self._unranked = 0
        if self._answers:
            score, kind, right = (np.concatenate(each) for each in zip(*self._answers, strict=True))
            self.calibration = calibrated(score, kind, right)


def train(decisions: pl.DataFrame, columns: Columns | None = None) -> Model:
    """A model of all decisions, in time order: the old ones at once, the last year month by month.

    Args:
        decisions: the columns of ``columns`` with the label; any order. Without any day, the order of rows is taken for
            the order in time.
    """
    model = Model(columns)
    day = observed(decisions, model.columns)["day"].cast(pl.Date)
    last = day.drop_nulls().sort()[-1 - day.len() // _STRAY :].first()
    if isinstance(last, date):
        begin = last - timedelta(days=REPLAYED_DAYS)
        part = pl.when(day.fill_null(date.min) < begin).then(None).otherwise(day.dt.truncate("1mo"))
    else:
        part = pl.int_range(pl.len()) * _PARTS // pl.len()
    numbered = decisions.with_columns(_day=day, _part=part).sort("_part", "_day", maintain_order=True)
    for period in numbered.partition_by("_part", maintain_order=True):
        model.learn(period.drop("_day", "_part"), rehearse=period["_part"].null_count() == 0)
    return model


def _why(merchants: pl.Series, names: np.ndarray, evidence: Evidence, best: np.ndarray) -> list[str]:
    """Why, in words: how often it was decided so before; else that only the words were read."""
    every = np.arange(len(best))
    here, anywhere = (found.astype(np.int64) for found in (evidence.here, evidence.anywhere))
    counts = (here[every, best], here[:, -1], anywhere[every, best], anywhere[:, -1])
    told = []
    for merchant, name, so_here, all_here, so, all_ in zip(
        merchants.to_list(), names.tolist(), *(count.tolist() for count in counts), strict=True
    ):
        if all_here:
            told.append(f"'{merchant}' was {name} here {so_here} of {all_here} times")
        elif all_:
            told.append(f"'{merchant}' was {name} {so} of {all_} times elsewhere")
        else:
            told.append(f"read from the words of '{merchant}', which was never decided before")
    return told
