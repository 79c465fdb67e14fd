"""What of a file is given to the YAML reader, and where each character of it stands in the file.

Most files are read as they are. Some are read through a view, of the same characters in the same
places but for those that do not matter to the keys in question:

- an excerpt: of a long, regular file only the lines on the way to the keys;
- a Go template's lines on the way to the keys, its actions masked;
- tabs between a colon and a value, or before a comment, as blanks (Go allows them, ruamel.yaml
  does not);
- NEL, LS and PS once as line breaks (YAML 1.1, Go) and once as blanks (YAML 1.2), since readers
  differ: an edit counts only where it comes out the same in both.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from astrago_actions.domain.editing.outline import Irregular, Outline
from astrago_actions.domain.editing.outline_reader import outline
from astrago_actions.domain.editing.tree import Node, NotYaml, documents, line_number
from astrago_actions.domain.key_path import Key, KeyPath

OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")
# As Go reads them: not in the indentation and not behind a dash, where tabs are errors.
_INNER_TABS = re.compile(r"^[ ]*-[ \t]+|(?<![ \t\r\n])[ \t]*\t[ \t]*", re.MULTILINE)


@dataclass(frozen=True)
class View:
    """`text` is read in place of `file`: pieces from `starts` on, in the file from `origins` on."""

    file: str
    text: str
    starts: tuple[int, ...] = (0,)
    origins: tuple[int, ...] = (0,)

    @cached_property
    def roots(self) -> tuple[Node, ...]:
        """The documents' root nodes; raises NotYaml."""
        return documents(self.text)

    def origin(self, position: int) -> int:
        """Where a character of the view stands in the file."""
        piece = bisect_right(self.starts, position) - 1
        return self.origins[piece] + position - self.starts[piece]

    def line(self, position: int) -> int:
        """The file's line of a character of the view."""
        return line_number(self.file, self.origin(position))


def whole_views(text: str) -> tuple[View, ...]:
    """The views through which a whole YAML file is read; each must lead to the same edit."""
    if OTHER_BREAKS.search(text):
        as_breaks, as_blanks = (OTHER_BREAKS.sub(char, text) for char in "\n ")
        return (_readable(text, as_breaks), _readable(text, as_blanks))
    return (_readable(text, text),)


def _readable(file: str, text: str) -> View:
    """A view in which tabs inside lines are blanks, if that is what it takes to read it."""
    if "\t" in text:
        try:
            documents(text)
        except NotYaml:
            return View(file, _INNER_TABS.sub(_as_blanks, text))
    return View(file, text)


def _as_blanks(match: re.Match[str]) -> str:
    return match[0] if "-" in match[0] else " " * len(match[0])


def excerpt_if_certain(
    text: str, paths: Iterable[KeyPath], welcome: Iterable[KeyPath]
) -> View | None:
    """The lines on the way to the keys, of a regular text in which each is there exactly once.

    Keys that are `welcome` come with them if they are there.
    """
    try:
        lines = outline(text)
    except Irregular:
        return None
    needed = [_certain_way(lines, path) for path in paths]
    if not all(needed):
        return None
    further = [_certain_way(lines, path) for path in welcome]
    return excerpt(text, text, lines, [*needed, *filter(None, further)])


def _certain_way(lines: Outline, path: KeyPath) -> list[list[int]]:
    """The entries that lead to a value in the only document with it; empty if there is any doubt.

    Anchored, tagged, aliased and merged values are in doubt too: an edit may have to be refused, or
    to name those who share the value.
    """
    keys = keys_of(path)
    found = [way for way in lines.ways(keys) if way[-1]] if keys else []
    if len(found) != 1:
        return []
    (way,) = found
    certain = len(way) == len(path.segments) and all(
        len(step) == 1
        and not lines.entries[step[0]].is_special
        and lines.merge_beside(step[0]) is None
        for step in way
    )
    return way if certain and lines.is_leaf(way[-1][0]) else []


def keys_of(path: KeyPath) -> tuple[str, ...] | None:
    """The names on the path, None if it passes through a list."""
    keys = [segment.name for segment in path.segments if isinstance(segment, Key)]
    return tuple(keys) if len(keys) == len(path.segments) else None


def excerpt(file: str, text: str, lines: Outline, ways: Iterable[Sequence[Sequence[int]]]) -> View:
    """The lines of the entries on the ways, and of all entries below those at their ends.

    Of a block scalar this is the first line, which is enough to see what it is.
    """
    spans = set(lines.separators)
    for way in ways:
        for step in way[:-1]:
            spans.update((lines.entries[at].start, lines.entries[at].end) for at in step)
        for at in way[-1] if way else ():
            spans.update((entry.start, entry.end) for entry in lines.within(at))
    starts, origins, parts, size = [], [], [], 0
    for start, end in sorted(spans):
        starts.append(size)
        origins.append(start)
        parts.append(text[start:end])
        size += end - start
    return View(file, "".join(parts), tuple(starts) or (0,), tuple(origins) or (0,))
