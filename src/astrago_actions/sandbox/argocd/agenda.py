"""Things that are due at a time, done when somebody looks.

Nothing runs by itself: each request first does everything that has become due, in order and as of
the moment when it was due. So a virtual clock and a real one give the same story.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timezone

from astrago_actions.clock import Clock


class Agenda:
    """A clock with a list of what is due; `moment` is the time as of which things happen."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.moment = clock.monotonic()
        self._wall = clock.now() - self.moment
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do this `seconds` after the present moment."""
        heapq.heappush(self._due, (self.moment + seconds, next(self._order), action))

    def catch_up(self) -> None:
        """Do everything that is due by now."""
        now = self.clock.monotonic()
        while self._due and self._due[0][0] <= now:
            self.moment, _, action = heapq.heappop(self._due)
            action()
        self.moment = max(self.moment, now)

    @property
    def seconds_to_next(self) -> float | None:
        """How long until something is due; None when nothing is."""
        return max(0.0, self._due[0][0] - self.clock.monotonic()) if self._due else None

    def timestamp(self) -> str:
        """The present moment as Kubernetes writes it, in whole seconds."""
        moment = datetime.fromtimestamp(self.wall(), timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def wall(self) -> float:
        """The present moment in seconds since the epoch."""
        return self._wall + self.moment
