"""The directory below /tmp that has an embedded server's socket, and whatever else the server's account must reach.

Here: its name, and that nobody else could have made it or can change it. Not here: when it is made and removed
(`resources.embedded_postgres`). It is below /tmp, because a socket's path must stay under about 100 bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from resources.postgres_programs import refusal

# Not $TMPDIR: a shell, cron and a service have different ones, and all must find the same socket.
_ROOT = Path("/tmp")


@dataclass(frozen=True, slots=True)
class RuntimeDir:
    """The directory of the cluster in `home`, whose password is `password`."""

    home: Path
    password: str

    @property
    def path(self) -> Path:
        """Where it is: the same after every restart, so that a URL stays good.

        The password is in the name for two reasons. Nobody else can know the name and take it
        first. And when a data directory is deleted under a live server, the next one there
        cannot meet the old server, which unlinks its socket by name as it goes.
        """
        name = hashlib.sha256(os.fsencode(self.home) + b"\0" + self.password.encode()).hexdigest()
        return _ROOT / f"manna-{os.geteuid()}-{name[:16]}"

    @property
    def socket(self) -> Path:
        """The directory of the socket itself."""
        return self.path / "socket"

    @property
    def programs(self) -> Path:
        """Where programs are copied to that the server's account cannot run where they are."""
        return self.path / "programs"

    def is_ours(self) -> bool:
        """Whether it exists; one that others could have made or can change is refused, never used."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise refusal(
                f"{self.path} is not a directory that only user id {os.geteuid()} can write",
                "remove it",
            )
        return True

    def make(self, uid: int, gid: int) -> None:
        """Make it anew, for a server that runs as that account."""
        root = _ROOT.stat().st_mode
        if root & stat.S_IWOTH and not root & stat.S_ISVTX:
            raise refusal(
                f"{_ROOT} lets every user rename the files of others",
                f"run `chmod +t {_ROOT}`",
            )
        self.remove()
        self.path.mkdir(mode=0o700)
        self.socket.mkdir(mode=0o700)
        if uid != os.geteuid():
            self.path.chmod(0o711)
            os.chown(self.socket, uid, gid)

    def remove(self) -> None:
        """Remove it, if it is there, once the server has ended."""
        if self.is_ours():
            shutil.rmtree(self.path)
