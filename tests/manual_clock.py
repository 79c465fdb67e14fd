"""A clock that moves only when it is told to sleep."""

from __future__ import annotations

import threading
from collections.abc import Callable


class ManualClock:
    """Time for tests: sleeping takes no time and moves the clock; `slept` keeps each sleep.

    `while_asleep` happens in the next sleep, once.
    """

    def __init__(self, start: float = 1_795_168_800.0) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept: list[float] = []
        self.while_asleep: Callable[[], object] | None = None

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
            happening, self.while_asleep = self.while_asleep, None
        if happening:
            happening()
