"""What every mutation asks first: which thing is meant, and whether the token may change it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from astrago_actions.sandbox.github import access, pulls
from astrago_actions.sandbox.github.graphql_api.errors import (
    GraphQLRefusal,
    archived,
    forbidden,
    single_sign_on,
    unprocessable,
    unresolved_id,
)
from astrago_actions.sandbox.github.graphql_api.git_nodes import (
    RefNode,
)
from astrago_actions.sandbox.github.graphql_api.nodes import (
    RepositoryNode,
    seen_repository,
)
from astrago_actions.sandbox.github.graphql_api.pull_nodes import (
    PullRequestNode,
)
from astrago_actions.sandbox.github.graphql_api.viewer import (
    Viewer,
)
from astrago_actions.sandbox.github.rules import CLASSIC, ruleset_text

Input = Mapping[str, Any]


def echo(given: Input) -> dict[str, Any]:
    """The part of every payload that only repeats what was sent."""
    return {"clientMutationId": given.get("clientMutationId")}


def repository_by_id(viewer: Viewer, identifier: str) -> RepositoryNode:
    """The repository with this node id, if the token can see it."""
    for record in viewer.hub.repositories():
        if identifier == f"R_{record.number}":
            return seen_repository(viewer, record.full_name)
    raise unresolved_id(identifier)


def ref_by_id(viewer: Viewer, identifier: str) -> RefNode:
    """The ref with this node id."""
    try:
        packed = base64.urlsafe_b64decode(identifier.removeprefix("REF_").encode()).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise unresolved_id(identifier) from error
    number, _, name = packed.partition(":")
    repository = repository_by_id(viewer, f"R_{number}")
    sha = repository.store.ref(name)
    if sha is None:
        raise unresolved_id(identifier)
    return RefNode(repository, name, sha)


def pull_by_id(viewer: Viewer, identifier: str) -> PullRequestNode:
    """The pull request with this node id."""
    for record in viewer.hub.repositories():
        for pull in record.pulls.values():
            if identifier == f"PR_{pull.id}":
                repository = seen_repository(viewer, record.full_name)
                return PullRequestNode(repository, pulls.current(record, pull))
    raise unresolved_id(identifier)


def must_write(viewer: Viewer, repository: RepositoryNode, permission: str, mutation: str) -> None:
    """Raise GitHub's refusal unless the token has `permission`; `mutation` as in `CreateRef`."""
    token = viewer.token
    if token and token.sso_required:
        raise single_sign_on()
    if not access.may(token, repository.record, f"{permission}=write"):
        raise forbidden(token, mutation)
    if repository.record.archived:
        raise archived()


def must_obey_rules(viewer: Viewer, repository: RepositoryNode, branch: str) -> None:
    """Raise GitHub's refusal when a rule forbids direct commits to the branch."""
    found = repository.record.rule_against(branch, viewer.token)
    if found is None:
        return
    if found.rule in CLASSIC:
        raise GraphQLRefusal("BRANCH_PROTECTION_RULE_VIOLATION", CLASSIC[found.rule])
    raise unprocessable(ruleset_text(found.rule))
