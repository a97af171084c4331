"""Commands about the world outside: logins at banks and brokers, the key that seals them, the sandbox."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.asked import require_one_of, uses_sandbox
from pipelines.cli.shell import app, opened, out


@app.command()
def link(
    book: Annotated[str, typer.Option(help="the book the login belongs to")],
    alpaca: Annotated[
        bool, typer.Option("--alpaca", help="link the brokerage account of ALPACA_API_KEY instead")
    ] = False,
) -> None:
    """Links a bank through Plaid's hosted Link: prints an address to open, waits, and stores the login.

    Example: `manna link --book household`
    """
    from pipelines.linking import link_alpaca, link_hosted
    from resources.books import read_books
    from resources.settings import Settings

    settings = Settings.load()
    require_one_of("book", [book], read_books(settings.books))
    with opened(with_sandbox=uses_sandbox(settings)) as manna:
        if alpaca:
            known = "" if link_alpaca(manna, book) else "nothing new: it is "
            out.print(f"{known}linked; `manna run nightly_close` pulls it", highlight=False)
        else:
            link_hosted(manna, book, out)


@app.command()
def key() -> None:
    """Prints a new key for MANNA_KEY, which seals access tokens.

    Example: `manna key`
    """
    from cryptography.fernet import Fernet

    out.print(Fernet.generate_key().decode(), highlight=False, soft_wrap=True)


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
