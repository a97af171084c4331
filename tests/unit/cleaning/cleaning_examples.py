"""Raw rows from payloads, and whole payloads to change one thing in."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from manna.cleaning import CLEANERS, Cleaned, clean
from manna.cleaning.tables import Context
from manna.contracts import CONTRACTS

REFERENCE = Path(__file__).resolve().parents[3] / ".." / "shared" / "reference"
MOMENT = datetime(2026, 3, 17, 2, 30, tzinfo=UTC)
"""Still the 16th in New York."""

CONTEXT = Context(
    zones={"home": "America/New_York", "tokyo": "Asia/Tokyo"},
    institutions={"bank": "Platypus", "broker": "Alpaca", "other": "Gingham"},
)

ACCOUNT: dict[str, Any] = {
    "account_id": "checking",
    "balances": {
        "available": 110.94,
        "current": 120.5,
        "limit": None,
        "iso_currency_code": "USD",
        "unofficial_currency_code": None,
    },
    "mask": "0000",
    "name": "Checking",
    "official_name": None,
    "type": "depository",
    "subtype": "checking",
}
TRANSACTION: dict[str, Any] = {
    "transaction_id": "t1",
    "account_id": "checking",
    "amount": 72.1,
    "iso_currency_code": "USD",
    "unofficial_currency_code": None,
    "date": "2026-03-14",
    "authorized_date": "2026-03-13",
    "name": "PURCHASE WM SUPERCENTER #1700",
    "original_description": None,
    "merchant_name": "Walmart",
    "pending": False,
    "pending_transaction_id": None,
    "personal_finance_category": {
        "primary": "GENERAL_MERCHANDISE",
        "detailed": "GENERAL_MERCHANDISE_SUPERSTORES",
        "confidence_level": "VERY_HIGH",
    },
}
SECURITY: dict[str, Any] = {
    "security_id": "s1",
    "name": "Vanguard Total Stock Market",
    "ticker_symbol": "VTI",
    "type": "etf",
    "is_cash_equivalent": False,
    "close_price": 270.11,
    "close_price_as_of": "2026-03-13",
    "iso_currency_code": "USD",
    "unofficial_currency_code": None,
}
HOLDING: dict[str, Any] = {
    "account_id": "checking",
    "security_id": "s1",
    "quantity": 2.5,
    "institution_price": 270.11,
    "institution_price_as_of": "2026-03-13",
    "institution_value": 675.28,
    "cost_basis": 500,
    "iso_currency_code": "USD",
    "unofficial_currency_code": None,
}
TRADE: dict[str, Any] = {
    "investment_transaction_id": "i1",
    "account_id": "checking",
    "security_id": "s1",
    "date": "2026-03-12",
    "name": "BUY VTI",
    "quantity": 2,
    "price": 270,
    "amount": 541.5,
    "fees": 1.5,
    "type": "buy",
    "subtype": "buy",
    "iso_currency_code": "USD",
    "unofficial_currency_code": None,
}
CREDIT: dict[str, Any] = {
    "account_id": "checking",
    "aprs": [
        {"apr_type": "cash_apr", "apr_percentage": 27.24},
        {"apr_type": "purchase_apr", "apr_percentage": 19.99},
    ],
    "is_overdue": False,
    "last_payment_amount": 168.25,
    "last_payment_date": "2026-02-22",
    "minimum_payment_amount": 20,
    "next_payment_due_date": "2026-03-28",
}
ALPACA_ACCOUNT: dict[str, Any] = {
    "id": "acc",
    "account_number": "PA3717PJAYWN",
    "cash": "1200.50",
    "equity": "5000.25",
    "currency": "USD",
    "status": "ACTIVE",
}
POSITION: dict[str, Any] = {
    "asset_id": "asset-vti",
    "symbol": "VTI",
    "qty": "5",
    "current_price": "270.1",
    "market_value": "1350.5",
    "cost_basis": "1200",
    "side": "long",
}
FILL: dict[str, Any] = {
    "activity_type": "FILL",
    "id": "20260312::fill",
    "symbol": "VTI",
    "side": "buy",
    "qty": "0.5",
    "price": "270.11",
    "transaction_time": "2026-03-12T14:30:00.123456789Z",
    "type": "fill",
}
ACTIVITY: dict[str, Any] = {
    "activity_type": "DIV",
    "id": "20260312::div",
    "date": "2026-03-12",
    "net_amount": "1.02",
    "per_share_amount": "0.51",
    "qty": "2",
    "symbol": "VTI",
    "status": "executed",
}
ORDER: dict[str, Any] = {
    "id": "o1",
    "client_order_id": "c1",
    "symbol": "VTI",
    "side": "buy",
    "status": "filled",
    "qty": "5",
    "notional": None,
    "filled_qty": "5",
    "filled_avg_price": "270.1",
    "submitted_at": "2026-03-12T14:30:00.123456789Z",
}
ASSET: dict[str, Any] = {"id": "asset-vti", "symbol": "VTI", "name": "Vanguard", "class": "us_equity"}
BAR: dict[str, Any] = {"t": "2026-03-13T04:00:00Z", "o": 1.5, "h": 2, "l": 1.25, "c": 1.75, "v": 1000}
MARKET_DAY: dict[str, Any] = {
    "date": "2026-03-13",
    "open": "09:30",
    "close": "16:00",
    "session_open": "0400",
    "session_close": "2000",
    "settlement_date": "2026-03-16",
}
SPLIT: dict[str, Any] = {"id": "x", "symbol": "VTI", "ex_date": "2026-03-02", "new_rate": 4, "old_rate": 1}

ITEM: dict[str, Any] = {"item_id": "item", "error": None, "consent_expiration_time": None}

EXAMPLES: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "plaid_accounts": ("bank", "checking", ACCOUNT, "snapshot"),
    "plaid_transactions": ("bank", "t1", TRANSACTION, "added"),
    "plaid_securities": ("bank", "s1", SECURITY, "added"),
    "plaid_holdings": ("bank", "checking:s1", HOLDING, "snapshot"),
    "plaid_investment_transactions": ("bank", "i1", TRADE, "added"),
    "plaid_liabilities": ("bank", "credit:checking", CREDIT, "snapshot"),
    "plaid_items": ("bank", "item", ITEM, "snapshot"),
    "alpaca_account": ("broker", "acc", ALPACA_ACCOUNT, "snapshot"),
    "alpaca_positions": ("broker", "VTI", POSITION, "snapshot"),
    "alpaca_activities": ("broker", "20260312::div", ACTIVITY, "added"),
    "alpaca_orders": ("broker", "o1", ORDER, "added"),
    "alpaca_assets": ("broker", "VTI", ASSET, "added"),
    "alpaca_bars": ("broker", "VTI:2026-03-13", BAR, "added"),
    "alpaca_calendar": ("broker", "2026-03-13", MARKET_DAY, "added"),
    "alpaca_corporate_actions": ("broker", "forward_splits:x", SPLIT, "added"),
}
"""Per raw table: connection, source id, payload, change."""


def raw_rows(table: str, *records: dict[str, Any]) -> pl.DataFrame:
    """Rows of ``raw.table``; a record says what differs from the example: payload, source_id, at, ..."""
    connection, name, payload, change = EXAMPLES[table]
    rows = []
    for seq, record in enumerate(records):
        sent = record.get("payload", payload)
        text = sent if isinstance(sent, str) else json.dumps(sent, ensure_ascii=False)
        at = record.get("at", MOMENT)
        login = record.get("connection", connection)
        rows.append(
            {
                "batch_id": f"{table} {login} {at.isoformat()}",
                "seq": seq,
                "book": record.get("book", "home"),
                "connection_id": login,
                "change": record.get("change", change),
                "source_id": record.get("source_id", name),
                "payload": text,
                "payload_sha256": hashlib.sha256(text.encode()).hexdigest(),
                "known_at": at,
            }
        )
    return pl.DataFrame(rows, schema=CONTRACTS[f"raw.{table}"].polars_schema)


def raw_tables(**tables: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Every raw table by address, the accounts of the examples among them; what is not given is empty."""
    usual = {name: raw_rows(name, {}) for name in ("plaid_accounts", "alpaca_account")}
    given = {f"raw.{name}": (usual | tables).get(name, raw_rows(name)) for name in EXAMPLES}
    return {"raw.batches": tables.get("batches", CONTRACTS["raw.batches"].empty()), **given}


