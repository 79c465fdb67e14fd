"""Finding the outline of YAML text in which each line explains itself.

A full reader needs some 60 microseconds a line. Most values files need none of its powers: each
line is blank, a comment, or `key: value`, and a value that spans lines shows it by how it begins.
For such text this module knows, without a doubt, which line holds which key; any other text has
no outline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from astrago_actions.domain.editing.outline import Entry, Irregular, Outline
from astrago_actions.domain.editing.tree import (
    BYTE_ORDER_MARK,
    Alias,
    NotYaml,
    read_documents,
)

_DOUBLE = r'"(?:[^"\\\n]|\\(?:["\\/nrt]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}))*"'
_SINGLE = r"'(?:[^'\n]|'')*'"
_KEY = (
    r"""(?:"[^"\\\n]*"|'[^'\n]*'"""
    r"""|[^\s\-?:,\[\]{}\#&*!|>'"%@`][^\s:\#]*(?:[ ]+[^\s:\#]+)*)"""
)
_TEXT = r"[^\s:\#]*(?:(?::(?=\S)|(?<=\S)\#|[ ]+(?=[^\s\#]))[^\s:\#]*)*"
_PLAIN = r"""(?:[^\s\-?:,\[\]{}\#&*!|>'"%@`]|-(?=\S))""" + _TEXT
_WORD = rf"(?:-{{0,2}}[A-Za-z0-9_][\w./-]*|{_DOUBLE}|{_SINGLE})"


def _flow_of(item: str) -> str:
    """Lists and maps on one line, with items of this kind."""
    pair = rf"[A-Za-z0-9_][\w./-]*:[ ]+{item}"
    return (
        rf"(?:\[[ ]*(?:{item}(?:[ ]*,[ ]*{item})*)?[ ]*\]"
        rf"|\{{[ ]*(?:{pair}(?:[ ]*,[ ]*{pair})*)?[ ]*\}})"
    )


_FLOW = _flow_of(f"(?:{_WORD}|{_flow_of(_WORD)})")
_ALIAS = r"\*[\w.-]+"
_ANCHOR = r"[ ]*&[\w.-]+(?=[ \r\n]|\Z)"
_TAG = r"[ ]*!(?:!?\w[\w./-]*)?(?=[ \r\n]|\Z)"
_PROPERTIES = f"(?:{_ANCHOR}(?:{_TAG})?|{_TAG}(?:{_ANCHOR})?)"
_TAIL = r"[ ]*(?P<comment>(?<![^ \n])\#[^\n]*?)?(?:\r?\n|\Z)"

_START = re.compile(r"\ufeff?(?:[ ]*(?:#[^\n]*)?\r?\n)*")
_HEAD = re.compile(
    rf"""
    (?P<indent>[ ]*)
    (?P<dashes>(?:-(?:[ ]+|(?=\r?\n|\Z)))*)
    (?:(?P<key>{_KEY}):(?=[ \r\n]|\Z))?
    (?P<properties>{_PROPERTIES})?
    [ ]*
    """,
    re.VERBOSE,
)
_VALUE = re.compile(
    rf"""
    (?P<content>
        (?P<block>[|>][+-]?)
      | (?P<plain>{_PLAIN})
      | (?P<closed>{_DOUBLE}|{_SINGLE}|{_FLOW}|{_ALIAS})
    )?
    {_TAIL}
    """,
    re.VERBOSE,
)
_MORE_PLAIN = re.compile(rf"[ ]*(?=[^\s\#]){_TEXT}{_TAIL}")
_END_OF_LINE = re.compile(_TAIL)
_SEPARATOR = re.compile(r"---[ ]*(?:(?<=[ ])#[^\n]*)?(?:\r?\n|\Z)")
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
        if head is None:
            raise Irregular(start)
        value = _VALUE.match(self._text, head.end())
        if head["key"] is None and not head["dashes"]:
            if value is None or head["properties"] or value["content"]:
                raise Irregular(start)
            return value.end()
        column = len(head["indent"])
        for dash in re.finditer("- *", head["dashes"]):
            self._place(None, column, start)
            column += len(dash[0])
        if head["key"] is not None:
            self._place(head["key"], column, start)
        entry = self._outline.entries[-1]
        entry.is_special = bool(head["properties"])
        return self._behind_value(entry, head.end(), value)

    def _behind_value(self, entry: Entry, start: int, value: re.Match[str] | None) -> int:
        """Note what the value at `start` is; returns where the lines behind it begin."""
        if value is None:
            entry.end = self._behind_long_value(start)
            self._open = False
            return entry.end
        column = self._levels[-1].column
        entry.end = value.end()
        entry.is_special |= (value["closed"] or "").startswith("*")
        entry.is_block = value["block"] is not None
        self._open = value["content"] is None
        if entry.is_block:
            return self._behind_block(value.end(), column)
        if value["plain"] is not None and value["comment"] is None:
            entry.end = self._behind_plain(value.end(), column)
        return entry.end

    def _begin_document(self, separator: re.Match[str]) -> int:
        self._outline.separators.append(separator.span())
        self._levels.clear()
        self._open = True
        return separator.end()

    def _place(self, key: str | None, column: int, start: int) -> None:
        if key is not None and key[0] in "\"'":
            key = key[1:-1]
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

    def _behind_block(self, position: int, parent_column: int) -> int:
        """The end of a block of text: the first line that is not deeper than its key."""
        content_column = -1
        while position < len(self._text):
            line = _CONTENT.match(self._text, position)
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
        """The end of quotes or a flow collection, which the full reader has to confirm."""
        end = self._closing(start)
        try:
            roots = read_documents(self._text[start:end])
        except NotYaml:
            raise Irregular(start) from None
        if len(roots) != 1 or isinstance(roots[0], Alias) or roots[0].end != end - start:
            raise Irregular(start)
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
