"""A clock that moves only when it is told to sleep."""

from __future__ import annotations

import threading


class ManualClock:
    """Time for tests: sleeping takes no time and moves the clock; `slept` keeps each sleep."""

    def __init__(self, start: float = 1_795_168_800.0) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """The same: this clock never jumps back."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on by `seconds`."""
        with self._lock:
            self.slept.append(seconds)
            self._now += seconds
