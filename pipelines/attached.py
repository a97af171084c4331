"""`python -m pipelines.attached COMMAND ...`: one of Dagster's own processes, on a database that runs already.

What belongs here: what containers, systemd units and workers on other machines begin with. What does not: `manna up`, which does
all of it on one machine.

Dagster's processes are configured by their environment. Here it follows from Manna's settings, so that a password in a file
(``MANNA_SECRETS_DIR``) is written nowhere else; then this process becomes the command. The schema is not touched:
any `manna` command brings it up to date, and one has to come first.
"""

import os
import sys
from collections.abc import Sequence

from resources.postgres import PostgresError
from resources.settings import Settings, SettingsError


def attach(settings: Settings) -> None:
    """Makes this process's environment that of a process of Dagster's on ``settings``.

    Raises:
        SettingsError: no database is named: whoever starts one ends it, so it is nobody else's to start.
        PostgresError: ``MANNA_POSTGRES_URL`` is no URL of a PostgreSQL database.
    """
    from pipelines.services import share_environment

    if settings.postgres_url is None:
        raise SettingsError(
            "set MANNA_POSTGRES_URL to a PostgreSQL that all processes reach, or use `manna up`"
        )
    share_environment(settings, settings.postgres_url)


def main(command: Sequence[str]) -> int:
    """Becomes ``command``; 1 when it cannot, with one line of why."""
    if not command:
        sys.stderr.write("say a command, such as `python -m pipelines.attached dagster-daemon run`\n")
        return 2
    try:
        attach(Settings.load())
        os.execvp(command[0], list(command))
    except (SettingsError, PostgresError) as error:
        sys.stderr.write(f"error: {error}\n")
    except OSError as error:
        sys.stderr.write(f"error: cannot run {command[0]}: {error.strerror}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
