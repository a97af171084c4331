"""Linking: a login at a bank or broker becomes a connection of a book, its token sealed; repairing, unlinking.

What belongs here: Plaid's hosted Link as `manna link` shows it, and storing what came of it. What does not:
pulling anything through a connection (``assets.raw``).
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rich.console import Console
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from manna.connections import BROKEN, Health
from pipelines.reporting import short_ids
from resources.installation import Installation
from resources.providers import ProviderError
from resources.vault import SealedError

Result = TypeVar("Result")

PRODUCTS = ["transactions", "investments", "liabilities"]
PATIENCE_SECONDS = 30 * 60
_NAMESPACE = uuid.UUID("6f1c9c5e-4a55-4b8e-9a27-5d7a3d1f0b11")


class LinkError(Exception):
    """Linking did not come about. One line that says what to do."""


def link_hosted(manna: Installation, book: str, console: Console, *, pause: float = 2.0) -> int:
    """Shows the address of hosted Link, waits until a login was made there, and stores it.

    Raises:
        LinkError: nobody logged in within half an hour.
    """
    link_token, address = manna.plaid.link_token(book, PRODUCTS)
    logins = _shown(console, address, lambda: manna.plaid.linked(link_token), pause, "`manna link`")
    before = {row["institution"] for row in manna.ops.connections(book=book)}
    linked = sum(link_plaid(manna, book, token, institution, PRODUCTS) for token, institution in logins)
    console.print(f"{linked} login linked; `manna run nightly_close` pulls it", highlight=False)
    for institution in sorted({name for _, name in logins} & before):
        console.print(
            f"{book} has had a login at {institution} before: accounts that continue its accounts are recognised "
            "when it is pulled, see `manna accounts list`",
            soft_wrap=True,
            highlight=False,
        )
    return linked


def _shown(console: Console, address: str, look: Callable[[], Result], pause: float, again: str) -> Result:
    """Shows the address of Link and waits until ``look`` finds something there; returns that.

    Raises:
        LinkError: it found nothing within half an hour; ``again`` is the command to repeat.
    """
    console.print(
        f"Open this address and log in at the bank:\n\n  {address}\n", soft_wrap=True, highlight=False
    )
    waiting = Retrying(
        retry=retry_if_result(lambda found: not found),
        wait=wait_fixed(pause),
        stop=stop_after_delay(PATIENCE_SECONDS),
    )
    try:
        return waiting(look)
    except RetryError as error:
        raise LinkError(f"nobody logged in within half an hour; run {again} again") from error


def find_connection(manna: Installation, text: str) -> dict[str, Any]:
    """The connection whose id begins with ``text``, as `manna status` shows it.

    Raises:
        LinkError: there is none, or there are several.
    """
    rows = manna.ops.connections()
    found = [row for row in rows if row["connection_id"].startswith(text)]
    if len(found) == 1 and text:
        return found[0]
    short = short_ids([row["connection_id"] for row in rows])
    known = ", ".join(f"{short[row['connection_id']]} ({row['institution']}, {row['book']})" for row in rows)
    raise LinkError(
        f"{'several connections begin' if found else 'no connection begins'} with {text!r}; "
        f"there are: {known or 'none yet'}"
    )


def repair_hosted(
    manna: Installation, connection: Mapping[str, Any], console: Console, *, pause: float = 2.0
) -> None:
    """Shows Link in update mode for a login, waits until it was mended there, and makes it healthy.

    It stays the same login, with its cursor and its history.

    Raises:
        LinkError: it cannot be repaired, or nobody repaired it within half an hour.
    """
    name, connection_id = connection["institution"], connection["connection_id"]
    if connection["provider"] != "plaid":
        raise LinkError(f"{name} has no login to repair; `manna link --alpaca` takes the keys anew")
    if connection["status"] == "unlinked":
        raise LinkError(f"{name} was unlinked for good; link it again with `manna link`")
    token = manna.vault.open(connection["token"])
    if _health(manna, token, name).error_code is None and connection["status"] in BROKEN:
        manna.ops.connection_status(connection_id, "healthy", "it answers again", manna.settings.now())
        console.print(f"{name} answers again; nothing is to be repaired", highlight=False)
        return
    link_token, address = manna.plaid.repair_token(connection["book"], token)
    _shown(console, address, lambda: manna.plaid.finished(link_token), pause, "`manna link --repair`")
    health = _health(manna, token, name)
    if health.error_code is not None:
        raise LinkError(f"{name} still does not work: {health.error_code}: {health.error}")
    manna.ops.connection_status(connection_id, "healthy", "repaired in Link", manna.settings.now())
    console.print(f"{name} is repaired; `manna run nightly_close` pulls it", highlight=False)


def _health(manna: Installation, token: str, name: str) -> Health:
    try:
        return manna.plaid.item(token).health or Health()
    except ProviderError as error:
        if not _is_forgotten(error):
            raise
        raise LinkError(
            f"Plaid no longer knows this login at {name}; link it again with `manna link`, its accounts are "
            "recognised, then `manna unlink` the old one"
        ) from error


def unlink(manna: Installation, connection: Mapping[str, Any]) -> str:
    """Ends a connection: the login is removed at Plaid, the history stays. Returns what was done, in words.

    One whose token no key opens is ended here alone: that it cannot be used any more is why somebody unlinks it.

    Raises:
        ProviderError: Plaid refuses or does not answer; nothing has changed then.
    """
    name, connection_id = connection["institution"], connection["connection_id"]
    if connection["status"] == "unlinked":
        return f"nothing new: {name} is unlinked"
    done = f"{name} is unlinked; its history stays"
    if connection["provider"] == "plaid":
        try:
            manna.plaid.remove(manna.vault.open(connection["token"]))
        except SealedError:
            done = f"{name} is unlinked here, and its token cannot be read: end the login at Plaid's dashboard; its history stays"
        except ProviderError as error:
            if not _is_forgotten(error):
                raise
            done = f"{name} is unlinked (Plaid no longer knew it); its history stays"
    manna.ops.connection_status(connection_id, "unlinked", "by `manna unlink`", manna.settings.now())
    return done


def _is_forgotten(error: ProviderError) -> bool:
    """Whether Plaid says that there is no such login."""
    return error.code in ("ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN")


def link_plaid(
    manna: Installation, book: str, public_token: str, institution: str, products: list[str], login: str = ""
) -> int:
    """Exchanges a public token and stores the connection, its access token sealed; 1, or 0 if known."""
    access_token, item_id = manna.plaid.exchange(public_token)
    return int(
        manna.ops.add_connection(
            {
                "connection_id": str(uuid.uuid5(_NAMESPACE, f"plaid {item_id}")),
                "book": book,
                "provider": "plaid",
                "institution": institution,
                "external_id": item_id,
                "products": {**dict.fromkeys(products, True), **({"login": login} if login else {})},
                "token": manna.vault.seal(access_token),
                "linked_at": manna.settings.now(),
            }
        )
    )


def link_alpaca(manna: Installation, book: str) -> int:
    """Stores the brokerage account of ``ALPACA_API_KEY`` as a connection of ``book``; 1, or 0 if known.

    The account is asked for its id first, so that wrong keys are refused here and an account is never
    linked twice.
    """
    settings = manna.settings
    if settings.alpaca_key_id is None or settings.alpaca_secret_key is None:
        raise LinkError("set ALPACA_API_KEY and ALPACA_SECRET_KEY in .env first")
    token = f"{settings.alpaca_key_id.get_secret_value()}:{settings.alpaca_secret_key.get_secret_value()}"
    account_id = manna.alpaca(token).account().records[0].source_id
    return int(
        manna.ops.add_connection(
            {
                "connection_id": str(uuid.uuid5(_NAMESPACE, f"alpaca {account_id}")),
                "book": book,
                "provider": "alpaca",
                "institution": "Alpaca",
                "external_id": account_id,
                "products": {},
                "token": manna.vault.seal(token),
                "linked_at": settings.now(),
            }
        )
    )
