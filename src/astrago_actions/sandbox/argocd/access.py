"""Who may do what: local users, tokens with an end, keyless logins, and RBAC."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from astrago_actions.sandbox.argocd.agenda import Agenda

SESSION_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Policy:
    """One right: `applications, sync, project/name`; parts may be patterns."""

    resource: str = "*"
    action: str = "*"
    object: str = "*"


EVERYTHING = (Policy(),)


@dataclass(frozen=True)
class Account:
    """A user with a password and rights; `session_seconds` is how long a login lasts."""

    name: str
    password: str = ""
    policies: tuple[Policy, ...] = EVERYTHING
    session_seconds: float = SESSION_SECONDS


@dataclass(frozen=True)
class Ticket:
    """A token that was given out; `ends` is on the agenda's clock, None for never."""

    account: Account
    ends: float | None


@dataclass
class Access:
    """All accounts and tokens of one server."""

    agenda: Agenda
    accounts: dict[str, Account] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    connectors: dict[str, tuple[str, Account]] = field(default_factory=dict)

    def give(self, account: Account, seconds: float | None) -> str:
        """A new token in the shape of a JWT that ends after `seconds`."""
        claims: dict[str, Any] = {"iss": "argocd", "sub": account.name}
        if seconds is not None:
            claims["exp"] = int(self.agenda.wall() + seconds)
        token = ".".join((_part({"alg": "HS256"}), _part(claims), secrets.token_urlsafe(24)))
        self.keep(token, account, seconds)
        return token

    def keep(self, token: str, account: Account, seconds: float | None) -> None:
        """Accept this token from now on."""
        ends = None if seconds is None else self.agenda.moment + seconds
        self.tickets[token] = Ticket(account, ends)

    def ticket(self, headers: Mapping[str, str]) -> Ticket | None:
        """The valid ticket behind the Authorization header or the cookie."""
        token = headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not token:
            token = _cookie(headers.get("cookie", ""))
        found = self.tickets.get(token)
        if found is None or (found.ends is not None and found.ends <= self.agenda.moment):
            return None
        return found

    def log_in(self, name: str, password: str) -> str | None:
        """A new session, or None when name or password is wrong."""
        account = self.accounts.get(name)
        if account is None or not account.password or account.password != password:
            return None
        return self.give(account, account.session_seconds)

    def exchange(self, connector: str, identity: str) -> str | None:
        """A token for a job's identity, or None when the connector does not know it."""
        expected, account = self.connectors.get(connector, ("", Account("")))
        if not expected or identity != expected:
            return None
        return self.give(account, account.session_seconds)


def allows(account: Account, resource: str, action: str, subject: str) -> bool:
    """Whether any of the account's policies covers this."""
    return any(
        fnmatchcase(resource, each.resource)
        and fnmatchcase(action, each.action)
        and fnmatchcase(subject, each.object)
        for each in account.policies
    )


def _cookie(header: str) -> str:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == "argocd.token":
            return value
    return ""


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
