"""Books are apart, also for those who read them: whatever a reader of one book tries, it never sees or changes another."""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from test_publisher import edition

from resources import publisher
from resources.closed_files import close_file, close_published
from resources.publisher import publish_to_duckdb, publish_to_postgres, write_page
from resources.readers import ReadersError, add_reader, readers, remove_reader
from resources.settings import Settings

SECRET = "4711.12"


@pytest.fixture
def published(database: str) -> Iterator[str]:
    """Two books in `reports`, with a reader of `home`; yields the owner's address."""
    publish_to_postgres(database, edition(5, "1", "home"))
    publish_to_postgres(database, edition(5, SECRET, "studio"))
    yield database
    for reader in readers(database):  # roles are the server's, not the database's
        remove_reader(database, reader["book"])


@pytest.fixture
def reader(published: str) -> Iterator[psycopg.Connection]:
    """Connected as the reader of `home`, who has taken off the one restraint that it may."""
    add_reader(published, "studio")
    with psycopg.connect(add_reader(published, "home"), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        yield connection


def test_it_reads_its_own_book(reader: psycopg.Connection) -> None:
    assert reader.execute("SELECT book, net_worth FROM reports.net_worth").fetchall() == [("home", 1)]
    assert reader.execute("SELECT DISTINCT book FROM reports.publications").fetchall() == [("home",)]
    assert reader.execute("SELECT book FROM reports.published_snapshots").fetchall() == [("home",)]


def test_it_is_served_by_the_index_and_never_reads_through_other_books(reader: psycopg.Connection) -> None:
    reader.execute("SET enable_seqscan = off")
    query = "EXPLAIN SELECT * FROM reports.net_worth WHERE period = '2026-02-01'"
    plan = " ".join(line for (line,) in reader.execute(query).fetchall())
    assert "Index Cond: ((book = (substr((CURRENT_USER)::text" in plan


def test_it_does_not_read_another_in_any_way(reader: psycopg.Connection, published: str) -> None:
    with psycopg.connect(published, autocommit=True) as owner:
        owner.execute("ANALYZE reports.net_worth")  # its most common values would be in pg_stats
    heard: list[str] = []
    reader.add_notice_handler(lambda notice: heard.append(str(notice.message_primary)))
    reader.execute(
        "CREATE FUNCTION pg_temp.leak(text, numeric) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS "
        "$$ BEGIN RAISE NOTICE 'leaked % %', $1, $2; RETURN true; END $$"
    )
    reader.execute("CREATE VIEW pg_temp.seen AS SELECT * FROM reports.net_worth")
    for query in (
        "SELECT * FROM reports.net_worth WHERE book = 'studio'",
        "SELECT * FROM reports.net_worth WHERE pg_temp.leak(book, net_worth) AND book = 'studio'",
        "SELECT * FROM pg_temp.seen WHERE book = 'studio'",
        "SELECT * FROM pg_stats WHERE schemaname = 'reports'",
        "SELECT * FROM pg_stat_activity WHERE query LIKE '%studio%' AND pid <> pg_backend_pid()",
    ):
        assert reader.execute(query).fetchall() == [], query
    rows = reader.execute("SELECT json_agg(n) FROM reports.net_worth n").fetchall()
    with reader.cursor() as cursor, cursor.copy("COPY reports.net_worth TO STDOUT") as copy:
        copied = b"".join(bytes(block) for block in copy)
    said = f"{rows} {copied.decode()} {' '.join(heard)}"
    assert "home" in said
    assert SECRET not in said
    assert "studio" not in said
    # A value that makes a division fail would tell that it is there.
    assert reader.execute(f"SELECT 1 / (net_worth - {SECRET}) FROM reports.net_worth").fetchall()


FORBIDDEN = [
    "SET ROLE manna",
    "SET SESSION AUTHORIZATION manna",
    'SET ROLE "manna_reader_studio"',
    "SELECT * FROM ops.connections",
    "SELECT * FROM ops.audit_log",
    "SELECT * FROM lake.ducklake_table",
    "SELECT rolpassword FROM pg_authid",
    "SELECT * FROM pg_statistic",
    "SELECT pg_read_file('postgresql.conf')",
    "COPY reports.net_worth TO '/tmp/manna-leak'",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "INSERT INTO reports.net_worth SELECT * FROM reports.net_worth",
    "UPDATE reports.net_worth SET net_worth = 0",
    "DELETE FROM reports.net_worth",
    "TRUNCATE reports.net_worth",
    "COPY reports.net_worth FROM STDIN",
    "ALTER TABLE reports.net_worth DISABLE ROW LEVEL SECURITY",
    "DROP POLICY own_book ON reports.net_worth",
    "CREATE TABLE reports.mine (id int)",
    "CREATE VIEW reports.mine AS SELECT 1",
    "CREATE TABLE public.mine (id int)",
    "CREATE ROLE other",
    "ALTER ROLE manna_reader_home SUPERUSER",
]


def test_what_is_not_its_business_is_refused(reader: psycopg.Connection) -> None:
    before = reader.execute("SELECT * FROM reports.net_worth").fetchall()
    for statement in FORBIDDEN:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement)
    reader.execute("SET row_security = off")  # then nothing is answered, rather than everything
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT * FROM reports.net_worth")
    reader.execute("RESET row_security")
    assert reader.execute("SELECT * FROM reports.net_worth").fetchall() == before


