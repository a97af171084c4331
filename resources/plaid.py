"""Plaid: the official SDK, asked for raw bytes.

What belongs here: one method per endpoint we use, turning Plaid's answers into :class:`Answer` records
exactly as sent (``msgspec.Raw`` keeps each record's own bytes), and its errors into ours. What does not:
what a payload means (``manna.cleaning``), or which connection is asked when (``assets``).

The SDK's models are not used for answers: 500 transactions cost 1.24 s as models and 4 ms as bytes, and
the bytes are what ``raw`` keeps anyway.
"""

import importlib
from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from typing import Any, cast

import msgspec
import urllib3
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from manna.facts import Answer, Record, source_id
from resources.providers import (
    CONNECT_SECONDS,
    READ_SECONDS,
    AccessRevokedError,
    ChangedDuringPaginationError,
    CredentialsRefusedError,
    LoginRequiredError,
    ProviderError,
    ProviderUnavailableError,
    retrying,
)

PAGE = 500
MOST_PAGES = 1000
DAYS_REQUESTED = 730
"""History asked for when an account is linked. Plaid's default is 90 days and is fixed once chosen."""

_TRANSIENT = {"INTERNAL_SERVER_ERROR", "PLANNED_MAINTENANCE", "RATE_LIMIT", "INSTITUTION_DOWN"}
_LOGIN = {"ITEM_LOGIN_REQUIRED", "PENDING_EXPIRATION", "INVALID_CREDENTIALS", "INVALID_MFA", "ITEM_LOCKED"}
_REVOKED = {"INVALID_ACCESS_TOKEN", "ITEM_NOT_FOUND", "ACCESS_NOT_GRANTED", "USER_PERMISSION_REVOKED"}
_OURS = {"INVALID_API_KEYS", "UNAUTHORIZED_ENVIRONMENT", "INVALID_PRODUCT"}
NO_SUCH_PRODUCT = {
    "PRODUCTS_NOT_SUPPORTED",
    "NO_INVESTMENT_ACCOUNTS",
    "NO_LIABILITY_ACCOUNTS",
    "NO_ACCOUNTS",
    "ADDITIONAL_CONSENT_REQUIRED",
}


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


class _Accounts(msgspec.Struct):
    accounts: list[msgspec.Raw]
    request_id: str


class _Sync(msgspec.Struct):
    added: list[msgspec.Raw]
    modified: list[msgspec.Raw]
    removed: list[msgspec.Raw]
    next_cursor: str
    has_more: bool
    request_id: str


class _Holdings(msgspec.Struct):
    holdings: list[msgspec.Raw]
    securities: list[msgspec.Raw]
    request_id: str


class _InvestmentTransactions(msgspec.Struct):
    investment_transactions: list[msgspec.Raw]
    securities: list[msgspec.Raw]
    total_investment_transactions: int
    request_id: str


class _Liabilities(msgspec.Struct):
    liabilities: dict[str, list[msgspec.Raw] | None]
    request_id: str


