"""`manna reconcile`, `tax-form` and `tie-out`: our figures against those of banks, employers and brokers.

What belongs here: these commands. What does not: the comparisons (``manna.ledger.differences``,
``manna.filing.tie_out``).
"""

import getpass
from typing import Annotated

import typer

from pipelines.asked import require_format
from pipelines.cli.shell import FormatOption, app, opened, out

BookOption = Annotated[str, typer.Option(help="the book")]
YearOption = Annotated[int, typer.Option(help="the calendar year", min=1900, max=2199)]


@app.command()
def reconcile(
    book: BookOption,
    account: Annotated[
        str | None, typer.Option(help="only this account: its id, name or last digits")
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Ledger against provider on every day a balance was told: differences, and the rows that come to them exactly.

    Example: `manna reconcile --book household --account Checking`
    """
    from pipelines.reconciling import differences, summary
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        accounts = summary(manna, book, account)
        found = differences(manna, book, account)
    if output != "table":
        render(found, output, title="Differences", console=out)  # type: ignore[arg-type]
        return
    render(accounts, "table", title=f"{book}: days compared", console=out)
    if found.is_empty():
        compared = accounts["reconciled"].sum()
        out.print(
            f"Ledger and providers agree on all {compared} days that prove something."
            if compared
            else "No difference, and no proof: each account's only balance is the one its opening was made from.",
            highlight=False,
        )
        return
    shown = found.drop("provider_balance", "ledger_balance", "explained", "row_id")
    render(shown, "table", title="Differences (ledger less provider), and what explains them", console=out)


tax_form = typer.Typer(
    help="Figures of tax forms as they came in the mail: W-2, 1098, 1099-INT, 1099-DIV, 1099-B.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(tax_form, name="tax-form")


@tax_form.command()
def add(
    book: BookOption,
    year: YearOption,
    form: Annotated[str, typer.Option(help="W-2, 1098, 1099-INT, 1099-DIV or 1099-B")],
    issuer: Annotated[
        str, typer.Option(help="the institution as in `manna accounts list`; of a W-2 the employer")
    ],
    box: Annotated[
        list[str],
        typer.Option(
            help="BOX=AMOUNT; may be repeated. Box 12 of a 1099-B (basis reported to the IRS): 12=yes or 12=no"
        ),
    ],
    account: Annotated[
        str | None,
        typer.Option(help="the account it is about: id, name or last digits; else all of the issuer's"),
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="who enters it; else the name of this login")] = None,
) -> None:
    """Enters the figures of a form. The same of the same issuer and account again is a correction: it takes the place of the first.

    Forms 1098 of two lenders about one loan (it was sold) count together: name the loan with `--account`.

    Example: `manna tax-form add --book household --year 2025 --form 1099-INT --issuer "First Platypus Bank" --box 1=12.34`
    """
    from pipelines.reconciling import add_form

    with opened() as manna:
        count = add_form(manna, book, year, form, issuer, box, account, by or getpass.getuser())
    out.print(
        f"{form} of {issuer} for {year}: {count} figures noted; `manna tie-out` compares them",
        highlight=False,
    )


@app.command("tie-out")
def tie_out_(book: BookOption, year: YearOption, output: FormatOption = "table") -> None:
    """Compares the tax forms that were entered with the books, box by box; a difference is a question, not a fault.

    Example: `manna tie-out --book household --year 2025`
    """
    from pipelines.reconciling import compared_forms
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        found = compared_forms(manna, book, year)
    render(found, output, title=f"{book}: tax forms of {year}", console=out)  # type: ignore[arg-type]
    if output == "table" and found["ours"].null_count():
        said = f"No gross pay of {year} was entered, so a W-2's boxes have no figure of ours; net pay is what was deposited."
        out.print(said, highlight=False)
    if output == "table" and found.is_empty():
        out.print(f"No form of {year} was entered: `manna tax-form add` does so.", highlight=False)
