"""Workflow runs, jobs and steps as GitHub remembers them, and what they say of a pipeline."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from astrago_actions.domain.stage_times import UNFINISHED
from astrago_actions.domain.stages import Stage
from astrago_actions.domain.statistics import Interval, median_interval, nearest_rank

COMPLETED = "completed"

_RESULTS = {
    "success": "success",
    "skipped": "skipped",
    "neutral": "skipped",
    "cancelled": "cancelled",
}
_RUNNER_STEPS = re.compile(r"Set up job|Complete job|Post .*|Pre Run .*")
_MATRIX = re.compile(r" \([^()]*\)$")


@dataclass(frozen=True)
class PipelineRun:
    """One workflow run in its latest attempt; times are seconds since the epoch.

    `conclusion` is empty while the run goes on. `started_at` is when this attempt began.
    `first_conclusion` is that of the first attempt, empty where it is not known.
    """

    id: int
    number: int
    attempt: int
    workflow_id: int
    status: str
    conclusion: str
    created_at: float
    started_at: float
    updated_at: float
    first_conclusion: str = ""

    @property
    def completed(self) -> bool:
        """Whether the result is final."""
        return self.status == COMPLETED and bool(self.conclusion)

    @property
    def seconds(self) -> float | None:
        """How long the latest attempt took; None while it goes on or where the times are odd."""
        if not self.completed or self.updated_at < self.started_at:
            return None
        return self.updated_at - self.started_at


@dataclass(frozen=True)
class RunListing:
    """The runs of a window, newest first, and how many there were in all."""

    runs: tuple[PipelineRun, ...]
    total: int

    @property
    def cut(self) -> bool:
        """Whether only the newest ones were read."""
        return self.total > len(self.runs)


@dataclass(frozen=True)
class TimedWork:
    """A step of a job, or a job; times are None where GitHub gives none."""

    name: str
    status: str
    conclusion: str
    started_at: float | None
    completed_at: float | None


@dataclass(frozen=True)
class Job:
    """A job of a run and its steps."""

    work: TimedWork
    steps: tuple[TimedWork, ...]


@dataclass(frozen=True)
class TypicalDuration:
    """The median duration of the successful runs, its 95 % interval, and their number."""

    median: float
    interval: Interval | None
    runs: int


def stages_of_jobs(jobs: Sequence[Job], now: float) -> tuple[Stage, ...]:
    """Stages by job where there are several jobs, else by step; `now` ends what still goes on.

    Skipped and waiting work is left out, and so are the runner's own steps and, as it is the
    one that measures, the step that still goes on.
    """
    worked = [job for job in jobs if _stage(job.work, now)]
    if len(worked) == 1:
        steps = [
            step
            for step in worked[0].steps
            if step.status == COMPLETED and not _RUNNER_STEPS.fullmatch(step.name)
        ]
        found = [_stage(step, now) for step in steps]
    else:
        found = [_stage(job.work, now) for job in worked]
    return tuple(sorted((each for each in found if each), key=lambda each: each.started_at))


def _stage(work: TimedWork, now: float) -> Stage | None:
    if work.started_at is None or work.conclusion == "skipped":
        return None
    if work.status == "in_progress":
        return Stage(_plain_name(work.name), work.started_at, now, UNFINISHED)
    if work.status != COMPLETED or work.completed_at is None:
        return None
    result = _RESULTS.get(work.conclusion, "failure")
    return Stage(_plain_name(work.name), work.started_at, work.completed_at, result)


def _plain_name(name: str) -> str:
    """A job's name without the caller of a reusable workflow and without matrix values."""
    return _MATRIX.sub("", name.rpartition(" / ")[2]) or name


def typical_duration(runs: Sequence[PipelineRun]) -> TypicalDuration | None:
    """The median of the successful runs (nearest rank); None when there are none."""
    found = [run.seconds for run in runs if run.conclusion == "success"]
    seconds = [each for each in found if each is not None]
    if not seconds:
        return None
    return TypicalDuration(nearest_rank(seconds, 0.5), median_interval(seconds), len(seconds))


def with_first_conclusions(listing: RunListing, conclusions: Mapping[int, str]) -> RunListing:
    """The listing with how the first attempts ended, by run id, where it is known."""
    runs = (replace(run, first_conclusion=conclusions.get(run.id, "")) for run in listing.runs)
    return RunListing(tuple(runs), listing.total)
