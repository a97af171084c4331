"""Asset checks by Great Expectations, one per clean table.

What belongs here: when a table is examined, and what the check says. What does not: the suite
(``resources.examiner``).

A table whose content was examined before is not examined again: the check passes (or fails) citing the run
that examined this very content, and Great Expectations is not even imported.
"""

from typing import Any

import dagster as dg

from assets.common import Manna, key
from manna.cleaning import CLEANERS
from manna.contracts import Contract
from manna.contracts.declaration import content_hash

CHECK = "great_expectations"


def _check(contract: Contract) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=key(contract.address),
        name=CHECK,
        description="The suite that follows from the table's contract; skipped for content seen before.",
    )
    def examined(context: dg.AssetCheckExecutionContext, manna: Manna) -> dg.AssetCheckResult:
        rows = manna.lake.read(contract.address)
        content = content_hash(contract, rows)
        before = manna.ops.examination(contract.address, content)
        if before is not None:
            return _result(before["success"], before["result"], f"same content as in run {before['run_id']}")
        from resources.examiner import examine  # imports nothing heavy itself

        found = examine(contract, rows)
        said = {"expectations": found.expectations, "failures": found.failures, "rows": rows.height}
        manna.ops.examined(
            {
                "suite": contract.address,
                "content_hash": content,
                "run_id": context.run.run_id,
                "success": found.success,
                "result": said,
                "examined_at": manna.settings.now(),
            }
        )
        return _result(found.success, said, "examined now")

    return examined


def _result(success: bool, said: dict[str, Any], how: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=success, severity=dg.AssetCheckSeverity.WARN, metadata={"how": how, **said}
    )


CHECKS = [_check(cleaner.contract) for cleaner in CLEANERS.values()]
