"""Whether a bundle is as it was sealed, and by whom.

What belongs here: every fault of a bundle, found. What does not: saying it to a person (``pipelines.cli.bundle``).

What a signature proves is that the holder of a key has signed. So whose key it is must come from elsewhere: from the
one who asks, or from this installation. The key inside the bundle proves only that its files belong together: who
replaces everything can replace the key as well.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from manna.bundling.archive import BundleError, unpack
from manna.bundling.sealing import FORMAT, MANIFEST, PUBLIC_KEY, SEALS, SIGNATURE, fingerprint

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Origin = Literal["given", "own", "bundle"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``faults`` is empty for a bundle that is as it was sealed; ``manifest`` is empty where it cannot be believed.

    ``key`` is the fingerprint of the key that was checked against, and ``origin`` where that came from.
    """

    faults: tuple[str, ...]
    manifest: Mapping[str, Any]
    key: str
    origin: Origin

    @property
    def is_good(self) -> bool:
        """Nothing was changed since the holder of the key has sealed it."""
        return not self.faults


def public_key(text: bytes) -> "Ed25519PublicKey":
    """The Ed25519 public key of a PEM file.

    Raises:
        BundleError: it is none.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BundleError("it is no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BundleError("it is no Ed25519 public key")
    return key


def verify(
    content: bytes, given: "Ed25519PublicKey | None" = None, own: "Ed25519PublicKey | None" = None
) -> Verdict:
    """Checks the bytes of a bundle.

    Args:
        given: the key that whoever asks has of the sender.
        own: this installation's; used where none is given and the bundle says that it has signed.
    """
    try:
        files = unpack(content)
        inside = public_key(_file(files, PUBLIC_KEY))
        manifest, signature = _file(files, MANIFEST), _file(files, SIGNATURE)
    except BundleError as error:
        return Verdict((str(error),), {}, "", "bundle")
    is_own = own is not None and own.public_bytes_raw() == inside.public_bytes_raw()
    key = inside if given is None else given
    origin: Origin = "given" if given is not None else "own" if is_own else "bundle"
    said = fingerprint(key)
    if given is not None and given.public_bytes_raw() != inside.public_bytes_raw():
        fault = f"it was signed with another key than the one given: {fingerprint(inside)}"
        return Verdict((fault,), {}, said, "given")
    if not _is_signed(key, signature, manifest):
        return Verdict(
            (f"the signature does not fit {MANIFEST}: one of the two was changed",), {}, said, origin
        )
    told = _read(manifest)
    return Verdict(tuple(_faults(files, told, said)), told, said, origin)


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise BundleError(f"{name} is missing")
    return files[name]


def _is_signed(key: "Ed25519PublicKey", signature: bytes, manifest: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, manifest)
    except InvalidSignature:
        return False
    return True


def _read(manifest: bytes) -> Mapping[str, Any]:
    """The manifest; empty where it is none, whoever has signed it."""
    try:
        told = json.loads(manifest)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _faults(files: Mapping[str, bytes], manifest: Mapping[str, Any], key: str) -> Iterator[str]:
    """Everything that differs from a manifest which is known to be the signer's."""
    if manifest.get("format") != FORMAT:
        yield f"its manifest is of the format {manifest.get('format')!r}; this version knows {FORMAT}"
        return
    if manifest.get("signed_by") != key:
        yield "its manifest names another key than the one it is signed with"
    listed, found = manifest.get("files", {}), {name: files[name] for name in files if name not in SEALS}
    for name in sorted(listed.keys() - found.keys()):
        yield f"{name} is missing"
    for name in sorted(found.keys() - listed.keys()):
        yield f"{name} is not in the manifest: it was added"
    for name in sorted(found.keys() & listed.keys()):
        if hashlib.sha256(found[name]).hexdigest() != listed[name]["sha256"]:
            yield f"{name} was changed"
