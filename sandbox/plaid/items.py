"""Items and accounts: linking for tests, exchanging, reading, removing, breaking the login.

Here belong the endpoints about an Item itself. Its data belongs to `sync` and `products`, linking by a
person to `link`.
"""

from dataclasses import replace

from sandbox.people.model import Account, Login
from sandbox.plaid.wire import (
    Call,
    Json,
    PlaidError,
    invalid_field,
    login_required,
    missing_fields,
    names,
    permission_revoked,
    utc,
)
from sandbox.plaid.world import PRODUCTS, Item, PlaidWorld, history_days

DATA_SCOPES = {
    "transactions": "transactions",
    "investments": "investments",
    "liabilities": "credit_loan_info",
}


def create_sandbox_public_token(world: PlaidWorld, call: Call) -> Json:
    """`/sandbox/public_token/create`: link a login without Link.

    `options.override_username` names the login (default: the first one of the institution) and
    `options.override_password` is `pass_good`.
    """
    institution_id, products = call.text("institution_id"), names(call.body, "initial_products")
    if not products:
        raise missing_fields("initial_products")
    options = call.options()
    login = _find_login(world, institution_id, options.get("override_username"))
    if options.get("override_password") not in (None, "pass_good"):
        raise _invalid_credentials()
    _check_known(products)
    days = history_days(options.get("transactions") or {}, world.now().date())
    item = world.create_item(login, products, options.get("webhook"), days)
    return {"public_token": world.issue_public_token(item)}


def _find_login(world: PlaidWorld, institution_id: str, username: str | None) -> Login:
    there = [login for login in world.logins() if login.institution_id == institution_id]
    if not there:
        raise PlaidError("INVALID_INPUT", "INVALID_INSTITUTION", "invalid institution_id provided")
    if username in (None, "user_good"):
        return there[0]
    for login in there:
        if login.username == username:
            return login
    raise _invalid_credentials()


def _invalid_credentials() -> PlaidError:
    return PlaidError(
        "ITEM_ERROR",
        "INVALID_CREDENTIALS",
        "the provided credentials were not correct",
        display="The provided credentials were not correct. Please try again.",
    )


def _check_known(products: list[str]) -> None:
    if unknown := [product for product in products if product not in PRODUCTS]:
        raise PlaidError(
            "INVALID_INPUT",
            "INVALID_PRODUCT",
            f"client is not authorized to access the following products: {unknown}",
        )


def exchange_public_token(world: PlaidWorld, call: Call) -> Json:
    """`/item/public_token/exchange`."""
    item = world.redeem_public_token(call.text("public_token"))
    return {"access_token": item.access_token, "item_id": item.item_id}


def get_item(world: PlaidWorld, call: Call) -> Json:
    """`/item/get`: works for a broken Item too, and says that it is broken."""
    item = world.item(call.text("access_token"))
    last = item.stale_since or utc(world.now())
    updated = {"last_successful_update": last, "last_failed_update": None}
    waiting = {"last_successful_update": None, "last_failed_update": None}
    states = {"transactions": waiting if item.history == "not_ready" else updated, "investments": updated}
    return {
        "item": {
            **describe_item(world, item),
            "created_at": item.created_at,
            "consented_use_cases": ["Track and manage your finances"],
            "consented_data_scopes": ["account_balance_info", *(DATA_SCOPES[each] for each in item.products)],
        },
        "status": {
            **{product: state for product, state in states.items() if product in item.products},
            "last_webhook": item.last_webhook,
        },
    }


def describe_item(world: PlaidWorld, item: Item) -> Json:
    """Plaid's `Item`, as many responses carry it."""
    login = world.login(item.username)
    broken = item.login_required or item.stale_since is not None or login is None
    error = login_required() if broken else permission_revoked() if item.revoked else None
    served = login.products if login else ()
    return {
        "auth_method": None,
        "available_products": sorted({"balance", *served} - set(item.products)),
        "billed_products": item.products,
        "consent_expiration_time": item.expires_at,
        "consented_products": item.products,
        "error": {**error.body, "status": 400} if error else None,
        "institution_id": login.institution_id if login else None,
        "institution_name": login.institution_name if login else None,
        "item_id": item.item_id,
        "products": item.products,
        "update_type": "background",
        "webhook": item.webhook,
    }


def remove_item(world: PlaidWorld, call: Call) -> Json:
    """`/item/remove`: the access token is of no use afterwards."""
    world.forget(world.item(call.text("access_token")))
    return {}


def reset_login(world: PlaidWorld, call: Call) -> Json:
    """`/sandbox/item/reset_login`: the Item needs update mode before it gives data again."""
    world.save(replace(world.item(call.text("access_token")), login_required=True))
    return {"reset_login": True}


def get_accounts(world: PlaidWorld, call: Call) -> Json:
    """`/accounts/get` and `/accounts/balance/get` (the sandbox has no cache, so they say the same)."""
    item, login = world.open_item(call)
    now = world.now()
    accounts = [account.describe(now) for account in chosen_accounts(item, login, call)]
    return {"accounts": accounts, "item": describe_item(world, item)}


def chosen_accounts(item: Item, login: Login, call: Call) -> list[Account]:
    """The accounts of `options.account_ids`, or all listed. Raises PlaidError when one is not the Item's."""
    wanted = names(call.options(), "account_ids")
    listed = [account for account in login.accounts if account.account_id not in item.hidden]
    if unknown := sorted(set(wanted) - {account.account_id for account in listed}):
        raise invalid_field(
            f"failed to find requested account ID(s) for requested item: {', '.join(unknown)}"
        )
    return [account for account in listed if not wanted or account.account_id in wanted]
