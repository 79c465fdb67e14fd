"""Everything that is known of a run and of its pipeline's history, ready to be shown or sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from astrago_actions.domain.dora import ServiceFigures
from astrago_actions.domain.durations import DAY, spoken
from astrago_actions.domain.gantt import Bar
from astrago_actions.domain.run_history import TypicalDuration
from astrago_actions.domain.stage_times import (
    DEPLOYED,
    OVER,
    UNFINISHED,
    Breach,
    Measured,
    over_text,
)
from astrago_actions.domain.success_rates import SuccessRate


@dataclass(frozen=True)
class Subject:
    """The run that is reported; `attempt` counts from 1, `url` is its page."""

    repository: str = ""
    workflow: str = ""
    branch: str = ""
    sha: str = ""
    environment: str = ""
    actor: str = ""
    run_id: int = 0
    run_number: int = 0
    attempt: int = 1
    url: str = ""

    @property
    def name(self) -> str:
        """The repository without its owner, and the environment where it is known."""
        repository = self.repository.rpartition("/")[2] or self.workflow or "pipeline"
        return f"{repository} → {self.environment}" if self.environment else repository


@dataclass(frozen=True)
class History:
    """What the window (`since` to `until`, epoch seconds) says; `extent` tells it in words."""

    since: float
    until: float
    extent: str = ""
    rates: tuple[SuccessRate, ...] = ()
    typical: TypicalDuration | None = None
    services: tuple[ServiceFigures, ...] = ()

    @property
    def days(self) -> float:
        """The window's length in days."""
        return (self.until - self.since) / DAY


@dataclass(frozen=True)
class PipelineReport:
    """One run, its targets, its history, and notes on what is missing or doubtful."""

    subject: Subject
    measured: Measured
    history: History
    breaches: tuple[Breach, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`OK`, `Over budget`, `Target missed`, or how the run ended without a deployment."""
        if self.measured.outcome.state != DEPLOYED:
            return self.measured.outcome.sentence
        if any(time.verdict == OVER for time in self.measured.all_times):
            return "Over budget"
        return "Target missed" if self.breaches else "OK"

    @property
    def headline(self) -> str:
        """One line: how it ended, how long it took, which budget broke, where the time went."""
        parts = [f"{self.subject.name}: {self._ending()}"]
        parts += [over_text(time) for time in self.measured.times if time.verdict == OVER]
        longest, whole = self.measured.longest, self.measured.deploy.seconds
        if longest and longest.seconds and whole:
            share = min(1.0, longest.seconds / whole)
            parts.append(
                f"most of it {longest.name}, {spoken(longest.seconds)} ({100 * share:.0f} %)"
            )
        return "; ".join(parts)

    def _ending(self) -> str:
        outcome, whole = self.measured.outcome, self.measured.deploy
        if whole.seconds is None:
            return f"{outcome.sentence}, no stage was measured"
        limit = f" of {spoken(whole.budget.seconds)}" if whole.budget else ""
        joint = "in" if outcome.state == DEPLOYED else "after"
        return f"{outcome.sentence} {joint} {spoken(whole.seconds)}{limit}"

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The stages as bars of a chart that begins with the run, so that budgets fit in."""
        start = self.measured.started_at - self.measured.waiting_seconds
        over = {time.name for time in self.measured.times if time.verdict == OVER}
        return tuple(
            Bar(
                stage.name,
                stage.started_at - start,
                max(stage.started_at, stage.finished_at) - start,
                _look(stage.result, over=stage.name in over),
            )
            for stage in self.measured.stages
            if stage.result != "skipped"
        )

    @property
    def durations(self) -> Mapping[str, float]:
        """Seconds by stage, and `deploy` for the whole; only what was measured."""
        return {
            time.name: round(time.seconds, 3)
            for time in self.measured.all_times
            if time.seconds is not None
        }

    @property
    def deploy_budget(self) -> float | None:
        """Seconds that the whole may take; None without a budget."""
        budget = self.measured.deploy.budget
        return budget.seconds if budget else None


def _look(result: str, *, over: bool) -> str:
    if over or result not in ("success", UNFINISHED):
        return "crit"
    return "active" if result == UNFINISHED else "done"
