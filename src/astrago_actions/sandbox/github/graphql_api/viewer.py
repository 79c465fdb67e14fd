"""Who asks over GraphQL, and accounts as GraphQL shows them."""

from __future__ import annotations

from dataclasses import dataclass

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.hub import Hub
from astrago_actions.sandbox.github.present import Addresses
from astrago_actions.sandbox.github.records import Allowance, Token


@dataclass(frozen=True)
class Viewer:
    """Who asks, of which server; `allowance` is what the token had left."""

    hub: Hub
    token: Token | None
    addresses: Addresses
    allowance: Allowance


class UserNode:
    """An account."""

    typename = "User"

    def __init__(self, viewer: Viewer, login: str) -> None:
        self.login = login
        self.database_id = present.number_of(login)
        self.id = present.node_id("U", self.database_id)
        self.url = f"{viewer.addresses.host}/{login}"
