"""The bundle for the accountant: files in one ZIP, a manifest of their hashes, a signature over it, and the check.

What belongs here: how it is packed, signed and verified, as pure functions of bytes. What does not: which statements
are in it (``pipelines.bundling``), and where the key is kept (``resources.signing``).
"""

from manna.bundling.archive import BundleError, pack, unpack
from manna.bundling.sealing import Facts, seal
from manna.bundling.verifying import Verdict, verify

__all__ = ["BundleError", "Facts", "Verdict", "pack", "seal", "unpack", "verify"]
