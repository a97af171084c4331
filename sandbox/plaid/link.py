"""Link, hosted: tokens, the page on which a person chooses a login, and what came of it.

Here belongs linking by a person, and mending a login in update mode. Linking by a test belongs to `items`;
the page's HTML to `link_page`.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.people.model import Account, Login, plaid_id
from sandbox.plaid import link_page
from sandbox.plaid.own_ids import own_id
from sandbox.plaid.webhooks import send
from sandbox.plaid.wire import Call, Handler, Json, PlaidError, missing_fields, names, utc
from sandbox.plaid.world import PRODUCTS, Item, PlaidWorld, history_days

TOKEN_LIFE = timedelta(hours=4)
UPDATE_LIFE = timedelta(minutes=30)


def create_link_token(world: PlaidWorld, call: Call) -> Json:
    """`/link/token/create`; `hosted_link` asks for a page, `access_token` for update mode."""
    required = [name for name in ("client_name", "language", "country_codes") if not call.body.get(name)]
    if not call.body.get("user_id") and not call.section("user").get("client_user_id"):
        required.append("user.client_user_id")
    if required:
        raise missing_fields(*required)
    access_token = call.body.get("access_token")
    item = world.item(call.text("access_token")) if access_token else None
    products = names(call.body, "products")
    optional = names(call.body, "optional_products") + names(call.body, "required_if_supported_products")
    if item is None and not products:
        raise missing_fields("products")
    if unknown := [product for product in products + optional if product not in PRODUCTS]:
        raise PlaidError(
            "INVALID_INPUT",
            "INVALID_PRODUCT",
            f"client is not authorized to access the following products: {unknown}",
        )
    now, token = world.now(), world.token("link")
    hosted = call.body.get("hosted_link")
    document: Json = {
        "link_token": token,
        "created_at": now.isoformat(),
        "expiration": (now + (UPDATE_LIFE if item else TOKEN_LIFE)).isoformat(),
        "products": products,
        "optional": optional,
        "days": history_days(call.section("transactions"), now.date()),
        "item_id": item.item_id if item else None,
        "webhook": call.body.get("webhook"),
        "redirect": (hosted or {}).get("completion_redirect_uri"),
        "metadata": _metadata(call, products),
        "sessions": [],
    }
    world.state.put(f"plaid/link/{token}", document)
    answer = {"link_token": token, "expiration": _utc(document["expiration"])}
    return answer if hosted is None else {**answer, "hosted_link_url": f"{call.base_url}/hosted-link/{token}"}


def _metadata(call: Call, products: list[str]) -> Json:
    return {
        "initial_products": products,
        "webhook": call.body.get("webhook"),
        "country_codes": call.body["country_codes"],
        "language": call.body["language"],
        "redirect_uri": call.body.get("redirect_uri"),
        "client_name": call.body["client_name"],
    }


def get_link_token(world: PlaidWorld, call: Call) -> Json:
    """`/link/token/get`: the token, and what people did with it."""
    document = world.state.get(f"plaid/link/{call.text('link_token')}")
    if document is None:
        raise PlaidError("INVALID_INPUT", "INVALID_LINK_TOKEN", "invalid link_token provided")
    return {
        "link_token": document["link_token"],
        "created_at": _utc(document["created_at"]),
        "expiration": _utc(document["expiration"]),
        "link_sessions": document["sessions"],
        "metadata": document["metadata"],
    }


def hosted_page(world: PlaidWorld) -> Handler:
    """The page of a hosted Link: GET shows the logins, POST links the chosen one or mends the broken one."""

    async def handle(request: Request) -> Response:
        document = world.state.get(f"plaid/link/{request.path_params['link_token']}")
        if document is None:
            return HTMLResponse(link_page.message("This link is not valid.", "Ask for a new one."), 404)
        if world.now() > datetime.fromisoformat(document["expiration"]):
            return HTMLResponse(link_page.message("This link has expired.", "Ask for a new one."), 410)
        offered = _offered(world, document)
        if request.method == "GET":
            return HTMLResponse(
                link_page.choose(document["metadata"]["client_name"], offered, bool(document["item_id"]))
            )
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        chosen = next((login for login in offered if [login.username] == form.get("username")), None)
        if chosen is None:
            return HTMLResponse(link_page.message("No bank was chosen.", "Go back and choose one."), 400)
        try:
            session = _finish(world, document, chosen)
        except PlaidError as error:
            return HTMLResponse(
                link_page.message("The bank could not be connected.", str(error)), error.status
            )
        if document["webhook"]:
            await send(world, document["webhook"], _session_finished(document, session))
        if document["redirect"]:
            return RedirectResponse(document["redirect"], 303)
        return HTMLResponse(
            link_page.message(
                "You are connected.", f"{chosen.institution_name} is linked. You can close this page."
            )
        )

    return handle


def _offered(world: PlaidWorld, document: Json) -> list[Login]:
    """The logins a person may choose: the Item's own in update mode, else those with every product asked for."""
    if document["item_id"] is not None:
        item = world.item_of_id(document["item_id"])
        return [login for login in world.logins() if item and login.username == item.username]
    return [login for login in world.logins() if set(document["products"]) <= set(login.products)]


