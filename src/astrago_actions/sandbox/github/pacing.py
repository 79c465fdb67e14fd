"""How often an account may create content: GitHub's secondary limit on writes."""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass, field

MINUTE = 60.0
HOUR = 3600.0


@dataclass
class Pace:
    """So many writes in any minute and in any hour, for each account with all its tokens.

    GitHub does not say what it counts. Here every write that was let through counts, whatever
    became of it, so that conflicts cost as much as commits; a refused one does not.
    """

    per_minute: int
    per_hour: int
    says_how_long: bool
    _written: dict[str, deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, login: str, now: float) -> int:
        """Count a write at `now` (epoch) and return 0, or the seconds that it came too soon."""
        with self._lock:
            written = self._written.setdefault(login, deque())
            while written and written[0] <= now - HOUR:
                written.popleft()
            early = max(
                _early(written, self.per_minute, MINUTE, now),
                _early(written, self.per_hour, HOUR, now),
            )
            if early <= 0:
                written.append(now)
        return math.ceil(early)


def _early(written: deque[float], most: int, window: float, now: float) -> float:
    """How long until fewer than `most` writes lie within `window` seconds; 0 when it is so."""
    if len(written) < most:
        return 0.0
    return max(0.0, written[-most] + window - now)
