"""Payloads from the providers' official OpenAPI documents: as documented, and then spoilt.

What belongs here: which schema is which raw table's, values for a schema, and the ways of spoiling a payload.
What does not: what ought to become of them (``test_fuzzed_payloads``).

Where the documents are absent, the payloads are those of ``BY_HAND``: the documents' facts about the main
kinds, written down here.
"""

import functools
import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import yaml

from manna.facts import Record, source_id
from resources import alpaca_wire, plaid_wire

REFERENCE = Path(__file__).resolve().parents[3] / ".." / "shared" / "reference"
Schema = Mapping[str, Any]
Dice = random.Random


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of record: its raw table, its schema, what must be in it, and how the client names it."""

    table: str
    document: str
    schema: str
    fixed: Callable[[int], Mapping[str, Any]]
    named: Callable[[str, str], Record]


def _plaid(change: str, *keys: str, prefix: str = "") -> Callable[[str, str], Record]:
    return lambda text, _: plaid_wire.record(change, msgspec.Raw(text.encode()), *keys, prefix=prefix)


def _alpaca(change: str, key: str) -> Callable[[str, str], Record]:
    return lambda text, _: alpaca_wire.record(change, msgspec.Raw(text.encode()), key)


def _action(kind: str) -> Callable[[str, str], Record]:
    return lambda text, _: Record(f"{kind}:{source_id(text, alpaca_wire.identity(text).id)}", "added", text)


def _bar(text: str, number: str) -> Record:
    day = (alpaca_wire.identity(text).t or "")[:10]
    return Record(f"S{number}:{source_id(text, day)}", "added", text)


def _of(key: str, prefix: str, **more: Any) -> Callable[[int], Mapping[str, Any]]:
    """What must be so: an id of its own, and an account there is."""
    return lambda number: {key: f"{prefix}{number}", **more}


MONEY = {"iso_currency_code": "USD", "unofficial_currency_code": None}
BANK = {"account_id": "checking"} | MONEY
SORTS = (
    Sort("plaid_accounts", "plaid", "AccountBase", _of("account_id", "a"), _plaid("snapshot", "account_id")),
    Sort(
        "plaid_transactions", "plaid", "Transaction", _of("transaction_id", "t", **BANK),
        _plaid("added", "transaction_id"),
    ),
    Sort("plaid_securities", "plaid", "Security", lambda n: {"security_id": f"s{n}", "ticker_symbol": f"S{n}"} | MONEY,
         _plaid("added", "security_id")),
    Sort("plaid_holdings", "plaid", "Holding", _of("security_id", "s", **BANK),
         _plaid("snapshot", "account_id", "security_id")),
    Sort("plaid_investment_transactions", "plaid", "InvestmentTransaction",
         _of("investment_transaction_id", "i", **BANK), _plaid("added", "investment_transaction_id")),
    Sort("plaid_liabilities", "plaid", "CreditCardLiability", _of("account_id", "a"),
         _plaid("snapshot", "account_id", prefix="credit:")),
    Sort("plaid_liabilities", "plaid", "MortgageLiability", _of("account_id", "b"),
         _plaid("snapshot", "account_id", prefix="mortgage:")),
    Sort("plaid_liabilities", "plaid", "StudentLoan", _of("account_id", "c"),
         _plaid("snapshot", "account_id", prefix="student:")),
    Sort("plaid_items", "plaid", "ItemStatus", lambda number: {},
         lambda text, number: Record(f"i{number}:status", "snapshot", text)),
    Sort("alpaca_account", "trading", "Account", _of("id", "acc"), _alpaca("snapshot", "id")),
    Sort("alpaca_positions", "trading", "Position", _of("symbol", "P"), _alpaca("snapshot", "symbol")),
    Sort("alpaca_activities", "trading", "TradingActivities",
         lambda n: {"id": f"f{n}", "side": ("buy", "sell")[n % 2]}, _alpaca("added", "id")),
    Sort("alpaca_activities", "trading", "NonTradeActivities", _of("id", "n"), _alpaca("added", "id")),
    Sort("alpaca_orders", "trading", "Order", _of("id", "o"), _alpaca("added", "id")),
    Sort("alpaca_assets", "trading", "Assets", _of("symbol", "A"), _alpaca("added", "symbol")),
    Sort("alpaca_bars", "market_data", "stock_bar", lambda n: {"t": "2026-03-13T04:00:00Z"}, _bar),
    Sort("alpaca_corporate_actions", "market_data", "forward_split", _of("id", "x"), _action("forward_splits")),
    Sort("alpaca_corporate_actions", "market_data", "reverse_split", _of("id", "y"), _action("reverse_splits")),
    Sort("alpaca_corporate_actions", "market_data", "cash_dividend", _of("id", "z"), _action("cash_dividends")),
)  # fmt: skip

_N, _T, _D, _B = (
    {"type": "number"},
    {"type": "string"},
    {"type": "string", "format": "date"},
    {"type": "boolean"},
)


def _object(**properties: Any) -> Schema:
    """An object all of whose properties are required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _nullable(schema: Schema) -> Schema:
    return {**schema, "nullable": True}


