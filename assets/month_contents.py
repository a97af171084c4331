"""What the reports of each month of a book depend on, as one hash a month.

What belongs here: which rows of the lake a month's reports show or are made by. What does not: storing the hashes
(``assets.ledger``), or how one is made of the parts (``manna.ledger.months``).
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import polars as pl

from assets.book_days import book_standing
from assets.clean import open_rows
from manna.books import Book, document_hash, document_of
from manna.contracts.declaration import content_hash
from manna.contracts.ledger import RECONCILIATION
from manna.contracts.portfolio import VALUATIONS
from manna.contracts.tax import TAXABLE_GAINS
from manna.ledger import month_hashes
from manna.ledger.closing import reopened
from manna.standing import Standing
from manna.validating.finding import HOLDING
from resources.installation import Installation
from resources.lake import Lake, LakeTransaction


def months_as_they_are(
    manna: Installation, book_id: str, day: date, lake: Lake | LakeTransaction
) -> pl.DataFrame:
    """``book, month, content_hash`` of a book's months up to ``day``, from what the lake holds now."""
    book, scope = manna.books[book_id], {"book": book_id}
    postings = lake.read("ledger.postings", scope)
    stands = book_standing(manna, book_id, lake)
    refused = open_rows(manna, lake, book_id).height
    extras = dict(_extras(lake, book_id, day, stands, refused))
    opened = reopened(manna.ops.closings(book_id))
    if opened is not None:  # its reports say so from the first open month on
        month = (opened.after + timedelta(days=1)).replace(day=1)
        extras[month] = f"{extras.get(month, '')} {opened.words}"
    throughout = _throughout(book, stands, postings, lake.read("clean.securities"))
    return month_hashes(book_id, postings, today=day, extras=extras, throughout=throughout)


def _extras(
    transaction: Lake | LakeTransaction, book_id: str, day: date, stands: Standing, refused: int
) -> Mapping[date, str]:
    """What reports show beside postings: valuations, reconciliation, gains, merchants, and open items of today."""
    scope, found = {"book": book_id}, dict[date, list[str]]()
    ends = transaction.read("portfolio.valuations", scope).filter(
        (pl.col("date") == pl.col("date").dt.month_end()) | (pl.col("date") == day)
    )
    reconciled = transaction.read("ledger.reconciliation", scope)
    taxed = transaction.read("ledger.taxable_gains", scope)
    for contract, rows, when in (
        (VALUATIONS, ends, "date"),
        (RECONCILIATION, reconciled, "as_of"),
        (TAXABLE_GAINS, taxed, "sold"),
    ):
        for (month,), part in rows.with_columns(month=pl.col(when).dt.truncate("1mo")).group_by(["month"]):
            found.setdefault(month, []).append(content_hash(contract, part))
    for month, named in _named(transaction, book_id):
        found.setdefault(month, []).append(str(named))
    if stands.complete_through is not None and stands.complete_through < day:
        # That month and all after it were made without later rows, and say so.
        month = stands.complete_through.replace(day=1)
        found.setdefault(month, []).append(f"through {stands.complete_through}")
    held = transaction.read("clean.findings", scope).filter(pl.col("kind").is_in(HOLDING)).sort("finding_id")
    for since, finding_id in held.select("since", "finding_id").iter_rows():
        found.setdefault(since.replace(day=1), []).append(finding_id)
    found.setdefault(day.replace(day=1), []).append(f"{refused} {stands.unlisted}")
    return {month: " ".join(parts) for month, parts in found.items()}


def _named(transaction: Lake | LakeTransaction, book_id: str) -> Iterator[tuple[date, int]]:
    """Per month one number that changes when a row's merchant does, or when its category is confirmed."""
    rows = transaction.query(
        "SELECT date_trunc('month', t.date)::DATE AS month, bit_xor(md5_number_lower("
        "concat_ws(chr(31), t.transaction_id, c.merchant, c.certain))) AS named "
        "FROM clean.transactions t JOIN categorized.transactions c USING (transaction_id) "
        "WHERE t.book = ? AND NOT t.pending AND NOT t.removed GROUP BY 1 ORDER BY 1",
        [book_id],
    )
    return rows.iter_rows()


def _throughout(book: Book, stands: Standing, postings: pl.DataFrame, securities: pl.DataFrame) -> str:
    """What the reports of every month say or are made by: the book's file and the names of securities too."""
    unknown = stands.complete_through is None
    held = securities.join(postings.select("security_id"), on="security_id", how="semi")
    names = held.select("security_id", "name").sort("security_id").rows()
    said = f"{'unknown ' if unknown else ''}{' '.join(stands.provisional)}"
    return f"{said}{document_hash(document_of(book))}{names}"
