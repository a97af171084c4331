"""`manna rebalance`: plans of trades that bring a book to its targets.

What belongs here: these commands. What does not: the work (``pipelines.rebalancing``), how a plan looks
(``pipelines.plan_view``), or sending orders (``trading``).
"""

import getpass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.asked import UsageError, csv_rows, require_one_of
from pipelines.cli.shell import FormatOption, app, opened, out

if TYPE_CHECKING:
    from manna.rebalancing.files import Table
    from manna.rebalancing.plan_document import PlanDocument
    from resources.plans import StoredPlan

rebalance = typer.Typer(
    help="Plans of trades that bring a book to its targets: make, look at, approve, cancel, execute.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(rebalance, name="rebalance")

ByOption = Annotated[str | None, typer.Option("--by", help="who decides; else the name of this login")]
PlanArgument = Annotated[str, typer.Argument(help="the plan's id, or the beginning of it")]


@rebalance.command()
def plan(
    book: Annotated[str | None, typer.Option(help="the book; its plan is written down for approval")] = None,
    positions: Annotated[
        Path | None, typer.Option(help="instead: a CSV file: symbol, quantity, price, cost, opened, account")
    ] = None,
    targets: Annotated[
        Path | None, typer.Option(help="a YAML file: a book's section `targets`, or a book")
    ] = None,
    lots: Annotated[
        Path | None, typer.Option(help="a CSV file: symbol, quantity, cost, opened, account, lot")
    ] = None,
    prices: Annotated[Path | None, typer.Option(help="a CSV file: symbol, price")] = None,
    trades: Annotated[
        Path | None, typer.Option(help="trades of all accounts as for `manna lots`: wash sales are seen")
    ] = None,
    account: Annotated[str, typer.Option(help="the traded account, where the files have several")] = "",
    sheltered: Annotated[
        list[str] | None, typer.Option(help="an account without taxes, such as an IRA (may be repeated)")
    ] = None,
    cash_flow: Annotated[
        str, typer.Option(help="money about to come in, or (negative) to be taken out")
    ] = "0",
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the day of the files; else today")
    ] = None,
    by: ByOption = None,
    output: FormatOption = "table",
) -> None:
    """Plans the trades that bring a book, or what is in files, to its targets.

    A book's plan is written down and waits for approval; the same facts make the same plan. Of files nothing is kept:
    `--positions` and `--targets` answer what would be. Money that is there is used first; then lots are sold by what they
    cost after tax, and nothing is traded that would make a wash sale in any account.

    Example: `manna rebalance plan --positions positions.csv --targets targets.yaml --format json`
    """
    from pipelines.rebalancing import plan_book

    require_one_of("format", [output], ("table", "json"))
    flow, files = _amount(cash_flow), {"lots": lots, "prices": prices, "trades": trades}
    if positions is not None and targets is not None and book is None:
        _print_what_if(positions, targets, files, account, sheltered or [], flow, as_of, output)
        return
    if book is None or any(each is not None for each in (positions, targets, *files.values())):
        raise UsageError("give --book BOOK, or --positions FILE and --targets FILE")
    with opened() as manna:
        made = plan_book(manna, book, by or getpass.getuser(), flow)
    _print_none(made, output) if isinstance(made, str) else _print(made.plan, made, output)


@rebalance.command()
def show(
    plan: PlanArgument,
    every_lot: Annotated[
        bool, typer.Option("--every-lot", help="each lot on a line, however many are sold")
    ] = False,
    output: FormatOption = "table",
) -> None:
    """Shows a plan: what is sold from which lots, what is bought, the tax, and why; of a finished one what came of it.

    Example: `manna rebalance show 5f0c1a2b --every-lot`
    """
    from pipelines.rebalancing import one_plan

    require_one_of("format", [output], ("table", "json"))
    with opened() as manna:
        stored = one_plan(manna, plan)
    _print(stored.plan, stored, output, every_lot=every_lot)


@rebalance.command()
def approve(plan: PlanArgument, by: ByOption = None) -> None:
    """Approves a plan in your name. Where the book says so a second person has to, too.

    A plan whose inputs have moved (prices beyond its collar, positions, new transactions, another approved plan) is void
    instead, with the reason.

    Example: `manna rebalance approve 5f0c1a2b --by "Ana Rivera"`
    """
    from pipelines.rebalancing import approve as approve_plan
    from pipelines.rebalancing import standing_words

    with opened() as manna:
        stored, state = approve_plan(manna, plan, by or getpass.getuser())
    out.print(
        f"plan {stored.plan.plan_id[:12]} of {stored.plan.book} is {standing_words(state, stored.plan.approvals)}",
        highlight=False,
        soft_wrap=True,
    )


