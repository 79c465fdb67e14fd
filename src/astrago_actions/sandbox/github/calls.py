"""One REST call, the table of routes, and reading what a caller sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from astrago_actions.sandbox.github.errors import DOCUMENTATION, Refusal, unprocessable
from astrago_actions.sandbox.github.hub import Hub
from astrago_actions.sandbox.github.present import Addresses
from astrago_actions.sandbox.github.records import Token
from astrago_actions.sandbox.github.repository import Repository
from astrago_actions.sandbox.server import Request, Response

Item = TypeVar("Item")

MOST_PER_PAGE = 100
_PLACEHOLDER = re.compile(r"\{(\w+)(\*?)\}")


@dataclass(frozen=True)
class Call:
    """One authenticated request; `parameters` come from its path."""

    hub: Hub
    request: Request
    addresses: Addresses
    token: Token | None
    parameters: dict[str, str]
    route: Route
    found: Repository | None = None

    @property
    def repository(self) -> Repository:
        """The repository that the path names."""
        if self.found is None:
            raise Refusal(404, "Not Found")
        return self.found

    def of(self, repository: Repository) -> Call:
        """The same call about a repository that the token may see."""
        return replace(self, found=repository)

    @property
    def login(self) -> str:
        """The account that asks."""
        return self.token.login if self.token else ""

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.hub.clock.now()

    def number(self, name: str) -> int:
        """A whole number in the path; 404 when it is none."""
        text = self.parameters[name]
        if not (text.isascii() and text.isdigit()):
            raise self.not_found()
        return int(text)

    def not_found(self) -> Refusal:
        """What GitHub answers when the named thing is not there."""
        return Refusal(404, "Not Found", self.route.documentation)

    def body(self) -> dict[str, Any]:
        """The JSON object in the request's body; 400 and 422 as GitHub says them."""
        if not self.request.body:
            return {}
        try:
            found = self.request.json()
        except ValueError as error:
            raise Refusal(400, "Problems parsing JSON", self.route.documentation) from error
        if not isinstance(found, dict):
            raise Refusal(400, "Body should be a JSON object", self.route.documentation)
        return found

    def text(self, body: dict[str, Any], name: str) -> str:
        """A required string of the body."""
        value = body.get(name)
        if value is None:
            raise self.invalid(f'"{name}" wasn\'t supplied.')
        if not isinstance(value, str):
            raise self.invalid(f"For 'properties/{name}', {value!r} is not a string.")
        return value

    def texts(self, body: dict[str, Any], name: str) -> tuple[str, ...]:
        """An optional list of strings of the body."""
        value = body.get(name) or []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.invalid(f"For 'properties/{name}', {value!r} is not a list of strings.")
        return tuple(value)

    def invalid(self, problem: str) -> Refusal:
        """The request's body does not fit."""
        return unprocessable(f"Invalid request.\n\n{problem}", self.route.documentation)

    def page(self, items: Sequence[Item]) -> tuple[list[Item], dict[str, str]]:
        """The page asked for, and the `Link` header that leads to the others."""
        size = min(max(self._count("per_page", 30), 1), MOST_PER_PAGE)
        number = max(self._count("page", 1), 1)
        last = max((len(items) + size - 1) // size, 1)
        links = {"prev": number - 1, "first": 1} if number > 1 else {}
        if number < last:
            links |= {"next": number + 1, "last": last}
        header = ", ".join(f'<{self._page_url(at)}>; rel="{name}"' for name, at in links.items())
        start = (number - 1) * size
        return list(items[start : start + size]), {"Link": header} if header else {}

    def _count(self, name: str, default: int) -> int:
        text = self.request.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default

    def _page_url(self, page: int) -> str:
        path = self.request.path.removeprefix("/api/v3")
        query = urlencode({**self.request.query, "page": str(page)})
        return f"{self.addresses.api}{quote(path)}?{query}"


Endpoint = Callable[[Call], Response]
Registration = Callable[[Endpoint], Endpoint]


@dataclass(frozen=True)
class Route:
    """One endpoint: `{name}` in the template is one part of the path, `{name*}` the rest.

    `permission` is what the endpoint accepts, as in `contents=write`; `anchor` leads to its
    documentation.
    """

    method: str
    template: str
    permission: str
    endpoint: Endpoint
    documentation: str

    @property
    def writes(self) -> bool:
        """Whether the endpoint changes something."""
        return self.permission.endswith("=write")


@dataclass
class Routes:
    """Endpoints in the order in which they are tried."""

    table: list[tuple[str, re.Pattern[str], Route]] = field(default_factory=list)

    def add(self, method: str, template: str, permission: str, anchor: str = "") -> Registration:
        """A decorator that makes a function the endpoint for a method and a path."""

        def register(endpoint: Endpoint) -> Endpoint:
            documentation = f"{DOCUMENTATION}/{anchor}" if anchor else DOCUMENTATION
            route = Route(method, template, permission, endpoint, documentation)
            self.table.append((method, _pattern(template), route))
            return endpoint

        return register

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The endpoint for a request and the parameters in its path; 404 when there is none."""
        method = "GET" if method == "HEAD" else method
        for accepted, pattern, route in self.table:
            match = pattern.fullmatch(path) if accepted == method else None
            if match:
                return route, match.groupdict()
        raise Refusal(404, "Not Found")


def _pattern(template: str) -> re.Pattern[str]:
    literal = re.escape(template).replace(r"\{", "{").replace(r"\}", "}").replace(r"\*", "*")
    pattern = _PLACEHOLDER.sub(
        lambda match: f"(?P<{match[1]}>{'.*' if match[2] else '[^/]+'})", literal
    )
    return re.compile(pattern, re.DOTALL)
