"""The lines of a long file that decide about some keys, for the full reader to read alone.

Left out is only what cannot change the outcome. Where that is in doubt, as with anchors, aliases
and `<<` on the way, there is no excerpt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from astrago_actions.domain.editing.notes import digests_beside
from astrago_actions.domain.editing.outline import Entry, Irregular, Outline
from astrago_actions.domain.editing.outline_reader import outline
from astrago_actions.domain.editing.proof import same_but_for
from astrago_actions.domain.editing.tree import NotYaml
from astrago_actions.domain.editing.view import View, with_blanks_for_tabs
from astrago_actions.domain.key_path import Choice, Key, KeyPath, Segment

Span = tuple[int, int]

# An anchor, an alias or a merge, or what may be one.
_SHARED = re.compile(r"(?<![^\s,:?\[\]{}-])[&*]|<<")
# What the characters beside a scalar are not; and what makes it read as other characters.
_INSIDE = r"[^\s,:{}\[\]'\"]"
_REWRITTEN = re.compile(r"\\|''|\n[ ]*\S")


class InDoubt(Exception):
    """The lines on the way to a key may not tell what the whole file would tell."""


@dataclass(frozen=True)
class Regular:
    """A text whose outline is known; it may have blanks for the tabs inside its lines."""

    text: str
    lines: Outline
    without_tabs: bool = False


@lru_cache(maxsize=4)
def regular(file: str, *, without_tabs: bool = False) -> Regular:
    """The outline of a file, `without_tabs` if need be; raises Irregular where it has none."""
    try:
        if not without_tabs:
            return Regular(file, outline(file))
    except Irregular:
        if "\t" not in file:
            raise
    text = with_blanks_for_tabs(file)
    return Regular(text, outline(text), without_tabs=True)


def excerpt_if_certain(
    file: str, paths: Iterable[KeyPath], *, without_tabs: bool = False
) -> View | None:
    """The lines that decide about the values at these paths; None if there is any doubt."""
    try:
        found = regular(file, without_tabs=without_tabs)
        if "{{" in file and (found.lines.has_actions or found.without_tabs):
            return None
        spans: set[Span] = set()
        for path in paths:
            spans |= _spans(found, path)
    except (Irregular, InDoubt):
        return None
    view = excerpt(file, found.text, spans, without_tabs=found.without_tabs)
    if not found.without_tabs or without_tabs or _same_values(excerpt(file, file, spans), view):
        return view
    return None


def _same_values(with_tabs: View, with_blanks: View) -> bool:
    """Whether it does not matter if the whole file would be read with its tabs.

    It would be if it can be, and then the tabs are in quotes, blocks of text and comments only.
    """
    try:
        before = with_tabs.roots
    except NotYaml:
        return True
    return same_but_for(before, with_blanks.roots, {}, {})


def excerpt(file: str, text: str, spans: Iterable[Span], *, without_tabs: bool = False) -> View:
    """A view of some pieces of the text, each from a start to an end."""
    starts, origins, parts, size = [], [], [], 0
    for start, end in sorted(spans):
        starts.append(size)
        origins.append(start)
        parts.append(text[start:end])
        size += end - start
    return View(
        file,
        "".join(parts),
        tuple(starts) or (0,),
        tuple(origins) or (0,),
        without_tabs=without_tabs,
    )


def _spans(found: Regular, path: KeyPath) -> set[Span]:
    """The lines that decide about a path in all documents that have it; raises InDoubt."""
    spans: set[Span] = set()
    for top in found.lines.tops:
        way = _Way(found, path)
        if way.follow(top):
            spans |= set(found.lines.separators[-top - 2 : -top - 1]) | way.spans()
    if not spans:
        raise InDoubt
    return spans


class _Way:
    """The entries that decide where a path leads in one document."""

    def __init__(self, found: Regular, path: KeyPath) -> None:
        self._text = found.text
        self._lines = found.lines
        self._segments = path.segments
        self._needed: list[int] = []

    def spans(self) -> set[Span]:
        """The lines of the entries."""
        entries = (self._lines.entries[at] for at in self._needed)
        return {(entry.start, entry.end) for entry in entries}

    def follow(self, parent: int) -> bool:
        """Go from the top of a document; whether the path may lead somewhere. Raises InDoubt."""
        for segment in self._segments:
            if parent >= 0 and self._lines.is_childless(parent):
                return self._goes_on_inside(parent)
            found = self._step(parent, segment)
            if not found:
                return False
            self._needed += found
            if len(found) > 1:
                return True
            (parent,) = found
            self._check(parent)
        self._end(parent)
        return True

    def _step(self, parent: int, segment: Segment) -> list[int]:
        """The entries that a segment may mean; raises InDoubt."""
        if isinstance(segment, Key):
            if self._lines.children(parent, "<<"):
                raise InDoubt
            return self._lines.children(parent, segment.name)
        items = self._lines.children(parent, None)
        if isinstance(segment, Choice):
            return self._chosen(items, segment)
        self._needed += items[: segment.position]
        return items[segment.position : segment.position + 1]

    def _chosen(self, items: Iterable[int], segment: Choice) -> list[int]:
        """The items with a field; those that only the full reader can tell are needed too."""
        chosen, unknown = [], []
        for item in items:
            holder = self._holder(item, segment)
            if holder is None:
                continue
            entry = self._lines.entries[holder]
            if entry.value == segment.value:
                chosen.append(item)
                self._needed.append(holder)
            elif entry.value is None and self._may_hold(entry, segment.value):
                unknown.append((item, holder))
        self._needed += [at for pair in unknown for at in pair]
        if not chosen and any(item != holder for item, holder in unknown):
            raise InDoubt
        return chosen or [item for item, _ in unknown]

    def _holder(self, item: int, segment: Choice) -> int | None:
        """The entry that the field's value is on: a key of the item, or the item itself."""
        if self._lines.entries[item].is_special:
            raise InDoubt
        fields = self._lines.children(item, segment.field)
        if not fields:
            unread = self._lines.is_childless(item) and self._lines.entries[item].value is None
            return item if unread else None
        entry = self._lines.entries[fields[0]]
        if entry.is_special or entry.is_block:
            raise InDoubt
        return fields[0] if self._lines.is_childless(fields[0]) else None

    def _may_hold(self, entry: Entry, value: str) -> bool:
        """Whether `value` may be a scalar in text that is not read yet; raises InDoubt."""
        text = self._text[entry.start : entry.end]
        if "*" in text:
            raise InDoubt
        word = f"(?<!{_INSIDE}){re.escape(value)}(?!{_INSIDE})"
        return _REWRITTEN.search(text) is not None or re.search(word, text) is not None

    def _goes_on_inside(self, parent: int) -> bool:
        """Whether the rest of the path may be inside a value that only the full reader knows."""
        entry = self._lines.entries[parent]
        if entry.value is not None or entry.is_block:
            return False
        self._check_unread(entry)
        return True

    def _check(self, position: int) -> None:
        if self._lines.entries[position].is_special:
            raise InDoubt

    def _check_unread(self, entry: Entry) -> None:
        """Nothing in it may be shared with other keys."""
        if _SHARED.search(self._text, entry.start, entry.end):
            raise InDoubt

    def _end(self, position: int) -> None:
        """Take the value, and the digests beside it that a note would name; raises InDoubt."""
        entry = self._lines.entries[position]
        if not self._lines.is_leaf(position):
            raise InDoubt
        if entry.value is None:
            self._check_unread(entry)
        for name in digests_beside(self._segments[-1]):
            beside = self._lines.children(entry.parent, name)
            if any(self._lines.entries[at].is_block for at in beside):
                raise InDoubt
            self._needed += beside
