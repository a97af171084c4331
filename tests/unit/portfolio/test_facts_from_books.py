"""What of the books counts for a plan, and as what."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from manna.books import Book
from manna.contracts import CONTRACTS
from manna.contracts.ledger import INHERITANCE, PURCHASE
from manna.rebalancing.from_books import (
    NotPlannableError,
    Rows,
    account_sha256,
    facts_of,
    last_prices,
    traded_account,
)
from manna.rebalancing.problem import Problem

DAY = date(2026, 11, 20)
BOOK = Book.model_validate(
    {"id": "home", "name": "Home", "taxpayer": "ana", "targets": {"weights": {"VTI": 1}}}
)
SPOUSE = Book(id="studio", name="Studio", taxpayer="ben", spouse="ana")
TABLES = {
    "accounts": "clean.accounts", "lots": "ledger.lots", "gains": "ledger.gains", "taxable_gains": "ledger.taxable_gains",
    "trades": "clean.trades", "valuations": "portfolio.valuations", "recurring": "categorized.recurring", "bars": "clean.bars",
    "actions": "clean.corporate_actions",
}  # fmt: skip
ACCOUNTS = [
    {"account_id": "broker"},
    {"account_id": "ira", "book": "studio", "institution": "Fidelity", "name": "IRA", "subtype": "ira", "type": "investment"},
    {"account_id": "joint", "institution": "Fidelity", "name": "Joint", "type": "investment"},
]  # fmt: skip


def of(frame: Any, book: Book = BOOK, plans: Any = (), **tables: list[dict[str, Any]]) -> Any:
    """Facts of these rows; accounts are a broker, a joint account elsewhere and the spouse's IRA.

    What is valued is what the lots hold, unless it is said.
    """
    held = [{"account_id": lot["account_id"], "security_id": lot["security_id"], "quantity": lot["remaining"]} for lot in tables.get("lots", []) if lot["account_id"] == "broker" and lot["remaining"]]  # fmt: skip
    tables = {"valuations": held, **tables} if held else tables
    return facts_of(book, [BOOK, SPOUSE], rows(frame, **tables), DAY, plans=plans)


def rows(frame: Any, **tables: list[dict[str, Any]]) -> Rows:
    given = {"accounts": ACCOUNTS, **tables}
    return Rows(**{name: frame(address, *given[name]) if name in given else CONTRACTS[address].empty() for name, address in TABLES.items()})  # fmt: skip


def days_ago(days: int) -> date:
    return DAY - timedelta(days=days)


def bought(name: str, day: date, account: str = "broker", **more: Any) -> dict[str, Any]:
    whole = {
        "quantity": 10,
        "remaining": 10,
        "cost": 100,
        "remaining_cost": 100,
        "dated": True,
        "came_by": PURCHASE,
    }
    return {
        "lot_id": name,
        "origin": name,
        "account_id": account,
        "security_id": "VTI",
        "opened": day,
        **whole,
        **more,
    }


def test_lots_positions_and_money(frame: Any) -> None:
    par = {"security_id": "CUR:USD", "price_source": "par"}
    found = of(
        frame,
        lots=[bought("b", days_ago(40)), bought("a", days_ago(400)), bought("gone", days_ago(9), remaining=0), bought("x", days_ago(400), "joint")],
        valuations=[{**par, "quantity": 250}, {"security_id": "VTI", "quantity": 20}, {**par, "account_id": "joint", "quantity": 9}],
        bars=[{"symbol": "VTI", "date": days_ago(2), "close": 11}],
    )  # fmt: skip
    assert [lot.lot_id for lot in found.lots] == ["a", "b"], (
        "the oldest first, and only those of the traded account"
    )
    assert (found.cash, found.cash_elsewhere, found.positions) == (250, 0, {"VTI": 20})
    assert (found.prices["VTI"], found.price_days["VTI"]) == (11, days_ago(2))


def test_other_accounts_of_the_institution_are_weighed(frame: Any) -> None:
    accounts = [*ACCOUNTS, {"account_id": "second", "name": "Second", "mask": "0042"}]
    held = [{"account_id": "second", "security_id": "VTI", "quantity": 7}, {"account_id": "second", "security_id": "CUR:USD", "price_source": "par", "quantity": 5}]  # fmt: skip
    found = of(frame, accounts=accounts, valuations=held)
    assert (dict(found.elsewhere), found.cash_elsewhere, found.account_id) == ({"VTI": 7}, 5, "broker")
    other = BOOK.model_copy(update={"targets": BOOK.targets.model_copy(update={"account": "0042"})})
    assert traded_account(other, frame("clean.accounts", *accounts)) == "second"


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ({"institution": "Nowhere"}, "book home has no account at Nowhere"),
        ({"account": "Third"}, "book home has no account at Alpaca, called 'Third'"),
        ({"account": "Broker", "institution": "Alpaca"}, "is several accounts; name its id"),
    ],
)
def test_an_account_that_is_not_there_is_named(frame: Any, targets: dict[str, str], said: str) -> None:
    book = BOOK.model_copy(update={"targets": BOOK.targets.model_copy(update=targets)})
    with pytest.raises(NotPlannableError, match=said):
        of(frame, book=book, accounts=[*ACCOUNTS, {"account_id": "twin"}])


def test_what_is_sold_short_is_not_planned_for(frame: Any) -> None:
    with pytest.raises(NotPlannableError, match="OLD of book home is sold short"):
        of(frame, valuations=[{"security_id": "OLD", "quantity": -1}])


def test_lots_and_valuation_of_different_nights_are_not_planned_for(frame: Any) -> None:
    with pytest.raises(
        NotPlannableError, match="the lots and the valuation of VTI do not agree: `manna run nightly"
    ):
        of(frame, lots=[bought("a", days_ago(400))], valuations=[{"security_id": "VTI", "quantity": 9}])


def test_a_price_of_last_week_is_none(frame: Any) -> None:
    bars = frame("clean.bars", {"symbol": "A", "date": days_ago(8), "close": 1}, {"symbol": "B", "date": days_ago(7), "close": 2}, {"symbol": "B", "date": days_ago(9), "close": 3})  # fmt: skip
    assert last_prices(bars, DAY) == {"B": (Decimal(2), days_ago(7))}


def trade(name: str, kind: str, day: date, **more: Any) -> dict[str, Any]:
    return {"trade_id": name, "kind": kind, "date": day, "amount": 0, "price": 1, "quantity": 1, **more}


def test_proceeds_wait_for_their_settlement(frame: Any) -> None:
    """20 November 2026 is a Friday: what was sold on it settles on Monday, what was sold on Thursday today."""
    sold = [
        trade("t", "sell", days_ago(1), amount=100, quantity=-1),
        trade("f", "sell", DAY, amount=30, quantity=-1),
    ]
    found = of(frame, trades=sold, valuations=[money(500)])
    assert (found.unsettled, found.last_traded) == (30, DAY)
    # What has been spent again is no part of the money there is: nothing is missing for it.
    spent = [trade("f", "sell", DAY, amount=10**6, quantity=-1), trade("b", "buy", DAY, amount=-(10**6))]
    found = of(frame, trades=spent, valuations=[money(67)])
    assert (found.cash, found.unsettled) == (67, 67)
    assert Problem(found, BOOK.targets).spendable == 0
    with_bills = replace(found, bills=Decimal(40))
    assert Problem(with_bills, BOOK.targets).spendable == 0
    assert Problem(with_bills, BOOK.targets.model_copy(update={"cash_floor": Decimal(50)})).spendable == -23


def money(amount: int) -> dict[str, Any]:
    return {"account_id": "broker", "security_id": "CUR:USD", "quantity": amount, "price_source": "par"}


def test_bills_of_the_account_that_fall_due(frame: Any) -> None:
    bills = [
        {"series_id": "due", "next_on": days_ago(-10), "next_amount": -40, "usual_amount": -40, "last_amount": -40},
        {"series_id": "weekly", "cadence": "weekly", "next_on": days_ago(-2), "next_amount": -1, "usual_amount": -1, "last_amount": -1},
        {"series_id": "later", "next_on": days_ago(-31), "next_amount": -500, "usual_amount": -500, "last_amount": -500},
        {"series_id": "pay", "next_on": days_ago(-3), "next_amount": 900, "usual_amount": 900, "last_amount": 900},
        {"series_id": "over", "next_on": days_ago(-3), "next_amount": -9, "usual_amount": -9, "last_amount": -9, "status": "ended"},
        {"series_id": "else", "account_id": "joint", "next_on": days_ago(-3), "next_amount": -9, "usual_amount": -9, "last_amount": -9},
    ]  # fmt: skip
    assert of(frame, recurring=bills).bills == 45, "40 once, and 1 on each of five weeks"


def test_what_the_taxpayer_bought_lately_in_any_account(frame: Any) -> None:
    lots = [bought("own", days_ago(30)), bought("old", days_ago(31)), bought("ira", days_ago(3), "ira", book="studio"), bought("first seen", days_ago(1), dated=False), bought("sold", days_ago(2), remaining=0), bought("left by her aunt", days_ago(2), came_by=INHERITANCE)]  # fmt: skip
    found = of(frame, lots=lots).bought
    assert [(each.lot_id, each.account) for each in found] == [
        ("own", "Alpaca Broker"),
        ("ira", "Fidelity IRA"),
    ]


def test_purchases_that_come_by_themselves(frame: Any) -> None:
    quarterly = [
        trade(f"q{n}", "reinvestment", days_ago(n), account_id="joint", security_id="BND") for n in (75, 167)
    ]
    payroll = [trade(f"p{n}", "buy", days_ago(n), account_id="ira", book="studio", security_id="VTI") for n in (10, 24, 38, 52)]  # fmt: skip
    once = [trade("once", "buy", days_ago(20), security_id="ONE")]
    long_ago = [trade("ago", "reinvestment", days_ago(140), security_id="AGO")]
    taken_back = [trade("back", "reinvestment", days_ago(80), security_id="BACK", removed=True)]
    found = {each.security: each for each in of(frame, trades=[*quarterly, *payroll, *once, *long_ago, *taken_back]).due}  # fmt: skip
    assert sorted(found) == ["BND", "VTI"]
    assert found["VTI"].words == "a fortnightly purchase is expected about 2026-11-24, at the earliest"
    assert found["VTI"].account == "Fidelity IRA"
    assert found["BND"].day >= DAY


def test_losses_that_a_purchase_would_void(frame: Any) -> None:
    gains = [
        {"part_id": "open", "security_id": "VTI", "sold": days_ago(30)},
        {"part_id": "long over", "security_id": "OLD", "sold": days_ago(31)},
        {"part_id": "replaced", "security_id": "BND", "sold": days_ago(3), "provisional": False},
    ]
    [found] = of(frame, taxable_gains=gains).sold_at_loss
    assert (found.security, found.day, found.account) == ("VTI", days_ago(30), "Fidelity Joint")


def test_a_lot_that_replaced_a_loss_has_its_basis_and_days(frame: Any) -> None:
    """100 lost on a sale in the joint account, replaced by 5 of the 10 units that the broker bought the day after."""
    lots = [
        bought("sold", days_ago(200), "joint", remaining=0, quantity=5, remaining_cost=0),
        bought("new", days_ago(99)),
    ]
    gain = {"gain_id": "g", "entry_id": "e", "account_id": "joint", "security_id": "VTI", "lot_id": "sold", "opened": days_ago(200), "closed": days_ago(100), "quantity": 5, "units": 5, "proceeds": 50, "cost": 150, "gain": -100}  # fmt: skip
    found = of(frame, lots=lots, gains=[gain]).lots
    assert [(lot.opened, lot.remaining, lot.carrying, lot.origin) for lot in found] == [
        (days_ago(199), 5, 150, "new"),
        (days_ago(99), 5, 50, "new"),
    ]


def test_the_hash_of_an_account_changes_with_any_trade(frame: Any) -> None:
    one, two = trade("1", "buy", DAY), trade("2", "buy", DAY, account_id="joint")
    first = account_sha256(rows(frame, trades=[one]), "broker")
    assert first == account_sha256(rows(frame, trades=[two, one]), "broker")
    assert first != account_sha256(rows(frame, trades=[one, {**two, "account_id": "broker"}]), "broker")
    assert first != account_sha256(rows(frame, trades=[{**one, "removed": True}]), "broker")
