"""Whatever is sent: never an exception, nothing dropped, cents kept; and the past can be had again."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from cleaning_examples import CONTEXT, EXAMPLES, MOMENT, TRANSACTION, cleaned, raw_rows, raw_tables, the_row
from hypothesis import given, settings
from hypothesis import strategies as st

from manna.cleaning import CLEANERS, clean, decoding
from manna.contracts.declaration import content_hash

TABLE_OF = {
    "plaid_accounts": ("clean.accounts", "clean.balances"),
    "plaid_transactions": ("clean.transactions",),
    "plaid_securities": ("clean.securities",),
    "plaid_holdings": ("clean.holdings",),
    "plaid_investment_transactions": ("clean.trades",),
    "plaid_liabilities": ("clean.liabilities",),
    "plaid_items": (),  # no table has their rows; see test_coverage
    "alpaca_account": ("clean.accounts", "clean.balances", "clean.holdings"),
    "alpaca_positions": ("clean.holdings",),
    "alpaca_activities": ("clean.trades",),
    "alpaca_orders": ("clean.orders",),
    "alpaca_assets": ("clean.securities",),
    "alpaca_bars": ("clean.bars",),
    "alpaca_calendar": ("clean.market_days",),
    "alpaca_corporate_actions": ("clean.corporate_actions",),
}

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**60), 10**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [
            "NaN",
            "Infinity",
            "1e400",
            "-0",
            "0x10",
            "１２",
            "٣٫٥",
            "",
            " ",
            "a\0b",
            "नमस्ते",
            "👩‍👧",
            "\u202e12",
            "\ufeff1",
        ]
    ),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none() | st.integers(), max_size=2),
)


@st.composite
def mutated(draw: st.DrawFn, payload: dict[str, Any]) -> str:
    """The payload with some values replaced, some keys gone, or cut off altogether."""
    changed = dict(payload)
    for key in draw(st.lists(st.sampled_from(sorted(payload)), max_size=3, unique=True)):
        inner = changed[key]
        if isinstance(inner, dict) and inner and draw(st.booleans()):
            changed[key] = inner | {draw(st.sampled_from(sorted(inner))): draw(JUNK)}
        else:
            changed[key] = draw(JUNK)
    for key in draw(st.lists(st.sampled_from(sorted(payload)), max_size=2, unique=True)):
        changed.pop(key)
    text = json.dumps(changed, ensure_ascii=draw(st.booleans()))
    text = text.replace('"1e400"', draw(st.sampled_from(['"1e400"', "1e400", "NaN", "-1E-400"])))
    return text[: draw(st.integers(0, len(text)))] if draw(st.integers(0, 9)) == 0 else text


@pytest.mark.parametrize("table", EXAMPLES)
@settings(deadline=None, max_examples=4)
@given(data=st.data())
def test_whatever_is_sent_comes_out_or_is_quarantined(table: str, data: st.DataObject) -> None:
    comes_out_or_is_quarantined(table, data)


@pytest.mark.slow
@pytest.mark.parametrize("table", EXAMPLES)
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_whatever_else_is_sent_does_too(table: str, data: st.DataObject) -> None:
    comes_out_or_is_quarantined(table, data)


def comes_out_or_is_quarantined(table: str, data: st.DataObject) -> None:
    """Every row of what is drawn is counted, and the same comes of it twice."""
    payloads = data.draw(st.lists(mutated(EXAMPLES[table][2]), min_size=1, max_size=4))
    prefix = EXAMPLES[table][1].rpartition(":")[0]
    records = [
        {"payload": text, "source_id": f"{prefix}:{seq}" if prefix else str(seq)}
        for seq, text in enumerate(payloads)
    ]
    sent = raw_rows(table, *records)
    for address in TABLE_OF[table]:
        found = cleaned(address, **{table: sent})
        others = cleaned(address, **{table: sent.clear()})
        if address != "clean.securities":  # there one symbol may be said twice
            assert found.received - others.received == sent.height
        again = cleaned(address, **{table: sent})
        assert content_hash(CLEANERS[address].contract, again.rows) == content_hash(
            CLEANERS[address].contract, found.rows
        )
        assert again.quarantined.equals(found.quarantined)


TWICE = "duplicate key (transaction_id)"


@settings(deadline=None, max_examples=25)
@given(st.lists(mutated(TRANSACTION) | st.sampled_from(["[]", "null", "", "{"]), min_size=1, max_size=5))
def test_a_record_is_read_alone_as_it_is_among_others(payloads: list[str]) -> None:
    sent = raw_rows(
        "plaid_transactions", *({"payload": text, "source_id": str(n)} for n, text in enumerate(payloads))
    )
    with patch.object(decoding, "_AT_ONCE", 2):
        together = cleaned("clean.transactions", plaid_transactions=sent)
    refused = dict(together.quarantined.select("source_id", "reasons").iter_rows())
    for record in sent.iter_slices(1):
        (name,) = record["source_id"]
        alone = cleaned("clean.transactions", plaid_transactions=record)
        why = [reason for reason in refused.get(name, "").split("; ") if reason != TWICE]
        assert "; ".join(why) == "".join(alone.quarantined["reasons"])
        if name not in refused:
            kept = together.rows.filter(payload_sha256=record["payload_sha256"][0])
            assert kept.equals(alone.rows)


CENTS = st.decimals(-(10**13), 10**13, places=2)


@settings(deadline=None, max_examples=40)
@given(CENTS, st.booleans())
def test_cents_stay_as_they_were_sent(amount: Decimal, as_text: bool) -> None:
    number = f'"{amount}"' if as_text else str(amount)
    text = json.dumps(TRANSACTION | {"amount": "AMOUNT"}).replace('"AMOUNT"', number)
    row = the_row("clean.transactions", plaid_transactions=raw_rows("plaid_transactions", {"payload": text}))
    assert row["amount"] == -amount
    balance = {"current": "X", "available": "X", "limit": "X", "iso_currency_code": "USD"}
    account = json.dumps(EXAMPLES["plaid_accounts"][2] | {"balances": balance}).replace('"X"', number)
    told = raw_rows("plaid_accounts", {"payload": account})
    row = the_row("clean.balances", plaid_accounts=told, alpaca_account=raw_rows("alpaca_account"))
    assert (row["current"], row["available"], row["credit_limit"]) == (amount, amount, amount)


@settings(deadline=None, max_examples=12)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.sampled_from("abc"), st.sampled_from(["added", "modified", "removed"])
        ),
        max_size=10,
    )
)
def test_the_state_as_known_on_a_moment_is_that_of_the_facts_known_by_then(
    told: list[tuple[int, str, str]],
) -> None:
    records = [
        {
            "source_id": name,
            "change": change,
            "at": MOMENT + timedelta(hours=hour),
            "payload": TRANSACTION | {"transaction_id": name, "amount": seq},
        }
        for seq, (hour, name, change) in enumerate(told)
    ]
    sent = raw_rows("plaid_transactions", *records)
    for hour in range(6):
        moment = MOMENT + timedelta(hours=hour)
        known = sent.filter(sent["known_at"] <= moment)
        then = cleaned("clean.transactions", as_known_on=moment, plaid_transactions=sent)
        assert then.rows.equals(cleaned("clean.transactions", plaid_transactions=known).rows)


def test_a_later_fact_does_not_change_the_past() -> None:
    sent = raw_rows(
        "plaid_transactions", {}, {"payload": TRANSACTION | {"amount": 1}, "at": MOMENT + timedelta(days=1)}
    )
    before = cleaned("clean.transactions", as_known_on=MOMENT, plaid_transactions=sent)
    assert before.rows["amount"].to_list() == [Decimal("-72.10")]
    assert cleaned("clean.transactions", plaid_transactions=sent).rows["amount"].to_list() == [Decimal(-1)]
    early = cleaned("clean.transactions", as_known_on=MOMENT - timedelta(days=1), plaid_transactions=sent)
    assert early.received == 0


def test_the_order_of_raw_rows_does_not_matter() -> None:
    raw = raw_tables(
        plaid_transactions=raw_rows(
            "plaid_transactions",
            *(
                {
                    "source_id": f"t{n}",
                    "payload": TRANSACTION | {"transaction_id": f"t{n}", "amount": n % 3 or "?"},
                }
                for n in range(20)
            ),
        )
    )
    found = clean("clean.transactions", raw, CONTEXT)
    turned = clean("clean.transactions", {name: frame.reverse() for name, frame in raw.items()}, CONTEXT)
    assert found.rows.sort("transaction_id").equals(turned.rows.sort("transaction_id"))
    assert found.quarantined.sort("source_id").equals(turned.quarantined.sort("source_id"))
