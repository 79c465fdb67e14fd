"""Adding keys that are not there yet, in the style of the keys around them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Union

from astrago_actions.domain.editing.lookup import Missing, key_name, walk
from astrago_actions.domain.editing.scalar import is_misread, written
from astrago_actions.domain.editing.splice import COLON, Splice
from astrago_actions.domain.editing.tree import BYTE_ORDER_MARK, Mapping, Node, Scalar, Sequence
from astrago_actions.domain.editing.view import View
from astrago_actions.domain.key_path import Key, KeyPath

Branch = dict[str, Union[str, "Branch"]]
"""New keys with their values or, again, keys."""

EMPTY_TEXT = 0
"""Stands for the missing root of a text without documents, where nodes go by their `id`."""

_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_DEFAULT_STEP = 2


class CannotCreate(ValueError):
    """The key cannot be added; the message continues "`path` …"."""


class Growth:
    """The keys to be added to one view, gathered by the map that they are added to."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._places: dict[int, tuple[Node | None, Missing]] = {}
        self.branches: dict[int, Branch] = {}

    def add(self, path: KeyPath, value: str, missing: list[tuple[Node, Missing]]) -> None:
        """Plan a key; `missing` says how far each document knows the path. Raises CannotCreate."""
        depth = 0
        place = EMPTY_TEXT
        if missing:
            root, found = _deepest(missing)
            self._check(found, path)
            depth, place = found.depth, id(found.node)
            self._places[place] = (root, found)
        keys = [segment.name for segment in path.segments[depth:] if isinstance(segment, Key)]
        if len(keys) != len(path.segments) - depth:
            raise CannotCreate("does not exist, and items of lists are not created")
        _plant(self.branches.setdefault(place, {}), keys, value)

    def _check(self, found: Missing, path: KeyPath) -> None:
        if found.because:
            raise CannotCreate(found.because)
        node = found.node
        empty = isinstance(node, Scalar) and node.value == "" and not node.style
        plain = isinstance(node, Scalar) and not node.anchor and not node.tag
        placed = found.key is not None or found.depth == 0
        if not isinstance(node, Mapping) and not (empty and plain and placed):
            above = path.segments[found.depth - 1]
            line = self._view.line(node.start)
            raise CannotCreate(
                f"cannot be added, because `{above}` above it (line {line}) is no map"
            )

    def splices(self) -> list[Splice]:
        """What to write where; of two maps that end together the inner one comes first."""
        found = [self._splice(place, branch) for place, branch in self.branches.items()]
        return [splice for _, splice in sorted(found, key=lambda each: -each[0])]

    def _splice(self, place: int, branch: Branch) -> tuple[int, Splice]:
        """The splice for one map, with the column of its keys."""
        text = self._view.text
        if place == EMPTY_TEXT:
            return 0, _below(text, len(text), 0, branch, _Style(None))
        root, found = self._places[place]
        style = _Style(root, found.node)
        node, key = found.node, found.key
        if isinstance(node, Mapping) and node.flow:
            return 0, _into_flow(text, node, branch, style)
        if isinstance(node, Mapping):
            column = _column(text, node.pairs[0][0])
            return column, _below(text, _end(text, *node.pairs[-1]), column, branch, style)
        if key is None:
            return 0, _below(text, len(text), 0, branch, style)
        if isinstance(node, Scalar) and node.in_flow:
            at = _end(text, key, node)
            return 0, Splice(at, at, f" {{{_flow(branch, style)}}}")
        column = _column(text, key) + style.step(text)
        return column, _below(text, _end(text, key, node), column, branch, style)


def _deepest(missing: list[tuple[Node, Missing]]) -> tuple[Node, Missing]:
    depth = max(each.depth for _, each in missing)
    deepest = [(root, each) for root, each in missing if each.depth == depth]
    if len(deepest) > 1:
        raise CannotCreate("could be added to any of several documents")
    return deepest[0]


