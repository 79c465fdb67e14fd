"""Rows S4: the application's health."""

from __future__ import annotations

from astrago_actions.domain.rollout.application import Application
from astrago_actions.domain.rollout.pods import new_pods
from astrago_actions.domain.rollout.values import (
    Verdict,
)
from astrago_actions.domain.rollout.view import View
from astrago_actions.domain.rollout.words import first_line

_PAST_DEADLINE = "exceeded its progress deadline"


def progress_deadline_exceeded(view: View) -> Verdict | None:
    """S4: the Deployment itself gave up; confirmed by a second look."""
    if not past_progress_deadline(view) or view.times_seen("progress-deadline") < 2:
        return None
    return Verdict(
        "health",
        "progress-deadline-exceeded",
        f"The rollout gave up: {_health_words(view)}",
        "unhealthy",
        _sick_resources(view),
        "See in this step's log what keeps the new pods from getting ready.",
    )


def past_progress_deadline(view: View) -> bool:
    """Whether a Deployment gave up that had not done so before our change already."""
    degraded = view.synced_at_ours and view.application.health == "Degraded"
    return degraded and bool(gave_up(view.application) - view.memory.gave_up_before)


def gave_up(application: Application) -> frozenset[str]:
    """What says that its progress deadline is over, by name."""
    messages = {str(each): each.message for each in application.resources}
    messages[""] = application.health_message
    return frozenset(name for name, said in messages.items() if _PAST_DEADLINE in said)


def degraded(view: View) -> Verdict | None:
    """S4: Degraded since our sync, for longer than the grace."""
    if view.application.health != "Degraded":
        return None
    lasted = view.for_how_long("degraded")
    if lasted < view.target.graces.degraded:
        left = view.target.graces.degraded - lasted
        return Verdict(
            "health",
            "degraded-in-grace",
            f"degraded: {_health_words(view)} (fails in {left:.0f} s unless it recovers)",
            wants=view.pods_when_due,
            look_again=view.look_at_pods_at_once,
        )
    return Verdict(
        "health",
        "degraded",
        f"Degraded for {lasted:.0f} s since the sync: {_health_words(view)}",
        "unhealthy",
        _sick_resources(view),
        "See the pod, its events and its log in this step's log.",
    )


def missing(view: View) -> Verdict | None:
    """S4: objects are missing though the sync succeeded."""
    if view.application.health != "Missing":
        return None
    lasted = view.for_how_long("missing")
    if lasted < view.target.graces.missing:
        return Verdict("health", "missing-in-grace", f"missing: {_health_words(view)}")
    return Verdict(
        "health",
        "missing",
        f"Still missing {lasted:.0f} s after the sync: {_health_words(view)}",
        "unhealthy",
        _sick_resources(view),
        "Find out what deletes these objects again.",
    )


def unknown(view: View) -> Verdict | None:
    """S4: health is Unknown for longer than the grace."""
    if view.application.health != "Unknown":
        return None
    lasted = view.for_how_long("unknown")
    if lasted < view.target.graces.unknown:
        return Verdict("health", "unknown-in-grace", "health is not known yet")
    return Verdict(
        "health",
        "unknown",
        f"Health is unknown for {lasted:.0f} s: {_health_words(view)}",
        "unhealthy",
        _sick_resources(view),
        "Check that Argo CD reaches the cluster and that its health checks run.",
    )


def suspended(view: View) -> Verdict | None:
    """S4: something waits to be resumed."""
    if view.application.health != "Suspended" or view.target.accept_suspended:
        return None
    paused = [each for each in view.application.resources if each.health == "Suspended"]
    names = ", ".join(map(str, paused)) or "a resource"
    return Verdict(
        "health",
        "suspended",
        f"suspended: {names} waits to be resumed",
        detail=_sick_resources(view),
        remedy="Resume it (Argo CD: the resource's menu; Argo Rollouts: `promote`), or set "
        "`accept-suspended: true`.",
    )


def progressing(view: View) -> Verdict | None:
    """S4: the rollout is under way."""
    if view.healthy:
        return None
    return Verdict(
        "health",
        "progressing",
        f"rolling out: {_health_words(view)}{_pod_words(view)}",
        wants=view.pods_when_due,
        look_again=view.look_at_pods_at_once,
    )


def _pod_words(view: View) -> str:
    waiting = [each for each in new_pods(view) if each.health not in {"Healthy", ""}]
    if not waiting:
        return ""
    pod = waiting[0]
    why = pod.reason or pod.health
    return f"; Pod {pod.name} {why}" + (f": {first_line(pod.message)}" if pod.message else "")


def _health_words(view: View) -> str:
    sick = [each for each in view.application.resources if each.health not in {"Healthy", ""}]
    if sick:
        said = f": {first_line(sick[0].message)}" if sick[0].message else f" is {sick[0].health}"
        return f"{sick[0]}{said}"
    return first_line(view.application.health_message) or view.application.health


def _sick_resources(view: View) -> str:
    sick = [each for each in view.application.resources if each.health not in {"Healthy", ""}]
    return "\n".join(f"- {each} is {each.health}: {each.message}".rstrip(": ") for each in sick)
