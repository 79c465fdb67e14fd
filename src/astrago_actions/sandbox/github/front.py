"""The sandbox's GitHub as one application, and as a Python object for tests and the demo."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping

from astrago_actions.sandbox.github import access
from astrago_actions.sandbox.github.calls import Call
from astrago_actions.sandbox.github.errors import Refusal, primary_rate_limit
from astrago_actions.sandbox.github.git_objects import (
    Missing,
)
from astrago_actions.sandbox.github.graphql_api import answer as graphql_api
from astrago_actions.sandbox.github.graphql_api.viewer import (
    Viewer,
)
from astrago_actions.sandbox.github.hub import Hub
from astrago_actions.sandbox.github.present import Addresses
from astrago_actions.sandbox.github.records import Allowance, Token, timestamp
from astrago_actions.sandbox.github.rest import ROUTES
from astrago_actions.sandbox.server import Request, Response

API = "/api/v3"
GRAPHQL = frozenset({"/api/graphql", "/api/v3/graphql", "/graphql"})
FREE = "/rate_limit"


class Front:
    """Takes a request to the side that answers it, and gives every answer GitHub's headers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def respond(self, request: Request, host: str) -> Response:
        """The answer to one API request; listeners are told before it is sent."""
        allowance = None
        headers: dict[str, str] = {}
        try:
            token = access.authenticate(self._hub, request.headers)
            allowance = self._spend(token, request)
            headers = _token_headers(token)
            response = self._answer(request, token, allowance, host)
        except Refusal as refusal:
            response = _refused(refusal)
        except UnicodeEncodeError:  # half of a surrogate pair is no text for git
            response = _refused(Refusal(400, "Problems parsing JSON"))
        self._hub.announce()
        return _completed(request, response, {**headers, **_allowance_headers(allowance)})

    def _spend(self, token: Token | None, request: Request) -> Allowance:
        cost = 0 if request.path.endswith(FREE) else 1
        allowance = self._hub.spend(token.value if token else "", cost)
        if cost and allowance.remaining < 0:
            answer = primary_rate_limit(allowance.reset_at)
            raise Refusal(
                answer.status, "API rate limit exceeded for user ID 1.", headers=answer.headers
            )
        return allowance

    def _answer(
        self, request: Request, token: Token | None, allowance: Allowance, host: str
    ) -> Response:
        if request.path in GRAPHQL and request.method == "POST":
            if token is None:
                raise Refusal(401, "Requires authentication", "https://docs.github.com/graphql")
            addresses = Addresses(host, host + API)
            return graphql_api.respond(request, Viewer(self._hub, token, addresses, allowance))
        return self._rest(request, token, host)

    def _rest(self, request: Request, token: Token | None, host: str) -> Response:
        prefix = API if request.path.startswith(API + "/") else ""
        path = request.path.removeprefix(prefix)
        route, parameters = ROUTES.find(request.method, path)
        addresses = Addresses(host, host + prefix)
        call = Call(self._hub, request, addresses, token, parameters, route)
        if route.writes:
            self._hub.must_not_hurry(token)
        try:
            if "repo" not in parameters:
                return route.endpoint(call)
            name = f"{parameters['owner']}/{parameters['repo']}"
            found = access.visible(self._hub, token, name)
            access.check(token, found, route, host)
            with found.store.lock:
                response = route.endpoint(call.of(found))
        except Missing as error:
            raise call.not_found() from error
        except Refusal as refusal:
            refusal.headers = {**_permission_header(route.permission), **refusal.headers}
            raise
        return _with(response, _permission_header(route.permission))


def _refused(refusal: Refusal) -> Response:
    body = json.dumps(refusal.body()).encode()
    content_type = {"Content-Type": "application/json; charset=utf-8"}
    return Response(refusal.status, body, {**content_type, **refusal.headers})


def _permission_header(permission: str) -> dict[str, str]:
    return {"X-Accepted-GitHub-Permissions": permission} if permission else {}


def _token_headers(token: Token | None) -> dict[str, str]:
    if token is None:
        return {}
    headers = {}
    if token.kind == "classic":
        headers["X-OAuth-Scopes"] = ", ".join(token.scopes)
    if token.expires_at is not None:
        moment = timestamp(token.expires_at).replace("T", " ").replace("Z", " UTC")
        headers["GitHub-Authentication-Token-Expiration"] = moment
    return headers


def _allowance_headers(allowance: Allowance | None) -> dict[str, str]:
    if allowance is None:
        return {}
    left = max(allowance.remaining, 0)
    return {
        "X-RateLimit-Limit": str(allowance.limit),
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Used": str(allowance.limit - left),
        "X-RateLimit-Reset": str(int(allowance.reset_at)),
        "X-RateLimit-Resource": "core",
    }


def _with(response: Response, headers: Mapping[str, str]) -> Response:
    return Response(response.status, response.body, {**headers, **response.headers})


def _completed(request: Request, response: Response, headers: Mapping[str, str]) -> Response:
    """The answer with the headers that GitHub gives to all, or 304 when the asker has it."""
    common = {
        "Server": "github.com",
        "X-GitHub-Request-Id": uuid.uuid4().hex[:20].upper(),
        "X-GitHub-Media-Type": "github.v3; format=json",
        **headers,
    }
    if request.method not in {"GET", "HEAD"} or response.status != 200:
        return _with(response, common)
    digest = hashlib.sha256(response.body if isinstance(response.body, bytes) else b"")
    tag = f'W/"{digest.hexdigest()}"'
    if request.headers.get("if-none-match") == tag:
        return Response(304, b"", {**common, "ETag": tag})
    return _with(response, {**common, "ETag": tag})
