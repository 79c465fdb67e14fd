"""Which lines of a chart's templates read a key of its values.

A bump of a key that no template reads changes nothing in the cluster, however green the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from astrago_actions.domain.key_path import Key, KeyPath

VALUES = "Values"

_ACTION = re.compile(r"\{\{-?(?!\s*/\*)(.*?)\}\}", re.DOTALL)
_CHAIN = re.compile(r"(?:\$\w*)?(?:\.[^\W\d]\w*)+")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|`([^`]*)`')
# Functions that hand a map on as a whole, so that everything below it may be read elsewhere.
_WHOLE = re.compile(
    r"(?<![.\w])(?:toYaml|toJson|toPrettyJson|toRawJson|toToml|include|template|tpl|deepCopy|dict"
    r"|list|range|set|index|get|pluck|dig|merge\w*|mustMerge\w*)\b"
)
_BINDING = re.compile(r"\b(?:with|range)\b|:?=")


@dataclass(frozen=True)
class ReadingLine:
    """A line of a template that reads the key, or hands on a map that the key is in."""

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class _Action:
    """What stands between `{{` and `}}`: the names it follows and the strings it gives."""

    line: int
    source: str
    chains: tuple[tuple[str, ...], ...]
    strings: tuple[str, ...]


def reading_lines(templates: Mapping[str, str], path: KeyPath) -> list[ReadingLine]:
    """The lines of the templates (`file -> text`) that read the key; empty when none does.

    Of a path through a list the list itself counts. When in doubt a line counts: names behind a
    variable or a `with` are followed by their ends only.
    """
    keys = _keys(path)
    found: list[ReadingLine] = []
    for file, text in templates.items():
        actions = list(_actions(text))
        lines = text.splitlines()
        bound = _bound(actions, keys)
        numbers = {action.line for action in actions if _reads(action, keys, bound)}
        found += [ReadingLine(file, each, lines[each - 1].strip()) for each in sorted(numbers)]
    return found


def _keys(path: KeyPath) -> tuple[str, ...]:
    names: list[str] = []
    for segment in path.segments:
        if not isinstance(segment, Key):
            break
        names.append(segment.name)
    return tuple(names)


def _actions(text: str) -> Iterator[_Action]:
    for match in _ACTION.finditer(text):
        source = match[1]
        strings = tuple(a or b for a, b in _STRING.findall(source))
        bare = _STRING.sub('""', source)
        chains = tuple(tuple(chain.split(".")[1:]) for chain in _CHAIN.findall(bare))
        yield _Action(text.count("\n", 0, match.start()) + 1, bare, chains, strings)


def _bound(actions: list[_Action], keys: tuple[str, ...]) -> set[int]:
    """How many of the keys some `with`, `range` or variable of the file stands for."""
    return {
        len(chain) - chain.index(VALUES) - 1
        for action in actions
        if _BINDING.search(action.source)
        for chain in action.chains
        if VALUES in chain and _begins(keys, chain[chain.index(VALUES) + 1 :])
    }


def _reads(action: _Action, keys: tuple[str, ...], bound: set[int]) -> bool:
    return any(
        _reads_from_values(action, chain[chain.index(VALUES) + 1 :], keys)
        if VALUES in chain
        else _reads_from_elsewhere(chain, keys, bound)
        for chain in action.chains
    )


def _reads_from_values(action: _Action, chain: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    """`.Values.a.b`, `index .Values "a" "b"`, `get "a.b"`, or a map above handed on whole."""
    if _begins(chain, keys):
        return True
    if not _begins(keys, chain):
        return False
    rest = keys[len(chain) :]
    return _named(action, rest) or bool(_WHOLE.search(action.source))


def _named(action: _Action, rest: tuple[str, ...]) -> bool:
    """Whether the strings of the action, and a chain behind them, spell the rest of the path."""
    dotted = tuple(part for text in action.strings for part in text.split("."))
    for count in range(1, len(rest) + 1):
        beside = count == len(rest) or rest[count:] in action.chains
        if beside and any(dotted[at : at + count] == rest[:count] for at in range(len(dotted))):
            return True
    return False


def _reads_from_elsewhere(chain: tuple[str, ...], keys: tuple[str, ...], bound: set[int]) -> bool:
    """`.c` inside `with .Values.a.b`, `$image.c`, or a chain that ends in the last two keys."""
    ending = keys[-len(chain) :]
    if chain != ending:
        return False
    return len(chain) >= 2 or len(chain) == len(keys) or len(keys) - len(chain) in bound


def _begins(longer: tuple[str, ...], shorter: tuple[str, ...]) -> bool:
    return longer[: len(shorter)] == shorter