def test_the_role_that_all_readers_share_sees_nothing(reader: psycopg.Connection) -> None:
    reader.execute("SET ROLE manna_readers")
    assert reader.execute("SELECT * FROM reports.net_worth").fetchall() == []


def test_a_table_that_comes_later_is_guarded_and_readable(published: str, reader: psycopg.Connection) -> None:
    with psycopg.connect(published, autocommit=True) as owner:
        owner.execute("DROP TABLE reports.net_worth")
    for book, amount in (("home", "3"), ("studio", SECRET)):
        publish_to_postgres(published, edition(6, amount, book))
    assert reader.execute("SELECT book, net_worth FROM reports.net_worth").fetchall() == [("home", 3)]


def test_a_password_is_told_once_and_kept_nowhere(published: str) -> None:
    first = add_reader(published, "home")
    with pytest.raises(ReadersError, match="manna readers add home --new-password"):
        add_reader(published, "home")
    second = add_reader(published, "home", new_password=True)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(first)
    psycopg.connect(second).close()
    with psycopg.connect(published) as owner:
        [(kept,)] = owner.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'manna_reader_home'"
        ).fetchall()
    assert kept.startswith("SCRAM-SHA-256$")
    assert psycopg.conninfo.conninfo_to_dict(second)["password"] not in kept
    assert readers(published) == [{"book": "home", "role": "manna_reader_home"}]
    remove_reader(published, "home")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(second)
    with pytest.raises(ReadersError, match="there is no reader of home"):
        remove_reader(published, "home")


def test_an_address_that_says_who_connects_at_its_end_is_not_handed_on(published: str) -> None:
    given = psycopg.conninfo.conninfo_to_dict(published)
    who = {"user": str(given["user"]), "password": str(given["password"])}
    address = f"postgresql:///{given['dbname']}?" + urlencode(
        {**who, "host": str(given["host"]), "port": str(given["port"]), "application_name": "books"}
    )
    theirs = add_reader(address, "home")
    assert who["password"] not in theirs
    assert "application_name=books" in theirs
    with psycopg.connect(theirs) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("manna_reader_home",)


@pytest.fixture
def landlord(databases: Any) -> Iterator[str]:
    """The address of one who owns a database and may make roles, and is no superuser: as on most servers."""
    with psycopg.connect(databases.url, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS manna_readers")  # of another test; roles are the server's
        owner.execute("CREATE ROLE landlord LOGIN CREATEROLE PASSWORD 'of-the-house'")
        owner.execute("CREATE DATABASE house OWNER landlord")
        yield databases.url.replace("/manna?", "/house?").replace(
            databases.url.partition("@")[0], "postgresql://landlord:of-the-house"
        )
        owner.execute("DROP DATABASE house WITH (FORCE)")
        owner.execute("DROP ROLE IF EXISTS manna_reader_home, manna_reader_studio, manna_readers")
        owner.execute("DROP ROLE landlord")


def test_who_may_make_roles_need_not_be_a_superuser(landlord: str) -> None:
    publish_to_postgres(landlord, edition(5, "1", "home"))
    publish_to_postgres(landlord, edition(5, SECRET, "studio"))
    add_reader(landlord, "studio")
    add_reader(landlord, "home")
    theirs = add_reader(landlord, "home", new_password=True)
    with psycopg.connect(theirs, autocommit=True) as connection:
        assert connection.execute("SELECT book FROM reports.net_worth").fetchall() == [("home",)]
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("SELECT lo_create(0)")  # something of its own
    remove_reader(landlord, "home")
    assert [reader["book"] for reader in readers(landlord)] == ["studio"]
    remove_reader(landlord, "studio")
    assert readers(landlord) == []


def test_who_may_not_make_roles_is_told_so(published: str) -> None:
    mine = add_reader(published, "home") + "&options=-c%20default_transaction_read_only%3Doff"
    with pytest.raises(ReadersError, match="needs CREATEROLE"):
        add_reader(mine, "studio")
    with pytest.raises(ReadersError, match="too long"):
        add_reader(published, "b" * 51)


# -- files -------------------------------------------------------------------------------------------------


def bits(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):o}"


