"""What GraphQL changes; each mutation reads, checks and writes under the repository's lock."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from astrago_actions.sandbox.github import access
from astrago_actions.sandbox.github.git_store import HEADS, Entry, Missing, Moved, Signature
from astrago_actions.sandbox.github.graphql_api.errors import (
    GraphQLRefusal,
    archived,
    forbidden,
    single_sign_on,
    stale,
    unprocessable,
    unresolved_id,
)
from astrago_actions.sandbox.github.graphql_api.nodes import (
    CommitNode,
    RefNode,
    RepositoryNode,
    Viewer,
    seen_repository,
)
from astrago_actions.sandbox.github.records import Person
from astrago_actions.sandbox.github.repository import GITHUB, WORKFLOWS
from astrago_actions.sandbox.github.rules import CLASSIC, ruleset_text

Input = Mapping[str, Any]


class MutationRoot:
    """The fields of `Mutation`; the argument is GitHub's input object."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer

    def create_commit_on_branch(self, input: Input) -> dict[str, Any]:  # noqa: A002 - GitHub's name
        """One commit of several files on a branch, if its head is still the expected one."""
        repository, branch = self._committable(input["branch"])
        self._must_write(repository, "contents", "CreateCommitOnBranch")
        with repository.store.lock:
            return {**_echo(input), **self._commit(repository, branch, input)}

    def _commit(self, repository: RepositoryNode, branch: str, given: Input) -> dict[str, Any]:
        head = repository.record.head(branch)
        if head is None:
            raise GraphQLRefusal("NOT_FOUND", f"No such branch: {branch}")
        self._must_obey_rules(repository, branch)
        expected = given["expectedHeadOid"].lower()
        if head != expected:
            raise stale(given["expectedHeadOid"])
        changes = self._changes(repository, head, given.get("fileChanges") or {})
        self._must_keep_workflows(repository, changes)
        now = int(self._viewer.hub.clock.now())
        author = Signature(Person.of(self._login), now)
        try:
            commit = repository.record.commit(
                branch, head, changes, _message(given["message"]), author, Signature(GITHUB, now)
            )
        except Moved as error:
            raise stale(given["expectedHeadOid"]) from error
        return {
            "commit": CommitNode(repository, commit.sha),
            "ref": RefNode(repository, HEADS + branch, commit.sha),
        }

    @property
    def _login(self) -> str:
        return self._viewer.token.login if self._viewer.token else ""

    def _committable(self, branch: Input) -> tuple[RepositoryNode, str]:
        """The repository and branch that the input means: by name or by the id of its ref."""
        name, full_name = branch.get("branchName"), branch.get("repositoryNameWithOwner")
        if branch.get("id"):
            found = self._ref(branch["id"])
            return found.repository, found.name
        if not name or not full_name:
            raise unprocessable("A branch must be given by id, or by repository and name.")
        return seen_repository(self._viewer, full_name), str(name).removeprefix(HEADS)

    def _ref(self, identifier: str) -> RefNode:
        try:
            packed = base64.urlsafe_b64decode(identifier.removeprefix("REF_").encode()).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise unresolved_id(identifier) from error
        number, _, name = packed.partition(":")
        repository = self._repository(f"R_{number}")
        sha = repository.store.ref(name)
        if sha is None:
            raise unresolved_id(identifier)
        return RefNode(repository, name, sha)

    def _repository(self, identifier: str) -> RepositoryNode:
        for record in self._viewer.hub.repositories():
            if identifier == f"R_{record.number}":
                return seen_repository(self._viewer, record.full_name)
        raise unresolved_id(identifier)

    def _must_write(self, repository: RepositoryNode, permission: str, mutation: str) -> None:
        token = self._viewer.token
        if token and token.sso_required:
            raise single_sign_on()
        if not access.may(token, repository.record, f"{permission}=write"):
            raise forbidden(token, mutation)
        if repository.record.archived:
            raise archived()

    def _must_obey_rules(self, repository: RepositoryNode, branch: str) -> None:
        found = repository.record.rule_against(branch, self._viewer.token)
        if found is None:
            return
        if found.rule in CLASSIC:
            raise GraphQLRefusal("BRANCH_PROTECTION_RULE_VIOLATION", CLASSIC[found.rule])
        raise unprocessable(ruleset_text(found.rule))

    def _must_keep_workflows(
        self, repository: RepositoryNode, changes: Mapping[str, Entry | None]
    ) -> None:
        touched = any(path.startswith(WORKFLOWS) for path in changes)
        token = self._viewer.token
        if touched and not access.may(token, repository.record, "workflows=write"):
            raise forbidden(token, "CreateCommitOnBranch")

    def _changes(
        self, repository: RepositoryNode, head: str, given: Input
    ) -> dict[str, Entry | None]:
        changes: dict[str, Entry | None] = {}
        tree = repository.store.commit(head).tree
        for deletion in given.get("deletions") or []:
            path = _checked_path(deletion["path"])
            try:
                repository.store.entry(tree, path)
            except Missing as error:
                message = (
                    f"A path was requested for deletion which does not exist as of commit oid "
                    f"`{head}`"
                )
                raise GraphQLRefusal("NOT_FOUND", message) from error
            changes[path] = None
        for addition in given.get("additions") or []:
            path = _checked_path(addition["path"])
            content = base64.b64decode(addition["contents"])
            changes[path] = repository.record.regular_entry(path, content)
        return changes


def _echo(given: Input) -> dict[str, Any]:
    return {"clientMutationId": given.get("clientMutationId")}


def _message(given: Input) -> str:
    body = given.get("body") or ""
    return f"{given['headline']}\n\n{body}" if body else str(given["headline"])


def _checked_path(path: str) -> str:
    if not path or any(part in {"", ".", "..", ".git"} for part in path.split("/")):
        raise unprocessable(f"A path was specified which is invalid: `{path}`")
    return path
