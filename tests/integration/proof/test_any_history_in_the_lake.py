"""The same histories through the assets' own code into a real lake: real transactions, crashes after any write."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import polars as pl
import pytest
from bank_model import Login, ModelPlaid
from histories import (
    BOOKS,
    DAWN,
    TRANSACTIONS,
    ZONES,
    Happening,
    Lived,
    Night,
    examples,
    local_day,
    transactions_differ,
    what_was_said,
)
from hypothesis import given
from notebook import Heard

from assets.raw.plaid import _ask
from assets.raw.receiving import receive
from manna.books import Book
from resources.installation import Installation
from resources.lake import LakeTransaction

pytestmark = pytest.mark.usefixtures("no_pauses")


class ProcessDiedError(BaseException):
    """Not an Exception: nothing of the product may catch it, as nothing catches a SIGKILL."""


@dataclass
class Crash:
    """Dies at the write number ``after`` (null: never), before it is made; the last is the commit's."""

    after: int | None = None
    writes: int = 0

    def step(self) -> None:
        if self.writes == self.after:
            raise ProcessDiedError
        self.writes += 1


@pytest.fixture(scope="module")
def crash() -> Iterator[Crash]:
    """Counts the writes of the lake and dies at the one it is told."""
    found, append = Crash(), LakeTransaction.append

    def counted(self: LakeTransaction, address: str, rows: pl.DataFrame) -> Any:
        found.step()
        return append(self, address, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LakeTransaction, "append", counted)
        yield found


@pytest.fixture(scope="module")
def house(
    databases: Any, install: Callable[..., Installation], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """One installation for all examples: each has logins of its own."""
    url = databases.make()
    manna = install(url, tmp_path_factory.mktemp("lake_histories"))
    books = {book: Book(id=book, name=book, time_zone=zone) for book, zone in ZONES.items()}
    manna.__dict__["books"] = books
    yield manna
    manna.close()
    databases.drop(url)


_EXAMPLES = count()


@pytest.mark.slow
@examples(6, 500)
@given(history=TRANSACTIONS)
def test_transactions_in_the_lake_are_those_of_the_notebook(
    house: Installation, crash: Crash, history: Sequence[Happening | Night]
) -> None:
    lived = live_in(house, crash, history)
    difference = transactions_differ(lived)
    assert difference is None


def live_in(manna: Installation, crash: Crash, history: Sequence[Happening | Night]) -> Lived:
    """Lives through a history with the assets' code; returns the raw rows of its logins."""
    example = next(_EXAMPLES)
    logins = {name: Login(f"{name}{example}") for name in ("x", "y")}
    manna.__dict__["plaid"] = ModelPlaid({login.name: login for login in logins.values()})
    connections = {name: connect(manna, BOOKS[name], login.name) for name, login in logins.items()}
    heard: list[tuple[datetime, Heard]] = []
    now = DAWN
    last = [Night(name, 30, 2, (), None, False) for name in logins]
    for step in (*history, *last):
        login = logins[step.login]
        if isinstance(step, Happening):
            login.happen(step.what, step.which, step.cents)
            continue
        now += timedelta(hours=step.hours)
        manna.settings = manna.settings.model_copy(update={"fixed_now": now})
        login.page_size, login.careless = step.page_size, step.careless
        login.troubles = list(step.troubles)
        crash.after, crash.writes = step.dies_after, 0
        told: dict[str, Any] = {}

        def ask(asking: Any, login: Login = login, told: dict[str, Any] = told) -> Mapping[str, Any]:
            answers = _ask(manna, asking)
            told |= what_was_said(login)
            return answers

        try:
            received = receive(manna, "run", [connections[step.login]], "plaid", ask)
        except ProcessDiedError:
            continue
        finally:
            crash.after = None
        if not received.failures:
            moment = last_moment(manna, login.name, now)
            heard.append((moment, Heard(login.name, local_day(step.login, moment), **told)))
    raw = {
        address: manna.lake.query(
            f"SELECT * FROM {address} WHERE connection_id IN (?, ?)", [each.name for each in logins.values()]
        )
        for address in (
            "raw.batches",
            "raw.plaid_transactions",
            "raw.plaid_accounts",
            "raw.alpaca_account",
        )
    }
    return Lived(raw, heard, logins)


def connect(manna: Installation, book: str, name: str) -> dict[str, Any]:
    """A connection whose token is the login's name."""
    manna.ops.add_connection(
        {
            "connection_id": name,
            "book": book,
            "provider": "plaid",
            "institution": "Platypus",
            "external_id": name,
            "products": {"transactions": True},
            "token": manna.vault.seal(name),
            "linked_at": datetime(2026, 3, 1, tzinfo=UTC),
        }
    )
    (found,) = [c for c in manna.ops.connections() if c["connection_id"] == name]
    return found


def last_moment(manna: Installation, login: str, now: datetime) -> datetime:
    """When the last of it was learnt; now where nothing was."""
    found = manna.lake.query("SELECT max(known_at) AS last FROM raw.batches WHERE connection_id = ?", [login])
    return found["last"][0] or now
