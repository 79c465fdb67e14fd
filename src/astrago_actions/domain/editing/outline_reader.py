"""Finding the outline of YAML text in which most lines explain themselves.

A full reader needs some 60 microseconds a line. Most values files need none of its powers: each
line is blank, a comment, or `key: value`, and a value that spans lines shows it by how it begins.
Where a line does not explain itself, the full reader is asked about that line and the deeper ones
below it. So this module knows, without a doubt, which line holds which key; a text that it does
not know so well has no outline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from astrago_actions.domain.editing.flow import (
    BRACKETS,
    DOUBLE,
    LONGEST_KEY,
    SINGLE,
    end_of_flow,
    end_of_quotes,
)
from astrago_actions.domain.editing.outline import Entry, Irregular, Outline
from astrago_actions.domain.editing.region import (
    holds_action,
    is_only_item,
    is_only_value,
    only_key,
)
from astrago_actions.domain.editing.tree import BYTE_ORDER_MARK

_TEXT = r"[^\s:\#]*(?:(?::(?=\S)|(?<=\S)\#|[ ]+(?=[^\s:\#]|:\S))[^\s:\#]*)*"
_FIRST = r"""[^\s\-?:,\[\]{}\#&*!|>'"%@`]"""
_KEY = rf"""(?:"[^"\\\n]*"|{SINGLE}|{_FIRST}{_TEXT})"""
_PLAIN = rf"(?:{_FIRST}|-(?=\S)){_TEXT}"
_ALIAS = r"\*[\w.-]+"
_ANCHOR = r"[ ]*&[\w.-]+(?=[ \r\n]|\Z)"
_TAG = r"[ ]*!(?:!?\w[\w./-]*)?(?=[ \r\n]|\Z)"
_PROPERTIES = f"(?:{_ANCHOR}(?:{_TAG})?|{_TAG}(?:{_ANCHOR})?)"
_TAIL = r"[ ]*(?P<comment>(?<![^ \n])\#[^\n]*?)?(?:\r?\n|\Z)"

_START = re.compile(r"\ufeff?(?:[ ]*(?:#[^\n]*)?\r?\n)*")
_DASH = re.compile(r"- *")
_MORE_OF_KEY = re.compile(r"[-:](?=[ \r]|\Z)")
_HEAD = re.compile(
    rf"""
    (?P<indent>[ ]*)
    (?P<dashes>(?:-(?:[ ]+|(?=\r?\n|\Z)))*)
    (?:(?P<key>{_KEY})[ ]*:(?=[ \r\n]|\Z))?
    (?P<properties>{_PROPERTIES})?
    [ ]*
    """,
    re.VERBOSE,
)
_VALUE = re.compile(
    rf"""
    (?P<content>
        (?P<block>[|>](?:[+-]?[1-9]?|[1-9][+-]))
      | (?P<plain>{_PLAIN})
      | (?P<closed>{DOUBLE}|{SINGLE}|{BRACKETS}|{_ALIAS})
    )?
    {_TAIL}
    """,
    re.VERBOSE,
)
_MORE_PLAIN = re.compile(rf"[ ]*(?=[^\s\#]){_TEXT}{_TAIL}")
_END_OF_LINE = re.compile(_TAIL)
_SEPARATOR = re.compile(r"---[ ]*(?:(?<=[ ])#[^\n]*)?(?:\r?\n|\Z)")
_DOCUMENT_END = re.compile(r"\.\.\.(?=[ \t\r\n]|\Z)")
_BLANK_LINES = re.compile(r"(?:[ ]*\r?\n)*([ ]*)")
_CONTENT = re.compile(r"([ ]*)([^\n]*)(?:\n|\Z)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|' r"'(?:[^']|'')*'", re.DOTALL)
_FLOW_PART = re.compile(
    r"(?P<open>[\[{])|(?P<close>[\]}])|(?<=[ \n])\#[^\n]*"
    rf"|(?<=[\[{{,:\s])(?:{_QUOTED.pattern})|.",
    re.DOTALL,
)
# Line breaks that some readers do not know, and what YAML does not allow.
_FOREIGN = re.compile(
    "[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)"
)


@lru_cache(maxsize=4)
def outline(text: str, *, masked: bool = False) -> Outline:
    """The outline of a text; raises Irregular where it has none.

    In a `masked` template, blanks that stand for an action may be wider than the text after them.
    """
    foreign = _FOREIGN.search(text, len(BYTE_ORDER_MARK) if text[:1] == BYTE_ORDER_MARK else 0)
    if foreign:
        raise Irregular(foreign.start())
    return _Reader(text, masked=masked).read()


