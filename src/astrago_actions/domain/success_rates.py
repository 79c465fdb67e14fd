"""Which runs count for which success rate, and what the rates say about their targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from astrago_actions.domain.budgets import RateTarget, Targets
from astrago_actions.domain.run_history import PipelineRun, RunListing
from astrago_actions.domain.stage_times import Breach
from astrago_actions.domain.statistics import INSUFFICIENT, MISSED, Interval, verdict, wilson

FIRST_TRY = "first try"
FINAL = "final"

IN_PROGRESS = "in progress"
PUSHED_ONLY = "committed, rollout not checked"
NO_BUMP = "nothing committed to the deployment repository"
SUPERSEDED = "superseded"
FIRST_TRY_UNKNOWN = "first try not known"

_FAILURES = frozenset({"failure", "timed_out", "startup_failure"})


@dataclass(frozen=True)
class Counted:
    """Whether a run succeeded; None leaves it out of the rate, for `reason`."""

    succeeded: bool | None
    reason: str = ""


@dataclass(frozen=True)
class Tally:
    """Successes among the runs that count, and how many were left out, by reason.

    `superseded` of the successes went live as part of a newer run's change.
    """

    successes: int
    total: int
    left_out: Mapping[str, int]
    superseded: int = 0


@dataclass(frozen=True)
class SuccessRate:
    """One success rate of the window; the target applies to `decisive`.

    `covered` says whether runs of at least half the window are known.
    """

    name: str
    basis: str
    decisive: Tally
    other_basis: str
    other: Tally
    target: RateTarget | None
    covered: bool = True

    @property
    def share(self) -> float | None:
        """The share of successes; None without any run."""
        return self.decisive.successes / self.decisive.total if self.decisive.total else None

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval."""
        return wilson(self.decisive.successes, self.decisive.total)

    @property
    def verdict(self) -> str:
        """What is proven about the target; empty without one."""
        if self.target is None:
            return ""
        if not self.covered:
            return INSUFFICIENT
        return verdict(self.decisive.successes, self.decisive.total, self.target.share)

    @property
    def failures(self) -> int:
        """How much of the error budget is spent."""
        return self.decisive.total - self.decisive.successes

    @property
    def failures_allowed(self) -> float | None:
        """The error budget of as many runs; None without a target."""
        return None if self.target is None else self.decisive.total * (1 - self.target.share)


def build_result(conclusion: str, *, bumped: bool = False) -> Counted:
    """How a finished attempt counts as a build; an empty conclusion means that it goes on.

    A run that came as far as its bump (`bumped`) has built and pushed, however it ended.
    """
    if not conclusion:
        return Counted(None, IN_PROGRESS)
    if conclusion == "success" or (bumped and conclusion in _FAILURES | {"cancelled"}):
        return Counted(succeeded=True)
    if conclusion in _FAILURES:
        return Counted(succeeded=False)
    return Counted(None, conclusion)


def deploy_result(
    conclusion: str, *, bumped: bool, rollout_checked: bool = True, superseded: bool = False
) -> Counted:
    """How a finished attempt counts as a deployment.

    Without a bump nothing was deployed, whatever the conclusion. With one, a failed or cancelled
    run left the environment on a change that never became healthy, unless it was cancelled in
    favour of a newer run that did (`superseded`). A success counts only where the workflow waits
    for the rollout.
    """
    if not conclusion:
        return Counted(None, IN_PROGRESS)
    if not bumped:
        return Counted(None, NO_BUMP)
    if conclusion == "cancelled" and superseded:
        return Counted(succeeded=True, reason=SUPERSEDED)
    if conclusion in _FAILURES | {"cancelled"}:
        return Counted(succeeded=False)
    if conclusion != "success":
        return Counted(None, conclusion)
    return Counted(succeeded=True) if rollout_checked else Counted(None, PUSHED_ONLY)


