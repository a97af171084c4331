"""Raw: what a night adds, what it never touches, and what happens when a provider does not answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import worlds
from worlds import TUESDAY, World, checks, failure, said

from assets.book_days import book_standing
from pipelines.settling import settle
from resources.ops import CONNECTIONS
from resources.plaid import Plaid

PLATYPUS = "First Platypus Bank"
CHECK = "raw.plaid_accounts every_connection_answered"


class TestASecondNightAtTheSameMoment:
    @pytest.mark.slow
    def test_it_changes_nothing_anywhere(self, world: World) -> None:
        before = world.everything("raw", "clean", "categorized", "ledger", "portfolio")
        for _ in range(2):  # the second time the clean tables know their inputs
            result = worlds.succeeded(world.night())
            assert world.everything("raw", "clean", "categorized", "ledger", "portfolio") == before
            assert said(result, "raw.plaid_transactions")["new_rows"] == 0
            for table in (
                "clean.transactions",
                "categorized.transactions",
                "ledger.postings",
                "ledger.months",
            ):
                assert said(result, table)["change"] == "nothing has changed"
        assert world.report() is None


class TestADayLater:
    @pytest.fixture(scope="class")
    @staticmethod
    def tuesday(
        finished: World, server: str, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[tuple[World, dict[str, pl.DataFrame]]]:
        """A world whose Tuesday is closed, and its tables as they were on Monday."""
        world = worlds.copy_world(finished, tmp_path_factory.mktemp("tuesday") / "data", server, "tuesday")
        tables = ("raw.plaid_transactions", "raw.plaid_accounts", "clean.transactions", "ledger.journal")
        before = {table: world.read(table) for table in tables}
        try:
            world.at(TUESDAY)
            worlds.succeeded(world.night())
            yield world, before
        finally:
            world.close()

    def test_the_past_rows_of_raw_are_untouched_and_the_new_ones_are_of_today(self, tuesday: Any) -> None:
        world, before = tuesday
        for table in ("raw.plaid_transactions", "raw.plaid_accounts"):
            after = world.read(table)
            past = after.filter(pl.col("known_at") < pl.lit(TUESDAY).str.to_datetime("%+", time_zone="UTC"))
            key = ["batch_id", "seq"]
            assert past.sort(key).rows() == before[table].sort(key).rows()
            assert after.height > past.height

    def test_a_pending_row_becomes_a_tombstone_and_its_posted_row_names_it(self, tuesday: Any) -> None:
        world, before = tuesday
        rows = world.read("clean.transactions")
        pending = before["clean.transactions"].filter(pl.col("pending"))["transaction_id"]
        posted = rows.filter(pl.col("pending_transaction_id").is_in(pending.to_list()), ~pl.col("pending"))
        assert posted.height > 0
        replaced = rows.filter(pl.col("transaction_id").is_in(posted["pending_transaction_id"].to_list()))
        assert replaced["removed"].all()

    def test_a_row_that_vanished_without_a_successor_is_a_tombstone_too(self, tuesday: Any) -> None:
        world, _ = tuesday
        rows = world.read("clean.transactions")
        gone = rows.filter(pl.col("removed"))
        vanished = gone.join(rows, left_on="transaction_id", right_on="pending_transaction_id", how="anti")
        assert vanished.height == 1
        # It keeps its facts, and nothing of it is in the books.
        assert vanished["amount"][0] is not None
        assert vanished["transaction_id"][0] not in world.read("categorized.transactions")["transaction_id"]
        assert vanished["transaction_id"][0] not in world.read("ledger.journal")["source_id"]

    def test_the_ledger_still_agrees_with_every_balance(self, tuesday: Any) -> None:
        world, _ = tuesday
        assert "difference" not in world.read("ledger.reconciliation")["basis"].to_list()

    def test_openings_do_not_move_and_yesterdays_entries_stay(self, tuesday: Any) -> None:
        world, before = tuesday
        after = world.read("ledger.journal")
        openings = pl.col("kind") == "opening"
        assert set(after.filter(openings).rows()) == set(before["ledger.journal"].filter(openings).rows())
        # What the bank itself took back is the one thing that leaves the books.
        taken_back = world.read("clean.transactions").filter("removed")["transaction_id"].to_list()
        standing = before["ledger.journal"].filter(~pl.col("source_id").is_in(taken_back))
        assert set(standing.rows()) < set(after.rows())

    def test_only_the_present_month_is_dirty(self, tuesday: Any) -> None:
        world, _ = tuesday
        assert [str(month) for month in worlds.published.months_to_publish(world.manna)] == ["2026-03-01"]

    def test_every_connection_is_complete_through_the_new_day(self, tuesday: Any) -> None:
        world, _ = tuesday
        assert {str(c["complete_through"]) for c in world.manna.ops.connections()} == {"2026-03-17"}


class TestOneLoginBroken:
    def test_the_others_go_on_an_alert_follows_and_repair_resolves_it(self, world: World) -> None:
        token = world.manna.vault.open(world.connection(PLATYPUS)["token"])
        world.plaid("/sandbox/item/reset_login", access_token=token)
        world.at(TUESDAY)
        result = world.pull()

        assert result.success
        check = checks(result)[CHECK]
        assert not check.passed
        assert "ITEM_LOGIN_REQUIRED" in check.metadata["First Platypus Bank (household)"].value
        broken = world.connection(PLATYPUS)
        assert broken["status"] == "login_required"
        assert "ITEM_LOGIN_REQUIRED" in broken["error"]
        assert "must log in again" in broken["error"]
        assert str(broken["complete_through"]) == "2026-03-16"
        others = [
            c
            for c in world.manna.ops.connections(provider="plaid")
            if c["connection_id"] != broken["connection_id"]
        ]
        assert {(c["status"], str(c["complete_through"])) for c in others} == {("healthy", "2026-03-17")}
        assert said(result, "raw.plaid_transactions")["new_rows"] > 0
        coverage = [asset for asset in worlds.clean.ASSETS if worlds.key("clean.coverage") in asset.keys]
        worlds.succeeded(world.run(coverage))
        through = {
            book: book_standing(world.manna, book, world.manna.lake).complete_through
            for book in ("household", "studio")
        }
        assert {book: str(day) for book, day in through.items()} == {
            "household": "2026-03-16",
            "studio": "2026-03-17",
        }

        settle(world.manna, world.instance)
        alerts = {alert["fingerprint"]: alert for alert in world.manna.ops.alerts()}
        assert alerts[f"connection:household:{broken['connection_id']}"]["severity"] == "critical"
        assert f"failed_check:all:{CHECK}" in alerts
        settle(world.manna, world.instance)
        assert {alert["alert_id"] for alert in world.manna.ops.alerts()} == {
            a["alert_id"] for a in alerts.values()
        }

        _log_in_again(world, token)
        result = world.pull()
        assert checks(result)[CHECK].passed
        assert world.connection(PLATYPUS)["status"] == "healthy"
        assert world.connection(PLATYPUS)["error"] is None
        settle(world.manna, world.instance)
        assert not {"connection", "failed_check"} & {alert["kind"] for alert in world.manna.ops.alerts()}

    def test_a_fault_amid_a_logins_endpoints_leaves_nothing_half_written(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("resources.providers._pause", lambda state: 0)
        world.at(TUESDAY)
        # Only two logins have holdings, and each has asked for its transactions and accounts before.
        world.fault("/plaid/investments/holdings/get", "server_error", times=1000)
        before = {table: world.read(table) for table in worlds.plaid.TABLES}
        result = world.pull()
        assert result.success
        failed = set(checks(result)[CHECK].metadata)
        assert failed == {"Houndstooth Bank (household)", "Tattersall Federal Credit Union (household)"}
        for connection in world.manna.ops.connections(book="household", provider="plaid"):
            mine = pl.col("connection_id") == connection["connection_id"]
            grown = [t for t in before if world.read(t).filter(mine).height > before[t].filter(mine).height]
            if connection["institution"] in ("Houndstooth Bank", "Tattersall Federal Credit Union"):
                assert grown == []
                batches = world.read("raw.batches").filter(mine)
                assert (
                    batches["known_at"].max() < pl.Series([TUESDAY]).str.to_datetime("%+", time_zone="UTC")[0]
                )
            else:
                assert "raw.plaid_accounts" in grown

        world.clear_faults()
        worlds.succeeded(world.pull())
        undisturbed = _payloads(world, "raw.plaid_transactions")
        assert len(undisturbed) == len(set(undisturbed))
        assert said(worlds.succeeded(world.pull()), "raw.plaid_transactions")["new_rows"] == 0


class TestNobodyAnswers:
    def test_every_login_broken_fails_the_asset(self, world: World) -> None:
        world.fault("/plaid/*", "login_required", times=1000)
        before = world.everything("raw")
        result = world.run([worlds.plaid.plaid])
        assert not result.success
        message, retries = failure(result, "pull_plaid")
        assert message.startswith("no connection answered: Plaid: ITEM_LOGIN_REQUIRED")
        assert retries == 0
        assert world.everything("raw") == before

    def test_what_is_transient_is_tried_once_more(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("resources.providers._pause", lambda state: 0)
        world.fault("/alpaca/trading/*", "server_error", times=1000)
        result = world.run([worlds.broker.alpaca])
        message, retries = failure(result, "pull_alpaca")
        assert message.startswith("no connection answered: Alpaca")
        assert retries == 1

    def test_wrong_api_keys_are_one_clear_failure_without_retry(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []
        ask = Plaid._ask_once
        monkeypatch.setattr(Plaid, "_ask_once", lambda self, *a: asked.append(a) or ask(self, *a))
        world.start_sandbox()
        world.set(plaid_secret="wrong")
        result = world.run([worlds.plaid.plaid])
        message, retries = failure(result, "pull_plaid")
        assert "INVALID_API_KEYS" in message
        assert "PLAID_SECRET" in message
        assert retries == 0
        assert len(asked) == 1  # nobody else is asked with keys that cannot work

    @pytest.mark.parametrize("jumped", ["2027-06-01T12:00:00Z", "2026-03-14T12:00:00Z"])
    def test_a_clock_that_jumped_stops_the_night_before_anything_is_kept(
        self, world: World, jumped: str
    ) -> None:
        world.at(TUESDAY)
        before = world.everything("raw")
        world.start_sandbox()
        world.set(fixed_now=jumped)
        for asset, step, provider in (
            (worlds.plaid.plaid, "pull_plaid", "Plaid"),
            (worlds.broker.alpaca, "pull_alpaca", "Alpaca"),
        ):
            message, retries = failure(world.run([asset]), step)
            assert message.startswith(f"this machine's clock says {jumped[:10]}")
            assert f"{provider}'s says 2026-03-17" in message
            assert "timedatectl" in message
            assert retries == 0
        assert world.everything("raw") == before
        assert {c["status"] for c in world.manna.ops.connections()} == {"healthy"}

    def test_who_stops_a_run_wants_it_to_stop(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def ctrl_c(*asked: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Plaid, "_ask_once", ctrl_c)
        before = world.everything("raw")
        assert failure(world.run([worlds.plaid.plaid]), "pull_plaid") == ("interrupted", 0)
        assert world.everything("raw") == before

    def test_wrong_broker_keys_say_so(self, world: World) -> None:
        sealed = world.manna.vault.seal("nobody:nothing")
        with world.manna.ops.engine.begin() as connection:
            connection.execute(
                CONNECTIONS.update().where(CONNECTIONS.c.provider == "alpaca").values(token=sealed)
            )
        world.start_sandbox()
        message, retries = failure(world.run([worlds.broker.alpaca]), "pull_alpaca")
        assert message.startswith("no connection answered: Alpaca")
        assert "ALPACA_API_KEY" in message
        assert retries == 0

    def test_nothing_linked_is_no_error(self, new_world: Any) -> None:
        result = worlds.succeeded(new_world().pull())
        assert said(result, "raw.plaid_accounts") == {
            "new_rows": 0,
            "dagster/row_count": 0,
            "connections": 0,
            "failed": {},
        }


def test_bars_of_a_range_are_one_run_and_a_second_one_adds_nothing(world: World) -> None:
    before = world.read("raw.alpaca_bars")
    result = worlds.succeeded(world.pull_bars("2026-03-11", "2026-03-13"))
    assert said(result, "raw.alpaca_bars")["new_rows"] == 0
    assert world.read("raw.alpaca_bars").height == before.height
    materialized = world.instance.get_materialized_partitions(worlds.key("raw.alpaca_bars"))
    assert materialized == {"2026-03-11", "2026-03-12", "2026-03-13"}


@pytest.mark.slow
def test_the_people_of_a_file_of_plaids_make_a_night(new_world: Any, tmp_path: Path) -> None:
    file = tmp_path / "person.json"
    transaction = {"date_transacted": "2026-03-02", "date_posted": "2026-03-03", "amount": 12.5}
    account = {"type": "depository", "subtype": "checking", "starting_balance": 100}
    account["transactions"] = [transaction | {"currency": "USD", "description": "COFFEE"}]
    file.write_text(json.dumps({"version": 2, "override_accounts": [account]}))
    world = new_world(people=file)
    books = tmp_path / "books"
    books.mkdir()
    person = world.control("GET", "/people")["people"][0]
    (books / "one.yaml").write_text(f"id: {person['book']}\nname: One\n")
    world.set(books_dir=books)
    world.link()
    worlds.succeeded(world.night())
    worlds.succeeded(world.report())
    assert world.read("clean.transactions").height == 1


def _payloads(world: World, table: str) -> list[tuple[str, str, str]]:
    return world.read(table).select("connection_id", "change", "payload").rows()


def _log_in_again(world: World, access_token: str) -> None:
    """Link in update mode, on the page, as the account holder does."""
    import httpx

    answer = world.plaid(
        "/link/token/create",
        client_name="Manna",
        language="en",
        country_codes=["US"],
        user={"client_user_id": "household"},
        access_token=access_token,
        hosted_link={},
    )
    page = httpx.get(answer["hosted_link_url"], timeout=30).text
    username = page.partition('name="username" value="')[2].partition('"')[0]
    httpx.post(answer["hosted_link_url"], data={"username": username}, timeout=30).raise_for_status()