BY_HAND: dict[str, Schema] = {
    "AccountBase": _object(
        account_id=_T,
        balances=_object(current=_nullable(_N), available=_nullable(_N), iso_currency_code={"enum": ["USD", "EUR"]}),
        mask=_nullable(_T),
        name=_T,
        type={"enum": ["depository", "credit", "loan", "investment", "other"]},
        subtype=_nullable(_T),
    ),
    "Transaction": _object(
        transaction_id=_T, account_id=_T, amount=_N, date=_D, authorized_date=_nullable(_D), name=_T,
        merchant_name=_nullable(_T), pending=_B, pending_transaction_id=_nullable(_T),
        personal_finance_category=_nullable(_object(primary=_T, detailed=_T)),
    ),
    "Holding": _object(
        account_id=_T, security_id=_T, quantity=_N, institution_price=_N, institution_value=_N,
        cost_basis=_nullable(_N), institution_price_as_of=_nullable(_D),
    ),
    "InvestmentTransaction": _object(
        investment_transaction_id=_T, account_id=_T, security_id=_nullable(_T), date=_D, name=_T, quantity=_N,
        price=_N, amount=_N, fees=_nullable(_N), type={"enum": ["buy", "sell", "cash", "fee", "transfer"]},
        subtype={"enum": ["buy", "sell", "dividend", "interest", "deposit", "split"]},
    ),
    "Position": _object(symbol=_T, qty=_T, current_price=_T, market_value=_T, cost_basis=_T),
    "stock_bar": _object(t=_T, o=_N, h=_N, l=_N, c=_N, v={"type": "integer"}),
}  # fmt: skip
"""Facts of the official documents about the main sorts, for where the documents are not."""


class Documents:
    """The schemas by document: the official ones, or those written by hand."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Schema]], sorts: tuple[Sort, ...]) -> None:
        self.schemas, self.sorts = schemas, sorts

    def resolve(self, document: str, schema: Schema) -> Schema:
        """The schema itself: references followed, parts put together."""
        if "$ref" in schema:
            return self.resolve(document, self.schemas[document][schema["$ref"].rpartition("/")[2]])
        parts = [self.resolve(document, part) for part in schema.get("allOf", ())]
        if not parts:
            return schema
        properties: dict[str, Any] = {}
        required: list[str] = []
        for part in (*parts, {key: value for key, value in schema.items() if key != "allOf"}):
            properties |= part.get("properties", {})
            required += part.get("required", [])
        return {**parts[0], **schema, "properties": properties, "required": required}


def by_hand() -> Documents:
    """What this module knows by itself."""
    sorts = tuple(sort for sort in SORTS if sort.schema in BY_HAND)
    return Documents({sort.document: BY_HAND for sort in sorts}, sorts)


@functools.cache
def official() -> Documents | None:
    """The official documents; null where they are absent."""
    files = {
        "plaid": REFERENCE / "plaid" / "openapi-2020-09-14.yml",
        "trading": REFERENCE / "alpaca" / "openapi" / "trading.yaml",
        "market_data": REFERENCE / "alpaca" / "openapi" / "market_data.yaml",
    }
    if not all(file.exists() for file in files.values()):
        return None
    return Documents(
        {
            name: yaml.load(file.read_bytes(), yaml.CSafeLoader)["components"]["schemas"]
            for name, file in files.items()
        },
        SORTS,
    )


# -- as documented -------------------------------------------------------------------------------------------

NUMBERS_AS_TEXT = {
    "qty", "price", "cash", "equity", "net_amount", "per_share_amount", "market_value", "cost_basis",
    "current_price", "filled_qty", "filled_avg_price", "notional", "leaves_qty", "cum_qty", "avg_entry_price",
}  # fmt: skip
"""Alpaca's document calls them strings, and means decimals."""

TEXTS = ("COFFEE", "Müller & Söhne", "日本食堂", "O'Neil; DROP", "👩‍👧 shop", "a\\b", 'say "x"', "tab\there")


def as_documented(documents: Documents, sort: Sort, number: int, dice: Dice) -> dict[str, Any]:
    """A payload that keeps the schema, with sane values."""
    value = _value(documents, sort.document, {"$ref": f"#/{sort.schema}"}, sort.schema, dice, 0)
    payload: dict[str, Any] = {**(value or {}), **sort.fixed(number)}
    if sort.schema == "AccountBase":
        payload["balances"] |= MONEY
    return payload


