"""What befalls an Item, switched on from outside: `/_sandbox/plaid/...`.

Here belong the controls of single Items. Faults of an endpoint, which go away by themselves, belong to
`sandbox.faults`.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.plaid.wire import Json
from sandbox.plaid.world import HISTORIES, Item, PlaidWorld

SECRET = ("access_token",)


def control_routes(world: PlaidWorld) -> list[Route]:
    """`GET items`; `PATCH items/{item_id}` changes one; `PUT new_items` says how far new ones are loaded."""

    async def list_items(request: Request) -> JSONResponse:
        found = [Item(**document) for _, document in world.state.items("plaid/item/")]
        return JSONResponse({"items": [_described(item) for item in found]})

    async def change(request: Request) -> JSONResponse:
        item = world.item_of_id(request.path_params["item_id"])
        if item is None:
            return JSONResponse({"errors": ["there is no such Item"]}, 404)
        body, errors = await _body(request, CHANGES)
        if errors:
            return JSONResponse({"errors": errors}, 400)
        changed = replace(item, **body)
        world.save(changed)
        return JSONResponse(_described(changed))

    async def set_new_items(request: Request) -> JSONResponse:
        body, errors = await _body(request, {"history": CHANGES["history"]})
        if errors or not body:
            return JSONResponse({"errors": errors or ["history is missing"]}, 400)
        world.state.put("plaid/new_items", body)
        return JSONResponse(body)

    return [
        Route("/_sandbox/plaid/items", list_items, methods=["GET"]),
        Route("/_sandbox/plaid/items/{item_id}", change, methods=["PATCH"]),
        Route("/_sandbox/plaid/new_items", set_new_items, methods=["PUT"]),
    ]


def _is_moment(value: Any) -> bool:
    try:
        return value is None or datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


CHANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "history": (lambda value: value in HISTORIES, f"one of {', '.join(HISTORIES)}"),
    "expires_at": (_is_moment, "an ISO 8601 instant with an offset, or null"),
    "stale_since": (_is_moment, "an ISO 8601 instant with an offset, or null"),
    "revoked": (lambda value: isinstance(value, bool), "true or false"),
    "login_required": (lambda value: isinstance(value, bool), "true or false"),
    "hidden": (
        lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
        "a list of account ids",
    ),
}
"""What may be changed: whether a value will do, and what it must be."""


async def _body(
    request: Request, allowed: dict[str, tuple[Callable[[Any], bool], str]]
) -> tuple[Json, list[str]]:
    """The body and every reason why it cannot be used."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        return {}, ["the body is not JSON"]
    if not isinstance(body, dict):
        return {}, ["the body is not a JSON object"]
    errors = [f"unknown field {name!r}" for name in sorted(set(body) - set(allowed))]
    errors += [
        f"{name} must be {allowed[name][1]}"
        for name in allowed
        if name in body and not allowed[name][0](body[name])
    ]
    return body, errors


def _described(item: Item) -> Json:
    return {name: value for name, value in asdict(item).items() if name not in SECRET}
