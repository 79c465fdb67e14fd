"""The repository as GraphQL shows it, and the root of every query.

Each class is one type of the schema, each method or attribute one field, in snake case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from astrago_actions.sandbox.github import access, present
from astrago_actions.sandbox.github.git_objects import HEADS, Missing
from astrago_actions.sandbox.github.git_store import GitStore
from astrago_actions.sandbox.github.graphql_api.errors import GraphQLRefusal, unresolved
from astrago_actions.sandbox.github.graphql_api.git_nodes import RefNode, git_object
from astrago_actions.sandbox.github.graphql_api.paging import Connection, connection
from astrago_actions.sandbox.github.graphql_api.pull_nodes import LabelNode, PullRequestNode
from astrago_actions.sandbox.github.graphql_api.viewer import UserNode, Viewer
from astrago_actions.sandbox.github.records import timestamp
from astrago_actions.sandbox.github.repository import Repository


class QueryRoot:
    """The fields of `Query`."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer

    def repository(self, owner: str, name: str, follow_renames: bool = True) -> RepositoryNode:  # noqa: ARG002, FBT001, FBT002 - GitHub's argument
        """One repository that the token can see."""
        return seen_repository(self._viewer, f"{owner}/{name}")

    def viewer(self) -> UserNode:
        """The account behind the token."""
        token = self._viewer.token
        return UserNode(self._viewer, token.login if token else "anonymous")

    def rate_limit(self, dry_run: bool = False) -> dict[str, Any]:  # noqa: ARG002, FBT001, FBT002 - GitHub's argument
        """What is left of the token's hour."""
        now = self._viewer.allowance
        return {
            "cost": 1,
            "limit": now.limit,
            "nodeCount": 1,
            "remaining": max(now.remaining, 0),
            "resetAt": timestamp(now.reset_at),
            "used": now.limit - max(now.remaining, 0),
        }


def seen_repository(viewer: Viewer, full_name: str) -> RepositoryNode:
    """The repository, or GitHub's refusal to say that it exists."""
    try:
        found = access.visible(viewer.hub, viewer.token, full_name)
    except Missing as error:
        raise unresolved("Repository", full_name) from error
    return RepositoryNode(viewer, found)


class RepositoryNode:
    """A repository."""

    typename = "Repository"

    def __init__(self, viewer: Viewer, record: Repository) -> None:
        self.viewer = viewer
        self.record = record
        self.id = present.node_id("R", record.number)
        self.database_id = record.number
        self.name = record.name
        self.name_with_owner = record.full_name
        self.is_archived = record.archived
        self.is_private = record.private
        self.auto_merge_allowed = record.allow_auto_merge
        self.created_at = timestamp(record.created_at)
        self.url = viewer.addresses.page(record)
        self._refs: dict[str, str | None] = {}

    @property
    def store(self) -> GitStore:
        """Its git objects."""
        return self.record.store

    def owner(self) -> UserNode:
        """The account that it belongs to."""
        return UserNode(self.viewer, self.record.owner)

    def viewer_permission(self) -> str:
        """What the token may do with it, as a role."""
        token, name = self.viewer.token, self.record.full_name
        if token and token.allows(name, "administration", "write"):
            return "ADMIN"
        return "WRITE" if token and token.allows(name, "contents", "write") else "READ"

    def default_branch_ref(self) -> RefNode | None:
        """The branch that HEAD points to."""
        return self.ref(self.store.default_ref())

    def ref(self, qualified_name: str) -> RefNode | None:
        """A branch or tag; short names mean branches first."""
        self._must_read_contents()
        for prefix in ("", "refs/", HEADS, "refs/tags/"):
            name = prefix + qualified_name
            sha = self._shown(name) if name.startswith("refs/") else None
            if sha:
                return RefNode(self, name, sha)
        return None

    def refs(
        self,
        ref_prefix: str,
        first: int | None = None,
        after: str | None = None,
        query: str | None = None,
        direction: str | None = None,
        order_by: dict[str, str] | None = None,
    ) -> Connection:
        """Refs below a prefix whose name contains `query`."""
        self._must_read_contents()
        found = [
            RefNode(self, name, sha)
            for name, sha in self.store.refs(ref_prefix).items()
            if (query or "").lower() in name.removeprefix(ref_prefix).lower()
        ]
        order = order_by or {"field": "ALPHABETICAL", "direction": direction or "ASC"}
        if order["field"] == "TAG_COMMIT_DATE":
            found.sort(key=lambda ref: self.store.commit(self.store.resolve(ref.sha)).committer.at)
        if order["direction"] == "DESC":
            found.reverse()
        return connection(lambda: found, lambda ref: ref, first, after)

    def object(self, expression: str | None = None, oid: str | None = None) -> Any:
        """A git object by `revision`, `revision:path` or id; nothing when it is not there."""
        self._must_read_contents()
        try:
            if oid is not None:
                return git_object(self, oid)
            revision, colon, path = (expression or "").partition(":")
            commit = self.store.resolve(revision or "HEAD")
            if not colon:
                return git_object(self, commit)
            return git_object(self, self.store.entry(self.store.commit(commit).tree, path).sha)
        except Missing:
            return None

    def pull_request(self, number: int) -> PullRequestNode:
        """One pull request."""
        found = self.record.pulls.get(number)
        if found is None:
            message = f"Could not resolve to a PullRequest with the number of {number}."
            raise GraphQLRefusal("NOT_FOUND", message)
        return PullRequestNode(self, found)

    def pull_requests(
        self,
        first: int | None = None,
        after: str | None = None,
        states: Sequence[str] | None = None,
        head_ref_name: str | None = None,
        base_ref_name: str | None = None,
    ) -> Connection:
        """Pull requests, oldest first."""
        found = [
            PullRequestNode(self, each)
            for each in self.record.pulls.values()
            if head_ref_name in {None, each.head} and base_ref_name in {None, each.base}
        ]
        wanted = [each for each in found if states is None or each.state in states]
        return connection(lambda: wanted, lambda each: each, first, after)

    def label(self, name: str) -> LabelNode | None:
        """A label that some pull request carries."""
        known = {label for pull in self.record.pulls.values() for label in pull.labels}
        return LabelNode(self, name) if name in known else None

    def _shown(self, name: str) -> str | None:
        """What a full ref name points to, the same all through one query."""
        if name not in self._refs:
            self._refs[name] = self.record.shown(name)
        return self._refs[name]

    def _must_read_contents(self) -> None:
        if not access.may(self.viewer.token, self.record, "contents=read"):
            token = self.viewer.token
            message = access.refused_words(token) if token else "Requires authentication"
            raise GraphQLRefusal("FORBIDDEN", message, {"saml_failure": False})
