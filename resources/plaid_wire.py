"""What goes over the wire to Plaid and back: requests, the shapes of answers, errors in our words.

What belongs here: the shapes of answers, records as sent, the error envelope. What does not: calling an endpoint
(``plaid``), or what a payload means (``manna.cleaning``).
"""

import importlib
from collections.abc import Mapping
from typing import Any

import msgspec

from manna.connections import LOGIN_CODES, REVOKED_CODES, Health, moment
from manna.facts import Record, source_id
from resources.providers import (
    AccessRevokedError,
    ChangedDuringPaginationError,
    CredentialsRefusedError,
    LoginRequiredError,
    ProviderError,
    ProviderUnavailableError,
    ids_in,
)

_TRANSIENT = {"INTERNAL_SERVER_ERROR", "PLANNED_MAINTENANCE", "RATE_LIMIT", "INSTITUTION_DOWN"}
_OURS = {"INVALID_API_KEYS", "UNAUTHORIZED_ENVIRONMENT", "INVALID_PRODUCT"}
NO_SUCH_PRODUCT = {
    "PRODUCTS_NOT_SUPPORTED",
    "NO_INVESTMENT_ACCOUNTS",
    "NO_LIABILITY_ACCOUNTS",
    "NO_ACCOUNTS",
    "ADDITIONAL_CONSENT_REQUIRED",
}


HISTORIES = {
    "NOT_READY": "not_ready",
    "INITIAL_UPDATE_COMPLETE": "initial",
    "HISTORICAL_UPDATE_COMPLETE": "complete",
}
"""``transactions_update_status``; the one left out says that Plaid does not know."""


class _ErrorEnvelope(msgspec.Struct):
    error_type: str = ""
    error_code: str = ""
    error_message: str = ""
    request_id: str | None = None


class _Id(msgspec.Struct):
    """The identifying fields of any record; which one counts depends on the endpoint."""

    account_id: str | None = None
    security_id: str | None = None
    transaction_id: str | None = None
    investment_transaction_id: str | None = None


class WebhookKey(msgspec.Struct):
    """Answer to ``/webhook_verification_key/get``."""

    key: dict[str, Any]


class Accounts(msgspec.Struct):
    """Answer to ``/accounts/get``."""

    accounts: list[msgspec.Raw]
    request_id: str


class Sync(msgspec.Struct):
    """Answer to ``/transactions/sync``."""

    added: list[msgspec.Raw]
    modified: list[msgspec.Raw]
    removed: list[msgspec.Raw]
    next_cursor: str
    has_more: bool
    request_id: str
    transactions_update_status: str = ""


class _Updated(msgspec.Struct):
    last_successful_update: str | None = None


class Status(msgspec.Struct):
    """What we need of ``status`` of /item/get."""

    transactions: _Updated | None = None
    investments: _Updated | None = None


class Item(msgspec.Struct):
    """What we need of ``item`` of /item/get."""

    item_id: str | None = None
    consent_expiration_time: str | None = None
    error: _ErrorEnvelope | None = None


class ItemAnswer(msgspec.Struct):
    """Answer to ``/item/get``."""

    item: msgspec.Raw
    request_id: str
    status: msgspec.Raw = msgspec.Raw(b"null")


class Holdings(msgspec.Struct):
    """Answer to ``/investments/holdings/get``."""

    holdings: list[msgspec.Raw]
    securities: list[msgspec.Raw]
    request_id: str
    accounts: list[msgspec.Raw] = []


class _Loan(msgspec.Struct):
    margin_loan_amount: float | None = None


class Borrower(msgspec.Struct):
    """What an account that ``/investments/holdings/get`` describes has borrowed of its institution."""

    balances: _Loan = msgspec.field(default_factory=_Loan)


class InvestmentTransactions(msgspec.Struct):
    """Answer to ``/investments/transactions/get``."""

    investment_transactions: list[msgspec.Raw]
    securities: list[msgspec.Raw]
    total_investment_transactions: int
    request_id: str


