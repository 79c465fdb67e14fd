"""The existing key paths that a missing one may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from astrago_actions.domain.key_path import Segment

Place = tuple[tuple[Segment, ...], int]

MOST = 3
_CLOSE_ENOUGH = 0.45
_COMPARED_IN_FULL = 200


def nearest(missing: tuple[Segment, ...], known: Iterable[Place]) -> list[Place]:
    """The best few of the known paths (each with its line), best first.

    Compared are the last keys, which name the thing, and the paths as a whole.
    """
    wanted = _words(missing)
    named = [(_words(segments), (segments, line)) for segments, line in known if segments]
    likely = sorted(named, key=lambda each: -_shared(wanted, each[0]))[:_COMPARED_IN_FULL]
    scored = sorted(
        ((_likeness(wanted, words), place) for words, place in likely),
        key=lambda each: -each[0],
    )
    close = [each for each in scored if each[0] >= max(_CLOSE_ENOUGH, 0.85 * scored[0][0])]
    return [place for _, place in close[:MOST]]


def _words(segments: tuple[Segment, ...]) -> tuple[str, ...]:
    return tuple(str(segment) for segment in segments)


def _shared(missing: tuple[str, ...], path: tuple[str, ...]) -> float:
    """A quick measure: keys in common, the last ones counting double."""
    same_leaf = 2 * _akin(missing[-1], path[-1]) if missing and path else 0
    return same_leaf + len(set(missing) & set(path)) / max(len(path), len(missing), 1)


def _likeness(missing: tuple[str, ...], path: tuple[str, ...]) -> float:
    whole = SequenceMatcher(None, ".".join(missing).lower(), ".".join(path).lower()).ratio()
    leaf = SequenceMatcher(None, missing[-1].lower(), path[-1].lower()).ratio()
    order = SequenceMatcher(None, missing[:-1], path[:-1], autojunk=False).ratio()
    return (whole + max(leaf, _akin(missing[-1], path[-1])) + order) / 3


def _akin(one: str, other: str) -> float:
    """1 for the same word, 0.8 where one is the end of the other: `tag` and `imageTag`."""
    one, other = one.lower(), other.lower()
    if one == other:
        return 1
    return 0.8 if one and other and (one.endswith(other) or other.endswith(one)) else 0
