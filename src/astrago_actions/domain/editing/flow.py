"""Where quotes and flow collections end, as far as that needs no full reader."""

from __future__ import annotations

import re

DOUBLE = r'"(?:[^"\\\n]|\\(?:["\\/ 0abtnvfreN_LP]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}))*"'
SINGLE = r"'(?:[^'\n]|'')*'"
_WORD = rf"(?:-{{0,2}}[A-Za-z0-9_][\w./-]*|{DOUBLE}|{SINGLE})"


def _brackets_around(item: str) -> str:
    """Lists and maps on one line, with items of this kind."""
    pair = rf"[A-Za-z0-9_][\w./-]*:[ ]+{item}"
    return (
        rf"(?:\[[ ]*(?:{item}(?:[ ]*,[ ]*{item})*)?[ ]*\]"
        rf"|\{{[ ]*(?:{pair}(?:[ ]*,[ ]*{pair})*)?[ ]*\}})"
    )


BRACKETS = _brackets_around(f"(?:{_WORD}|{_brackets_around(_WORD)})")
"""The most frequent flow collections, for a quick look; `end_of_flow` knows more."""

_LONG_QUOTED = re.compile(
    r'"(?:[^"\\]|\\(?:["\\/ 0abtnvfreN_LP]|\r?\n|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}))*"'
    r"|'(?:[^']|'')*'"
)
_DOCUMENT_MARK = re.compile(r"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_CHARS = r"\w/$.=+@%~^()<>;'\"*&!|\\"
_PLAIN = rf"-{{0,2}}[\w/$](?:[{_CHARS}-]|:(?=[\w/])|[ ]+(?=[\w/$(.=+<>]))*"
_PART = re.compile(
    rf"""
    (?:[ ]|\r?\n)*
    (?: (?P<open>[\[{{]) | (?P<close>[\]}}]) | (?P<comma>,)
      | (?P<word>{DOUBLE}|{SINGLE}|{_PLAIN})(?P<colon>:(?=[ \r\n]))? )
    """,
    re.VERBOSE,
)
_ENDS = {"[": "]", "{": "}"}
LONGEST_KEY = 1000  # YAML allows 1,024 characters.


def end_of_quotes(text: str, start: int) -> int | None:
    """The end of a quoted string that may go over several lines; None if there is any doubt."""
    quoted = _LONG_QUOTED.match(text, start)
    if quoted is None or _DOCUMENT_MARK.search(text, start + 1, quoted.end()):
        return None
    return quoted.end()


def end_of_flow(text: str, start: int) -> int | None:
    """The end of a list or map in brackets; None if there is any doubt.

    Understood are words, quotes on one line, lists of them and maps from them, to any depth.
    """
    if text[start : start + 1] not in _ENDS:
        return None
    flow = _Flow()
    position = start
    while True:
        part = _PART.match(text, position)
        if part is None or not flow.goes_on_with(part):
            return None
        position = part.end()
        if not flow.open:
            return position


class _Flow:
    """Brackets that are being read: those still open, and what has been read in the innermost."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self._has_key = False
        self._has_item = False

    def goes_on_with(self, part: re.Match[str]) -> bool:
        """Take the next part; False if it is not sure to be allowed here."""
        if part["comma"]:
            allowed = self._has_item
            self._has_item = self._has_key = False
            return allowed
        if part["close"]:
            complete = self._has_item or not self._has_key
            self._has_item = self._has_key = True
            return complete and part["close"] == _ENDS[self.open.pop()]
        return not self._has_item and self._begins(part)

    def _begins(self, part: re.Match[str]) -> bool:
        """Take a key, or an item or the beginning of one."""
        in_map = self.open[-1:] == ["{"]
        if part["colon"]:
            allowed = in_map and not self._has_key and len(part["word"]) < LONGEST_KEY
            self._has_key = True
            return allowed
        allowed = self._has_key or not in_map
        if part["open"]:
            self.open.append(part["open"])
            self._has_key = False
        else:
            self._has_item = True
        return allowed
