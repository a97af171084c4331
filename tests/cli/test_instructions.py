"""`manna instructions`: what is refused, and what is recorded and listed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from console import Demo, Said

from resources.postgres import EmbeddedPostgres
from tests.conftest import FinishedDemo


@pytest.fixture(scope="module")
def own(finished_demo: FinishedDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo of one's own: instructions are kept for ever."""
    copy = finished_demo.copy(tmp_path_factory.mktemp("instructions") / "data")
    with EmbeddedPostgres(copy.data_dir) as url:
        yield Demo(copy.data_dir, url, Said(0, copy.out, copy.err))


def found(manna: Any, own: Demo, query: str) -> dict[str, Any]:
    said = manna(own.data_dir, "sql", query + " LIMIT 1", "--format", "json")
    assert said.code == 0, said.err
    [row] = json.loads(said.out)
    return dict(row)


def test_a_standing_instruction_is_recorded_and_listed(manna: Any, own: Demo) -> None:
    lot = found(
        manna, own, "SELECT account_id, security_id FROM ledger.lots WHERE remaining > 0 ORDER BY lot_id"
    )
    options = ("--method", "hifo", "--security", lot["security_id"], "--since", "2026-03-01", "--by", "kim")
    said = manna(own.data_dir, "instructions", "account", lot["account_id"], *options)
    assert (said.code, said.err) == (0, "")
    assert "instruction 1; `manna run nightly_close` puts it into the books" in said.out
    [row] = json.loads(manna(own.data_dir, "instructions", "list", "--format", "json").out)
    assert (row["number"], row["security"], row["method"]) == (1, lot["security_id"], "hifo")
    assert (row["since"], row["made_on"], row["made_by"]) == ("2026-03-01", "2026-03-16", "kim")


def test_a_sale_that_has_settled_keeps_the_first_in(manna: Any, own: Demo) -> None:
    sale = found(manna, own, "SELECT trade_id FROM clean.trades WHERE kind = 'sell' AND date < '2026-03-01'")
    said = manna(own.data_dir, "instructions", "sale", sale["trade_id"], "--method", "hifo")
    assert "the sale settled on" in said.complaint
    assert "first in, first out stands" in said.complaint


def test_what_cannot_be_meant_is_one_line(manna: Any, own: Demo) -> None:
    buy = found(
        manna,
        own,
        "SELECT trade_id, account_id, security_id FROM clean.trades WHERE kind = 'buy' AND security_id = 'VTI'",
    )
    for arguments, complaint in [
        (("sale", buy["trade_id"], "--method", "lifo"), "is a buy; lots are chosen for sales"),
        (("sale", "nothing", "--method", "lifo"), "there is no trade 'nothing'"),
        (("sale", buy["trade_id"], "--method", "best"), "unknown method 'best'"),
        (("account", buy["account_id"], "--method", "specific"), "unknown method 'specific'"),
        (("account", "nothing", "--method", "lifo"), "there is no account 'nothing'"),
        (("account", buy["account_id"], "--method", "lifo", "--security", "NONE"), "'NONE'"),
        (("account", buy["account_id"], "--method", "average"), "add --security"),
        (("list", "--book", "nobody"), "unknown book 'nobody'"),
    ]:
        assert complaint in manna(own.data_dir, "instructions", *arguments).complaint
