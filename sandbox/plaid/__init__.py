"""A Plaid of our own: the endpoints that the unmodified `plaid-python` client calls.

Here belongs Plaid's side of the wire: items, tokens, pages, errors, webhooks. The people whose banks
answer belong to `sandbox.people`; faults that any service can have to `sandbox.faults`.

`routes(world)` is mounted under `/plaid`. Two faults are played here because only Plaid can phrase them:
`mutation_during_pagination` (taken by a request for a second or later page of `/transactions/sync`) and
`login_required` (taken by any request for an Item's data; it does not change the Item).
"""

from collections.abc import Callable

from starlette.routing import Route

from sandbox.plaid import items, link, products, sync, webhooks
from sandbox.plaid.wire import Answer, Call, endpoint, not_found
from sandbox.plaid.world import PlaidWorld

__all__ = ["PlaidWorld", "routes"]

ENDPOINTS: dict[str, Callable[[PlaidWorld, Call], Answer]] = {
    "/sandbox/public_token/create": items.create_sandbox_public_token,
    "/item/public_token/exchange": items.exchange_public_token,
    "/item/get": items.get_item,
    "/item/remove": items.remove_item,
    "/item/webhook/update": webhooks.update_webhook,
    "/accounts/get": items.get_accounts,
    "/accounts/balance/get": items.get_accounts,
    "/sandbox/item/reset_login": items.reset_login,
    "/link/token/create": link.create_link_token,
    "/link/token/get": link.get_link_token,
    "/transactions/sync": sync.sync_transactions,
    "/investments/holdings/get": products.get_holdings,
    "/investments/transactions/get": products.get_investment_transactions,
    "/liabilities/get": products.get_liabilities,
    "/sandbox/item/fire_webhook": webhooks.fire_webhook,
    "/webhook_verification_key/get": webhooks.get_verification_key,
}


def routes(world: PlaidWorld) -> list[Route]:
    """Plaid's endpoints, the hosted Link page, and Plaid's answer to every other path."""
    served = [Route(path, endpoint(world, answer), methods=["POST"]) for path, answer in ENDPOINTS.items()]
    page = Route("/hosted-link/{link_token}", link.hosted_page(world), methods=["GET", "POST"])
    return [*served, page, Route("/{path:path}", not_found(world), methods=["GET", "POST"])]
