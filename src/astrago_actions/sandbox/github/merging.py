"""Bringing the changes of one commit onto another: whole files first, then lines."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from astrago_actions.sandbox.github.git_objects import (
    Change,
    Entry,
)
from astrago_actions.sandbox.github.git_store import (
    GitStore,
)

Region = tuple[int, int, list[bytes]]


class Conflicting(Exception):
    """Both sides changed the same lines, or the same file in ways that cannot be joined."""


def merged_tree(store: GitStore, base: str | None, ours: str, theirs: str) -> str:
    """The tree that has the changes from `base` to `theirs` on top of `ours`; all are trees.

    Raises Conflicting.
    """
    own = {change.path: change for change in store.changes(base, ours)}
    joined: dict[str, Entry | None] = {}
    for change in store.changes(base, theirs):
        mine = own.get(change.path)
        if mine is None:
            joined[change.path] = change.after
        elif mine.after != change.after:
            joined[change.path] = _joined_file(store, mine, change)
    return store.write_tree(ours, joined)


def _joined_file(store: GitStore, mine: Change, other: Change) -> Entry:
    if mine.before is None or mine.after is None or other.after is None:
        raise Conflicting(mine.path)
    sides = [store.blob(each.sha) for each in (mine.before, mine.after, other.after)]
    base, ours, theirs = (side.splitlines(keepends=True) for side in sides)
    return Entry(mine.path, mine.after.mode, store.write_blob(joined_lines(base, ours, theirs)))


def joined_lines(base: list[bytes], ours: list[bytes], theirs: list[bytes]) -> bytes:
    """`base` with the changes of both sides; raises Conflicting where they meet."""
    regions = sorted({*_regions(base, ours), *_regions(base, theirs)})
    result: list[bytes] = []
    position = 0
    for start, end, lines in regions:
        if start < position:
            raise Conflicting
        result += [*base[position:start], *lines]
        position = end
    return b"".join([*result, *base[position:]])


def _regions(base: list[bytes], side: list[bytes]) -> Iterator[tuple[int, int, tuple[bytes, ...]]]:
    matcher = difflib.SequenceMatcher(None, base, side, autojunk=False)
    for kind, start, end, first, last in matcher.get_opcodes():
        if kind != "equal":
            yield start, end, tuple(side[first:last])
