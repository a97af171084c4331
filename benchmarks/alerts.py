"""How many incidents are found, and how many alerts are false: the demo's 24 months, replayed day by day.

The sandbox lives two years of the household with incidents in them, and of the studio, and labels in its own words what
happened when. The product cleans, categorizes and books their rows and replays its alerts with the thresholds of the
demo's book files. Prints JSON: by kind of incident how many there were and were found, each that was missed, by kind of
alert how many there were and were false, each that was, and the rate.

An alert is true where the label of an incident explains it, or where the sandbox's own books, added up here without the
product, say the same (a balance, a month's spending, a first payment, a loss, a weight). Kinds that such arithmetic can
decide are few false by nature; ``judged`` is the rate of the others alone.

Usage: ``uv run python -m benchmarks.alerts [--seeds 1,2,3]``.
"""

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from time import process_time
from typing import Any

import polars as pl

from benchmarks.labelled import LAST, START, World, household, studio
from manna.alerting.replay import Told, replayed
from manna.categorizing.merchants import merchants
from sandbox.people.incidents import Incident


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an incident should lead to within ``days`` of its last day, and which other alerts follow from it."""

    alert: str
    days: int
    also: tuple[str, ...] = ()
    must: bool = True


MEANINGS = {
    "shop charged twice": Meaning("possible_duplicate", 2),
    "subscription charged twice": Meaning("possible_duplicate", 2),
    "amount slipped": Meaning("unusual_amount", 2, ("price_increase",)),
    "pay withheld": Meaning("missed_payment", 7, ("projected_low",)),
    "bill left out": Meaning("missed_payment", 9),
    "price raised": Meaning("price_increase", 3),
    "more drawn": Meaning("price_increase", 3, must=False),  # life: it may be told, and need not
    "large purchase": Meaning("new_merchant", 1, ("projected_low",)),
    "account drained": Meaning("low_balance", 0, ("projected_low", "new_merchant", "unusual_amount")),
    "bills ahead": Meaning("projected_low", 0, ("new_merchant", "unusual_amount")),
    "spree": Meaning("budget", 0),
    "row never told": Meaning("reconciliation", 7),
    "market fell": Meaning("value_at_risk", 0),
    "market slumped": Meaning("drawdown", 0, ("value_at_risk", "drift")),
}
JUDGED = (
    "possible_duplicate",
    "unusual_amount",
    "missed_payment",
    "price_increase",
    "projected_low",
    "reconciliation",
)
"""Kinds that arithmetic alone does not decide."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", default="1,2,3,4,5")
    print(json.dumps(measured([int(seed) for seed in parser.parse_args().seeds.split(",")]), indent=1))


def measured(seeds: list[int]) -> dict[str, Any]:
    """The figures of all seeds together."""
    began = process_time()
    there, found, alerts, false = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    missed, wrong = [], []
    for seed in seeds:
        for world in (household(seed), studio(seed)):
            told = replayed(world.past, START, LAST)
            for one in [one for one in world.incidents if MEANINGS[one.kind].must]:
                there[one.kind] += 1
                is_found = any(_explains(one, alert, MEANINGS[one.kind].alert) for alert in told)
                found[one.kind] += is_found
                if not is_found:
                    missed.append(f"{seed}: {one.kind} {one.book} {one.day} {one.what or ''}".rstrip())
            for alert in told:
                alerts[alert.kind] += 1
                if not is_true(world, alert):
                    false[alert.kind] += 1
                    wrong.append(f"{seed}: {alert.kind} {alert.book} {alert.opened_on} {alert.message}")
    judged = sum(number for kind, number in alerts.items() if kind in JUDGED)
    judged_false = sum(number for kind, number in false.items() if kind in JUDGED)
    return {
        "seeds": len(seeds),
        "incidents": there.total(),
        "found": found.total(),
        "missed": missed,
        "alerts": alerts.total(),
        "false": false.total(),
        "false_rate": _rate(false.total(), alerts.total()),
        "judged": {"alerts": judged, "false": judged_false, "false_rate": _rate(judged_false, judged)},
        "by_incident": {kind: {"there": there[kind], "found": found[kind]} for kind in sorted(there)},
        "by_alert": {kind: {"alerts": alerts[kind], "false": false[kind]} for kind in sorted(alerts)},
        "false_alerts": wrong,
        "cpu_seconds": round(process_time() - began, 1),
    }


def _rate(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _explains(incident: Incident, alert: Told, *kinds: str) -> bool:
    """Whether the alert is of one of these kinds, about the same, and open in the days of the incident or soon after."""
    if alert.kind not in kinds or alert.book != incident.book:
        return False
    about = incident.what is None or alert.kind in ("low_balance", "projected_low")
    if not about and merchants(pl.Series([incident.what]))[0].split()[0] not in alert.message.lower():
        return False
    days = MEANINGS[incident.kind].days if incident.until < date.max else 0
    until = min(incident.until, date.max - timedelta(days=days)) + timedelta(days=days)
    return alert.opened_on <= until and (alert.resolved_on is None or alert.resolved_on > incident.day)


def is_true(world: World, alert: Told) -> bool:
    """Whether the sandbox's books say the same, or the label of an incident explains it."""
    if (says := world.says.get(alert.kind)) and says(alert):
        return True
    return any(
        _explains(one, alert, MEANINGS[one.kind].alert, *MEANINGS[one.kind].also) for one in world.incidents
    )


if __name__ == "__main__":
    main()
