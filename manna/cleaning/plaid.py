"""What Plaid's fields mean. Sources: Plaid's OpenAPI document, version 2020-09-14.

What belongs here: one reader per kind of record. What does not: typing and validation (``decoding``).
Amounts are read with Plaid's sign; ``tables`` turns it once, through ``manna.money``.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from manna.cleaning.decoding import Payload
from manna.facts import MARGIN
from manna.money import margin_id

Row = Mapping[str, Any]

_CASH = {
    "dividend": "dividend",
    "qualified dividend": "dividend",
    "non-qualified dividend": "dividend",
    "interest": "interest",
    "interest receivable": "interest",
    "contribution": "deposit",
    "deposit": "deposit",
    "withdrawal": "withdrawal",
    "distribution": "withdrawal",
    "account fee": "fee",
    "fund fee": "fee",
    "legal fee": "fee",
    "management fee": "fee",
    "miscellaneous fee": "fee",
    "margin expense": "interest",
    "transfer fee": "fee",
    "trust fee": "fee",
    "tax": "fee",
    "tax withheld": "fee",
    "non-resident tax": "fee",
    "long-term capital gain": "dividend",
    "short-term capital gain": "dividend",
    "unqualified gain": "dividend",
}
"""Subtypes of types ``cash`` and ``fee``. A gain paid out by a fund is a distribution, as a dividend is."""

_BOUGHT = {
    "contribution": "contribution",
    "dividend reinvestment": "reinvestment",
    "interest reinvestment": "reinvestment",
    "long-term capital gain reinvestment": "reinvestment",
    "short-term capital gain reinvestment": "reinvestment",
}
_MOVED = {"split": "split", "stock split": "split", "merger": "merger", "spin off": "spin_off"}


def currency(payload: Payload) -> Any:
    """ISO code, else the unofficial one, in capitals; both may be null."""
    code = payload.get("iso_currency_code") or payload.get("unofficial_currency_code")
    return code.upper() if isinstance(code, str) else code


def account(payload: Payload, row: Row) -> dict[str, Any]:
    """``AccountBase``."""
    return {
        "account_id": payload.get("account_id"),
        "book": row["book"],
        "connection_id": row["connection_id"],
        "provider": "plaid",
        "institution": row.get("institution"),
        "name": payload.get("name") or payload.get("official_name"),
        "mask": payload.get("mask"),
        "type": payload.get("type"),
        "subtype": payload.get("subtype"),
        "currency": currency(payload.get("balances") or {}),
    }


def balance(payload: Payload, row: Row) -> dict[str, Any]:
    """``AccountBalance``. ``current`` is documented as nullable: then ``available`` has to do.

    Not so for credit and loans, where ``available`` is what could still be borrowed. With neither the bank
    has stated no balance that day, and the row says so.
    """
    balances = payload.get("balances") or {}
    current = balances.get("current")
    if current is None and payload.get("type") not in ("credit", "loan"):
        current = balances.get("available")
    return {
        "account_id": payload.get("account_id"),
        "book": row["book"],
        "as_of": row["as_of"],
        "current": current,
        "available": balances.get("available"),
        "credit_limit": balances.get("limit"),
        "currency": currency(balances),
    }


def transaction(payload: Payload, row: Row) -> dict[str, Any]:
    """``Transaction`` of /transactions/sync."""
    category = payload.get("personal_finance_category") or {}
    return {
        "transaction_id": payload.get("transaction_id"),
        "book": row["book"],
        "account_id": payload.get("account_id"),
        "date": payload.get("date"),
        "authorized_date": payload.get("authorized_date"),
        "amount": payload.get("amount"),
        "currency": currency(payload),
        "description": payload.get("original_description") or payload.get("name"),
        "merchant": payload.get("merchant_name"),
        "pending": payload.get("pending"),
        "pending_transaction_id": payload.get("pending_transaction_id"),
        "removed": row["removed"],
        "removed_on": row["removed_on"],
        "unlisted": False,
        "plaid_primary": category.get("primary"),
        "plaid_detailed": category.get("detailed"),
        "plaid_confidence": category.get("confidence_level"),
        "first_known_on": row["first_known_on"],
    }


def security_id(payload: Payload) -> str:
    """Our id of a security: its ticker, because several brokers hold the same one; else Plaid's id."""
    return str(payload.get("ticker_symbol") or payload["security_id"])


