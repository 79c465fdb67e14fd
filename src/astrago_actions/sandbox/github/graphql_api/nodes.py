"""What GraphQL shows: one class per type, one method or property per field, in snake case."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from astrago_actions.sandbox.github import access, present
from astrago_actions.sandbox.github.git_store import (
    HEADS,
    Commit,
    Entry,
    GitStore,
    Missing,
    Signature,
)
from astrago_actions.sandbox.github.graphql_api.errors import (
    GraphQLRefusal,
    unprocessable,
    unresolved,
)
from astrago_actions.sandbox.github.hub import Hub
from astrago_actions.sandbox.github.present import Addresses
from astrago_actions.sandbox.github.records import Allowance, PullRequest, Token, seconds, timestamp
from astrago_actions.sandbox.github.repository import Repository

Node = TypeVar("Node")

LARGEST_TEXT = 512_000
MOST_NODES = 100
_CURSOR = "cursor:"


@dataclass(frozen=True)
class Viewer:
    """Who asks, of which server; `allowance` is what the token had left."""

    hub: Hub
    token: Token | None
    addresses: Addresses
    allowance: Allowance


@dataclass(frozen=True)
class Connection:
    """One page of a list; `total_count` counts all pages."""

    nodes: list[Any]
    total_count: int
    page_info: PageInfo


@dataclass(frozen=True)
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


def connection(
    things: Iterable[Node], shown: Callable[[Node], Any], first: int | None, after: str | None
) -> Connection:
    """The page of `first` things after a cursor; GitHub insists on `first`, at most 100."""
    if first is None:
        raise GraphQLRefusal(
            "MISSING_PAGINATION_BOUNDARIES",
            "You must provide a `first` or `last` value to properly paginate the connection.",
        )
    if not 0 <= first <= MOST_NODES:
        raise GraphQLRefusal(
            "EXCESSIVE_PAGINATION",
            f"Requesting {first} records on the connection exceeds the `first` limit of "
            f"{MOST_NODES} records.",
        )
    every = list(things)
    start = _position(after)
    page = every[start : start + first]
    info = PageInfo(
        has_next_page=start + first < len(every),
        has_previous_page=start > 0,
        start_cursor=_cursor(start + 1) if page else None,
        end_cursor=_cursor(start + len(page)) if page else None,
    )
    return Connection([shown(each) for each in page], len(every), info)


def _cursor(position: int) -> str:
    return base64.b64encode(f"{_CURSOR}{position}".encode()).decode()


def _position(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor).decode().removeprefix(_CURSOR))
    except ValueError as error:
        raise GraphQLRefusal(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        ) from error


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


class UserNode:
    """An account."""

    typename = "User"

    def __init__(self, viewer: Viewer, login: str) -> None:
        self.login = login
        self.database_id = present.number_of(login)
        self.id = present.node_id("U", self.database_id)
        self.url = f"{viewer.addresses.host}/{login}"


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
            sha = self.store.ref(name) if name.startswith("refs/") else None
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
        return connection(found, lambda ref: ref, first, after)

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
        return connection(wanted, lambda each: each, first, after)

    def label(self, name: str) -> LabelNode | None:
        """A label that some pull request carries."""
        known = {label for pull in self.record.pulls.values() for label in pull.labels}
        return LabelNode(self, name) if name in known else None

    def _must_read_contents(self) -> None:
        if not access.may(self.viewer.token, self.record, "contents=read"):
            token = self.viewer.token
            message = access.refused_words(token) if token else "Requires authentication"
            raise GraphQLRefusal("FORBIDDEN", message, {"saml_failure": False})


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
        return connection(self.commit.parents, self._node, first, after)

    def history(
        self,
        first: int | None = None,
        after: str | None = None,
        path: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Connection:
        """It and its ancestors, newest first."""
        found = self._history(path or "", _moment(since, 0), _moment(until, float("inf")))
        return connection(found, lambda each: self._node(each.sha), first, after)

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
            self.record.labels, lambda name: LabelNode(self.repository, name), first, after
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
