"""The lines that a commit changed in a file."""

from __future__ import annotations

import difflib
import itertools
from dataclasses import dataclass

from astrago_actions.sandbox.github.git_objects import (
    Change,
    Entry,
)
from astrago_actions.sandbox.github.git_store import (
    GitStore,
)


@dataclass(frozen=True)
class Difference:
    """One changed file: its unified diff without the file names, empty for binary files."""

    change: Change
    patch: tuple[str, ...]

    @property
    def added(self) -> int:
        """How many lines are new."""
        return sum(line.startswith("+") for line in self.patch)

    @property
    def removed(self) -> int:
        """How many lines are gone."""
        return sum(line.startswith("-") for line in self.patch)


def differences(
    store: GitStore, before: str | None, after: str, most: int = 300
) -> list[Difference]:
    """The files that differ between two trees (None: nothing), at most `most` of them."""
    changes = itertools.islice(store.changes(before, after), most)
    return [Difference(change, _patch(store, change)) for change in changes]


def _patch(store: GitStore, change: Change) -> tuple[str, ...]:
    before, after = _lines(store, change.before), _lines(store, change.after)
    if before is None or after is None:
        return ()
    return tuple(itertools.islice(difflib.unified_diff(before, after, lineterm=""), 2, None))


def _lines(store: GitStore, entry: Entry | None) -> list[str] | None:
    if entry is None:
        return []
    if entry.kind != "blob":
        return None
    try:
        return store.blob(entry.sha).decode().split("\n")
    except UnicodeDecodeError:
        return None
