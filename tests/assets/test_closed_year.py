"""A closed year in a world: what becomes known of it later is in its tax reports, and apart in the next year's."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import polars as pl
import pytest
import worlds
from worlds import TUESDAY, World

from pipelines import closing, reconciling
from pipelines.bundling import bundle
from pipelines.cli.past import at
from pipelines.reporting import find_report

BOOK, END, JANUARY = "household", date(2025, 12, 31), date(2026, 1, 1)
INTEREST = "Expenses:Interest:Mortgage"


def line(frame: pl.DataFrame, section: str, account: str = INTEREST) -> Decimal:
    """A line's year to date, zero where there is none."""
    rows = frame.filter(pl.col("section").str.contains(section), account=account, level="line")
    return Decimal(rows["year_to_date"].sum())


@pytest.mark.slow
def test_form_1098_of_a_closed_year(world: World) -> None:
    closing.close(world.manna, BOOK, END, "ana")
    before = find_report(world.manna, "tax_lines", BOOK, "2025")
    loans = world.read("clean.accounts", book=BOOK).filter(subtype="mortgage")
    issuer, paid = loans["institution"][0], line(before.frame, "^Schedule A 8a")
    stated = paid - Decimal("143.69")
    world.at(TUESDAY)
    reconciling.add_form(world.manna, BOOK, 2025, "1098", issuer, [f"1={stated}"], None, "ana")
    worlds.succeeded(world.run([worlds.ledger.ledger, worlds.tax.taxable, worlds.ledger.months]))
    worlds.succeeded(world.report(JANUARY))

    found = find_report(world.manna, "tax_lines", BOOK, "2025")
    assert line(found.frame, "^Schedule A 8a") == stated
    assert "1 adjustment booked after it" in found.title
    december = find_report(world.manna, "tax_lines", BOOK, "2025-12")
    assert december.frame.equals(before.frame), "the month stays as it was published"
    now = find_report(world.manna, "tax_lines", BOOK, "2026-01")
    assert line(now.frame, "^Adjustments of 2025: Schedule A 8a") == Decimal("-143.69")
    assert line(now.frame, "^Schedule A 8a") >= 0
    assert any("1 adjustment of earlier periods" in item for item in now.cover.open_items)
    assert reconciling.compared_forms(world.manna, BOOK, 2025)["difference"].to_list() == [0]
    with zipfile.ZipFile(io.BytesIO(bundle(world.manna, BOOK, 2025))) as archive:
        kept = pl.read_parquet(io.BytesIO(archive.read("tax/restated-tax-lines.parquet")))
        assert "Restated: tax lines" in archive.read("README.txt").decode()
    assert line(kept, "^Schedule A 8a") == stated

    # As known on a day after the closing: what became known by then, and no more. The closed month stays.
    for day, period, interest in (
        ("2026-03-17", "2025", stated),
        ("2026-03-16", "2025", paid),
        ("2026-03-17", "2025-12", paid),
    ):
        with at(world.manna, BOOK, period, day, "tax_lines") as past:
            assert line(find_report(past, "tax_lines", BOOK, period).frame, "^Schedule A 8a") == interest
