"""Commands for what only a person can say: categories that are not certain, transfers that are none, rules."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.asked import UsageError, require_format, require_one_of
from pipelines.cli.shell import FormatOption, app, opened, out

review = typer.Typer(
    help="Answers what is not certain: the most valuable question first.", rich_markup_mode="markdown"
)
rules = typer.Typer(
    help="Rules of a book, tried before they are used.", no_args_is_help=True, rich_markup_mode="markdown"
)
transfers = typer.Typer(
    help="Movements between own accounts, and pairs that are none.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(review, name="review")
app.add_typer(rules, name="rules")
app.add_typer(transfers, name="transfers")

BookOption = Annotated[str | None, typer.Option("--book", help="only this book")]
ByOption = Annotated[str | None, typer.Option("--by", help="who decides; else your account's name")]
SHOWN = 15
SHORT = 12
_HINT = "Enter takes the suggestion; a number or part of a name another category; s skips, q ends"


@review.callback(invoke_without_command=True)
def ask(
    context: typer.Context,
    book: BookOption = None,
    limit: Annotated[int, typer.Option(min=1, help="so many questions at most")] = 50,
    by: ByOption = None,
    output: FormatOption = "table",
) -> None:
    """Asks, one question after the other, what is not certain. One answer settles all rows of a merchant.

    Example: `manna review --book household`
    """
    if context.invoked_subcommand is not None:
        return
    from pipelines.rendering import render
    from pipelines.reviewing import questions, whoever

    require_format(output)
    with opened() as manna:
        if book:
            require_one_of("book", [book], manna.books)
        found = questions(manna, [book] if book else list(manna.books)).head(limit)
        if output != "table":
            render(found, output, title="Review", console=out)  # type: ignore[arg-type]
            return
        if found.is_empty():
            out.print("Nothing is uncertain.")
            return
        _interview(manna, found.rows(named=True), by or whoever())


def _interview(manna: Any, asked: list[dict[str, Any]], by: str) -> None:
    from pipelines.reviewing import answer, usual_categories

    categories: dict[str, list[str]] = {}
    decided = 0
    out.print(f"{len(asked)} questions. {_HINT}.", style="dim", highlight=False)
    for number, question in enumerate(asked, start=1):
        known = categories.setdefault(question["book"], usual_categories(manna, question["book"]))
        _show(number, len(asked), question)
        choice = _choose(known, question["suggested"])
        if choice is None:
            break
        if choice:
            decided += answer(manna, question["question_id"], choice, by=by)
    out.print(
        f"{decided} transactions decided; `manna run nightly_close` puts them into the books", highlight=False
    )


def _show(number: int, of: int, question: dict[str, Any]) -> None:
    """A question. What a bank wrote is printed as it is, never taken for markup."""
    from rich.text import Text

    from pipelines.terminal import printable

    rows = f"{question['rows']} rows, " if question["rows"] > 1 else ""
    days = (
        question["first_on"] if question["rows"] == 1 else f"{question['first_on']} to {question['last_on']}"
    )
    who = printable(question["merchant"] or question["example"])
    what = f"  {question['book']}  {rows}{question['amount']:,.2f} {question['currency']}, {days}"
    out.print()
    out.print(Text(f"{number}/{of}  {who}", style="bold") + Text(what, style="not bold"))
    out.print(Text(f"   {printable(question['example'])}", style="dim"))
    sure = f"{float(question['confidence']):.0%}"
    out.print(
        Text(
            f"   suggested: {question['suggested']} ({question['source']}, {sure}: {printable(question['reason'])})"
        )
    )


def _choose(known: list[str], suggested: str) -> str | None:
    """A category; empty to skip; null to end."""
    offered = [suggested]
    while True:
        said: str = typer.prompt("  ", default="", show_default=False, prompt_suffix="> ").strip()
        if said in ("q", "quit"):
            return None
        if said in ("s", "skip"):
            return ""
        if not said:
            return suggested
        if said.isdigit() and 1 <= int(said) <= len(offered):
            return offered[int(said) - 1]
        if said in known or said.split(":")[0] in ("Assets", "Liabilities", "Equity", "Income", "Expenses"):
            return said
        offered = [name for name in known if said.casefold() in name.casefold()][:SHOWN]
        if not offered:
            out.print(
                f"   no category in use has {said!r} in it; write it in full, like Expenses:Food",
                markup=False,
            )
        for position, name in enumerate(offered, start=1):
            out.print(f"   {position:>2}  {name}", highlight=False, markup=False)


@review.command("set")
def set_(
    subject: Annotated[str, typer.Argument(help="a question's id, or a transaction's")],
    category: Annotated[str, typer.Argument(help="account of the chart, e.g. Expenses:Food:Groceries")],
    split: Annotated[
        list[str] | None,
        typer.Option(help="CATEGORY=AMOUNT of a further part of one transaction (may be repeated)"),
    ] = None,
    note: Annotated[str | None, typer.Option(help="your own words, kept with the decision")] = None,
    by: ByOption = None,
) -> None:
    """Decides on one question or transaction, for scripts. The rest of a split goes to CATEGORY.

    Example: `manna review set 5f0c1a2b3c4d Expenses:Food:Groceries --split Expenses:Home=12.50`
    """
    from pipelines.reviewing import answer, whoever

    with opened() as manna:
        count = answer(manna, subject, category, by=by or whoever(), note=note, split=split or ())
    out.print(f"{count} decided; `manna run nightly_close` puts it into the books", highlight=False)


@rules.command("test")
def try_(
    book: Annotated[str, typer.Option("--book", help="the book")],
    file: Annotated[
        Path | None, typer.Option(help="YAML with other rules to try instead of the book's")
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Shows what each rule would change, in rows and in money, before it is used. Changes nothing.

    Example: `manna rules test --book household --file new-rules.yaml`
    """
    from pipelines.rendering import render
    from pipelines.reviewing import trial

    require_format(output)
    text = None
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {file}: {error}") from error
    with opened() as manna:
        require_one_of("book", [book], manna.books)
        found = trial(manna, manna.books[book], text)
    render(found, output, title=f"Rules of {book}", console=out)  # type: ignore[arg-type]


