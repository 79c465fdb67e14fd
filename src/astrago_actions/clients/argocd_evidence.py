"""Looking up, after a failure, what explains it: the troubled pod, events, log, windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from astrago_actions.clients.argocd import ArgoCD, Place
from astrago_actions.clients.argocd_connection import ArgoCDError
from astrago_actions.clients.argocd_watch import Watch
from astrago_actions.domain.rollout.application import Event, Pod, Standstill, SyncWindow, Workload
from astrago_actions.domain.rollout.pods import in_crash_loop, in_image_trouble
from astrago_actions.domain.rollout.report import Evidence

LOG_LINES = 20
_WITHOUT_EVIDENCE = frozenset({"auth", "config", "unreachable", "not-found"})

Found = TypeVar("Found")


def gather(server: ArgoCD, watch: Watch, url: str) -> Evidence:
    """The evidence for a failed wait; what cannot be read is left out, and said so for logs."""
    evidence = Evidence(watch.target, watch.verdict, url, watch.application, watch.workload)
    if watch.verdict.result in _WITHOUT_EVIDENCE or watch.application is None:
        return evidence
    workload = _workload(server, watch)
    pod = troubled_pod(watch, workload)
    automated = watch.application.automated
    nothing: tuple[str, tuple[SyncWindow, ...]] = ("", ())
    _, windows = _try(lambda: server.windows(watch.place, automated=automated), nothing)
    evidence = replace(
        evidence, workload=workload, pod=pod, windows=windows, events=_events(server, watch, pod)
    )
    return evidence if pod is None else _with_log(server, watch.place, pod, evidence)


def _workload(server: ArgoCD, watch: Watch) -> Workload:
    before = watch.workload or Workload(0.0, ())
    nothing: tuple[tuple[Pod, ...] | None, tuple[str, ...]] = (before.pods, ())
    pods, _ = _try(lambda: server.tree(watch.place), nothing)
    return replace(before, pods=pods)


def troubled_pod(watch: Watch, workload: Workload) -> Pod | None:
    """The pod that most likely explains the failure.

    That is one of the failed hook, else the one that was judged, else the sickest of the newest:
    pods of an earlier change that failed too may still be there.
    """
    pods = [each for each in workload.pods or () if not each.terminating]
    operation = watch.application.operation if watch.application else None
    if watch.verdict.result == "sync-failed" and operation is not None:
        hooks = {each.name for each in operation.resources if each.is_failed_hook}
        of_hooks = [each for each in pods if any(step.split()[1] in hooks for step in each.path)]
        return of_hooks[-1] if of_hooks else None
    sick = [each for each in pods if each.health not in {"Healthy", ""} and not each.finished]
    judged = [each for each in sick if each.name == watch.verdict.pod]
    return min(judged or sick, key=_sickness, default=None)


def _sickness(pod: Pod) -> tuple[bool, bool, bool]:
    return (not pod.newest, not in_image_trouble(pod), not in_crash_loop(pod, 1))


def _events(server: ArgoCD, watch: Watch, pod: Pod | None) -> tuple[Event, ...]:
    nothing: tuple[Event, ...] = ()
    found = _try(lambda: server.events(watch.place, pod), nothing)
    if found or pod is None:
        return found
    return _try(lambda: server.events(watch.place), nothing)


def _with_log(server: ArgoCD, place: Place, pod: Pod, evidence: Evidence) -> Evidence:
    found = _try(lambda: server.standstill(place, pod), Standstill())
    pod = replace(
        pod,
        message=found.message or pod.message,
        reason=pod.reason or found.reason,
        container=found.container,
        ended=found.ended,
    )
    evidence = replace(evidence, pod=pod)
    if in_image_trouble(pod):
        return evidence
    previous = pod.restarts > 0
    try:
        log = server.logs(place, pod, lines=LOG_LINES, previous=previous)
    except ArgoCDError as error:
        note = f"The log cannot be read: {error.trouble.message} (right `logs, get`)"
        return replace(evidence, notes=(note,))
    return replace(evidence, log=log, log_is_previous=previous)


def _try(ask: Callable[[], Found], otherwise: Found) -> Found:
    try:
        return ask()
    except ArgoCDError:
        return otherwise
