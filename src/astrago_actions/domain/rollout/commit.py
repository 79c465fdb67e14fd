"""Rows S1 and S2: refresh, and see our commit."""

from __future__ import annotations

from astrago_actions.domain.rollout.values import (
    REFRESH,
    Verdict,
    Want,
)
from astrago_actions.domain.rollout.view import View
from astrago_actions.domain.rollout.words import short


def hard_refresh_first(view: View) -> Verdict | None:
    """S1: `refresh: hard` was asked for; nothing counts before it is answered."""
    asked = view.memory.hard_refresh_asked
    waited = view.observation.at > view.target.graces.refresh_again
    if view.target.refresh != "hard" or view.observation.hard_refreshes or (asked and waited):
        return None
    return Verdict(
        "refresh",
        "hard-refresh-first",
        "refreshing without caches",
        wants=frozenset({"hard-refresh"}),
    )


def hydrator_at_work(view: View) -> Verdict | None:
    """S2: the source hydrator has not yet written what our commit makes."""
    hydration = view.application.hydration
    if hydration is None or view.seen:
        return None
    if hydration.phase == "Failed" and view.relation_of(hydration.dry_revision) in {
        "same",
        "newer",
    }:
        return Verdict(
            "commit",
            "hydration-failed",
            f"The source hydrator failed on {short(hydration.dry_revision)}",
            "manifest-error",
            hydration.message,
            "Correct what the hydrator complains about in the deployment repository.",
        )
    if hydration.phase != "Hydrating":
        return None
    return Verdict(
        "commit",
        "hydrator-at-work",
        f"the source hydrator is working on {short(hydration.dry_revision)}",
        wants=REFRESH,
    )


def branch_rewritten(view: View) -> Verdict | None:
    """S2: the branch no longer contains our commit; confirmed after a refresh."""
    if view.relation != "diverged" or view.seen:
        return None
    if view.target.images and view.desired_images is None:
        return None
    found = short(view.revision)
    if not view.confirmed("diverged"):
        return Verdict(
            "commit",
            "branch-rewritten-unconfirmed",
            f"Argo CD compares at {found}, whose history lacks our commit",
            wants=view.wants_to_confirm("diverged"),
        )
    return Verdict(
        "commit",
        "branch-rewritten",
        f"The branch was rewritten: {found} does not contain our commit",
        "rewritten",
        f"Argo CD compares at {view.revision}; our {view.target.revision} is in another history.",
        "Find out who force-pushed the deployment branch; change the tag again on top of it.",
    )


def commit_not_seen(view: View) -> Verdict | None:
    """S1/S2: Argo CD has not compared at our commit yet."""
    if view.seen:
        return None
    found = short(view.revision) or "nothing"
    return Verdict(
        "commit" if view.observation.refreshes else "refresh",
        "commit-not-seen",
        f"waiting for Argo CD to see {_ours(view)} (it is at {found}{_why(view)})",
        wants=REFRESH | _workload_when_images_decide(view),
    )


def _ours(view: View) -> str:
    if view.target.revision:
        return short(view.target.revision)
    return ", ".join(view.target.images)


def _why(view: View) -> str:
    if view.relation == "unknown" and view.target.revision and not view.target.images:
        return "; whether that contains ours is unknown: give `deployment-token` or `images`"
    waiting = view.for_how_long("refreshing")
    if waiting > view.target.graces.refresh_again:
        return f"; its controller is slow or stuck: the refresh is unanswered for {waiting:.0f} s"
    return ""


def _workload_when_images_decide(view: View) -> frozenset[Want]:
    by_images = view.relation in {"unknown", "diverged"} and bool(view.target.images)
    return frozenset({"workload"}) if by_images and view.desired_images is None else frozenset()