def _plant(branch: Branch, keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        below = branch.setdefault(key, {})
        if isinstance(below, str):
            raise CannotCreate(f"cannot be added below `{key}`, which is given a value")
        branch = below
    if keys[-1] in branch and branch[keys[-1]] != value:
        raise CannotCreate("cannot be added with two different values")
    branch[keys[-1]] = value


class _Style:
    """How the document around a place writes: quotes and indentation."""

    def __init__(self, root: Node | None, node: Node | None = None) -> None:
        self._root = root
        self._node = node

    def quote(self, name: str) -> str:
        """The quotes that keys of this name have, else those of the neighbours, else of all."""
        everywhere = list(_strings(self._root))
        same_name = [style for key, style in everywhere if key == name]
        beside = [style for _, style in _strings_of(self._node)]
        for styles in (same_name, beside, [style for _, style in everywhere]):
            if styles:
                return Counter(styles).most_common(1)[0][0]
        return ""

    def step(self, text: str) -> int:
        """How many blanks deeper a map inside a map stands."""
        for _, node in walk(self._root) if self._root else ():
            if isinstance(node, Mapping) and not node.flow:
                for key, value in node.pairs:
                    if isinstance(value, Mapping) and not value.flow:
                        return max(1, _column(text, value.pairs[0][0]) - _column(text, key))
        return _DEFAULT_STEP


def _strings(root: Node | None) -> Iterator[tuple[str | None, str]]:
    for _, node in walk(root) if root else ():
        yield from _strings_of(node)


def _strings_of(node: Node | None) -> Iterator[tuple[str | None, str]]:
    """The keys of a map whose values are strings, each with the quotes of its value."""
    if not isinstance(node, Mapping):
        return
    for key, value in node.pairs:
        if not isinstance(value, Scalar) or value.style in ("|", ">"):
            continue
        if value.style or not is_misread(value.value):
            yield key_name(key), value.style


def _below(text: str, end: int, column: int, branch: Branch, style: _Style) -> Splice:
    """The branch as lines of their own behind the line where `end` is.

    A text whose last line has no line break still has none afterwards.
    """
    first_break = _LINE_BREAK.search(text)
    newline = first_break[0] if first_break else "\n"
    lines = newline.join(_lines(branch, column, style.step(text), style))
    if end == 0 or text[end - 1] in f"\r\n{BYTE_ORDER_MARK}":
        return Splice(end, end, lines + newline)
    break_after = _LINE_BREAK.search(text, end)
    if break_after is None:
        return Splice(len(text), len(text), newline + lines)
    return Splice(break_after.end(), break_after.end(), lines + newline)


def _lines(branch: Branch, column: int, step: int, style: _Style) -> Iterator[str]:
    for key, value in branch.items():
        start = " " * column + written(key) + ":"
        if isinstance(value, str):
            yield f"{start} {written(value, style.quote(key))}"
        else:
            yield start
            yield from _lines(value, column + step, step, style)


def _into_flow(text: str, node: Mapping, branch: Branch, style: _Style) -> Splice:
    if not node.pairs:
        return Splice(node.end - 1, node.end - 1, _flow(branch, style))
    at = _end(text, *node.pairs[-1])
    return Splice(at, at, ", " + _flow(branch, style))


def _flow(branch: Branch, style: _Style) -> str:
    pairs = []
    for key, value in branch.items():
        if isinstance(value, str):
            shown = written(value, style.quote(key), in_flow=True)
        else:
            shown = f"{{{_flow(value, style)}}}"
        pairs.append(f"{written(key, in_flow=True)}: {shown}")
    return ", ".join(pairs)


def _column(text: str, node: Node) -> int:
    line_start = max(text.rfind("\n", 0, node.start), text.rfind("\r", 0, node.start)) + 1
    return len(text[line_start : node.start].lstrip(BYTE_ORDER_MARK))


def _end(text: str, key: Node | None, value: Node) -> int:
    """Where the text of a value ends; behind the colon of its key when it is empty."""
    while isinstance(value, (Mapping, Sequence)) and not value.flow:
        key, value = value.pairs[-1] if isinstance(value, Mapping) else (None, value.items[-1])
    if isinstance(value, Scalar) and value.style in ("|", ">"):
        return _end_of_block(text, value)
    if value.end > value.start or key is None:
        return value.end
    colon = COLON.match(text, key.end)
    return colon.end() if colon else key.end


def _end_of_block(text: str, value: Scalar) -> int:
    """Behind the last line of a block scalar; blank lines after it belong to it only with `+`."""
    header = text[value.start : value.end].partition("\n")[0]
    if "+" in header:
        return value.end
    return value.start + len(text[value.start : value.end].rstrip())
