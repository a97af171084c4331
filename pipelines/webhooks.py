"""What follows from Plaid's webhooks: a login's status changes, and just that login is pulled.

What belongs here: the sensor that follows ``ops.webhooks``. What does not: receiving (``pipelines.receiver``), or
the decision, which is a pure function (``manna.webhooks``).

The cursor names the last event that is dealt with, and the last one of the batch that is being pulled. A batch is
asked for by one run key until its run has succeeded (or failed for good: then the night pulls it); what arrives
meanwhile waits for the next batch. A change of status is claimed by its event, so a repeated tick repeats none.
"""

from dataclasses import dataclass

import dagster as dg

from assets.common import Manna, key
from assets.raw.plaid import TABLES
from manna.webhooks import Plan, StatusChange, plan
from pipelines.jobs import NIGHTLY, OF_WEBHOOKS
from pipelines.sensors import RUNNING, has_succeeded, request
from resources.installation import Installation

SECONDS = 30


@dataclass(frozen=True, slots=True)
class Position:
    """How far the events are dealt with: up to ``done``; those up to ``asked`` have been asked for."""

    done: int = 0
    asked: int | None = None

    @classmethod
    def read(cls, cursor: str | None) -> "Position":
        """From a sensor's cursor: ``3``, or ``3 5``, or nothing yet."""
        return cls(*map(int, cursor.split())) if cursor else cls()

    def __str__(self) -> str:
        return str(self.done) if self.asked is None else f"{self.done} {self.asked}"


@dg.sensor(
    name="webhooks",
    job_name=NIGHTLY,
    minimum_interval_seconds=SECONDS,
    default_status=RUNNING,
    description="Pulls the logins of which Plaid has sent a webhook, and takes over what it says of their status.",
)
def webhooks(context: dg.SensorEvaluationContext, manna: Manna) -> dg.RunRequest | dg.SkipReason:
    """One run for the logins of all events that have come in since the last one."""
    try:
        return follow(context, manna)
    except Exception as error:  # noqa: BLE001  whatever keeps it from looking is the reason to say
        return dg.SkipReason(f"cannot read the webhooks: {error}")


def follow(context: dg.SensorEvaluationContext, manna: Installation) -> dg.RunRequest | dg.SkipReason:
    """Deals with the next batch of events and moves the cursor. Repeating it changes nothing."""
    at = Position.read(context.cursor)
    if at.asked is not None and has_succeeded(context.instance, NIGHTLY, _state(at.asked)):
        at = Position(at.asked)
    events = manna.ops.webhooks(after=at.done, through=at.asked)
    if not events:
        context.update_cursor(str(at))
        return dg.SkipReason("no webhook has come in")
    through = events[-1]["webhook_id"]
    found = plan(events, manna.ops.connections(provider="plaid"))
    changed = sum(_change(manna, change) for change in found.changes)
    for note in found.notes:
        manna.ops.connection_noted(note.connection_id, note.reason, manna.settings.now(), note.webhook_id)
    said = f"{len(events)} webhooks: {changed} changes of status{_of_nobody(found)}"
    if not found.pull:
        context.update_cursor(str(Position(through)))
        return dg.SkipReason(f"{said}, nothing to pull")
    asked = request(
        context.instance,
        NIGHTLY,
        _state(through),
        run_config={"ops": {"pull_plaid": {"config": {"connections": list(found.pull)}}}},
        asset_selection=_all_but_other_providers(context),
    )
    given_up = isinstance(asked, dg.SkipReason)
    context.update_cursor(str(Position(through) if given_up else Position(at.done, through)))
    return asked


def _state(webhook_id: int) -> str:
    return f"{OF_WEBHOOKS}{webhook_id}"


def _change(manna: Installation, found: StatusChange) -> bool:
    change = found.change
    return manna.ops.connection_status(
        found.connection_id,
        change.status,
        change.reason,
        manna.settings.now(),
        expires_at=change.expires_at,
        webhook_id=found.webhook_id,
    )


def _of_nobody(found: Plan) -> str:
    return f", of items nobody has linked here: {', '.join(found.unknown)}" if found.unknown else ""


def _all_but_other_providers(context: dg.SensorEvaluationContext) -> list[dg.AssetKey]:
    """The assets of the nightly job without what is pulled from anybody but Plaid."""
    assert context.repository_def is not None
    nightly = context.repository_def.get_job(NIGHTLY).asset_layer.executable_asset_keys
    plaids = {key(table) for table in TABLES}
    return sorted(each for each in nightly if each.path[0] != "raw" or each in plaids)
