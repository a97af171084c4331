"""Plans and outcomes as Markdown: what a person sees in Dagster before and after a decision."""

from datetime import UTC, date, datetime
from decimal import Decimal

from manna.documents.plan_tables import outcome_markdown, plan_markdown
from manna.rebalancing.plan_document import Pinned, PlanDocument, PlannedTrade, PlannedWeight

D = Decimal
HOSTILE = "a | b <script> [x](y) `z`"


def test_a_plan_is_told_with_its_trades_and_nothing_in_it_is_markup() -> None:
    trade = PlannedTrade("VTI", "VTI", "VTI", "sell", D("2.5"), D("1280.400000000"), date(2026, 11, 20), D("3201.00"), D("1"), D("10"), D("2.4"), HOSTILE)  # fmt: skip
    weight = PlannedWeight("VTI", False, D("0.7"), D("0.6"), D("0.6"), D("0.55"), D("0.65"))
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    plan = PlanDocument(
        "p1", 0, "home", "a", "Alpaca", "USD", date(2026, 11, 20), moment, moment, D("0.01"), False, "fifo", 2, False,
        (trade,), (weight,), D(10000), D(1), D("2.4"), D("1"), D(1), D(1), "greedy", ("what stays",), ("a note",),
        Pinned(None, "", "", "", {}, D(0), {}),
    )  # fmt: skip
    shown = plan_markdown(plan)
    assert (
        "Plan `p1` of home, good until 2026-11-20 12:00 UTC, 2 approvals wanted. Expected tax 2.40 USD"
        in shown
    )
    assert "| sell | VTI | 2.5 | 1,280.40 | 3,201.00 | 2.40 | a \\| b &lt;script> \\[x](y) 'z' |" in shown
    assert "| VTI | 70.0 % | 60.0 % | 60.0 % |" in shown
    assert shown.endswith("- what stays\n\n- a note")


def test_an_outcome_is_told_with_what_to_look_at() -> None:
    line = {"side": "buy", "symbol": "BND", "planned": "2.000", "filled": "1.5", "planned_price": "60.00", "average_price": "60.125000000", "slippage": "0.15", "said": "expired"}  # fmt: skip
    none = {**line, "symbol": "VTI", "filled": "0", "average_price": None, "said": HOSTILE}
    shown = outcome_markdown({"trades": [line, none], "slippage": "0.15", "residual": "30.00", "problems": ["the broker holds 7"]})  # fmt: skip
    assert "| buy | BND | 2 | 1.5 | 60.00 | 60.125 | 0.15 | expired |" in shown
    assert "| buy | VTI | 2 | 0 | 60.00 |  | 0.15 | a \\| b" in shown
    assert shown.endswith("Slippage 0.15, untraded 30.00.\n\n- look at this: the broker holds 7")
