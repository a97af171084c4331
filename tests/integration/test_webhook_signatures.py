"""Whether a webhook is Plaid's and of now: every way of not being so, and how often Plaid is asked for keys."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_decode, base64url_encode

from resources.providers import CredentialsRefusedError, ProviderError, ProviderUnavailableError
from resources.webhooks import (
    KEY_SECONDS,
    LEEWAY,
    LONGEST_TOKEN,
    LOOKUP_SECONDS,
    MOST_LOOKUPS,
    OLDEST,
    UNKNOWN_KEY,
    UNKNOWN_SECONDS,
    Keys,
    NotVerifiableError,
    WebhookRefusedError,
    verify,
)

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
BODY = b'{\n  "webhook_type": "TRANSACTIONS",\n  "webhook_code": "SYNC_UPDATES_AVAILABLE"\n}'
KEY_ID = "bfbd5111-8e33-4643-8ced-b2e642a72f3c"
PRIVATE = ec.derive_private_key(20260316, ec.SECP256R1())
STRANGER = ec.derive_private_key(666, ec.SECP256R1())
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Plaid:
    """Gives out keys, and counts how often it is asked."""

    def __init__(self, **changes: Any) -> None:
        public = ECAlgorithm.to_jwk(PRIVATE.public_key(), as_dict=True)
        about = {"alg": "ES256", "kid": KEY_ID, "use": "sig", "created_at": 1560466150, "expired_at": None}
        self.jwks: dict[str, Mapping[str, Any]] = {KEY_ID: {**public, **about, **changes}}
        self.fails: ProviderError | None = None
        self.asked: list[str] = []

    def key(self, key_id: str) -> Mapping[str, Any]:
        self.asked.append(key_id)
        if self.fails:
            raise self.fails
        if key_id not in self.jwks:
            raise ProviderError("Plaid: no such key", UNKNOWN_KEY)
        return self.jwks[key_id]


class Clock:
    """Seconds that pass when told to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def plaid() -> Plaid:
    return Plaid()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(plaid: Plaid, clock: Clock) -> Keys:
    return Keys(plaid.key, clock)


def claims(body: bytes = BODY, at: datetime = NOW) -> dict[str, Any]:
    return {"iat": int(at.timestamp()), "request_body_sha256": hashlib.sha256(body).hexdigest()}


def signed(key_id: str = KEY_ID, key: Any = PRIVATE, said: Any = None, algorithm: str = "ES256") -> str:
    return jwt.encode(said or claims(), key, algorithm=algorithm, headers={"kid": key_id})


def unsigned(header: Any, said: Any = None, signature: bytes = b"") -> str:
    """A token whose parts are what they are."""
    parts = [json.dumps(header).encode(), json.dumps(said or claims()).encode(), signature]
    return b".".join(base64url_encode(part) for part in parts).decode()


def other_s(token: str) -> str:
    """The same signature in its other form, which everybody can make: (r, -s)."""
    said, _, signature = token.rpartition(".")
    raw = base64url_decode(signature)
    turned = (ORDER - int.from_bytes(raw[32:])).to_bytes(32)
    return f"{said}.{base64url_encode(raw[:32] + turned).decode()}"


def test_what_plaid_signed_just_now_holds(keys: Keys) -> None:
    found = verify(signed(), BODY, keys, NOW)
    assert found.issued_at == NOW
    assert len(found.sha256) == 64


@pytest.mark.parametrize("age", [timedelta(0), OLDEST, -LEEWAY])
def test_the_ages_that_pass(keys: Keys, age: timedelta) -> None:
    assert verify(signed(said=claims(at=NOW - age)), BODY, keys, NOW).issued_at == NOW - age


def public_pem() -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return PRIVATE.public_key().public_bytes(serialization.Encoding.PEM, form)


def hs256_with_the_public_key() -> str:
    """The classic confusion: the public key, which everybody has, used as a shared secret."""
    import hmac

    said = unsigned({"alg": "HS256", "kid": KEY_ID, "typ": "JWT"}).rpartition(".")[0]
    digest = hmac.digest(public_pem(), said.encode(), "sha256")
    return f"{said}.{base64url_encode(digest).decode()}"


