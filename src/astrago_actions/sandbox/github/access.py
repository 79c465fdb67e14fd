"""Who asks, and whether they may: GitHub's order of checks and its words for refusing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from astrago_actions.sandbox.github.calls import Route
from astrago_actions.sandbox.github.errors import (
    ARCHIVED_TEXT,
    DOCUMENTATION,
    SSO_DOCUMENTATION,
    SSO_TEXT,
    Refusal,
)
from astrago_actions.sandbox.github.git_objects import (
    Missing,
)
from astrago_actions.sandbox.github.hub import Hub
from astrago_actions.sandbox.github.records import Level, Token
from astrago_actions.sandbox.github.repository import Repository


def credential(headers: Mapping[str, str]) -> str:
    """The token in the Authorization header; empty when there is none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() in {"bearer", "token"}:
        return value.strip()
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return value or " "
        return decoded.partition(":")[2] or decoded
    return ""


def authenticate(hub: Hub, headers: Mapping[str, str]) -> Token | None:
    """The token that the request carries, or None without one; 401 for a wrong one."""
    value = credential(headers)
    if not value:
        return None
    token = hub.token(value)
    if token is None:
        raise Refusal(401, "Bad credentials")
    return token


def visible(hub: Hub, token: Token | None, full_name: str) -> Repository:
    """The repository, if it is there and this token may know of it; raises Missing."""
    found = hub.repository(full_name)
    if found.private and not (token and token.permissions.get(found.full_name.lower())):
        raise Missing(full_name)
    return found


def may(token: Token | None, repository: Repository, permission: str) -> bool:
    """Whether a token has a permission such as `contents=write`; alternatives are parted by `;`."""
    return any(_has(token, repository, each.strip()) for each in permission.split(";"))


def _has(token: Token | None, repository: Repository, permission: str) -> bool:
    name, _, wanted = permission.partition("=")
    level: Level = "write" if wanted == "write" else "read"
    if level == "read" and not repository.private:
        return True
    return bool(token and token.allows(repository.full_name, name, level))


def refused_words(token: Token) -> str:
    """How GitHub says that a token of this kind lacks a permission."""
    if token.kind in {"installation", "app"}:
        return "Resource not accessible by integration"
    return "Resource not accessible by personal access token"


def sso_header(host: str, owner: str) -> dict[str, str]:
    """Where the owner of a token lets it into an organization."""
    address = f"{host}/orgs/{owner}/sso?authorization_request=AZSCKL4U8YHIWTX0"
    return {"X-GitHub-SSO": f"required; url={address}"}


def check(token: Token | None, repository: Repository, route: Route, host: str) -> None:
    """Raise the refusal that GitHub would give for this endpoint, if any."""
    if token is None:
        if route.writes:
            raise Refusal(401, "Requires authentication", route.documentation)
    elif token.sso_required:
        headers = sso_header(host, repository.owner)
        raise Refusal(403, SSO_TEXT, SSO_DOCUMENTATION, headers=headers)
    if not may(token, repository, route.permission):
        raise _refusal(token, route)
    if repository.archived and route.writes:
        raise Refusal(403, ARCHIVED_TEXT, DOCUMENTATION)


def _refusal(token: Token | None, route: Route) -> Refusal:
    if token is None or (token.kind == "classic" and route.writes):
        return Refusal(404, "Not Found", route.documentation)
    return Refusal(403, refused_words(token), route.documentation)
