"""One ZIP for given files, always the same bytes; and its reverse, which accepts nothing else.

What belongs here: the container. What does not: what is in it, and whether it may be trusted.

Files are stored, not compressed: PDF, XLSX and Parquet are compressed in themselves, and what a compressor writes depends
on its version. So the bytes follow from names and contents alone, on every machine; and whoever packs what was unpacked
must come to the very same file. That finds a change in any byte of it, headers, times and comments included.
"""

import io
import re
import zipfile
from collections.abc import Mapping

_TIME = (1980, 1, 1, 0, 0, 0)
"""The first moment that a ZIP knows."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
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


def unpack(content: bytes) -> dict[str, bytes]:
    """The files of a ZIP that :func:`pack` has made, by name.

    Raises:
        BundleError: it is no ZIP, or not as it was packed; where a file can be told, it is named.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise BundleError("its files are compressed: it was packed by another program")
            broken = archive.testzip()
            if broken is not None:
                raise BundleError(f"{broken} is damaged")
            files = {entry.filename: archive.read(entry) for entry in entries}
    # Whatever bytes somebody made of it, zipfile raises one of these.
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"it is no ZIP that can be read: {error}") from error
    twice = sorted(
        {entry.filename for entry in entries if [e.filename for e in entries].count(entry.filename) > 1}
    )
    if twice:
        raise BundleError(f"{', '.join(twice)} is in it twice")
    try:
        same = pack(files) == content
    except (ValueError, UnicodeError) as error:
        raise BundleError(str(error)) from error
    if not same:
        raise BundleError(
            "the ZIP is not as it was packed: bytes outside its files, or their order, were changed"
        )
    return files
