"""Which source commit the value in the file was made from, to keep older builds from winning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from astrago_actions.domain.bump_commit import recorded_changes, trailers

_SHA_IN_TAG = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,40}(?![0-9A-Za-z])")


def source_commits_of(
    value: str, target: tuple[str, str], source_repository: str, messages: Iterable[str]
) -> tuple[str, ...]:
    """The commits that `value` at `target` (file, key) may be built from, the likeliest first.

    `messages` are the branch's newest commit messages, newest first: the last bump of this key is
    believed when it set this very value; else a SHA inside the tag, if there is one. Several words
    of a tag can look like a SHA, a date such as 20251124 among them: the repository knows which
    of them is a commit.
    """
    for message in messages:
        recorded = recorded_changes(message)
        if target not in recorded:
            continue
        found = trailers(message)
        believed = recorded[target][1] == value
        if believed and source_repository in found.get("Source-Repository", ()):
            return found.get("Source-Commit", ())[:1] or _shas_in(value)
        break
    return _shas_in(value)


def _shas_in(tag: str) -> tuple[str, ...]:
    """The words that could be a SHA: the later the likelier, those of digits alone last."""
    words = reversed(_SHA_IN_TAG.findall(tag))
    return tuple(sorted(words, key=str.isdigit))


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
