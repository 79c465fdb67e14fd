"""`createCommitOnBranch`: several files in one commit, if the branch is where it was thought."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from astrago_actions.sandbox.github import access
from astrago_actions.sandbox.github.git_objects import (
    HEADS,
    Entry,
    Missing,
    Moved,
    Signature,
    can_hold_a_file,
)
from astrago_actions.sandbox.github.graphql_api.checks import (
    Input,
    echo,
    must_obey_rules,
    must_write,
    ref_by_id,
)
from astrago_actions.sandbox.github.graphql_api.errors import (
    GraphQLRefusal,
    forbidden,
    stale,
    unprocessable,
)
from astrago_actions.sandbox.github.graphql_api.git_nodes import (
    CommitNode,
    RefNode,
)
from astrago_actions.sandbox.github.graphql_api.nodes import (
    RepositoryNode,
    seen_repository,
)
from astrago_actions.sandbox.github.graphql_api.viewer import (
    Viewer,
)
from astrago_actions.sandbox.github.records import Person
from astrago_actions.sandbox.github.repository import GITHUB, WORKFLOWS

MUTATION = "CreateCommitOnBranch"


def create_commit_on_branch(viewer: Viewer, given: Input) -> dict[str, Any]:
    """Read the head, compare, and commit, with nobody in between."""
    repository, branch = _committable(viewer, given["branch"])
    must_write(viewer, repository, "contents", MUTATION)
    with repository.store.lock:
        head = repository.record.head(branch)
        if head is None:
            raise GraphQLRefusal("NOT_FOUND", f"No such branch: {branch}")
        must_obey_rules(viewer, repository, branch)
        if head != given["expectedHeadOid"].lower():
            raise stale(given["expectedHeadOid"])
        changes = _changes(repository, head, given.get("fileChanges") or {})
        _must_keep_workflows(viewer, repository, changes)
        try:
            sha = _commit(viewer, repository, branch, head, changes, given["message"])
        except Moved as error:
            raise stale(given["expectedHeadOid"]) from error
    return {
        **echo(given),
        "commit": CommitNode(repository, sha),
        "ref": RefNode(repository, HEADS + branch, sha),
    }


def _commit(
    viewer: Viewer,
    repository: RepositoryNode,
    branch: str,
    head: str,
    changes: Mapping[str, Entry | None],
    message: Input,
) -> str:
    """The token's owner is the author; GitHub commits and signs."""
    now = int(viewer.hub.clock.now())
    author = Signature(Person.of(viewer.token.login if viewer.token else ""), now)
    text = f"{message['headline']}\n\n{message.get('body') or ''}".rstrip("\n")
    made = repository.record.commit(branch, head, changes, text, author, Signature(GITHUB, now))
    return made.sha


def _committable(viewer: Viewer, branch: Input) -> tuple[RepositoryNode, str]:
    """The repository and branch that the input means: by name, or by the id of the ref."""
    if branch.get("id"):
        found = ref_by_id(viewer, branch["id"])
        return found.repository, found.name
    name, full_name = branch.get("branchName"), branch.get("repositoryNameWithOwner")
    if not name or not full_name:
        raise unprocessable("A branch must be given by id, or by repository and name.")
    return seen_repository(viewer, full_name), str(name).removeprefix(HEADS)


def _changes(repository: RepositoryNode, head: str, given: Input) -> dict[str, Entry | None]:
    changes: dict[str, Entry | None] = {}
    for deletion in given.get("deletions") or []:
        path = _checked_path(deletion["path"])
        _must_exist(repository, head, path)
        changes[path] = None
    for addition in given.get("additions") or []:
        path = _checked_path(addition["path"])
        content = base64.b64decode(addition["contents"])
        changes[path] = repository.record.regular_entry(path, content)
    return changes


def _must_exist(repository: RepositoryNode, head: str, path: str) -> None:
    try:
        repository.store.entry(repository.store.commit(head).tree, path)
    except Missing as error:
        message = (
            f"A path was requested for deletion which does not exist as of commit oid `{head}`"
        )
        raise GraphQLRefusal("NOT_FOUND", message) from error


def _must_keep_workflows(
    viewer: Viewer, repository: RepositoryNode, changes: Mapping[str, Entry | None]
) -> None:
    touched = any(path.startswith(WORKFLOWS) for path in changes)
    if touched and not access.may(viewer.token, repository.record, "workflows=write"):
        raise forbidden(viewer.token, MUTATION)


def _checked_path(path: str) -> str:
    if not can_hold_a_file(path):
        raise unprocessable(f"A path was specified which is invalid: `{path}`")
    return path
