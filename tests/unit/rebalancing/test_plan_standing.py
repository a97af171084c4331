"""Plans as documents, how they stand, and what makes them void."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from rebalancing_examples import DAY, facts, lot, targets
from rich.console import Console

from manna.rebalancing.facts import LossSale, Purchase
from manna.rebalancing.parts import ratio
from manna.rebalancing.plan_document import PlanDocumentError, from_json, sha256_of, to_json
from manna.rebalancing.planning import propose
from manna.rebalancing.standing import (
    State,
    World,
    against_approving,
    against_cancelling,
    came_to,
    reasons_void,
    state_of,
)
from manna.rebalancing.writing import Source, plan_document
from manna.trading import execution
from manna.trading.execution import line, reconciled
from manna.trading.orders import Execution, Order, OrderState, Quote
from manna.trading.sizing import Wanted
from pipelines.plan_view import plan_on_terminal

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TARGETS = targets(weights={"VTI": 0.6, "BND": 0.4}, approvals=2, lots="fifo")
HELD = [lot("VTI", 50, 4000), lot("VTI", 40, None), lot("BND", 10, 1000)]
FACTS = facts("12.5", HELD, {"VTI": 100, "BND": 100, "OTHER": 3})
SOURCE = Source(7, "account")


def planned(of=FACTS, wanted=TARGETS, source=SOURCE, now=NOON):
    made = plan_document(propose(of, wanted), source, now)
    assert made is not None
    return made


PLAN = planned()


def test_lots_sum_to_their_trade_to_the_cent():
    held = [lot("AAPL", "0.333", 10, name=f"lot-{number}") for number in range(30)]
    plan = planned(facts(900, held, {"AAPL": "187.02", "BND": "60"}), targets(weights={"BND": 1}))
    sale = next(trade for trade in plan.trades if trade.side == "sell")
    assert len(sale.lots) == 30
    assert sum(part.proceeds for part in sale.lots) == sale.notional == Decimal("1868.33")
    assert sale.gain == sale.notional - sum(part.cost for part in sale.lots)
    assert max(part.proceeds for part in sale.lots) - min(part.proceeds for part in sale.lots) == Decimal(
        "0.01"
    )


def test_what_execution_reads_is_in_the_json():
    document = json.loads(json.dumps(to_json(PLAN)))
    assert {
        name: document[name] for name in ("book", "account_id", "currency", "collar", "whole_shares")
    } == {
        "book": "home",
        "account_id": "broker",
        "currency": "USD",
        "collar": "0.01",
        "whole_shares": False,
    }
    assert datetime.fromisoformat(document["expires_at"]) == NOON + timedelta(hours=24)
    [sale, purchase] = document["trades"]
    assert (sale["symbol"], sale["security_id"], sale["side"], purchase["side"]) == (
        "VTI",
        "VTI",
        "sell",
        "buy",
    )
    assert Decimal(sale["quantity"]) * Decimal(sale["price"]) == Decimal(sale["notional"])
    assert "above target" in sale["reason"]
    assert from_json(document) == PLAN


def test_a_sale_says_from_which_lots_and_what_is_known_of_its_tax():
    sale = PLAN.trades[0]
    assert [(part.quantity, part.gain, part.term, part.tax) for part in sale.lots] == [
        (
            sale.quantity,
            sale.quantity * 20,
            "long",
            (sale.quantity * 20 * Decimal("0.15")).quantize(Decimal("0.01")),
        )
    ]
    assert PLAN.tax == sale.tax
    assert any("first in, first out" in note for note in PLAN.notes)
    more = planned(facts(0, HELD, {"VTI": 100, "BND": 100}), targets(weights={"BND": 1}, lots="fifo"))
    known, unknown = more.trades[0].lots
    assert (known.gain, unknown.gain, unknown.tax) == (1000, None, None)
    assert "the basis of some lots is unknown: their tax is not in the sum" in more.notes


def test_json_that_is_no_plan_is_refused():
    with pytest.raises(PlanDocumentError, match=r"not a plan of this version of Manna: trades\.0\.side"):
        from_json({**to_json(PLAN), "trades": [{**to_json(PLAN)["trades"][0], "side": "short"}]})


def test_the_same_facts_make_the_same_plan_whenever_they_are_looked_at():
    later = planned(source=replace(SOURCE, snapshot=8), now=NOON + timedelta(hours=3))
    assert later.plan_id == PLAN.plan_id
    assert planned(replace(FACTS, cash=Decimal(13))).plan_id != PLAN.plan_id
    assert PLAN.numbered(1).plan_id != PLAN.plan_id == PLAN.numbered(1).numbered(0).plan_id
    assert sha256_of({"a": 1, "b": 2}) == sha256_of({"b": 2, "a": 1})


def event(action, by="ana", reason=None):
    return {"action": action, "decided_by": by, "reason": reason}


@pytest.mark.parametrize(
    ("events", "hours", "status", "approved_by"),
    [
        ([], 0, "proposed", ()),
        ([event("approve")], 0, "proposed", ("ana",)),
        ([event("approve"), event("approve", " ANA ")], 0, "proposed", ("ana",)),
        ([event("approve"), event("approve", "ben")], 23, "approved", ("ana", "ben")),
        ([event("approve"), event("approve", "ben")], 24, "expired", ("ana", "ben")),
        ([event("approve"), event("cancel", reason="no")], 99, "cancelled", ("ana",)),
        ([event("void", reason="moved")], 0, "void", ()),
        ([event("approve"), event("approve", "ben"), event("execute")], 99, "executing", ("ana", "ben")),
        ([event("approve"), event("approve", "ben"), event("execute"), event("finish")], 99, "finished", ("ana", "ben")),
    ],
)  # fmt: skip
def test_how_a_plan_stands(events, hours, status, approved_by):
    state = state_of(PLAN, events, NOON + timedelta(hours=hours))
    assert (state.status, state.approved_by) == (status, approved_by)


@pytest.mark.parametrize(
    ("events", "by", "said"),
    [
        ([], "ana", None),
        ([], "  ", "an approval needs a name"),
        ([event("approve")], "Ana", "Ana has approved it already; another person has to approve it"),
        ([event("approve")], "ben", None),
        ([event("approve"), event("approve", "ben")], "cleo", "it is approved already, by ana, ben"),
        ([event("cancel", reason="we need the money")], "ben", "it is cancelled: we need the money"),
    ],
)
def test_who_may_still_approve(events, by, said):
    assert against_approving(PLAN, state_of(PLAN, events, NOON), by) == said


def test_what_can_be_cancelled():
    assert against_cancelling(state_of(PLAN, [event("approve")], NOON)) is None
    assert "executing" in str(against_cancelling(state_of(PLAN, [event("execute")], NOON)))
    assert "expired: it was good until 2026-11-21 12:00 UTC" in str(against_cancelling(state_of(PLAN, [], NOON + timedelta(days=2))))  # fmt: skip


def void(of=FACTS, wanted=TARGETS, account="account", others=()):
    return reasons_void(PLAN, World(of, wanted, account, others))


def test_a_plan_holds_while_nothing_has_moved():
    assert void() == []
    inside = {"VTI": Decimal("100.99"), "BND": Decimal("99.01"), "OTHER": Decimal(9)}
    assert void(replace(FACTS, prices=inside)) == []
    assert void(replace(FACTS, day=DAY + timedelta(days=1))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"of": replace(FACTS, prices={"VTI": Decimal("101.01"), "BND": Decimal(100)})}, ["VTI moved +1.0 % to 101.01, beyond the collar of 1.0 %"]),
        ({"of": replace(FACTS, prices={"VTI": Decimal(100)})}, ["BND has no price any more"]),
        ({"of": replace(FACTS, lots=(*HELD, lot("NEW", 3, 3)))}, ["NEW: 3 held, 0 when it was made"]),
        ({"of": replace(FACTS, cash=Decimal(2))}, ["cash is 2.00 USD, it was 12.50"]),
        ({"account": "another"}, ["there are new transactions in the account"]),
        ({"wanted": TARGETS.model_copy(update={"collar": Decimal("0.02")})}, ["the book's targets were changed"]),
        ({"of": replace(FACTS, sold_at_loss=(LossSale("BND", DAY, "spouse"),))}, ["BND was sold at a loss on 2026-11-20 (spouse): bought before 2026-12-21, BND would void that loss"]),
        ({"others": (replace(PLAN, plan_id="f" * 24),)}, ["plan ffffffffffff of the same account is approved"]),
        ({"others": (replace(PLAN, plan_id="f" * 24, account_id="other"), PLAN)}, []),
    ],
)  # fmt: skip
def test_a_plan_whose_inputs_have_moved_is_void(change, said):
    assert void(**change) == said


def test_what_the_market_asks_and_bids_now_counts_before_the_last_close():
    def moved(bid, ask, day=DAY):
        quotes = {"BND": Quote(Decimal(bid), Decimal(ask), day)}
        return reasons_void(PLAN, World(FACTS, TARGETS, "account", (), quotes))

    assert moved("100.50", "101.00") == []
    assert moved("101.50", "101.60") == ["BND moved +1.5 % to 101.5, beyond the collar of 1.0 %"]
    assert moved("90", "98.90") == ["BND moved -1.1 % to 98.9, beyond the collar of 1.0 %"]
    assert moved("80", "120") == []  # a wide quote is no proof
    assert moved("101.50", "101.60", DAY - timedelta(days=1)) == []  # the close is newer
    closed_up = replace(FACTS, prices={**FACTS.prices, "BND": Decimal(103)})
    assert reasons_void(PLAN, World(closed_up, TARGETS, "account", (), {"BND": Quote(Decimal(99), Decimal(100), DAY)})) == []  # fmt: skip


def test_what_came_of_a_plan_is_shown_with_the_weights_it_came_to():
    sleeves = {"Shares": {"weight": 0.6, "weights": {"VTI": 1}}, "BND": 0.4}
    plan = planned(FACTS, targets(weights=sleeves, approvals=1, lots="fifo"))
    sale, purchase = plan.trades
    sold = Wanted("VTI", "sell", sale.quantity, sale.price)
    bought = Wanted("BND", "buy", purchase.quantity, purchase.price)
    half = purchase.quantity / 2
    filled = [
        line(sold, [(ordered(sold), executed(sold.quantity, "99.50"))], None),
        line(bought, [(ordered(bought), executed(half, "100"))], "another buy order of BND is open already"),
    ]
    before = {"VTI": Decimal(90), "BND": Decimal(10)}
    after = {"VTI": Decimal(90) - sold.quantity, "BND": Decimal(10) + half + 1}
    outcome = execution.outcome(filled, reconciled(before, after, filled), plan.worth, None)
    assert outcome["slippage"] == f"{sold.quantity / 2:.2f}"
    assert [each["symbol"] for each in outcome["positions"]] == ["VTI", "BND"]

    found = came_to(plan, outcome)
    weights = {weight.name: weight for weight in plan.weights}
    assert (
        found["Shares"] == found["Shares/VTI"] == ratio(weights["Shares"].before - sale.notional / plan.worth)
    )
    assert found["BND"] == ratio(weights["BND"].before + purchase.notional / 2 / plan.worth)
    money = sold.quantity * Decimal("99.5") - half * 100
    assert found["CASH"] == ratio(weights["CASH"].before + money / plan.worth)

    console = Console(width=110, file=io.StringIO())
    console.print(plan_on_terminal(plan, State("finished", ("ana",)), outcome))
    said = console.file.getvalue()
    for words in (
        "What came of it",
        "Came to",
        "another buy order of BND is open already",
        "look at this: the broker holds",
    ):
        assert words in said
    assert "Void if" not in said
    assert "-0.00" not in said
    assert f"Slippage {sold.quantity / 2:.2f} USD" in said


def ordered(trade):
    return Order("id", "plan", "home", "broker", trade.symbol, trade.side, 0, trade.quantity, trade.price)


def test_an_order_that_was_cut_says_so():
    wanted = Wanted("BND", "buy", Decimal(10), Decimal(60))
    less = Wanted("BND", "buy", Decimal("2.5000"), Decimal(60))
    cut = line(wanted, [(ordered(less), executed(Decimal("2.5"), "60"))], None)
    assert (cut.said, cut.residual) == ("filled, but only 2.5 could be ordered", Decimal("7.5"))
    assert line(wanted, [(ordered(wanted), executed(Decimal(10), "60"))], None).said == "filled"


def executed(units, price):
    fill = Execution("e", "fill", units, Decimal(price), NOON)
    return OrderState(ended="filled", executions={"e": fill})


def test_a_loss_that_only_the_limit_would_make_is_seen_where_the_market_has_risen():
    of = facts("12.5", [lot("VTI", 50, 4970), lot("BND", 10, 1000)], {"VTI": 100, "BND": 100})
    plan = planned(of)
    bought = Purchase("VTI", DAY, "IRA", "it was bought")
    risen = replace(of, bought=(bought,), prices={"VTI": Decimal("100.9"), "BND": Decimal(100)})
    assert "would be a wash sale" in reasons_void(plan, World(risen, TARGETS, "account"))[0]


def test_a_purchase_elsewhere_voids_the_sale_of_a_loss():
    of = facts(0, [lot("VTI", 100, 20000)], {"VTI": 100, "BND": 100})
    plan = planned(of)
    bought = Purchase("VTI", DAY, "IRA", "it was bought", "other lot")
    [reason] = reasons_void(plan, World(replace(of, bought=(bought,)), TARGETS, "account"))
    assert reason.startswith(
        "the loss on VTI of 2020-01-02 would be a wash sale: it was bought on 2026-11-20 (IRA)"
    )
