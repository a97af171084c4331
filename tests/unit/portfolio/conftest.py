"""Small frames by hand for the portfolio stage: give what matters, the rest is filled in."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from manna.contracts import CONTRACTS
from manna.portfolio import valuations

SOURCE = {"batch_id": "b", "payload_sha256": "0" * 64, "known_at": datetime(2026, 11, 21, tzinfo=UTC)}
DEFAULTS: dict[str, dict[str, object]] = {
    "ledger.postings": {"entry_id": "e", "book": "home", "account": "Assets:Investments:Broker:Securities",
                        "account_id": "broker", "amount": 0, "currency": "USD"},
    "ledger.lots": {"book": "home", "account_id": "broker", "opened": date(2026, 1, 1), "quantity": 1,
                    "remaining": 1, "currency": "USD", "is_opening": False},
    "clean.accounts": {"book": "home", "connection_id": "c", "provider": "alpaca", "institution": "Alpaca",
                       "name": "Broker", "type": "brokerage", "currency": "USD", **SOURCE},
    "clean.securities": {"is_cash": False, "currency": "USD", **SOURCE},
    "clean.bars": {"open": 1, "high": 1, "low": 1, "volume": 1, **SOURCE},
    "clean.corporate_actions": {"kind": "split", **SOURCE},
    "clean.holdings": {"account_id": "broker", "book": "home", "quantity": 1, "value": 1, "currency": "USD", **SOURCE},
    "clean.balances": {"account_id": "broker", "book": "home", "currency": "USD", **SOURCE},
    "clean.transactions": {"book": "home", "account_id": "bank", "currency": "USD", "description": "x",
                           "pending": False, "removed": False, **SOURCE},
    "clean.trades": {"book": "home", "account_id": "broker", "security_id": "VTI", "quantity": 0, "fees": 0,
                     "currency": "USD", "description": "x", "removed": False, **SOURCE},
    "categorized.transactions": {"book": "home", "source": "rule", "confidence": 1, "reason": "x"},
    "ledger.taxable_gains": {"part_id": "p", "book": "home", "gain_id": "g", "account_id": "joint", "lot_id": "l",
                             "description": "x", "held_since": date(2026, 1, 1), "quantity": 1, "proceeds": 1,
                             "code": "", "adjustment": 0, "term": "short", "box": "unassigned", "provisional": True,
                             "lost": 0, "replaced_by": "", "currency": "USD"},
    "ledger.gains": {"book": "home", "account_id": "broker", "quantity": 1, "units": 1, "currency": "USD",
                     "term": "short", "method": "fifo", "sheltered": False},
    "categorized.recurring": {"book": "home", "merchant": "x", "account_id": "broker", "cadence": "monthly",
                              "amounts": "fixed", "currency": "USD", "first_on": date(2026, 1, 1),
                              "last_on": date(2026, 11, 1), "occurrences": 9, "status": "active"},
    "portfolio.valuations": {"book": "home", "account_id": "broker", "date": date(2026, 11, 20),
                             "price_source": "bar", "currency": "USD"},
}  # fmt: skip


def _frame(address: str, *rows: dict[str, object]) -> pl.DataFrame:
    filled = [{**DEFAULTS.get(address, {}), **row} for row in rows]
    for row in filled:
        row.update({k: Decimal(v) for k, v in row.items() if isinstance(v, int) and not isinstance(v, bool)})
    schema = CONTRACTS[address].polars_schema
    integers = {name: pl.Decimal(18, 0) for name, kind in schema.items() if kind == pl.Int64()}
    return CONTRACTS[address].conform(pl.DataFrame(filled, schema={**schema, **integers}))


@pytest.fixture(scope="session")
def frame() -> Callable[..., pl.DataFrame]:
    """``frame(address, row, ...)``: rows of one contract."""
    return _frame


@pytest.fixture(scope="session")
def valued() -> Callable[..., list[tuple[object, ...]]]:
    """Valuations of frames given by table name: (security, day, and the wanted columns), amounts as text."""

    def run(first: date, last: date, *columns: str, **tables: pl.DataFrame) -> list[tuple[object, ...]]:
        schemas = {
            "postings": "ledger.postings", "lots": "ledger.lots", "accounts": "clean.accounts",
            "securities": "clean.securities", "bars": "clean.bars", "holdings": "clean.holdings",
            "corporate_actions": "clean.corporate_actions",
        }  # fmt: skip
        given = {name: tables.get(name, CONTRACTS[address].empty()) for name, address in schemas.items()}
        made = valuations(**given, first=first, last=last)
        broken = CONTRACTS["portfolio.valuations"].violations(made)
        assert broken.list.len().sum() == 0, broken.to_list()
        return [tuple(_plain(v) for v in row) for row in made.select(columns).iter_rows()]

    return run


def _plain(value: object) -> object:
    return f"{value.normalize() + 0:f}" if isinstance(value, Decimal) else value
