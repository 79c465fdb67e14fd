"""A clock that only moves when somebody sleeps, and does what is planned on the way."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable


class VirtualClock:
    """Time without waiting: `sleep` moves it on at once. Begins at 10:00 on 22 August 2026."""

    def __init__(self, now: float = 1_787_392_800.0) -> None:
        self._wall = now
        self._seconds = 0.0
        self._lock = threading.RLock()
        self._order = itertools.count()
        self._plans: list[tuple[float, int, Callable[[], object]]] = []

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._wall + self._seconds

    def monotonic(self) -> float:
        """Seconds since the clock began."""
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Move on, doing what is planned at the moment it is planned for."""
        with self._lock:
            end = self._seconds + max(0.0, seconds)
            while self._plans and self._plans[0][0] <= end:
                self._seconds, _, action = heapq.heappop(self._plans)
                action()
            self._seconds = end

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Do this when the clock passes `seconds`."""
        heapq.heappush(self._plans, (seconds, next(self._order), action))
