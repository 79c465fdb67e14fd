"""The keys of a YAML text by line and indentation, for text whose every line explains itself.

A full reader needs some 60 microseconds a line. Most values files need none of its powers: each
line is blank, a comment, or `key: value` complete in itself, and only block scalars span lines.
For such text this module knows, without a doubt, which line holds which key; any other text has
no outline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from astrago_actions.domain.editing.tree import BYTE_ORDER_MARK

_DOUBLE = r'"(?:[^"\\\n]|\\(?:["\\/nrt]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}))*"'
_SINGLE = r"'(?:[^'\n]|'')*'"
_KEY = r"""(?:"[^"\\\n]*"|'[^'\n]*'|[^\s\-?:,\[\]{}\#&*!|>'"%@`][^\s:\#]*)"""
_PLAIN = (
    r"""(?:[^\s\-?:,\[\]{}\#&*!|>'"%@`]|-(?=\S))"""
    r"""[^\s:\#]*(?:(?::(?=\S)|(?<=\S)\#|[ ]+(?=[^\s\#]))[^\s:\#]*)*"""
)
_ITEM = rf"(?:[A-Za-z0-9_][\w./-]*|{_DOUBLE}|{_SINGLE})"
_PAIR = rf"[A-Za-z0-9_][\w./-]*:[ ]+{_ITEM}"
_FLOW = (
    rf"\[[ ]*(?:{_ITEM}(?:[ ]*,[ ]*{_ITEM})*)?[ ]*\]"
    rf"|\{{[ ]*(?:{_PAIR}(?:[ ]*,[ ]*{_PAIR})*)?[ ]*\}}"
)
_ALIAS = r"\*[\w.-]+"
_VALUE = rf"(?:{_PLAIN}|{_DOUBLE}|{_SINGLE}|{_FLOW}|{_ALIAS})"
_LINE = re.compile(
    rf"""
    (?P<indent>[ ]*)
    (?P<dashes>(?:-(?:[ ]+|(?=\r?\n|\Z)))*)
    (?:
        (?P<key>{_KEY}):
        (?:[ ]+(?P<anchor>&[\w.-]+)(?=\s|\Z))?
        (?:[ ]+(?:(?P<block>[|>][+-]?)|(?P<value>{_VALUE})))?
      | (?P<item_block>[|>][+-]?)
      | (?P<item>{_VALUE})
    )?
    (?:[ ]*(?<![^ \n])\#[^\n]*?|[ ]*)
    (?:\r?\n|\Z)
    """,
    re.VERBOSE,
)
_START = re.compile(r"\ufeff?(?:[ ]*(?:#[^\n]*)?\r?\n)*(?:---[ ]*(?:#[^\n]*)?\r?\n)?")
_CONTENT = re.compile(r"([ ]*)([^\n]*)(?:\n|\Z)")
_FOREIGN = re.compile(
    "[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)"
)


@dataclass(slots=True)
class Entry:
    """A key, or a list's item (`key` is None), and the line that it begins on.

    `parent` is the position of the entry that it belongs to, -1 at the top. `has_value` says that
    a scalar, an alias or a flow collection stands on the same line, `is_shared` that the value is
    anchored or an alias.
    """

    key: str | None
    parent: int
    start: int
    end: int
    has_value: bool
    is_block: bool = False
    is_shared: bool = False


@dataclass(slots=True)
class Outline:
    """All entries in the order of the text."""

    entries: list[Entry] = field(default_factory=list)
    _children: dict[tuple[int, str], list[int]] = field(default_factory=dict)

    def add(self, entry: Entry) -> int:
        """Append an entry and return its position."""
        position = len(self.entries)
        self.entries.append(entry)
        if entry.key is not None:
            self._children.setdefault((entry.parent, entry.key), []).append(position)
        return position

    def way(self, keys: tuple[str, ...]) -> list[list[int]]:
        """The entries that each further key may mean; it ends with the first that is not one."""
        steps: list[list[int]] = []
        parent = -1
        for key in keys:
            found = self._children.get((parent, key), [])
            steps.append(found)
            if len(found) != 1:
                break
            parent = found[0]
        return steps

    def is_leaf(self, position: int) -> bool:
        """Whether nothing but a value on its own line belongs to the entry."""
        entry = self.entries[position]
        follower = position + 1
        childless = follower == len(self.entries) or self.entries[follower].parent != position
        return childless and not entry.is_block

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


