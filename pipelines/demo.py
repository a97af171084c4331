"""The demo: the sandbox's people are linked as a person would link a bank, and the night is closed.

What belongs here: linking the demo's logins, and gathering what the summary shows. What does not: starting
services, or the rendering of the summary.
"""

from datetime import date
from typing import Any

import httpx
import polars as pl
import yaml

from manna.validating.quarantine import still_open
from pipelines.files import write_whole
from pipelines.linking import link_alpaca, link_plaid
from pipelines.rendering import Summary
from pipelines.reporting import accounts
from resources.installation import Installation
from resources.settings import Settings


def write_books(control_url: str, settings: Settings) -> None:
    """A book file in the data directory for each of the sandbox's people (a demo on other people).

    A file that is there already stays: somebody may have edited it.
    """
    folder = settings.data_dir / "books"
    folder.mkdir(parents=True, exist_ok=True)
    for person in _people(control_url):
        file = folder / f"{person['book']}.yaml"
        if file.exists():
            continue
        book = {"id": person["book"], "name": person["book_name"], "time_zone": person["time_zone"]}
        text = yaml.safe_dump(book, sort_keys=False, allow_unicode=True)
        write_whole(file, text.encode())


def link_people(manna: Installation, control_url: str) -> int:
    """Links every login of every person that is not linked yet; returns how many were."""
    linked = {(c["book"], c["products"].get("login", c["provider"])) for c in manna.ops.connections()}
    count = 0
    for person in _people(control_url):
        for login in person["logins"]:
            if (person["book"], login["username"]) not in linked:
                count += _link_plaid(manna, person["book"], login)
        if person.get("alpaca") and (person["book"], "alpaca") not in linked:
            count += link_alpaca(manna, person["book"])
    return count


def _people(control_url: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{control_url}/people", timeout=30)
    answer.raise_for_status()
    return list(answer.json()["people"])


def _link_plaid(manna: Installation, book: str, login: dict[str, Any]) -> int:
    public_token = manna.plaid.sandbox_public_token(
        login["institution_id"], login["products"], login["username"]
    )
    return link_plaid(
        manna, book, public_token, login["institution_name"], login["products"], login["username"]
    )


def gather(manna: Installation) -> Summary:
    """What the summary shows, from the lake and ``ops``."""
    lake = manna.lake
    worth = (
        lake.read("reports.net_worth")
        .sort("as_of")
        .unique(["book", "currency"], keep="last", maintain_order=True)
    )
    documents = manna.settings.documents_dir
    return Summary(
        accounts=accounts(manna),
        net_worth=worth.sort("book"),
        income=last_full_month(lake.read("reports.income_statement"), manna.settings.now().date()),
        quarantine=still_open(lake.read("clean.quarantine"), manna.ops.quarantine_decisions()),
        alerts=pl.DataFrame(
            [(a["severity"], a["book"], a["message"]) for a in manna.ops.alerts()],
            schema=["severity", "book", "message"],
            orient="row",
        ),
        drift=lake.read("portfolio.drift").sort("book", "security_id"),
        trades=lake.read("portfolio.rebalance_plan").sort("book", "side", "symbol"),
        documents=tuple(str(path) for path in [documents / "index.html"] if path.exists()),
    )


def last_full_month(statement: pl.DataFrame, today: date) -> pl.DataFrame:
    """book, period, income, expenses, currency of each book's last month that has ended."""
    totals = statement.filter(pl.col("level") == "total", pl.col("period") < today.replace(day=1))
    latest = totals.filter(pl.col("period") == pl.col("period").max().over("book"))
    return (
        latest.group_by("book", "period", "currency", maintain_order=True)
        .agg(
            income=pl.col("amount").filter(pl.col("section") == "Income").sum(),
            expenses=pl.col("amount").filter(pl.col("section") == "Expenses").sum(),
        )
        .sort("book", "currency")
    )