def cleaned(address: str, as_known_on: datetime | None = None, **tables: pl.DataFrame) -> Cleaned:
    """The clean table, all of whose rows came out or were put into quarantine."""
    raw = raw_tables(**tables)
    sources = {name: raw[name] for name in CLEANERS[address].sources}
    found = clean(address, sources, CONTEXT, as_known_on)
    assert found.received == found.rows.height + found.quarantined.height
    contract = CONTRACTS[address]
    assert found.rows.schema == contract.polars_schema
    assert contract.violations(found.rows).list.len().sum() == 0
    assert CONTRACTS["clean.quarantine"].violations(found.quarantined).list.len().sum() == 0
    return found


def the_row(address: str, **tables: pl.DataFrame) -> dict[str, Any]:
    """The one row that comes of it."""
    found = cleaned(address, **tables)
    assert found.quarantined.is_empty(), found.quarantined["reasons"].to_list()
    (row,) = found.rows.to_dicts()
    return row


def reasons(address: str, **tables: pl.DataFrame) -> list[str]:
    """Why the rows are in quarantine."""
    return cleaned(address, **tables).quarantined["reasons"].to_list()


def reference(*parts: str) -> Any:
    """A document of the official reference; the test is skipped where it is absent."""
    path = REFERENCE.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the official {'/'.join(parts)} is not beside the checkout (../shared/reference)")
    text = path.read_text()
    return yaml.load(text, yaml.CSafeLoader) if path.suffix == ".yaml" else json.loads(text)
