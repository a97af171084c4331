"""A login breaks, is repaired, is withdrawn, is unlinked: over HTTP, through the SDK, as the commands do it."""

import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import polars as pl
import pytest
from cryptography.fernet import Fernet
from rich.console import Console

from assets.raw.plaid import _ask
from assets.raw.receiving import Received, receive
from pipelines import linking
from pipelines.linking import LinkError, find_connection, link_hosted, repair_hosted, unlink
from pipelines.reporting import short_ids
from resources.installation import Installation
from resources.providers import ATTEMPTS, ProviderUnavailableError
from resources.vault import Vault

USERNAME, INSTITUTION = "rivera_gingham", "ins_109509"
TODAY = date(2026, 3, 16)


class Login:
    """A login at the sandbox, and what may befall it there."""

    def __init__(self, manna: Installation, bank: Any) -> None:
        self.token, self.item_id = bank.link(USERNAME, INSTITUTION, "transactions")
        self.manna, self._bank = manna, bank
        values = {"connection_id": "gingham-1", "book": "home", "provider": "plaid", "institution": "Gingham"}
        values |= {"external_id": self.item_id, "products": {"transactions": True}, "linked_at": bank.now}
        manna.ops.add_connection({**values, "token": manna.vault.seal(self.token)})

    def befalls(self, **what: Any) -> None:
        answer = self._bank.control.patch(f"/plaid/items/{self.item_id}", json=what)
        assert answer.is_success, answer.text

    def pull(self) -> Received:
        connections = self.manna.ops.live_connections(provider="plaid")
        return receive(self.manna, "run", connections, "plaid", lambda told: _ask(self.manna, told))

    @property
    def row(self) -> dict[str, Any]:
        return find_connection(self.manna, "gingham")

    @property
    def life(self) -> list[str]:
        return [event["status"] for event in self.manna.ops.connection_events("gingham-1")]

    @property
    def transactions(self) -> pl.DataFrame:
        return self.manna.lake.read("raw.plaid_transactions")


@pytest.fixture
def login(manna: Installation, bank: Any) -> Login:
    """Linked and pulled."""
    linked = Login(manna, bank)
    assert linked.pull().failures == {}
    return linked


class Person(io.StringIO):
    """Reads what is printed, and goes to the address in it as soon as there is one."""

    def __init__(self, username: str = USERNAME) -> None:
        super().__init__()
        self._username = username

    def write(self, text: str) -> int:
        for address in re.findall(r"http\S+", text):
            page = httpx.post(address, data={"username": self._username}, timeout=30)
            assert "You are connected." in page.text
        return super().write(text)


def console(person: io.StringIO) -> Console:
    return Console(file=person, width=200)


def repair(login: Login) -> str:
    person = Person()
    repair_hosted(login.manna, login.row, console(person), pause=0)
    return person.getvalue()


def goes_on(login: Login, bank: Any) -> None:
    """The same login, from the same cursor: no row twice."""
    before = login.transactions
    bank.now = datetime(2026, 3, 19, 12, tzinfo=UTC)
    login.manna.settings = login.manna.settings.model_copy(update={"fixed_now": bank.now})
    found = login.pull()
    assert (found.failures, found.asked) == ({}, 1)
    assert login.transactions.height > before.height
    batches = login.manna.lake.read("raw.batches").filter(pl.col("cursor_after").is_not_null())
    assert batches.sort("known_at")["cursor_before"].to_list().count(None) == 1


def test_a_broken_login_is_repaired_and_goes_on_where_it_was(login: Login, bank: Any) -> None:
    login.befalls(login_required=True)
    assert login.pull().failures
    assert login.row["status"] == "login_required"
    assert "manna link --repair" in login.row["error"]
    assert "Gingham is repaired" in repair(login)
    assert (login.row["status"], login.row["error"]) == ("healthy", None)
    goes_on(login, bank)
    assert login.life == ["new", "healthy", "login_required", "healthy"]


def test_a_login_that_answers_again_needs_no_repair(login: Login, bank: Any) -> None:
    bank.fault("/plaid/accounts/get", "login_required")
    assert login.pull().failures
    said = repair(login)
    assert "Gingham answers again" in said
    assert "http" not in said
    assert login.row["status"] == "healthy"


