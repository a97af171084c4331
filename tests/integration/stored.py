"""An installation with a little of everything in it, for tests of what is stored.

What belongs here: making one, and what it holds. What does not: fixtures.
"""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from cryptography.fernet import Fernet

from manna.contracts.clean import QUARANTINE
from manna.contracts.raw import PLAID_ACCOUNTS
from resources.installation import Installation
from resources.lake import INLINED_ROWS
from resources.settings import Settings

KEY = Fernet.generate_key().decode()
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
TABLE, RAW = QUARANTINE.address, PLAID_ACCOUNTS.address


def refused(*names: str, reasons: str = "why", table: str = "clean.a") -> pl.DataFrame:
    """Rows of the quarantine: a table with every kind of text in it, and no meaning here."""
    one = {
        "book": "home",
        "reasons": reasons,
        "payload": "{}",
        "batch_id": "b",
        "payload_sha256": "0",
        "known_at": MOMENT,
        "table_name": table,
    }
    rows = [{**one, "source_id": name} for name in names]
    return QUARANTINE.conform(pl.DataFrame(rows, schema=QUARANTINE.polars_schema))


def receive(manna: Installation, batch: str, count: int) -> None:
    """Adds ``count`` facts to ``raw``, which nobody ever takes away."""
    rows = [
        {
            "batch_id": batch,
            "seq": number,
            "book": "home",
            "connection_id": "c",
            "change": "snapshot",
            "source_id": "a",
            "payload": "{}",
            "payload_sha256": "0" * 64,
            "known_at": MOMENT,
        }
        for number in range(count)
    ]
    frame = pl.DataFrame(rows, schema=PLAID_ACCOUNTS.polars_schema)
    manna.lake.commit([RAW], lambda transaction: transaction.append(RAW, frame), author="test")


def write(manna: Installation, frame: pl.DataFrame) -> None:
    """Makes the quarantine hold exactly these rows."""
    manna.lake.commit([TABLE], lambda transaction: transaction.replace(TABLE, frame), author="test")


def held(manna: Installation) -> list[str]:
    """Names of the rows of the quarantine."""
    return sorted(manna.lake.read(TABLE)["source_id"])


def installation(database: str, folder: Path) -> Installation:
    """One in ``folder``, on a database whose tables are made, with its own lake files, book, page, model and key."""
    for name, content in {
        "books/home.yaml": "id: home\nname: Home\n",
        "documents/home/page.html": "<p>page</p>",
        "documents/.draft": "a draft",
        "published/.home.draft/home.duckdb": "another",
        "models/m1.model": "model",
        "signing.key": "key",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return Installation(Settings.load(_env_file=None, data_dir=folder, postgres_url=database, key=KEY))


def fill(manna: Installation) -> None:
    """Rows in a file and, of another commit, in the catalogue; some of the first are deleted again."""
    many = [f"r{number}" for number in range(2 * INLINED_ROWS)]
    write(manna, refused(*many))
    receive(manna, "one", INLINED_ROWS + 1)
    receive(manna, "two", 3)
    write(manna, refused(*many[100:], "ünï\x1f'code"))
