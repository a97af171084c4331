"""A bank small enough to be believed at sight, which answers the product's own client for Plaid.

What belongs here: what a bank does to its rows, how it tells them in pages, and what goes wrong on the way.
What does not: what ought to come of it (``notebook``), or who asks when (``histories``).
"""

import copy
import json
import random
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from resources.plaid import Plaid
from resources.providers import ChangedDuringPaginationError, LoginRequiredError, ProviderUnavailableError

Row = dict[str, Any]
FIRST_DAY = date(2026, 1, 1)
WORKS, BREAKS_OFF, IS_LOST, WANTS_A_LOGIN, GROWS = "works", "breaks off", "is lost", "wants a login", "grows"
TROUBLES = (WORKS, WORKS, WORKS, BREAKS_OFF, IS_LOST, GROWS, WANTS_A_LOGIN)
"""What becomes of one request: an answer; none; one that never arrives; or one after which the bank has news."""


class Login:
    """One login at the bank: a feed of changes that only grows, and what its accounts hold now.

    ``said`` is what the last pass over the feed has said so far: (change, row) in the order of the pages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.feed: list[tuple[str, Row]] = []
        self.said: list[tuple[str, Row]] = []
        self.accounts = {f"{name}-a{n}": 100 * n for n in range(3)}
        self.closed: set[str] = set()
        self.held = {(f"{name}-a0", "s0"): 5, (f"{name}-a1", "s1"): 7}
        self.trades: dict[str, Row] = {}
        self.careless = False
        self.page_size = 3
        self.troubles: list[str] = []
        self._count = 0

    # -- what happens at the bank ------------------------------------------------------------------

    def rows(self, upto: int | None = None) -> dict[str, Row]:
        """The rows there are, once the first ``upto`` changes have happened (null: now)."""
        alive: dict[str, Row] = {}
        for change, row in self.feed[:upto]:
            if change == "removed":
                alive.pop(row["transaction_id"], None)
            else:
                alive[row["transaction_id"]] = row
        return alive

    def happen(self, what: str, which: int, cents: int) -> None:
        """One of ``HAPPENINGS`` to the row (account, holding) number ``which``, with ``cents`` as the news."""
        HAPPENINGS[what](self, which, cents)

    def new_id(self, kind: str = "t") -> str:
        self._count += 1
        return f"{self.name}-{kind}{self._count}"

    def post(self, which: int, cents: int, **more: Any) -> Row:
        """A new row; ``which`` also sets how late the bank books it."""
        row = {
            "transaction_id": self.new_id(),
            "account_id": f"{self.name}-a{which % 2}",
            "amount": cents / 100,
            "iso_currency_code": "USD",
            "date": str(FIRST_DAY + timedelta(days=30 - which)),
            "name": f"SHOP {which % 3}",
            "pending": False,
            "pending_transaction_id": None,
        } | more
        self.feed.append(("added", row))
        return row

    def pick(self, which: int, cents: int, *, pending: bool = False) -> Row:
        """A row there is, or a new one when there is none."""
        alive = [row for row in self.rows().values() if row["pending"] or not pending]
        return copy.deepcopy(alive[which % len(alive)]) if alive else self.post(which, cents, pending=pending)

    def change(self, row: Row, **news: Any) -> None:
        self.feed.append(("modified", row | news))

    def remove(self, name: str) -> None:
        self.feed.append(("removed", {"transaction_id": name}))

    # -- what it tells -----------------------------------------------------------------------------

    def sync(self, cursor: str) -> Row:
        """One page. A cursor is a place in the feed; within a pass it also says how long the feed then was."""
        since, _, length = cursor.partition("/")
        start = int(since or 0)
        if length and int(length) != len(self.feed):
            raise ChangedDuringPaginationError("Plaid: TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")
        if not length:
            self.said = []
        end = min(start + self.page_size, len(self.feed))
        known, last = self.rows(start), {row["transaction_id"]: (c, row) for c, row in self.feed[start:end]}
        page: dict[str, list[Row]] = {"added": [], "modified": [], "removed": []}
        for name, (change, row) in last.items():
            kind = change if change == "removed" else "modified" if name in known else "added"
            if kind == "removed" and name not in known and not self.careless:
                continue  # it came and went within the page
            page[kind].append(row)
            if self.careless and kind == "added":  # says it twice
                page["modified"].append(row)
        self.said += [(kind, row) for kind, rows in page.items() for row in rows]
        more = end < len(self.feed)
        following = f"{end}/{len(self.feed)}" if more else str(end)
        return page | {"next_cursor": following, "has_more": more}

    def told_accounts(self) -> list[Row]:
        """``/accounts/get``: those that are open."""
        return [
            {
                "account_id": name,
                "name": name,
                "type": "depository",
                "persistent_account_id": f"{name.rpartition('-')[2]} for ever",
                "balances": {"current": cents / 100, "iso_currency_code": "USD"},
            }
            for name, cents in self.accounts.items()
            if name not in self.closed
        ]

    def told_holdings(self) -> list[Row]:
        """``/investments/holdings/get``: what is held now."""
        return [
            {
                "account_id": account,
                "security_id": security,
                "quantity": quantity,
                "institution_price": 2,
                "institution_value": 2 * quantity,
                "iso_currency_code": "USD",
            }
            for (account, security), quantity in self.held.items()
            if quantity
        ]


def _settle(login: Login, which: int, cents: int) -> None:
    """A pending row posts, with a tip; its removal comes before, after, or never."""
    pending = login.pick(which, cents, pending=True)
    order = cents % 3
    if order == 0:
        login.remove(pending["transaction_id"])
    tipped = round((pending["amount"] or 0) + which / 100, 2)
    link = {"pending_transaction_id": pending["transaction_id"], "pending": False, "amount": tipped}
    login.feed.append(("added", pending | link | {"transaction_id": login.new_id()}))
    if order == 1:
        login.remove(pending["transaction_id"])


def _relabel(login: Login, which: int, cents: int) -> None:
    """The bank gives a row another id."""
    row = login.pick(which, cents)
    login.remove(row["transaction_id"])
    login.feed.append(("added", row | {"transaction_id": login.new_id()}))


def _restore(login: Login, which: int, cents: int) -> None:
    """A row that was taken back is there again, as it was."""
    alive = login.rows()
    gone = [row for change, row in login.feed if change != "removed" and row["transaction_id"] not in alive]
    if gone:
        login.feed.append(("added", gone[which % len(gone)]))


def _twin(login: Login, which: int, cents: int) -> None:
    """The same purchase once more: equal in all but the id."""
    row = login.pick(which, cents)
    login.feed.append(("added", row | {"transaction_id": login.new_id()}))


def _trade(login: Login, which: int, cents: int) -> None:
    """A new investment transaction, or a correction of one."""
    name = f"{login.name}-i{which % 4}"
    login.trades[name] = {
        "investment_transaction_id": name,
        "account_id": f"{login.name}-a{which % 2}",
        "security_id": f"s{which % 3}",
        "date": str(FIRST_DAY + timedelta(days=which)),
        "name": "BUY",
        "quantity": 1 + cents % 3,
        "price": 2,
        "amount": cents / 100,
        "fees": 0,
        "type": "buy",
        "subtype": "buy",
        "iso_currency_code": "USD",
    }


def _open_or_close(login: Login, which: int, _: int) -> None:
    login.closed ^= {f"{login.name}-a{which % 3}"}


def _balance(login: Login, which: int, cents: int) -> None:
    login.accounts[f"{login.name}-a{which % 3}"] = cents


def _hold(login: Login, which: int, cents: int) -> None:
    """A position is bought, or sold to the last share."""
    login.held[f"{login.name}-a{which % 2}", f"s{which % 3}"] = cents % 3


BANKING: dict[str, Callable[[Login, int, int], Any]] = {
    "post": Login.post,
    "pend": lambda login, which, cents: login.post(which, cents, pending=True),
    "settle": _settle,
    "twin": _twin,
    "relabel": _relabel,
    "restore": _restore,
    "amount": lambda login, which, cents: login.change(login.pick(which, cents), amount=-cents / 100),
    "day": lambda login, which, cents: login.change(
        login.pick(which, cents), date=str(FIRST_DAY + timedelta(days=cents % 300))
    ),
    "account": lambda login, which, cents: login.change(
        login.pick(which, cents), account_id=f"{login.name}-a{cents % 2}"
    ),
    "garble": lambda login, which, cents: login.change(login.pick(which, cents), amount=None),
    "remove": lambda login, which, cents: login.remove(login.pick(which, cents)["transaction_id"]),
    "remove unknown": lambda login, which, cents: login.remove(f"{login.name}-never"),
}
"""What happens to bank rows."""

HOLDING: dict[str, Callable[[Login, int, int], Any]] = {
    "trade": _trade,
    "balance": _balance,
    "open or close": _open_or_close,
    "hold": _hold,
}
"""What happens to accounts, positions and trades."""

HAPPENINGS = BANKING | HOLDING


def linked_anew(former: Login, name: str, dice: random.Random) -> Login:
    """Another login at the same bank: the same accounts and rows, all under new ids, told in another order."""
    login, rows = Login(name), list(former.rows().values())
    dice.shuffle(rows)
    login.accounts = {
        f"{name}-{account.rpartition('-')[2]}": cents for account, cents in former.accounts.items()
    }
    for row in rows:
        account = f"{name}-{row['account_id'].rpartition('-')[2]}"
        ids = {"transaction_id": login.new_id(), "account_id": account, "pending_transaction_id": None}
        login.feed.append(("added", row | ids))
    return login


class ModelPlaid(Plaid):
    """The product's client, its requests answered by logins (by token) instead of over HTTP."""

    def __init__(self, logins: Mapping[str, Login]) -> None:
        super().__init__("http://model", "id", "secret")
        self.logins = logins

    def _ask_once(self, endpoint: str, shape: Callable[..., Any], body: Mapping[str, Any]) -> Any:
        login = self.logins[body["access_token"]]
        trouble = login.troubles.pop(0) if login.troubles else WORKS
        if trouble == BREAKS_OFF:
            raise ProviderUnavailableError("Plaid did not answer: MaxRetryError")
        if trouble == WANTS_A_LOGIN:
            raise LoginRequiredError("Plaid: ITEM_LOGIN_REQUIRED")
        answer = _ENDPOINTS[endpoint](login, body)
        if trouble == IS_LOST:
            raise ProviderUnavailableError("Plaid did not answer: ReadTimeoutError")
        if trouble == GROWS:
            login.post(len(login.feed), 1)
        return msgspec.json.decode(json.dumps(answer | {"request_id": "r"}).encode(), type=shape)


def _trades(login: Login, body: Mapping[str, Any]) -> Row:
    """A window of days, in pages by offset."""
    first, last, at = body["start_date"], body["end_date"], body["options"]["offset"]
    within = [t for t in login.trades.values() if str(first) <= t["date"] <= str(last)]
    return {
        "investment_transactions": within[at : at + login.page_size],
        "securities": [],
        "total_investment_transactions": len(within),
    }


_ENDPOINTS: dict[str, Callable[[Login, Mapping[str, Any]], Row]] = {
    "transactions_sync": lambda login, body: (
        login.sync(body.get("cursor") or "") | {"transactions_update_status": "HISTORICAL_UPDATE_COMPLETE"}
    ),
    "item_get": lambda login, _: {"item": {"item_id": login.name}, "status": None},
    "accounts_get": lambda login, _: {"accounts": login.told_accounts()},
    "investments_holdings_get": lambda login, _: {"holdings": login.told_holdings(), "securities": []},
    "investments_transactions_get": _trades,
}
