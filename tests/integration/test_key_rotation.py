"""A key is replaced: all tokens in one transaction, and a process killed in its middle leaves each readable."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from resources import audit
from resources.ops import Ops
from resources.settings import SettingsError
from resources.vault import Vault

PROJECT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
OLD, NEW = Fernet.generate_key(), Fernet.generate_key()
TOKENS = {f"login-{n}": f"access-sandbox-{n}" for n in range(5)}

KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from resources.ops import Ops
from resources.vault import Vault

url, old, new = sys.argv[1:]
vault, done = Vault(new, [old]), []

def resealed(token):
    if len(done) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(token)
    return vault.resealed(token)

Ops(url).reseal_tokens(resealed, "ana", datetime.now(UTC))
"""


@pytest.fixture
def linked(ops: Ops) -> Ops:
    """Five logins whose tokens the old key has sealed."""
    vault = Vault(OLD)
    for name, token in TOKENS.items():
        ops.add_connection(
            {
                "connection_id": name,
                "book": "home",
                "provider": "plaid",
                "institution": "Bank",
                "external_id": name,
                "products": [],
                "token": vault.seal(token),
                "linked_at": NOW,
            }
        )
    return ops


def read(ops: Ops, vault: Vault) -> dict[str, str]:
    return {row["connection_id"]: vault.open(row["token"]) for row in ops.connections()}


def test_all_tokens_change_at_once_and_the_old_key_is_not_needed_any_more(linked: Ops) -> None:
    both = Vault(NEW, [OLD])
    assert linked.reseal_tokens(both.resealed, "ana", NOW) == (5, 5)
    assert read(linked, Vault(NEW)) == TOKENS
    assert linked.reseal_tokens(both.resealed, "ana", NOW) == (0, 5)
    with linked.engine.connect() as connection:
        [(entry, _, _)] = audit.rows(connection)
    assert (entry.actor, entry.action, entry.detail) == ("ana", "reseal", {"tokens": 5})


def test_one_that_no_key_opens_leaves_all_as_they_were(linked: Ops) -> None:
    before = [bytes(row["token"]) for row in linked.connections()]
    with pytest.raises(SettingsError, match="MANNA_FORMER_KEYS"):
        linked.reseal_tokens(Vault(NEW).resealed, "ana", NOW)
    assert [bytes(row["token"]) for row in linked.connections()] == before


def test_one_that_was_unlinked_needs_no_key(linked: Ops) -> None:
    """Its key may be lost: that is why it was unlinked."""
    lost = Vault(Fernet.generate_key()).seal("access-sandbox-lost")
    with linked.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE ops.connections SET token = %s WHERE connection_id = 'login-0'", (lost,)
        )
    linked.connection_status("login-0", "unlinked", "by `manna unlink`", NOW)
    assert linked.reseal_tokens(Vault(NEW, [OLD]).resealed, "ana", NOW) == (4, 4)
    assert [bytes(row["token"]) == lost for row in linked.connections()] == [True, *[False] * 4]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["while they are opened", "before the commit"])
def test_a_process_killed_in_the_middle_leaves_every_token_readable(linked: Ops, moment: str) -> None:
    program = KILLED
    if moment == "before the commit":
        # The tokens are written, the audit log is the last statement.
        program = KILLED.replace("len(done) == 3", "False").replace(
            "Ops(url).reseal",
            "import resources.audit\n"
            "resources.audit.append = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\nOps(url).reseal",
        )
    url = linked.engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", program, url, OLD.decode(), NEW.decode()], cwd=PROJECT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    both = Vault(NEW, [OLD])
    assert read(linked, both) == read(linked, Vault(OLD)) == TOKENS
    assert linked.reseal_tokens(both.resealed, "ana", NOW) == (5, 5)
    assert read(linked, Vault(NEW)) == TOKENS
