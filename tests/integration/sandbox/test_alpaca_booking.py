"""What is booked from outside: listed as the official document says, and moving cash and positions."""

from decimal import Decimal
from typing import Any

import pytest


def book(sandbox: Any, **said: str) -> dict[str, Any]:
    response = sandbox.control.post("/activities", json=said)
    assert response.status_code == 201, response.text
    return response.json()


def positions(sandbox: Any) -> dict[str, Decimal]:
    return {each["symbol"]: Decimal(each["qty"]) for each in sandbox.trading.get("/v2/positions").json()}


def cash(sandbox: Any) -> Decimal:
    return Decimal(sandbox.trading.get("/v2/account").json()["cash"])


def activities(sandbox: Any, **params: str) -> list[dict[str, Any]]:
    response = sandbox.trading.get("/v2/account/activities", params=params)
    assert response.status_code == 200
    return response.json()


def test_both_sides_of_a_change_move_the_account(own_sandbox, trading_api) -> None:
    before, money = positions(own_sandbox), cash(own_sandbox)
    held = before["AAPL"]
    book(
        own_sandbox, activity_type="MA", activity_sub_type="SCMA", symbol="AAPL", qty=f"-{held}", group_id="g"
    )
    book(own_sandbox, activity_type="MA", symbol="NVDA", qty="1.5", net_amount="12.34", group_id="g")
    book(own_sandbox, activity_type="SPIN", symbol="BND", qty="2")
    after = positions(own_sandbox)
    assert "AAPL" not in after
    assert after["NVDA"] - before["NVDA"] == Decimal("1.5")
    assert after["BND"] - before["BND"] == 2
    assert cash(own_sandbox) - money == Decimal("12.34")
    for path in ("/v2/account/activities", "/v2/positions"):
        trading_api.check(path, own_sandbox.trading.get(path))
    assert [each["activity_type"] for each in activities(own_sandbox)[:3]] == ["SPIN", "MA", "MA"]


@pytest.mark.parametrize("status", ["canceled", "correct"])
def test_a_later_word_takes_back_what_it_names(own_sandbox, status: str) -> None:
    money = cash(own_sandbox)
    dividend = activities(own_sandbox, activity_types="DIV")[0]
    later = book(
        own_sandbox,
        activity_type="DIV",
        symbol=dividend["symbol"],
        net_amount="1.00",
        status=status,
        previous_id=dividend["id"],
    )
    effect = Decimal(1) if status == "correct" else Decimal(0)
    assert cash(own_sandbox) - money == effect - Decimal(dividend["net_amount"])
    listed = {each["id"]: each for each in activities(own_sandbox, activity_types="DIV")}
    assert listed[dividend["id"]]["status"] == "executed"  # both are listed
    assert listed[later["id"]]["previous_id"] == dividend["id"].partition("::")[2]


def test_a_fill_is_busted_and_a_split_canceled(own_sandbox, trading_api) -> None:
    before, money = positions(own_sandbox), cash(own_sandbox)
    fill = activities(own_sandbox, activity_types="FILL")[0]
    book(own_sandbox, activity_type="FILL", previous_id=fill["id"].partition("::")[2])
    after = positions(own_sandbox)
    assert before[fill["symbol"]] - after[fill["symbol"]] == Decimal(fill["qty"])
    spent = (Decimal(fill["qty"]) * Decimal(fill["price"])).quantize(Decimal("0.01"))
    assert cash(own_sandbox) - money == spent
    (split,) = activities(own_sandbox, activity_types="SPLIT")
    book(
        own_sandbox, activity_type="SPLIT", symbol=split["symbol"], status="canceled", previous_id=split["id"]
    )
    assert positions(own_sandbox)[split["symbol"]] < after[split["symbol"]]
    trading_api.check("/v2/account/activities", own_sandbox.trading.get("/v2/account/activities"))


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"activity_type": "FILL"}, 422),
        ({"activity_type": "FILL", "previous_id": "nobody"}, 404),
        ({"activity_type": "LUNCH"}, 422),
        ({"activity_type": "MA", "status": "maybe"}, 422),
        ({"activity_type": "MA", "symbol": "AAPL", "qty": "-99999999"}, 422),
        ({"activity_type": "MA", "symbol": "NOSUCHTHING", "qty": "1"}, 404),
        ({"activity_type": "MA", "qty": "1"}, 404),
        ({"activity_type": "MA", "net_amount": "a lot"}, 422),
        ({"activity_type": "MA", "colour": "red"}, 422),
    ],
)
def test_what_cannot_be_booked(sandbox, said: dict[str, str], status: int) -> None:
    listed = activities(sandbox)
    assert sandbox.control.post("/activities", json=said).status_code == status
    assert activities(sandbox) == listed