def security(payload: Payload, row: Row) -> dict[str, Any]:
    """``Security``. Cash and sweep funds are money under another name."""
    return {
        "security_id": security_id(payload),
        "name": payload.get("name"),
        "type": payload.get("type"),
        "symbol": payload.get("ticker_symbol"),
        "is_cash": payload.get("type") == "cash" or bool(payload.get("is_cash_equivalent")),
        "currency": currency(payload),
        "close_price": payload.get("close_price"),
        "close_price_as_of": payload.get("close_price_as_of"),
    }


def holding(payload: Payload, row: Row) -> dict[str, Any]:
    """``Holding``. What a later snapshot no longer lists was given up: it is held at zero."""
    if row["source_id"].startswith(MARGIN):
        return margin_loan(payload, row)
    gone = row["removed"]
    return {
        "account_id": payload.get("account_id"),
        "book": row["book"],
        "security_id": row["names"].get(payload.get("security_id"), payload.get("security_id")),
        "as_of": row["as_of"],
        "quantity": 0 if gone else payload.get("quantity"),
        "price": payload.get("institution_price"),
        "price_as_of": payload.get("institution_price_as_of"),
        "value": 0 if gone else payload.get("institution_value"),
        "cost_basis": None if gone else payload.get("cost_basis"),
        "currency": currency(payload),
        "tax_lots": None if gone else tax_lots(payload.get("tax_lots")),
    }


def margin_loan(payload: Payload, row: Row) -> dict[str, Any]:
    """``margin_loan_amount`` of ``InvestmentAccountBalance``: what the institution has lent, as money held below zero.

    A holding of its own beside the account's cash, since Plaid leaves open whether its cash has the loan in it
    (:func:`manna.ledger.reconciliation.provider_money` decides).
    """
    balances = payload.get("balances") or {}
    owed = 0 if row["removed"] else below_zero(balances.get("margin_loan_amount"))
    return {
        "account_id": payload.get("account_id"),
        "book": row["book"],
        "security_id": margin_id(currency(balances)),
        "as_of": row["as_of"],
        "quantity": owed,
        "price": 1,
        "price_as_of": row["as_of"],
        "value": owed,
        "cost_basis": None,
        "currency": currency(balances),
        "tax_lots": None,
    }


def margin_security(payload: Payload, row: Row) -> dict[str, Any]:
    """The security that :func:`margin_loan` holds below zero."""
    code = currency(payload.get("balances") or {})
    return {
        "security_id": margin_id(code),
        "name": f"Margin loan in {code}",
        "type": "cash",
        "symbol": None,
        "is_cash": True,
        "currency": code,
        "close_price": 1,
        "close_price_as_of": None,
    }


def below_zero(value: Any) -> str | None:
    """A debt as a negative number, however the institution signs it."""
    return None if value is None else "-" + str(value).lstrip("-")


def tax_lots(listed: Any) -> str | None:
    """``HoldingTaxLot`` as canonical JSON; an empty list says that the institution gives none."""
    return json.dumps(listed, sort_keys=True, default=str) if listed else None


