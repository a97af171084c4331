"""What runs by itself: credentials and logins, daemons, schedules and sensors.

What belongs here: whether they would work tonight; nothing is sent anywhere. What does not: what a run did.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from manna.connections import BROKEN as BROKEN_CONNECTIONS
from manna.connections import has_ended
from pipelines.doctor.finding import BROKEN, FINE, WARNING, Finding
from resources.installation import Installation
from resources.settings import Settings, SettingsError
from resources.vault import Vault

if TYPE_CHECKING:
    import dagster as dg


def credentials(settings: Settings) -> Iterator[Finding]:
    """Whether each provider's pair is whole, and the key one."""
    pairs = {
        "PLAID_CLIENT_ID and PLAID_SECRET": (settings.plaid_client_id, settings.plaid_secret),
        "ALPACA_API_KEY and ALPACA_SECRET_KEY": (settings.alpaca_key_id, settings.alpaca_secret_key),
    }
    for names, pair in pairs.items():
        if (pair[0] is None) != (pair[1] is None):
            yield Finding("credentials", BROKEN, f"of {names} only one is set", "set both in .env")
    if not settings.uses_real_providers:
        yield Finding("credentials", FINE, "none set: the sandbox stands in for Plaid and Alpaca")
        return
    try:
        Vault.from_settings(settings)
    except SettingsError as error:
        yield Finding("credentials", BROKEN, str(error), "`manna key` makes a key for MANNA_KEY")
        return
    yield Finding("credentials", FINE, "real providers, tokens sealed under MANNA_KEY")


def tokens(manna: Installation) -> Iterator[Finding]:
    """Whether the keys open every login's token, and whether all are sealed with the key of now."""
    rows, former = [c for c in manna.ops.connections() if not has_ended(c)], 0
    closed = []
    for row in rows:
        try:
            former += manna.vault.resealed(row["token"]) is not None
        except SettingsError:
            closed.append(f"{row['institution']} ({row['book']}) {row['connection_id'][:8]}")
    if closed:
        words = f"{len(closed)} of {len(rows)} were sealed with another key: {', '.join(closed)}"
        remedy = "put that key into MANNA_FORMER_KEYS; if it is lost, link each anew (docs/recovery.md)"
        yield Finding("tokens", BROKEN, words, remedy)
    if former:
        words = f"{former} of {len(rows)} are sealed with a former key"
        yield Finding("tokens", WARNING, words, "`manna rotate-key`")
    if not (closed or former):
        yield Finding("tokens", FINE, f"{len(rows)} logins")


def connections(manna: Installation) -> Iterator[Finding]:
    """Logins that do not work, or not for long."""
    unwell = BROKEN_CONNECTIONS | {"pending_expiration"}
    for row in manna.ops.connections():
        if row["status"] in unwell:
            words = f"{row['institution']}: {row['status']}"
            yield Finding("connection", WARNING, words, str(row["error"]))


def circuits(manna: Installation) -> Iterator[Finding]:
    """Providers that are left alone because they do not answer."""
    for row in manna.ops.circuits():
        if row["state"] != "closed":
            words = (
                f"{row['name']}: {row['state']} since {row['opened_at']:%Y-%m-%d %H:%M} UTC: {row['reason']}"
            )
            yield Finding("provider", WARNING, words, "nothing: it is tried again by itself at the next run")


def serving(settings: Settings, instance: "dg.DagsterInstance") -> Iterator[Finding]:
    """Whether `manna up` or daemons of its own run, and are heard of."""
    from pipelines.process import SERVING, is_held

    statuses = instance.get_daemon_statuses()
    # In containers nothing holds the lock: there each process is a container's, maybe on another machine.
    if not is_held(settings.dagster_home / SERVING) and not any(one.healthy for one in statuses.values()):
        alone = settings.uses_real_providers or settings.profile != "development"
        words = "nothing runs by itself: no schedules, no sensors, no alerts"
        yield Finding("daemon", WARNING if alone else FINE, words, "`manna up`" if alone else "")
        return
    silent = sorted(name for name, status in statuses.items() if status.required and not status.healthy)
    if silent:
        words = f"not heard of lately: {', '.join(name.lower() for name in silent)}"
        yield Finding(
            "daemon",
            BROKEN,
            words,
            "restart `manna up` (logs/daemon.log says why), or the daemon's container",
        )
    else:
        yield Finding("daemon", FINE, f"{len(statuses)} daemons of Dagster are alive")


def ticks(instance: "dg.DagsterInstance") -> Iterator[Finding]:
    """Schedules and sensors that are off, or whose last tick failed or could not look."""
    from pipelines.watching import tick_trouble

    states = [s for s in instance.all_instigator_state() if not s.name.startswith("__")]
    unwell = 0
    for state in sorted(states, key=lambda each: each.name):
        kind = state.instigator_type.value.lower()
        if not state.is_running:
            unwell += 1
            words = f"{kind} {state.name} is off"
            yield Finding("schedules", WARNING, words, "switch it on in Dagster's UI, under Automation")
        if why := tick_trouble(instance, state):
            unwell += 1
            words = f"the last tick of {kind} {state.name} failed: {why}"
            yield Finding("schedules", BROKEN, words, "its page in Dagster's UI, under Automation, says more")
    if not unwell:
        yield Finding("schedules", FINE, f"{len(states)} schedules and sensors have no trouble")
