"""The life of an order: the same end whatever order its events come in and however often."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.trading.orders import (
    LONGEST_ID,
    ContradictionError,
    Execution,
    OrderState,
    Told,
    client_order_id,
    was_executed,
    was_refused,
    was_sent,
    was_told,
)

NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)
Event = Told | Execution | str


def after(events: list[Event]) -> OrderState:
    state = OrderState()
    for event in events:
        if isinstance(event, Told):
            state = was_told(state, event)
        elif isinstance(event, Execution):
            state = was_executed(state, event)
        else:
            state = was_sent(state) if event == "sent" else was_refused(state)
    return state


def fill(
    name: str, quantity: str, price: str = "10", kind: str = "fill", reverses: str | None = None
) -> Execution:
    return Execution(name, kind, Decimal(quantity), Decimal(price), NOON, reverses)  # type: ignore[arg-type]


def told(filled: str, ended: str | None = None) -> Told:
    return Told("b1", ended, Decimal(filled))


@pytest.mark.parametrize(
    ("events", "status", "filled", "step"),
    [
        ([], "intended", "0", "send"),
        (["sent"], "sent", "0", "look_up"),
        (["sent", "refused"], "rejected", "0", "over"),
        (["sent", told("0")], "accepted", "0", "wait"),
        (["sent", told("0"), fill("e1", "3")], "partly_filled", "3", "wait"),
        (["sent", told("3")], "partly_filled", "0", "collect"),
        ([fill("e1", "3")], "sent", "3", "look_up"),
        (["sent", told("5", "filled")], "filled", "0", "collect"),
        (["sent", told("5", "filled"), fill("e1", "5")], "filled", "5", "over"),
        (["sent", fill("e1", "2"), told("2", "canceled")], "canceled", "2", "over"),
        (["sent", told("0", "expired")], "expired", "0", "over"),
        (["sent", told("0", "rejected")], "rejected", "0", "over"),
        (["sent", told("5", "filled"), told("2", "canceled"), fill("e1", "5")], "filled", "5", "over"),
        (["refused", told("0")], "accepted", "0", "wait"),
        (["sent", told("5", "filled"), fill("e1", "5"), fill("b", "5", kind="bust", reverses="e1")], "filled", "0", "over"),
        (
            ["sent", told("5", "filled"), fill("e1", "5"), fill("c", "4", "9", "correct", "e1")],
            "filled", "4", "over",
        ),
        (["sent", told("5", "filled"), fill("e1", "5"), fill("b", "2", kind="bust")], "filled", "3", "over"),
    ],
)  # fmt: skip
def test_where_an_order_stands(events: list[Event], status: str, filled: str, step: str) -> None:
    state = after(events)
    assert (state.status, state.filled, state.next_step) == (status, Decimal(filled), step)


def test_the_average_price_is_of_what_stands() -> None:
    state = after(["sent", told("5", "filled"), fill("e1", "2", "10"), fill("e2", "3", "20")])
    assert state.average_price == Decimal(16)
    assert was_executed(state, fill("b", "3", "20", "bust", "e2")).average_price == Decimal(10)
    assert OrderState().average_price is None


def test_what_cannot_both_be_stops_everything() -> None:
    with pytest.raises(ContradictionError, match="two orders of one client_order_id"):
        after([told("0"), Told("b2", None, Decimal(0))])
    with pytest.raises(ContradictionError, match="two things of the execution e1"):
        after([fill("e1", "2"), fill("e1", "3")])


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Event], Decimal]:
    """What a broker tells of one order, in the order in which it happened, and what stands at the end."""
    events: list[Event] = ["sent", told("0")]
    filled, standing = Decimal(0), Decimal(0)
    for number in range(draw(st.integers(0, 5))):
        units = Decimal(draw(st.integers(1, 10**12))).scaleb(-9)
        filled += units
        standing += units
        events += [fill(f"e{number}", str(units)), told(str(filled))]
        taken_back = draw(st.sampled_from(["", "", "bust", "correct"]))
        if taken_back:
            new = Decimal(0) if taken_back == "bust" else Decimal(draw(st.integers(1, 10**12))).scaleb(-9)
            standing += new - units
            events.append(fill(f"x{number}", str(new or units), kind=taken_back, reverses=f"e{number}"))
    ended = draw(st.sampled_from(["filled", "canceled", "expired"]))
    return [*events, told(str(filled), ended)], standing


@settings(max_examples=200, deadline=None)
@given(lives(), st.data())
def test_the_end_is_the_same_in_any_order_and_however_often(
    life: tuple[list[Event], Decimal], data: st.DataObject
) -> None:
    events, standing = life
    end = after(events)
    again = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events), max_size=5))]))
    assert after(again) == end
    assert (end.filled, end.missing, end.next_step) == (standing, 0, "over")


@settings(max_examples=100, deadline=None)
@given(lives(), st.data())
def test_nothing_is_over_while_a_fill_is_missing(
    life: tuple[list[Event], Decimal], data: st.DataObject
) -> None:
    events, _ = life
    lost = data.draw(
        st.sampled_from([e for e in events if isinstance(e, Execution) and e.kind == "fill"] or ["sent"])
    )
    if isinstance(lost, Execution):
        state = after(
            [
                event
                for event in events
                if event != lost and getattr(event, "reverses", "") != lost.execution_id
            ]
        )
        assert state.next_step == "collect"


def test_an_id_is_the_intentions_own() -> None:
    one = client_order_id("p1", "VTI", 0)
    assert one == client_order_id("p1", "VTI", 0)
    others = {
        client_order_id("p1", "VTI", 1), client_order_id("p2", "VTI", 0), client_order_id("p1", "BND", 0),
        client_order_id("p1", "BRK.B", 0), client_order_id("p1V", "TI", 0),
    }  # fmt: skip
    assert len(others | {one}) == 6
    assert len(client_order_id("p" * 500, "Ünïcode" * 50, 10**6)) <= LONGEST_ID
    assert client_order_id("p", "Ü/ 1", 0).isascii()
