"""What the sandbox's Argo CD needs of the world: a git server and a registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import urlsplit


class GitSource(Protocol):
    """A git server; repositories are named `owner/name`."""

    def head(self, repository_full_name: str, branch: str) -> str:
        """The commit that a branch points to; raises KeyError when there is no such branch."""

    def read(self, full_name: str, revision: str, path: str) -> bytes:
        """A file's content at a commit; raises KeyError when it is not there."""

    def files(self, full_name: str, revision: str) -> Sequence[str]:
        """The paths of all files at a commit."""

    def is_ancestor(self, full_name: str, ancestor: str, descendant: str) -> bool:
        """Whether `descendant` contains `ancestor`."""

    def subscribe(self, callback: Callable[[str, str, str], None]) -> None:
        """Call `callback(full_name, branch, sha)` after every push."""


class ImageSource(Protocol):
    """A registry."""

    def digest_of(self, repository: str, tag: str) -> str | None:
        """The digest of a tag, or None when there is no such image."""


def full_name_of(repository_url: str) -> str:
    """`owner/name` of a repository's address."""
    if "://" in repository_url:
        path = urlsplit(repository_url).path
    else:
        path = repository_url.partition(":")[2]
    return path.strip("/").removesuffix(".git")
