"""Plaid: the official SDK, asked for raw bytes.

What belongs here: one method per endpoint we use, turning Plaid's answers into :class:`Answer` records
exactly as sent (``msgspec.Raw`` keeps each record's own bytes). What does not:
the wire itself (``plaid_wire``), what a payload means (``manna.cleaning``), or which connection is asked when (``assets``).

The SDK's models are not used for answers: 500 transactions cost 1.24 s as models and 4 ms as bytes, and
the bytes are what ``raw`` keeps anyway.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, cast

import msgspec
import urllib3
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from manna.facts import MARGIN, Answer, Record, source_id
from resources import plaid_wire as wire
from resources.providers import (
    CONNECT_SECONDS,
    READ_SECONDS,
    ChangedDuringPaginationError,
    ProviderError,
    ProviderUnavailableError,
    require_same_time,
    retrying,
)

PAGE = 500
MOST_PAGES = 1000
DAYS_REQUESTED = 730
"""History asked for when an account is linked. Plaid's default is 90 days and is fixed once chosen."""


class Plaid:
    """One set of credentials at one Plaid environment."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        secret: str,
        webhook: str | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        """``webhook``: where Plaid is to send the webhooks of logins that are linked from now on; ``now``: the clock that
        Plaid's is held against (without it none is)."""
        self._base_url, self._client_id, self._secret = base_url, client_id, secret
        self._webhook, self._now = webhook, now

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
        page = self._ask("accounts_get", wire.Accounts, access_token=access_token)
        records = tuple(wire.record("snapshot", raw, "account_id") for raw in page.accounts)
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
            page = self._ask("transactions_sync", wire.Sync, access_token=access_token, cursor=at, count=PAGE)
            for change in ("added", "modified", "removed"):
                records += [wire.record(change, raw, "transaction_id") for raw in getattr(page, change)]
            request_ids.append(page.request_id)
            at = page.next_cursor
            if not page.has_more:
                history = wire.HISTORIES.get(page.transactions_update_status)
                return Answer(tuple(records), tuple(request_ids), cursor, at, history)
        raise ProviderError(f"Plaid: more than {MOST_PAGES} pages of transactions; ask Plaid's support")

    def holdings(self, access_token: str) -> tuple[Answer, Answer]:
        """``/investments/holdings/get``: the holdings and the margin loans, and the securities they name.

        Only here does Plaid state what an account has borrowed of its institution; no other answer repeats it.
        """
        page = self._ask("investments_holdings_get", wire.Holdings, access_token=access_token)
        holdings = tuple(wire.record("snapshot", raw, "account_id", "security_id") for raw in page.holdings)
        loans = tuple(
            wire.record("snapshot", raw, "account_id", prefix=MARGIN)
            for raw in page.accounts
            if wire.read(raw, wire.Borrower).balances.margin_loan_amount
        )
        securities = tuple(wire.record("added", raw, "security_id") for raw in page.securities)
        return Answer(holdings + loans, (page.request_id,), is_whole=True), Answer(
            securities, (page.request_id,)
        )

    def investment_transactions(self, access_token: str, first: date, last: date) -> tuple[Answer, Answer]:
        """``/investments/transactions/get``: all of ``first`` to ``last``, and the securities they name."""
        trades: list[Record] = []
        securities: dict[str, Record] = {}
        request_ids: list[str] = []
        for _ in range(MOST_PAGES):
            page = self._ask(
                "investments_transactions_get",
                wire.InvestmentTransactions,
                access_token=access_token,
                start_date=first,
                end_date=last,
                options={"count": PAGE, "offset": len(trades)},
            )
            trades += [
                wire.record("added", raw, "investment_transaction_id") for raw in page.investment_transactions
            ]
            for raw in page.securities:
                record = wire.record("added", raw, "security_id")
                securities[record.source_id] = record
            request_ids.append(page.request_id)
            if len(trades) >= page.total_investment_transactions or not page.investment_transactions:
                ids = tuple(request_ids)
                return Answer(tuple(trades), ids), Answer(tuple(securities.values()), ids)
        raise ProviderError(f"Plaid: more than {MOST_PAGES} pages of investment transactions")

    def liabilities(self, access_token: str) -> Answer:
        """``/liabilities/get``: terms per account. The kind is put before the id: ``mortgage:ID``."""
        page = self._ask("liabilities_get", wire.Liabilities, access_token=access_token)
        records = tuple(
            wire.record("snapshot", raw, "account_id", prefix=f"{kind}:")
            for kind, listed in page.liabilities.items()
            for raw in listed or ()
        )
        return Answer(records, (page.request_id,), is_whole=True)

    def item(self, access_token: str) -> Answer:
        """``/item/get``: how the login itself fares, as two records: ``ITEM`` and ``ITEM:status``."""
        page = self._ask("item_get", wire.ItemAnswer, access_token=access_token)
        item, status = wire.read(page.item, wire.Item), wire.read(page.status, wire.Status)
        payload = bytes(page.item).decode()
        name = source_id(payload, item.item_id)
        told = Record(f"{name}:status", "snapshot", bytes(page.status).decode())
        records = (Record(name, "snapshot", payload), told)
        return Answer(records, (page.request_id,), health=wire.health(item, status))

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
        return self._link_token(
            user,
            products=products[:1],
            additional_consented_products=products[1:],
            transactions={"days_requested": DAYS_REQUESTED},
        )

    def repair_token(self, user: str, access_token: str) -> tuple[str, str]:
        """The same for Link's update mode: the login stays the one it is, and its accounts may be chosen anew."""
        return self._link_token(user, access_token=access_token, update={"account_selection_enabled": True})

    def _link_token(self, user: str, **more: Any) -> tuple[str, str]:
        answer = self._ask(
            "link_token_create",
            dict,
            client_name="Manna",
            language="en",
            country_codes=["US"],
            user={"client_user_id": user},
            hosted_link={},
            webhook=self._webhook,
            **more,
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

    def finished(self, link_token: str) -> bool:
        """``/link/token/get``: whether a person came to the end of Link; in update mode no token tells it."""
        answer = self._ask("link_token_get", dict, link_token=link_token)
        return any(wire.succeeded(session) for session in answer.get("link_sessions") or ())

    def remove(self, access_token: str) -> None:
        """``/item/remove``: Plaid forgets the login; its access token is of no use afterwards."""
        self._ask("item_remove", dict, access_token=access_token)

    # -- webhooks -----------------------------------------------------------------------------------

    def webhook_key(self, key_id: str) -> dict[str, Any]:
        """``/webhook_verification_key/get``: the public key (a JWK) of webhooks signed with ``key_id``.

        Asked once and not again: whoever sends a webhook waits for the answer, and sends it again.
        """
        answer = self._ask_once("webhook_verification_key_get", wire.WebhookKey, {"key_id": key_id})
        return dict(answer.key)

    def send_webhooks_to(self, access_token: str, url: str) -> None:
        """``/item/webhook/update``: where the webhooks of a login go from now on."""
        self._ask("item_webhook_update", dict, access_token=access_token, webhook=url)

    # -- the call itself ----------------------------------------------------------------------------

    def _ask(self, endpoint: str, shape: Callable[..., Any], **body: Any) -> Any:
        return retrying(lambda: self._ask_once(endpoint, shape, body))

    def _ask_once(self, endpoint: str, shape: Callable[..., Any], body: Mapping[str, Any]) -> Any:
        import plaid

        try:
            response = getattr(self._api, endpoint)(
                wire.request(endpoint, body),
                _preload_content=False,
                _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
            content = cast(bytes, response.data)
        except plaid.ApiException as error:
            raise wire.translated(error) from None
        except urllib3.exceptions.HTTPError as error:
            raise ProviderUnavailableError(f"Plaid did not answer: {type(error).__name__}") from error
        if self._now is not None:
            require_same_time("Plaid", response.headers.get("Date"), self._now())
        try:
            return msgspec.json.decode(content.decode(), type=shape)
        except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or not of this shape
            raise ProviderUnavailableError(f"Plaid's answer to {endpoint} cannot be read: {error}") from error
