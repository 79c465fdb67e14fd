"""How long each stage of this run took, against its budget, and how the run ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from astrago_actions.domain.budgets import DEPLOY, Budget, Targets
from astrago_actions.domain.durations import spoken
from astrago_actions.domain.stages import Stage

UNFINISHED = "in progress"
CLOCK_SKEW_SECONDS = 60

WITHIN = "within budget"
OVER = "over budget"
NO_BUDGET = "no budget"
NOT_MEASURED = "not measured"

DEPLOYED = "deployed"
PUSHED = "pushed"
FAILED = "failed"
CANCELLED = "cancelled"
NOTHING_DEPLOYED = "nothing deployed"
UNCONFIRMED = "unconfirmed"

BUMP_STAGES = frozenset({"bump"})
SYNC = "sync"
DETECT = "detect"
ROLLOUT_STAGES = frozenset({"sync", "healthy", "health", "rollout", "wait"})

_WORST_FIRST = ("failure", "cancelled", UNFINISHED, "success", "skipped")


@dataclass(frozen=True)
class StageTime:
    """How long a stage took in all (None: not measured), how it ended, and its budget.

    `noticing_seconds` of a sync passed before Argo CD noticed the commit.
    """

    name: str
    seconds: float | None
    result: str
    budget: Budget | None = None
    noticing_seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """The stage against its budget."""
        if self.seconds is None:
            return NOT_MEASURED
        if self.budget is None:
            return NO_BUDGET
        return OVER if self.seconds > self.budget.seconds else WITHIN


@dataclass(frozen=True)
class Outcome:
    """How the run ended for the environment; `stage` is where, when it is known."""

    state: str
    stage: str = ""

    @property
    def sentence(self) -> str:
        """The state in words that never promise more than was seen."""
        where = f" in {self.stage}" if self.stage else ""
        return {
            DEPLOYED: "Deployed",
            PUSHED: "Bumped, rollout not checked",
            FAILED: f"Failed{where}",
            CANCELLED: f"Cancelled{where}",
            NOTHING_DEPLOYED: "Nothing was deployed",
        }.get(self.state, "Whether it was deployed is not known")


@dataclass(frozen=True)
class Measured:
    """This run's stages, the time of each by name, and the whole.

    `waiting_seconds` lie between the run's start and its first stage.
    """

    stages: tuple[Stage, ...]
    times: tuple[StageTime, ...]
    deploy: StageTime
    outcome: Outcome
    waiting_seconds: float = 0.0

    @property
    def started_at(self) -> float:
        """When the first stage began; 0 without stages."""
        return min((stage.started_at for stage in self.stages), default=0.0)

    @property
    def all_times(self) -> tuple[StageTime, ...]:
        """Each stage, and the whole last."""
        return (*self.times, self.deploy)

    @property
    def longest(self) -> StageTime | None:
        """The stage that took most of the time."""
        measured = [each for each in self.times if each.seconds]
        return max(measured, key=lambda each: each.seconds or 0.0, default=None)


@dataclass(frozen=True)
class Breach:
    """A target that was not kept: what was measured, the limit, and both in words."""

    target: str
    actual: float
    limit: float
    message: str


def of_this_attempt(stages: Sequence[Stage], run_started_at: float | None) -> tuple[Stage, ...]:
    """The stages without those that ended before this attempt of the run began.

    After "re-run failed jobs" the outputs of earlier jobs still tell of the earlier attempt.
    """
    if run_started_at is None:
        return tuple(stages)
    earliest = run_started_at - CLOCK_SKEW_SECONDS
    return tuple(stage for stage in stages if stage.finished_at >= earliest)


def measure(
    stages: Sequence[Stage],
    targets: Targets,
    outcome: Outcome,
    run_started_at: float | None = None,
) -> Measured:
    """The time of each stage by name, and of the deployment as a whole.

    The whole lasts from the start of the run, or of the first stage where that is not known or
    later, to the end of the last stage. Stages with budgets that did not happen are listed too.
    """
    names = _names(stages)
    times = [_stage_time(name, stages, targets) for name in names]
    known = {name.casefold() for name in names} | {DEPLOY}
    missing = [
        StageTime(budget.stage, None, "", budget)
        for budget in targets.budgets
        if budget.stage not in known
    ]
    worked = [stage for stage in stages if stage.result != "skipped"]
    first = min((stage.started_at for stage in worked), default=0.0)
    start = min(first, run_started_at) if run_started_at is not None else first
    last = max((stage.finished_at for stage in worked), default=start)
    seconds = max(0.0, last - start) if worked else None
    result = _worst([stage.result for stage in worked])
    deploy = StageTime(DEPLOY, seconds, result, targets.budget(DEPLOY))
    waiting = first - start if worked else 0.0
    ordered = tuple(sorted(stages, key=lambda stage: stage.started_at))
    return Measured(ordered, (*times, *missing), deploy, outcome, waiting)


def _names(stages: Sequence[Stage]) -> list[str]:
    """Each stage's name once; a sync is also there when only its detection is."""
    names = list(dict.fromkeys(stage.name for stage in stages if stage.name.casefold() != DEPLOY))
    if DETECT in names and SYNC not in names:
        names.insert(names.index(DETECT) + 1, SYNC)
    return names


