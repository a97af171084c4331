"""A bundle is sealed: every file's hash goes into a manifest, the manifest is signed.

What belongs here: manifest and signature. What does not: checking them (:mod:`verifying`).

The signature is Ed25519 (RFC 8032) over the bytes of ``manifest.json``, kept beside it. OpenSSL can check it too:
``openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in manifest.json -sigfile manifest.sig``.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public-key.pem"
SEALS = (MANIFEST, SIGNATURE)
"""What the manifest cannot list: itself, and what is made of it."""
FORMAT = "manna-bundle-1"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the manifest says of the whole. ``known_at`` is the moment whose facts it shows."""

    book: str
    year: int
    snapshot: int
    code_version: str
    known_at: datetime | None
    warnings: tuple[str, ...] = ()


def seal(files: Mapping[str, bytes], facts: Facts, key: "Ed25519PrivateKey") -> dict[str, bytes]:
    """``files`` with public key, manifest and signature added.

    Raises:
        ValueError: a file has the name of one of these.
    """
    taken = sorted({*SEALS, PUBLIC_KEY} & set(files))
    if taken:
        raise ValueError(f"{', '.join(taken)} is made here")
    listed = {**files, PUBLIC_KEY: pem(key.public_key())}
    manifest = _manifest(listed, facts, fingerprint(key.public_key()))
    return {**listed, MANIFEST: manifest, SIGNATURE: key.sign(manifest)}


def pem(key: "Ed25519PublicKey") -> bytes:
    """The public key as people exchange it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: "Ed25519PublicKey") -> str:
    """SHA-256 of the key's 32 bytes in groups of four, for reading aloud."""
    digest = hashlib.sha256(key.public_bytes_raw()).hexdigest()
    return " ".join(digest[place : place + 4] for place in range(0, len(digest), 4))


def _manifest(files: Mapping[str, bytes], facts: Facts, signed_by: str) -> bytes:
    told: dict[str, Any] = {
        "format": FORMAT,
        "book": facts.book,
        "year": facts.year,
        "lake_snapshot": facts.snapshot,
        "code_version": facts.code_version,
        "known_at": facts.known_at.isoformat() if facts.known_at else None,
        "warnings": list(facts.warnings),
        "signed_by": signed_by,
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in sorted(files.items())
        },
    }
    return f"{json.dumps(told, indent=2, ensure_ascii=False)}\n".encode()
