"""``clean.findings``: what looks wrong across rows, days and tables.

What belongs here: reading the clean tables, calling ``manna.validating``, writing, and the check that says so
per book. What does not: any finding. A finding holds nothing up; people look at it.
"""

import hashlib
from typing import Any

import dagster as dg
import polars as pl

from assets.book_days import today
from assets.common import Manna, key, result, spec
from manna.connections import replaced
from manna.contracts.findings import FINDINGS
from manna.validating.everything import SOURCES, findings
from resources.changes import last_changes
from resources.installation import CODE_VERSION, Installation
from resources.lake import Change, LakeTransaction

CHECK = "nothing_to_look_at"
INPUTS = "inputs"


@dg.multi_asset(
    name="find",
    specs=[spec(FINDINGS.address, deps=SOURCES)],
    check_specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset=key(FINDINGS.address),
            description="no finding that is more than information, per book",
        )
    ],
)
def found(context: dg.AssetExecutionContext, manna: Manna) -> Any:
    """Looks for what is wrong although every row keeps its contract."""
    from manna.documents.markdown import preview

    state, address = _state(manna), FINDINGS.address
    event = context.instance.get_latest_materialization_event(key(address))
    before = event.asset_materialization.metadata if event and event.asset_materialization else {}
    if INPUTS in before and before[INPUTS].value == state:
        rows = manna.lake.read(address)
        change = Change(total=rows.height)
    else:
        rows, change = refresh(manna, f"run {context.run.run_id}")
    kinds = dict(rows.group_by("kind").len().sort("kind").iter_rows())
    wanted = rows.filter(pl.col("severity") != "info")
    told = preview(wanted.select("severity", "book", "kind", "subject", "since", "message"))
    shown = {"to look at": dg.MetadataValue.md(told)}
    yield result(address, change, **{INPUTS: state}, **kinds, **shown)
    yield dg.AssetCheckResult(
        passed=wanted.is_empty(),
        asset_key=key(address),
        check_name=CHECK,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            str(book): _words(part) for (book,), part in wanted.group_by(["book"], maintain_order=True)
        },
    )


def refresh(manna: Installation, message: str = "") -> tuple[pl.DataFrame, Change]:
    """Makes the table hold what there is to find now."""

    def work(transaction: LakeTransaction) -> tuple[pl.DataFrame, Change]:
        tables = {address: transaction.read(address) for address in SOURCES}
        logins = manna.ops.live_connections()
        former = replaced(logins, set(tables["clean.accounts"]["connection_id"]))
        rows = findings(
            tables,
            [login for login in logins if login["connection_id"] not in former],
            {book.id: book.thresholds.stale_after_days for book in manna.books.values()},
            {book.id: today(manna, book) for book in manna.books.values()},
            _apart(manna),
        )
        return rows, transaction.replace(FINDINGS.address, rows)

    return manna.lake.commit([FINDINGS.address], work, author=FINDINGS.address, message=message)


def _apart(manna: Installation) -> list[str]:
    """Accounts of which a person has said, as the last word, that they are no other account."""
    last = {decision.account_id: decision.same_as for decision in manna.ops.account_decisions()}
    return [account_id for account_id, same_as in last.items() if same_as is None]


def _state(manna: Installation) -> str:
    """Names all that findings follow from, without reading a row: tables, connections, decisions, days, code."""
    changes = last_changes(manna.lake)
    logins = manna.ops.live_connections()
    known = [(c["connection_id"], c["complete_through"], c["status"]) for c in logins]
    days = [(book.id, today(manna, book), book.thresholds.stale_after_days) for book in manna.books.values()]
    tables = [(address, changes.get(address)) for address in SOURCES]
    parts = (CODE_VERSION, tables, known, days, _apart(manna))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _words(rows: pl.DataFrame) -> dict[str, str]:
    """One line per finding: what a check's metadata shows of a book."""
    return {
        f"{row['kind']} {row['subject']} {row['since']}": f"{row['severity']}: {row['message']}"
        for row in rows.head(50).iter_rows(named=True)
    }
