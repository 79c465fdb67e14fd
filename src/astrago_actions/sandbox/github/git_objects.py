"""What git stores, as values: commits, tree entries, and the differences between trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from astrago_actions.sandbox.github.records import Person

REGULAR_FILE = 0o100644
EXECUTABLE = 0o100755
SYMBOLIC_LINK = 0o120000
FOLDER = 0o040000
SUBMODULE = 0o160000
KINDS: Mapping[int, Literal["tree", "commit"]] = {FOLDER: "tree", SUBMODULE: "commit"}
HEADS = "refs/heads/"


def can_hold_a_file(path: str) -> bool:
    """Whether git accepts a path: relative, without `.git`, dots, empty parts or a NUL."""
    return "\0" not in path and not any(part in {"", ".", "..", ".git"} for part in path.split("/"))


class Moved(Exception):
    """A ref is not where the writer thought; `actual` is None when it does not exist."""

    def __init__(self, ref: str, actual: str | None) -> None:
        super().__init__(f"{ref} is at {actual}")
        self.actual = actual


class Missing(Exception):
    """There is no such object, ref or path."""


@dataclass(frozen=True)
class Signature:
    """Who did something, and when (epoch seconds)."""

    person: Person
    at: int


@dataclass(frozen=True)
class Commit:
    """A commit as git stores it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True)
class Entry:
    """One entry of a tree; `path` is relative to the tree that was read."""

    path: str
    mode: int
    sha: str

    @property
    def kind(self) -> Literal["blob", "tree", "commit"]:
        """What the entry points to; a submodule points to a commit."""
        return KINDS.get(self.mode, "blob")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Change:
    """A file that differs between two trees; None is the side where it does not exist."""

    path: str
    before: Entry | None
    after: Entry | None

    @property
    def status(self) -> Literal["added", "removed", "modified"]:
        """What happened to the file."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "modified"

    @property
    def entry(self) -> Entry:
        """The file as it is, or as it was when it is gone."""
        found = self.after or self.before
        if found is None:
            raise Missing(self.path)
        return found