def _value(documents: Documents, document: str, schema: Schema, name: str, dice: Dice, depth: int) -> Any:
    schema = documents.resolve(document, schema)
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kind = next(each for each in kinds if each != "null") if isinstance(kinds, list) else kinds
    if (schema.get("nullable") or "null" in kinds) and dice.random() < 0.2:
        return None
    if "enum" in schema:
        return dice.choice([each for each in schema["enum"] if each is not None])
    match kind:
        case "object":
            required = schema.get("required", ())
            is_whole = (
                document != "plaid"
            )  # Alpaca's documents require next to nothing, its answers have it all
            return {
                key: _value(documents, document, part, key, dice, depth + 1)
                for key, part in schema.get("properties", {}).items()
                if depth < 4 and (is_whole or key in required or dice.random() < 0.8)
            }
        case "array":
            return [
                _value(documents, document, schema["items"], name, dice, depth + 1)
                for _ in range(dice.randrange(3) if depth < 4 else 0)
            ]
        case "number":
            return round(dice.uniform(0.01, 9999), 2)
        case "integer":
            return dice.randrange(1, 9999)
        case "boolean":
            return dice.random() < 0.5
        case _:
            return _text(schema, name, dice)


def _text(schema: Schema, name: str, dice: Dice) -> str:
    day = date(2025, 1, 1) + timedelta(days=dice.randrange(400))
    match schema.get("format"):
        case "date":
            return day.isoformat()
        case "date-time":
            return f"{day}T14:30:00.123456789Z"
        case "uuid":
            return str(uuid.UUID(int=dice.getrandbits(128), version=4))
        case "decimal":
            return str(round(dice.uniform(0.01, 999), 3))
    if name in NUMBERS_AS_TEXT:
        return str(round(dice.uniform(0.01, 9999), 2))
    return "USD" if "currency" in name else dice.choice(TEXTS)


# -- spoilt --------------------------------------------------------------------------------------------------

NUMBERS = (
    0, -1, -0.0, 10**30, -(10**30), 10**400, 1e308, 5e-324, 0.1 + 0.2, 2**63, 123456789012345678, float("nan"),
    float("inf"), float("-inf"),
)  # fmt: skip
WRONG_TEXTS = (
    "", " ", "NaN", "Infinity", "-", "1e400", "1,5", "１２", "٣٫٥", "0x10", "a\0b", "\ud800", "\ufeff1", "\u202e12",
    "x" * 5000, "null", "2026-02-30", "2026-13-01", "0000-00-00", "9999-12-31", "10000-01-01", "-5000-01-01",
    "12/31/2025", "2026-03-13T25:00:00Z", "2026-03-13 10:00", "1969-12-31", "true", "USD", "usd", "US$",
)  # fmt: skip


def spoilt(payload: Mapping[str, Any], dice: Dice) -> str:
    """The payload as text, with one to three things wrong with it."""
    found: dict[str, Any] = json.loads(json.dumps(payload))
    for _ in range(dice.randint(1, 3)):
        holder = found
        nested = [value for value in found.values() if isinstance(value, dict) and value]
        if nested and dice.random() < 0.3:
            holder = dice.choice(nested)
        if holder:
            _spoil(holder, dice.choice(sorted(holder)), dice)
    text = json.dumps(found, ensure_ascii=dice.random() < 0.5 or not _can_be_sent(found))
    match dice.randrange(20):
        case 0:
            return text[: dice.randrange(len(text))]
        case 1:
            return text[:-1] + "," + text[1:]  # every key twice
        case 2:
            return text[:-1] + ',"deep":' + "[" * 3000 + "]" * 3000 + "}"
        case 3:
            return dice.choice(["", "null", "[]", "7", '"text"', "{}", "[{}]", "\x00", "{'a': 1}", "<html>"])
        case _:
            return text


def _spoil(holder: dict[str, Any], key: str, dice: Dice) -> None:
    match dice.randrange(7):
        case 0:
            holder.pop(key)
        case 1:
            holder[key] = None
        case 2:
            holder[key] = dice.choice(NUMBERS)
        case 3 | 4:
            holder[key] = dice.choice(WRONG_TEXTS)
        case 5:
            holder[key] = dice.choice(([], {}, [1], {"a": 1}, [[]], True, False))
        case _:
            holder[key] = str(holder[key])


def _can_be_sent(found: Any) -> bool:
    """Whether it can be written in UTF-8 without escapes: half of a surrogate pair cannot."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
