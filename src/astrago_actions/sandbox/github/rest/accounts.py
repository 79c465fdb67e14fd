"""REST: the account behind the token, and its rate limit."""

from __future__ import annotations

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.errors import Refusal
from astrago_actions.sandbox.github.hub import DEFAULT_LIMIT
from astrago_actions.sandbox.server import Response, json_response

ROUTES = Routes()


@ROUTES.add("GET", "/user", "", "users/users#get-the-authenticated-user")
def get_user(call: Call) -> Response:
    """The account; an installation has none."""
    if call.token is None:
        raise Refusal(401, "Requires authentication", call.route.documentation)
    if call.token.kind in {"installation", "app"}:
        message = "Resource not accessible by integration"
        raise Refusal(403, message, call.route.documentation)
    return json_response(200, present.own_account(call.addresses, call.token))


@ROUTES.add("GET", "/rate_limit", "", "rate-limit/rate-limit")
def get_rate_limit(call: Call) -> Response:
    """What is left of this hour; asking costs nothing."""
    now = call.hub.spend(call.token.value if call.token else "", 0)
    rate = {
        "limit": now.limit,
        "used": now.limit - max(now.remaining, 0),
        "remaining": max(now.remaining, 0),
        "reset": int(now.reset_at),
    }
    search = {**rate, "limit": 30, "used": 0, "remaining": 30}
    graphql = {**rate, "limit": DEFAULT_LIMIT, "used": 0, "remaining": DEFAULT_LIMIT}
    resources = {"core": rate, "search": search, "graphql": graphql}
    return json_response(200, {"resources": resources, "rate": rate})
