"""Time that many threads share: it passes only while all of them wait."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedClock:
    """A clock for `parties` threads; those that sleep wake in the order of their time.

    One wakes at a time, when all others sleep or have left, so hours take no longer than the work
    that is done in them. A party may also be slept for by another thread, such as the server's
    that answers it.
    """

    def __init__(self, parties: int, start: float = 1_795_168_800.0) -> None:
        self._now = start
        self._awake = parties
        self._turn = threading.Condition()
        self._order = itertools.count()
        self._sleeping: list[tuple[float, int]] = []
        self._woken: set[int] = set()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """The same: this clock never jumps back."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed for all."""
        with self._turn:
            number = next(self._order)
            heapq.heappush(self._sleeping, (self._now + max(0.0, seconds), number))
            self._rest()
            self._turn.wait_for(lambda: number in self._woken)
            self._woken.discard(number)

    @contextmanager
    def party(self) -> Iterator[None]:
        """One of the parties, until it leaves."""
        try:
            yield
        finally:
            with self._turn:
                self._rest()

    def _rest(self) -> None:
        """One is awake no more; when it was the last, the next sleeper's time has come."""
        self._awake -= 1
        if self._awake == 0 and self._sleeping:
            self._now, number = heapq.heappop(self._sleeping)
            self._awake = 1
            self._woken.add(number)
            self._turn.notify_all()