def trade(payload: Payload, row: Row) -> dict[str, Any]:
    """``InvestmentTransaction``. Plaid: amount positive = cash out, quantity positive = units in."""
    return {
        "trade_id": payload.get("investment_transaction_id"),
        "book": row["book"],
        "account_id": payload.get("account_id"),
        "security_id": row["names"].get(payload.get("security_id"), payload.get("security_id")),
        "date": payload.get("date"),
        "moment": payload.get("transaction_datetime"),
        "kind": trade_kind(payload.get("type"), payload.get("subtype"), payload.get("security_id")),
        "quantity": payload.get("quantity"),
        "price": payload.get("price"),
        "amount": payload.get("amount"),
        "fees": abs_text(payload.get("fees")),
        "currency": currency(payload),
        "description": payload.get("name"),
        "removed": row["removed"],
        "removed_on": row["removed_on"],
        "unlisted": False,
        "first_known_on": row["first_known_on"],
    }


def trade_kind(kind: Any, subtype: Any, security: Any) -> str | None:
    """Our kind of an investment transaction from Plaid's type and subtype; ``other`` when unfamiliar."""
    match kind:
        case "buy":
            return _BOUGHT.get(subtype, "buy") if security else "buy"
        case "sell":
            return "sell"
        case "cash" if subtype == "return of principal" and security:
            return "return_of_capital"
        case "cash" | "fee":
            return _CASH.get(subtype, "fee" if kind == "fee" else "other")
        case "transfer":
            return _MOVED.get(subtype, "transfer")
        case _:
            return "other"


def abs_text(value: Any) -> str:
    """A fee as a positive number, however the broker signs it; none is zero."""
    return str(value if value is not None else 0).lstrip("-")


def liability(payload: Payload, row: Row) -> dict[str, Any]:
    """``CreditCardLiability``, ``MortgageLiability``, ``StudentLoan``; the raw id says which."""
    kind = row["source_id"].partition(":")[0]
    if kind == "credit":
        rates = [
            apr.get("apr_percentage")
            for apr in payload.get("aprs") or ()
            if apr.get("apr_type") == "purchase_apr"
        ]
        rate, minimum = (rates[0] if rates else None), payload.get("minimum_payment_amount")
    elif kind == "mortgage":
        rate = (payload.get("interest_rate") or {}).get("percentage")
        minimum = payload.get("next_monthly_payment")
    else:
        rate, minimum = payload.get("interest_rate_percentage"), payload.get("minimum_payment_amount")
    return {
        "account_id": payload.get("account_id"),
        "book": row["book"],
        "kind": kind,
        "interest_rate": rate,
        "minimum_payment": minimum,
        "next_payment_due": payload.get("next_payment_due_date"),
        "last_payment": payload.get("last_payment_amount"),
        "last_payment_date": payload.get("last_payment_date"),
        "overdue": payload["is_overdue"]
        if "is_overdue" in payload
        else _is_due(payload.get("past_due_amount")),
    }


def loan_terms(payload: Payload, row: Row) -> dict[str, Any]:
    """``MortgageLiability``, ``StudentLoan``: what the lender says of the loan that day."""
    rate = payload.get("interest_rate")
    told = rate if isinstance(rate, dict) else {}
    kind = told.get("type")
    return {
        "account_id": payload.get("account_id"),
        "book": row["book"],
        "as_of": row["as_of"],
        "interest_rate": told.get("percentage") if told else payload.get("interest_rate_percentage"),
        "is_fixed": None if kind is None else kind == "fixed",
        "original_principal": payload.get("origination_principal_amount"),
        "term_months": _months(payload.get("loan_term")),
        "interest_paid": payload.get("ytd_interest_paid"),
        "principal_paid": payload.get("ytd_principal_paid"),
        "escrow": payload.get("escrow_balance"),
    }


def _months(term: Any) -> int | None:
    """A term such as ``30 year`` in months; null where it is not said like that."""
    found = re.fullmatch(r"\s*(\d{1,3})[\s-]*(year|month)s?\s*", str(term or ""), re.IGNORECASE)
    return None if not found else int(found[1]) * (12 if found[2].lower() == "year" else 1) or None


def _is_due(past_due: Any) -> bool | None:
    """Whether a mortgage's past due amount is one; null where Plaid does not know."""
    return None if past_due is None else Decimal(str(past_due)) > 0