FORGED: dict[str, Callable[[], str | None]] = {
    "no header": lambda: None,
    "an empty header": lambda: "",
    "no JWT": lambda: "certainly.not.this",
    "not even text of this kind": lambda: "\xff\x00é",
    "too long": lambda: signed(said={**claims(), "more": "x" * LONGEST_TOKEN}),
    "a header that nests without end": lambda: f"{base64.urlsafe_b64encode(b'[' * 1500).decode()}.e30.AA",
    "a header that is a list": lambda: unsigned(["ES256"]),
    "alg none": lambda: unsigned({"alg": "none", "kid": KEY_ID}),
    "alg None": lambda: unsigned({"alg": None, "kid": KEY_ID}),
    "alg none, with a signature": lambda: unsigned({"alg": "none", "kid": KEY_ID}, None, b"x" * 64),
    "alg es256": lambda: unsigned({"alg": "es256", "kid": KEY_ID}, None, b"x" * 64),
    "HS256 with the public key": hs256_with_the_public_key,
    "HS256": lambda: jwt.encode(claims(), "s" * 32, algorithm="HS256", headers={"kid": KEY_ID}),
    "ES384": lambda: signed(key=ec.derive_private_key(7, ec.SECP384R1()), algorithm="ES384"),
    "no key id": lambda: jwt.encode(claims(), PRIVATE, algorithm="ES256"),
    "a key id that is a number": lambda: unsigned({"alg": "ES256", "kid": 7}, None, b"x" * 64),
    "a key id without end": lambda: signed("k" * 200),
    "a key Plaid does not know": lambda: signed("00000000-0000-0000-0000-000000000000", STRANGER),
    "another's signature": lambda: signed(key=STRANGER),
    "no signature": lambda: unsigned({"alg": "ES256", "kid": KEY_ID}),
    "a signature of zeros": lambda: unsigned({"alg": "ES256", "kid": KEY_ID}, None, bytes(64)),
    "the key in the header": lambda: jwt.encode(
        claims(),
        STRANGER,
        algorithm="ES256",
        headers={"kid": KEY_ID, "jwk": ECAlgorithm.to_jwk(STRANGER.public_key(), as_dict=True)},
    ),
    "claims that are a list": lambda: jwt.api_jws.encode(
        b"[]", PRIVATE, algorithm="ES256", headers={"kid": KEY_ID}
    ),
    "no hash": lambda: signed(said={"iat": claims()["iat"]}),
    "a hash that is null": lambda: signed(said={**claims(), "request_body_sha256": None}),
    "another body's hash": lambda: signed(said=claims(BODY.replace(b"SYNC", b"SINK"))),
    "a hash of letters beyond ASCII": lambda: signed(said={**claims(), "request_body_sha256": "é" * 64}),
    "no moment": lambda: signed(said={"request_body_sha256": claims()["request_body_sha256"]}),
    "a moment in words": lambda: with_moment("now"),
    "a moment that is true": lambda: with_moment(True),
    "an endless moment": lambda: with_moment(float("inf")),
    "a moment beyond all numbers": lambda: with_moment(10**400),
    "a moment that is no number": lambda: with_moment(float("nan")),
    "too old": lambda: signed(said=claims(at=NOW - OLDEST - timedelta(seconds=1))),
    "of the future": lambda: signed(said=claims(at=NOW + LEEWAY + timedelta(seconds=1))),
}


def with_moment(moment: Any) -> str:
    """Signed all the same: only the moment is wrong."""
    said = json.dumps({**claims(), "iat": moment}).encode()
    return jwt.api_jws.encode(said, PRIVATE, algorithm="ES256", headers={"kid": KEY_ID})


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_what_is_refused(keys: Keys, token: Callable[[], str | None]) -> None:
    with pytest.raises(WebhookRefusedError) as caught:
        verify(token(), BODY, keys, NOW)
    # The reason is for a log: it repeats nothing of what was sent.
    assert KEY_ID not in str(caught.value)
    verify(signed(), BODY, keys, NOW)  # and the next genuine one is taken


def test_one_byte_of_the_body_is_enough(keys: Keys) -> None:
    token = signed()
    for changed in (BODY[:-1], BODY + b"\n", BODY.replace(b"  ", b" ", 1), b"", BODY.lower()):
        with pytest.raises(WebhookRefusedError, match="body"):
            verify(token, changed, keys, NOW)


def test_one_bit_of_the_token_is_enough(keys: Keys) -> None:
    token = signed()
    for at in range(len(token) - 1):  # the last letter of Base64 has spare bits
        changed = token[:at] + chr(ord(token[at]) ^ 1) + token[at + 1 :]
        with pytest.raises((WebhookRefusedError, NotVerifiableError)):
            verify(changed, BODY, keys, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"expired_at": 1773662400},
        {"expired_at": 0},
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"alg": "HS256"},
        {"use": "enc"},
        {"kid": "another"},
    ],
)
def test_a_key_that_does_not_count(clock: Clock, changes: dict[str, Any]) -> None:
    with pytest.raises(WebhookRefusedError, match="unknown or has expired"):
        verify(signed(), BODY, Keys(Plaid(**changes).key, clock), NOW)


def test_a_key_that_cannot_be_read_is_no_verdict(clock: Clock) -> None:
    for broken in ({"x": "AA"}, {"y": None}, {"x": "é"}):
        with pytest.raises(NotVerifiableError):
            verify(signed(), BODY, Keys(Plaid(**broken).key, clock), NOW)


# -- what a replay is known by ---------------------------------------------------------------------------


