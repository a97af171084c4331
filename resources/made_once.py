"""A small secret file that is made at its first use.

What belongs here: how it appears, whole and for its owner alone. What does not: what is in it.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def made_once(path: Path, make: Callable[[], bytes]) -> None:
    """Makes ``path`` (mode 0600) hold what ``make`` returns, unless it is there.

    Two processes at once end with one file, and one that is killed leaves a whole one or none. Its folder is there.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists():
        return
    content, draft = make(), path.with_name(f"{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        with suppress(FileExistsError):  # another process was faster: then its file is the one
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
