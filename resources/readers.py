"""Readers of the published schema ``reports``: a role of Postgres per book, who sees that book's rows and nothing else.

What belongs here: the roles, what they may do, and the policy on every published table. What does not: publishing
(``resources.publisher``), or logins to our own schemas, which nobody but the program has.

Which book a role may read is its very name: ``manna_reader_household``. So there is no table of who may read what, which would itself have to be
hidden, and one policy per table serves every book. The owner of the tables, who publishes, is not subject to it.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

GROUP, PREFIX = "manna_readers", "manna_reader_"
LONGEST_NAME = 63
"""Bytes of a name in Postgres; a longer one would be cut, and so be another book's."""
PUBLISHING = "SELECT pg_advisory_xact_lock(hashtextextended('manna:publish', 0))"
"""Held by whoever publishes, or changes what is published."""

_UNGUARDED = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'reports'::regnamespace AND c.relkind = 'r' AND NOT c.relrowsecurity
"""
# A role's name sorts as C; compared so, no index on books could serve a reader, who would read all rows of all books.
_OWN_BOOK = (
    f"starts_with(current_user::text, '{PREFIX}') "
    f'AND book = substr(current_user::text, {len(PREFIX) + 1}) COLLATE "default"'
)
_READERS = f"""
    SELECT substr(r.rolname, {len(PREFIX) + 1}) AS book, r.rolname AS role FROM pg_roles r
    JOIN pg_auth_members m ON m.member = r.oid JOIN pg_roles g ON g.oid = m.roleid
    WHERE g.rolname = '{GROUP}' AND starts_with(r.rolname, '{PREFIX}') ORDER BY 1
"""
_MAY_NOT = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_OF_THE_OWNER = ("user", "password", "passfile", "service", "sslcert", "sslkey", "sslpassword")
"""Parameters of an address that say who connects: libpq takes them before the user and password in front of the host."""


class ReadersError(Exception):
    """A reader cannot be made or removed. The message is one line and says what to do."""


def guard(connection: psycopg.Connection) -> None:
    """Lets readers see the rows of their own book only, in every table of ``reports`` that is not guarded yet."""
    for (name,) in connection.execute(_UNGUARDED).fetchall():
        table = sql.Identifier("reports", name)
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(table))
        connection.execute(
            sql.SQL("CREATE POLICY own_book ON {} FOR SELECT USING ({})").format(table, sql.SQL(_OWN_BOOK))
        )


def readers(url: str) -> list[dict[str, str]]:
    """Every reader: book and role."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(_READERS).fetchall()


def add_reader(url: str, book: str, *, new_password: bool = False) -> str:
    """Makes the reader of a book and returns the address to connect with, the only place where its password is.

    Postgres is sent and keeps a SCRAM verifier, from which the password cannot be told.

    Raises:
        ReadersError: there is one already (and ``new_password`` was not asked for), the name is too long, or the role of
            ``url`` may not make roles.
    """
    role, password = _role(book), secrets.token_urlsafe(24)
    with _changing(url) as connection:
        exists = _exists(connection, role)
        if exists and not new_password:
            raise ReadersError(
                f"there is a reader of {book} already, whose password nobody can show; "
                f"`manna readers add {book} --new-password` gives it another"
            )
        _prepare(connection)
        verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
        name = sql.Identifier(role)
        connection.execute(
            sql.SQL("{} LOGIN CONNECTION LIMIT 20 PASSWORD {}").format(
                # Who is no superuser may say it of a new role alone.
                sql.SQL("ALTER ROLE {}" if exists else f"CREATE ROLE {{}} {_MAY_NOT}").format(name),
                sql.Literal(verifier.decode()),
            )
        )
        connection.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(name))
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(GROUP), name))
    from sqlalchemy.engine import (
        make_url,  # 0.4 s to import, and every process of Dagster imports this module
    )

    theirs = make_url(url).difference_update_query(_OF_THE_OWNER).set(username=role, password=password)
    return theirs.render_as_string(hide_password=False)


def remove_reader(url: str, book: str) -> None:
    """Removes the reader of a book; who is connected as it may read on until they disconnect.

    Raises:
        ReadersError: there is none, or it may not be removed.
    """
    role = _role(book)
    with _changing(url) as connection:
        if not _exists(connection, role):
            raise ReadersError(f"there is no reader of {book}: `manna readers list` shows all")
        name = sql.Identifier(role)
        # Who has made a role may drop it, and what it owns as its member only.
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
        connection.execute(sql.SQL("DROP ROLE {}").format(name))


def _exists(connection: psycopg.Connection, role: str) -> bool:
    return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def _role(book: str) -> str:
    role = PREFIX + book
    if len(role.encode()) > LONGEST_NAME:
        raise ReadersError(
            f"{book} is too long for the name of a role; give the book an id of at most {LONGEST_NAME - len(PREFIX)} characters"
        )
    return role


@contextmanager
def _changing(url: str) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(url) as connection, connection.transaction():
            connection.execute(PUBLISHING)
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise ReadersError(
            f"{error.diag.message_primary}: the role of MANNA_POSTGRES_URL needs CREATEROLE, or an administrator's help"
        ) from error
    except psycopg.errors.DependentObjectsStillExist as error:
        raise ReadersError(
            f"{error.diag.message_primary}; remove what it owns in other databases first"
        ) from error


def _prepare(connection: psycopg.Connection) -> None:
    """What all readers have in common: they may look into ``reports``, now and in tables to come."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS reports")
    guard(connection)
    if not _exists(connection, GROUP):
        connection.execute(f"CREATE ROLE {GROUP} NOLOGIN {_MAY_NOT}")
    connection.execute(f"GRANT USAGE ON SCHEMA reports TO {GROUP}")
    connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA reports TO {GROUP}")
    connection.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA reports GRANT SELECT ON TABLES TO {GROUP}")
