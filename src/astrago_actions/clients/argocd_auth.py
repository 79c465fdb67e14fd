"""Ways to prove to Argo CD who we are: a token, a password, or the job's own identity."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import requests

from astrago_actions.errors import AccessDenied
from astrago_actions.inputs import Secret

_TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_TOKEN_TYPE = "urn:ietf:params:oauth:token-type"
_DEX_CLIENT = "argo-cd-cli"

Post = Callable[..., requests.Response]
"""Sends a POST to a path of the server: `post(path, json=... | data=..., auth=...)`."""


class Credentials(Protocol):
    """Something that yields a bearer token, and a new one where that is possible."""

    @property
    def renewable(self) -> bool:
        """Whether an expired session can be renewed without anybody's help."""

    def token(self, post: Post) -> str:
        """A bearer token, newly made; raises AccessDenied when the server refuses."""


@dataclass(frozen=True)
class Token:
    """A token made beforehand; it cannot be renewed."""

    secret: Secret
    renewable: bool = False

    def token(self, post: Post) -> str:  # noqa: ARG002 - the protocol's signature
        """The token without what copying added: a value that is no JWT is ignored silently."""
        return self.secret.reveal().strip().strip("\"'").removeprefix("Bearer ").strip()


@dataclass(frozen=True)
class Password:
    """A local user's name and password. Source: `POST /api/v1/session`."""

    username: str
    secret: Secret
    renewable: bool = True

    def token(self, post: Post) -> str:
        """Log in."""
        body = {"username": self.username, "password": self.secret.reveal()}
        return _token_in(post("/api/v1/session", json=body), "token")


@dataclass(frozen=True)
class Keyless:
    """The job's OIDC token, exchanged at Argo CD's Dex; no secret is stored anywhere.

    Source: Argo CD's user management, "GitHub Actions"; needs `permissions: id-token: write`.
    """

    connector: str
    audience: str
    identity: Callable[[str], str]
    renewable: bool = True

    def token(self, post: Post) -> str:
        """Exchange a fresh identity token for an access token."""
        form = {
            "connector_id": self.connector,
            "grant_type": _TOKEN_EXCHANGE,
            "scope": "openid email profile federated:id",
            "requested_token_type": f"{_TOKEN_TYPE}:access_token",
            "subject_token": self.identity(self.audience),
            "subject_token_type": f"{_TOKEN_TYPE}:id_token",
        }
        return _token_in(post("/api/dex/token", data=form, auth=(_DEX_CLIENT, "")), "access_token")


def job_identity(audience: str) -> str:
    """The job's OIDC token from the runner; raises AccessDenied when it gives none."""
    from actions_toolkit import core

    try:
        return str(core.get_id_token(audience or None))
    except Exception as error:  # noqa: BLE001 - the toolkit raises bare Exception
        raise AccessDenied(
            "The runner gives this job no identity token",
            str(error).splitlines()[0],
            "Add `permissions: id-token: write` to the job, or give a `token`.",
        ) from None


def expiry(token: str) -> float | None:
    """When a JWT expires, in seconds since the epoch on its maker's clock; None if never."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims: Any = json.loads(base64.urlsafe_b64decode(padded))
    except ValueError:
        return None
    found = claims.get("exp") if isinstance(claims, dict) else None
    return float(found) if isinstance(found, (int, float)) else None


def _token_in(answer: requests.Response, key: str) -> str:
    try:
        value = answer.json().get(key)
    except (ValueError, AttributeError):
        value = None
    if not isinstance(value, str) or not value:
        raise AccessDenied(
            "Argo CD answered the login without a token",
            f"The answer to {answer.request.method} {answer.request.path_url} has no `{key}`.",
            "Check `server`; for keyless login check `dex-connector`.",
        )
    return value
