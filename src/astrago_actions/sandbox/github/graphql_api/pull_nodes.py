"""Pull requests and labels as GraphQL shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.graphql_api.git_nodes import CommitNode
from astrago_actions.sandbox.github.graphql_api.paging import Connection, connection
from astrago_actions.sandbox.github.graphql_api.viewer import UserNode
from astrago_actions.sandbox.github.records import PullRequest, timestamp

if TYPE_CHECKING:
    from astrago_actions.sandbox.github.graphql_api.nodes import RepositoryNode


class LabelNode:
    """A label."""

    typename = "Label"

    def __init__(self, repository: RepositoryNode, name: str) -> None:
        self.repository = repository
        self.name = name
        self.id = present.label_id(name)
        self.color = "ededed"
        self.description = None
        self.is_default = False
        self.url = repository.viewer.addresses.page(repository.record, f"/labels/{name}")


class PullRequestNode:
    """A pull request."""

    typename = "PullRequest"

    def __init__(self, repository: RepositoryNode, record: PullRequest) -> None:
        self.repository = repository
        self.record = record
        self.id = present.node_id("PR", record.id)
        self.database_id = record.id
        self.number = record.number
        self.title = record.title
        self.body = record.body
        self.is_draft = record.draft
        self.merged = record.merged_at is not None
        self.closed = record.state == "closed"
        self.state = "MERGED" if self.merged else record.state.upper()
        self.created_at = timestamp(record.created_at)
        self.updated_at = timestamp(record.updated_at)
        self.merged_at = None if record.merged_at is None else timestamp(record.merged_at)
        self.closed_at = None if record.closed_at is None else timestamp(record.closed_at)
        self.head_ref_name = record.head
        self.base_ref_name = record.base
        self.url = repository.viewer.addresses.page(repository.record, f"/pull/{record.number}")

    def head_ref_oid(self) -> str:
        """The newest commit of its branch."""
        return self._head_of(self.record.head) or self.record.head_sha

    def base_ref_oid(self) -> str:
        """The newest commit of the branch that it goes to."""
        return self._head_of(self.record.base) or self.record.base_sha

    def mergeable(self) -> str:
        """Whether it can be merged; not known once it is closed."""
        return "UNKNOWN" if self.closed else "MERGEABLE"

    def merge_commit(self) -> CommitNode | None:
        """The commit that merged it."""
        sha = self.record.merge_sha
        return CommitNode(self.repository, sha) if sha else None

    def author(self) -> UserNode:
        """Who opened it."""
        return UserNode(self.repository.viewer, self.record.author)

    def labels(self, first: int | None = None, after: str | None = None) -> Connection:
        """Its labels."""
        return connection(
            lambda: self.record.labels,
            lambda name: LabelNode(self.repository, name),
            first,
            after,
        )

    def auto_merge_request(self) -> dict[str, Any] | None:
        """How it merges by itself, if it does."""
        if self.record.auto_merge is None:
            return None
        return {
            "enabledBy": UserNode(self.repository.viewer, self.record.auto_merge_by),
            "mergeMethod": self.record.auto_merge,
            "pullRequest": self,
        }

    def _head_of(self, branch: str) -> str | None:
        return None if self.closed else self.repository.record.head(branch)
