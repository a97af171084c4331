"""Plaid's conventions on the wire: keys, bodies, numbers, errors.

Here belongs what is the same for every endpoint. What an endpoint answers belongs to the module of its
product.
"""

import hmac
import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.plaid.own_ids import as_asked, as_told

if TYPE_CHECKING:
    from sandbox.plaid.world import PlaidWorld

Json = dict[str, Any]
Answer = Json | Awaitable[Json]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_EXACT_DIGITS = 15  # a JSON number is read as a double, which keeps this many decimal digits


class PlaidError(Exception):
    """An error in Plaid's words; `body` is its envelope without the request id."""

    def __init__(
        self, kind: str, code: str, message: str, *, display: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.status = status
        page = kind.removesuffix("_ERROR").lower().replace("_", "-")
        self.body: Json = {
            "error_type": kind,
            "error_code": code,
            "error_code_reason": None,
            "error_message": message,
            "display_message": display,
            "documentation_url": f"https://plaid.com/docs/errors/{page}/#{code.lower()}",
            "suggested_action": None,
        }


def missing_fields(*names: str) -> PlaidError:
    """The error for required fields that are absent."""
    return PlaidError(
        "INVALID_REQUEST", "MISSING_FIELDS", f"the following required fields are missing: {', '.join(names)}"
    )


def invalid_field(message: str) -> PlaidError:
    """The error for a field whose value cannot be."""
    return PlaidError("INVALID_REQUEST", "INVALID_FIELD", message)


def login_required() -> PlaidError:
    """The error of an Item whose credentials no longer work."""
    return PlaidError(
        "ITEM_ERROR",
        "ITEM_LOGIN_REQUIRED",
        "the login details of this item have changed (credentials, MFA, or required user action) and a user login"
        " is required to update this information. use Link's update mode to restore the item to a good state",
        display="Username and/or password is incorrect",
    )


def permission_revoked() -> PlaidError:
    """The error of an Item whose account holder has withdrawn the permission."""
    return PlaidError(
        "ITEM_ERROR",
        "USER_PERMISSION_REVOKED",
        "the holder of this account has revoked their permission for your application to access it",
    )


@dataclass(frozen=True)
class Call:
    """One authenticated request: its JSON body, its path on this server, the address of `/plaid`."""

    body: Json
    path: str
    base_url: str

    def text(self, name: str) -> str:
        """A required text field. Raises PlaidError when absent, empty or not text."""
        value = self.body.get(name)
        if value is None or value == "":
            raise missing_fields(name)
        if not isinstance(value, str):
            raise invalid_field(f"{name} must be a string")
        return value

    def options(self) -> Json:
        """The `options` object, empty when absent."""
        return self.section("options")

    def section(self, name: str) -> Json:
        """An optional object field, empty when absent. Raises PlaidError when it is something else."""
        value = self.body.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise invalid_field(f"{name} must be an object")
        return value

    def day(self, name: str) -> date:
        """A required YYYY-MM-DD field. Raises PlaidError when absent or not a date."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise invalid_field(f"{name} must be a date in the format YYYY-MM-DD") from None


def number(fields: Json, name: str, default: int, low: int, high: int | None) -> int:
    """An optional whole number between `low` and `high`. Raises PlaidError when it is not one."""
    value = fields.get(name, default)
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or value < low
        or (high is not None and value > high)
    ):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        raise invalid_field(f"{name} must be an integer {limits}")
    return value


def names(fields: Json, name: str) -> list[str]:
    """An optional list of texts, empty when absent. Raises PlaidError when it is not one."""
    value = fields.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise invalid_field(f"{name} must be a list of strings")
    return value


def encode(body: Json) -> bytes:
    """`body` as JSON; a Decimal becomes the same number, written without float noise."""
    return json.dumps(body, default=_json_number, separators=(",", ":")).encode()


def _json_number(value: object) -> float | int:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is not part of any response")
    if value == value.to_integral_value():
        return int(value)
    if len(value.as_tuple().digits) > _EXACT_DIGITS:
        raise ValueError(f"{value} has more digits than a JSON number keeps")
    return float(value)  # repr() of such a float is the decimal itself


def utc(moment: datetime) -> str:
    """An instant as Plaid writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def endpoint(world: "PlaidWorld", answer: Callable[["PlaidWorld", Call], Answer]) -> Handler:
    """The route of one endpoint: check the keys and the body, answer, phrase what goes wrong."""

    async def handle(request: Request) -> Response:
        try:
            body = _parse(await request.body())
            _authenticate(world, request, body)
            base_url = str(request.url.replace(path=request.scope.get("root_path", ""), query=""))
            item = world.item_asked_about(body)
            generation = item.generation if item else 0
            asked = as_asked(body, generation, world.login(item.username) if item and generation else None)
            answered = answer(world, Call(asked, request.url.path, base_url))
            found = await answered if inspect.isawaitable(answered) else answered
            found = as_told(found, generation)
        except PlaidError as error:
            return _respond(world, error.body, error.status)
        return _respond(world, found, 200)

    return handle


def not_found(world: "PlaidWorld") -> Handler:
    """Plaid's answer to a path it does not have."""

    async def handle(request: Request) -> Response:
        error = PlaidError(
            "INVALID_REQUEST", "NOT_FOUND", "the requested resource does not exist", status=404
        )
        return _respond(world, error.body, error.status)

    return handle


def _respond(world: "PlaidWorld", body: Json, status: int) -> Response:
    return Response(
        encode({**body, "request_id": world.next_request_id()}), status, media_type="application/json"
    )


def _parse(raw: bytes) -> Json:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise PlaidError("INVALID_REQUEST", "INVALID_BODY", "body could not be parsed as JSON")
    return body


def _authenticate(world: "PlaidWorld", request: Request, body: Json) -> None:
    given = {
        "client_id": body.get("client_id") or request.headers.get("PLAID-CLIENT-ID"),
        "secret": body.get("secret") or request.headers.get("PLAID-SECRET"),
    }
    if missing := [name for name, value in given.items() if not value]:
        raise missing_fields(*missing)
    expected = {
        "client_id": world.credentials["plaid_client_id"],
        "secret": world.credentials["plaid_secret"],
    }
    # Every comparison is made, so that the time taken does not tell which one failed.
    same = [hmac.compare_digest(str(given[name]).encode(), expected[name].encode()) for name in expected]
    if not all(same):
        raise PlaidError("INVALID_INPUT", "INVALID_API_KEYS", "invalid client_id or secret provided")
