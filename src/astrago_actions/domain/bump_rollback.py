"""Which bump a rollback takes back, and the values it puts in place again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from astrago_actions.domain.bump_commit import recorded_changes, trailers

PREVIOUS = "previous"


@dataclass(frozen=True)
class Rollback:
    """The bump commit to take back, and (file, key) -> the value before it."""

    of: str
    values: Mapping[tuple[str, str], str]


def rollback(
    wanted: str, targets: Iterable[tuple[str, str]], commits: Iterable[tuple[str, str]]
) -> Rollback | None:
    """The rollback to before `wanted`: a commit SHA (or its beginning), or `previous`.

    `commits` are the branch's (sha, message), newest first. `previous` is the newest bump of any
    of the targets that is neither a rollback nor taken back already, so that rolling back twice
    goes two bumps back. None when there is no such bump.
    """
    among = set(targets)
    taken_back: set[str] = set()
    for sha, message in commits:
        taken_back.update(trailers(message).get("Rollback-Of", ()))
        before = _values_before(message, among)
        if before and _is_wanted(wanted, sha, message, taken_back):
            return Rollback(sha, before)
    return None


def _values_before(message: str, targets: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    recorded = recorded_changes(message)
    return {
        target: previous
        for target, (previous, _) in recorded.items()
        if target in targets and previous
    }


def _is_wanted(wanted: str, sha: str, message: str, taken_back: set[str]) -> bool:
    if wanted != PREVIOUS:
        return sha.startswith(wanted)
    return "Rollback-Of" not in trailers(message) and sha not in taken_back
