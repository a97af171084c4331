"""What Plaid remembers: Items, their tokens, and whose login each one is.

Here belongs the state behind the endpoints, kept in `sandbox.state` so that a restarted sandbox still knows
its Items. What the endpoints answer belongs to `items`, `link`, `sync`, `products` and `webhooks`.
"""

import hashlib
import hmac
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from sandbox.faults import FaultStore
from sandbox.market import Market
from sandbox.people.model import Login, Person, plaid_id
from sandbox.plaid.wire import (
    Call,
    Json,
    PlaidError,
    invalid_field,
    login_required,
    number,
    permission_revoked,
    utc,
)
from sandbox.state import State

PRODUCTS = ("transactions", "investments", "liabilities")
PUBLIC_TOKEN_LIFE = timedelta(minutes=30)
CONSENT = timedelta(days=365)
INITIAL = timedelta(days=30)  # of transactions, given before the rest of the history is loaded
HISTORIES = ("not_ready", "initial", "complete")
DEFAULT_DAYS, MAXIMUM_DAYS = 90, 730  # of transaction history, when an Item is created


@dataclass(frozen=True)
class Item:
    """A linked login.

    `first_day` is where its transaction history begins (None: not initialised yet), `history` how much of it
    the bank has given so far. What befalls it: `login_required`, `revoked`, `expires_at` (the end of the
    consent), `stale_since` (the bank gives nothing new, old data are still served), `hidden` (accounts that are
    no longer listed). Update mode mends them all.

    `generation`: how many Items of the same login had ended before it; see `own_ids`.
    """

    item_id: str
    access_token: str
    username: str
    products: list[str]
    created_at: str
    webhook: str | None = None
    first_day: str | None = None
    login_required: bool = False
    last_webhook: Json | None = field(default=None)
    history: str = "complete"
    expires_at: str | None = None
    revoked: bool = False
    stale_since: str | None = None
    hidden: list[str] = field(default_factory=list)
    generation: int = 0

    def mended(self, now: datetime) -> "Item":
        """As it is after update mode: a consent that ends is given for another year."""
        until = utc(now + CONSENT) if self.expires_at else None
        return replace(
            self, login_required=False, revoked=False, stale_since=None, hidden=[], expires_at=until
        )

    def told_from(self) -> str:
        """The first day of the transactions that Plaid has by now: `first_day`, or that of the last month."""
        if self.history == "complete":
            return self.first_day or ""
        recent = datetime.fromisoformat(self.created_at).date() - INITIAL
        return max(self.first_day or "", recent.isoformat())


