"""Asking one provider through all its connections, and keeping what each said.

What belongs here: the lock, the transaction and the bookkeeping that every provider needs. What does not:
what is asked (``plaid``, ``alpaca``, ``bars``).

One connection's failure never stops the others: its rows stay as they were, it is marked broken, the check
fails and an alert follows. When a provider does not answer several in a row, the others are not asked at all
(``resources.breaker``), and marked with that. When *no* connection answers, the asset fails: it never goes green on an error.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl

from assets.common import ROW_COUNT, key
from manna.connections import PASTS
from manna.contracts import CONTRACTS
from manna.facts import Answer, Source, batch_rows, new_records
from resources.installation import CODE_VERSION, Installation
from resources.lake import LakeTransaction
from resources.providers import CredentialsRefusedError, ProviderError, ProviderUnavailableError
from resources.settings import SettingsError
from resources.vault import SealedError

CHECK = "every_connection_answered"
RAW = "raw."

Connection = Mapping[str, Any]


def answered(address: str) -> dg.AssetCheckSpec:
    """The check on a provider's table that all of its logins answered."""
    return dg.AssetCheckSpec(
        CHECK,
        asset=key(address),
        description="every login answered, and its institution says that nothing is wrong with it",
    )


class CursorError(Exception):
    """What was asked does not go on where the last answer ended: rows between the two would be lost."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the batches of one connection say of one raw table; they are few where its records are many.

    ``rows``: how many records it holds; ``last``: when it last heard something.
    """

    rows: int = 0
    last: datetime | None = None
    cursor: str | None = None
    history: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What is already known through a connection when it is asked: what each table heard, and any query."""

    heard: Mapping[str, Heard]
    transaction: LakeTransaction
    connection: Connection
    now: datetime

    def of(self, table: str) -> Heard:
        """What ``table`` heard; nothing at first."""
        return self.heard.get(table, Heard())

    @property
    def cursor(self) -> str | None:
        """The last cursor committed for this connection."""
        return self.of("raw.plaid_transactions").cursor


Ask = Callable[[Told], Mapping[str, Answer]]
"""Asks the provider; returns answers by raw table. It runs under the connection's lock."""


