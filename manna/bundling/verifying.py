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

from manna.bundling.archive import BundleError, Unpacked, unpack
from manna.bundling.sealing import FORMAT, MANIFEST, PUBLIC_KEY, SEALS, SIGNATURE, fingerprint

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Origin = Literal["given", "own", "bundle"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``faults`` is empty for a bundle that is as it was sealed; ``manifest`` is empty where it cannot be believed.

    ``key`` is the fingerprint of the key that was checked against, and ``origin`` where that came from. ``signed``: whether the
    signature fits the manifest; null where that could not be checked. ``same`` of the ``listed`` files of the manifest are
    as it says.
    """

    faults: tuple[str, ...]
    manifest: Mapping[str, Any]
    key: str
    origin: Origin
    signed: bool | None
    same: int
    listed: int

    @property
    def is_good(self) -> bool:
        """Nothing was changed since the holder of the key has sealed it."""
        return not self.faults

    @property
    def standing(self) -> str:
        """One line for a bundle with faults: what of it still holds."""
        signature = {
            True: f"The signature holds: {MANIFEST} is what was signed",
            False: f"The signature does not hold: nobody knows who wrote {MANIFEST}",
            None: "The signature could not be checked",
        }[self.signed]
        files = (
            f"{self.same} of {self.listed} files are as it lists them" if self.listed else "no file is listed"
        )
        return f"{signature}; {files}."


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
    """Checks the bytes of a bundle: the ZIP, the signature, and every file, whatever of them fails first.

    Args:
        given: the key that whoever asks has of the sender.
        own: this installation's; used where none is given and the bundle says that it has signed.
    """
    try:
        unpacked = unpack(content)
    except BundleError as error:
        return Verdict((str(error),), {}, "", "bundle", None, 0, 0)
    files, found = unpacked.files, list(unpacked.faults)
    inside = _key_inside(files, found)
    is_another = given is not None and inside is not None and not _are_same(given, inside)
    if is_another and inside is not None:
        found.append(f"it was signed with another key than the one given: {fingerprint(inside)}")
    # Of a bundle of another sender it is told all the same what its files are like.
    key = inside if is_another or given is None else given
    is_own = own is not None and inside is not None and _are_same(own, inside)
    origin: Origin = "given" if given is not None else "own" if is_own else "bundle"
    signed = _signed(key, files, found)
    told, said = _read(files.get(MANIFEST, b"")), fingerprint(key) if key else ""
    if told or signed:
        found += _faults(unpacked, told, said)
    listed = _listed(told)
    same = sum(_is_same(files.get(name), sha256) for name, sha256 in listed.items())
    faults = tuple(dict.fromkeys(found))
    believed = told if signed and not is_another else {}
    return Verdict(faults, believed, said, origin, signed, same, len(listed))


def _are_same(key: "Ed25519PublicKey", other: "Ed25519PublicKey") -> bool:
    return key.public_bytes_raw() == other.public_bytes_raw()


def _key_inside(files: Mapping[str, bytes], found: list[str]) -> "Ed25519PublicKey | None":
    """The key that the bundle brings; why there is none is added to ``found``."""
    if PUBLIC_KEY not in files:
        found.append(f"{PUBLIC_KEY} is missing")
        return None
    try:
        return public_key(files[PUBLIC_KEY])
    except BundleError as error:
        found.append(str(error))
        return None


def _signed(key: "Ed25519PublicKey | None", files: Mapping[str, bytes], found: list[str]) -> bool | None:
    """Whether the signature fits the manifest, null where that cannot be said; why not is added to ``found``."""
    lacking = [name for name in SEALS if name not in files]
    found += [f"{name} is missing" for name in lacking]
    if lacking or key is None:
        return None
    if _is_signed(key, files[SIGNATURE], files[MANIFEST]):
        return True
    found.append(f"the signature does not fit {MANIFEST}: one of the two was changed")
    return False


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
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _faults(unpacked: Unpacked, manifest: Mapping[str, Any], key: str) -> Iterator[str]:
    """Everything that differs from the manifest."""
    if manifest.get("format") != FORMAT:
        yield f"its manifest is of the format {manifest.get('format')!r}; this version knows {FORMAT}"
        return
    if key and manifest.get("signed_by") != key:
        yield "its manifest names another key than the one it is signed with"
    files, damaged = unpacked.files, unpacked.damaged
    listed, found = _listed(manifest), {name: files[name] for name in files if name not in SEALS}
    for name in sorted(listed.keys() - found.keys() - set(damaged)):
        yield f"{name} is missing"
    for name in sorted(found.keys() - listed.keys()):
        yield f"{name} is not in the manifest: it was added"
    for name in sorted(found.keys() & listed.keys()):
        if not _is_same(found[name], listed[name]):
            yield f"{name} was changed"


def _listed(manifest: Mapping[str, Any]) -> dict[str, object]:
    """Hash by name of file; whoever wrote the manifest may have written anything."""
    files = manifest.get("files")
    if manifest.get("format") != FORMAT or not isinstance(files, dict):
        return {}
    return {name: about.get("sha256") if isinstance(about, dict) else None for name, about in files.items()}


def _is_same(content: bytes | None, sha256: object) -> bool:
    return content is not None and hashlib.sha256(content).hexdigest() == sha256
