"""Which of two commits of the service's repository contains the other, and what lies between."""

from __future__ import annotations

from astrago_actions.clients.github import Comparison, Connection, compare
from astrago_actions.errors import AccessDenied, NotFound


class SourceHistory:
    """Comparisons in one repository, asked for once per pair of commits."""

    def __init__(self, connection: Connection, repository: str) -> None:
        self.connection = connection
        self._repository = repository
        self._known: dict[tuple[str, str], Comparison | None] = {}

    def since(self, other: str, ours: str) -> Comparison | None:
        """How `ours` lies to `other` (`behind`: other contains ours); None when it cannot be seen.

        Raises Unreachable and RateLimited: an older build must not win because nobody answered.
        """
        pair = (other, ours)
        if pair not in self._known:
            try:
                self._known[pair] = compare(self.connection, self._repository, other, ours)
            except (NotFound, AccessDenied):
                self._known[pair] = None
        return self._known[pair]
