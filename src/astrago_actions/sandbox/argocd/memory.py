"""Git and a registry as plain dictionaries, for tests and benchmarks of Argo CD alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping


class MemoryGit:
    """Repositories whose commits are snapshots; a GitSource."""

    def __init__(self) -> None:
        self._snapshots: dict[str, dict[str, bytes]] = {}
        self._parents: dict[str, str] = {}
        self._heads: dict[tuple[str, str], str] = {}
        self._callbacks: list[Callable[[str, str, str], None]] = []

    def commit(self, full_name: str, branch: str, changes: Mapping[str, str]) -> str:
        """Add a commit that changes these files (path -> text); returns its SHA."""
        return self._add(full_name, branch, changes, self._heads.get((full_name, branch), ""))

    def rewrite(self, full_name: str, branch: str, onto: str, changes: Mapping[str, str]) -> str:
        """Let the branch be `onto` and one commit more, as a forced push does."""
        return self._add(full_name, branch, changes, onto)

    def _add(self, full_name: str, branch: str, changes: Mapping[str, str], parent: str) -> str:
        files = dict(self._snapshots.get(parent, {}))
        files.update({path: text.encode() for path, text in changes.items()})
        seed = f"{parent}{branch}{len(self._snapshots)}{sorted(files.items())}"
        sha = hashlib.sha1(seed.encode(), usedforsecurity=False).hexdigest()
        self._snapshots[sha], self._parents[sha] = files, parent
        self._heads[full_name, branch] = sha
        for callback in self._callbacks:
            callback(full_name, branch, sha)
        return sha

    def head(self, repository_full_name: str, branch: str) -> str:
        """The commit that a branch points to; `HEAD` is the repository's only or first branch."""
        if branch == "HEAD":
            branch = next(each for name, each in self._heads if name == repository_full_name)
        return self._heads[repository_full_name, branch]

    def read(self, full_name: str, revision: str, path: str) -> bytes:  # noqa: ARG002 - the protocol
        """A file's content at a commit."""
        return self._snapshots[revision][path]

    def files(self, full_name: str, revision: str) -> list[str]:  # noqa: ARG002 - the protocol
        """The paths of all files at a commit."""
        return sorted(self._snapshots[revision])

    def is_ancestor(self, full_name: str, ancestor: str, descendant: str) -> bool:  # noqa: ARG002
        """Whether `descendant` contains `ancestor`."""
        while descendant and descendant != ancestor:
            descendant = self._parents.get(descendant, "")
        return bool(descendant)

    def subscribe(self, callback: Callable[[str, str, str], None]) -> None:
        """Call back after every commit."""
        self._callbacks.append(callback)

    def compare(self, base: str, head: str) -> str:
        """What GitHub's comparison of two commits, or of a commit and a branch, says."""
        head = next((sha for (_, name), sha in self._heads.items() if name == head), head)
        if base == head:
            return "identical"
        if self.is_ancestor("", base, head):
            return "ahead"
        return "behind" if self.is_ancestor("", head, base) else "diverged"


class MemoryRegistry:
    """A registry that has every image but those in `missing` (`repository:tag`)."""

    def __init__(self) -> None:
        self.missing: set[str] = set()

    def digest_of(self, repository: str, tag: str) -> str | None:
        """The digest of a tag, or None."""
        name = f"{repository}:{tag}"
        if name in self.missing:
            return None
        return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
