"""What bumps and rollbacks must do to a branch, as a model beside the action.

A branch is a sequence of states. Each commit of a writer has to be exactly what the model makes of
its wish on the state before; nothing here reads commit messages or edits text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

Target = tuple[str, str]
"""A file and a key in it."""

_FILE = re.compile(r"# note (?P<note>.*)\n(?P<tags>(?:.+:\n  tag: .+   # .+ 태그\n)*)")
_TAG = re.compile(r"(?P<key>.+):\n  tag: (?P<tag>.+)   # .+ 태그\n")


@dataclass(frozen=True)
class ValuesFile:
    """A values file: a line that is nobody's, and a tag for each key."""

    note: str
    tags: Mapping[str, str]

    @property
    def text(self) -> str:
        """The file, to the byte."""
        lines = [f"{key}:\n  tag: {tag}   # {key} 태그\n" for key, tag in self.tags.items()]
        return f"# note {self.note}\n" + "".join(lines)

    @classmethod
    def read(cls, text: str) -> ValuesFile:
        """The reverse of `text`; raises ValueError for anything else."""
        match = _FILE.fullmatch(text)
        if match is None:
            raise ValueError(f"nobody wrote this:\n{text}")
        tags = {each["key"]: each["tag"] for each in _TAG.finditer(match["tags"])}
        return cls(match["note"], tags)


State = Mapping[str, ValuesFile | None]
"""The files by path; None where there is no such file."""


@dataclass(frozen=True)
class Bump:
    """The wish for these values, built from the source commit `source`.

    A guarded one leaves what is newer alone.
    """

    values: Mapping[Target, str]
    source: str
    guarded: bool


@dataclass(frozen=True)
class Rollback:
    """The wish to take back a bump of these targets: `previous`, or the one of this SHA."""

    targets: tuple[Target, ...]
    wanted: str


Wish = Bump | Rollback


@dataclass(frozen=True)
class Effect:
    """What a wish makes of a state, and what it leaves alone there, or sets without knowing."""

    after: State
    superseded: frozenset[Target] = frozenset()
    unordered: frozenset[Target] = frozenset()
    kept: frozenset[Target] = frozenset()


@dataclass(frozen=True)
class Recorded:
    """A commit of the branch: the state after it and, when a writer made it, its wish.

    `changes` are what it did to tags, `of` is the commit that it took back.
    """

    sha: str
    state: State
    wish: Wish | None = None
    changes: Mapping[Target, tuple[str, str]] = field(default_factory=dict)
    of: str = ""


def missing(state: State, targets: Iterable[Target]) -> bool:
    """Whether a file that is wanted is not there."""
    return any(state[file] is None for file, _ in targets)


def value(state: State, target: Target) -> str:
    """The tag at a target whose file is there."""
    file = state[target[0]]
    assert file is not None
    return file.tags[target[1]]


def changed(before: State, after: State) -> dict[Target, tuple[str, str]]:
    """The tags that differ between two states that have the same files."""
    return {
        (path, key): (tag, value(after, (path, key)))
        for path, file in before.items()
        if file is not None and after[path] is not None
        for key, tag in file.tags.items()
        if tag != value(after, (path, key))
    }


def with_values(state: State, values: Mapping[Target, str]) -> State:
    """The state with these tags set."""
    after = dict(state)
    for (path, key), tag in values.items():
        file = after[path]
        assert file is not None
        after[path] = replace(file, tags={**file.tags, key: tag})
    return after


Contains = Callable[[str, str], bool]
"""Whether the source commit that is given first contains the second."""


def bumped(wish: Bump, state: State, sources: Sequence[str], contains: Contains) -> Effect:
    """What a bump makes of a state; `sources` are all commits of the service."""
    superseded, unordered = set(), set()
    for target, tag in wish.values.items() if wish.guarded else ():
        present = value(state, target)
        if present == tag:
            continue
        source = next((each for each in sources if each[:8] in present), None)
        if source is None or not (contains(source, wish.source) or contains(wish.source, source)):
            unordered.add(target)
        elif source != wish.source and contains(source, wish.source):
            superseded.add(target)
    values = {target: tag for target, tag in wish.values.items() if target not in superseded}
    return Effect(with_values(state, values), frozenset(superseded), frozenset(unordered))


def to_take_back(wish: Rollback, past: Sequence[Recorded]) -> Recorded | None:
    """The bump that a rollback means, with what it did to the targets; newest commit first."""
    done: set[tuple[str, Target]] = set()
    for each in past:
        steps = {target: step for target, step in each.changes.items() if target in wish.targets}
        if each.wish is None or not steps:
            continue
        done.update((each.of, target) for target in steps if each.of)
        left = {target: step for target, step in steps.items() if (each.sha, target) not in done}
        if wish.wanted == "previous" and left and not each.of:
            return replace(each, changes=left)
        if each.sha == wish.wanted:
            return replace(each, changes=steps)
    return None


def rolled_back(bump: Recorded, state: State) -> Effect:
    """What taking back a bump makes of a state: what was there before, unless it was set since."""
    kept = {target for target, step in bump.changes.items() if value(state, target) not in step}
    values = {target: step[0] for target, step in bump.changes.items() if target not in kept}
    return Effect(with_values(state, values), kept=frozenset(kept))
