"""What real Argo CDs answered; `python -m bench.real_argocd.record` wrote it down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
# Maps whose keys are names that people chose, not fields.
_FREE_KEYS = frozenset({"labels", "annotations"})

Shape = frozenset[tuple[str, str]]
"""Paths of a document with the JSON type that is found there; lists are `[]`."""


@dataclass(frozen=True)
class Recording:
    """One answer: `body` is JSON, `lines` are those of what is no JSON document."""

    name: str
    version: str
    path: str
    status: int
    content_type: str
    body: Any
    lines: tuple[str, ...]

    @property
    def content(self) -> bytes:
        """The answer as it came over the wire."""
        return "\n".join(self.lines).encode() if self.lines else json.dumps(self.body).encode()


def load(file: Path) -> Recording:
    """One recording from its file."""
    found = json.loads(file.read_text(encoding="utf-8"))
    return Recording(
        file.stem,
        found["argocd"],
        found["request"]["path"],
        found["status"],
        found["content-type"],
        found.get("body"),
        tuple(found.get("lines", ())),
    )


def recordings() -> tuple[Recording, ...]:
    """All of them, of every version."""
    return tuple(load(file) for file in sorted(FOLDER.glob("v*/*.json")))


def recording(name: str) -> Recording:
    """The recording of that name of the newest version."""
    return load(max(FOLDER.glob(f"v*/{name}.json")))


def shape(value: Any, path: str = "") -> Shape:
    """Every path of a JSON value with its type; JSON inside a string is opened as well."""
    return frozenset(_places(value, path))


def _places(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, dict):
        yield path, "object"
        for key, inner in value.items():
            free = path.rpartition(".")[2] in _FREE_KEYS
            yield from _places(inner, f"{path}.{'*' if free else key}")
    elif isinstance(value, list):
        yield path, "list"
        for inner in value:
            yield from _places(inner, f"{path}[]")
    else:
        yield path, _TYPES[type(value)]


_TYPES = {str: "string", bool: "boolean", int: "number", float: "number"}
