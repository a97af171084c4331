"""Webhooks as they are sent: by the sandbox, by Plaid's own key, by anybody; and a receiver to send them to.

What belongs here: that, and what all of it may change. What does not: assertions about what it did.
"""

import contextlib
import hashlib
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import jwt
import psycopg
import uvicorn
from starlette.applications import Starlette

from pipelines import receiver
from pipelines.linking import link_plaid
from resources.installation import Installation
from sandbox.plaid.webhooks import signing_key


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()


@contextlib.contextmanager
def receiving(take: receiver.Take) -> Iterator[str]:
    """The product's server around ``take``, and its address."""
    with answering(receiver.application(take)) as url:
        yield f"{url}{receiver.PATH}"


@contextlib.contextmanager
def answering(application: Starlette) -> Iterator[str]:
    """An application of the product, served as the product serves it."""
    server = _Server(receiver.server(application).config)
    with receiver.listen(0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        assert server.answers.wait(120), "the server did not start"
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def link(manna: Installation) -> tuple[str, str]:
    """A login linked as a person links it: (access token, item id)."""
    before = {connection["external_id"] for connection in manna.ops.connections()}
    public_token = manna.plaid.sandbox_public_token("ins_109509", ["transactions"], "rivera_gingham")
    assert link_plaid(manna, "home", public_token, "Gingham", ["transactions"]) == 1
    [linked] = [c for c in manna.ops.connections() if c["external_id"] not in before]
    return manna.vault.open(linked["token"]), linked["external_id"]


def fire(manna: Installation, access_token: str, code: str, kind: str | None = None) -> bool:
    """`/sandbox/item/fire_webhook`: whether it was taken."""
    plaid = manna.plaid
    asked = {"client_id": plaid._client_id, "secret": plaid._secret, "access_token": access_token}
    asked |= {"webhook_code": code} | ({"webhook_type": kind} if kind else {})
    answer = httpx.post(f"{plaid._base_url}/sandbox/item/fire_webhook", json=asked, timeout=30)
    return bool(answer.json()["webhook_fired"])


def sign(manna: Installation, body: bytes, *, age: timedelta = timedelta(0), **other: Any) -> str:
    """The signature of a body as the sandbox makes it; ``key`` and ``kid`` may be others."""
    key_id, private = signing_key(SimpleNamespace(credentials={"plaid_secret": manna.plaid._secret}))  # type: ignore[arg-type]
    moment = int((manna.settings.now() - age).timestamp())
    claims = {"iat": moment, "request_body_sha256": hashlib.sha256(body).hexdigest()}
    headers = {"kid": other.get("kid", key_id)}
    return jwt.encode(claims, other.get("key", private), algorithm="ES256", headers=headers)


def send(url: str, body: bytes, token: str | None) -> int:
    """The status with which a receiver answers."""
    headers = {} if token is None else {"Plaid-Verification": token}
    return httpx.post(url, content=body, headers=headers, timeout=30).status_code


def everything(manna: Installation) -> dict[str, list[str]]:
    """Every row of every table of ``ops``, and the lake's catalogue of its snapshots: each commit is one."""
    found = {}
    with psycopg.connect(manna.postgres_url) as connection:
        found["lake"] = sorted(map(str, connection.execute("SELECT * FROM lake.ducklake_snapshot")))
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'ops'").fetchall()
        for (name,) in tables:
            found[f"ops.{name}"] = sorted(map(str, connection.execute(f"SELECT * FROM ops.{name}")))
    return found