class Liabilities(msgspec.Struct):
    """Answer to ``/liabilities/get``."""

    liabilities: dict[str, list[msgspec.Raw] | None]
    request_id: str


def request(endpoint: str, body: Mapping[str, Any]) -> Any:
    """The SDK's request object of an endpoint; parts of it may stay plain dictionaries."""
    module = importlib.import_module(f"plaid.model.{endpoint}_request")
    name = "".join(word.capitalize() for word in endpoint.split("_")) + "Request"
    given = {key: value for key, value in body.items() if value is not None}
    return getattr(module, name)(**given, _check_type=False)


def record(change: str, raw: msgspec.Raw, *keys: str, prefix: str = "") -> Record:
    """A record as sent, named by its ``keys`` joined by colons; ``prefix`` comes before them."""
    payload = bytes(raw).decode()
    ids = ids_in(payload, _Id)
    return Record(prefix + source_id(payload, *(getattr(ids, key) for key in keys)), change, payload)


def read(raw: msgspec.Raw, shape: Any) -> Any:
    """What we need of a part of an answer; empty where it is null or unlike itself."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except (ValueError, RecursionError):
        return shape()


def health(item: Item, status: Status) -> Health:
    """What /item/get says of a login; its data are as old as the product that was updated least lately."""
    updated = [
        moment(part.last_successful_update) for part in (status.transactions, status.investments) if part
    ]
    error = item.error or _ErrorEnvelope()
    return Health(
        error_code=error.error_code or None,
        error=error.error_message or None,
        expires_at=moment(item.consent_expiration_time),
        updated_at=min((each for each in updated if each), default=None),
    )


def succeeded(session: Mapping[str, Any]) -> bool:
    """Whether a session of Link ended well.

    ``on_success`` is deprecated and not sent to everybody; a session without results then ends in the event
    ``HANDOFF``, which Link sends when the person is led back.
    """
    events = {event.get("event_name") for event in session.get("events") or ()}
    return bool(session.get("on_success")) or "HANDOFF" in events


def translated(error: Any) -> ProviderError:
    """Plaid's error envelope as one of ours. Bodies and tokens are not repeated in the message."""
    try:
        envelope = msgspec.json.decode(error.body or b"{}", type=_ErrorEnvelope)
    except (msgspec.DecodeError, RecursionError):
        envelope = _ErrorEnvelope()
    code, status = envelope.error_code, error.status or 0
    said = f"Plaid: {code or f'HTTP {status}'}: {envelope.error_message or error.reason}"
    if code == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION":
        return ChangedDuringPaginationError(said)
    if code in LOGIN_CODES:
        return LoginRequiredError(
            f"{said} (the account holder must log in again at the institution: `manna link --repair`)", code
        )
    if code in REVOKED_CODES:
        return AccessRevokedError(f"{said}; link the institution again with `manna link`", code)
    if code == "INVALID_ACCESS_TOKEN":  # another environment's Plaid says so of every login
        return ProviderError(f"{said}; check PLAID_BASE_URL, or link the institution again", code)
    if code in _OURS:
        return CredentialsRefusedError(f"{said}; check PLAID_CLIENT_ID, PLAID_SECRET and PLAID_BASE_URL")
    if status == 429 or status >= 500 or code in _TRANSIENT:
        asked = (error.headers or {}).get("Retry-After")
        return ProviderUnavailableError(said, float(asked) if asked and asked.isdigit() else None, code)
    return ProviderError(said, code)


def is_loading(error: ProviderError) -> bool:
    """Whether Plaid merely says that it has not fetched this product yet: a new login, some minutes old."""
    return error.code == "PRODUCT_NOT_READY"


def lacks_product(error: ProviderError) -> bool:
    """Whether Plaid merely says that this login has no such accounts."""
    return error.code in NO_SUCH_PRODUCT
