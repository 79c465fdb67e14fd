"""The text of a bump commit: a headline for people, trailers for rollback, guards and figures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEFAULT_MESSAGE = "chore({environment}): {components} -> {sha}"
ROLLBACK_MESSAGE = "revert({environment}): {components} -> {tag}"
_TRAILER = re.compile(r"([A-Z][A-Za-z-]*): (\S.*)")
_CHANGE = re.compile(r"  (.+): (\S+) -> (\S+)")
_EMPTY = "(empty)"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Change:
    """One value that a bump sets: `key` in `file` from `previous` to `value`."""

    file: str
    key: str
    previous: str
    value: str
    component: str = ""


@dataclass(frozen=True)
class Origin:
    """Where a bump comes from; every field may be empty when it is run by hand."""

    environment: str = ""
    repository: str = ""
    commit: str = ""
    run_url: str = ""
    rollback_of: str = ""


@dataclass(frozen=True)
class Message:
    """A commit message as GitHub takes it."""

    headline: str
    body: str


def compose(template: str, changes: Sequence[Change], origin: Origin, bump_id: str) -> Message:
    """The message of a bump; the template's first line is the headline.

    Raises ValueError naming a placeholder that does not exist.
    """
    headline, _, introduction = _fill(template, changes, origin).partition("\n")
    trailers = "\n".join(f"{name}: {value}" for name, value in _trailers(changes, origin, bump_id))
    parts = [introduction.strip(), _record(changes), trailers]
    return Message(_single_line(headline), "\n\n".join(part for part in parts if part))


def _record(changes: Sequence[Change]) -> str:
    """Each file, and indented below it each key with its old and new value."""
    by_file: dict[str, list[Change]] = {}
    for change in changes:
        by_file.setdefault(change.file, []).append(change)
    lines: list[str] = []
    for file, of_file in by_file.items():
        lines.append(f"{file}:")
        lines += [f"  {each.key}: {each.previous or _EMPTY} -> {each.value}" for each in of_file]
    return "\n".join(lines)


def _fill(template: str, changes: Sequence[Change], origin: Origin) -> str:
    components = list(dict.fromkeys(each.component or each.key for each in changes))
    values = {
        "environment": origin.environment,
        "components": ", ".join(components),
        "sha": origin.commit[:8] or (changes[0].value if changes else ""),
        "repository": origin.repository,
        "tag": changes[0].value if changes else "",
    }

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise ValueError(f"`{{{match[1]}}}` is unknown; known are {', '.join(values)}")
        return values[match[1]]

    filled = _PLACEHOLDER.sub(value, template)
    return filled if origin.environment else filled.replace("():", ":")


def _trailers(changes: Sequence[Change], origin: Origin, bump_id: str) -> list[tuple[str, str]]:
    named = [
        ("Source-Repository", origin.repository),
        ("Source-Commit", origin.commit),
        ("Workflow-Run", origin.run_url),
        ("Environment", origin.environment),
        *(("Component", name) for name in dict.fromkeys(each.component for each in changes)),
        ("Rollback-Of", origin.rollback_of),
        ("Bump-Id", bump_id),
    ]
    return [(name, _single_line(value)) for name, value in named if value]


def _single_line(text: str) -> str:
    return " ".join(text.split())


def trailers(message: str) -> dict[str, tuple[str, ...]]:
    """The trailers in the last paragraph of a commit message, by name.

    Source: git-interpret-trailers(1); our trailers are never folded over lines.
    """
    last_paragraph = message.rstrip().rpartition("\n\n")[2]
    found: dict[str, tuple[str, ...]] = {}
    for line in last_paragraph.splitlines():
        match = _TRAILER.fullmatch(line.strip())
        if match:
            found[match[1]] = (*found.get(match[1], ()), match[2])
    return found


def recorded_changes(message: str) -> Mapping[tuple[str, str], tuple[str, str]]:
    """What a bump commit says it changed: (file, key path) -> (previous, value)."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    file = ""
    for line in message.splitlines():
        match = _CHANGE.fullmatch(line)
        if match and file:
            found[file, match[1]] = ("" if match[2] == _EMPTY else match[2], match[3])
        elif line.endswith(":") and not line.startswith(" "):
            file = line[:-1]
    return found
