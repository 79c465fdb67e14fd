"""YAML text as nodes that know where they stand in it; ruamel.yaml reads, nothing is resolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

BYTE_ORDER_MARK = "\ufeff"


class NotYaml(ValueError):
    """The text cannot be read as YAML; `position` is a character offset."""

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.position = position


@dataclass(slots=True, eq=False)
class Scalar:
    """`value` as read; `style` is `"`, `'`, `|`, `>` or empty for plain.

    `start` is where its properties (`&anchor`, `!tag`) or else the value begin. Offsets are
    characters from the beginning of the text, here and below.
    """

    start: int
    end: int
    value: str
    style: str
    anchor: str | None
    tag: str | None
    in_flow: bool


@dataclass(slots=True, eq=False)
class Alias:
    """`*name`; `target` is the anchored node, None when there is none."""

    start: int
    end: int
    name: str
    target: Node | None


@dataclass(slots=True, eq=False)
class Mapping:
    """A map: its keys and values in the order of the text, duplicates included."""

    start: int
    end: int
    flow: bool
    anchor: str | None
    tag: str | None
    pairs: list[tuple[Node, Node]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Sequence:
    """A list."""

    start: int
    end: int
    flow: bool
    anchor: str | None
    tag: str | None
    items: list[Node] = field(default_factory=list)


Node = Scalar | Alias | Mapping | Sequence


@lru_cache(maxsize=4)
def documents(text: str) -> tuple[Node, ...]:
    """The root node of each document; raises NotYaml."""
    return read_documents(text)


def read_documents(text: str) -> tuple[Node, ...]:
    """Like `documents`, for text that is not asked for again."""
    try:
        return tuple(_roots(YAML(typ="safe", pure=True).parse(text)))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYaml(str(error.problem or error.context), mark.index if mark else 0) from None
    except ReaderError as error:
        problem = f"the character U+{error.character:04X} is not allowed in YAML"
        raise NotYaml(problem, error.position) from None
    except YAMLError as error:
        raise NotYaml(str(error), 0) from None


def _roots(events: Iterable[Any]) -> list[Node]:
    roots: list[Node] = []
    growing = _Growing()
    for event in events:
        kind = type(event)
        if kind is ScalarEvent:
            growing.add(_scalar(event, in_flow=growing.in_flow))
        elif kind is AliasEvent:
            growing.add(_alias(event, growing.anchors))
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            growing.open(_collection(event))
        elif isinstance(event, CollectionEndEvent):
            growing.close(event.end_mark.index)
        elif kind is DocumentStartEvent:
            growing = _Growing()
        elif kind is DocumentEndEvent and growing.root is not None:
            roots.append(growing.root)
    return roots


class _Growing:
    """One document while its events come in; a list for a stack, so that depth has no limit."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.anchors: dict[str, Node] = {}
        self._open: list[Mapping | Sequence] = []
        self._keys: list[Node | None] = []

    @property
    def in_flow(self) -> bool:
        return bool(self._open) and self._open[-1].flow

    def add(self, node: Node) -> None:
        if not isinstance(node, Alias) and node.anchor:
            self.anchors[node.anchor] = node
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = self._keys[-1]
        if key is None:
            self._keys[-1] = node
        else:
            parent.pairs.append((key, node))
            self._keys[-1] = None

    def open(self, node: Mapping | Sequence) -> None:
        self.add(node)
        self._open.append(node)
        self._keys.append(None)

    def close(self, end: int) -> None:
        node = self._open.pop()
        self._keys.pop()
        if node.flow:
            node.end = end


def _scalar(event: Any, *, in_flow: bool) -> Scalar:
    start, end = event.start_mark.index, event.end_mark.index
    return Scalar(start, end, event.value, event.style or "", event.anchor, event.tag, in_flow)


def _alias(event: Any, anchors: dict[str, Node]) -> Alias:
    start, end = event.start_mark.index, event.end_mark.index
    return Alias(start, end, event.anchor, anchors.get(event.anchor))


def _collection(event: Any) -> Mapping | Sequence:
    kind = Mapping if type(event) is MappingStartEvent else Sequence
    start, end = event.start_mark.index, event.end_mark.index
    return kind(start, end, bool(event.flow_style), event.anchor, event.tag)


def line_number(text: str, position: int) -> int:
    """The line of a character as editors count it, from 1: LF, CRLF and CR end lines."""
    breaks = text.count("\n", 0, position) + text.count("\r", 0, position)
    return breaks - text.count("\r\n", 0, position) + 1
