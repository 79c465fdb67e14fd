"""The keys of a YAML text by line and indentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


class Irregular(ValueError):
    """A line does not explain itself; `position` is in it."""

    def __init__(self, position: int) -> None:
        super().__init__(f"irregular at {position}")
        self.position = position


@dataclass(slots=True)
class Entry:
    """A key, or a list's item (`key` is None), and the line that it begins on.

    `end` is where the lines of its own end. `parent` is the position of the entry that it belongs
    to, negative at the top of a document. `is_special` says that the value is anchored, tagged or
    an alias. `value` is the text on the entry's own lines as every reader takes it, empty where
    there is none; None where only a full reader can tell. `is_opaque` says that such a value has
    been read in full, and that all its lines are the entry's own.
    """

    key: str | None
    parent: int
    start: int
    end: int
    value: str | None = ""
    is_block: bool = False
    is_special: bool = False
    is_opaque: bool = False


@dataclass(slots=True)
class Outline:
    """All entries in the order of the text, and where its `---` lines are.

    `has_actions` says that `{{ … }}` stand in it where they are no strings.
    """

    entries: list[Entry] = field(default_factory=list)
    separators: list[tuple[int, int]] = field(default_factory=list)
    has_actions: bool = False
    _children: dict[tuple[int, str | None], list[int]] = field(default_factory=dict)

    def add(self, entry: Entry) -> int:
        """Append an entry and return its position."""
        position = len(self.entries)
        self.entries.append(entry)
        self._children.setdefault((entry.parent, entry.key), []).append(position)
        return position

    @property
    def top(self) -> int:
        """The parent of the current document's top entries: -1, then -2 and so on."""
        return -1 - len(self.separators)

    @property
    def tops(self) -> range:
        """The parents of the top entries of each document."""
        return range(-1, self.top - 1, -1)

    def children(self, parent: int, key: str | None) -> list[int]:
        """The entries with this key in a map, or for None the items of a list."""
        return self._children.get((parent, key), [])

    def ways(self, keys: tuple[str, ...]) -> list[list[list[int]]]:
        """For each document the entries that each further key may mean.

        A way ends with the first key that is not there exactly once.
        """
        return [self._way(keys, top) for top in self.tops]

    def _way(self, keys: tuple[str, ...], parent: int) -> list[list[int]]:
        steps: list[list[int]] = []
        for key in keys:
            found = self.children(parent, key)
            steps.append(found)
            if len(found) != 1:
                break
            parent = found[0]
        return steps

    def merge_beside(self, position: int) -> Entry | None:
        """The `<<` in the map that the entry is in."""
        found = self.children(self.entries[position].parent, "<<")
        return self.entries[found[0]] if found else None

    def is_childless(self, position: int) -> bool:
        """Whether the entry has no entries below it."""
        follower = position + 1
        return follower == len(self.entries) or self.entries[follower].parent != position

    def is_leaf(self, position: int) -> bool:
        """Whether the entry has no entries below it and is not a block of text."""
        return self.is_childless(position) and not self.entries[position].is_block

    def same_keys(self, other: Outline) -> bool:
        """Whether both texts have the same keys and items in the same order and depth."""
        return len(self.entries) == len(other.entries) and all(
            (ours.key, ours.parent, ours.is_block, ours.is_special)
            == (theirs.key, theirs.parent, theirs.is_block, theirs.is_special)
            for ours, theirs in zip(self.entries, other.entries, strict=True)
        )

    def within(self, position: int) -> Iterator[Entry]:
        """The entry and all entries below it."""
        yield self.entries[position]
        known = {position}
        for follower in range(position + 1, len(self.entries)):
            if self.entries[follower].parent not in known:
                return
            known.add(follower)
            yield self.entries[follower]

    def paths(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """The keys on the way to each value outside of lists, and where its line begins."""
        ways: list[tuple[str, ...] | None] = []
        for position, entry in enumerate(self.entries):
            above = ways[entry.parent] if entry.parent >= 0 else ()
            way = None if above is None or entry.key is None else (*above, entry.key)
            ways.append(way)
            if way is not None and self.is_leaf(position):
                yield way, entry.start
