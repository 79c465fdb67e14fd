"""DORA's five figures for one service, from the bump commits of its deployment repository.

Definitions: https://dora.dev/guides/dora-metrics/. A deployment is one bump of one component for
one environment, so a commit that bumps four images is one deployment of each of four services.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from astrago_actions.domain.durations import DAY
from astrago_actions.domain.run_history import PipelineRun
from astrago_actions.domain.statistics import LEAST_RUNS, Interval, nearest_rank, wilson
from astrago_actions.domain.success_rates import IN_PROGRESS, PUSHED_ONLY, Counted, deploy_results

HEALTHY = "healthy"
FAILED = "failed"
GOING_ON = "in progress"
UNVERIFIED = "rollout not checked"


@dataclass(frozen=True)
class Bump:
    """A commit to the deployment repository that changes tags; `at` is seconds since the epoch.

    `run_id` is 0 where no workflow run is named. `rollback_of` and `fixes` are commits (full or
    abbreviated SHAs) that this one undoes or repairs.
    """

    sha: str
    at: float
    repository: str = ""
    commit: str = ""
    run_id: int = 0
    environment: str = ""
    components: tuple[str, ...] = ()
    rollback_of: str = ""
    fixes: str = ""


@dataclass(frozen=True)
class Deployment:
    """One bump as the deployment of one service, and what became of it."""

    bump: Bump
    state: str

    @property
    def reached(self) -> bool:
        """Whether its result is known well enough to count."""
        return self.state != GOING_ON

    @property
    def unplanned(self) -> bool:
        """Whether it repairs an earlier deployment."""
        return bool(self.bump.rollback_of or self.bump.fixes)


@dataclass(frozen=True)
class Share:
    """`part` of `total` deployments; `share` is None where there are too few to say."""

    part: int
    total: int

    @property
    def share(self) -> float | None:
        """The share, from five deployments on."""
        return self.part / self.total if self.total >= LEAST_RUNS else None

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval."""
        return wilson(self.part, self.total)


@dataclass(frozen=True)
class LeadTime:
    """Seconds from a commit to its bump; None where fewer than five are known.

    `unread` commits could not be read, `negative` ones are younger than their bump.
    """

    median: float | None
    slowest_tenth: float | None
    known: int
    unread: int
    negative: int


@dataclass(frozen=True)
class RecoveryTime:
    """Seconds from a failed deployment to the next good one; `open_seconds` of those without."""

    median: float | None
    recovered: int
    open_seconds: tuple[float, ...]


@dataclass(frozen=True)
class ServiceFigures:
    """The five figures of one component in one environment over `days` days."""

    component: str
    environment: str
    days: float
    deployments: int
    unverified: int
    lead_time: LeadTime
    change_fail_rate: Share
    recovery_time: RecoveryTime
    rework_rate: Share

    @property
    def name(self) -> str:
        """The component and, where there is one, its environment."""
        return f"{self.component} → {self.environment}" if self.environment else self.component

    @property
    def per_day(self) -> float | None:
        """Deployments a day, days without any included; None below two deployments."""
        return self.deployments / self.days if self.deployments >= 2 else None


def bumps_of(bumps: Iterable[Bump], repository: str, environment: str = "") -> tuple[Bump, ...]:
    """The bumps that come from `repository`, oldest first, with what they undo filled in.

    A revert names no component: it takes those of the bump that it undoes.
    """
    found: list[Bump] = []
    for bump in sorted(bumps, key=lambda each: each.at):
        undone = _named(found, bump.rollback_of)
        if undone and not bump.components:
            bump = replace(
                bump,
                repository=bump.repository or undone.repository,
                environment=bump.environment or undone.environment,
                components=undone.components,
            )
        if bump.repository.casefold() == repository.casefold():
            found.append(bump)
    return tuple(each for each in found if not environment or each.environment == environment)


