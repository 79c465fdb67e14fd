"""The rollout's state machine: from one observation to a verdict.

`judge` takes the first row of the table that applies. The states are those of a deployment:
preflight (S0), refresh (S1), commit (S2), sync (S3), health (S4), verify (S5), settle (S6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from astrago_actions.domain.rollout import (
    commit,
    comparison,
    conversation,
    health,
    images,
    pods,
    preflight,
    sync,
)
from astrago_actions.domain.rollout.memory import asked, remember
from astrago_actions.domain.rollout.values import (
    Memory,
    Observation,
    Target,
    Trouble,
    Verdict,
    Want,
)
from astrago_actions.domain.rollout.view import View

Row = Callable[[View], "Verdict | None"]
"""A rule of the state table: a verdict where it applies, or None."""

ROWS: tuple[Row, ...] = (
    preflight.session_missing,
    preflight.deletion_under_way,
    preflight.no_source_is_ours,
    preflight.follows_another_revision,
    preflight.nothing_will_sync,
    comparison.spec_error,
    comparison.old_complaint,
    comparison.comparison_network_error,
    comparison.manifest_error,
    commit.hard_refresh_first,
    images.superseded,
    commit.hydrator_at_work,
    commit.branch_rewritten,
    sync.older_sync_running,
    sync.window_blocks,
    pods.image_cannot_be_pulled,
    pods.crash_loop,
    pods.unschedulable,
    sync.sync_running,
    commit.commit_not_seen,
    sync.sync_failed,
    sync.autosync_gave_up,
    sync.comparison_older_than_sync,
    sync.drifted_after_sync,
    sync.person_must_sync,
    sync.autosync_stuck,
    sync.not_yet_synced,
    images.image_not_in_manifests,
    health.progress_deadline_exceeded,
    health.degraded,
    health.missing,
    health.unknown,
    health.suspended,
    health.progressing,
    images.images_not_looked_up,
    images.old_pods_left,
    images.settling,
    images.done,
)

_SYNC_STATES = frozenset({"refresh", "commit", "sync"})


def judge(target: Target, observation: Observation, memory: Memory) -> tuple[Verdict, Memory]:
    """The verdict on one look, and what to remember of it."""
    memory = remember(target, observation, memory)
    verdict = _first_row(target, observation, memory)
    verdict = _sync_limit(target, observation, memory, verdict)
    if not verdict.final and observation.at >= target.graces.timeout:
        verdict = deadline(target, observation, memory, verdict)
    verdict = replace(verdict, wants=_allowed(target, observation, memory, verdict.wants))
    return verdict, asked(memory, verdict, observation)


def _first_row(target: Target, observation: Observation, memory: Memory) -> Verdict:
    application = observation.application
    if application is None:
        trouble = observation.trouble or Trouble("no-answer", "Nothing was answered.")
        return conversation.judge_trouble(target, observation, memory, trouble)
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
            return conversation.unreachable(observation.trouble, silent_for)
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
