"""Webhooks of Plaid: whether Plaid has sent this one, with this body, just now.

What belongs here: the signature, the keys it is checked with, the age and the body's hash. What does not: HTTP
(``pipelines.receiver``), or what an event means (``manna.webhooks``).

The signature is a JWT (ES256) in the header ``Plaid-Verification``; see
https://plaid.com/docs/api/webhooks/webhook-verification/. Its header names a key (``kid``), which Plaid gives
out; its claims are the moment (``iat``) and the SHA-256 of the body.
"""

import hashlib
import hmac
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_decode

from resources.providers import ProviderError

ALGORITHM = "ES256"
OLDEST = timedelta(minutes=5)
LEEWAY = timedelta(seconds=30)
"""How far the sender's clock may be ahead of ours."""
LONGEST_TOKEN, LONGEST_KEY_ID = 2048, 128
"""Characters; Plaid's own have about 330 and 36."""

KEY_SECONDS = 60 * 60.0
"""How long a key counts before Plaid is asked again whether it has expired."""
UNKNOWN_SECONDS = 5 * 60.0
"""How long a key that Plaid does not know, or has withdrawn, is refused without asking again."""
MOST_LOOKUPS, LOOKUP_SECONDS = 10, 60.0
"""So many keys never seen before are looked up per minute: a flood of invented ones must not reach Plaid."""
UNKNOWN_KEY = "INVALID_WEBHOOK_VERIFICATION_KEY_ID"

_ONLY_THE_SIGNATURE = {
    f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
}  # the age is checked by our own clock, which may be fixed


class WebhookRefusedError(Exception):
    """Plaid has not sent this, or not just now. The message is for the log and repeats nothing of it."""


class NotVerifiableError(Exception):
    """Whether Plaid has sent it cannot be told at present: it may be sent again later."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A verified signature: when Plaid made it, and what a replay of it is known by."""

    issued_at: datetime
    sha256: str


class Keys:
    """Plaid's public keys by id. Known ones are kept, unknown ones asked for sparingly; for many threads."""

    def __init__(
        self, fetch: Callable[[str], Mapping[str, Any]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``fetch`` returns the JWK of a key id, or raises :class:`ProviderError`; ``clock`` gives seconds."""
        self._fetch, self._clock = fetch, clock
        self._kept: dict[str, tuple[float, EllipticCurvePublicKey | None]] = {}  # until when; None: refused
        self._lookups: deque[float] = deque(maxlen=MOST_LOOKUPS)
        self._looking = threading.Lock()

    def get(self, key_id: str) -> EllipticCurvePublicKey:
        """The key.

        Raises:
            WebhookRefusedError: Plaid does not know it, or has withdrawn it.
            NotVerifiableError: Plaid does not answer, or too many unknown keys were asked for lately.
        """
        kept = self._kept.get(key_id)
        if kept is None or kept[0] <= self._clock():
            with self._looking:
                kept = self._kept.get(key_id)  # another thread may have been faster
                if kept is None or kept[0] <= self._clock():
                    kept = self._look_up(key_id, known=kept is not None and kept[1] is not None)
        if kept[1] is None:
            raise WebhookRefusedError("its key is unknown or has expired")
        return kept[1]

    def _look_up(self, key_id: str, *, known: bool) -> tuple[float, EllipticCurvePublicKey | None]:
        now = self._clock()
        if not known:  # one that has been Plaid's is not for strangers to crowd out
            if len(self._lookups) == MOST_LOOKUPS and now - self._lookups[0] < LOOKUP_SECONDS:
                raise NotVerifiableError("too many unknown keys were named within a minute")
            self._lookups.append(now)
        try:
            key = _public_key(self._fetch(key_id), key_id)
        except ProviderError as error:
            if error.code != UNKNOWN_KEY:
                raise NotVerifiableError(str(error)) from error
            key = None
        gone = [each for each, (until, found) in self._kept.items() if found is None and until <= now]
        for each in gone:
            del self._kept[each]
        self._kept[key_id] = (now + (UNKNOWN_SECONDS if key is None else KEY_SECONDS), key)
        return self._kept[key_id]


def _public_key(jwk: Mapping[str, Any], key_id: str) -> EllipticCurvePublicKey | None:
    """The key of a JWK; None when it has expired, or is not one for signatures of this kind."""
    wanted = {"kid": key_id, "alg": ALGORITHM, "kty": "EC", "crv": "P-256", "use": "sig", "expired_at": None}
    if any(jwk.get(name) != value for name, value in wanted.items()):
        return None
    try:
        key = ECAlgorithm.from_jwk(dict(jwk))
    except (jwt.InvalidKeyError, TypeError, ValueError) as error:
        raise NotVerifiableError("Plaid's key cannot be read") from error
    return key if isinstance(key, EllipticCurvePublicKey) else None


def verify(token: str | None, body: bytes, keys: Keys, now: datetime) -> Signature:
    """Verifies ``token`` (the header ``Plaid-Verification``) over ``body`` as received, at the moment ``now``.

    Raises:
        WebhookRefusedError: it is missing, forged, for another body, or not of now.
        NotVerifiableError: the key cannot be had at present.
    """
    if not token or len(token) > LONGEST_TOKEN:
        raise WebhookRefusedError("no signature, or one that is too long")
    key = keys.get(_key_id(token))
    try:
        claims = jwt.decode(token, key, algorithms=[ALGORITHM], options=_ONLY_THE_SIGNATURE)  # type: ignore[arg-type]
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise WebhookRefusedError(f"its signature does not hold ({type(error).__name__})") from error
    signed_hash, moment = claims.get("request_body_sha256"), claims.get("iat")
    if not isinstance(signed_hash, str) or not hmac.compare_digest(
        hashlib.sha256(body).hexdigest().encode(), signed_hash.encode("utf-8", "replace")
    ):
        raise WebhookRefusedError("its body is not the one that was signed")
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        raise WebhookRefusedError("its signature names no moment")
    if not (now - OLDEST).timestamp() <= moment <= (now + LEEWAY).timestamp():
        raise WebhookRefusedError("it was not signed just now")
    return Signature(datetime.fromtimestamp(moment, UTC), _fingerprint(token))


def _key_id(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise WebhookRefusedError("its signature is no JWT") from error
    if header.get("alg") != ALGORITHM:
        raise WebhookRefusedError(f"its signature is not {ALGORITHM}")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= LONGEST_KEY_ID:
        raise WebhookRefusedError("it names no key")
    return key_id


def _fingerprint(token: str) -> str:
    """What stays the same however somebody else rewrites a signature that holds.

    Of an ECDSA signature (r, s) everybody can make (r, -s), and Base64 has several spellings of the same
    bytes. What was signed and r cannot be changed without the key.
    """
    signed, _, signature = token.rpartition(".")
    return hashlib.sha256(signed.encode() + b"." + base64url_decode(signature)[:32]).hexdigest()