def figures(
    bumps: Sequence[Bump],
    runs: Sequence[PipelineRun],
    commit_times: Mapping[str, float],
    window: tuple[float, float],
    *,
    rollout_checked: bool = True,
) -> tuple[ServiceFigures, ...]:
    """The five figures of each service; `bumps` oldest first, `commit_times` by full SHA."""
    run_ids = frozenset(bump.run_id for bump in bumps)
    results = deploy_results(runs, run_ids, rollout_checked=rollout_checked)
    services: dict[tuple[str, str], list[Bump]] = {}
    for bump in bumps:
        for component in bump.components or (bump.repository,):
            services.setdefault((component, bump.environment), []).append(bump)
    return tuple(
        _service(key, _deployments(found, results), commit_times, window)
        for key, found in sorted(services.items())
    )


def _deployments(bumps: Sequence[Bump], results: Mapping[int, Counted]) -> tuple[Deployment, ...]:
    repaired = _repaired(bumps)
    return tuple(
        Deployment(bump, FAILED if bump.sha in repaired else _state(results.get(bump.run_id)))
        for bump in bumps
    )


def _state(result: Counted | None) -> str:
    """A bump whose run is not among those that were read counts, but as not checked."""
    if result is None or result.reason == PUSHED_ONLY:
        return UNVERIFIED
    if result.succeeded is None:
        return GOING_ON if result.reason == IN_PROGRESS else UNVERIFIED
    return HEALTHY if result.succeeded else FAILED


def _repaired(bumps: Sequence[Bump]) -> frozenset[str]:
    """The bumps that a later one undid or repaired; unnamed, it is the one just before."""
    found: set[str] = set()
    for number, bump in enumerate(bumps):
        for name in filter(None, (bump.rollback_of, bump.fixes)):
            earlier = bumps[:number]
            repaired = _named(earlier, name) or (earlier[-1] if earlier else None)
            if repaired:
                found.add(repaired.sha)
    return frozenset(found)


def _named(bumps: Sequence[Bump], name: str) -> Bump | None:
    if len(name) < 7:
        return None
    return next((bump for bump in reversed(bumps) if bump.sha.startswith(name)), None)


def _service(
    key: tuple[str, str],
    deployments: Sequence[Deployment],
    commit_times: Mapping[str, float],
    window: tuple[float, float],
) -> ServiceFigures:
    reached = [each for each in deployments if each.reached]
    good = [each for each in reached if each.state != FAILED]
    failed = len(reached) - len(good)
    since, until = window
    return ServiceFigures(
        component=key[0],
        environment=key[1],
        days=(until - since) / DAY,
        deployments=len(good),
        unverified=sum(each.state == UNVERIFIED for each in good),
        lead_time=_lead_time(good, commit_times),
        change_fail_rate=Share(failed, len(reached)),
        recovery_time=_recovery_time(reached, until),
        rework_rate=Share(sum(each.unplanned for each in reached), len(reached)),
    )


def _lead_time(good: Sequence[Deployment], commit_times: Mapping[str, float]) -> LeadTime:
    """Each commit counts once, at its first good deployment; what is unplanned does not."""
    first = {
        each.bump.commit: each.bump.at
        for each in reversed(good)
        if each.bump.commit and not each.unplanned
    }
    seconds = [at - commit_times[sha] for sha, at in first.items() if sha in commit_times]
    usable = [each for each in seconds if each >= 0]
    enough = len(usable) >= LEAST_RUNS
    return LeadTime(
        median=nearest_rank(usable, 0.5) if enough else None,
        slowest_tenth=nearest_rank(usable, 0.9) if enough else None,
        known=len(usable),
        unread=len(first) - len(seconds),
        negative=len(seconds) - len(usable),
    )


def _recovery_time(reached: Sequence[Deployment], until: float) -> RecoveryTime:
    """From each failed deployment to the next good one, repairs and rollbacks included."""
    recovered: list[float] = []
    still_open: list[float] = []
    for number, deployment in enumerate(reached):
        if deployment.state != FAILED:
            continue
        later = [each.bump.at for each in reached[number + 1 :] if each.state != FAILED]
        if later:
            recovered.append(later[0] - deployment.bump.at)
        else:
            still_open.append(until - deployment.bump.at)
    median = nearest_rank(recovered, 0.5) if recovered else None
    return RecoveryTime(median, len(recovered), tuple(still_open))
