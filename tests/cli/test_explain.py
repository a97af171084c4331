"""`manna explain`: every number of every statement leads to what was received, and nothing is left over."""

import json
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from console import NOW

from assets.book_days import today
from assets.reports import statement_sources
from manna.contracts.reports import STATEMENTS
from manna.ledger import valued
from manna.statements.explaining import explain_line, figure_of
from pipelines.explaining import explain, trace
from pipelines.reporting import ReportError
from resources.installation import Installation
from resources.settings import Settings

PERIOD = "2026-02"
MAY_BE_EMPTY = {"allocation", "realized_gains", "budget", "translation"}
COFFEE = ("explain", "income_statement", "coffee", "--book", "household", "--period", PERIOD)


@pytest.fixture(scope="module")
def kept(demo: Any) -> Any:
    found = Installation(
        Settings.load(
            _env_file=None,
            data_dir=demo.data_dir,
            postgres_url=demo.url,
            fixed_now=NOW,
        )
    )
    yield found
    found.close()


@pytest.mark.parametrize("book", ["household", "studio"])
def test_every_line_of_every_statement_is_the_sum_of_its_parts(kept: Installation, book: str) -> None:
    scope, day = {"book": book}, today(kept, kept.books[book])
    postings, valuations = (
        kept.lake.read("ledger.postings", scope),
        kept.lake.read("portfolio.valuations", scope),
    )
    sources = statement_sources(kept.lake, book)
    for contract in STATEMENTS:
        rows = kept.lake.read(contract.address, scope).filter(pl.col("period") >= pl.date(2026, 2, 1))
        assert rows["period"].n_unique() == 2 or contract.name in MAY_BE_EMPTY
        for line in rows.iter_rows(named=True):
            parts = explain_line(contract.name, line, kept.books[book], postings, valuations, day, sources)
            assert sum(parts["amount"], Decimal(0)) == figure_of(contract.name, line), (contract.name, line)


@pytest.mark.parametrize("statement", ["balance_sheet", "net_worth", "allocation", "realized_gains"])
def test_every_kind_of_source_leads_to_a_payload(kept: Installation, statement: str) -> None:
    rows = kept.lake.read(f"reports.{statement}", {"book": "household"}).filter(
        pl.col("period") == pl.date(2026, 2, 1)
    )
    totals = {"balance_sheet": "Total assets", "net_worth": "2026-02-28"}
    names = "account" if statement == "realized_gains" else "security_id"
    lines = [totals[statement]] if statement in totals else rows[names].to_list()
    for line in lines:
        sources = explain(kept, statement, line, "household", PERIOD).parts.select(
            "source_table", "source_id"
        )
        for table, source_id in sources.unique("source_table", maintain_order=True).rows():
            chain = list(trace(kept, table, source_id))
            assert chain, (table, source_id)
            assert chain[0][0] == table
            if chain[0][1].get("price_source") in ("par", "missing"):
                continue  # money is worth itself, and what has no price has no source of one
            if table == valued.SOURCE:
                continue  # the house and the car: what the book's file says is its own source
            raw = [row for address, row in chain if address.startswith("raw.")]
            assert raw
            assert all(row["verified"] and row["run_id"] and row["endpoint"] for row in raw)


def test_a_line_that_stands_in_several_places_is_named_with_its_place(kept: Installation) -> None:
    found = {
        name: explain(kept, "income_comparison", f"{name}: Net income", "household", PERIOD)
        for name in ("month", "year")
    }
    assert found["year"].parts["date"].min() < found["month"].parts["date"].min()  # type: ignore[operator]
    assert not any(each.difference for each in found.values())


def test_a_table_shows_the_figure_and_its_parts(manna: Any, demo: Any) -> None:
    said = manna(demo.data_dir, *COFFEE)
    assert (said.code, said.err) == (0, "")
    assert "Expenses:Food and Drink:Coffee" in said.out
    rows = json.loads(manna(demo.data_dir, *COFFEE, "--format", "json").out)
    # However wide the terminal is: a title may go on in the next line.
    assert f"{sum(Decimal(row['amount']) for row in rows):,.2f} USD" in " ".join(said.out.split())
    assert all(row["source_id"][:12] in said.out and row["payload_sha256"] and row["run_id"] for row in rows)


def test_a_source_is_shown_as_it_was_received(manna: Any, demo: Any) -> None:
    source = json.loads(manna(demo.data_dir, *COFFEE, "--format", "json").out)[0]["source_id"]
    clean, raw = json.loads(manna(demo.data_dir, *COFFEE, "--source", source, "--format", "json").out)
    assert (clean["table"], raw["table"]) == ("clean.transactions", "raw.plaid_transactions")
    assert json.loads(raw["payload"])["transaction_id"] == clean["transaction_id"] == source
    assert raw["verified"] is True
    shown = manna(demo.data_dir, *COFFEE, "--source", source[:12]).out
    assert raw["payload_sha256"] in shown.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nothing", "has no line 'nothing'; there are: "),
        ("food", "has several lines 'food'; there are: Expenses:Food"),
    ],
)
def test_a_line_that_is_not_one_is_named(kept: Installation, line: str, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        explain(kept, "income_statement", line, "household", PERIOD)


@pytest.mark.parametrize("line", ["2026-02-28", "2026-02", "Net worth"])
def test_net_worth_is_asked_for_by_day_month_or_name(kept: Installation, line: str) -> None:
    assert "2026-02-28" in explain(kept, "net_worth", line, "household", PERIOD).title


def test_a_line_is_of_a_month(kept: Installation) -> None:
    with pytest.raises(ReportError, match="'2026' is no month; write it as YYYY-MM"):
        explain(kept, "income_statement", "Net income", "household", "2026")


def test_a_source_that_is_not_one_is_named(manna: Any, demo: Any) -> None:
    assert "no source begins with 'none'" in manna(demo.data_dir, *COFFEE, "--source", "none").err
    assert "several sources begin with ''" in manna(demo.data_dir, *COFFEE, "--source", "").err