def test_a_replay_is_known_however_its_signature_is_rewritten(keys: Keys) -> None:
    token = signed()
    known = verify(token, BODY, keys, NOW).sha256
    assert other_s(token) != token
    for again in (token, other_s(token), token + "=", token + "=="):
        try:
            assert verify(again, BODY, keys, NOW).sha256 == known
        except WebhookRefusedError:
            assert again != token  # refused is as good


def test_two_signatures_of_the_same_event_are_two(keys: Keys) -> None:
    first, second = (verify(signed(), BODY, keys, NOW).sha256 for _ in range(2))
    assert first != second


# -- how often Plaid is asked ----------------------------------------------------------------------------


def test_a_key_is_asked_for_once(keys: Keys, plaid: Plaid, clock: Clock) -> None:
    for _ in range(20):
        verify(signed(), BODY, keys, NOW)
    assert plaid.asked == [KEY_ID]
    clock.seconds = KEY_SECONDS - 1
    verify(signed(), BODY, keys, NOW)
    assert plaid.asked == [KEY_ID]


def test_many_at_once_ask_once(plaid: Plaid) -> None:
    together, asked = threading.Barrier(8), threading.Event()

    def slowly(key_id: str) -> Mapping[str, Any]:
        asked.wait(10)
        return plaid.key(key_id)

    keys, found = Keys(slowly), []

    def one() -> None:
        together.wait()
        found.append(verify(signed(), BODY, keys, NOW))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    asked.set()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert plaid.asked == [KEY_ID]


def test_a_key_that_plaid_withdraws_stops_counting(keys: Keys, plaid: Plaid, clock: Clock) -> None:
    verify(signed(), BODY, keys, NOW)
    plaid.jwks[KEY_ID] = {**plaid.jwks[KEY_ID], "expired_at": 1773662400}
    clock.seconds = KEY_SECONDS
    with pytest.raises(WebhookRefusedError, match="expired"):
        verify(signed(), BODY, keys, NOW)
    assert plaid.asked == [KEY_ID, KEY_ID]


def test_an_unknown_key_is_asked_for_once_and_again_later(keys: Keys, plaid: Plaid, clock: Clock) -> None:
    new = "11111111-1111-1111-1111-111111111111"
    for _ in range(20):
        with pytest.raises(WebhookRefusedError):
            verify(signed(new), BODY, keys, NOW)
    assert plaid.asked == [new]
    plaid.jwks[new] = {**plaid.jwks[KEY_ID], "kid": new}
    clock.seconds = UNKNOWN_SECONDS
    verify(signed(new), BODY, keys, NOW)
    assert plaid.asked == [new, new]


def test_a_flood_of_invented_keys_does_not_reach_plaid(keys: Keys, plaid: Plaid, clock: Clock) -> None:
    verify(signed(), BODY, keys, NOW)
    for number in range(500):
        with pytest.raises((WebhookRefusedError, NotVerifiableError)):
            verify(signed(f"invented-{number}", STRANGER), BODY, keys, NOW)
    assert len(plaid.asked) == MOST_LOOKUPS
    # Plaid's own goes on meanwhile, also when it is time to ask for it again.
    verify(signed(), BODY, keys, NOW)
    clock.seconds = KEY_SECONDS
    for number in range(500):
        with pytest.raises((WebhookRefusedError, NotVerifiableError)):
            verify(signed(f"more-{number}", STRANGER), BODY, keys, NOW)
    asked = len(plaid.asked)
    assert asked == 2 * MOST_LOOKUPS
    verify(signed(), BODY, keys, NOW)
    assert plaid.asked[asked:] == [KEY_ID]
    # A key that Plaid has introduced meanwhile is known a minute after the flood.
    new = "11111111-1111-1111-1111-111111111111"
    plaid.jwks[new] = {**plaid.jwks[KEY_ID], "kid": new}
    with pytest.raises(NotVerifiableError, match="too many unknown keys"):
        verify(signed(new), BODY, keys, NOW)
    clock.seconds += LOOKUP_SECONDS
    verify(signed(new), BODY, keys, NOW)


def test_what_was_refused_is_forgotten_in_time(keys: Keys, clock: Clock) -> None:
    for number in range(200):
        with pytest.raises(WebhookRefusedError):
            keys.get(f"invented-{number}")
        clock.seconds += LOOKUP_SECONDS / MOST_LOOKUPS
    assert len(keys._kept) <= MOST_LOOKUPS * (UNKNOWN_SECONDS / LOOKUP_SECONDS + 1)


@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailableError("Plaid did not answer"),
        CredentialsRefusedError("Plaid: INVALID_API_KEYS", "INVALID_API_KEYS"),
        ProviderError("Plaid: something else", "SOMETHING_ELSE"),
    ],
)
def test_without_plaid_there_is_no_verdict(keys: Keys, plaid: Plaid, error: ProviderError) -> None:
    plaid.fails = error
    with pytest.raises(NotVerifiableError):
        verify(signed(), BODY, keys, NOW)
    plaid.fails = None
    verify(signed(), BODY, keys, NOW)