def publish(settings: Settings, amount: str) -> tuple[Path, Path]:
    close_published(settings, ["home"])
    publish_to_duckdb(settings.published_dir, edition(int(amount), amount), group=settings.group_reads)
    page = settings.documents_dir / "home" / "2026-02.html"
    write_page(page, amount)
    write_page(settings.documents_dir / "index.html", amount)
    return settings.published_dir / "home.duckdb", page


def test_files_are_the_owners_alone_unless_a_group_is_to_read_them(tmp_path: Path) -> None:
    def settings(**given: bool) -> Settings:
        return Settings.load(_env_file=None, data_dir=tmp_path, **given)

    old = os.umask(0o022)
    try:
        file, page = publish(settings(), "1")
        assert [bits(p) for p in (file, page, page.parent)] == ["600", "600", "700"]
        # What was published before the setting came is given its bits too.
        publish(settings(group_reads=True), "1")
        assert [bits(p) for p in (file, page, page.parent)] == ["640", "640", "750"]
        roots = [page.parent.parent, file.parent, page.parent.parent / "index.html"]
        assert [bits(p) for p in roots] == ["711", "711", "600"]  # passed through, not listed
        publish(settings(group_reads=True), "2")
        assert [bits(p) for p in (file, page, page.parent)] == ["640", "640", "750"]
        publish(settings(), "3")
        assert [bits(p) for p in (file, page, page.parent, file.parent)] == ["600", "600", "700", "700"]
    finally:
        os.umask(old)


def test_a_draft_is_the_owners_alone_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group may pass through the folders: only the bits keep others from a file whose name they guess."""
    settings = Settings.load(_env_file=None, data_dir=tmp_path, group_reads=True)
    drafts: list[str] = []

    def looked(draft: Path, target: Path, *, group: bool | None = None) -> None:
        closed = bits(draft) == "600" or bits(draft.parent) == "700"
        drafts.append(f"{target.name} {closed}")
        close_file(draft, target, group=group)

    monkeypatch.setattr(publisher, "close_file", looked)
    old = os.umask(0o022)
    try:
        file, page = publish(settings, "1")
        assert drafts == ["home.duckdb True", "2026-02.html True", "index.html True"]
        assert [bits(p) for p in (file, page)] == ["640", "640"]
    finally:
        os.umask(old)


def test_a_file_with_other_bits_is_mended_though_its_folder_has_its_own(tmp_path: Path) -> None:
    settings = Settings.load(_env_file=None, data_dir=tmp_path)
    file, page = publish(settings, "1")
    file.chmod(0o644)
    page.chmod(0o666)
    close_published(settings, ["home"])
    assert [bits(p) for p in (file, page)] == ["600", "600"]


def test_a_file_that_another_run_removes_meanwhile_is_nobodys_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.load(_env_file=None, data_dir=tmp_path)
    file, page = publish(settings, "1")
    page.chmod(0o666)
    former, looked = file.with_name("former.duckdb"), Path.is_file

    def is_file(self: Path) -> bool:
        there = looked(self)
        if self == former:
            former.unlink()
        return there

    former.touch(0o644)
    monkeypatch.setattr(Path, "is_file", is_file)
    close_published(settings, ["home"])
    assert not former.exists()
    assert bits(page) == "600"


TRY = 'for path; do head -c1 "$path" >/dev/null && echo read || echo refused; : >>"$path" && echo written || echo refused; done'


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_account_reads_the_book_of_its_group_and_no_other() -> None:
    # Not below pytest's own folders, which are closed to others, as a home is.
    with tempfile.TemporaryDirectory() as made:
        data = Path(made)
        data.chmod(0o711)
        settings = Settings.load(_env_file=None, data_dir=data, group_reads=True)
        close_published(settings, ["home", "studio"])
        paths = []
        for book, gid in (("home", 54321), ("studio", 54322)):
            publish_to_duckdb(settings.published_dir, edition(1, "1", book), group=True)
            file, folder = settings.published_dir / f"{book}.duckdb", settings.documents_dir / book
            os.chown(file, -1, gid)
            os.chown(folder, -1, gid)
            # The next night: the new file and the new page are of the same group.
            publish_to_duckdb(settings.published_dir, edition(2, "2", book), group=True)
            write_page(folder / "2026-02.html", "1")
            paths += [file, folder / "2026-02.html"]
        done = subprocess.run(
            ["/bin/bash", "-c", TRY, "-", *map(str, paths)],
            user=65534, group=54321, extra_groups=[], capture_output=True, text=True, cwd="/", check=True,
        )  # fmt: skip
        assert done.stdout.split() == ["read", "refused"] * 2 + ["refused", "refused"] * 2
