"""Git objects as GraphQL shows them: refs, commits, folders, files."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.git_objects import Commit, Entry, Missing, Signature
from astrago_actions.sandbox.github.graphql_api.errors import unprocessable
from astrago_actions.sandbox.github.graphql_api.paging import Connection, connection
from astrago_actions.sandbox.github.graphql_api.viewer import UserNode, Viewer
from astrago_actions.sandbox.github.records import seconds, timestamp

if TYPE_CHECKING:
    from astrago_actions.sandbox.github.graphql_api.nodes import RepositoryNode

LARGEST_TEXT = 512_000


class RefNode:
    """A branch or tag."""

    typename = "Ref"

    def __init__(self, repository: RepositoryNode, full_name: str, sha: str) -> None:
        self.repository = repository
        self.full_name = full_name
        self.sha = sha
        self.prefix = "/".join(full_name.split("/")[:2]) + "/"
        self.name = full_name.removeprefix(self.prefix)
        packed = base64.urlsafe_b64encode(f"{repository.record.number}:{full_name}".encode())
        self.id = present.node_id("REF", packed.decode())

    def target(self) -> Any:
        """What it points to."""
        return git_object(self.repository, self.repository.store.resolve(self.sha))


def git_object(repository: RepositoryNode, sha: str) -> Any:
    """The node for an object id; raises Missing."""
    kind = repository.store.kind(sha)
    if kind == "tag":
        return git_object(repository, repository.store.resolve(sha))
    makers = {"commit": CommitNode, "tree": TreeNode, "blob": BlobNode}
    return makers[kind](repository, sha)


class CommitNode:
    """A commit."""

    typename = "Commit"

    def __init__(self, repository: RepositoryNode, sha: str) -> None:
        self.repository = repository
        self.oid = sha
        self.abbreviated_oid = sha[:7]
        self.id = present.node_id("C", f"{repository.record.number}_{sha}")
        self.commit: Commit = repository.store.commit(sha)
        self.message = self.commit.message
        headline, _, body = self.message.partition("\n")
        self.message_headline = headline
        self.message_body = body.lstrip("\n")
        self.authored_date = timestamp(self.commit.author.at)
        self.committed_date = timestamp(self.commit.committer.at)
        self.resource_path = f"/{repository.record.full_name}/commit/{sha}"
        self.url = f"{repository.viewer.addresses.host}{self.resource_path}"

    def author(self) -> dict[str, Any]:
        """Who wrote it."""
        return _git_actor(self.repository.viewer, self.commit.author)

    def committer(self) -> dict[str, Any]:
        """Who committed it."""
        return _git_actor(self.repository.viewer, self.commit.committer)

    def tree(self) -> TreeNode:
        """Its root folder."""
        return TreeNode(self.repository, self.commit.tree)

    def file(self, path: str) -> TreeEntryNode | None:
        """The entry at a path; nothing when it is not there."""
        try:
            entry = self.repository.store.entry(self.commit.tree, path)
        except Missing:
            return None
        return TreeEntryNode(self.repository, entry)

    def parents(self, first: int | None = None, after: str | None = None) -> Connection:
        """The commits that it was made on."""
        return connection(lambda: self.commit.parents, self._node, first, after)

    def history(
        self,
        first: int | None = None,
        after: str | None = None,
        path: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Connection:
        """It and its ancestors, newest first."""
        start, end = _moment(since, 0), _moment(until, float("inf"))
        return connection(
            lambda: self._history(path or "", start, end),
            lambda each: self._node(each.sha),
            first,
            after,
        )

    def _history(self, path: str, first: float, last: float) -> Iterator[Commit]:
        for each in self.repository.store.history(self.oid, path):
            if first <= each.committer.at <= last:
                yield each

    def _node(self, sha: str) -> CommitNode:
        return CommitNode(self.repository, sha)


class TreeNode:
    """A folder."""

    typename = "Tree"

    def __init__(self, repository: RepositoryNode, sha: str) -> None:
        self.repository = repository
        self.oid = sha
        self.abbreviated_oid = sha[:7]
        self.id = present.node_id("T", f"{repository.record.number}_{sha}")

    def entries(self) -> list[TreeEntryNode]:
        """What is in it."""
        return [
            TreeEntryNode(self.repository, each) for each in self.repository.store.tree(self.oid)
        ]


class TreeEntryNode:
    """One entry of a folder."""

    typename = "TreeEntry"

    def __init__(self, repository: RepositoryNode, entry: Entry) -> None:
        self.repository = repository
        self.mode = entry.mode
        self.name = entry.name
        self.oid = entry.sha
        self.path = entry.path
        self.type = entry.kind
        self.extension = f".{entry.name.rpartition('.')[2]}" if "." in entry.name else ""

    def object(self) -> Any:
        """The blob or folder; nothing for a submodule."""
        return None if self.type == "commit" else git_object(self.repository, self.oid)

    def size(self) -> int:
        """Bytes; 0 for what is not a file."""
        return len(self.repository.store.blob(self.oid)) if self.type == "blob" else 0


class BlobNode:
    """The bytes of a file; long text is cut, binary has none."""

    typename = "Blob"

    def __init__(self, repository: RepositoryNode, sha: str) -> None:
        self.repository = repository
        self.oid = sha
        self.abbreviated_oid = sha[:7]
        self.id = present.node_id("B", f"{repository.record.number}_{sha}")
        data = repository.store.blob(sha)
        self.byte_size = len(data)
        self.is_binary = b"\0" in data[:8000]
        self.is_truncated = not self.is_binary and len(data) > LARGEST_TEXT
        shown = data[:LARGEST_TEXT]
        self.text = None if self.is_binary else shown.decode("utf-8", _cut_or_replaced(shown, data))


def _cut_or_replaced(shown: bytes, data: bytes) -> str:
    """A character cut in two at the limit is dropped; other broken bytes are replaced."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return "replace"
    return "ignore" if len(shown) < len(data) else "strict"


def _git_actor(viewer: Viewer, who: Signature) -> dict[str, Any]:
    account = present.account_of(viewer.addresses, who)
    return {
        "name": who.person.name,
        "email": who.person.email,
        "date": timestamp(who.at),
        "user": UserNode(viewer, account["login"]) if account else None,
    }


def _moment(text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        return seconds(text)
    except ValueError as error:
        raise unprocessable(f"{text} is not a time.") from error