@dataclass(slots=True)
class Received:
    """What one run received: rows per table, which connections failed or are unwell, and why."""

    rows: dict[str, int] = field(default_factory=dict)
    failures: dict[str, ProviderError | SealedError] = field(default_factory=dict)
    unwell: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def materializations(
        self, tables: Sequence[str], stored: Mapping[str, int]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        """One per table; ``stored``: the rows of each table, see :func:`rows_received`.

        Raises:
            dagster.Failure: every connection failed.
        """
        if self.asked and len(self.failures) == self.asked:
            worst = next(iter(self.failures.values()))
            raise dg.Failure(
                f"no connection answered: {worst}",
                allow_retries=isinstance(worst, ProviderUnavailableError),
            )
        for table in tables:
            yield dg.MaterializeResult(
                key(table),
                metadata={
                    ROW_COUNT: stored.get(table, 0),
                    "new_rows": self.rows.get(table, 0),
                    "connections": self.asked,
                    "failed": {name: str(error) for name, error in self.failures.items()},
                },
            )

    def check(self, table: str) -> dg.AssetCheckResult:
        """The check that every connection answered, and with what its institution says now."""
        return dg.AssetCheckResult(
            passed=not self.failures and not self.unwell,
            asset_key=key(table),
            check_name=CHECK,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={**self.unwell, **{name: str(error) for name, error in self.failures.items()}},
        )


def rows_received(manna: Installation) -> dict[str, int]:
    """How many rows each raw table has ever received; it loses none. Their batches tell."""
    found = manna.lake.query("SELECT endpoint, sum(row_count)::BIGINT FROM raw.batches GROUP BY 1")
    return {RAW + endpoint: rows for endpoint, rows in found.iter_rows()}


def receive(
    manna: Installation,
    run_id: str,
    connections: Sequence[Connection],
    endpoint: str,
    ask: Ask,
    *,
    of_accounts: bool = True,
) -> Received:
    """Asks through every connection and commits each one's answers in a lake transaction of its own.

    ``of_accounts``: its accounts are asked for. What else may be asked through a connection, prices say, tells
    nothing of how the connection fares, nor of how far its accounts are known.
    """
    received, circuit = Received(), manna.ops.circuit(endpoint)
    for connection in connections:
        received.asked += 1
        connection_id = connection["connection_id"]
        try:
            rows, answers = circuit.call(partial(_receive_one, manna, run_id, connection, endpoint, ask))
        except (ProviderError, SealedError) as error:
            received.failures[_name(connection, received.failures)] = error
            if of_accounts:
                manna.ops.connection_status(connection_id, error.status, str(error), manna.settings.now())
            if isinstance(error, CredentialsRefusedError) and connection["provider"] == "plaid":
                raise dg.Failure(str(error), allow_retries=False) from error
            continue
        except SettingsError as error:  # a clock that is wrong, say: trying again cannot help
            raise dg.Failure(str(error), allow_retries=False) from error
        for table, count in rows.items():
            received.rows[table] = received.rows.get(table, 0) + count
        if of_accounts:
            _answered(manna, connection, answers, received)
    return received


def _answered(
    manna: Installation, connection: Connection, answers: Iterable[Answer], received: Received
) -> None:
    """Remembers that a connection answered, and what it said of itself."""
    now, zone = manna.settings.now(), ZoneInfo(manna.books[connection["book"]].time_zone)
    histories = [answer.history for answer in answers if answer.history]
    history = min(histories, key=PASTS.index, default=None)
    health = next((answer.health for answer in answers if answer.health), None)
    until = min(now, health.updated_at or now) if health else now
    unknown = history == "not_ready" or (health and health.error_code and health.updated_at is None)
    day = None if unknown else until.astimezone(zone).date()
    manna.ops.connection_answered(connection["connection_id"], now, day, history=history, health=health)
    if health and health.error_code:
        # What it serves is kept, but it is what the bank said some time ago.
        received.unwell[_name(connection, received.unwell)] = f"{health.error_code}: {health.error}"


def _name(connection: Connection, others: Container[str] = ()) -> str:
    """The login in words; where another of the same institution has that name, with its id."""
    name = f"{connection['institution']} ({connection['book']})"
    return f"{name} {connection['connection_id'][:8]}" if name in others else name


def _receive_one(
    manna: Installation, run_id: str, connection: Connection, endpoint: str, ask: Ask
) -> tuple[dict[str, int], list[Answer]]:
    """New rows by table, and the answers."""
    source = Source(
        book=connection["book"],
        connection_id=connection["connection_id"],
        provider=connection["provider"],
        endpoint=endpoint,
        run_id=run_id,
        code_version=CODE_VERSION,
        zone=manna.books[connection["book"]].time_zone,
    )

    def work(transaction: LakeTransaction) -> tuple[dict[str, int], list[Answer]]:
        told = Told(_heard(transaction, source), transaction, connection, manna.settings.now())
        answers = ask(told)
        known_at = _moment(told.heard, manna.settings.now())
        kept = {
            table: keep(transaction, source, table, answer, known_at, told.of(table))
            for table, answer in answers.items()
        }
        return kept, list(answers.values())

    # The lock is held while the provider is asked: whoever reads the cursor must be the one to move it.
    return manna.lake.commit(
        [f"connection:{source.connection_id}"], work, author=f"raw.{endpoint}", message=f"run {run_id}"
    )


def keep(
    transaction: LakeTransaction,
    source: Source,
    table: str,
    answer: Answer,
    known_at: datetime,
    heard: Heard,
) -> int:
    """Appends what is new in ``answer`` (and its batch); returns the number of new rows.

    Raises:
        CursorError: the answer goes on from another cursor than the one committed last.
    """
    if answer.cursor_after is not None and answer.cursor_before != heard.cursor:
        told = "nothing is committed" if heard.cursor is None else f"the committed cursor is {heard.cursor!r}"
        raise CursorError(
            f"{table} of connection {source.connection_id}: the answer goes on from cursor "
            f"{answer.cursor_before!r}, but {told}; nothing was written"
        )
    records = new_records(answer, _known(transaction, source, table, answer, heard), known_at, source.zone)
    moved = answer.cursor_after != answer.cursor_before
    tells_more = answer.history is not None and answer.history != heard.history
    if not (records or moved or tells_more):
        return 0
    asked = replace(source, endpoint=table.removeprefix(RAW))
    batch, rows = batch_rows(asked, answer, records, known_at, table, heard.rows)
    transaction.append("raw.batches", batch)
    transaction.append(table, rows)
    return len(records)


def _known(
    transaction: LakeTransaction, source: Source, table: str, answer: Answer, heard: Heard
) -> pl.DataFrame:
    """What ``table`` holds that can tell what is new in ``answer``: never the whole history.

    A whole answer is kept again every day, so its last day says of everything whether it is still there; with
    two days back from the last record no time zone matters. Else only the things that are named count.
    """
    if heard.last is None or not (answer.is_whole or answer.records):
        return CONTRACTS[table].empty()
    if answer.is_whole:
        return transaction.query(
            f"SELECT * FROM {table} WHERE connection_id = ? AND known_at >= ?",
            [source.connection_id, heard.last - timedelta(days=2)],
        )
    return transaction.query(
        f"SELECT source_id, change, payload_sha256, known_at, seq FROM {table} SEMI JOIN incoming "
        "USING (source_id) WHERE connection_id = ?",
        [source.connection_id],
        incoming=pl.DataFrame({"source_id": [record.source_id for record in answer.records]}),
    )


def _heard(transaction: LakeTransaction, source: Source) -> dict[str, Heard]:
    """What has been heard through this connection, by raw table."""
    found = transaction.query(
        # arg_max passes over nulls: the last cursor, not the last batch's.
        "SELECT endpoint, sum(row_count)::BIGINT, max(known_at), arg_max(cursor_after, known_at), "
        "arg_max(history, known_at) FROM raw.batches WHERE connection_id = ? GROUP BY endpoint",
        [source.connection_id],
    )
    return {RAW + endpoint: Heard(*heard) for endpoint, *heard in found.iter_rows()}


def _moment(heard: Mapping[str, Heard], now: datetime) -> datetime:
    """Now, but later than anything known through this connection: its batches have one order.

    A clock that stands still (``MANNA_NOW``) or is set back must not make an older fact win.
    """
    last = max((table.last for table in heard.values() if table.last), default=None)
    return now if last is None or last < now else last + timedelta(microseconds=1)
