"""A bank's line as Plaid writes it.

Here belongs the shape of one transaction in Plaid's JSON. Who buys what belongs to the people, the
sandbox's merchants to `merchants`, balances to `bank`.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from sandbox.people.model import Json, plaid_id

PRIMARY_CATEGORIES = (
    "INCOME", "LOAN_DISBURSEMENTS", "LOAN_PAYMENTS", "TRANSFER_IN", "TRANSFER_OUT", "BANK_FEES",
    "ENTERTAINMENT", "FOOD_AND_DRINK", "GENERAL_MERCHANDISE", "HOME_IMPROVEMENT", "MEDICAL",
    "PERSONAL_CARE", "GENERAL_SERVICES", "GOVERNMENT_AND_NON_PROFIT", "TRANSPORTATION", "TRAVEL",
    "RENT_AND_UTILITIES", "OTHER",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Description:
    """What a line says beside its amount: `name` is the raw text, `category` Plaid's detailed one (v2)."""

    name: str
    category: str | None
    confidence: str = "HIGH"
    merchant: str | None = None
    kind: str = "merchant"  # of the counterparty
    channel: str = "other"
    website: str | None = None
    city: str | None = None
    region: str | None = None
    store: str | None = None
    check_number: str | None = None
    processor: str | None = None
    reference: str | None = None


@cache
def primary_category(detailed: str) -> str:
    """The primary category of a detailed one. Raises LookupError when it belongs to none."""
    for primary in PRIMARY_CATEGORIES:
        if detailed.startswith(f"{primary}_"):
            return primary
    raise LookupError(f"{detailed} is in no personal finance category")


def _category(description: Description) -> Json | None:
    if description.category is None:
        return None
    return {
        "primary": primary_category(description.category),
        "detailed": description.category,
        "confidence_level": description.confidence,
        "version": "v2",
    }


def _counterparties(description: Description) -> list[Json]:
    found: list[Json] = []
    if description.merchant is not None:
        found.append(_counterparty(description.merchant, description.kind, description))
    if description.processor is not None:
        found.append(_counterparty(description.processor, "payment_app", None))
    return found


def _counterparty(name: str, kind: str, description: Description | None) -> Json:
    return {
        "name": name,
        "type": kind,
        "entity_id": plaid_id("entity", name),
        "website": description.website if description else None,
        "logo_url": None,
        "confidence_level": description.confidence if description else "HIGH",
        "account_numbers": None,
    }


def _location(description: Description) -> Json:
    return {
        "address": None,
        "city": description.city,
        "region": description.region,
        "postal_code": None,
        "country": "US" if description.region else None,
        "lat": None,
        "lon": None,
        "store_number": description.store,
    }


def _payment_meta(description: Description) -> Json:
    return {
        "by_order_of": None,
        "payee": None,
        "payer": None,
        "payment_method": None,
        "payment_processor": description.processor,
        "ppd_id": None,
        "reason": None,
        "reference_number": description.reference,
    }


def transaction_row(
    account_id: str,
    transaction_id: str,
    description: Description,
    amount: Decimal,
    day: date,
    *,
    authorized: date | None = None,
    pending: bool = False,
    pending_transaction_id: str | None = None,
    currency: str | None = "USD",
) -> Json:
    """A transaction in Plaid's shape; `amount` positive = money out; `day` posted, or bought while pending."""
    category = _category(description)
    primary = category["primary"] if category else "OTHER"
    merchant = description.merchant if description.kind in ("merchant", "marketplace") else None
    return {
        "account_id": account_id,
        "account_owner": None,
        "amount": amount,
        "authorized_date": authorized.isoformat() if authorized else None,
        "authorized_datetime": None,
        "category": None,
        "category_id": None,
        "check_number": description.check_number,
        "counterparties": _counterparties(description),
        "date": day.isoformat(),
        "datetime": None,
        "iso_currency_code": currency,
        "location": _location(description),
        "logo_url": None,
        "merchant_entity_id": plaid_id("entity", merchant) if merchant else None,
        "merchant_name": merchant,
        "name": description.name,
        "original_description": description.name,
        "payment_channel": description.channel,
        "payment_meta": _payment_meta(description),
        "pending": pending,
        "pending_transaction_id": pending_transaction_id,
        "personal_finance_category": category,
        "personal_finance_category_icon_url": f"https://plaid-category-icons.plaid.com/PFC_{primary}.png",
        "transaction_code": None,
        "transaction_id": transaction_id,
        "transaction_type": {"online": "digital", "in store": "place"}.get(description.channel, "special"),
        "unofficial_currency_code": None,
        "website": description.website,
    }
