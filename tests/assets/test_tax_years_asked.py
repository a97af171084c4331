"""What `manna report` and `manna bundle` show of a closed year of which something became known since."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from manna.books import Book
from manna.contracts import CONTRACTS
from manna.documents.cover import cover
from manna.documents.spans import Span
from pipelines.tax_years import TaxYear, tax_year_of

BOOK = Book(id="home", name="Home")
CLOSED, OPENED = date(2025, 12, 31), date(2026, 1, 1)


def known(adjusted: bool) -> dict[str, pl.DataFrame]:
    """Interest of 1,000.00 in 2025, and what Form 1098 took of it after the year was closed."""
    lines = [("e1", date(2025, 3, 1), "1000"), ("e2", OPENED, "-143.69")][: 1 + adjusted]
    postings = [
        {"posting_id": f"{entry}-{account}", "entry_id": entry, "book": "home", "date": day, "account": account,
         "amount": sign * Decimal(amount), "currency": "USD"}
        for entry, day, amount in lines
        for account, sign in (("Expenses:Interest:Mortgage", 1), ("Equity:Suspense", -1))
    ]  # fmt: skip
    late = {"entry_id": "e2", "book": "home", "date": OPENED, "tax_date": CLOSED, "adjusts": "true-up"}
    rows = {"ledger.postings": postings, "ledger.adjustments": [late][:adjusted], "ledger.taxable_gains": []}
    return {name: pl.DataFrame(rows[name], schema=CONTRACTS[name].polars_schema) for name in rows}


def asked(period: str, adjusted: bool = True) -> TaxYear:
    tables = known(adjusted)
    return tax_year_of(lambda address, _: tables[address], BOOK, Span.parse(period))


def test_a_closed_year_has_what_became_known_since_and_says_so() -> None:
    found = asked("2025")
    assert sorted(found.frames) == ["dividends_and_interest", "realized_gains", "tax_lines"]
    lines = found.frames["tax_lines"].filter(level="line")
    assert lines.select("account", "year_to_date").rows() == [
        ("Expenses:Interest:Mortgage", Decimal("856.31"))
    ]
    assert lines["section"][0].startswith("Schedule A 8a")
    said = {"complete_through": CLOSED, "open_items": "", "known_at": datetime(2026, 1, 5, tzinfo=UTC)}
    record = {
        "period": date(2025, 12, 1),
        "status": "published",
        "content_hash": "h",
        "code_version": "1",
        **said,
    }
    front = found.on(cover(BOOK, "Tax lines", Span.parse("2025"), [record]))
    assert front.warnings[-1] == (
        "Restated: tax lines, dividends and interest, and realized gains of 2025 include 1 adjustment booked after it; "
        "the published months do not"
    )
    assert front.content_hash == "h", "what was published stays what it was"


@pytest.mark.parametrize("period", ["2025-12", "2025-Q4", "2026", "2024"])
def test_a_month_a_quarter_and_other_years_are_as_published(period: str) -> None:
    assert asked(period) == TaxYear()


def test_a_year_of_which_nothing_became_known_is_as_published() -> None:
    found = asked("2025", adjusted=False)
    front = cover(BOOK, "Tax lines", Span.parse("2025"), [])
    assert found.on(front) is front