@dataclass(slots=True)
class _Level:
    """An open map or list whose keys or dashes stand at `column`."""

    column: int
    is_list: bool
    owner: int


class Irregular(ValueError):
    """A line does not explain itself; `position` is where it begins."""

    def __init__(self, position: int) -> None:
        super().__init__(f"irregular at {position}")
        self.position = position


@lru_cache(maxsize=4)
def outline(text: str, *, masked: bool = False) -> Outline:
    """The outline of a text; raises Irregular where it has none.

    In a `masked` template, blanks that stand for an action may be wider than the text after them.
    """
    foreign = _FOREIGN.search(text, len(BYTE_ORDER_MARK) if text[:1] == BYTE_ORDER_MARK else 0)
    if foreign:
        raise Irregular(foreign.start())
    return _Reader(text, masked=masked).read()


class _Reader:
    def __init__(self, text: str, *, masked: bool) -> None:
        self._text = text
        self._masked = masked
        self._outline = Outline()
        self._levels: list[_Level] = []
        self._open = True
        """Whether the last entry has no value yet, so that a deeper line may be it."""

    def read(self) -> Outline:
        text, size = self._text, len(self._text)
        start = _START.match(text)
        position = start.end() if start else 0
        while position < size:
            line = _LINE.match(text, position)
            if line is None:
                raise Irregular(position)
            end = line.end()
            if line["key"] is not None or line["dashes"]:
                end = self._line(line, position, end)
            elif line["item"] is not None or line["item_block"] is not None:
                raise Irregular(position)
            position = end
        return self._outline

    def _line(self, line: re.Match[str], start: int, end: int) -> int:
        """Note the entries of one line; returns where the next line begins."""
        column = len(line["indent"])
        for dash in re.finditer("- *", line["dashes"]):
            self._place(column, None, start, end)
            column += len(dash[0])
        block = line["block"] or line["item_block"]
        if line["key"] is not None:
            self._place(column, line["key"], start, end)
            entry = self._outline.entries[-1]
            entry.has_value = line["value"] is not None
            entry.is_block = block is not None
            entry.is_shared = bool(line["anchor"]) or (line["value"] or "").startswith("*")
            self._open = not entry.has_value and not block
            parent_column = column
        else:
            self._open = line["item"] is None and not block
            parent_column = self._levels[-1].column
        return self._behind_block(end, parent_column) if block else end

    def _place(self, column: int, key: str | None, start: int, end: int) -> None:
        if key is not None and key[0] in "\"'":
            key = key[1:-1]
        self._find_level(column, is_list=key is None, start=start)
        owner = self._levels[-1].owner
        self._outline.add(Entry(key, owner, start, end, has_value=False))
        self._open = True

    def _find_level(self, column: int, *, is_list: bool, start: int) -> None:
        levels = self._levels
        depth = len(levels)
        while levels and levels[-1].column > column:
            levels.pop()
        if levels and levels[-1].column == column:
            if levels[-1].is_list == is_list:
                return
            if is_list and self._open and depth == len(levels):
                levels.append(_Level(column, is_list, len(self._outline.entries) - 1))
                return
            if not is_list and len(levels) > 1 and levels[-2].column == column:
                levels.pop()
                return
            raise Irregular(start)
        if not self._open or depth != len(levels):
            raise Irregular(start)
        levels.append(_Level(column, is_list, len(self._outline.entries) - 1))

    def _behind_block(self, position: int, parent_column: int) -> int:
        """The end of a block scalar: the first line that is not indented deeper than its key."""
        text, size = self._text, len(self._text)
        content_column = -1
        while position < size:
            line = _CONTENT.match(text, position)
            if line is None:
                raise Irregular(position)
            column = len(line[1])
            if line[2] in ("", "\r"):
                if content_column < 0 and column and not self._masked:
                    raise Irregular(position)
            elif column <= parent_column:
                break
            elif content_column < 0:
                content_column = column
            elif column < content_column:
                raise Irregular(position)
            position = line.end()
        return position
