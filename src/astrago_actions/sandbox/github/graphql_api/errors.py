"""GraphQL refusals as GitHub words them: on HTTP 200, the kind beside the path."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

from astrago_actions.sandbox.github.access import refused_words
from astrago_actions.sandbox.github.errors import ARCHIVED_TEXT, SSO_TEXT
from astrago_actions.sandbox.github.records import Token


class GraphQLRefusal(GraphQLError):
    """A field that GitHub does not fulfil; `kind` is GitHub's error type."""

    def __init__(self, kind: str, message: str, extensions: dict[str, Any] | None = None) -> None:
        super().__init__(message, extensions=extensions)
        self.kind = kind


def stale(expected: str) -> GraphQLRefusal:
    """The branch has moved on; GitHub names the head that was expected."""
    return GraphQLRefusal(
        "STALE_DATA",
        f'Expected branch to point to "{expected}" but it did not.  Pull and try again.',
    )


def unresolved(kind: str, name: str) -> GraphQLRefusal:
    """Nothing of this name is there to be seen, as for a repository."""
    return GraphQLRefusal("NOT_FOUND", f"Could not resolve to a {kind} with the name '{name}'.")


def unresolved_id(identifier: str) -> GraphQLRefusal:
    """No thing has this node id."""
    return GraphQLRefusal(
        "NOT_FOUND", f"Could not resolve to a node with the global id of '{identifier}'"
    )


def forbidden(token: Token | None, mutation: str) -> GraphQLRefusal:
    """The token lacks the permission; `mutation` as in `CreateCommitOnBranch`."""
    if token is None or token.kind == "classic":
        login = token.login if token else "anonymous"
        message = f"{login} does not have the correct permissions to execute `{mutation}`"
        return GraphQLRefusal("FORBIDDEN", message)
    return GraphQLRefusal("FORBIDDEN", refused_words(token), {"saml_failure": False})


def single_sign_on() -> GraphQLRefusal:
    """The token is not authorised for the organization's single sign-on."""
    return GraphQLRefusal("FORBIDDEN", SSO_TEXT, {"saml_failure": True})


def archived() -> GraphQLRefusal:
    """The repository is read-only."""
    return GraphQLRefusal("UNPROCESSABLE", ARCHIVED_TEXT)


def unprocessable(message: str) -> GraphQLRefusal:
    """The request is understood and makes no sense."""
    return GraphQLRefusal("UNPROCESSABLE", message)
