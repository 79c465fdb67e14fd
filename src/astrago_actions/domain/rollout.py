"""The rollout's state machine: from one observation to a verdict.

`judge` takes the first row of the table that applies. The states are those of a deployment:
preflight (S0), refresh (S1), commit (S2), sync (S3), health (S4), verify (S5), settle (S6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from astrago_actions.domain import rollout_health as health
from astrago_actions.domain import rollout_preflight as preflight
from astrago_actions.domain import rollout_sync as sync
from astrago_actions.domain.rollout_view import (
    Memory,
    Observation,
    Target,
    Trouble,
    Verdict,
    View,
    Want,
)

Row = Callable[[View], "Verdict | None"]

ROWS: tuple[Row, ...] = (
    preflight.session_missing,
    preflight.deletion_under_way,
    preflight.no_source_is_ours,
    preflight.follows_another_revision,
    preflight.nothing_will_sync,
    preflight.spec_error,
    preflight.old_complaint,
    preflight.comparison_network_error,
    preflight.manifest_error,
    sync.hard_refresh_first,
    health.superseded,
    sync.hydrator_at_work,
    sync.branch_rewritten,
    sync.older_sync_running,
    sync.window_blocks,
    health.image_cannot_be_pulled,
    health.crash_loop,
    health.unschedulable,
    sync.sync_running,
    sync.commit_not_seen,
    sync.sync_failed,
    sync.autosync_gave_up,
    sync.comparison_older_than_sync,
    sync.drifted_after_sync,
    sync.person_must_sync,
    sync.autosync_stuck,
    sync.not_yet_synced,
    health.image_not_in_manifests,
    health.progress_deadline_exceeded,
    health.degraded,
    health.missing,
    health.unknown,
    health.suspended,
    health.progressing,
    health.images_not_looked_up,
    health.old_pods_left,
    health.settling,
    health.done,
)

_SYNC_STATES = frozenset({"refresh", "commit", "sync"})
_NOT_OUR_DELAY = frozenset({"window-blocks", "comparison-network-error", "no-answer"})


def judge(target: Target, observation: Observation, memory: Memory) -> tuple[Verdict, Memory]:
    """The verdict on one look, and what to remember of it."""
    memory = remember(target, observation, memory)
    verdict = _first_row(target, observation, memory)
    verdict = _sync_limit(target, observation, memory, verdict)
    if not verdict.final and observation.at >= target.graces.timeout:
        verdict = deadline(target, observation, memory, verdict)
    verdict = replace(verdict, wants=_allowed(target, observation, memory, verdict.wants))
    return verdict, _asked(memory, verdict, observation)


def _first_row(target: Target, observation: Observation, memory: Memory) -> Verdict:
    application = observation.application
    if application is None:
        trouble = observation.trouble or Trouble("no-answer", "Nothing was answered.")
        return preflight.judge_trouble(target, observation, memory, trouble)
    view = View(target, observation, memory, application)
    for row in ROWS:
        verdict = row(view)
        if verdict is not None:
            return verdict
    raise AssertionError("the last row always applies")


def _sync_limit(
    target: Target, observation: Observation, memory: Memory, verdict: Verdict
) -> Verdict:
    application = observation.application
    if verdict.final or application is None or verdict.state not in _SYNC_STATES:
        return verdict
    view = View(target, observation, memory, application)
    return sync.sync_overdue(view, verdict) or verdict


def deadline(target: Target, observation: Observation, memory: Memory, waiting: Verdict) -> Verdict:
    """Any: time is up; names the state and what was waited for."""
    if waiting.row == "no-answer" and observation.trouble is not None:
        silent_for = observation.at - (memory.answered_at or 0.0)
        if silent_for >= 30.0 or memory.baseline is None:
            return preflight.unreachable(observation.trouble, silent_for)
    if waiting.row == "application-awaited":
        return replace(waiting, result="not-found", detail=f"Waited {target.graces.timeout:.0f} s.")
    return Verdict(
        waiting.state,
        "deadline",
        f"Timed out after {target.graces.timeout:.0f} s in {waiting.state}: {waiting.headline}",
        "timeout",
        waiting.detail,
        waiting.remedy
        or "Look at the application in Argo CD; raise `timeout` if this is normal there.",
    )


def remember(target: Target, observation: Observation, memory: Memory) -> Memory:
    """What is known after this look: since when which things are seen, and when marks were met."""
    application = observation.application
    if application is None:
        return _without_document(observation, memory)
    memory = replace(memory, answered_at=observation.at)
    if memory.baseline is None:
        memory = replace(memory, baseline=application)
    view = View(target, observation, memory, application)
    if memory.seen_at is None and observation.workload and not memory.baseline_pods:
        pods = observation.workload.pods or ()
        if not view.seen:
            memory = replace(memory, baseline_pods=frozenset(each.uid for each in pods))
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
    pods = health.new_pods(view)
    limit_runs = (
        not view.synced_at_ours
        and not view.observation.active_window
        and sync.window_blocks(view) is None
        and preflight.comparison_network_error(view) is None
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
        "image-trouble": view.rolling_out and any(map(health.in_image_trouble, pods)),
        "unschedulable": view.rolling_out and any(map(health.is_unschedulable, pods)),
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


def _allowed(
    target: Target, observation: Observation, memory: Memory, wants: frozenset[Want]
) -> frozenset[Want]:
    """What may be asked for now: a refresh a minute at most, one hard refresh in all."""
    allowed = set(wants)
    asked = memory.refresh_asked_at
    off = target.refresh == "none"
    if off or memory.hard_refresh_asked:
        allowed.discard("hard-refresh")
    too_soon = asked is not None and observation.at - asked < target.graces.refresh_again
    if off or too_soon:
        allowed.discard("refresh")
    return frozenset(allowed)


def _asked(memory: Memory, verdict: Verdict, observation: Observation) -> Memory:
    memory = replace(memory, last_headline=verdict.headline)
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
