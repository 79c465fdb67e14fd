"""Replacing the characters of one scalar and of nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from astrago_actions.domain.editing.scalar import written
from astrago_actions.domain.editing.tree import Node, Scalar

_PROPERTY = re.compile(r"[&!]\S*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]+|(?<=[ \t\r\n])#[^\r\n]*)*")
COLON = re.compile(r"\s*:")


@dataclass(frozen=True)
class Splice:
    """Put `text` in place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


def replacement(text: str, key: Node | None, scalar: Scalar, value: str) -> Splice | None:
    """What to write so that the scalar becomes `value`; anchors, tags and quotes stay.

    None where an empty value has no colon to stand behind.
    """
    start = _value_start(text, scalar)
    new = written(value, scalar.style, in_flow=scalar.in_flow)
    if start < scalar.end:
        return Splice(start, scalar.end, new)
    if scalar.anchor or scalar.tag or key is None:
        return Splice(start, start, f" {new}")
    return _behind_colon(text, key, scalar, new)


def _value_start(text: str, scalar: Scalar) -> int:
    """Where the value begins behind its `&anchor` and `!tag`."""
    position = scalar.start
    if not (scalar.anchor or scalar.tag):
        return position
    while position < scalar.end:
        match = _PROPERTY.match(text, position, scalar.end)
        if match is None:
            break
        after = _BETWEEN.match(text, match.end(), scalar.end)
        position = after.end() if after else match.end()
    return position


def _behind_colon(text: str, key: Node, scalar: Scalar, new: str) -> Splice | None:
    """An empty value is marked at the next token; the place to write is behind the colon."""
    colon = COLON.match(text, key.end)
    if colon is not None:
        return Splice(colon.end(), colon.end(), f" {new}")
    return Splice(key.end, key.end, f": {new}") if scalar.in_flow else None


def applied(text: str, splices: list[Splice]) -> str:
    """The text with every splice made; they must not overlap."""
    parts = []
    position = 0
    for each in sorted(splices, key=lambda splice: splice.start):
        parts += [text[position : each.start], each.text]
        position = each.end
    return "".join([*parts, text[position:]])
