"""Publishing: whole or not at all, never an older snapshot over a newer one, the same content everywhere."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest

from manna.contracts import CONTRACTS
from manna.contracts.declaration import content_hash
from manna.contracts.reports import NET_WORTH, PUBLICATIONS
from resources import publisher
from resources.publisher import (
    Edition,
    PublicationError,
    content_of_file,
    content_of_postgres,
    publish_to_duckdb,
    publish_to_postgres,
    recorded_in,
    recorded_in_postgres,
    write_page,
)


def edition(snapshot: int, amount: str = "10.50", book: str = "home") -> Edition:
    worth = {
        "book": book,
        "period": date(2026, 2, 1),
        "line": 0,
        "as_of": date(2026, 2, 28),
        "assets_at_cost": Decimal(amount),
        "unrealized": Decimal("-0.0001"),
        "liabilities": Decimal(0),
        "net_worth": Decimal(amount),
        "currency": "USD",
    }
    publication = {
        "book": book,
        "period": date(2026, 2, 1),
        "status": "held",
        "reason": 'it\'s \\N "odd"\t銀行\nnext line',
        "month_hash": None,
        "tried_hash": "",
        "content_hash": None,
        "code_version": "0.1.0",
        "complete_through": None,
        "provisional": False,
        "open_items": "\\N",
        "known_at": datetime(2026, 3, 16, 12, 0, 0, 123456, tzinfo=UTC),
        "run_id": "r",
    }
    return Edition(
        book,
        snapshot,
        {
            NET_WORTH.address: pl.DataFrame([worth], schema=NET_WORTH.polars_schema),
            PUBLICATIONS.address: pl.DataFrame([publication], schema=PUBLICATIONS.polars_schema),
        },
    )


def in_duckdb(folder: Path, address: str, book: str = "home") -> pl.DataFrame:
    with duckdb.connect(str(folder / f"{book}.duckdb"), read_only=True) as connection:
        return connection.execute(f"SELECT * FROM {address}").pl()


def in_postgres(url: str, address: str, book: str = "home") -> pl.DataFrame:
    with psycopg.connect(url) as connection:
        rows = connection.execute(f"SELECT * FROM {address} WHERE book = %s", [book]).fetchall()
    return pl.DataFrame(rows, schema=CONTRACTS[address].polars_schema, orient="row")


def net_worth(frame: pl.DataFrame) -> list[Decimal]:
    return frame["net_worth"].to_list()


def test_both_databases_hold_equal_content(database: str, tmp_path: Path) -> None:
    first = edition(5)
    assert publish_to_postgres(database, first)
    assert publish_to_duckdb(tmp_path, first)
    for address, frame in first.tables.items():
        wanted = content_hash(CONTRACTS[address], frame)
        assert content_hash(CONTRACTS[address], in_duckdb(tmp_path, address)) == wanted
        assert content_hash(CONTRACTS[address], in_postgres(database, address)) == wanted
        assert in_postgres(database, address).equals(frame)
    assert recorded_in(tmp_path / "home.duckdb") == (5, first.content_hash)
    assert recorded_in_postgres(database) == {"home": first.content_hash}


def test_what_was_written_is_read_back_from_both_and_a_cent_is_found(database: str, tmp_path: Path) -> None:
    first, tables = edition(5), list(edition(5).tables)
    publish_to_postgres(database, first)
    publish_to_duckdb(tmp_path, first)
    file = tmp_path / "home.duckdb"
    assert content_of_postgres(database, "home", tables) == first.content_hash
    assert content_of_file(file, "home", tables) == first.content_hash
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE reports.net_worth SET net_worth = net_worth + 0.01")
    with duckdb.connect(str(file)) as writing:
        writing.execute("UPDATE reports.publications SET open_items = ''")
    assert content_of_postgres(database, "home", tables) != first.content_hash
    assert content_of_file(file, "home", tables) != first.content_hash


def test_equal_content_is_not_written_again(database: str, tmp_path: Path) -> None:
    publish_to_postgres(database, edition(5))
    publish_to_duckdb(tmp_path, edition(5))
    before = (tmp_path / "home.duckdb").stat()
    for snapshot in (5, 6):
        assert not publish_to_postgres(database, edition(snapshot))
        assert not publish_to_duckdb(tmp_path, edition(snapshot))
    after = (tmp_path / "home.duckdb").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_an_older_snapshot_never_replaces_a_newer_one(database: str, tmp_path: Path) -> None:
    for snapshot, amount, written in ((5, "1", True), (7, "2", True), (6, "3", False), (8, "4", True)):
        assert publish_to_postgres(database, edition(snapshot, amount)) is written
        assert publish_to_duckdb(tmp_path, edition(snapshot, amount)) is written
    assert net_worth(in_postgres(database, NET_WORTH.address)) == [4]
    assert net_worth(in_duckdb(tmp_path, NET_WORTH.address)) == [4]


def test_a_content_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(publisher, "content_hash", lambda contract, _: hashed.append(contract.name) or "h")
    one = edition(5)
    assert one.content_hash == one.content_hash
    assert sorted(hashed) == ["net_worth", "publications"]


def test_books_are_apart(database: str, tmp_path: Path) -> None:
    for book in ("home", "studio"):
        publish_to_postgres(database, edition(5, "1", book))
        publish_to_duckdb(tmp_path, edition(5, "1", book))
    publish_to_postgres(database, edition(6, "2", "studio"))
    publish_to_duckdb(tmp_path, edition(6, "2", "studio"))
    assert net_worth(in_postgres(database, NET_WORTH.address)) == [1]
    assert net_worth(in_postgres(database, NET_WORTH.address, "studio")) == [2]
    assert net_worth(in_duckdb(tmp_path, NET_WORTH.address)) == [1]


def test_of_many_that_publish_at_once_the_newest_stays(database: str, tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def publish(snapshot: int) -> None:
        together.wait()
        publish_to_postgres(database, edition(snapshot, str(snapshot)))
        publish_to_duckdb(tmp_path, edition(snapshot, str(snapshot)))

    threads = [threading.Thread(target=publish, args=(snapshot,)) for snapshot in (3, 9, 5, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert net_worth(in_postgres(database, NET_WORTH.address)) == [9]
    assert net_worth(in_duckdb(tmp_path, NET_WORTH.address)) == [9]


def test_a_crash_before_the_file_is_put_in_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_to_duckdb(tmp_path, edition(5, "1"))

    def crash(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(Path, "replace", crash)
        crashing.setattr(publisher, "_discard", lambda draft: None)  # killed: nobody tidies up
        with pytest.raises(KeyboardInterrupt):
            publish_to_duckdb(tmp_path, edition(6, "2"))
    assert net_worth(in_duckdb(tmp_path, NET_WORTH.address)) == [1]
    assert (tmp_path / ".home.draft" / "home.duckdb").exists()
    assert publish_to_duckdb(tmp_path, edition(6, "2"))
    assert net_worth(in_duckdb(tmp_path, NET_WORTH.address)) == [2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".home.lock", "home.duckdb"]


def test_a_failure_in_postgres_leaves_the_old_rows(database: str) -> None:
    publish_to_postgres(database, edition(5, "1"))
    broken = edition(6, "2")
    frame = broken.tables[NET_WORTH.address]
    doubled = Edition("home", 6, {**broken.tables, NET_WORTH.address: pl.concat([frame, frame])})
    with pytest.raises(psycopg.errors.UniqueViolation):
        publish_to_postgres(database, doubled)
    assert net_worth(in_postgres(database, NET_WORTH.address)) == [1]
    assert recorded_in_postgres(database) == {"home": edition(5, "1").content_hash}


def test_who_reads_the_former_file_reads_on(tmp_path: Path) -> None:
    publish_to_duckdb(tmp_path, edition(5, "1"))
    with (tmp_path / "home.duckdb").open("rb") as reader:
        start = reader.read(4096)
        publish_to_duckdb(tmp_path, edition(6, "2"))
        rest = reader.read()
    (tmp_path / "copy.duckdb").write_bytes(start + rest)
    assert net_worth(in_duckdb(tmp_path, NET_WORTH.address, "copy")) == [1]
    assert net_worth(in_duckdb(tmp_path, NET_WORTH.address)) == [2]


@pytest.mark.parametrize("content", [b"", b"not a database at all", b"\0" * 20_000])
def test_a_damaged_file_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "home.duckdb").write_bytes(content)
    assert recorded_in(tmp_path / "home.duckdb") is None
    assert publish_to_duckdb(tmp_path, edition(5))
    assert recorded_in(tmp_path / "home.duckdb") is not None


def test_nothing_published_yet(empty_database: str, tmp_path: Path) -> None:
    assert recorded_in(tmp_path / "home.duckdb") is None
    assert recorded_in_postgres(empty_database) == {}


@pytest.mark.parametrize(
    "publish",
    [
        lambda folder: publish_to_duckdb(folder, edition(5)),
        lambda folder: write_page(folder / "index.html", "<p>"),
    ],
)
def test_a_folder_that_cannot_be_made_is_one_clear_line(
    tmp_path: Path, publish: Callable[[Path], Any]
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PublicationError, match=r"(Not a directory|File exists).*make it"):
        publish(tmp_path / "file" / "folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_keeps_what_was_published(tmp_path: Path) -> None:
    publish_to_duckdb(tmp_path, edition(5, "1"))
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PublicationError, match="make it writable"):
            publish_to_duckdb(tmp_path, edition(6, "2"))
    finally:
        tmp_path.chmod(0o700)
    assert net_worth(in_duckdb(tmp_path, NET_WORTH.address)) == [1]


def test_a_page_is_written_when_it_says_something_else(tmp_path: Path) -> None:
    file = tmp_path / "home" / "2026-02.html"
    assert write_page(file, "<p>ä 銀行")
    before = file.stat()
    assert not write_page(file, "<p>ä 銀行")
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert write_page(file, "<p>new")
    assert file.read_text() == "<p>new"
    assert [path.name for path in file.parent.iterdir()] == ["2026-02.html"]
