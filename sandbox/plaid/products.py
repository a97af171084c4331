"""Investments and liabilities as Plaid answers them.

Here belong the endpoints of the two products. What is held and owed belongs to `sandbox.people`.
"""

from collections.abc import Iterable
from datetime import datetime

from sandbox.people.investments import InvestmentAccount, Security
from sandbox.people.model import Account
from sandbox.plaid.items import chosen_accounts, describe_item
from sandbox.plaid.wire import Call, Json, invalid_field, number
from sandbox.plaid.world import PlaidWorld


def get_holdings(world: PlaidWorld, call: Call) -> Json:
    """`/investments/holdings/get`."""
    item, login = world.open_item(call, "investments")
    now, accounts = world.now(), chosen_accounts(item, login, call)
    held = [pair for account in _investment(accounts) for pair in account.holdings(now)]
    return {
        "accounts": [_with_margin(account, now) for account in accounts],
        "holdings": [holding for _, holding in held],
        "securities": _describe((security for security, _ in held), now),
        "item": describe_item(world, item),
        "is_investments_fallback_item": False,
    }


def get_investment_transactions(world: PlaidWorld, call: Call) -> Json:
    """`/investments/transactions/get`: from `start_date` to `end_date`, the latest first, in pages."""
    first, last = call.day("start_date"), call.day("end_date")
    if last < first:
        raise invalid_field("end_date must not be before start_date")
    count = number(call.options(), "count", 100, 1, 500)
    offset = number(call.options(), "offset", 0, 0, None)
    item, login = world.open_item(call, "investments")
    now, accounts = world.now(), chosen_accounts(item, login, call)
    found = [
        (account, trade)
        for account in _investment(accounts)
        for trade in account.transactions(now)
        if first.isoformat() <= trade.row["date"] <= last.isoformat()
    ]
    found.sort(key=lambda pair: pair[1].row["date"], reverse=True)
    page = found[offset : offset + count]
    return {
        "accounts": [_with_margin(account, now) for account in accounts],
        "investment_transactions": [trade.row for _, trade in page],
        "securities": _describe((account.securities[trade.key] for account, trade in page if trade.key), now),
        "total_investment_transactions": len(found),
        "item": describe_item(world, item),
        "is_investments_fallback_item": False,
    }


def get_liabilities(world: PlaidWorld, call: Call) -> Json:
    """`/liabilities/get`: a kind of which there is no record is null, as Plaid answers it."""
    item, login = world.open_item(call, "liabilities")
    now, accounts = world.now(), chosen_accounts(item, login, call)
    records: dict[str, list[Json] | None] = {"credit": None, "mortgage": None, "student": None}
    for account in accounts:
        if (liability := account.liability(now)) is not None:
            kind, record = liability
            records[kind] = [*(records[kind] or []), record]
    return {
        "accounts": [account.describe(now) for account in accounts],
        "liabilities": records,
        "item": describe_item(world, item),
    }


def _investment(accounts: list[Account]) -> list[InvestmentAccount]:
    return [account for account in accounts if isinstance(account, InvestmentAccount)]


def _with_margin(account: Account, when: datetime) -> Json:
    """An account as the investments endpoints show it: with its margin loan, of which there is none."""
    described = account.describe(when)
    return {**described, "balances": {**described["balances"], "margin_loan_amount": None}}


def _describe(securities: Iterable[Security], when: datetime) -> list[Json]:
    """Each security once, ordered by its id."""
    by_id = {security.security_id: security for security in securities}
    return [by_id[security_id].describe(when) for security_id in sorted(by_id)]
