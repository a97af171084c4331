"""Commands about the world outside: logins at banks and brokers, the key that seals them, the sandbox."""

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.asked import UsageError, require_one_of, uses_sandbox
from pipelines.cli.shell import app, opened, out


@app.command()
def link(
    book: Annotated[str | None, typer.Option(help="the book the login belongs to")] = None,
    alpaca: Annotated[
        bool, typer.Option("--alpaca", help="link the brokerage account of ALPACA_API_KEY instead")
    ] = False,
    repair: Annotated[
        str | None,
        typer.Option(
            help="repair this connection instead: its id, or the beginning of it, as `manna status` shows it"
        ),
    ] = None,
) -> None:
    """Links a bank through Plaid's hosted Link: prints an address to open, waits, and stores the login.

    With `--repair` the address is that of Link's update mode: the login stays the same, with its history.

    Example: `manna link --book household`, `manna link --repair 3f0a9c1e`
    """
    from pipelines.linking import find_connection, link_alpaca, link_hosted, repair_hosted
    from resources.books import read_books
    from resources.settings import Settings

    settings = Settings.load()
    if (book is None) == (repair is None) or (repair and alpaca):
        raise UsageError("say either --book BOOK (and --alpaca), or --repair CONNECTION")
    if book is not None:
        require_one_of("book", [book], read_books(settings.books))
    with opened(with_sandbox=uses_sandbox(settings)) as manna:
        if book is None:
            repair_hosted(manna, find_connection(manna, str(repair)), out)
        elif alpaca:
            known = "" if link_alpaca(manna, book) else "nothing new: it is "
            out.print(f"{known}linked; `manna run nightly_close` pulls it", highlight=False)
        else:
            link_hosted(manna, book, out)


@app.command()
def unlink(
    connection: Annotated[
        str, typer.Argument(help="its id, or the beginning of it, as `manna status` shows it")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Ends a connection: removes the login at Plaid, keeps its history, and pulls it no more.

    Example: `manna unlink 3f0a9c1e`
    """
    from pipelines.linking import find_connection, unlink
    from resources.settings import Settings

    with opened(with_sandbox=uses_sandbox(Settings.load())) as manna:
        found = find_connection(manna, connection)
        if not yes:
            typer.confirm(f"Unlink {found['institution']} of {found['book']}?", abort=True)
        out.print(unlink(manna, found), highlight=False)


@app.command()
def key() -> None:
    """Prints a new key for MANNA_KEY, which seals access tokens.

    Example: `manna key`
    """
    from cryptography.fernet import Fernet

    out.print(Fernet.generate_key().decode(), highlight=False, soft_wrap=True)


@app.command("rotate-key")
def rotate_key() -> None:
    """Seals every access token anew with MANNA_KEY. Before: a new key in MANNA_KEY, the one before in MANNA_FORMER_KEYS.

    All tokens change in one transaction; until it is done, and after a crash, both keys are needed.

    Example: `manna rotate-key`
    """
    with opened() as manna:
        changed, total = manna.ops.reseal_tokens(
            manna.vault.resealed, getpass.getuser(), manna.settings.now()
        )
    out.print(
        f"{changed} of {total} tokens sealed anew; {total - changed} were sealed with MANNA_KEY already. "
        "MANNA_FORMER_KEYS is not needed any more: remove it, but keep those keys as long as older backups.",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def sandbox(
    people: Annotated[
        Path | None, typer.Option(help="Plaid custom-user JSON file, or a folder of them")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="port on 127.0.0.1; 0 takes a free one")] = 8600,
) -> None:
    """Serves the local Plaid and Alpaca until Ctrl-C.

    Example: `manna sandbox --people people.json --port 8600`
    """
    from pipelines.services import demo_credentials
    from resources.settings import PROJECT, Settings

    settings = Settings.load()
    command = [sys.executable, "-m", "sandbox", "--data-dir", str(settings.data_dir / "sandbox")]
    command += ["--port", str(port), "--credentials", str(demo_credentials(settings))]
    command += ["--people", str(people.absolute())] if people else []
    os.chdir(PROJECT)
    os.execv(sys.executable, command)
