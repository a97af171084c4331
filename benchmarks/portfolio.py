"""How fast backtests and analytics are: 500 assets, 20 years of days, monthly rebalancing with costs.

Prints JSON; all ratios are of one run of this script.

- ``backtest``: ours; a plain numpy loop over days that does the same; `bt`; `vectorbt`, warm (its second run in a process).
  Equal weights, on the first day of each month, at that day's close, costs a share of what is traded. ``difference`` is that of the
  final value from ours, as a share. `vectorbt` is measured three times. Sizing the orders itself (``target percent``), it takes
  the percents of the value before costs; costs come out of cash, and what cash does not reach is not bought, so that the last assets
  of a day are held short. Told the percents of the value before costs that come to ours after them (``percent after costs``), it does
  the same work and means the same. Handed our numbers of shares (``same orders``) it is spared that work.
- ``analytics``: every function of ``manna.portfolio.risk`` on the returns of all assets, against the same figure in a line or
  two of numpy that knows nothing of missing days.

The competitors are in the dependency group ``benchmark`` only, for their licences and their weight: each runs in a process of its
own, of the interpreter ``--competitors`` (else this one, if it has them; else they are left out, which ``left_out`` says).
``seconds`` are of the clock and the best of ``--runs``; ``cpu_seconds`` are what a busy machine cannot inflate by waiting.
Ratios are of CPU seconds; all threads count.

Usage: ``uv run --group benchmark python benchmarks/portfolio.py [--days N] [--assets N] [--runs N] [--competitors PYTHON]``.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

FEE = 0.001
CAPITAL = 1_000_000.0
COMPETITORS = ("bt", "vectorbt")
Measured = dict[str, Any]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=5040)
    parser.add_argument("--assets", type=int, default=500)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--competitors", default=sys.executable, help="a Python that has bt and vectorbt")
    parser.add_argument("--only", choices=COMPETITORS, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(
            json.dumps(
                {"bt": by_bt, "vectorbt": by_vectorbt}[options.only](np.load(options.data), options.runs)
            )
        )
        return
    prices, starts = made(options.days, options.assets), months(options.days)
    print(
        json.dumps(
            {
                "days": options.days,
                "assets": options.assets,
                "rebalancings": len(starts),
                "backtest": backtests(prices, starts, options.runs, options.competitors),
                "analytics": analytics(prices[1:] / prices[:-1] - 1, options.runs),
            },
            indent=1,
        )
    )


def calendar(days: int) -> list[date]:
    """So many weekdays."""
    every = (date(2004, 1, 1) + timedelta(days=number) for number in range(2 * days))
    return [day for day in every if day.weekday() < 5][:days]


def months(days: int) -> list[int]:
    """Positions of the first weekday of each month."""
    known = calendar(days)
    return [at for at in range(days) if at == 0 or known[at].month != known[at - 1].month]


def made(days: int, assets: int) -> np.ndarray:
    """Prices that wander: 7 % a year, 25 % of volatility, two thirds of it common."""
    random = np.random.default_rng(7)
    moved = (
        0.0003 + 0.009 * random.standard_normal((days, 1)) + 0.013 * random.standard_normal((days, assets))
    )
    return 100 * np.exp(np.cumsum(moved, axis=0))


def measured(work: Callable[[], Any], runs: int) -> tuple[Measured, Any]:
    """Best seconds of ``runs``, and what the work gave."""
    clock, cpu = [], []
    for _ in range(runs):
        began, at_work = perf_counter(), process_time()
        found = work()
        clock.append(perf_counter() - began)
        cpu.append(process_time() - at_work)
    return {"seconds": round(min(clock), 4), "cpu_seconds": round(min(cpu), 4)}, found


# -- backtests ---------------------------------------------------------------------------------------------------


def backtests(prices: np.ndarray, starts: list[int], runs: int, python: str) -> Measured:
    """Ours, the loop, and the competitors, with ratios to ours."""
    ours, trades, percents = by_manna(prices, starts, runs)
    found = {"manna": ours, "numpy loop": by_loop(prices, starts, runs)}
    left_out = []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "prices.npy"
        np.save(data, np.stack([prices, trades, percents]))
        for name in COMPETITORS:
            command = [python, __file__, "--only", name, "--data", str(data), "--runs", str(runs)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                left_out.append(f"{name}: {done.stderr.strip().splitlines()[-1]}")
            else:
                found |= json.loads(done.stdout.splitlines()[-1])
    final = ours["final_value"]
    for one in found.values():
        one["difference"] = float(f"{abs(one['final_value'] / final - 1):.1e}")
        one["times_ours"] = round(one["cpu_seconds"] / ours["cpu_seconds"], 1)
    found["ours_per_loop"] = round(ours["cpu_seconds"] / found["numpy loop"]["cpu_seconds"], 2)
    return {**found, "left_out": left_out} if left_out else found


def by_manna(prices: np.ndarray, starts: list[int], runs: int) -> tuple[Measured, np.ndarray, np.ndarray]:
    """Ours, the checks of the market included; the shares it traded, and weights in the value before costs, (days, assets)."""
    from manna.portfolio.backtest import Costs, backtest
    from manna.portfolio.market import Market
    from manna.portfolio.strategies import FixedTargets

    symbols = tuple(f"S{number}" for number in range(prices.shape[1]))
    equal, days = FixedTargets(dict.fromkeys(symbols, 1 / len(symbols))), tuple(calendar(len(prices)))

    def work() -> Any:
        market = Market(days, symbols, prices)
        return backtest(market, equal, starts, capital=CAPITAL, costs=Costs(fee=FEE), delay=0)

    told, found = measured(work, runs)
    shares, percents = np.zeros_like(prices), np.full(prices.shape, np.nan)
    place = {day: at for at, day in enumerate(days)}
    for trade in found.trades:
        at = place[trade.day]
        shares[at] = trade.units
        percents[at] = found.values[at] / (found.values[at] + trade.costs) / len(symbols)
    return {**told, "final_value": float(found.values[-1])}, shares, percents


def by_loop(prices: np.ndarray, starts: list[int], runs: int) -> Measured:
    """What somebody writes in ten minutes: no missing prices, no events, no checks."""
    weights, chosen = np.full(prices.shape[1], 1 / prices.shape[1]), set(starts)

    def work() -> np.ndarray:
        units, cash, values = np.zeros(prices.shape[1]), CAPITAL, np.empty(len(prices))
        for day in range(len(prices)):
            close = prices[day]
            value = units @ close + cash
            if day in chosen:
                held, left = units * close, value
                for _ in range(50):
                    before, left = left, value - FEE * np.abs(weights * left - held).sum()
                    if abs(left - before) < 1e-12 * value:
                        break
                units, cash, value = weights * left / close, 0.0, left
            values[day] = value
        return values

    told, values = measured(work, runs)
    return {**told, "final_value": float(values[-1])}


def by_bt(data: np.ndarray, runs: int) -> dict[str, Measured]:
    """`bt`: run monthly, weigh equally, rebalance; fractional shares. It takes long: measured once."""
    import bt
    import pandas as pd

    index = pd.DatetimeIndex(calendar(data.shape[1]))
    frame = pd.DataFrame(data[0], index=index, columns=[f"S{number}" for number in range(data.shape[2])])
    algos = [bt.algos.RunMonthly(run_on_first_date=True), bt.algos.SelectAll(), bt.algos.WeighEqually(), bt.algos.Rebalance()]  # fmt: skip

    def work() -> Any:
        strategy = bt.Strategy("equal", algos)
        test = bt.Backtest(
            strategy, frame, initial_capital=CAPITAL, integer_positions=False,
            commissions=lambda quantity, price: abs(quantity) * price * FEE, progress_bar=False,
        )  # fmt: skip
        test.run()
        return test

    told, test = measured(work, 1)
    return {"bt": {**told, "final_value": float(test.strategy.value)}}


def by_vectorbt(data: np.ndarray, runs: int) -> dict[str, Measured]:
    """`vectorbt`, warm: sizing orders by target percent before and after costs, and with our orders handed to it."""
    import pandas as pd
    import vectorbt as vbt

    prices, shares, after_costs = data
    index = pd.DatetimeIndex(calendar(len(prices)))
    frame = pd.DataFrame(prices, index=index)
    before_costs = np.full(prices.shape, np.nan)
    before_costs[months(len(prices))] = 1 / prices.shape[1]
    orders = np.where(shares == 0, np.nan, shares)
    common = {"fees": FEE, "init_cash": CAPITAL, "cash_sharing": True, "group_by": True, "freq": "D"}

    said = {}
    for name, size, kind in (
        ("target percent", before_costs, "targetpercent"),
        ("percent after costs", after_costs, "targetpercent"),
        ("same orders", orders, "amount"),
    ):

        def work(size: np.ndarray = size, kind: str = kind) -> float:
            found = vbt.Portfolio.from_orders(frame, size, size_type=kind, call_seq="auto", **common)
            return float(found.final_value())

        work()  # compiles
        told, final = measured(work, runs)
        said[f"vectorbt, {name}"] = {**told, "final_value": final}
    return said


# -- analytics ---------------------------------------------------------------------------------------------------


def analytics(returns: np.ndarray, runs: int) -> Measured:
    """Seconds of each function and of its plain counterpart; the ratio of the sums, and the greatest difference."""
    from portfolio_figures import figures

    market = returns.mean(axis=1)
    rows, ours, plain = {}, 0.0, 0.0
    for name, (own, counterpart) in figures(returns, market).items():
        mine, left = measured(own, runs)
        theirs, right = measured(counterpart, runs)
        np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-10, err_msg=name)
        ours, plain = ours + mine["cpu_seconds"], plain + theirs["cpu_seconds"]
        rows[name] = [mine["cpu_seconds"], theirs["cpu_seconds"]]
    return {
        "cpu_seconds": round(ours, 3),
        "numpy_cpu_seconds": round(plain, 3),
        "ours_per_numpy": round(ours / plain, 2),
        "each": rows,
    }


if __name__ == "__main__":
    main()
