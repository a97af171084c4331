"""URLs of a server, for each library that reads one."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters import ask
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, create_engine, text

from resources.postgres import EmbeddedPostgres, PostgresError, libpq_dsn, sqlalchemy_url


def test_each_library_reads_its_url(shared_dir: Path) -> None:
    with EmbeddedPostgres(shared_dir) as url:
        for driver in ("psycopg", "psycopg2"):
            engine = create_engine(sqlalchemy_url(url, driver))
            assert engine.driver == driver
            with engine.connect() as connection:
                assert connection.execute(text("SELECT current_database()")).scalar() == "manna"
            engine.dispose()
        assert ask(libpq_dsn(url), "SELECT current_user") == "manna"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h:1/d", "postgresql+psycopg2://u:p@h:1/d"),
        ("postgres://u:p@h/d", "postgresql+psycopg2://u:p@h/d"),
        ("postgresql+psycopg://u@h/d?sslmode=require", "postgresql+psycopg2://u@h/d?sslmode=require"),
    ],
)
def test_the_driver_is_written_into_the_url(url: str, expected: str) -> None:
    assert sqlalchemy_url(url, "psycopg2") == expected


@given(password=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_dsn_quotes_whatever_the_password_is(password: str) -> None:
    parts = {"username": "o'brien", "host": "db.example", "port": 5433, "database": "my books"}
    url = URL.create("postgresql+psycopg", password=password, **parts).render_as_string(hide_password=False)
    assert conninfo_to_dict(libpq_dsn(url)) == {
        "user": "o'brien",
        "password": password,
        "host": "db.example",
        "port": "5433",
        "dbname": "my books",
    }


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2@h:port/d",
        "postgresql://u:hunter2@h/d?x=1",
    ],
)
def test_what_is_not_a_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(
        PostgresError, match=r"not the URL of a PostgreSQL database: write MANNA_POSTGRES_URL"
    ) as caught:
        libpq_dsn(url)
    assert "hunter2" not in str(caught.value)