def _stage_time(name: str, stages: Sequence[Stage], targets: Targets) -> StageTime:
    """The time of all stages of this name; a sync lasts from the moment there is a commit."""
    parts = {SYNC, DETECT} if name == SYNC else {name}
    same = [stage for stage in stages if stage.name in parts]
    worked = [stage for stage in same if stage.result != "skipped"]
    noticing = [stage for stage in worked if stage.name == DETECT and name == SYNC]
    return StageTime(
        name,
        busy_seconds(worked) if worked else None,
        _worst([stage.result for stage in same]),
        targets.budget(name),
        busy_seconds(noticing),
    )


def busy_seconds(stages: Sequence[Stage]) -> float:
    """The time during which at least one of the stages was going on."""
    total, busy_until = 0.0, float("-inf")
    for stage in sorted(stages, key=lambda each: each.started_at):
        start = max(stage.started_at, busy_until)
        total += max(0.0, stage.finished_at - start)
        busy_until = max(busy_until, stage.finished_at)
    return total


def _worst(results: Sequence[str]) -> str:
    """The worst of several results; an unknown one counts as a failure."""
    known = [each if each in _WORST_FIRST else "failure" for each in results]
    return min(known, key=_WORST_FIRST.index, default="")


def outcome_of(
    stages: Sequence[Stage], job_status: str = "", *, named_by_us: bool = True
) -> Outcome:
    """How the run ended, as far as its stages and the status of its job tell.

    Only a rollout stage that succeeded is a deployment. Steps with names of the user's own
    (`named_by_us` false) cannot confirm one.
    """
    for result, state in (("failure", FAILED), ("cancelled", CANCELLED)):
        at = [stage.name for stage in stages if stage.result == result]
        if at or job_status == result:
            return Outcome(state, at[0] if at else "")
    passed = {stage.name.casefold() for stage in stages if stage.result == "success"}
    if passed & ROLLOUT_STAGES:
        return Outcome(DEPLOYED)
    if passed & BUMP_STAGES:
        return Outcome(PUSHED)
    return Outcome(NOTHING_DEPLOYED if named_by_us and stages else UNCONFIRMED)


def waits_for_rollout(stages: Sequence[Stage]) -> bool | None:
    """Whether this workflow checks the rollout; None when the run did not get that far."""
    if any(stage.name.casefold() in ROLLOUT_STAGES | {DETECT} for stage in stages):
        return True
    bumped = any(
        stage.name.casefold() in BUMP_STAGES and stage.result == "success" for stage in stages
    )
    return False if bumped else None


def duration_breaches(measured: Measured) -> tuple[Breach, ...]:
    """The budgets that this run broke."""
    return tuple(
        Breach(time.budget.text, time.seconds, time.budget.seconds, over_text(time))
        for time in measured.all_times
        if time.verdict == OVER and time.budget and time.seconds is not None
    )


def over_text(time: StageTime) -> str:
    """Such as `sync took 2m 19s, 19 s over its 2m`, and how much of it was noticing the commit."""
    if time.budget is None or time.seconds is None:
        return ""
    over = spoken(time.seconds - time.budget.seconds)
    text = f"{time.name} took {spoken(time.seconds)}, {over} over its {spoken(time.budget.seconds)}"
    return f"{text} ({noticing_text(time)})" if time.noticing_seconds else text


def noticing_text(time: StageTime) -> str:
    """How much of a sync passed before Argo CD noticed the commit; empty for other stages."""
    if not time.noticing_seconds:
        return ""
    return f"{spoken(time.noticing_seconds)} was Argo CD noticing the commit"
