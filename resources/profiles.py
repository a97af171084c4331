"""What each profile refuses: development nothing, staging carelessness, production also everything that is a test.

What belongs here: rules that depend on the profile. What does not: the settings and whether one by itself can be used
(``resources.settings``), or what is merely worth a warning (`manna doctor`).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from resources.settings import Settings

LOCAL = ("127.0.0.1", "localhost", "::1")


def problems(settings: "Settings") -> list[str]:
    """Everything that the settings' profile refuses, each naming its variable and what to do; empty where all is well."""
    match settings.profile:
        case "staging":
            return [*_careless(settings), *_rehearsal(settings)]
        case "production":
            return [*_careless(settings), *_pretended(settings)]
    return []


def _careless(settings: "Settings") -> Iterator[str]:
    profile = settings.profile
    if settings.key is None:
        yield f"MANNA_KEY: {profile} needs a key of its own; `manna key` makes one"
    if settings.data_dir.is_dir() and settings.data_dir.stat().st_mode & 0o006:
        mode = "711" if settings.group_reads else "700"
        yield (
            f"MANNA_DATA_DIR: everybody on this machine may read {settings.data_dir}; `chmod {mode} {settings.data_dir}`"
        )


def _rehearsal(settings: "Settings") -> Iterator[str]:
    if settings.live_trading:
        yield "MANNA_LIVE_TRADING: real money is traded in production only; take it out"


def _pretended(settings: "Settings") -> Iterator[str]:
    if settings.fixed_now is not None:
        yield "MANNA_NOW: production goes by the real clock; take it out"
    if settings.plaid_client_id is None and settings.alpaca_key_id is None:
        yield "PLAID_CLIENT_ID, ALPACA_API_KEY: production needs the credentials of a provider"
    addresses = {
        "PLAID_BASE_URL": settings.plaid_url,
        "ALPACA_TRADING_URL": settings.alpaca_trading_url,
        "ALPACA_DATA_URL": settings.alpaca_data_url,
        "ALPACA_STREAM_URL": settings.trade_updates_url,
        "MANNA_WEBHOOK_URL": settings.webhook_url or "https://none",
    }
    for variable, address in addresses.items():
        parts = urlsplit(address)
        if _is_sandbox(parts.hostname or ""):
            yield f"{variable}: {parts.hostname} is a sandbox; production asks the real provider"
        elif parts.scheme not in ("https", "wss"):
            yield f"{variable}: {parts.scheme}:// is not encrypted; write https://"


def _is_sandbox(host: str) -> bool:
    """Alpaca's paper account is none: it is where orders go until both switches for live trading are on."""
    return host in LOCAL or "sandbox" in host.split(".")
