"""Plans from a closed night: made once, approved from the UI's job, void once something has moved."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import worlds
from worlds import World, said

from assets.rebalancing import why_void
from manna.rebalancing.standing import PROPOSED
from pipelines.rebalancing import (
    PlanError,
    approve,
    cancel,
    deciding,
    listed,
    one_plan,
    plan_book,
    void_if_moved,
)
from resources import audit


def decide(world: World, **config: str) -> Any:
    """Runs the job as Dagster's UI does."""
    return deciding.execute_in_process(
        run_config={**worlds.QUIET, "ops": {"decide": {"config": config}}},
        resources={"manna": world.manna},
        instance=world.instance,
        raise_on_error=False,
    )


def failed(result: Any) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    return str(event.step_failure_data.user_failure_data.description)


def test_a_night_leaves_one_plan_which_the_ui_approves(world: World) -> None:
    [stored] = world.manna.ops.plans(world.manna.settings.now())
    plan = stored.plan
    assert (plan.book, plan.lot_method, stored.state.status, stored.planned_by) == (
        "household",
        "fifo",
        PROPOSED,
        "manna",
    )
    rows = world.read("portfolio.rebalance_plan")
    assert rows.select("symbol", "side", "quantity", "notional").rows() == [
        (trade.symbol, trade.side, trade.quantity, trade.notional) for trade in plan.trades
    ]
    assert plan.pinned.snapshot
    assert why_void(world.manna, plan) == []
    again = worlds.succeeded(world.run([worlds.rebalancing.plan]))
    assert said(again, "portfolio.rebalance_plan")["change"] == "nothing has changed"
    assert len(world.manna.ops.plans(world.manna.settings.now())) == 1

    short = plan.plan_id[:10]
    assert failed(decide(world, plan="nothing", action="approve", by="ana")) == (
        f"there is no plan 'nothing'; open is {plan.plan_id[:12]} of household, proposed"
    )
    # As the launchpad offers it, with nothing filled in, it decides nothing.
    assert failed(decide(world)) == "unknown action ''; there are: approve, cancel"
    assert failed(decide(world, action="approve")).startswith("say which plan; open is ")
    assert failed(decide(world, action="approve", plan=short)).endswith("an approval needs a name")
    assert failed(decide(world, action="cancel", plan=short)).endswith("a cancellation needs a name")
    assert (
        failed(decide(world, plan=short, action="bless", by="ana"))
        == "unknown action 'bless'; there are: approve, cancel"
    )
    assert (
        failed(decide(world, plan=short, action="cancel", by="ana"))
        == "say why it is cancelled: --reason TEXT"
    )
    approved = decide(world, plan=short, action="approve", by="ana")
    told = approved.events_for_node("decide")
    [shown] = [
        event.step_output_data.metadata["what was decided on"].value
        for event in told
        if event.is_successful_output
    ]
    assert f"Plan `{plan.plan_id}` of household" in shown
    assert f"| sell | {plan.trades[0].symbol} |" in shown
    assert failed(decide(world, plan=short, action="approve", by="ben")) == (
        f"plan {plan.plan_id} cannot be approved: it is approved already, by ana"
    )
    assert listed(world.manna, "household", everything=False)["status"].to_list() == ["approved"]

    # While it is approved it is the book's plan, whatever is asked.
    asked = plan_book(world.manna, "household", "ana", Decimal(5000))
    assert not isinstance(asked, str)
    assert asked.plan.plan_id == plan.plan_id
    cancel(world.manna, short, "ben", "we buy a house")
    with pytest.raises(PlanError, match="it is cancelled: we buy a house"):
        approve(world.manna, short, "ana")
    with world.manna.ops.engine.connect() as connection:
        assert [entry.action for entry, _, _ in audit.rows(connection)] == ["plan", "approve", "cancel"]


@pytest.mark.slow
@pytest.mark.parametrize("at", ["approval", "execution"])
def test_a_plan_is_void_once_a_price_has_moved_or_a_trade_has_come(world: World, at: str) -> None:
    [stored] = world.manna.ops.plans(world.manna.settings.now())
    if at == "execution":
        approve(world.manna, stored.plan.plan_id, "ana")
    trades, bars = world.read("clean.trades"), world.read("clean.bars")
    symbol = stored.plan.trades[0].symbol
    last = bars.filter(pl.col("symbol") == symbol)["date"].max()
    moved = pl.when((pl.col("symbol") == symbol) & (pl.col("date") == last)).then(
        pl.col("close") * Decimal("1.02")
    )
    columns = bars.columns
    world.plant("clean.bars", bars.with_columns(moved.otherwise(pl.col("close")).cast(bars.schema["close"]).alias("close")).select(columns))  # fmt: skip
    own = trades.filter(pl.col("account_id") == stored.plan.account_id)
    newer = own.tail(1).with_columns(pl.lit("new").alias("trade_id"))
    world.plant("clean.trades", pl.concat([trades, newer]))
    looks: dict[str, Any] = {
        "approval": lambda: approve(world.manna, stored.plan.plan_id[:8], "ana"),
        "execution": lambda: void_if_moved(world.manna, one_plan(world.manna, stored.plan.plan_id)),
    }
    with pytest.raises(PlanError) as error:
        looks[at]()
    assert f"{symbol} moved +2.0 %" in str(error.value)
    assert "there are new transactions in the account" in str(error.value)
    assert "manna rebalance plan --book household" in str(error.value)
    now = one_plan(world.manna, stored.plan.plan_id)
    assert now.state.status == "void"
    with pytest.raises(PlanError, match="cannot be approved: it is void"):
        approve(world.manna, stored.plan.plan_id[:8], "ana")


@pytest.mark.slow
def test_an_expired_plan_cannot_be_approved(world: World) -> None:
    [stored] = world.manna.ops.plans(world.manna.settings.now())
    world.at((stored.plan.expires_at + timedelta(hours=1)).isoformat())
    with pytest.raises(PlanError, match="it is expired: it was good until"):
        approve(world.manna, stored.plan.plan_id, "ana")
