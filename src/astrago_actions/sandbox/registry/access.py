"""Who may pull and push what: credentials, and the opaque tokens they are exchanged for.

GHCR's ways, each met by people in practice: the challenge names a placeholder instead of the
repository asked for; a token that may read is refused only when the upload begins, with
`permission_denied: write_package`; fine-grained personal access tokens log in and then cannot push.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Permission = Literal["read", "write"]
Action = Literal["pull", "push"]

SERVICE = "ghcr.io"
PLACEHOLDER_SCOPE = "repository:user/image:pull"
FINE_GRAINED = "github_pat_"

WRITE_REFUSED = "permission_denied: write_package"
READ_REFUSED = "permission_denied: read_package"
SCOPES_REFUSED = "permission_denied: The token provided does not match expected scopes."
NO_INSTALLATION = "permission_denied: The requested installation does not exist."


@dataclass(frozen=True)
class Credential:
    """A token of GitHub's and what it may do: pattern of repositories -> permission."""

    token: str
    repositories: Mapping[str, Permission]

    def permission(self, repository: str) -> Permission | None:
        """The permission of the first pattern that matches."""
        for pattern, permission in self.repositories.items():
            if fnmatchcase(repository, pattern):
                return permission
        return None


@dataclass(frozen=True)
class Grant:
    """What stands behind a bearer token: the credential and the scopes it was asked for."""

    credential: Credential | None
    scopes: frozenset[tuple[str, str]]


class Access:
    """The registry's credentials and the bearer tokens given out so far."""

    def __init__(self, public: Sequence[str]) -> None:
        self._public = tuple(public)
        self._lock = threading.Lock()
        self._credentials: dict[str, Credential] = {}
        self._grants: dict[str, Grant] = {}

    def add(self, credential: Credential) -> None:
        """Accept this credential from now on, in place of an earlier one with the same token."""
        with self._lock:
            self._credentials[credential.token] = credential

    def credential(self, authorization: str) -> Credential | None:
        """The credential in a Basic header; the user name does not matter, as on GHCR."""
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        return self._credentials.get(_decoded(encoded).partition(":")[2])

    def give_token(self, credential: Credential | None, scopes: frozenset[tuple[str, str]]) -> str:
        """A bearer token; it says nothing about what stands behind it."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._grants[token] = Grant(credential, scopes)
        return token

    def grant(self, authorization: str) -> Grant | None:
        """What stands behind a Bearer header; None when it is missing or unknown.

        GHCR also takes the credential itself, base64 encoded, in place of a token.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        with self._lock:
            found = self._grants.get(token)
            direct = self._credentials.get(_decoded(token))
        if found is None and direct is not None:
            return Grant(direct, frozenset({("*", "pull"), ("*", "push")}))
        return found

    def refusal(self, grant: Grant, repository: str, action: Action) -> str | None:
        """Why the holder may not do this, in GHCR's words; None when it is allowed."""
        if action == "pull" and self.is_public(repository):
            return None
        credential = grant.credential
        if credential is None:
            return "requested access to the resource is denied"
        if action == "push" and credential.token.startswith(FINE_GRAINED):
            return SCOPES_REFUSED
        permission = credential.permission(repository)
        if permission is None and not credential.repositories:
            return NO_INSTALLATION
        if permission == "write" or (permission == "read" and action == "pull"):
            return None
        return WRITE_REFUSED if action == "push" else READ_REFUSED

    def is_public(self, repository: str) -> bool:
        """Whether anybody may pull from this repository."""
        return any(fnmatchcase(repository, pattern) for pattern in self._public)


def covers(grant: Grant, repository: str, action: Action) -> bool:
    """Whether the token was asked for this; one that was not has to be fetched anew."""
    return bool({(repository, action), ("*", action)} & grant.scopes)


def parse_scopes(texts: Sequence[str]) -> frozenset[tuple[str, str]]:
    """`repository:NAME:pull,push` as pairs of name and action; other kinds are left out."""
    pairs: set[tuple[str, str]] = set()
    for text in " ".join(texts).split():
        kind, _, rest = text.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind == "repository" and name:
            pairs.update((name, action) for action in actions.split(","))
    return frozenset(pairs)


def _decoded(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
