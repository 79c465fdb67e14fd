"""The other documents that the API serves about an application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from astrago_actions.sandbox.argocd.application import ApplicationState
from astrago_actions.sandbox.argocd.behaviour import Window
from astrago_actions.sandbox.argocd.workloads import (
    PodState,
    ReplicaSetState,
    WorkloadState,
)


def resource_tree(application: ApplicationState) -> dict[str, Any]:
    """Nodes from workloads down to pods, each with what the user interface shows of it."""
    nodes: list[dict[str, Any]] = []
    for key in application.cluster.live:
        group, kind, namespace, name = key
        workload = application.cluster.workloads.get(key)
        node: dict[str, Any] = {
            "version": "v1",
            "kind": kind,
            "namespace": namespace,
            "name": name,
            "uid": workload.uid if workload else f"{kind}-{name}".lower(),
            "createdAt": workload.created_at if workload else "2026-01-01T00:00:00Z",
        }
        if group:
            node["group"] = group
        if workload is not None:
            status, message = workload.health
            node["health"] = {"status": status, **({"message": message} if message else {})}
            nodes += _below(workload)
        nodes.append(node)
    return {"nodes": nodes}


def _below(workload: WorkloadState) -> Iterator[dict[str, Any]]:
    for each in workload.sets:
        owner = {"kind": workload.kind, "uid": workload.uid, "name": workload.name}
        if workload.kind == "Deployment":
            yield _replica_set(workload, each)
            owner = {"kind": "ReplicaSet", "uid": each.uid, "name": each.name}
        parent = {
            "group": "apps",
            "version": "v1",
            "namespace": workload.namespace,
            **owner,
        }
        for pod in each.pods:
            yield _pod(workload, pod, parent)


def _replica_set(workload: WorkloadState, found: ReplicaSetState) -> dict[str, Any]:
    return {
        "group": "apps",
        "version": "v1",
        "kind": "ReplicaSet",
        "namespace": workload.namespace,
        "name": found.name,
        "uid": found.uid,
        "createdAt": found.created_at,
        "parentRefs": [
            {
                "group": "apps",
                "version": "v1",
                "kind": workload.kind,
                "namespace": workload.namespace,
                "name": workload.name,
                "uid": workload.uid,
            }
        ],
        "info": [{"name": "Revision", "value": f"Rev:{found.revision}"}],
        "health": {"status": "Healthy"},
    }


def _pod(workload: WorkloadState, pod: PodState, parent: dict[str, Any]) -> dict[str, Any]:
    info = [
        {"name": "Status Reason", "value": pod.reason},
        {"name": "Node", "value": "node-1"},
        {"name": "Containers", "value": f"{int(pod.ready)}/1"},
    ]
    if pod.restarts:
        info.append({"name": "Restart Count", "value": str(pod.restarts)})
    return {
        "version": "v1",
        "kind": "Pod",
        "namespace": workload.namespace,
        "name": pod.name,
        "uid": pod.uid,
        "createdAt": pod.created_at,
        "parentRefs": [parent],
        "info": info,
        "images": list(pod.images),
        "health": _health(pod),
    }


def _health(pod: PodState) -> dict[str, str]:
    """Only what is Degraded says why: of a pod without a node the tree tells nothing."""
    said = {"message": pod.message} if pod.health == "Degraded" else {}
    return {"status": pod.health, **said}


def managed_resources(application: ApplicationState) -> dict[str, Any]:
    """Wanted and live state of each object, as JSON in strings."""
    items = []
    for key in {**application.comparison.target, **application.cluster.live}:
        group, kind, namespace, name = key
        live = json.dumps(application.cluster.live.get(key))
        items.append(
            {
                "group": group,
                "kind": kind,
                "namespace": namespace,
                "name": name,
                "targetState": json.dumps(application.comparison.target.get(key)),
                "liveState": live,
                "normalizedLiveState": live,
                "predictedLiveState": live,
            }
        )
    return {"items": items}


def events(application: ApplicationState, uid: str) -> dict[str, Any]:
    """Kubernetes events of one pod, or, without `uid`, of the application itself."""
    items = [
        {
            "metadata": {"name": f"{each.pod}.{number}", "namespace": workload.namespace},
            "type": each.type,
            "reason": each.reason,
            "message": each.message,
            "count": 1,
            "firstTimestamp": each.at,
            "lastTimestamp": each.at,
            "involvedObject": {"kind": "Pod", "name": each.pod, "uid": each.uid},
        }
        for workload in application.cluster.workloads.values()
        for number, each in enumerate(workload.happenings)
        if uid == each.uid
    ]
    return {"metadata": {}, "items": items}


def live_pod(pod: PodState, namespace: str) -> dict[str, Any]:
    """A pod's live object, as far as it explains why the pod does not run."""
    status: dict[str, Any] = {"phase": "Running" if pod.ready else "Pending"}
    if pod.reason == "Pending":
        status["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": pod.message,
            }
        ]
    elif not pod.ready:
        waiting = {"reason": pod.reason, "message": pod.message}
        ended = {"terminated": {"exitCode": 1, "reason": "Error"}} if pod.restarts else {}
        status["containerStatuses"] = [
            {
                "name": "main",
                "restartCount": pod.restarts,
                "state": {"waiting": waiting},
                "lastState": ended,
            }
        ]
    metadata = {"name": pod.name, "namespace": namespace, "uid": pod.uid}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


def log_lines(application: ApplicationState, pod: PodState, lines: int) -> Iterator[bytes]:
    """NDJSON as the log call streams it, with the marker of its end."""
    for line in application.behaviour.log[-lines:]:
        yield _log_line(pod.name, line, last=False)
    yield _log_line("", "", last=True)


def _log_line(pod: str, content: str, *, last: bool) -> bytes:
    result = {
        "content": content,
        "timeStamp": "2026-01-01T00:00:00Z",
        "timeStampStr": "2026-01-01T00:00:00Z",
        "last": last,
        "podName": pod,
    }
    return json.dumps({"result": result}).encode() + b"\n"


def sync_windows(application: ApplicationState) -> dict[str, Any]:
    """Active and assigned windows; `canSync` speaks of manual syncs."""
    windows = application.behaviour.windows
    found: dict[str, Any] = {
        "activeWindows": [_window(each) for each in windows if each.active],
        "assignedWindows": [_window(each) for each in windows],
    }
    answer = {name: value for name, value in found.items() if value}
    return {**answer, "canSync": not application.window_message(manual=True)}


def _window(window: Window) -> dict[str, Any]:
    return {
        "kind": window.kind,
        "schedule": window.schedule,
        "duration": window.duration,
        "manualSync": window.manual_sync,
    }
