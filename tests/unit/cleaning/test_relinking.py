"""A login is linked anew and sends its history again: every movement is there once, whoever told of it."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from cleaning_examples import (
    ACCOUNT,
    CONTEXT,
    CREDIT,
    HOLDING,
    MOMENT,
    SECURITY,
    TRADE,
    TRANSACTION,
    raw_rows,
    raw_tables,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.cleaning import CLEANERS, clean
from manna.cleaning.context import Context, known_by
from manna.cleaning.identity import Decision, Status
from manna.contracts import CONTRACTS

BANKS = {**CONTEXT.institutions, **dict.fromkeys(["bank", "bank2", "bank3"], "Platypus")}
RELINKED = Context(CONTEXT.zones, BANKS)
AFTER = MOMENT + timedelta(days=10)
"""When the new login answers for the first time."""
LATER = AFTER + timedelta(days=1)

Row = dict[str, Any]


def made(
    address: str, *sent: pl.DataFrame, as_known_on: datetime | None = None, **tables: pl.DataFrame
) -> pl.DataFrame:
    """A clean table of an account that came through two logins; nothing is in quarantine."""
    login = [
        raw_rows("plaid_accounts", {"source_id": name, "payload": ACCOUNT | {"account_id": name}, "at": at, "connection": bank})
        for name, bank, at in (("checking", "bank", MOMENT), ("checking2", "bank2", AFTER))
    ]  # fmt: skip
    given_tables = {"plaid_accounts": pl.concat([*login, *sent]), **tables}
    raw = {
        name: frame for name, frame in raw_tables(**given_tables).items() if name in CLEANERS[address].sources
    }
    found = clean(address, raw, RELINKED, as_known_on)
    assert found.quarantined["reasons"].to_list() == []
    assert found.received == found.rows.height
    assert CONTRACTS[address].violations(found.rows).list.len().sum() == 0
    return found.rows


def sent(table: str, *records: Row) -> pl.DataFrame:
    return pl.concat([raw_rows(table, record) for record in records]) if records else raw_rows(table)


def old(row_id: str, /, *, at: datetime = MOMENT, change: str = "added", **changed: Any) -> Row:
    """A transaction of the former login."""
    payload = TRANSACTION | {"transaction_id": row_id, "account_id": "checking"} | changed
    return {"source_id": row_id, "payload": payload, "connection": "bank", "at": at, "change": change}


def new(row_id: str, /, *, at: datetime = AFTER, change: str = "added", **changed: Any) -> Row:
    """A transaction of the new login."""
    payload = TRANSACTION | {"transaction_id": row_id, "account_id": "checking2"} | changed
    return {"source_id": row_id, "payload": payload, "connection": "bank2", "at": at, "change": change}


def transactions(*records: Row) -> dict[str, Row]:
    """clean.transactions by id."""
    rows = made("clean.transactions", plaid_transactions=sent("plaid_transactions", *records))
    assert rows["account_id"].unique().to_list() == ["checking"]
    return {row["transaction_id"]: row for row in rows.iter_rows(named=True)}


COFFEE = {"name": "BLUE BOTTLE COFFEE 0042", "merchant_name": None}
FUEL = {"name": "SHELL OIL 57444", "merchant_name": None}
PENDING = {"pending": True}

EARLIER = new("e", date="2026-03-01", amount=5)
"""So that the new login's window reaches back far enough."""