class PlaidWorld:
    """Everything the endpoints share.

    `credentials` holds `plaid_client_id` and `plaid_secret`; every request must bring the same ones. Tokens
    derive from the secret and from how many there were before, so they cannot be guessed without it.
    """

    def __init__(
        self, state: State, people: Sequence[Person], credentials: Mapping[str, str], market: Market
    ) -> None:
        self.state = state
        self.people = tuple(people)
        self.credentials = credentials
        self.market = market
        self.faults = FaultStore(state)
        self._logins = {login.username: (person, login) for person in people for login in person.logins}
        self.passes: dict[tuple[Any, ...], list[Any]] = {}  # the changes that the last pass pages through
        # Counted per start, so that a request id never comes twice and no request has to write.
        self._starts = self.next_number("starts")
        self._requests = count(1)

    def now(self) -> datetime:
        """The present instant of the sandbox (UTC)."""
        return self.state.now()

    def next_request_id(self) -> str:
        """The identifier of the next response."""
        return plaid_id("request", self.state.seed, self._starts, next(self._requests))[:15]

    def next_number(self, series: str) -> int:
        """1, 2, 3, ... kept across restarts."""
        with self.state.transaction():
            document = self.state.get("plaid/numbers") or {}
            document[series] = document.get(series, 0) + 1
            self.state.put("plaid/numbers", document)
        return int(document[series])

    def token(self, kind: str) -> str:
        """A new token, such as `access-sandbox-2f0c...`."""
        name = f"{kind}/{self.state.seed}/{self.next_number(kind)}"
        digest = hmac.digest(self.credentials["plaid_secret"].encode(), name.encode(), hashlib.sha256)
        return f"{kind}-sandbox-{uuid.UUID(bytes=digest[:16], version=4)}"

    # logins -------------------------------------------------------------------------------------------

    def logins(self) -> list[Login]:
        """Every login of every person, in order."""
        return [login for _, login in self._logins.values()]

    def login(self, username: str) -> Login | None:
        """The login of a username, its bank told everything up to now; None when there is none."""
        found = self._logins.get(username)
        if found is None:
            return None
        person, login = found
        person.advance(self.now())
        return login

    def person_of(self, login: Login) -> Person:
        """Whose login it is."""
        return self._logins[login.username][0]

    # items --------------------------------------------------------------------------------------------

    def create_item(self, login: Login, products: list[str], webhook: str | None, days: int) -> Item:
        """Link `login`. Raises PlaidError when it cannot serve one of `products`."""
        for product in products:
            check_product(login, product)
        with self.state.transaction():
            item = Item(
                item_id=plaid_id("item", self.state.seed, self.next_number("items")),
                access_token=self.token("access"),
                username=login.username,
                products=sorted(set(products)),
                created_at=utc(self.now()),
                webhook=webhook,
                generation=self._ended(login.username),
                history=(self.state.get("plaid/new_items") or {"history": "complete"})["history"],
            )
            if "transactions" in products:
                item = self.initialise_transactions(item, days)
            self.save(item)
        return item

    def _ended(self, username: str) -> int:
        """How many Items of a login were removed, or broke."""
        removed = [document for _, document in self.state.items("plaid/removed/")]
        broken = [document for _, document in self.state.items("plaid/item/") if document["login_required"]]
        return sum(document.get("username") == username for document in removed + broken)

    def initialise_transactions(self, item: Item, days: int) -> Item:
        """The Item with its history beginning `days` before today."""
        return replace(item, first_day=(self.now().date() - timedelta(days=days)).isoformat())

    def save(self, item: Item) -> None:
        """Remember the Item as it is now."""
        self.state.put(f"plaid/item/{item.item_id}", asdict(item))

    def forget(self, item: Item) -> None:
        """Remember only that the Item was removed."""
        with self.state.transaction():
            self.state.delete(f"plaid/item/{item.item_id}")
            known = {"access_token": item.access_token, "username": item.username}
            self.state.put(f"plaid/removed/{item.item_id}", known)

    def item_of_id(self, item_id: str) -> Item | None:
        """The Item of an id, or None."""
        document = self.state.get(f"plaid/item/{item_id}")
        return None if document is None else Item(**document)

    def item(self, access_token: str) -> Item:
        """The Item of an access token. Raises PlaidError when there is none, or no longer."""
        given = access_token.encode()
        for _, document in self.state.items("plaid/item/"):
            if hmac.compare_digest(given, document["access_token"].encode()):
                return Item(**document)
        for _, document in self.state.items("plaid/removed/"):
            if hmac.compare_digest(given, document["access_token"].encode()):
                raise PlaidError(
                    "ITEM_ERROR",
                    "ITEM_NOT_FOUND",
                    "The Item you requested cannot be found. This Item does not exist, has been previously removed"
                    " via /item/remove, or has had access removed by the user.",
                )
        raise PlaidError(
            "INVALID_INPUT",
            "INVALID_ACCESS_TOKEN",
            "could not find matching access token" if access_token.startswith("access-sandbox-")
            else "provided access token is in an invalid format. expected format: access-<environment>-<identifier>",
        )  # fmt: skip

    def item_asked_about(self, body: Json) -> Item | None:
        """The Item whose access token a request holds, if there is one."""
        token = body.get("access_token")
        try:
            return self.item(token) if isinstance(token, str) and token else None
        except PlaidError:
            return None

    def open_item(self, call: Call, product: str | None = None) -> tuple[Item, Login]:
        """The Item a request is about, and its login, for an endpoint that reads the bank's data.

        Raises PlaidError when the token is wrong, the Item needs a new login (or the fault says so), or the
        login has no account of `product`; a product not asked for at linking is added to the Item.
        """
        item = self.item(call.text("access_token"))
        login = self.login(item.username)
        if login is None or item.login_required or self.faults.take(call.path, ["login_required"]):
            raise login_required()
        if item.revoked:
            raise permission_revoked()
        if product is not None:
            check_product(login, product)
            if product not in item.products:
                item = replace(item, products=sorted({*item.products, product}))
                self.save(item)
        return item, login

    # public tokens ------------------------------------------------------------------------------------

    def issue_public_token(self, item: Item) -> str:
        """A token that can be exchanged once, within half an hour, for the Item's access token."""
        token = self.token("public")
        self.state.put(f"plaid/public/{token}", {"item_id": item.item_id, "issued": self.now().isoformat()})
        return token

    def redeem_public_token(self, token: str) -> Item:
        """The Item of a public token, which is used up. Raises PlaidError when it is unknown, used or expired."""
        with self.state.transaction():
            document = self.state.get(f"plaid/public/{token}")
            item = self.item_of_id(document["item_id"]) if document else None
            if document is None or item is None:
                raise PlaidError(
                    "INVALID_INPUT", "INVALID_PUBLIC_TOKEN", "could not find matching public token"
                )
            if self.now() - datetime.fromisoformat(document["issued"]) > PUBLIC_TOKEN_LIFE:
                raise PlaidError(
                    "INVALID_INPUT",
                    "INVALID_PUBLIC_TOKEN",
                    "provided public token is expired. Public tokens expire 30 minutes after creation at which point they can no longer be exchanged",
                )
            self.state.delete(f"plaid/public/{token}")
        return item


def check_product(login: Login, product: str) -> None:
    """Raise PlaidError when `login` has no account that `product` is about."""
    if product in login.products:
        return
    without_accounts = {
        "investments": ("NO_INVESTMENT_ACCOUNTS", "no valid investment account(s) found for this item"),
        "liabilities": ("NO_LIABILITY_ACCOUNTS", "no valid liability account(s) found for this item"),
    }
    if product in without_accounts:
        raise PlaidError("ITEM_ERROR", *without_accounts[product])
    raise PlaidError(
        "ITEM_ERROR",
        "PRODUCTS_NOT_SUPPORTED",
        f"the following products are not supported by this institution: [{product!r}]",
    )


def history_days(options: Json, today: date) -> int:
    """Days of history asked for by `transactions` options: `days_requested`, or back to `start_date`."""
    if options.get("start_date") is not None:
        try:
            first = date.fromisoformat(str(options["start_date"]))
        except ValueError:
            raise invalid_field("start_date must be a date in the format YYYY-MM-DD") from None
        return max(1, min(MAXIMUM_DAYS, (today - first).days))
    return number(options, "days_requested", DEFAULT_DAYS, 1, MAXIMUM_DAYS)
