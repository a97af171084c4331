"""Halting, resuming, executing and auditing as a person and as Dagster do it, on a linked account of the sandbox."""

import os
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa
from trading_world import OPEN, TradingWorld

from manna.alerting.conditions import order_problems
from manna.contracts import CONTRACTS
from manna.trading.orders import Quote
from pipelines import cli
from pipelines.executing import ExecutionError
from pipelines.execution_job import asked, execution
from pipelines.linking import link_alpaca
from pipelines.rebalancing import PlanError
from pipelines.trading import execute, trades_frame
from resources.alpaca import Alpaca
from resources.broker import LiveTradingError
from resources.installation import Installation
from resources.providers import CredentialsRefusedError, ProviderUnavailableError
from resources.settings import Settings
from tests.integration.conftest import KEYS, Bank, Databases

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("execution")]


@pytest.fixture
def linked(
    install: Callable[..., Installation],
    database: str,
    bank: Bank,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Installation, TradingWorld]]:
    """An installation whose book `home` has the sandbox's account linked and listed, while the market is open."""
    # The plans of these tests are made up: whether their inputs have moved is tested where plans are made.
    monkeypatch.setattr("pipelines.trading.one_plan", lambda _, plan: plan)
    monkeypatch.setattr("pipelines.trading.void_if_moved", lambda *_: None)
    bank.now = OPEN
    made = install(database, tmp_path)
    keys = {"alpaca_key_id": KEYS["alpaca_key_id"], "alpaca_secret_key": KEYS["alpaca_secret_key"]}
    settings = Settings.load(
        _env_file=None,
        **{**made.settings.model_dump(), **keys, "fixed_now": OPEN, "alpaca_stream_url": bank.stream_url},
    )
    manna = Installation(settings)
    manna.__dict__["lake"] = made.lake
    assert link_alpaca(manna, "home") == 1
    [login] = manna.ops.connections()
    row = {
        "account_id": "acc", "book": "home", "connection_id": login["connection_id"], "provider": "alpaca",
        "institution": "Alpaca", "name": "Alpaca", "type": "brokerage", "currency": "USD",
    }  # fmt: skip
    contract = CONTRACTS["clean.accounts"]
    filled = {name: kind_value(kind) for name, kind in contract.polars_schema.items()} | row
    manna.lake.commit(
        [contract.address],
        lambda t: t.replace(contract.address, pl.DataFrame([filled], schema=contract.polars_schema)),
    )
    world = TradingWorld(bank, manna.ops)
    yield manna, world
    for order in world.broker.open_orders():
        world.broker.cancel(str(order["id"]))
    manna.close()


def kind_value(kind: Any) -> Any:
    """Anything a column of this kind may hold."""
    if kind == pl.String:
        return "x"
    return OPEN if isinstance(kind, pl.Datetime) else False if kind == pl.Boolean else None