STORIES: dict[str, tuple[list[Row], set[str]]] = {
    "the same row": ([old("o"), new("n")], {"n"}),
    "twins stay two": ([old("o1"), old("o2"), new("n1"), new("n2")], {"n1", "n2"}),
    "one twin the new login does not list": ([old("o1"), old("o2"), new("n1")], {"o2", "n1"}),
    "older than the new login's window": ([old("o1", date="2024-01-05"), new("n")], {"o1", "n"}),
    "what came while the login was broken": (
        [old("o"), new("n"), new("gap", date="2026-03-20")],
        {"n", "gap"},
    ),
    "another amount": ([old("o"), new("n", amount=1)], {"o", "n"}),
    "another amount, a window that reaches back further": (
        [old("o"), EARLIER, new("n", amount=1)],
        {"e", "n"},
    ),
    "a tip while no login answered": ([old("o"), EARLIER, new("n", amount=80)], {"e", "n"}),
    "dated otherwise while no login answered": ([old("o"), EARLIER, new("n", date="2026-03-10")], {"e", "n"}),
    "removed while no login answered": ([old("o"), EARLIER], {"e"}),
    "another currency": ([old("o"), new("n", iso_currency_code="EUR")], {"o", "n"}),
    "a day off, the same text": ([old("o"), EARLIER, new("n", date="2026-03-15")], {"e", "n"}),
    "a day off, another text": (
        [old("o", **COFFEE), new("n", date="2026-03-15", **FUEL)],
        {"o", "n"},
    ),
    "two days off": ([old("o"), new("n", date="2026-03-16")], {"o", "n"}),
    "the very day before a day off": (
        [old("o1"), old("o2", date="2026-03-15"), new("n1", date="2026-03-15"), new("n2", date="2026-03-16")],
        {"o1", "n1", "n2"},
    ),
    "corrected by the former login, and what it was before is another row's twin": (
        [
            old("o1"),
            old("o1", at=MOMENT + timedelta(1), change="modified", amount=80),
            old("o2"),
            new("n1"),
            new("n2", amount=80),
        ],
        {"n1", "n2"},
    ),
    "a day before all that the new login sends": (
        [old("o"), new("n", date="2026-03-15"), new("m", date="2026-03-17")],
        {"o", "n", "m"},
    ),
    "corrected by the new login": (
        [old("o"), new("n"), new("n", at=LATER, change="modified", amount=80)],
        {"n"},
    ),
    "corrected by the former login, which still answers": (
        [old("o"), new("n"), old("o", at=LATER, change="modified", amount=80)],
        {"n"},
    ),
    "taken back by the new login": ([old("o"), new("n"), new("n", at=LATER, change="removed")], set()),
    "taken back before": ([old("o"), old("o", at=MOMENT + timedelta(1), change="removed"), new("n")], {"n"}),
    "replaced by the new login": (
        [old("o"), new("n1"), new("n1", at=LATER, change="removed"), new("n2", at=LATER)],
        {"n2"},
    ),
    "pending rows of a former login": ([old("o", **PENDING), new("n", **PENDING)], {"n"}),
    "pending when the login broke, posted since": (
        [old("o", **PENDING), new("n", date="2026-03-16")],
        {"n"},
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_every_movement_is_there_once(story: str) -> None:
    records, alive = STORIES[story]
    found = transactions(*records)
    assert {name for name, row in found.items() if not row["removed"]} == alive
    assert found.keys() == {record["source_id"] for record in records}  # nothing is ever deleted
    for row in found.values():
        if row["superseded_by"] is not None:
            assert row["removed"]
            assert row["superseded_by"] in found
    backwards = transactions(*reversed(records))
    assert backwards == found


def test_the_new_row_was_known_since_the_old_one_was() -> None:
    found = transactions(old("o"), new("n"), new("gap", date="2026-03-20"))
    assert found["n"]["first_known_on"] == date(2026, 3, 16)  # in New York
    assert found["gap"]["first_known_on"] == date(2026, 3, 26)
    assert (found["o"]["superseded_by"], found["o"]["removed_on"]) == ("n", None)
    assert (found["n"]["superseded_by"], found["n"]["removed"]) == (None, False)


def test_the_nearest_description_tells_twins_apart() -> None:
    found = transactions(old("a", **COFFEE), old("b", **FUEL), new("x", **FUEL), new("y", **COFFEE))
    assert (found["a"]["superseded_by"], found["b"]["superseded_by"]) == ("y", "x")


def test_a_third_login_goes_on_from_the_second() -> None:
    third = raw_rows(
        "plaid_accounts",
        {
            "source_id": "checking3",
            "payload": ACCOUNT | {"account_id": "checking3"},
            "at": AFTER + timedelta(9),
            "connection": "bank3",
        },
    )
    again = new("z", at=AFTER + timedelta(9)) | {"connection": "bank3"}
    again["payload"] = again["payload"] | {"account_id": "checking3"}
    records = sent("plaid_transactions", old("o"), new("n"), old("older", date="2024-02-01"), again)
    rows = made("clean.transactions", third, plaid_transactions=records)
    found = {row["transaction_id"]: row for row in rows.iter_rows(named=True)}
    assert {name for name, row in found.items() if not row["removed"]} == {"z", "older"}
    assert (found["o"]["superseded_by"], found["n"]["superseded_by"]) == ("n", "z")
    assert found["z"]["first_known_on"] == date(2026, 3, 16)


def test_before_the_new_login_nothing_is_superseded() -> None:
    records = sent("plaid_transactions", old("o"), new("n"))
    then = made("clean.transactions", as_known_on=LATER - timedelta(days=5), plaid_transactions=records)
    assert then.select("transaction_id", "removed", "superseded_by").rows() == [("o", False, None)]


def test_an_answer_counts_from_the_moment_it_was_given() -> None:
    beside = raw_rows(
        "plaid_accounts",
        {
            "source_id": "twin",
            "payload": ACCOUNT | {"account_id": "twin"},
            "at": AFTER,
            "connection": "bank3",
        },
    )
    raw = raw_tables(plaid_accounts=pl.concat([raw_rows("plaid_accounts", {"at": AFTER}), beside]))
    answered = replace(RELINKED, decisions=[Decision("home", "twin", None, LATER)])
    ids = [
        clean("clean.accounts", raw, answered, moment).rows["account_id"].sort().to_list()
        for moment in (AFTER, LATER)
    ]
    assert ids == [["acc", "checking"], ["acc", "checking", "twin"]]


def test_what_became_of_a_login_counts_from_that_moment() -> None:
    gone = Status("bank", "unlinked", AFTER - timedelta(hours=1))
    raw, context = known_by(gone.at - timedelta(hours=1), raw_tables(), replace(RELINKED, statuses=[gone]))
    assert context.statuses == []
    assert known_by(gone.at, raw, replace(RELINKED, statuses=[gone]))[1].statuses == [gone]


def test_the_account_keeps_its_first_id_and_describes_itself_through_the_latest_login() -> None:
    rows = made("clean.accounts", alpaca_account=raw_rows("alpaca_account"))
    assert rows.select("account_id", "connection_id").rows() == [("checking", "bank2")]


def snapshot(table: str, login: str, payload: Row, *moments: datetime, source: str) -> pl.DataFrame:
    account_id, bank = ("checking", "bank") if login == "old" else ("checking2", "bank2")
    record = {"payload": payload | {"account_id": account_id}, "source_id": source, "connection": bank}
    return sent(table, *(record | {"at": moment} for moment in moments))


def test_a_days_balance_comes_from_the_latest_login() -> None:
    more = snapshot(
        "plaid_accounts",
        "old",
        ACCOUNT | {"balances": ACCOUNT["balances"] | {"current": 1}},
        LATER,
        source="checking",
    )
    rows = made("clean.balances", more, alpaca_account=raw_rows("alpaca_account"))
    assert rows.sort("as_of").select("account_id", "as_of", "current").rows() == [
        ("checking", date(2026, 3, 16), Decimal("120.5")),
        ("checking", date(2026, 3, 26), Decimal("120.5")),
    ]


def test_holdings_come_from_the_latest_login_and_what_it_does_not_list_was_given_up() -> None:
    bond = HOLDING | {"security_id": "s2", "quantity": 7, "institution_value": 70}
    held = pl.concat(
        [
            snapshot("plaid_holdings", "old", HOLDING, MOMENT, AFTER, source="checking:s1"),
            snapshot("plaid_holdings", "old", bond, MOMENT, source="checking:s2"),
            snapshot("plaid_holdings", "new", HOLDING | {"quantity": 3}, AFTER, LATER, source="checking2:s1"),
        ]
    )
    securities = sent(
        "plaid_securities",
        {"source_id": "s1"},
        {"source_id": "s2", "payload": SECURITY | {"security_id": "s2", "ticker_symbol": "BND"}},
    )
    rows = made(
        "clean.holdings",
        plaid_holdings=held,
        plaid_securities=securities,
        alpaca_account=raw_rows("alpaca_account"),
    )
    assert rows.sort("as_of", "security_id").select("as_of", "security_id", "quantity", "value").rows() == [
        (date(2026, 3, 16), "BND", Decimal(7), Decimal(70)),
        (date(2026, 3, 16), "VTI", Decimal("2.5"), Decimal("675.28")),
        (date(2026, 3, 26), "BND", Decimal(0), Decimal(0)),
        (date(2026, 3, 26), "VTI", Decimal(3), Decimal("675.28")),
        (date(2026, 3, 27), "VTI", Decimal(3), Decimal("675.28")),
    ]
    assert rows["account_id"].unique().to_list() == ["checking"]


def test_trades_are_there_once() -> None:
    def trade(name: str, is_new: bool, **changed: Any) -> Row:
        account_id, bank, at = ("checking2", "bank2", AFTER) if is_new else ("checking", "bank", MOMENT)
        payload = TRADE | {"investment_transaction_id": name, "account_id": account_id} | changed
        return {"source_id": name, "payload": payload, "connection": bank, "at": at}

    records = sent(
        "plaid_investment_transactions",
        trade("i1", False),
        trade("i2", False, date="2024-01-08"),
        trade("j1", True),
        trade("j2", True, date="2026-03-20"),
    )
    rows = made(
        "clean.trades",
        plaid_investment_transactions=records,
        plaid_securities=raw_rows("plaid_securities", {}),
    )
    shown = rows.sort("trade_id").select("trade_id", "removed", "superseded_by", "first_known_on")
    assert rows["account_id"].unique().to_list() == ["checking"]
    assert shown.rows() == [
        ("i1", True, "j1", date(2026, 3, 16)),
        ("i2", False, None, date(2026, 3, 16)),
        ("j1", False, None, date(2026, 3, 16)),
        ("j2", False, None, date(2026, 3, 26)),
    ]


def test_terms_of_a_card_come_from_the_latest_login() -> None:
    told = pl.concat(
        [
            snapshot("plaid_liabilities", "new", CREDIT | {"minimum_payment_amount": 35}, AFTER, source="credit:checking2"),
            snapshot("plaid_liabilities", "old", CREDIT, MOMENT, LATER, source="credit:checking"),
        ]
    )  # fmt: skip
    rows = made("clean.liabilities", plaid_liabilities=told)
    assert rows.select("account_id", "minimum_payment").rows() == [("checking", Decimal(35))]


Movement = tuple[int, int, str]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 28), st.integers(1, 3), st.sampled_from("ab")), max_size=12),
    st.integers(1, 28),
    st.integers(1, 28),
    st.randoms(use_true_random=False),
)
def test_whatever_part_each_login_sends_the_whole_is_what_happened(
    happened: list[Movement], broke: int, begins: int, chance: Any
) -> None:
    """The former login told of everything up to the day it broke, the new one of everything since ``begins``."""
    records = []
    for number, (day, amount, text) in enumerate(happened):
        facts = {"date": f"2026-02-{day:02}", "amount": amount, "name": f"SHOP {text * 4}"}
        if day <= broke:
            records.append(old(f"o{number}", **facts))
        if day >= begins:
            records.append(new(f"n{number}", **facts))
    told = [fact for fact in happened if fact[0] <= broke or fact[0] >= begins]
    chance.shuffle(records)
    if not records:
        return
    found = [row for row in transactions(*records).values() if not row["removed"]]
    assert sorted((row["date"].day, int(-row["amount"])) for row in found) == sorted(
        fact[:2] for fact in told
    )
