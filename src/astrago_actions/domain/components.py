"""The parts of a repository that become images, and which of them a change touches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


@dataclass(frozen=True)
class Component:
    """One image to build.

    `paths` are files, folders or patterns (fnmatch, where `*` also matches `/`) that it is made
    from, below the repository's root; with none, every change touches it. `context` and
    `dockerfile` may be empty: the push step has inputs of its own for them.
    """

    name: str
    context: str = ""
    dockerfile: str = ""
    paths: tuple[str, ...] = ()


def name_problem(name: str) -> str | None:
    """What is wrong with a component's name, or None."""
    if _NAME.fullmatch(name):
        return None
    return f"`{name}` is not a component name (lower-case letters, digits and . _ - between them)"


def changed_components(
    components: Sequence[Component], changed_files: Iterable[str] | None
) -> tuple[str, ...]:
    """Names of the components that the changed files belong to; all when the files are unknown."""
    if changed_files is None:
        return tuple(each.name for each in components)
    files = tuple(changed_files)
    return tuple(
        each.name
        for each in components
        if not each.paths or any(_matches(file, each.paths) for file in files)
    )


def _matches(file: str, patterns: Sequence[str]) -> bool:
    return any(_belongs(file, pattern.removeprefix("./").rstrip("/")) for pattern in patterns)


def _belongs(file: str, pattern: str) -> bool:
    """Whether a file is meant by a pattern, or lies in a folder that is."""
    return (
        pattern in ("", ".")
        or file == pattern
        or file.startswith(f"{pattern}/")
        or fnmatchcase(file, pattern)
        or fnmatchcase(file, f"{pattern}/*")
    )


@dataclass(frozen=True)
class EnvironmentRule:
    """Branches that match `pattern` (fnmatch) belong to `environment`."""

    pattern: str
    environment: str


def environment_of(branch: str, rules: Iterable[EnvironmentRule]) -> str:
    """The environment of the first rule that matches, or an empty string."""
    for rule in rules:
        if fnmatchcase(branch, rule.pattern):
            return rule.environment
    return ""
