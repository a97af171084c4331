"""Any history of a bank and of the nights on which it was asked, and what the product makes of it.

What belongs here: the strategy, the nights (with their troubles and crashes) on raw tables in memory, and the
comparison with the notebook. What does not: the bank (``bank_model``) and the notebook itself.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from bank_model import BANKING, HOLDING, TROUBLES, Login, ModelPlaid
from hypothesis import settings
from hypothesis import strategies as st
from notebook import Heard, Notebook, exact, write_down

from manna.cleaning import CLEANERS, Cleaned, clean
from manna.cleaning.tables import Context
from manna.contracts import CONTRACTS
from manna.facts import Answer, Source, batch_rows, new_records
from resources.providers import ProviderError

ZONES = {"home": "America/New_York", "tokyo": "Asia/Tokyo"}
DAWN = datetime(2026, 3, 16, 12, tzinfo=UTC)
BOOKS = {"x": "home", "y": "tokyo", "z": "home"}
"""The book of each login: two are asked in any order; `z` is the bank of `x`, linked anew."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something happens at a bank."""

    login: str
    what: str
    which: int
    cents: int


@dataclass(frozen=True, slots=True)
class Night:
    """A login is asked. ``hours`` after the last time (the clock may be set back); ``dies_after`` so many
    writes (null: it lives)."""

    login: str
    hours: int
    page_size: int
    troubles: tuple[str, ...]
    dies_after: int | None
    careless: bool