def _finish(world: PlaidWorld, document: Json, login: Login) -> Json:
    """Link or mend, and write down the session. Raises PlaidError when the login cannot be linked."""
    with world.state.transaction():
        item, added = _linked(world, document, login)
        session = _session(world, document, item, login, added)
        document["sessions"].append(session)
        world.state.put(f"plaid/link/{document['link_token']}", document)
    return session


def _linked(world: PlaidWorld, document: Json, login: Login) -> tuple[Item, bool]:
    """(the Item, whether it is new)."""
    known = world.item_of_id(document["item_id"]) if document["item_id"] else None
    if known is not None:
        mended = known.mended(world.now())
        world.save(mended)
        return mended, False
    products = document["products"] + [each for each in document["optional"] if each in login.products]
    return world.create_item(login, products, document["webhook"], document["days"]), True


def _session(world: PlaidWorld, document: Json, item: Item, login: Login, added: bool) -> Json:
    now, public_token = utc(world.now()), world.issue_public_token(item)
    number = len(document["sessions"])
    session_id = str(uuid.UUID(bytes=plaid_id(document["link_token"], number).encode()[:16], version=4))
    institution = {"institution_id": login.institution_id, "name": login.institution_name}
    accounts = [_account(account, item) for account in login.accounts]
    result = {"public_token": public_token, "accounts": accounts, "institution": institution}
    return {
        "link_session_id": session_id,
        "started_at": now,
        "finished_at": now,
        "on_success": {
            "public_token": public_token,
            "metadata": {
                "accounts": accounts,
                "institution": institution,
                "link_session_id": session_id,
                "transfer_status": None,
            },
        },
        "events": [
            {
                "event_id": str(uuid.UUID(bytes=plaid_id(session_id, "handoff").encode()[:16], version=4)),
                "event_metadata": {
                    "institution_id": login.institution_id,
                    "institution_name": login.institution_name,
                },
                "event_name": "HANDOFF",
                "timestamp": now,
            }
        ],
        "results": {
            "item_add_results": [result] if added else [],
            "cra_item_add_results": [],
            "cra_update_results": [],
            "bank_income_results": [],
            "payroll_income_results": [],
            "document_income_results": None,
        },
    }


def _account(account: Account, item: Item) -> dict[str, Any]:
    return {
        "class_type": None,
        "id": own_id(item.generation, account.account_id),
        "mask": account.mask,
        "name": account.name,
        "subtype": account.subtype,
        "type": account.type,
        "verification_status": None,
    }


def _session_finished(document: Json, session: Json) -> Json:
    return {
        "webhook_type": "LINK",
        "webhook_code": "SESSION_FINISHED",
        "status": "SUCCESS",
        "link_session_id": session["link_session_id"],
        "link_token": document["link_token"],
        "public_tokens": [session["on_success"]["public_token"]],
    }


def _utc(text: str) -> str:
    return utc(datetime.fromisoformat(text))