@dataclass(slots=True)
class _Level:
    """An open map or list whose keys or dashes stand at `column`."""

    column: int
    is_list: bool
    owner: int


class _Reader:
    def __init__(self, text: str, *, masked: bool) -> None:
        self._text = text
        self._masked = masked
        self._outline = Outline()
        self._levels: list[_Level] = []
        self._open = True
        """Whether the last entry has no value yet, so that a deeper line may be it."""

    def read(self) -> Outline:
        start = _START.match(self._text)
        position = start.end() if start else 0
        while position < len(self._text):
            position = self._line(position)
        return self._outline

    def _line(self, start: int) -> int:
        """Note the entries of one line; returns where the lines behind its value begin."""
        separator = _SEPARATOR.match(self._text, start)
        if separator:
            return self._begin_document(separator)
        head = _HEAD.match(self._text, start)
        if head is None or _DOCUMENT_END.match(self._text, start):
            raise Irregular(start)
        value = _VALUE.match(self._text, head.end())
        if head["key"] is None and not head["dashes"]:
            if value is not None and not head["properties"] and not value["content"]:
                return value.end()
            return self._line_without_key(head, value)
        column = len(head["indent"])
        first = len(self._outline.entries)
        for dash in _DASH.finditer(head["dashes"]):
            self._place(None, column, start)
            column += len(dash[0])
        if head["key"] is not None:
            self._place(_unquoted(head["key"]), column, start)
        return self._behind_value(first, head, value)

    def _line_without_key(self, head: re.Match[str], value: re.Match[str] | None) -> int:
        """A value on a line of its own, or a key that only a full reader knows."""
        if self._masked:
            raise Irregular(head.start())
        column = len(head["indent"])
        if self._open and self._levels and column > self._levels[-1].column:
            entries = self._outline.entries
            first = len(entries) - 1
            while first and entries[first - 1].start == entries[-1].start:
                first -= 1
            shared = entries[-1].is_special
            return self._region(first) if shared else self._behind_value(first, head, value)
        end = self._end_of_region(head.start(), column, is_key=True)
        key = only_key(self._text[head.start() : end], column)
        if key is None:
            raise Irregular(head.start())
        self._place(key, column, head.start())
        return self._behind_region(len(self._outline.entries) - 1, end)

    def _behind_value(self, first: int, head: re.Match[str], value: re.Match[str] | None) -> int:
        """Note the value of the line's last entry; returns where the lines behind it begin.

        `first` is the first entry of the line.
        """
        entry = self._outline.entries[-1]
        column = self._levels[-1].column
        entry.is_special = bool(head["properties"])
        try:
            end = self._noted(entry, head.end(), value, column)
        except Irregular:
            if self._masked:
                raise
            return self._region(first)
        for each in self._outline.entries[first:]:
            each.end = entry.end
        return end

    def _noted(self, entry: Entry, start: int, value: re.Match[str] | None, column: int) -> int:
        """Note what the value at `start` is; returns where the lines behind it begin."""
        if value is None:
            entry.end = self._behind_long_value(start)
            entry.value = None
            self._open = False
            return entry.end
        self._open = value["content"] is None
        entry.end = value.end()
        if value["plain"] is not None:
            if value["comment"] is None:
                entry.end = self._behind_plain(value.end(), column)
            entry.value = value["plain"] if entry.end == value.end() else None
        elif value["closed"] is not None:
            self._note_closed(entry, value["closed"], start)
        elif value["block"] is not None:
            entry.is_block = True
            entry.value = None
            return self._behind_block(value.end(), column, _deeper(value["block"]))
        return entry.end

    def _note_closed(self, entry: Entry, content: str, start: int) -> None:
        if content[0] == "*":
            if entry.is_special:
                raise Irregular(start)
            entry.is_special = True
        escape = {'"': "\\", "'": "''"}.get(content[0])
        known = escape is not None and escape not in content[1:-1]
        entry.value = content[1:-1] if known else None

    def _begin_document(self, separator: re.Match[str]) -> int:
        self._outline.separators.append(separator.span())
        self._levels.clear()
        self._open = True
        return separator.end()

    def _place(self, key: str | None, column: int, start: int) -> None:
        if key is not None and len(key) > LONGEST_KEY and not self._masked:
            raise Irregular(start)
        self._find_level(column, is_list=key is None, start=start)
        self._outline.add(Entry(key, self._levels[-1].owner, start, start))
        self._open = True

    def _find_level(self, column: int, *, is_list: bool, start: int) -> None:
        """Close the levels that the column ends, and open the one that it begins."""
        levels = self._levels
        depth = len(levels)
        while levels and levels[-1].column > column:
            levels.pop()
        may_nest = self._open and depth == len(levels)
        if levels and levels[-1].column == column:
            if levels[-1].is_list == is_list:
                return
            if not is_list and len(levels) > 1 and levels[-2].column == column:
                levels.pop()
                return
            may_nest = may_nest and is_list
        if not may_nest:
            raise Irregular(start)
        owner = len(self._outline.entries) - 1 if levels else self._outline.top
        levels.append(_Level(column, is_list, owner))

    def _behind_block(self, position: int, parent_column: int, deeper: int) -> int:
        """The end of a block of text: the first line that is not deeper than its key.

        `deeper` is by how much its lines are, 0 where the first line says it.
        """
        content_column = parent_column + deeper if deeper else -1
        while position < len(self._text):
            line = _CONTENT.match(self._text, position)
            if line is None:
                raise Irregular(position)
            column = len(line[1])
            if line[2] in ("", "\r"):
                if content_column < 0 and column and not self._masked:
                    raise Irregular(position)
            elif column <= parent_column or (deeper and column < content_column):
                break
            elif content_column < 0:
                content_column = column
            elif column < content_column:
                raise Irregular(position)
            position = line.end()
        return position

    def _behind_plain(self, position: int, parent_column: int) -> int:
        """The end of plain text, which goes on in lines that are deeper than its key."""
        while True:
            blanks = _BLANK_LINES.match(self._text, position)
            if blanks is None or blanks.end() == len(self._text):
                return position
            if len(blanks[1]) <= parent_column or self._text[blanks.end()] == "#":
                return position
            more = _MORE_PLAIN.match(self._text, blanks.end())
            if more is None:
                raise Irregular(blanks.end())
            position = more.end()
            if more["comment"] is not None:
                return position

    def _behind_long_value(self, start: int) -> int:
        """The end of quotes or a flow collection; the full reader confirms what is unusual."""
        end = end_of_quotes(self._text, start) or end_of_flow(self._text, start)
        if end is None:
            end = self._closing(start)
            if not is_only_value(self._text[start:end]):
                raise Irregular(start)
            self._outline.has_actions |= holds_action(self._text[start:end])
        tail = _END_OF_LINE.match(self._text, end)
        if tail is None:
            raise Irregular(start)
        return tail.end()

    def _closing(self, start: int) -> int:
        """Where what is opened at `start` seems to be closed."""
        quoted = _QUOTED.match(self._text, start)
        if quoted:
            return quoted.end()
        depth = 0
        for part in _FLOW_PART.finditer(self._text, start):
            depth += (part["open"] is not None) - (part["close"] is not None)
            if depth <= 0:
                return part.end()
        raise Irregular(start)

    def _region(self, first: int) -> int:
        """Let the full reader confirm the last entry with all its deeper lines."""
        entry = self._outline.entries[-1]
        column = self._levels[-1].column
        start = entry.start + column
        end = self._end_of_region(entry.start, column, is_key=entry.key is not None)
        lines = " " * column + self._text[start:end]
        if entry.key is None:
            confirmed = is_only_item(lines, column)
        else:
            confirmed = only_key(lines, column) == entry.key
        if not confirmed:
            raise Irregular(entry.start)
        return self._behind_region(first, end)

    def _behind_region(self, first: int, end: int) -> int:
        entry = self._outline.entries[-1]
        entry.value = None
        entry.is_opaque = True
        entry.is_block = False
        entry.is_special = False
        for each in self._outline.entries[first:]:
            each.end = end
        self._open = False
        return end

    def _end_of_region(self, start: int, column: int, *, is_key: bool) -> int:
        """Behind the line at `start` and those that are deeper than `column`.

        A key goes on with items and with `: value` in its own column.
        """
        line = _CONTENT.match(self._text, start)
        position = line.end() if line else len(self._text)
        while position < len(self._text):
            line = _CONTENT.match(self._text, position)
            if line is None:
                return position
            blank = line[2] in ("", "\r") or line[2].startswith("#")
            more = is_key and len(line[1]) == column and _MORE_OF_KEY.match(line[2])
            if not blank and not more and len(line[1]) <= column:
                return position
            position = line.end()
        return position


def _unquoted(key: str) -> str:
    if key[0] == "'":
        return key[1:-1].replace("''", "'")
    return key[1:-1] if key[0] == '"' else key


def _deeper(header: str) -> int:
    """The number in the first line of a block of text, 0 if there is none."""
    digits = header.strip("|>+-")
    return int(digits) if digits else 0
