"""Linking: a login at a bank or broker becomes a connection of a book, its token sealed.

What belongs here: Plaid's hosted Link as `manna link` shows it, and storing what came of it. What does not:
pulling anything through a connection (``assets.raw``).
"""

import uuid

from rich.console import Console
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from resources.installation import Installation

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
    console.print(
        f"Open this address and log in at the bank:\n\n  {address}\n", soft_wrap=True, highlight=False
    )
    waiting = Retrying(
        retry=retry_if_result(lambda logins: not logins),
        wait=wait_fixed(pause),
        stop=stop_after_delay(PATIENCE_SECONDS),
    )
    try:
        logins = waiting(manna.plaid.linked, link_token)
    except RetryError as error:
        raise LinkError("nobody logged in within half an hour; run `manna link` again") from error
    linked = sum(link_plaid(manna, book, token, institution, PRODUCTS) for token, institution in logins)
    console.print(f"{linked} login linked; `manna run nightly_close` pulls it", highlight=False)
    return linked


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
