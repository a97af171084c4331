"""The key that signs bundles: made once, in the data directory, for nobody else to read.

What belongs here: the key's file. What does not: what is signed (``manna.bundling``).
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_FILE = "signing.key"


class SigningKeyError(Exception):
    """The key cannot be used. One line that says what to do."""


def signing_key(data_dir: Path) -> "Ed25519PrivateKey":
    """This installation's key; the first call makes it (mode 0600). Two processes at once end with one key.

    Raises:
        SigningKeyError: the file is there and holds no key, or cannot be read or made.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path = data_dir / KEY_FILE
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        if not path.exists():
            made = Ed25519PrivateKey.generate()
            text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
            try:
                os.link(draft, path)  # fails where another process was faster: then its key is the key
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return _read(path)
    except OSError as error:
        raise SigningKeyError(f"cannot use {path}: {error.strerror}; make its folder writable") from error


def own_public_key(data_dir: Path) -> "Ed25519PublicKey | None":
    """The public half, if this installation has ever made a key; none is made for the asking."""
    path = data_dir / KEY_FILE
    return _read(path).public_key() if path.exists() else None


def _read(path: Path) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise SigningKeyError(f"{path} holds no key; restore it, or move it away for a new one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError(f"{path} holds another kind of key; restore it, or move it away for a new one")
    return key
