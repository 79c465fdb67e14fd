"""A stage of the pipeline: a name, when it began and ended, and how."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage of one run; times are seconds since the epoch.

    `result` is `success`, `failure`, `cancelled` or `skipped`.
    """

    name: str
    started_at: float
    finished_at: float
    result: str = "success"

    @property
    def seconds(self) -> float:
        """How long it took; never negative, also where two clocks disagree."""
        return max(0.0, self.finished_at - self.started_at)
