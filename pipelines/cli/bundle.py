"""`manna bundle` and `manna verify`: the accountant's ZIP, and whether one is as it was sealed.

What belongs here: these commands. What does not: what is in it (``pipelines.bundling``), or the check itself
(``manna.bundling``).
"""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.asked import UsageError, require_one_of
from pipelines.cli.shell import app, err, opened, out


@app.command()
def bundle(
    book: Annotated[str | None, typer.Option(help="the book")] = None,
    year: Annotated[int | None, typer.Option(help="the year, e.g. 2026", min=1900, max=9999)] = None,
    output: Annotated[Path | None, typer.Option(help="the file to write; else BOOK-YEAR.zip")] = None,
    public_key: Annotated[
        bool, typer.Option("--public-key", help="prints the key that others check with, and its fingerprint")
    ] = False,
) -> None:
    """One signed ZIP for the accountant: all statements of a year, ledger, journal, gains, open items.

    Example: `manna bundle --book household --year 2026 --output household-2026.zip`
    """
    if public_key:
        _show_key()
        return
    if book is None or year is None:
        raise UsageError("say which: --book household --year 2026 (or --public-key alone)")
    from pipelines import bundling
    from pipelines.files import write_whole

    path = output or Path(f"{book}-{year}.zip")
    with opened() as manna:
        require_one_of("book", [book], manna.books)
        content = bundling.bundle(manna, book, year)
    write_whole(path, content)
    err.print(f"wrote {path}", highlight=False, markup=False)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="a bundle that `manna bundle` has made")],
    public_key: Annotated[
        Path | None, typer.Option(help="the sender's key; else this installation's, else the bundle's own")
    ] = None,
) -> None:
    """Checks a bundle: signature, every file's hash, nothing more and nothing less; names what differs, and whose key it was.

    Example: `manna verify household-2026.zip --public-key rivera.pem`
    """
    from manna.bundling import verify as check
    from manna.bundling.verifying import public_key as read_key
    from pipelines.files import read_whole
    from resources.settings import Settings
    from resources.signing import own_public_key

    given = read_key(read_whole(public_key)) if public_key else None
    verdict = check(read_whole(file), given, own_public_key(Settings.load().data_dir))
    if not verdict.is_good:
        for fault in verdict.faults:
            err.print(f"  {fault}", highlight=False, markup=False)
        err.print(f"  {verdict.standing}", highlight=False, markup=False)
        raise UsageError(f"{file} is not as it was sealed; do not rely on it, ask the sender for another")
    told = verdict.manifest
    whose = {
        "given": "the key you gave",
        "own": "this installation's key",
        "bundle": "the key inside the bundle. That shows that its files belong together, not who made them: "
        "compare the fingerprint with the sender's, or give --public-key",
    }
    lines = (
        f"{file}: good, {len(told['files'])} files as they were sealed, nothing added, nothing missing",
        f"Book {told['book']}, year {told['year']}, as known on {told['known_at']}, "
        f"snapshot {told['lake_snapshot']}, Manna {told['code_version']}",
        *told["warnings"],
        f"Signed with {whose[verdict.origin]}",
        f"Fingerprint {verdict.key}",
    )
    for line in lines:
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _show_key() -> None:
    from manna.bundling.sealing import fingerprint, pem
    from resources.settings import Settings
    from resources.signing import signing_key

    data_dir = Settings.load().data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    key = signing_key(data_dir).public_key()
    out.file.write(pem(key).decode())
    err.print(f"Fingerprint {fingerprint(key)}", highlight=False, markup=False, soft_wrap=True)
