"""The results of a wait, the exit code of each, and which of several counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SUCCESSES = frozenset({"deployed", "superseded", "no-change"})

EXIT_CODES: Mapping[str, int] = {
    "deployed": 0,
    "no-change": 0,
    "superseded": 0,
    "sync-failed": 10,
    "manifest-error": 11,
    "unhealthy": 12,
    "timeout": 13,
    "blocked": 14,
    "auth": 15,
    "not-found": 16,
    "config": 17,
    "unreachable": 18,
    "rewritten": 19,
}
SUPERSEDED_EXIT_CODE = 20
"""The exit code of `superseded` where `on-superseded` is `fail`."""

_WORST_FIRST = (
    "config",
    "auth",
    "not-found",
    "manifest-error",
    "sync-failed",
    "unhealthy",
    "rewritten",
    "blocked",
    "timeout",
    "unreachable",
    "superseded",
    "deployed",
    "no-change",
)


def worst(results: Iterable[str]) -> str:
    """The result that counts for all: the worst; `deployed` counts more than `no-change`."""
    found = set(results)
    return next(each for each in _WORST_FIRST if each in found)