@rebalance.command()
def cancel(
    plan: PlanArgument,
    reason: Annotated[str, typer.Option(help="why, for the record")],
    by: ByOption = None,
) -> None:
    """Cancels a plan for good. The very same plan is not proposed again.

    Example: `manna rebalance cancel 5f0c1a2b --reason "we buy a house"`
    """
    from pipelines.rebalancing import cancel as cancel_plan

    with opened() as manna:
        stored = cancel_plan(manna, plan, by or getpass.getuser(), reason)
    out.print(f"plan {stored.plan.plan_id[:12]} of {stored.plan.book} is cancelled", highlight=False)


@rebalance.command()
def status(
    book: Annotated[str | None, typer.Option(help="only this book")] = None,
    everything: Annotated[bool, typer.Option("--all", help="also plans that are over")] = False,
    output: FormatOption = "table",
) -> None:
    """Lists plans, the newest first: who has approved them, until when they are good, and why they are over.

    Example: `manna rebalance status --book household --all`
    """
    from pipelines.asked import require_format
    from pipelines.rebalancing import listed
    from pipelines.rendering import render

    require_format(output)
    with opened() as manna:
        frame = listed(manna, book, everything=everything)
    if output == "table":
        frame = frame.drop("made_at", *([] if everything else ["reason"]))
        frame = frame.with_columns(frame["expires_at"].dt.strftime("%Y-%m-%d %H:%M UTC"))
    render(frame, output, title="Plans", console=out)  # type: ignore[arg-type]


def _print_what_if(
    positions: Path,
    targets: Path,
    files: dict[str, Path | None],
    account: str,
    sheltered: list[str],
    flow: Any,
    as_of: datetime | None,
    output: str,
) -> None:
    from manna.rebalancing.files import PositionFileError, facts_of_files
    from manna.rebalancing.planning import propose
    from manna.rebalancing.writing import Source, plan_document
    from pipelines.rebalancing import read_targets
    from resources.settings import Settings

    now = Settings.load().now()
    wanted, currency, same = read_targets(targets)
    try:
        facts = facts_of_files(
            _table(positions),
            day=as_of.date() if as_of else now.date(),
            currency=currency,
            account=account,
            sheltered=sheltered,
            same=same,
            cash_flow=flow,
            **{name: _table(path) for name, path in files.items() if path is not None},
        )
    except PositionFileError as error:
        raise UsageError(str(error).replace("\n", "; ")) from None
    proposal = propose(facts, wanted)
    document = plan_document(proposal, Source(), now)
    if document is None:
        _print_none(proposal.why_none, output)
    else:
        _print(document, None, output)


def _print_none(why: str, output: str) -> None:
    if output == "json":
        import json

        out.file.write(json.dumps({"trades": [], "why_none": why}) + "\n")
        return
    out.print(f"No trades: {why}", highlight=False, markup=False, soft_wrap=True)


def _print(
    plan: "PlanDocument", stored: "StoredPlan | None", output: str, *, every_lot: bool = False
) -> None:
    if output == "json":
        import json

        from manna.rebalancing.plan_document import to_json

        stands: dict[str, Any] = {}
        if stored is not None:
            known = stored.state
            stands = {"status": known.status, "approved_by": known.approved_by, "reason": known.reason}
            stands["outcome"] = stored.outcome
        out.file.write(json.dumps({**to_json(plan), **stands}, ensure_ascii=False, indent=2) + "\n")
        return
    from pipelines.plan_view import plan_on_terminal

    state, outcome = (stored.state, stored.outcome) if stored else (None, None)
    out.print(plan_on_terminal(plan, state, outcome, every_lot=every_lot))


def _table(path: Path) -> "Table":
    from manna.rebalancing.files import Table

    rows, columns = csv_rows(path)
    return Table(path.name, rows, columns)


def _amount(text: str) -> Any:
    from decimal import Decimal, InvalidOperation

    try:
        amount = Decimal(text.replace(",", ""))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise UsageError(f"--cash-flow {text!r} is no amount; write 5000 or -2000")
    return amount
