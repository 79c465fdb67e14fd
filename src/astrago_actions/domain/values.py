"""Changing values in YAML text by key path, and not one character beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from astrago_actions.domain.edit_refused import EditRefused, FileRefused, Refusal
from astrago_actions.domain.key_lookup import Found, Missing, Unclear, look_up
from astrago_actions.domain.key_path import KeyPathError, parse_key_path
from astrago_actions.domain.same_tree import first_difference
from astrago_actions.domain.scalar_edit import Splice, applied, replacement
from astrago_actions.domain.yaml_tree import (
    Node,
    NotYaml,
    Scalar,
    documents,
    line_number,
)

IfMissing = Literal["fail", "create"]


@dataclass(frozen=True)
class Edited:
    """The new text, what each key held before, and what the reader should know besides."""

    text: str
    previous: dict[str, str | None]
    notes: tuple[str, ...] = ()


def edit(
    text: str,
    changes: Mapping[str, str],
    *,
    if_missing: IfMissing = "fail",
    name: str = "the file",
) -> str:
    """The text with the value at each key path replaced; raises EditRefused or FileRefused."""
    return apply(text, changes, if_missing=if_missing, name=name).text


def apply(
    text: str,
    changes: Mapping[str, str],
    *,
    if_missing: IfMissing = "fail",
    name: str = "the file",
) -> Edited:
    """Like `edit`, with the previous values and notes about what else is affected."""
    roots = _read(text, name)
    refusals: list[Refusal] = []
    targets: dict[str, Scalar] = {}
    splices: list[Splice] = []
    for key, value in changes.items():
        found = _target(text, roots, key)
        if isinstance(found, Refusal):
            refusals.append(found)
            continue
        node = found.node
        assert isinstance(node, Scalar)  # noqa: S101
        targets[key] = node
        splice = replacement(text, found.key, node, value)
        assert splice  # noqa: S101
        splices.append(splice)
    if refusals:
        raise EditRefused(name, refusals)
    result = applied(text, splices)
    wanted = {id(targets[key]): value for key, value in changes.items()}
    if first_difference(roots, _read(result, name), wanted) is not None:
        raise FileRefused("x", "y", "z")
    return Edited(result, {key: node.value for key, node in targets.items()})


def current(text: str, paths: Iterable[str]) -> dict[str, str | None]:
    """The present value of each path as text; None where there is no single value."""
    roots = _read(text, "the file")
    values: dict[str, str | None] = {}
    for path in paths:
        found = _target(text, roots, path)
        node = None if isinstance(found, Refusal) else found.node
        values[path] = node.value if isinstance(node, Scalar) else None
    return values


def _read(text: str, name: str) -> tuple[Node, ...]:
    try:
        return documents(text)
    except NotYaml as error:
        line = line_number(text, error.position)
        raise FileRefused(
            f"{name} is not valid YAML",
            f"Line {line}: {error.problem}.",
            "Correct the file and run again; nothing was changed.",
        ) from None


def _target(text: str, roots: tuple[Node, ...], key: str) -> Found | Refusal:
    try:
        path = parse_key_path(key)
    except KeyPathError as error:
        return Refusal(key, str(error), "Correct the key path.")
    outcomes = [look_up(text, root, path.segments) for root in roots]
    present = [each for each in outcomes if not isinstance(each, Missing)]
    if len(present) != 1:
        return Refusal(key, "is not there", "")
    outcome = present[0]
    if isinstance(outcome, Unclear):
        return Refusal(key, outcome.reason, outcome.remedy, line_number(text, outcome.position))
    if not isinstance(outcome.node, Scalar):
        return Refusal(key, "is a map", "")
    return outcome
