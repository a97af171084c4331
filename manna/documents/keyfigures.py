"""The figures at the head of a page, and the monthly series behind its charts.

What belongs here: reading a figure off the statements. What does not: how it is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from manna.documents.tables import Record, for_period, records

EXPENSES, INCOME = "Expenses", "Income"


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """One currency's figures of a month; what the statements do not carry is ``None``."""

    currency: str
    as_of: date | None
    net_worth: Decimal | None
    change: Decimal | None
    income: Decimal
    income_before: Decimal
    expenses: Decimal
    expenses_before: Decimal
    cash: Decimal | None

    @property
    def saved(self) -> Decimal:
        """Income less expenses."""
        return self.income - self.expenses

    @property
    def savings_rate(self) -> Decimal | None:
        """Saved as a share of income; ``None`` without income, where it has no meaning."""
        return self.saved / self.income if self.income > 0 else None


def key_figures(statements: dict[str, pl.DataFrame], period: date, currency: str) -> KeyFigures:
    """The month's figures in one currency; all amounts as presented in the statements.

    The net worth and its change are the last two month ends' of the net worth statement; cash is the
    last total of the cash flow statement, which ends at the balance sheet's cash.
    """
    worth = net_worth_points(statements.get("net_worth"), period, currency)
    flows = _rows(statements.get("cash_flow"), period, currency)
    totals = [row["amount"] for row in flows if row["level"] == "total"]
    results = _rows(statements.get("income_statement"), period, currency)

    def class_total(root: str, column: str) -> Decimal:
        return sum((row[column] for row in results if _is_line_of(row, root)), Decimal(0))

    return KeyFigures(
        currency=currency,
        as_of=worth[-1][0] if worth else None,
        net_worth=worth[-1][1] if worth else None,
        change=worth[-1][1] - worth[-2][1] if len(worth) > 1 else None,
        income=class_total(INCOME, "amount"),
        income_before=class_total(INCOME, "previous"),
        expenses=class_total(EXPENSES, "amount"),
        expenses_before=class_total(EXPENSES, "previous"),
        cash=totals[-1] if totals else None,
    )


def net_worth_points(frame: pl.DataFrame | None, period: date, currency: str) -> list[tuple[date, Decimal]]:
    """(month end, net worth) by day."""
    return sorted((row["as_of"], row["net_worth"]) for row in _rows(frame, period, currency))


def income_by_month(
    frame: pl.DataFrame | None, period: date, currency: str, most: int = 12
) -> list[tuple[date, Decimal, Decimal]]:
    """(month, income, expenses) for every month the frame has up to ``period``, the last ``most``."""
    if frame is None or frame.is_empty() or "period" not in frame.columns:
        return []
    months = sorted({month for month in frame["period"] if month <= period})[-most:]
    found = [(month, key_figures({"income_statement": frame}, month, currency)) for month in months]
    return [(month, figures.income, figures.expenses) for month, figures in found]


def top_expenses(
    frame: pl.DataFrame | None, period: date, currency: str, most: int = 6
) -> list[tuple[str, Decimal, Decimal]]:
    """(category, month, month before), the largest first, the rest gathered in one last row.

    A category is the second part of the account's path, so ``Expenses:Food:Groceries`` is Food.
    """
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for row in _rows(frame, period, currency):
        if _is_line_of(row, EXPENSES):
            name = row["account"].split(":")[1]
            month, before = sums.get(name, (Decimal(0), Decimal(0)))
            sums[name] = (month + row["amount"], before + row["previous"])
    ordered = sorted(((n, m, b) for n, (m, b) in sums.items() if m or b), key=lambda row: (-row[1], row[0]))
    return _gathered(ordered, most, "All other expenses")


def top_holdings(
    frame: pl.DataFrame | None, period: date, currency: str, most: int = 6
) -> list[tuple[str, Decimal, Decimal]]:
    """(holding, value, weight), the largest first, the rest gathered in one last row."""
    rows = _rows(frame, period, currency)
    found = [(row["name"] or row["security_id"], row["value"], row["weight"]) for row in rows]
    return _gathered(sorted(found, key=lambda row: (-row[1], row[0])), most, "All other holdings")


def _gathered(
    rows: Sequence[tuple[str, Decimal, Decimal]], most: int, rest: str
) -> list[tuple[str, Decimal, Decimal]]:
    if len(rows) <= most + 1:
        return list(rows)
    tail = rows[most:]
    gathered = (rest, sum((r[1] for r in tail), Decimal(0)), sum((r[2] for r in tail), Decimal(0)))
    return [*rows[:most], gathered]


def _rows(frame: pl.DataFrame | None, period: date, currency: str) -> list[Record]:
    return [] if frame is None else records(for_period(frame, period), currency)


def _is_line_of(row: Record, root: str) -> bool:
    return row["level"] == "line" and str(row["account"]).startswith(f"{root}:")
