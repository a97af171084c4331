"""``portfolio.backtests``: the books' strategies, tried on the lake's own bars.

What belongs here: reading bars, calling ``manna.portfolio``, writing, and the pictures in Dagster. What does not: strategies
and the walk. A partition is one set of parameters of a book's file; the same bars under the same parameters are the same
rows. Not part of the night: whoever wants them asks for them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.common import Manna, result, row_counts, spec
from manna.backtest_settings import BacktestSetting, ParameterSet
from manna.books import Book
from manna.contracts.portfolio import BACKTEST_DAYS, BACKTESTS
from resources.installation import Installation
from resources.lake import Change, LakeTransaction

if TYPE_CHECKING:
    from manna.portfolio.trial import Trial

TABLE, DAYS = BACKTESTS.address, BACKTEST_DAYS.address
SOURCES = ("clean.bars", "clean.corporate_actions")
_CURRENCY = "USD"
"""Bars are of United States markets."""
_WITH_TARGETS = ("fixed targets", "drift bands")


@dataclass(frozen=True, slots=True)
class Asked:
    """One partition: whose backtest, what its file calls it, and with which parameters."""

    book: Book
    name: str
    setting: BacktestSetting
    one: ParameterSet


def backtests_asset(sets: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The assets ``portfolio.backtests`` and ``portfolio.backtest_days``, partitioned by ``sets``; a range is one run."""

    @dg.multi_asset(
        name="try_strategies",
        specs=[spec(table, deps=SOURCES, partitions_def=sets) for table in (TABLE, DAYS)],
        partitions_def=sets,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def tried(context: dg.AssetExecutionContext, manna: Manna) -> Iterator[Any]:
        """Walks each partition's strategy through the bars and actions that the lake has."""
        manna.note_books()
        asked = [_asked(manna, key) for key in context.partition_keys]
        changes, trials = manna.lake.commit(
            [TABLE, DAYS],
            lambda transaction: try_all(asked, transaction),
            author=TABLE,
            message=f"run {context.run.run_id}",
        )
        rows = row_counts(manna, [TABLE, DAYS])
        yield result(TABLE, changes[0], rows, **_said(trials))
        yield result(DAYS, changes[1], rows)

    return tried


def _asked(manna: Installation, key: str) -> Asked:
    for book in manna.books.values():
        for name, setting in book.backtests.items():
            for one in setting.sets(book.id, name):
                if one.key == key:
                    return Asked(book, name, setting, one)
    raise dg.Failure(f"no book's file asks for {key} any more; reload the definitions", allow_retries=False)


def try_all(
    asked: Sequence[Asked], transaction: LakeTransaction
) -> tuple[tuple[Change, Change], dict[str, "Trial"]]:
    """Makes both tables hold what each of ``asked`` comes to; what happened to them, and the backtests by key.

    Raises:
        dagster.Failure: one of them cannot be made: no prices, or parameters that mean nothing. Nothing is written then.
    """
    bars, actions = (transaction.read(source) for source in SOURCES)
    rows, days = Change(), Change()
    trials: dict[str, Trial] = {}
    for one in asked:
        try:
            trial, row = _tried(one, bars, actions)
        except ValueError as error:
            raise dg.Failure(f"{one.one.key}: {error}", allow_retries=False) from None
        scope = {"backtest": one.one.key}
        rows += transaction.replace(TABLE, BACKTESTS.conform(row), scope)
        days += transaction.replace(DAYS, BACKTEST_DAYS.conform(_days(one, trial)), scope)
        trials[one.one.key] = trial
    return (rows, days), trials


def _tried(asked: Asked, bars: pl.DataFrame, actions: pl.DataFrame) -> tuple["Trial", pl.DataFrame]:
    from manna.portfolio.recorded_market import recorded_market  # numpy, which no definition needs
    from manna.portfolio.trial import Terms, carried_out, figures

    setting, parameters = asked.setting, dict(asked.one.parameters)
    if setting.strategy in _WITH_TARGETS and "targets" not in parameters:
        weights = asked.book.targets.by_security
        parameters["targets"] = {symbol: float(weight) for symbol, weight in weights.items()}
    own = setting.symbols or tuple(symbol for symbol in parameters.get("targets", ()) if symbol != "CASH")
    beside = [setting.benchmark] if own and setting.benchmark and setting.benchmark not in own else []
    recorded = recorded_market(bars, actions, [*own, *beside])
    terms = Terms(
        strategy=setting.strategy,
        parameters=parameters,
        first=setting.first,
        last=setting.last,
        symbols=own,
        every=setting.every,
        capital=float(setting.capital),
        contribution=float(setting.contribution),
        cost_bps=float(setting.cost_bps),
        slippage_bps=float(setting.slippage_bps),
        per_order=float(setting.per_order),
        whole_shares=setting.whole_shares,
        benchmark=setting.benchmark,
    )
    trial = carried_out(recorded.market, terms)
    row = {
        "backtest": asked.one.key,
        "book": asked.book.id,
        "name": asked.name,
        "strategy": setting.strategy,
        "parameters": json.dumps(parameters, sort_keys=True),
        "first": trial.found.days[0],
        "last": trial.found.days[-1],
        "currency": _CURRENCY,
        "benchmark": setting.benchmark,
        "notes": "; ".join(recorded.notes) or None,
        **figures(trial),
    }
    return trial, pl.DataFrame([row], infer_schema_length=None)


def _days(asked: Asked, trial: "Trial") -> pl.DataFrame:
    from manna.portfolio.trial import days_table

    said = {"backtest": asked.one.key, "book": asked.book.id, "currency": _CURRENCY}
    return days_table(trial).with_columns(pl.lit(value).alias(name) for name, value in said.items())


def _said(trials: Mapping[str, "Trial"]) -> dict[str, Any]:
    """Figures as metadata that Dagster draws over runs (of a single backtest), and pictures of each."""
    from manna.documents.backtest_plots import backtest_plots  # Jinja costs 0.1 s
    from manna.documents.plots import markdown
    from manna.portfolio.trial import days_table, figures

    pictures, numbers = [], {}
    for key, trial in trials.items():
        told = figures(trial)
        numbers = {name.replace("_", " "): value for name, value in told.items() if value is not None}
        pictures.append(f"### {key}\n\n" + "\n\n".join(map(markdown, backtest_plots(days_table(trial)))))
    return {
        **(numbers if len(trials) == 1 else {"backtests": len(trials)}),
        "plots": dg.MetadataValue.md("\n\n".join(pictures)),
    }
