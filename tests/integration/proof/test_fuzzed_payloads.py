"""Ten thousand payloads, spoilt in every way: none stops the night, none is dropped, none gets in that may not."""

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from payloads import SORTS, Documents, Sort, as_documented, by_hand, official, spoilt

from assets.raw.bars import symbols_of_interest
from manna.cleaning import CLEANERS, clean
from manna.cleaning.tables import Context
from manna.contracts import CONTRACTS
from manna.facts import Answer, Record, Source, batch_rows, new_records

MOMENT = datetime(2026, 3, 17, 2, 30, tzinfo=UTC)
CONTEXT = Context({"home": "America/New_York"}, {"bank": "Platypus", "broker": "Alpaca"})


def _account(name: str) -> Record:
    """An account at the bank."""
    balances = {"current": 1, "iso_currency_code": "USD"}
    account = {"account_id": name, "name": name, "type": "depository", "balances": balances}
    return Record(name, "snapshot", json.dumps(account))


ACCOUNTS = {
    "plaid_accounts": _account("checking"),
    "alpaca_account": Record(
        "acc",
        "snapshot",
        '{"id": "acc", "account_number": "PA1", "cash": "1", "equity": "2", "currency": "USD"}',
    ),
}
"""Of an account that is not there nothing is taken, so these are there."""


@pytest.fixture(scope="module", params=["official", "by hand"])
def documents(request: pytest.FixtureRequest) -> Documents:
    """The official documents, or what is known without them."""
    found = official() if request.param == "official" else by_hand()
    if found is None:
        pytest.skip("the official OpenAPI documents are not beside the checkout (../shared/reference)")
    return found


def kept(table: str, records: list[Record]) -> pl.DataFrame:
    """The rows of ``raw.table`` once they were told."""
    login, provider = ("bank", "plaid") if table.startswith("plaid") else ("broker", "alpaca")
    address, answer = f"raw.{table}", Answer(tuple(records))
    fresh = new_records(answer, CONTRACTS[address].empty(), MOMENT)
    source = Source("home", login, provider, table, "run", "1")
    return batch_rows(source, answer, fresh, MOMENT, address, 0)[1]


def raw_with(table: str, records: list[Record]) -> dict[str, pl.DataFrame]:
    """Every raw table: the accounts, the records, and nothing else."""
    told = {name: [record] for name, record in ACCOUNTS.items()}
    if table == "plaid_liabilities":  # an account has one
        told["plaid_accounts"] = [_account(record.source_id.partition(":")[2]) for record in records]
    told[table] = told.get(table, []) + records
    names = {source.removeprefix("raw.") for cleaner in CLEANERS.values() for source in cleaner.sources}
    return {
        f"raw.{name}": kept(name, told[name]) if name in told else CONTRACTS[f"raw.{name}"].empty()
        for name in sorted(names | {table})
    }


def tables_of(sort: Sort) -> list[str]:
    """The clean tables a sort of record is read into."""
    return [
        address
        for address, cleaner in CLEANERS.items()
        if f"raw.{sort.table}" in cleaner.sources and address in READ_FROM[sort.table]
    ]


READ_FROM = {
    "plaid_accounts": ("clean.accounts", "clean.balances"),
    "plaid_transactions": ("clean.transactions",),
    "plaid_securities": ("clean.securities",),
    "plaid_holdings": ("clean.holdings",),
    "plaid_investment_transactions": ("clean.trades",),
    "plaid_liabilities": ("clean.liabilities",),
    "alpaca_account": ("clean.accounts", "clean.balances", "clean.holdings"),
    "alpaca_positions": ("clean.holdings",),
    "alpaca_activities": ("clean.trades",),
    "alpaca_orders": ("clean.orders",),
    "alpaca_assets": ("clean.securities",),
    "alpaca_bars": ("clean.bars",),
    "alpaca_corporate_actions": ("clean.corporate_actions",),
    "plaid_items": (),
}
"""The clean tables a sort of record is read into; of a login's own state only the coverage is made."""


