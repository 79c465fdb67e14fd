"""Which source commit the value in the file was made from, to keep older builds from winning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from astrago_actions.domain.bump_commit import recorded_changes, trailers

_SHA_IN_TAG = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,40}(?![0-9A-Za-z])")


def source_commit_of(
    value: str, target: tuple[str, str], source_repository: str, messages: Iterable[str]
) -> str | None:
    """The commit that `value` at `target` (file, key) was built from; None when nothing tells.

    `messages` are the branch's newest commit messages, newest first: the last bump of this key is
    believed when it set this very value; else the SHA inside the tag, if there is one.
    """
    for message in messages:
        if target not in recorded_changes(message):
            continue
        if recorded_changes(message)[target][1] != value:
            break
        found = trailers(message)
        if source_repository in found.get("Source-Repository", ()) and "Source-Commit" in found:
            return found["Source-Commit"][0]
        break
    shas: list[str] = _SHA_IN_TAG.findall(value)
    return shas[-1] if shas else None


def commit_that_set(
    wanted: Mapping[tuple[str, str], str], commits: Iterable[tuple[str, str]]
) -> str | None:
    """The newest bump, among (sha, message), that gave one of these targets its wanted value.

    A job that runs again finds its values in place; this is the commit to wait for then.
    """
    for sha, message in commits:
        recorded = recorded_changes(message)
        if any(recorded.get(target, ("", ""))[1] == value for target, value in wanted.items()):
            return sha
    return None