@pytest.fixture
def command(
    linked: tuple[Installation, TradingWorld],
    databases: Databases,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """``command("halt", ...)``: exit code and what was said."""
    settings = linked[0].settings
    monkeypatch.setattr(Settings, "lake_dir", property(lambda _: databases.lake_dir))

    def call(*arguments: str) -> tuple[int, str, str]:
        for name, value in {
            "MANNA_DATA_DIR": settings.data_dir, "MANNA_BOOKS_DIR": settings.books_dir, "MANNA_NOW": OPEN.isoformat(),
            "MANNA_POSTGRES_URL": settings.postgres_url, "ALPACA_API_KEY": KEYS["alpaca_key_id"],
            "ALPACA_SECRET_KEY": KEYS["alpaca_secret_key"], "ALPACA_TRADING_URL": settings.alpaca_trading_url,
            "PLAID_BASE_URL": settings.plaid_url,
            "ALPACA_DATA_URL": settings.alpaca_data_url, "ALPACA_STREAM_URL": settings.alpaca_stream_url,
            "COLUMNS": "140",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, str(value))
        monkeypatch.setattr(sys, "argv", ["manna", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), told.out, told.err

    before = dict(os.environ)
    try:
        yield call  # type: ignore[misc]
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_execute_halt_resume_and_audit(linked: tuple[Installation, TradingWorld], command: Any) -> None:
    manna, world = linked
    plan = world.plan(("buy", "1", "BND", world.price("BND")), account_id="acc")
    code, out, err = command("halt", "--reason", "looks wrong", "--by", "ana")
    assert (code, "Trading of all books is halted." in out) == (0, True), err
    code, out, _ = command("rebalance", "execute", plan[:12])
    assert (code, "Stopped: trading of all books was halted by ana: looks wrong" in out) == (3, True)
    assert [alert["severity"] for alert in order_problems(manna.ops.order_problems(OPEN, OPEN))] == [
        "warning"
    ]
    assert command("resume", "--book", "home", "--reason", "fine")[1].count("still halted") == 1
    assert command("resume", "--reason", "fine")[0] == 0
    code, out, err = command("rebalance", "execute", plan[:12])
    assert (code, f"Plan {plan} is executed." in out, err) == (0, True, "")
    code, out, err = command("rebalance", "execute", plan)
    assert (code, "has been executed" in err) == (1, True)
    assert "there is no plan 'nothing'; none is open" in command("rebalance", "execute", "nothing")[2]
    # Every id begins with nothing: whoever says none does not mean the only one there is.
    assert "say which plan; none is open" in command("rebalance", "execute", "")[2]
    assert "unknown book 'nobody'" in command("halt", "--book", "nobody", "--reason", "x")[2]
    code, out, _ = command("audit", "verify")
    assert (code, "The audit log is whole: " in out) == (0, True)
    assert "has the hash 0000" in command("audit", "verify", "--contains", "0000")[2]
    with manna.ops.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE ops.audit_log DISABLE TRIGGER audit_log_append_only"))
        connection.execute(sa.text("DELETE FROM ops.audit_log WHERE number = 2"))
    code, _, err = command("audit", "verify")
    assert (code, "broken at entry 3: entry 2 is missing" in err) == (1, True)


def test_a_halt_cancels_open_orders_if_asked_and_the_plan_goes_on_after_it(
    linked: tuple[Installation, TradingWorld], command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    manna, world = linked
    price = (world.price("BND") * Decimal("0.95")).quantize(Decimal("0.01"))
    plan = world.plan(("buy", "1", "BND", price), account_id="acc")
    assert execute(manna, plan, "ana", wait_seconds=0).reason == "orders are open still"
    code, out, err = command("halt", "--book", "home", "--reason", "stop", "--cancel")
    assert (code, "cancelled: buy 1 BND" in out) == (0, True), err
    assert [order["status"] for order in world.at_broker(plan)] == ["canceled"]
    assert command("resume", "--book", "home", "--reason", "go")[0] == 0
    assert execute(manna, plan, "ana", wait_seconds=0).reason == "orders are open still"
    assert [order["status"] for order in world.at_broker(plan)] == ["canceled", "new"]

    def gone(*_: object) -> None:
        raise ExecutionError("the keys are gone")

    monkeypatch.setattr("pipelines.trading.broker_of", gone)
    code, out, _ = command("halt", "--reason", "again", "--cancel")
    assert (code, "NOT cancelled: buy 1 BND" in out, "the keys are gone" in out) == (1, True, True)
    assert "Trading of all books is halted." in out


def test_the_job_executes_and_the_sensor_asks_for_what_has_begun(
    linked: tuple[Installation, TradingWorld],
) -> None:
    manna, world = linked
    price = (world.price("BND") * Decimal("0.95")).quantize(Decimal("0.01"))
    with dg.DagsterInstance.ephemeral() as instance:
        assert str(asked(instance, manna).skip_message) == "no plan is to be executed"  # type: ignore[union-attr]
        plan = world.plan(("buy", "1", "BND", price), account_id="acc")
        assert str(asked(instance, manna).skip_message) == "no plan is to be executed"  # type: ignore[union-attr]
        execute(manna, plan, "ana", wait_seconds=0)
        request = asked(instance, manna)
        assert isinstance(request, dg.RunRequest)
        assert request.run_key == f"execution-{plan}-20260316T1500"
        world.control(world.at_broker(plan)[0], "fill", price=str(price))
        done = execution.execute_in_process(
            run_config=request.run_config, resources={"manna": manna}, instance=instance
        )
        assert done.success
        assert world.has_finished(plan)
        failed = execution.execute_in_process(
            run_config=request.run_config, resources={"manna": manna}, instance=instance, raise_on_error=False
        )
        assert not failed.success
    [line] = trades_frame(world.events(plan)[-1]["detail"]).to_dicts()
    assert (line["symbol"], line["filled"]) == ("BND", Decimal(1))


def test_real_money_is_refused_before_anything_is_asked(linked: tuple[Installation, TradingWorld]) -> None:
    manna, world = linked
    live = Installation(
        manna.settings.model_copy(update={"alpaca_trading_url": "https://api.alpaca.markets"})
    )
    live.__dict__["lake"] = manna.lake
    plan = world.plan(("buy", "1", "BND", Decimal(70)), account_id="acc")
    with pytest.raises(LiveTradingError, match="MANNA_LIVE_TRADING=yes and trading"):
        execute(live, plan, "ana")
    assert world.rows(plan) == []


def test_a_plan_whose_inputs_have_moved_is_not_begun(
    linked: tuple[Installation, TradingWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    manna, world = linked

    asked: list[Any] = []

    def moved(_: Installation, plan: str, quotes: Any) -> None:
        asked.append(quotes)
        raise PlanError("plan p is void: BND moved +5.0 %")

    monkeypatch.setattr("pipelines.trading.void_if_moved", moved)
    plan = world.plan(("buy", "1", "BND", world.price("BND")), account_id="acc", document={"pinned": {}})
    world.change(symbol="BND", bid="70.10", ask="70.30")
    with pytest.raises(PlanError, match="is void"):
        execute(manna, plan, "ana")
    assert asked == [{"BND": Quote(Decimal("70.1"), Decimal("70.3"), OPEN.date())}]
    world.change(symbol="BND", bid="", ask="")
    world.bank.fault("/alpaca/data/v2/stocks/quotes/latest", "server_error", method="GET", times=50)
    with pytest.raises(ProviderUnavailableError):
        execute(manna, plan, "ana")
    world.bank.control.delete("/faults")

    def refused(*_: object) -> None:
        raise CredentialsRefusedError("subscription does not permit querying recent SIP data", "403")

    monkeypatch.setattr(Alpaca, "quotes", refused)
    with pytest.raises(PlanError, match="is void"):
        execute(manna, plan, "ana")
    assert asked[1:] == [{}]  # without quotes the last closes count
    assert world.rows(plan) == []


def test_in_automatic_mode_the_books_file_approves_and_the_job_executes(
    linked: tuple[Installation, TradingWorld],
) -> None:
    manna, world = linked
    home = manna.books["home"]
    targets = home.targets.model_copy(update={"automatic": True})
    manna.books["home"] = home.model_copy(update={"targets": targets})
    trade = ("buy", "1", "BND", world.price("BND"))
    plan = world.plan(trade, approved=False, account_id="acc", document={"automatic": True})
    with dg.DagsterInstance.ephemeral() as instance:
        request = asked(instance, manna)
        assert isinstance(request, dg.RunRequest)
        done = execution.execute_in_process(
            run_config=request.run_config, resources={"manna": manna}, instance=instance
        )
    assert done.success
    events = world.events(plan)
    assert [event["action"] for event in events] == ["approve", "execute", "finish"]
    assert (events[0]["decided_by"], events[1]["decided_by"]) == ("automatic mode", "executor")