def deploy_results(
    runs: Sequence[PipelineRun], bumped_runs: frozenset[int], *, rollout_checked: bool
) -> dict[int, Counted]:
    """How the latest attempt of each run counts as a deployment, by run id."""
    healthy = [run for run in runs if run.id in bumped_runs and run.conclusion == "success"]
    return {
        run.id: deploy_result(
            _final(run),
            bumped=run.id in bumped_runs,
            rollout_checked=rollout_checked,
            superseded=any(_supersedes(newer, run) for newer in healthy),
        )
        for run in runs
    }


def _supersedes(newer: PipelineRun, run: PipelineRun) -> bool:
    """Whether `newer` began before `run` ended, as when a concurrency group replaces a run."""
    return newer.number > run.number and newer.created_at <= run.updated_at


def success_rates(
    listing: RunListing,
    targets: Targets,
    *,
    bumped_runs: frozenset[int] | None,
    rollout_checked: bool,
    window: tuple[float, float],
) -> tuple[SuccessRate, ...]:
    """The rates of builds and, where it is known which runs bumped, of deployments.

    The first try decides for builds (a flaky build costs time), the last for deployments.
    """
    covered = covers_half(listing, window)
    known = bumped_runs or frozenset()
    first = tally(_first_build(run, known) for run in listing.runs)
    final = tally(build_result(_final(run), bumped=run.id in known) for run in listing.runs)
    build = SuccessRate("build", FIRST_TRY, first, FINAL, final, targets.rate("build"), covered)
    if bumped_runs is None:
        return (build,)
    results = deploy_results(listing.runs, bumped_runs, rollout_checked=rollout_checked)
    first = tally(results[run.id] if run.attempt == 1 else _unknown() for run in listing.runs)
    final = tally(results.values())
    deploy = SuccessRate("deploy", FINAL, final, FIRST_TRY, first, targets.rate("deploy"), covered)
    return (build, deploy)


def _final(run: PipelineRun) -> str:
    return run.conclusion if run.completed else ""


def _first_build(run: PipelineRun, bumped_runs: frozenset[int]) -> Counted:
    if run.attempt == 1:
        return build_result(_final(run), bumped=run.id in bumped_runs)
    return build_result(run.first_conclusion) if run.first_conclusion else _unknown()


def _unknown() -> Counted:
    return Counted(None, FIRST_TRY_UNKNOWN)


def tally(results: Iterable[Counted]) -> Tally:
    """Successes, the runs that count, and those left out by reason."""
    everything = list(results)
    counted = [each.succeeded for each in everything if each.succeeded is not None]
    left_out = Counter(each.reason for each in everything if each.succeeded is None)
    superseded = sum(each.reason == SUPERSEDED for each in everything)
    return Tally(sum(counted), len(counted), dict(sorted(left_out.items())), superseded)


def covers_half(listing: RunListing, window: tuple[float, float]) -> bool:
    """Whether the runs stand for at least half the window (`since`, `until`).

    They do when older ones exist: more than could be read, or before the workflow's first run.
    """
    if not listing.runs:
        return False
    if listing.cut or min(run.number for run in listing.runs) > 1:
        return True
    since, until = window
    return until - min(run.created_at for run in listing.runs) >= (until - since) / 2


def rate_breaches(rates: Sequence[SuccessRate]) -> tuple[Breach, ...]:
    """The targets that are proven missed; an unproven one is no breach."""
    return tuple(
        Breach(rate.target.text, rate.share, rate.target.share, missed_text(rate))
        for rate in rates
        if rate.verdict == MISSED and rate.target and rate.share is not None
    )


def missed_text(rate: SuccessRate) -> str:
    """Such as `build success is 36/40 = 90.0 %, proven below its 99 %`."""
    if rate.target is None or rate.share is None:
        return ""
    return (
        f"{rate.name} success is {rate.decisive.successes}/{rate.decisive.total} = "
        f"{percent(rate.share)}, proven below its {percent(rate.target.share)}"
    )


def percent(share: float) -> str:
    """`95 %`, `97.4 %` or `99.95 %`: as many digits as tell it from 100 %."""
    value = share * 100
    digits = 2 if 99 < value < 100 else 1
    rounded = f"{value:.{digits}f}"
    return f"{rounded.rstrip('0').rstrip('.') if '.' in rounded else rounded} %"
