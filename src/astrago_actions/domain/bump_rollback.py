"""Which bump a rollback takes back, and the values it puts in place again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from astrago_actions.domain.bump_commit import recorded_changes, trailers

PREVIOUS = "previous"
Target = tuple[str, str]


@dataclass(frozen=True)
class Step:
    """What a bump did to one key: from `previous` to `value`."""

    previous: str
    value: str


@dataclass(frozen=True)
class Rollback:
    """The bump commit to take back, and (file, key) -> what it did there."""

    of: str
    values: Mapping[Target, Step]


def rollback(
    wanted: str, targets: Iterable[Target], commits: Iterable[tuple[str, str]]
) -> Rollback | None:
    """The rollback to before `wanted`: a commit SHA (or its beginning), or `previous`.

    `commits` are the branch's (sha, message), newest first. `previous` is the newest bump of any
    of the targets that is neither a rollback nor taken back already for them, so that rolling back
    twice goes two bumps back. None when there is no such bump.
    """
    among = set(targets)
    taken_back: set[tuple[str, Target]] = set()
    for sha, message in commits:
        steps = _steps(message, among)
        for of in trailers(message).get("Rollback-Of", ()):
            taken_back.update((of, target) for target in steps)
        left = {each: step for each, step in steps.items() if (sha, each) not in taken_back}
        if wanted == PREVIOUS and left and "Rollback-Of" not in trailers(message):
            return Rollback(sha, left)
        if wanted != PREVIOUS and steps and sha.startswith(wanted):
            return Rollback(sha, steps)
    return None


def _steps(message: str, targets: set[Target]) -> dict[Target, Step]:
    return {
        target: Step(previous, value)
        for target, (previous, value) in recorded_changes(message).items()
        if target in targets and previous
    }