@transfers.command("list")
def list_(
    book: BookOption = None,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="pairs that somebody said are none, instead")
    ] = False,
    output: FormatOption = "table",
) -> None:
    """Lists the pairs that were found, the latest first, with what either row said.

    Example: `manna transfers list --book household --format csv`
    """
    import polars as pl

    from pipelines.rendering import render
    from pipelines.reviewing import pairs

    require_format(output)
    with opened() as manna:
        if book:
            require_one_of("book", [book], manna.books)
        found = pairs(manna, book, rejected=rejected)
    if output == "table":  # what fits on a line; the other formats have both rows in full
        found = found.select(
            transfer=pl.col("transfer_id").str.slice(0, SHORT),
            date="out_date",
            amount=-pl.col("out_amount"),
            currency="out_currency",
            from_account="out_account",
            to_account="in_account",
        )
    render(found, output, title="Transfers", console=out)  # type: ignore[arg-type]


TransferArgument = Annotated[str, typer.Argument(help="the transfer's id, or the beginning of it")]


@transfers.command()
def reject(transfer: TransferArgument, by: ByOption = None) -> None:
    """Says that two rows are no transfer. It is remembered.

    Example: `manna transfers reject 5f0c1a2b`
    """
    _decide(transfer, by, is_transfer=False)


@transfers.command()
def restore(transfer: TransferArgument, by: ByOption = None) -> None:
    """Takes a rejection back.

    Example: `manna transfers restore 5f0c1a2b`
    """
    _decide(transfer, by, is_transfer=True)


def _decide(transfer: str, by: str | None, *, is_transfer: bool) -> None:
    from pipelines.reviewing import decide_transfer, whoever

    with opened() as manna:
        decide_transfer(manna, transfer, by=by or whoever(), is_transfer=is_transfer)
    out.print("remembered; `manna run nightly_close` puts it into the books", highlight=False)
