"""The rows of the report's tables as text, the same in the summary, the page and the message."""

from __future__ import annotations

from collections.abc import Sequence

from astrago_actions.domain.budgets import DEPLOY
from astrago_actions.domain.dora import LeadTime, RecoveryTime, ServiceFigures, Share
from astrago_actions.domain.durations import spoken
from astrago_actions.domain.pipeline_report import History, PipelineReport
from astrago_actions.domain.stage_times import NO_BUDGET, OVER, StageTime, noticing_text
from astrago_actions.domain.success_rates import SuccessRate, Tally, percent

NOT_ENOUGH = "not enough data"
SERVICE_COLUMNS = (
    "service",
    "deployments",
    "change lead time",
    "change fail rate",
    "recovery time",
    "rework rate",
)
STAGE_COLUMNS = ("stage", "took", "budget", "verdict")
RATE_COLUMNS = ("rate", "runs", "95 % interval", "target", "verdict", "error budget")


def stage_row(time: StageTime) -> tuple[str, str, str, str]:
    """A stage's name, time, budget and verdict."""
    name = "deploy (the whole)" if time.name == DEPLOY else time.name
    took = "–" if time.seconds is None else spoken(time.seconds)
    budget = spoken(time.budget.seconds) if time.budget else "–"
    return name, took, budget, stage_verdict(time)


def stage_verdict(time: StageTime) -> str:
    """The verdict, after how the stage ended unless it ended well."""
    verdict = "" if time.verdict == NO_BUDGET else time.verdict
    if time.verdict == OVER and time.budget and time.seconds is not None:
        verdict = f"{spoken(time.seconds - time.budget.seconds)} over budget"
    ending = {"failure": "failed"}.get(time.result, time.result)
    parts = (ending, verdict, noticing_text(time))
    return ", ".join(part for part in parts if part not in {"", "success"}) or "–"


def rate_row(rate: SuccessRate) -> tuple[str, str, str, str, str, str]:
    """A rate's name, count, interval, target, verdict and error budget."""
    tally, target = rate.decisive, rate.target
    count = f"{tally.successes}/{tally.total}"
    if rate.share is not None:
        count += f" = {percent(rate.share)}"
    interval = f"{percent(rate.interval.low)} to {percent(rate.interval.high)}"
    return (
        f"{rate.name} ({rate.basis})",
        count,
        interval if tally.total else "–",
        f"≥ {percent(target.share)}" if target else "–",
        rate.verdict or "–",
        _error_budget(rate),
    )


def _error_budget(rate: SuccessRate) -> str:
    if rate.failures_allowed is None or not rate.decisive.total:
        return "–"
    return f"{rate.failures_allowed:.1f} failures allowed, {rate.failures} spent"


def rate_note(rate: SuccessRate) -> str:
    """The other basis of the rate and what was left out, in one line."""
    parts = [f"{rate.name}, {rate.other_basis}: {rate.other.successes}/{rate.other.total}"]
    if rate.decisive.superseded:
        parts.append(f"{rate.decisive.superseded} of the successes through a newer run")
    parts += _left_out(rate.decisive)
    return "; ".join(parts)


def _left_out(tally: Tally) -> Sequence[str]:
    return [f"{count} left out: {reason}" for reason, count in tally.left_out.items()]


def service_row(service: ServiceFigures) -> tuple[str, str, str, str, str, str]:
    """A service's name and its five figures, each with its number of cases."""
    return (
        service.name,
        _frequency(service),
        lead_time_text(service.lead_time),
        share_text(service.change_fail_rate),
        recovery_text(service.recovery_time),
        share_text(service.rework_rate),
    )


def _frequency(service: ServiceFigures) -> str:
    if service.per_day is None:
        return f"{service.deployments} ({NOT_ENOUGH})"
    return f"{service.deployments} ({service.per_day:.2g} a day)"


def share_text(share: Share) -> str:
    """Such as `2/40 = 5 % (95 % interval 1.4 % to 16.5 %)`, or that there is not enough data."""
    if share.share is None:
        return f"{NOT_ENOUGH} (n = {share.total})"
    interval = f"{percent(share.interval.low)} to {percent(share.interval.high)}"
    return f"{share.part}/{share.total} = {percent(share.share)} (95 % interval {interval})"


def lead_time_text(lead_time: LeadTime) -> str:
    """The median and the 90th percentile, or why there is none."""
    if lead_time.median is None or lead_time.slowest_tenth is None:
        if lead_time.unread and not lead_time.known:
            return "n/a (commits not readable)"
        return f"{NOT_ENOUGH} (n = {lead_time.known})"
    median, slowest = spoken(lead_time.median), spoken(lead_time.slowest_tenth)
    return f"{median} median, {slowest} p90 (n = {lead_time.known})"


def recovery_text(recovery: RecoveryTime) -> str:
    """The median of what was recovered, and what is still open."""
    parts = []
    if recovery.median is not None:
        parts.append(f"{spoken(recovery.median)} median (n = {recovery.recovered})")
    parts += [f"open for {spoken(seconds)}" for seconds in recovery.open_seconds[-3:]]
    return ", ".join(parts) or "no failed deployment"


def typical_text(history: History) -> str:
    """How long a successful run takes at the median; empty where that is not known."""
    typical = history.typical
    if typical is None:
        return ""
    interval = ""
    if typical.interval:
        low, high = spoken(typical.interval.low), spoken(typical.interval.high)
        interval = f", 95 % interval {low} to {high}"
    return (
        f"A successful run takes {spoken(typical.median)} at the median "
        f"(n = {typical.runs}{interval}; whole runs, queue included)."
    )


def _deployments(number: int) -> str:
    return "1 deployment is" if number == 1 else f"{number} deployments are"


def service_notes(services: Sequence[ServiceFigures]) -> tuple[str, ...]:
    """What the figures of the services leave out."""
    notes = [
        "Lead time runs from the commit to its bump; what Argo CD adds is in the stages.",
        "Rework and failures are known from rollbacks, repairs and failed runs only.",
    ]
    for service in services:
        if service.unverified:
            notes.append(
                f"{service.name}: {_deployments(service.unverified)} counted as good without a "
                "run that checked the rollout."
            )
        if service.lead_time.negative:
            notes.append(
                f"{service.name}: {service.lead_time.negative} commits are younger than their "
                "bump (clocks or rebases) and left out of the lead time."
            )
        if service.lead_time.unread and service.lead_time.known:
            notes.append(
                f"{service.name}: {service.lead_time.unread} commits could not be read for the "
                "lead time."
            )
    return tuple(notes)


def waiting_note(report: PipelineReport) -> str:
    """How long the run waited for its first stage; empty below a second."""
    seconds = report.measured.waiting_seconds
    if seconds < 1:
        return ""
    return f"{spoken(seconds)} passed before the first stage (queue, checkout, set-up)."
