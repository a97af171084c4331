"""One ZIP for given files, always the same bytes; and its reverse, which names whatever is otherwise.

What belongs here: the container. What does not: what is in it, and whether it may be trusted.

Files are stored, not compressed: PDF, XLSX and Parquet are compressed in themselves, and what a compressor writes depends
on its version. So the bytes follow from names and contents alone, on every machine; and whoever packs what was unpacked
must come to the very same file. That finds a change in any byte of it, headers, times and comments included.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

_TIME = (1980, 1, 1, 0, 0, 0)
"""The first moment that a ZIP knows."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
_LARGEST = 2**30
"""Bytes of all files of a bundle: more is none of ours, and need not be unpacked to be refused."""
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    LookupError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""Whatever bytes somebody made of it, zipfile raises one of these: an unknown method or version, a password, a length beyond its end."""
_READABLE_BY_ALL = 0o100644 << 16
_UNIX = 3


class BundleError(Exception):
    """The file is no bundle as it was packed. One line that says what is wrong with it."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """The ZIP of ``files`` by name, in the order of names.

    Raises:
        ValueError: a name is not plain (letters, digits, ``._-`` and ``/`` between).
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            if _NAME.fullmatch(name) is None:
                raise ValueError(f"{name!r} cannot be a file of a bundle")
            info = zipfile.ZipInfo(name, _TIME)
            info.external_attr, info.create_system = _READABLE_BY_ALL, _UNIX
            archive.writestr(info, content)
    return packed.getvalue()


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The files of a ZIP by name. ``faults``: what of the ZIP is not as it was packed; ``damaged`` files cannot be read."""

    files: Mapping[str, bytes]
    faults: tuple[str, ...]
    damaged: tuple[str, ...] = ()


def unpack(content: bytes) -> Unpacked:
    """The files of a ZIP, whoever has packed it, and all that differs from what :func:`pack` makes of them.

    Raises:
        BundleError: it is no ZIP, or one that would fill the memory.
    """
    files: dict[str, bytes] = {}
    damaged, found = [], []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > _LARGEST:
                raise BundleError(f"its files are larger than {_LARGEST >> 20} MiB together")
            for entry in entries:
                try:
                    files[entry.filename] = archive.read(entry)
                except UNREADABLE:
                    damaged.append(entry.filename)
    except UNREADABLE as error:
        raise BundleError(f"it is no ZIP that can be read: {error}") from error
    names = [entry.filename for entry in entries]
    found += [f"{name} is damaged" for name in damaged]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        found.append(f"{', '.join(twice)} is in it twice")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        found.append("its files are compressed: it was packed by another program")
    return Unpacked(files, tuple(found or _container_faults(files, content)), tuple(damaged))


def _container_faults(files: Mapping[str, bytes], content: bytes) -> list[str]:
    try:
        if pack(files) == content:
            return []
    except (ValueError, UnicodeError) as error:
        return [str(error)]
    return ["the ZIP is not as it was packed: bytes outside its files, or their order, were changed"]