class Plaid:
    """One set of credentials at one Plaid environment."""

    def __init__(self, base_url: str, client_id: str, secret: str) -> None:
        self._base_url, self._client_id, self._secret = base_url, client_id, secret

    @cached_property
    def _api(self) -> Any:
        # The SDK takes 0.3 s to import and is not needed to define assets.
        import plaid
        from plaid.api import plaid_api

        configuration = plaid.Configuration(
            host=self._base_url,
            api_key={"clientId": self._client_id, "secret": self._secret, "plaidVersion": "2020-09-14"},
        )
        configuration.retries = urllib3.Retry(0)
        return plaid_api.PlaidApi(plaid.ApiClient(configuration))

    # -- what we are told ---------------------------------------------------------------------------

    def accounts(self, access_token: str) -> Answer:
        """``/accounts/get``: every account with its (cached) balances, a snapshot."""
        page = self._ask("accounts_get", _Accounts, access_token=access_token)
        records = tuple(_record("snapshot", raw, "account_id") for raw in page.accounts)
        return Answer(records, (page.request_id,), is_whole=True)

    def transactions(self, access_token: str, cursor: str | None, *, restarts: int = 5) -> Answer:
        """``/transactions/sync``: every page since ``cursor``.

        When the data changes between two pages, Plaid wants all of them asked again from the first.

        Raises:
            ChangedDuringPaginationError: it changed ``restarts`` times in a row.
        """
        again = Retrying(
            retry=retry_if_exception_type(ChangedDuringPaginationError),
            stop=stop_after_attempt(restarts),
            reraise=True,
        )
        return again(self._sync, access_token, cursor)

    def _sync(self, access_token: str, cursor: str | None) -> Answer:
        records: list[Record] = []
        request_ids: list[str] = []
        at = cursor or ""
        for _ in range(MOST_PAGES):
            page = self._ask("transactions_sync", _Sync, access_token=access_token, cursor=at, count=PAGE)
            for change in ("added", "modified", "removed"):
                records += [_record(change, raw, "transaction_id") for raw in getattr(page, change)]
            request_ids.append(page.request_id)
            at = page.next_cursor
            if not page.has_more:
                return Answer(tuple(records), tuple(request_ids), cursor, at)
        raise ProviderError(f"Plaid: more than {MOST_PAGES} pages of transactions; ask Plaid's support")

    def holdings(self, access_token: str) -> tuple[Answer, Answer]:
        """``/investments/holdings/get``: the holdings, and the securities they name."""
        page = self._ask("investments_holdings_get", _Holdings, access_token=access_token)
        holdings = tuple(_record("snapshot", raw, "account_id", "security_id") for raw in page.holdings)
        securities = tuple(_record("added", raw, "security_id") for raw in page.securities)
        return Answer(holdings, (page.request_id,), is_whole=True), Answer(securities, (page.request_id,))

    def investment_transactions(self, access_token: str, first: date, last: date) -> tuple[Answer, Answer]:
        """``/investments/transactions/get``: all of ``first`` to ``last``, and the securities they name."""
        trades: list[Record] = []
        securities: dict[str, Record] = {}
        request_ids: list[str] = []
        for _ in range(MOST_PAGES):
            page = self._ask(
                "investments_transactions_get",
                _InvestmentTransactions,
                access_token=access_token,
                start_date=first,
                end_date=last,
                options={"count": PAGE, "offset": len(trades)},
            )
            trades += [
                _record("added", raw, "investment_transaction_id") for raw in page.investment_transactions
            ]
            for raw in page.securities:
                record = _record("added", raw, "security_id")
                securities[record.source_id] = record
            request_ids.append(page.request_id)
            if len(trades) >= page.total_investment_transactions or not page.investment_transactions:
                ids = tuple(request_ids)
                return Answer(tuple(trades), ids), Answer(tuple(securities.values()), ids)
        raise ProviderError(f"Plaid: more than {MOST_PAGES} pages of investment transactions")

    def liabilities(self, access_token: str) -> Answer:
        """``/liabilities/get``: terms per account. The kind is put before the id: ``mortgage:ID``."""
        page = self._ask("liabilities_get", _Liabilities, access_token=access_token)
        records = tuple(
            _record("snapshot", raw, "account_id", prefix=f"{kind}:")
            for kind, listed in page.liabilities.items()
            for raw in listed or ()
        )
        return Answer(records, (page.request_id,), is_whole=True)

    # -- linking ------------------------------------------------------------------------------------

    def exchange(self, public_token: str) -> tuple[str, str]:
        """``/item/public_token/exchange``: (access token, item id)."""
        answer = self._ask("item_public_token_exchange", dict, public_token=public_token)
        return answer["access_token"], answer["item_id"]

    def sandbox_public_token(self, institution_id: str, products: list[str], username: str) -> str:
        """``/sandbox/public_token/create``: what a person gets from Link, without the person."""
        answer = self._ask(
            "sandbox_public_token_create",
            dict,
            institution_id=institution_id,
            initial_products=products,
            options={
                "override_username": username,
                "override_password": "pass_good",
                "transactions": {"days_requested": DAYS_REQUESTED},
            },
        )
        return str(answer["public_token"])

    def link_token(self, user: str, products: list[str]) -> tuple[str, str]:
        """``/link/token/create`` for hosted Link: (link token, the address a person opens)."""
        answer = self._ask(
            "link_token_create",
            dict,
            client_name="Manna",
            language="en",
            country_codes=["US"],
            user={"client_user_id": user},
            products=products[:1],
            additional_consented_products=products[1:],
            hosted_link={},
            transactions={"days_requested": DAYS_REQUESTED},
        )
        return answer["link_token"], answer["hosted_link_url"]

    def linked(self, link_token: str) -> list[tuple[str, str]]:
        """``/link/token/get``: (public token, institution) of each login made so far."""
        answer = self._ask("link_token_get", dict, link_token=link_token)
        return [
            (result["public_token"], (result.get("institution") or {}).get("name") or "unknown institution")
            for session in answer.get("link_sessions") or ()
            for result in (session.get("results") or {}).get("item_add_results") or ()
        ]

    # -- the call itself ----------------------------------------------------------------------------

    def _ask(self, endpoint: str, shape: Callable[..., Any], **body: Any) -> Any:
        return retrying(lambda: self._ask_once(endpoint, shape, body))

    def _ask_once(self, endpoint: str, shape: Callable[..., Any], body: Mapping[str, Any]) -> Any:
        import plaid

        try:
            response = getattr(self._api, endpoint)(
                _request(endpoint, body),
                _preload_content=False,
                _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
            content = cast(bytes, response.data)
        except plaid.ApiException as error:
            raise _translated(error) from None
        except urllib3.exceptions.HTTPError as error:
            raise ProviderUnavailableError(f"Plaid did not answer: {type(error).__name__}") from error
        try:
            return msgspec.json.decode(content.decode(), type=shape)
        except ValueError as error:  # not UTF-8, not JSON, or not of this shape
            raise ProviderUnavailableError(f"Plaid's answer to {endpoint} cannot be read: {error}") from error


def _request(endpoint: str, body: Mapping[str, Any]) -> Any:
    """The SDK's request object of an endpoint; parts of it may stay plain dictionaries."""
    module = importlib.import_module(f"plaid.model.{endpoint}_request")
    name = "".join(word.capitalize() for word in endpoint.split("_")) + "Request"
    given = {key: value for key, value in body.items() if value is not None}
    return getattr(module, name)(**given, _check_type=False)


def _record(change: str, raw: msgspec.Raw, *keys: str, prefix: str = "") -> Record:
    payload = bytes(raw).decode()
    try:
        ids = msgspec.json.decode(payload, type=_Id)
    except msgspec.DecodeError:  # kept all the same: what is wrong with it is for the contract to say
        ids = _Id()
    return Record(prefix + source_id(payload, *(getattr(ids, key) for key in keys)), change, payload)


def _translated(error: Any) -> ProviderError:
    """Plaid's error envelope as one of ours. Bodies and tokens are not repeated in the message."""
    try:
        envelope = msgspec.json.decode(error.body or b"{}", type=_ErrorEnvelope)
    except msgspec.DecodeError:
        envelope = _ErrorEnvelope()
    code, status = envelope.error_code, error.status or 0
    said = f"Plaid: {code or f'HTTP {status}'}: {envelope.error_message or error.reason}"
    if code == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION":
        return ChangedDuringPaginationError(said)
    if code in _LOGIN:
        return LoginRequiredError(f"{said} (the account holder must log in again at the institution)")
    if code in _REVOKED:
        return AccessRevokedError(f"{said}; link the institution again with `manna link`")
    if code in _OURS:
        return CredentialsRefusedError(f"{said}; check PLAID_CLIENT_ID, PLAID_SECRET and PLAID_BASE_URL")
    if status == 429 or status >= 500 or code in _TRANSIENT:
        asked = (error.headers or {}).get("Retry-After")
        return ProviderUnavailableError(said, float(asked) if asked and asked.isdigit() else None)
    return ProviderError(said, code)


def lacks_product(error: ProviderError) -> bool:
    """Whether Plaid merely says that this login has no such accounts."""
    return error.code in NO_SUCH_PRODUCT
