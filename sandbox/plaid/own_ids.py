"""The ids an Item gives to a login's accounts and rows: its own, once a former Item has ended.

Plaid makes new ids whenever a login is linked anew. The people of the sandbox have one id for each account and
row; the first Item of a login shows them as they are, and a later one (linked when a former one was removed,
or its login broken) shows others that derive from them. Here belongs that translation, both ways.
"""

from typing import Any

from sandbox.people.model import Json, Login, plaid_id

_NAMES = frozenset({
    "account_id", "transaction_id", "pending_transaction_id", "investment_transaction_id",
})  # fmt: skip


def own_id(generation: int, original: str) -> str:
    """How an Item of this generation (0: the first) calls what the login calls `original`."""
    return plaid_id("linked", generation, original) if generation else original


def as_asked(body: Json, generation: int, login: Login | None) -> Json:
    """A request about an Item, its account ids as the login knows them; unknown ones are left."""
    if not generation or login is None:
        return body
    pairs = [(own_id(generation, account.account_id), account.account_id) for account in login.accounts]
    known = dict(pairs) | {
        original: own for own, original in pairs
    }  # those of a former Item are strange to it
    return {name: _replaced(each, known) for name, each in body.items()}


def as_told(answer: Json, generation: int) -> Json:
    """An answer about an Item under that Item's own ids."""
    if not generation:
        return answer
    renamed: Json = _renamed(answer, generation)
    return renamed


def _renamed(value: Any, generation: int) -> Any:
    if isinstance(value, list):
        return [_renamed(each, generation) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: own_id(generation, each)
        if name in _NAMES and isinstance(each, str)
        else _renamed(each, generation)
        for name, each in value.items()
    }


def _replaced(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_replaced(each, known) for each in value]
    if isinstance(value, dict):
        return {name: _replaced(each, known) for name, each in value.items()}
    return known.get(value, value) if isinstance(value, str) else value
