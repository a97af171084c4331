"""Which accounts are one: a bank that is linked anew continues the history of its former login.

What belongs here: recognising accounts across logins, in the order in which the logins came, and when a
person has to be asked. What does not: how alike two accounts look (``likeness``), and what becomes of their
rows (``relinking``).

A new login at Plaid brings new ids for the same accounts. So the accounts of each new login are compared with
those of former logins of the same book at the same institution; what is recognised forms a *chain*, and the
id of its first account is Manna's id of the account for ever. Two accounts of one login are never the same.

A verdict rests on what was known when the new login first listed the account, and on people's decisions. So
it never changes by itself: what the former login says or does afterwards is no reason to part what was
joined, or to hold what was booked. While a question is open its account is *held*: it and its rows are in
quarantine, so that nothing is counted twice and nothing is lost (docs/decisions/0010).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

import polars as pl

from manna.cleaning.likeness import OTHER, PERHAPS, RENUMBERED, SAME, Evidence, read_evidence, resemblance

ENDED = ("login_required", "revoked", "unlinked")
"""Statuses of a connection through which nothing comes any more."""
STILL_ANSWERS = timedelta(hours=36)
"""A login heard of within this time before the new one counts as alive: every login is pulled each night."""

_BY_ID, _CERTAIN = "the bank's persistent id is equal", "same end of the number, type and subtype"
_SEVERAL = "several accounts have the same end of the number, type and subtype"
_UNSURE = {
    SAME: "same end of the number, type and subtype, but the former login still answered",
    PERHAPS: "same type, but the end of the number is missing or the subtype differs",
    RENUMBERED: "same name and type but another end of the number, and the former login is gone",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on ``account_id``: it continues ``same_as``, or (null) is another account."""

    book: str
    account_id: str
    same_as: str | None
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a connection at a moment: a row of ``ops.connection_events``."""

    connection_id: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """An account that may continue one of ``candidates`` (Manna's ids), and why that is not certain."""

    account_id: str
    candidates: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Identities:
    """Who is who. ``chains``: the ids of each account that came through several logins, oldest first.

    ``held``: ids of accounts that are left out until a question is answered.
    """

    chains: tuple[tuple[str, ...], ...] = ()
    questions: tuple[Question, ...] = ()
    held: frozenset[str] = frozenset()

    @property
    def owners(self) -> dict[str, str]:
        """Manna's id of each account in a chain."""
        return {account_id: chain[0] for chain in self.chains for account_id in chain}

    @property
    def ranks(self) -> dict[str, int]:
        """The place of each account in its chain: 0 is the oldest login."""
        return {account_id: rank for chain in self.chains for rank, account_id in enumerate(chain)}


@dataclass(slots=True, eq=False)
class _Sighting:
    """One account of one login: when it was first listed, and all it said of itself since."""

    account_id: str
    book: str
    connection_id: str
    institution: str
    first: datetime
    said: list[tuple[datetime, Evidence]] = field(default_factory=list)

    def as_of(self, moment: datetime) -> Evidence:
        """The latest word by ``moment``."""
        return [evidence for at, evidence in self.said if at <= moment][-1]


@dataclass(slots=True, eq=False)
class _Chain:
    """One account through all its logins, oldest first. ``alive``: whether the last one still answers."""

    members: list[_Sighting]
    alive: bool = False

    def may_take(self, sighting: _Sighting) -> bool:
        """Two accounts of one login are never the same."""
        return all(member.connection_id != sighting.connection_id for member in self.members)


_Pair = tuple[_Sighting, _Chain, str]


def identities(
    raw_accounts: pl.DataFrame,
    institutions: Mapping[str, str],
    decisions: Sequence[Decision] = (),
    statuses: Sequence[Status] = (),
) -> Identities:
    """Recognises accounts that came through several logins of a book.

    Args:
        raw_accounts: rows of ``raw.plaid_accounts``, in any order.
        institutions: name of the institution per connection.
        decisions: people's, oldest first; of several on one account the last counts.
        statuses: the life of the connections, oldest first.
    """
    several = _of_several_logins(raw_accounts, institutions, decisions)
    if several.is_empty():
        return Identities()
    heard: dict[str, list[datetime]] = defaultdict(list)
    for connection_id, at in several.select("connection_id", "known_at").unique().iter_rows():
        heard[connection_id].append(at)
    words = {(decision.book, decision.account_id): decision for decision in decisions}
    chains, questions = list[_Chain](), list[Question]()
    sightings = sorted(_sightings(several, institutions), key=_arrival)
    for (book, moment, _), arrived in groupby(sightings, key=lambda s: _arrival(s)[:3]):
        new, own = list(arrived), [chain for chain in chains if chain.members[0].book == book]
        for chain in own:
            chain.alive = _is_alive(chain.members[-1].connection_id, moment, heard, statuses)
        unknown = _recognise(_undecided(new, own, words), own)
        questions += [_question(sighting, pairs) for sighting, pairs in unknown if pairs]
        joined = {member for chain in own for member in chain.members}
        chains += [_Chain([sighting]) for sighting in new if sighting not in joined]
    asked = {question.account_id for question in questions}
    ids = [tuple(member.account_id for member in chain.members) for chain in chains]
    return Identities(
        chains=tuple(chain for chain in ids if len(chain) > 1),
        questions=tuple(questions),
        held=frozenset(account_id for chain in ids if chain[0] in asked for account_id in chain),
    )


def _of_several_logins(
    raw: pl.DataFrame, institutions: Mapping[str, str], decisions: Sequence[Decision]
) -> pl.DataFrame:
    """The records that matter: of institutions at which a book has several logins, and of books decided on.

    Most books have none, and years of snapshots need not be read for them.
    """
    logins = raw.select("book", "connection_id").unique()
    names = [institutions.get(login, login).casefold() for login in logins["connection_id"]]
    wanted = logins.with_columns(institution=pl.Series(names, dtype=pl.String)).filter(
        (pl.len().over("book", "institution") > 1) | pl.col("book").is_in([d.book for d in decisions])
    )
    return raw.join(wanted, on=["book", "connection_id"], how="semi")


def _arrival(sighting: _Sighting) -> tuple[str, datetime, str, str]:
    return sighting.book, sighting.first, sighting.connection_id, sighting.account_id


def _sightings(raw: pl.DataFrame, institutions: Mapping[str, str]) -> Iterable[_Sighting]:
    """One per account id, from its first record that can be read on."""
    found: dict[str, _Sighting] = {}
    columns = ("source_id", "book", "connection_id", "known_at", "payload")
    records = raw.sort("known_at", "batch_id", "seq").select(columns)
    for account_id, book, connection_id, at, payload in records.iter_rows():
        evidence = read_evidence(payload)
        if evidence is None:
            continue
        if account_id not in found:
            institution = institutions.get(connection_id, connection_id).casefold()
            found[account_id] = _Sighting(account_id, book, connection_id, institution, at)
        found[account_id].said.append((at, evidence))
    return found.values()


def _is_alive(
    connection_id: str,
    moment: datetime,
    heard: Mapping[str, Sequence[datetime]],
    statuses: Sequence[Status],
) -> bool:
    """Whether a login still answered when another one came at ``moment``."""
    known = [s.status for s in statuses if s.connection_id == connection_id and s.at <= moment]
    if known and known[-1] in ENDED:
        return False
    return any(at <= moment and moment - at <= STILL_ANSWERS for at in heard[connection_id])


def _undecided(
    new: Sequence[_Sighting], chains: Sequence[_Chain], words: Mapping[tuple[str, str], Decision]
) -> list[_Sighting]:
    """Joins what a person has joined; returns the accounts nobody has (rightly) decided on."""
    left = []
    for sighting in new:
        word = words.get((sighting.book, sighting.account_id))
        if word is not None and word.same_as is None:
            continue
        chain = next((c for c in chains if word and word.same_as in [m.account_id for m in c.members]), None)
        if chain is not None and chain.may_take(sighting):
            chain.members.append(sighting)
        else:
            left.append(sighting)
    return left


def _recognise(new: Sequence[_Sighting], chains: Sequence[_Chain]) -> list[tuple[_Sighting, list[_Pair]]]:
    """Joins what is certain; returns the other accounts, each with what it may continue."""
    pairs = [
        (sighting, chain, how)
        for sighting in new
        for chain in chains
        if chain.members[-1].institution == sighting.institution
        if (how := _how(sighting, chain)) is not None
    ]
    left = [pair for pair in pairs if pair[1].may_take(pair[0])]
    for how in (_BY_ID, _CERTAIN):
        for is_candidate in (lambda pair: True, _has_same_name):
            certain = [pair for pair in left if pair[2] == how and is_candidate(pair)]
            for sighting, chain, _ in _only_choices(certain):
                chain.members.append(sighting)
                left = [p for p in left if p[0] is not sighting and p[1].may_take(p[0])]
    joined = {member for chain in chains for member in chain.members}
    rest = [sighting for sighting in new if sighting not in joined]
    return [(sighting, [pair for pair in left if pair[0] is sighting]) for sighting in rest]


def _how(sighting: _Sighting, chain: _Chain) -> str | None:
    """Why ``sighting`` continues ``chain`` or may do so, in words; null when it is another account."""
    former, later = chain.members[-1].as_of(sighting.first), sighting.said[0][1]
    verdict = resemblance(former, later)
    if verdict == OTHER or (verdict == RENUMBERED and chain.alive):
        return None
    if verdict == SAME and former.persistent_id and later.persistent_id:
        return _BY_ID
    return _CERTAIN if verdict == SAME and not chain.alive else _UNSURE[verdict]


def _has_same_name(pair: _Pair) -> bool:
    sighting, chain, _ = pair
    return chain.members[-1].as_of(sighting.first).name == sighting.said[0][1].name


def _only_choices(pairs: Sequence[_Pair]) -> list[_Pair]:
    """Those pairs in which each is the other's only choice."""
    news, olds = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    return [pair for pair in pairs if news[pair[0]] == 1 and olds[pair[1]] == 1]


def _question(sighting: _Sighting, pairs: Sequence[_Pair]) -> Question:
    reasons = {_SEVERAL if how in (_BY_ID, _CERTAIN) else how for _, _, how in pairs}
    candidates = tuple(chain.members[0].account_id for _, chain, _ in pairs)
    return Question(sighting.account_id, candidates, "; ".join(sorted(reasons)))
