"""What the command line prints: a frame in one of four formats, and the summary after a run.

What belongs here: the formats and what the summary says. What does not: fetching rows (``pipelines.cli``
does) and setting a frame on a terminal (:mod:`pipelines.terminal`). Imports Rich and Polars only, for every
command waits for this module.

- ``table`` is for people: thousands separators, negative numbers red, and no number ever cut.
- ``json`` is a list of objects. Decimals are strings, since a JSON number is read as a float; days and
  moments are ISO 8601; NaN and infinities, which JSON does not know, are null.
- ``csv`` has plain decimals, as stored. Text that a spreadsheet would take for a formula gets a leading
  apostrophe.
- ``html`` is one self-contained document.
"""

import json
import math
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import polars as pl
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from manna.documents.columns import texts
from manna.money import round_money
from pipelines.terminal import Fitting, grid, on_terminal, printable

Format = Literal["table", "json", "csv", "html"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_SEVERITY = {"critical": "bold red", "error": "red", "warning": "yellow", "info": "cyan"}


def render(frame: pl.DataFrame, format: Format, *, title: str, console: Console) -> None:  # noqa: A002
    """Prints ``frame`` to ``console``; for every format but ``table`` exactly the text, nothing else."""
    if format == "table":
        console.print(on_terminal(frame, title))
        return
    makers = {"json": as_json, "csv": as_csv}
    text = as_html(frame, title=title) if format == "html" else makers[format](frame)
    console.file.write(text if text.endswith("\n") else text + "\n")
    console.file.flush()


def as_json(frame: pl.DataFrame) -> str:
    """A list of objects, one per row, in the frame's order."""
    rows = [{name: _json_value(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]
    return json.dumps(rows, ensure_ascii=False, indent=2)


def as_csv(frame: pl.DataFrame) -> str:
    """A header and a line per row; a null is nothing, an empty text ``""``, a list or struct its JSON."""
    columns = {
        str(number): pl.Series([_disarmed(name), *map(_csv_text, frame[name].to_list())], dtype=pl.String)
        for number, name in enumerate(frame.columns)
    }
    return pl.DataFrame(columns).write_csv(include_header=False)


def as_html(frame: pl.DataFrame, *, title: str) -> str:
    """A self-contained document with one table."""
    from manna.documents.page import table_page  # Jinja costs 0.1 s, and only this format needs it

    return table_page(frame, title=title)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run leaves behind, as frames with (at least) the columns named here; each may be empty.

    ``accounts``: book, institution, name, type, balance, currency, complete_through; it may say whether each
    is ``listed`` still and ``provisional``.
    ``net_worth``: book, as_of, net_worth, currency; the latest line of each book.
    ``income``: book, period, income, expenses, currency; the last full month of each book.
    ``quarantine``, ``drift``, ``trades``: the contracts ``clean.quarantine`` (rows that are open),
    ``portfolio.drift`` and ``portfolio.rebalance_plan``. ``alerts``: severity, book, message; the open ones.
    ``documents``: paths of the pages, the index first.
    """

    accounts: pl.DataFrame
    net_worth: pl.DataFrame
    income: pl.DataFrame
    quarantine: pl.DataFrame
    alerts: pl.DataFrame
    drift: pl.DataFrame
    trades: pl.DataFrame
    documents: tuple[str, ...] = ()


def summary(data: Summary) -> RenderableType:
    """The readable end of a run: each book's accounts and results, then what wants a decision."""
    frames = (data.accounts, data.net_worth, data.income)
    books = dict.fromkeys(book for frame in frames if not frame.is_empty() for book in frame["book"])
    parts: list[RenderableType] = [part for book in books for part in _book(data, book)]
    if not books:
        parts += [Text("No accounts are linked yet.", style="dim"), Text("")]
    parts += _section("Quarantined rows", _quarantine(data.quarantine), "None: every row kept its contract.")
    parts += _section("Open alerts", _alerts(data.alerts), "None.")
    parts += _section("Drift from targets", _drift(data.drift), "No book has targets.")
    parts += _section("Proposed trades", _trades(data.trades), "None: every book is within its bands.")
    paths = Text("\n".join(map(printable, data.documents)), overflow="fold")
    parts += _section("Documents", paths if data.documents else None, "None were written.")
    return Group(*parts[:-1])


def _book(data: Summary, book: str) -> list[RenderableType]:
    """One book: its accounts under their institutions, then net worth and the last month."""

    def own(frame: pl.DataFrame) -> list[dict[str, Any]]:
        return [] if frame.is_empty() else frame.filter(pl.col("book") == book).to_dicts()

    table = grid("Account", "Type", ">Balance", "Complete to")
    table.columns[0].min_width, table.columns[1].min_width, table.columns[2].min_width = 31, 10, 18
    institution = None
    for row in own(data.accounts):
        if row["institution"] != institution:
            institution = row["institution"]
            table.add_row(_text(institution, "cyan"))
        balance, day = _money(row["balance"], row["currency"]), _reach(row)
        table.add_row(_text(f"  {row['name']}"), _text(row["type"]), balance, day)
    if not table.row_count:
        table.add_row(Text("no accounts", style="dim"))
    table.add_row("")
    for row in own(data.net_worth):
        worth = _money(row["net_worth"], row["currency"])
        table.add_row(f"Net worth on {row['as_of']}", "", worth, style="bold")
    for row in own(data.income):
        for name in ("income", "expenses"):
            label = f"{name.capitalize()} in {row['period']:%Y-%m}"
            table.add_row(label, "", _money(row[name], row["currency"]))
    return [
        Rule(_text(book, "bold"), align="left", style="dim"),
        _indented(Fitting(table, titled=True)),
        Text(""),
    ]


def _quarantine(frame: pl.DataFrame) -> Fitting | None:
    table = grid("Table", "Row", "Reasons")
    for row in frame.to_dicts():
        table.add_row(*(_text(row[name]) for name in ("table_name", "source_id", "reasons")))
    return Fitting(table, titled=False) if table.row_count else None


def _alerts(frame: pl.DataFrame) -> Fitting | None:
    table = grid("Severity", "Book", "Message")
    for row in frame.to_dicts():
        severity = _text(row["severity"], _SEVERITY.get(row["severity"], ""))
        table.add_row(severity, _text(row["book"]), _text(row["message"]))
    return Fitting(table, titled=False) if table.row_count else None


def _drift(frame: pl.DataFrame) -> Fitting | None:
    table = grid("Book", "Security", ">Weight", ">Target", ">Drift", "")
    for row in frame.to_dicts():
        shares = [_percent(row[name], signed=name == "drift") for name in ("weight", "target", "drift")]
        state = Text("beyond its band", style="yellow") if row["breached"] else Text("within", style="dim")
        table.add_row(_text(row["book"]), _text(row["security_id"]), *shares, state)
    return Fitting(table, titled=False) if table.row_count else None


def _trades(frame: pl.DataFrame) -> Fitting | None:
    table = grid("Book", "Side", ">Quantity", "Symbol", ">Notional", ">Tax", "Plan")
    quantities = texts(frame.select("quantity"))["quantity"] if not frame.is_empty() else []
    for row, quantity in zip(frame.to_dicts(), quantities, strict=True):
        notional = _money(row["notional"], row["currency"])
        tax = _money(row["tax"], row["currency"]) if row["side"] == "sell" else ""
        about = (_text(row["symbol"]), notional, tax, _text(row["plan_id"][:12]))
        table.add_row(_text(row["book"]), _text(row["side"]), quantity, *about)
    return Fitting(table, titled=False) if table.row_count else None


def _section(title: str, content: RenderableType | None, empty: str) -> list[RenderableType]:
    shown = Text(empty, style="dim") if content is None else content
    return [Text(title, style="bold"), _indented(shown), Text("")]


def _indented(content: RenderableType) -> Padding:
    return Padding(content, (0, 0, 0, 2))


def _text(value: Any, style: str = "") -> Text:
    return Text(printable(str(value or "")), style=style)


def _day(value: date | None) -> Text:
    return Text("unknown", style="yellow") if value is None else Text(value.isoformat(), no_wrap=True)


def _reach(row: dict[str, Any]) -> Text:
    """Up to which day an account is known, and what a reader must know of that."""
    if row.get("listed") is False:
        return Text(f"{row['complete_through'] or ''} not listed any more".strip(), style="yellow")
    if row.get("provisional"):
        return Text(f"{row['complete_through'] or 'unknown'} provisional", style="yellow")
    return _day(row["complete_through"])


def _money(value: Decimal | None, currency: str, style: str = "") -> Text:
    if value is None:
        return Text("unknown", style="yellow")
    return Text(
        f"{round_money(value, currency):,f} {currency}", style=f"{style} red".strip() if value < 0 else style
    )


def _percent(ratio: Decimal, *, signed: bool = False) -> Text:
    return Text(f"{ratio * 100:{'+' if signed else ''},.1f}%", style="red" if ratio < 0 else "")


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {name: _json_value(item) for name, item in value.items()}
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _csv_text(value: Any) -> str | None:
    if isinstance(value, str):
        return _disarmed(value)
    plain = _json_value(value)
    return plain if plain is None or isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _disarmed(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
