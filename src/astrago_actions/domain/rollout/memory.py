"""What is known after a look: since when things are seen, when marks were met, what was asked."""

from __future__ import annotations

from dataclasses import replace

from astrago_actions.domain.rollout import (
    comparison,
    health,
    pods,
    sync,
)
from astrago_actions.domain.rollout.values import (
    Memory,
    Observation,
    Target,
    Verdict,
)
from astrago_actions.domain.rollout.view import View


def remember(target: Target, observation: Observation, memory: Memory) -> Memory:
    """What is known after this look: since when which things are seen, and when marks were met."""
    application = observation.application
    if application is None:
        return _without_document(observation, memory)
    memory = replace(memory, answered_at=observation.at)
    if memory.baseline is None:
        memory = replace(memory, baseline=application, gave_up_before=health.gave_up(application))
    memory = replace(memory, gave_up_before=memory.gave_up_before & health.gave_up(application))
    view = View(target, observation, memory, application)
    if memory.seen_at is None and observation.workload and not memory.baseline_pods:
        found = observation.workload.pods or ()
        if not view.seen:
            memory = replace(memory, baseline_pods=frozenset(each.uid for each in found))
    memory = memory.with_sightings(_present(view), observation.at)
    return _marks(View(target, observation, memory, application))


def _without_document(observation: Observation, memory: Memory) -> Memory:
    """What was seen before stays seen; the trouble is counted beside it."""
    kind = observation.trouble.kind if observation.trouble else "no-answer"
    counted = memory.with_sightings(frozenset({kind}), observation.at).sightings
    answered = kind in {"hidden", "unauthorized", "refused"}
    return replace(
        memory,
        answered_at=observation.at if answered else memory.answered_at,
        sightings={**memory.sightings, **counted},
    )


def _present(view: View) -> frozenset[str]:
    """The things whose duration matters, as far as this look shows them."""
    application = view.application
    new = pods.new_pods(view)
    limit_runs = (
        not view.synced_at_ours
        and not view.observation.active_window
        and sync.window_blocks(view) is None
        and comparison.comparison_network_error(view) is None
    )
    idle = (
        view.seen and application.sync_status == "OutOfSync" and not application.operation_pending
    )
    facts = {
        "follows-another": any(
            view.relation_of(each.target_revision or "HEAD") in {"older", "diverged"}
            for each in application.sources
        ),
        "spec-error": application.condition("InvalidSpecError", "DeletionError") is not None,
        "manifest-error": application.condition("ComparisonError", "UnknownError") is not None,
        "sync-error": application.condition("SyncError") is not None,
        "refreshing": application.refreshing,
        "diverged": view.relation == "diverged",
        "waiting-for-sync": limit_runs,
        "idle-out-of-sync": idle and application.compared_since_operation,
        "image-trouble": view.rolling_out and any(map(pods.in_image_trouble, new)),
        "unschedulable": view.rolling_out and any(map(pods.is_unschedulable, new)),
        "progress-deadline": health.past_progress_deadline(view),
        "degraded": view.synced_at_ours and application.health == "Degraded",
        "missing": view.synced_at_ours and application.health == "Missing",
        "unknown": view.synced_at_ours and application.health == "Unknown",
        "image-missing": bool(view.missing_images),
        "good": view.synced_at_ours and view.healthy,
    }
    return frozenset(name for name, present in facts.items() if present)


def _marks(view: View) -> Memory:
    memory, at = view.memory, view.observation.at
    seen_at = memory.seen_at if memory.seen_at is not None else (at if view.seen else None)
    began = memory.sync_began_at
    if began is None and view.seen and _sync_has_begun(view):
        began = at
    synced_at = memory.synced_at
    if not view.synced_at_ours:
        synced_at = None
    elif synced_at is None:
        synced_at = at
    good = memory.sighting("good")
    return replace(
        memory,
        seen_at=seen_at,
        sync_began_at=began,
        synced_at=synced_at,
        healthy_at=good.since if good else None,
    )


def _sync_has_begun(view: View) -> bool:
    return view.application.operation_pending or view.application.sync_status == "OutOfSync"


def asked(memory: Memory, verdict: Verdict, observation: Observation) -> Memory:
    """What is known after this verdict: what it asked for, and when."""
    if "refresh" in verdict.wants:
        memory = replace(
            memory,
            refresh_asked_at=observation.at,
            refreshes_asked=memory.refreshes_asked + 1,
        )
    if "hard-refresh" in verdict.wants:
        memory = replace(memory, hard_refresh_asked=True)
    if "sync" in verdict.wants and observation.application is not None:
        revisions = observation.application.revisions
        memory = replace(
            memory,
            sync_asked_at=observation.at,
            syncs_asked=(*memory.syncs_asked, *revisions),
        )
    return memory