def records_of(documents: Documents, sort: Sort, count: int, *, seed: int, whole: bool) -> list[Record]:
    """Records of a sort as the client would name them: as documented when ``whole``, else spoilt."""
    dice = random.Random(f"{sort.table} {sort.schema} {seed}")
    found = []
    for number in range(count):
        payload = as_documented(documents, sort, number, dice)
        text = json.dumps(payload, ensure_ascii=False) if whole else spoilt(payload, dice)
        found.append(sort.named(text, str(number)))
    return found


def assert_nothing_lost(sort: Sort, records: list[Record]) -> dict[str, str]:
    """Every record came out or is in quarantine, with reasons; returns the reasons by source id."""
    raw = raw_with(sort.table, records)
    sent = set(raw[f"raw.{sort.table}"].unique("source_id", keep="last")["payload_sha256"])
    why: dict[str, str] = {}
    for address in tables_of(sort):
        contract, sources = CONTRACTS[address], {name: raw[name] for name in CLEANERS[address].sources}
        found = clean(address, sources, CONTEXT)
        assert found.received == found.rows.height + found.quarantined.height
        assert found.rows.schema == contract.polars_schema
        assert contract.violations(found.rows).list.len().sum() == 0
        assert CONTRACTS["clean.quarantine"].violations(found.quarantined).list.len().sum() == 0
        assert found.quarantined["reasons"].str.len_chars().min() != 0
        out = set(found.rows["payload_sha256"]) | set(found.quarantined["payload_sha256"])
        if address != "clean.securities":  # there one symbol may be said twice
            assert sent - out == set(), f"{address}: silently dropped"
        why |= dict(found.quarantined.select("source_id", "reasons").iter_rows())
    return why


def each_sort(documents: Documents) -> Iterator[Sort]:
    yield from documents.sorts


SOUND = {
    "AccountBase": "current is missing",
}
"""Why a payload that is as documented may be refused all the same: nothing at all is said of the balance."""


def test_what_is_as_documented_is_not_refused(documents: Documents) -> None:
    for sort in each_sort(documents):
        records = records_of(documents, sort, 60, seed=1, whole=True)
        why = assert_nothing_lost(sort, records)
        unsound = {
            name: reason
            for name, reason in why.items()
            if not re.fullmatch(SOUND.get(sort.schema, "-"), reason)
        }
        assert unsound == {}, sort.schema


def test_ten_thousand_spoilt_payloads(documents: Documents) -> None:
    count = 10_000 // len(documents.sorts) + 1
    refused = 0
    for sort in each_sort(documents):
        refused += len(assert_nothing_lost(sort, records_of(documents, sort, count, seed=2, whole=False)))
    assert refused > 2_000  # they are spoilt indeed


def test_the_lake_takes_what_came_out_and_what_did_not(manna: Any, documents: Documents) -> None:
    """All sorts at once, through one commit per table, with the symbols a night would look for."""
    told: dict[str, list[Record]] = {name: [record] for name, record in ACCOUNTS.items()}
    for sort in each_sort(documents):
        told.setdefault(sort.table, []).extend(records_of(documents, sort, 40, seed=3, whole=False))
    raw = {
        f"raw.{table}": kept(table, told.get(table, []))
        for table in sorted({s.table for s in SORTS} | set(told))
    }

    def work(transaction: Any) -> int:
        for address, rows in raw.items():
            transaction.append(address, rows)
        symbols_of_interest(manna, transaction)
        refused = 0
        for address, cleaner in CLEANERS.items():
            sources = {name: transaction.read(name) for name in cleaner.sources}
            found = clean(address, sources, CONTEXT)
            transaction.replace(address, found.rows)
            transaction.replace("clean.quarantine", found.quarantined, scope={"table_name": address})
            refused += found.quarantined.height
        return refused

    refused = manna.lake.commit(["fuzz"], work)
    assert manna.lake.read("clean.quarantine").height == refused > 0


def test_a_field_that_is_no_text_does_not_cost_a_record_its_name() -> None:
    """Under another name its correction would be another row."""
    (sort,) = [each for each in SORTS if each.table == "plaid_transactions"]
    assert sort.named('{"transaction_id": "t", "account_id": 5}', "0").source_id == "t"
    (sort,) = [each for each in SORTS if each.table == "alpaca_account"]
    assert sort.named('{"id": "acc", "account_number": [1]}', "0").source_id == "acc"
