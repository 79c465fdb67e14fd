"""What of a file is given to the YAML reader, and where each character of it stands in the file.

Most files are read as they are. Some are read through a view, of the same characters in the same
places but for those that do not matter to the keys in question:

- an excerpt: of a long file only the lines that decide about the keys;
- a Go template's lines on the way to the keys, its actions masked;
- tabs between a colon and a value, or before a comment, as blanks (Go allows them, ruamel.yaml
  does not);
- NEL, LS and PS once as line breaks (YAML 1.1, Go) and once as blanks (YAML 1.2), since readers
  differ: an edit counts only where it comes out the same in both.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from astrago_actions.domain.editing.tree import Node, NotYaml, documents, line_number
from astrago_actions.domain.key_path import Key, KeyPath

OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")
# As Go reads them: not in the indentation and not behind a dash, where tabs are errors.
_INNER_TABS = re.compile(r"^[ ]*-[ \t]+|(?<![ \t\r\n])[ \t]*\t[ \t]*", re.MULTILINE)


@dataclass(frozen=True)
class View:
    """`text` is read in place of `file`: pieces from `starts` on, in the file from `origins` on.

    `without_tabs` says that it has blanks for the tabs inside its lines.
    """

    file: str
    text: str
    starts: tuple[int, ...] = (0,)
    origins: tuple[int, ...] = (0,)
    without_tabs: bool = False

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


def whole_views(text: str, *, without_tabs: bool = False) -> tuple[View, ...]:
    """The views through which a whole YAML file is read; each must lead to the same edit.

    They are `without_tabs` if asked for, else if that is what it takes to read them.
    """
    texts = [text]
    if OTHER_BREAKS.search(text):
        texts = [OTHER_BREAKS.sub(char, text) for char in "\n "]
    return tuple(_readable(text, each, without_tabs=without_tabs) for each in texts)


def _readable(file: str, text: str, *, without_tabs: bool) -> View:
    if "\t" not in text:
        return View(file, text, without_tabs=without_tabs)
    try:
        if not without_tabs:
            documents(text)
            return View(file, text)
    except NotYaml:
        pass
    return View(file, with_blanks_for_tabs(text), without_tabs=True)


def with_blanks_for_tabs(text: str) -> str:
    """The text, as long as before, with blanks for the tabs inside its lines."""
    return _INNER_TABS.sub(_as_blanks, text)


def _as_blanks(match: re.Match[str]) -> str:
    return match[0] if "-" in match[0] else " " * len(match[0])


def keys_of(path: KeyPath) -> tuple[str, ...] | None:
    """The names on the path, None if it passes through a list."""
    keys = [segment.name for segment in path.segments if isinstance(segment, Key)]
    return tuple(keys) if len(keys) == len(path.segments) else None