def histories(
    happenings: Sequence[str], *, most: int, share: int
) -> st.SearchStrategy[list[Happening | Night]]:
    """Any order of at most ``most`` happenings and nights, ``share`` happenings to a night."""
    login = st.sampled_from(["x", "x", "x", "y"])
    night = st.builds(
        Night,
        login,
        st.sampled_from([0, 1, 2, 5, 15, 24, -5]),
        st.integers(1, 5),
        st.just(()) | st.lists(st.sampled_from(TROUBLES), max_size=5).map(tuple),
        st.sampled_from([None] * 6 + [0, 1, 2, 3, 4]),
        st.booleans(),
    )
    # One strategy named three times would count once.
    happening = [
        st.builds(Happening, login, st.sampled_from(happenings), st.integers(0, 9), st.integers(1, 9999))
        for _ in range(share)
    ]
    # Lists are six long on average; three of them are long enough, and still shrink to nothing.
    some = st.lists(st.one_of(night, *happening), max_size=most // 3)
    return st.tuples(some, some, some).map(lambda parts: [step for part in parts for step in part])


def examples(usual: int, long: int) -> settings:
    """Settings for a property: ``usual`` examples, always the same; ``long`` ones with the profile `long`."""
    is_long = settings.get_current_profile_name() == "long"
    return settings(deadline=None, max_examples=long if is_long else usual, derandomize=not is_long)


class ProcessDiedError(Exception):
    """The process is gone, and with it all that was not committed."""


class Memory:
    """Raw tables in memory. A commit is one assignment at the end: all of it, or nothing."""

    def __init__(self) -> None:
        names = ("batches", "plaid_transactions", "plaid_accounts", "plaid_holdings")
        names += ("plaid_securities", "plaid_investment_transactions", "alpaca_account")
        names += ("alpaca_positions", "alpaca_activities")
        self.raw = {f"raw.{name}": CONTRACTS[f"raw.{name}"].empty() for name in names}

    def cursor(self, login: str) -> str | None:
        """The last cursor committed."""
        batches = self.raw["raw.batches"].filter(
            pl.col("connection_id") == login, pl.col("cursor_after").is_not_null()
        )
        return None if batches.is_empty() else batches.sort("known_at")["cursor_after"][-1]

    def moment(self, login: str, now: datetime) -> datetime:
        """Now, but later than all that is known of the login."""
        last = self.raw["raw.batches"].filter(pl.col("connection_id") == login)["known_at"].max()
        return now if last is None or last < now else last + timedelta(microseconds=1)  # type: ignore[operator]

    def commit(
        self, login: str, answers: Mapping[str, Answer], now: datetime, dies_after: int | None
    ) -> None:
        """Keeps what is new in ``answers``, or dies after so many writes."""
        written, writes = dict(self.raw), 0
        for table, answer in answers.items():
            known = written[table].filter(pl.col("connection_id") == login)
            records = new_records(answer, known, now, ZONES[BOOKS[login]])
            if not records and answer.cursor_after == answer.cursor_before:
                continue
            source = Source(BOOKS[login], login, "plaid", table.removeprefix("raw."), "run", "1")
            batch, rows = batch_rows(source, answer, records, now, table, known.height)
            for address, frame in (("raw.batches", batch), (table, rows)):
                if writes == dies_after:
                    raise ProcessDiedError
                written[address] = pl.concat([written[address], frame])
                writes += 1
        if dies_after is not None:
            raise ProcessDiedError
        self.raw = written


def ask_for_transactions(client: ModelPlaid, login: str, cursor: str | None) -> dict[str, Answer]:
    """Transactions and accounts, as a night asks for them."""
    return {
        "raw.plaid_transactions": client.transactions(login, cursor),
        "raw.plaid_accounts": client.accounts(login),
    }


def ask_for_holdings(client: ModelPlaid, login: str, cursor: str | None) -> dict[str, Answer]:
    """Accounts, holdings, and all trades of the year."""
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    return {
        "raw.plaid_accounts": client.accounts(login),
        "raw.plaid_holdings": client.holdings(login)[0],
        "raw.plaid_investment_transactions": client.investment_transactions(login, first, last)[0],
    }


@dataclass(frozen=True, slots=True)
class Lived:
    """What a history left behind: raw tables, what was heard (with the moment), and the banks."""

    raw: Mapping[str, pl.DataFrame]
    heard: Sequence[tuple[datetime, Heard]]
    logins: Mapping[str, Login]

    def notebook(self, until: datetime | None = None) -> Notebook:
        """The oracle's notebook, of all or of what was heard up to a moment."""
        return write_down(heard for moment, heard in self.heard if until is None or moment <= until)

    def cleaned(self, address: str, until: datetime | None = None) -> Cleaned:
        """The product's table, from raw rows in no particular order."""
        dice = random.Random(len(self.heard))
        raw = {
            name: self.raw[name].sample(fraction=1, shuffle=True, seed=dice.randrange(1000))
            for name in CLEANERS[address].sources
        }
        found = clean(address, raw, Context(ZONES, dict.fromkeys(BOOKS, "Platypus")), until)
        assert found.received == found.rows.height + found.quarantined.height, "rows in = out + quarantined"
        return found


Ask = Callable[[ModelPlaid, str, str | None], dict[str, Answer]]


def live(
    history: Sequence[Happening | Night],
    ask: Ask,
    logins: Mapping[str, Login] | None = None,
    memory: Memory | None = None,
    now: datetime = DAWN,
) -> Lived:
    """Lives through a history, and through one last night per login without any trouble."""
    logins = logins or {name: Login(name) for name in ("x", "y")}
    client, memory = ModelPlaid(logins), memory or Memory()
    heard: list[tuple[datetime, Heard]] = []
    last = [Night(name, 30, 2, (), None, False) for name in logins]
    for step in (*history, *last):
        login = logins[step.login]
        if isinstance(step, Happening):
            login.happen(step.what, step.which, step.cents)
            continue
        now += timedelta(hours=step.hours)
        login.page_size, login.careless = step.page_size, step.careless
        login.troubles = list(step.troubles)
        try:
            answers = ask(client, login.name, memory.cursor(login.name))
            told = what_was_said(login)
            moment = memory.moment(login.name, now)
            memory.commit(login.name, answers, moment, step.dies_after)
        except (ProviderError, ProcessDiedError):
            continue
        heard.append((moment, Heard(login.name, local_day(login.name, moment), **told)))
    return Lived(memory.raw, heard, logins)


def what_was_said(login: Login) -> dict[str, tuple[Any, ...]]:
    """What the bank has just told, before anything else happens there."""
    return {
        "said": tuple(login.said),
        "accounts": tuple(login.told_accounts()),
        "holdings": tuple(login.told_holdings()),
        "trades": tuple(login.trades.values()),
    }


def local_day(login: str, moment: datetime) -> date:
    """The day where the login's book is."""
    return moment.astimezone(ZoneInfo(ZONES[BOOKS[login]])).date()


# -- the comparison ----------------------------------------------------------------------------------------

COMPARED = ("account_id", "date", "amount", "currency", "description", "pending", "pending_transaction_id")


def transactions_differ(lived: Lived, until: datetime | None = None) -> str | None:
    """How ``clean.transactions`` differs from the notebook, and from what the bank has; null: not at all."""
    notebook, found = lived.notebook(until), lived.cleaned("clean.transactions", until)
    told = {row["transaction_id"]: row for row in found.rows.iter_rows(named=True)}
    if len(told) != found.rows.height:
        return "a transaction is there twice"
    wanted = {name: _as_cleaned(row) for name, row in notebook.transactions.items()}
    for name in sorted(wanted.keys() | told.keys()):
        row = told.get(name)
        got = row and {key: row[key] for key in wanted.get(name, {"transaction_id": 0})}
        if got != wanted.get(name):
            return f"{name}: {got} is not {wanted.get(name)}"
    refused = sorted(found.quarantined["source_id"])
    if refused != sorted(notebook.garbled):
        return f"in quarantine are {refused}, not {sorted(notebook.garbled)}"
    truth = {name for login in lived.logins.values() for name in login.rows()}
    if until is None and notebook.alive != truth:
        return "the notebook has not heard all"
    alive = {name for name, row in told.items() if not row["removed"]}
    if until is None and alive | (set(refused) & truth) != truth:
        return "other rows are alive than at the bank"
    return None


def _as_cleaned(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "account_id": row["account_id"],
        "date": date.fromisoformat(row["date"]),
        "amount": -exact(row["amount"]),
        "currency": row["iso_currency_code"],
        "description": row["name"],
        "pending": row["pending"],
        "pending_transaction_id": row["pending_transaction_id"],
        "removed": row["removed"],
        "removed_on": row["removed_on"],
        "first_known_on": row["first"],
    }


def snapshots_differ(lived: Lived, until: datetime | None = None) -> str | None:
    """How accounts, balances, holdings and trades differ from the notebook; null: not at all."""
    notebook = lived.notebook(until)
    rows = {
        name: lived.cleaned(f"clean.{name}", until).rows
        for name in ("accounts", "balances", "holdings", "trades")
    }
    found: dict[str, Any] = {
        "accounts": sorted(rows["accounts"]["account_id"]),
        "balances": _as_dict(rows["balances"], "account_id", "as_of", "current"),
        "holdings": _as_dict(rows["holdings"], "account_id", "security_id", "as_of", "quantity"),
        "trades": _as_dict(rows["trades"], "trade_id", "account_id", "security_id", "date", "amount"),
    }
    wanted: dict[str, Any] = {
        "accounts": sorted(notebook.accounts),
        "balances": sorted((*key, value) for key, value in notebook.balances.items()),
        "holdings": sorted((*key, value) for key, value in notebook.holdings.items()),
        "trades": sorted(
            (name, t["account_id"], t["security_id"], date.fromisoformat(t["date"]), -exact(t["amount"]))
            for name, t in notebook.trades.items()
        ),
    }
    for name, rows_wanted in wanted.items():
        if found[name] != rows_wanted:
            return f"{name}: {found[name]} is not {rows_wanted}"
    return None


def _as_dict(frame: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(frame.select(columns).iter_rows())


# A row that is taken back and comes again is the rarest of all, and the easiest to get wrong.
TRANSACTIONS = histories([*BANKING, "remove", "restore", "restore"], most=24, share=2)
SNAPSHOTS = histories(list(HOLDING), most=20, share=1)
