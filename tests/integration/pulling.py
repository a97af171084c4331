"""What the tests of pulling share: a login, a pull, and what must be true of all that was kept."""

from datetime import UTC, datetime
from typing import Any

import polars as pl

from assets.raw.alpaca import _ask as ask_alpaca
from assets.raw.plaid import _ask as ask_plaid
from assets.raw.receiving import Received, receive
from manna.contracts import CONTRACTS
from resources.installation import Installation

ALPACA_TOKEN = "key-id-of-the-tests:secret-key-of-the-tests"
LINKED = datetime(2026, 3, 1, tzinfo=UTC)


def add(
    manna: Installation, name: str, token: str, external_id: str, *products: str, provider: str = "plaid"
) -> None:
    manna.ops.add_connection(
        {
            "connection_id": name,
            "book": "home",
            "provider": provider,
            "institution": name.title(),
            "external_id": external_id,
            "products": dict.fromkeys(products, True),
            "token": manna.vault.seal(token),
            "linked_at": LINKED,
        }
    )


def link(manna: Installation, bank: Any) -> None:
    """One login at Plaid."""
    add(manna, "platypus", *bank.link(), "transactions", "liabilities")


def pull(manna: Installation, provider: str = "plaid", run_id: str = "run") -> Received:
    ask = ask_plaid if provider == "plaid" else ask_alpaca
    connections = manna.ops.connections(provider=provider)
    return receive(manna, run_id, connections, provider, lambda told: ask(manna, told))


def raw(manna: Installation) -> dict[str, pl.DataFrame]:
    return {address: manna.lake.read(address) for address in CONTRACTS if address.startswith("raw.")}


def extent(manna: Installation) -> dict[str, int]:
    return {address: rows.height for address, rows in raw(manna).items() if rows.height}


def assert_sound(manna: Installation) -> None:
    """Every row has its batch, every batch its rows, no key twice, one cursor leads to the next."""
    tables = raw(manna)
    batches = tables.pop("raw.batches")
    rows = pl.concat([frame.select("batch_id", "seq", "connection_id") for frame in tables.values()])
    assert not rows.select("batch_id", "seq").is_duplicated().any()
    assert not batches["batch_id"].is_duplicated().any()
    counted = dict(rows.group_by("batch_id").len().iter_rows())
    said = dict(batches.filter(pl.col("row_count") > 0).select("batch_id", "row_count").iter_rows())
    assert counted == said
    for _, of in (
        batches.filter(pl.col("cursor_after").is_not_null()).sort("known_at").group_by("connection_id")
    ):
        assert of["cursor_before"].to_list()[1:] == of["cursor_after"].to_list()[:-1]