def test_nobody_repairs_it(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    login.befalls(login_required=True)
    monkeypatch.setattr(linking, "PATIENCE_SECONDS", 0)
    with pytest.raises(LinkError, match="nobody logged in within half an hour; run `manna link --repair`"):
        repair_hosted(login.manna, login.row, console(io.StringIO()), pause=0)


def test_a_repair_that_did_not_help(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    login.befalls(login_required=True)
    monkeypatch.setattr(type(login.manna.plaid), "finished", lambda plaid, token: True)
    with pytest.raises(LinkError, match="Gingham still does not work: ITEM_LOGIN_REQUIRED"):
        repair_hosted(login.manna, login.row, console(io.StringIO()), pause=0)
    assert login.row["status"] == "healthy"  # as before: the next pull says what it is


def test_a_revoked_login_is_pulled_no_more_until_it_is_repaired(login: Login, bank: Any) -> None:
    login.befalls(revoked=True)
    assert login.pull().failures
    assert login.row["status"] == "revoked"
    again = login.pull()
    assert (again.asked, again.failures) == (0, {})
    assert len(list(again.materializations(["raw.plaid_accounts"], {}))) == 1
    assert again.check("raw.plaid_accounts").passed
    assert "repaired" in repair(login)
    goes_on(login, bank)
    assert login.life == ["new", "healthy", "revoked", "healthy"]


def test_a_consent_that_ends_soon_still_works(login: Login, bank: Any) -> None:
    login.befalls(expires_at="2026-03-19T00:00:00Z")
    assert login.pull().failures == {}
    assert login.row["status"] == "pending_expiration"
    assert login.row["error"] == "access ends on 2026-03-19"
    assert login.pull().asked == 1
    repair(login)
    assert login.pull().failures == {}
    assert (login.row["status"], login.row["expires_at"]) == (
        "healthy",
        datetime(2027, 3, 16, 12, tzinfo=UTC),
    )
    assert login.life == ["new", "healthy", "pending_expiration", "healthy"]


def test_old_data_beside_an_error_are_kept_but_not_taken_for_new_ones(login: Login, bank: Any) -> None:
    bank.now = datetime(2026, 3, 20, 12, tzinfo=UTC)
    login.manna.settings = login.manna.settings.model_copy(update={"fixed_now": bank.now})
    login.befalls(stale_since="2026-03-18T12:00:00Z")
    found = login.pull()
    assert found.failures == {}
    assert not found.check("raw.plaid_accounts").passed
    assert found.rows["raw.plaid_accounts"] > 0
    assert (login.row["status"], str(login.row["complete_through"])) == ("login_required", "2026-03-18")


@pytest.mark.parametrize("forgotten", [False, True])
def test_an_unlinked_login_is_gone_at_plaid_and_its_history_stays(
    login: Login, bank: Any, forgotten: bool
) -> None:
    before = login.transactions
    if forgotten:
        bank.plaid().remove(login.token)
    said = unlink(login.manna, login.row)
    assert (
        said == f"Gingham is unlinked{' (Plaid no longer knew it)' if forgotten else ''}; its history stays"
    )
    items = bank.control.get("/plaid/items").json()["items"]
    assert login.item_id not in [item["item_id"] for item in items]
    assert (login.pull().asked, login.transactions.height) == (0, before.height)
    assert unlink(login.manna, login.row) == "nothing new: Gingham is unlinked"
    assert login.life == ["new", "healthy", "unlinked"]
    with pytest.raises(LinkError, match="unlinked for good"):
        repair(login)


def test_a_login_whose_key_is_lost_is_unlinked_here(login: Login) -> None:
    login.manna.__dict__["vault"] = Vault(Fernet.generate_key())
    said = unlink(login.manna, login.row)
    assert "its token cannot be read: end the login at Plaid's dashboard" in said
    assert login.life == ["new", "healthy", "unlinked"]


def test_a_login_plaid_has_forgotten_cannot_be_repaired(login: Login, bank: Any) -> None:
    bank.plaid().remove(login.token)
    assert login.pull().failures
    assert login.row["status"] == "revoked"
    with pytest.raises(LinkError, match="Plaid no longer knows this login at Gingham; link it again"):
        repair(login)


def test_plaid_that_does_not_answer_leaves_the_login_linked(
    login: Login, bank: Any, pauses: list[float]
) -> None:
    bank.fault("/plaid/item/remove", "server_error", times=ATTEMPTS)
    with pytest.raises(ProviderUnavailableError):
        unlink(login.manna, login.row)
    assert login.row["status"] == "healthy"
    assert len(pauses) == ATTEMPTS - 1


def test_another_login_of_the_same_institution_is_linked_and_remarked(login: Login, bank: Any) -> None:
    person = Person()
    with login.manna.ops.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ops.connections SET institution = 'First Gingham Credit Union'")
    assert link_hosted(login.manna, "home", console(person), pause=0) == 1
    assert "home has had a login at First Gingham Credit Union before" in person.getvalue()
    assert "`manna accounts list`" in person.getvalue()
    _, new = sorted(login.manna.ops.live_connections(), key=lambda row: row["connection_id"] != "gingham-1")
    items = bank.control.get("/plaid/items").json()["items"]
    (item,) = [item for item in items if item["item_id"] == new["external_id"]]
    assert item["first_day"] == "2024-03-16"  # 730 days, Plaid's most; what is asked here is fixed for ever


def test_a_broker_that_was_unlinked_is_linked_again(manna: Installation) -> None:
    def values(token: bytes) -> dict[str, Any]:
        given = {"connection_id": "alpaca-1", "book": "home", "provider": "alpaca", "institution": "Alpaca"}
        return {
            **given,
            "external_id": "a",
            "products": {},
            "token": token,
            "linked_at": manna.settings.now(),
        }

    assert manna.ops.add_connection(values(b"former"))
    assert not manna.ops.add_connection(values(b"other"))
    row = find_connection(manna, "alpaca")
    with pytest.raises(LinkError, match="takes the keys anew"):
        repair_hosted(manna, row, console(io.StringIO()))
    assert unlink(manna, row) == "Alpaca is unlinked; its history stays"
    assert manna.ops.add_connection(values(b"new"))
    row = find_connection(manna, "alpaca")
    assert (row["status"], row["token"], row["error"]) == ("new", b"new", None)


def test_a_connection_is_found_by_the_beginning_of_its_id(login: Login) -> None:
    assert login.row["connection_id"] == "gingham-1"
    find: Callable[[str], Any] = lambda text: find_connection(login.manna, text)  # noqa: E731
    for text in ("", "tartan"):
        with pytest.raises(LinkError, match=re.escape("there are: gingham- (Gingham, home)")):
            find(text)


def test_short_ids() -> None:
    ids = ["3f0a9c1e-a", "3f0a9c1e-b", "4a", "77777777-x"]
    assert list(short_ids(ids).values()) == ["3f0a9c1e-a", "3f0a9c1e-b", "4a", "77777777"]
