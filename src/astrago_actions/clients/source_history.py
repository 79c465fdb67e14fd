"""Which of two commits of the service's repository contains the other."""

from __future__ import annotations

from github import Github

from astrago_actions.clients.github import compare
from astrago_actions.errors import AccessDenied, NotFound


class SourceHistory:
    """Ancestry in one repository, asked once per pair of commits."""

    def __init__(self, connection: Github, repository: str) -> None:
        self._connection = connection
        self._repository = repository
        self._known: dict[tuple[str, str], str | None] = {}

    def relation(self, ours: str, other: str) -> str | None:
        """How `other` lies to `ours` (`ahead` contains ours); None when it cannot be seen.

        Raises Unreachable and RateLimited: an older build must not win because nobody answered.
        """
        pair = (ours, other)
        if pair not in self._known:
            try:
                self._known[pair] = compare(self._connection, self._repository, ours, other)
            except (NotFound, AccessDenied):
                self._known[pair] = None
        return self._known[pair]
