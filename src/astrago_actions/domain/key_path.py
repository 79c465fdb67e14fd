r"""Key paths such as `astrago.core.imageTag`, `images[name=core].newTag` or `a\.b[0]`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PLAIN = re.compile(r"[^.\[\]\\]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'')
_INDEX = re.compile(r"\d+")
_FIELD = re.compile(r"[^=\]\\\"']+")
_CHOICE = re.compile(r"[^\]\\\"']*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r"([.\[\]\\])")


class KeyPathError(ValueError):
    """The text is not a key path; `problem` says where it breaks, the message names it too."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(f"`{text}` is not a key path: {problem}")
        self.problem = problem


@dataclass(frozen=True)
class Key:
    """The value of a map under `name`."""

    name: str

    def __str__(self) -> str:
        if not self.name or self.name[0] in "\"'":
            return _quoted(self.name)
        return _SPECIAL.sub(r"\\\1", self.name)


@dataclass(frozen=True)
class Index:
    """The item of a list at `position`, from 0."""

    position: int

    def __str__(self) -> str:
        return f"[{self.position}]"


@dataclass(frozen=True)
class Choice:
    """The one item of a list whose `field` is `value`."""

    field: str
    value: str

    def __str__(self) -> str:
        field = _quoted(self.field) if re.search(r"[=\]\\\"']", self.field) else self.field
        value = _quoted(self.value) if re.search(r"[\]\\\"']", self.value) else self.value
        return f"[{field}={value}]"


Segment = Key | Index | Choice


@dataclass(frozen=True)
class KeyPath:
    """The way from the top of a document to one value."""

    segments: tuple[Segment, ...]

    def __str__(self) -> str:
        return path_text(self.segments)


def path_text(segments: Iterable[Segment]) -> str:
    """The path as it is written: keys parted by dots, brackets directly behind their list."""
    text = ""
    for segment in segments:
        separator = "." if text and isinstance(segment, Key) else ""
        text += f"{separator}{segment}"
    return text


def parse_key_path(text: str) -> KeyPath:
    r"""Read a key path; raises KeyPathError.

    Keys are parted by dots, `\` takes the next character as it is, `"…"` or `'…'` quotes a whole
    key, `[0]` takes an item of a list by position and `[name=core]` by one of its fields.
    """
    segments: list[Segment] = []
    position = 0
    while position < len(text):
        if text[position] == "[":
            segment, position = _bracket(text, position)
        else:
            if segments and text[position] != ".":
                raise _broken(text, position, "expected `.` or `[`")
            segment, position = _key(text, position + 1 if segments else position)
        segments.append(segment)
    if not segments:
        raise KeyPathError(text, "it is empty")
    return KeyPath(tuple(segments))


def _key(text: str, position: int) -> tuple[Key, int]:
    quoted = _QUOTED.match(text, position)
    if quoted:
        return Key(_unescaped(quoted)), quoted.end()
    name = ""
    start = position
    while position < len(text) and text[position] not in ".[":
        part = _ESCAPE.match(text, position) or _PLAIN.match(text, position)
        if part is None:
            raise _broken(
                text, position, f"`{text[position]}` must be written `\\{text[position]}`"
            )
        name += part[1] if part.re is _ESCAPE else part[0]
        position = part.end()
    if position == start:
        raise _broken(text, position, "a key is missing")
    return Key(name), position


def _bracket(text: str, position: int) -> tuple[Segment, int]:
    inside = position + 1
    index = _INDEX.match(text, inside)
    if index and text.startswith("]", index.end()):
        return Index(int(index[0])), index.end() + 1
    quoted = _QUOTED.match(text, inside)
    if quoted and text.startswith("]", quoted.end()):
        return Key(_unescaped(quoted)), quoted.end() + 1
    field, after = _part(text, inside, _FIELD)
    if not field or not text.startswith("=", after):
        raise _broken(text, position, "expected `[0]` or `[name=value]`")
    value, end = _part(text, after + 1, _CHOICE)
    if not text.startswith("]", end):
        raise _broken(text, position, "`]` is missing")
    return Choice(field, value), end + 1


def _part(text: str, position: int, plain: re.Pattern[str]) -> tuple[str, int]:
    """A quoted or plain word inside brackets, and where it ends."""
    quoted = _QUOTED.match(text, position)
    if quoted:
        return _unescaped(quoted), quoted.end()
    match = plain.match(text, position)
    return (match[0], match.end()) if match else ("", position)


def _unescaped(quoted: re.Match[str]) -> str:
    inner = quoted[1] if quoted[1] is not None else quoted[2]
    return _ESCAPE.sub(r"\1", inner)


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _broken(text: str, position: int, problem: str) -> KeyPathError:
    return KeyPathError(text, f"{problem} at character {position + 1}")
