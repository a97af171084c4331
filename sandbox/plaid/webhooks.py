"""Webhooks: what they say, and the signature by which a receiver knows that Plaid sent them.

Here belong the bodies, the key and the sending. When an Item changes belongs to the endpoints.

The signature is a JWT (ES256) in the header `Plaid-Verification`: its claims are the moment (`iat`) and the
SHA-256 of the body as sent. The key derives from the secret of the sandbox.
"""

import hashlib
import hmac
import json
import uuid
from dataclasses import replace
from datetime import datetime

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from sandbox.plaid.items import describe_item
from sandbox.plaid.wire import Call, Json, PlaidError, invalid_field, login_required, utc
from sandbox.plaid.world import Item, PlaidWorld

SECONDS_TO_ANSWER = 10.0
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_TYPES = {  # webhook_code: the webhook_type it belongs to when the request names none
    "DEFAULT_UPDATE": "TRANSACTIONS",
    "SYNC_UPDATES_AVAILABLE": "TRANSACTIONS",
    "RECURRING_TRANSACTIONS_UPDATE": "TRANSACTIONS",
    "NEW_ACCOUNTS_AVAILABLE": "ITEM",
    "USER_PERMISSION_REVOKED": "ITEM",
    "USER_ACCOUNT_REVOKED": "ITEM",
    "PENDING_DISCONNECT": "ITEM",
    "LOGIN_REPAIRED": "ITEM",
    "ERROR": "ITEM",
}
_DETAILS: dict[tuple[str, str], Json] = {
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"): {"initial_update_complete": True, "historical_update_complete": True},
    ("TRANSACTIONS", "DEFAULT_UPDATE"): {"new_transactions": 1, "error": None},
    ("HOLDINGS", "DEFAULT_UPDATE"): {"new_holdings": 1, "updated_holdings": 0, "error": None},
    ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE"): {
        "new_investments_transactions": 1, "canceled_investments_transactions": 0, "error": None},
    ("LIABILITIES", "DEFAULT_UPDATE"): {
        "account_ids_with_new_liabilities": [], "account_ids_with_updated_liabilities": {}, "error": None},
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"): {"error": None},
    ("ITEM", "PENDING_DISCONNECT"): {"reason": "INSTITUTION_MIGRATION"},
}  # fmt: skip


def signing_key(world: PlaidWorld) -> tuple[str, ec.EllipticCurvePrivateKey]:
    """(key id, private key) with which this sandbox signs."""
    digest = hmac.digest(world.credentials["plaid_secret"].encode(), b"webhook key", hashlib.sha256)
    private = ec.derive_private_key(int.from_bytes(digest) % (_P256_ORDER - 1) + 1, ec.SECP256R1())
    return str(uuid.UUID(bytes=hashlib.sha256(digest).digest()[:16], version=4)), private


def get_verification_key(world: PlaidWorld, call: Call) -> Json:
    """`/webhook_verification_key/get`: the public key of `key_id`."""
    key_id, private = signing_key(world)
    if call.text("key_id") != key_id:
        raise PlaidError(
            "INVALID_INPUT",
            "INVALID_WEBHOOK_VERIFICATION_KEY_ID",
            "invalid key_id provided. note that key_ids are specific to Plaid environments, and verification requests must be made to the same environment that the webhook was sent from",
        )
    public = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    created = int(datetime.fromisoformat(f"{world.state.start}T00:00:00+00:00").timestamp())
    return {
        "key": {
            **public,
            "alg": "ES256",
            "kid": key_id,
            "use": "sig",
            "created_at": created,
            "expired_at": None,
        }
    }


async def update_webhook(world: PlaidWorld, call: Call) -> Json:
    """`/item/webhook/update`: where the Item's webhooks go; null or nothing turns them off."""
    item, url = world.item(call.text("access_token")), call.body.get("webhook") or None
    if url is not None and not (isinstance(url, str) and url.startswith(("http://", "https://"))):
        raise invalid_field("webhook must be a URL")
    item = replace(item, webhook=url)
    world.save(item)
    if url is not None:
        details = {"error": None, "new_webhook_url": url}
        await send(world, url, _about(item, "ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", details))
    return {"item": describe_item(world, item)}


async def fire_webhook(world: PlaidWorld, call: Call) -> Json:
    """`/sandbox/item/fire_webhook`: really sends it; `webhook_fired` says whether the receiver took it."""
    item, code = world.item(call.text("access_token")), call.text("webhook_code")
    if code not in _TYPES:
        raise invalid_field(f"webhook_code {code} cannot be fired")
    if item.webhook is None:
        raise PlaidError(
            "SANDBOX_ERROR", "SANDBOX_WEBHOOK_INVALID", "webhook for this access token is not set"
        )
    kind = call.body.get("webhook_type") or _TYPES[code]
    details = _DETAILS.get((kind, code), {})
    if code == "ERROR":
        details = {"error": {**login_required().body, "status": 400}}
    if code == "USER_ACCOUNT_REVOKED":
        login = world.login(item.username)
        details = {"account_id": login.accounts[0].account_id if login else ""}
    fired = await send(world, item.webhook, _about(item, kind, code, details))
    if fired:
        _note(world, item, code)
    return {"webhook_fired": fired}


def _about(item: Item, kind: str, code: str, details: Json) -> Json:
    return {"webhook_type": kind, "webhook_code": code, "item_id": item.item_id, **details}


def _note(world: PlaidWorld, item: Item, code: str) -> None:
    world.save(replace(item, last_webhook={"sent_at": utc(world.now()), "code_sent": code}))


async def send(world: PlaidWorld, url: str, body: Json) -> bool:
    """POST a signed webhook to `url`; False when nobody takes it (unreachable, too slow, not a 2xx)."""
    content = json.dumps({**body, "environment": "sandbox"}, indent=2).encode()
    headers = {"Content-Type": "application/json", "Plaid-Verification": sign(world, content)}
    try:
        async with httpx.AsyncClient(timeout=SECONDS_TO_ANSWER, trust_env=False) as client:
            answer = await client.post(url, content=content, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return answer.is_success


def sign(world: PlaidWorld, content: bytes) -> str:
    """The value of `Plaid-Verification` for a body."""
    key_id, private = signing_key(world)
    claims = {"iat": int(world.now().timestamp()), "request_body_sha256": hashlib.sha256(content).hexdigest()}
    return jwt.encode(claims, private, algorithm="ES256", headers={"kid": key_id})
