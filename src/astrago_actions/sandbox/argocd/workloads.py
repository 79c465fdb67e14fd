"""Deployments and their kin: replica sets, pods, and how a rollout goes on."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from astrago_actions.sandbox.argocd.agenda import Agenda
from astrago_actions.sandbox.argocd.behaviour import Behaviour
from astrago_actions.sandbox.argocd.sources import ImageSource

WORKLOAD_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_BACK_OFF_SECONDS = 3.0
_RESTART_SECONDS = 5.0
_RETRY_PULL_SECONDS = 10.0


@dataclass
class PodState:
    """One pod; `reason` is what `kubectl get pods` shows as its status."""

    name: str
    uid: str
    images: tuple[str, ...]
    created_at: str
    reason: str = "ContainerCreating"
    message: str = ""
    ready: bool = False
    restarts: int = 0
    health: str = "Progressing"


@dataclass
class ReplicaSetState:
    """The pods of one template; a StatefulSet's are kept the same way."""

    name: str
    uid: str
    revision: int
    images: tuple[str, ...]
    created_at: str
    pods: list[PodState] = field(default_factory=list)


@dataclass(frozen=True)
class Happening:
    """A Kubernetes event about a pod."""

    pod: str
    uid: str
    reason: str
    message: str
    at: str
    type: str = "Warning"


class WorkloadState:
    """One Deployment, StatefulSet or DaemonSet and everything below it."""

    def __init__(
        self,
        manifest: Mapping[str, Any],
        namespace: str,
        agenda: Agenda,
        images: ImageSource,
        behaviour: Callable[[], Behaviour],
        changed: Callable[[], None],
    ) -> None:
        self.kind = str(manifest["kind"])
        self.name = str(manifest["metadata"]["name"])
        self.namespace = namespace
        self.uid = new_uid()
        self.created_at = agenda.timestamp()
        self.replicas = 1
        self.sets: list[ReplicaSetState] = []
        self.happenings: list[Happening] = []
        self.past_deadline = False
        self.degraded = False
        self._agenda = agenda
        self._images = images
        self._behaviour = behaviour
        self._changed = changed
        self._pulled: set[str] = set()

    def start_healthy(self, manifest: Mapping[str, Any]) -> None:
        """Begin as if this had been running for long: all pods ready, all images pulled."""
        images = images_of(manifest)
        self._pulled |= set(images)
        self._begin_set(manifest, images)
        for pod in self.sets[-1].pods:
            self._become_ready(pod)

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Roll out a new template, or only change the number of replicas."""
        images = images_of(manifest)
        self.replicas = _replicas(manifest)
        if self.sets and self.sets[-1].images == images:
            return
        self.past_deadline = False
        self._begin_set(manifest, images)
        current = self.sets[-1]
        behaviour = self._behaviour()
        if self.kind == "Deployment":
            self._agenda.after(
                behaviour.progress_deadline_seconds, lambda: self._meet_deadline(current)
            )
        if behaviour.degraded_seconds:
            self.degraded = True
            self._agenda.after(behaviour.degraded_seconds, self._recover)
        for pod in current.pods:
            self._start(pod, current)

    @property
    def health(self) -> tuple[str, str]:
        """Status and message as Argo CD's own health checks word them."""
        current = self.sets[-1]
        ready = sum(pod.ready for pod in current.pods)
        old = sum(len(each.pods) for each in self.sets[:-1])
        if self.past_deadline and ready < self.replicas:
            return "Degraded", f'Deployment "{self.name}" exceeded its progress deadline'
        if self.degraded:
            return "Degraded", "Readiness probe failed"
        waiting = "Waiting for rollout to finish: "
        if ready < self.replicas:
            return (
                "Progressing",
                f"{waiting}{ready} of {self.replicas} updated replicas are available...",
            )
        if old:
            return "Progressing", f"{waiting}{old} old replicas are pending termination..."
        return "Healthy", ""

    def _begin_set(self, manifest: Mapping[str, Any], images: tuple[str, ...]) -> None:
        self.replicas = _replicas(manifest)
        digest = hashlib.sha256(json.dumps(images).encode()).hexdigest()[:10]
        revision = self.sets[-1].revision + 1 if self.sets else 1
        name = f"{self.name}-{digest}" if self.kind == "Deployment" else self.name
        now = self._agenda.timestamp()
        found = ReplicaSetState(name, new_uid(), revision, images, now)
        for number in range(self.replicas):
            end = new_uid()[:5] if self.kind != "StatefulSet" else str(number)
            found.pods.append(PodState(f"{name}-{end}", new_uid(), images, now))
        self.sets.append(found)

    def _start(self, pod: PodState, owner: ReplicaSetState) -> None:
        if pod.reason == "Terminating":
            return
        behaviour = self._behaviour()
        missing = [each for each in pod.images if not self._is_there(each)]
        if missing:
            self._agenda.after(
                min(1.0, behaviour.rollout_seconds),
                lambda: self._fail_to_pull(pod, owner, missing[0]),
            )
        elif behaviour.pods == "unschedulable":
            self._cannot_schedule(pod)
        else:
            self._agenda.after(behaviour.rollout_seconds, lambda: self._come_up(pod, owner))

    def _is_there(self, image: str) -> bool:
        if image in self._pulled:
            return True
        rest, _, _ = image.partition("@")
        path = rest.partition("/")[2]
        repository, _, tag = path.rpartition(":")
        found = self._images.digest_of(repository, tag) is not None
        if found:
            self._pulled.add(image)
        return found

    def _fail_to_pull(self, pod: PodState, owner: ReplicaSetState, image: str) -> None:
        if pod.reason == "Terminating":
            return
        said = f'failed to pull and unpack image "{image}": not found'
        pod.reason, pod.message, pod.health = "ErrImagePull", said, "Degraded"
        self._happen(pod, "Failed", f'Failed to pull image "{image}": {said}')
        self._agenda.after(_BACK_OFF_SECONDS, lambda: self._back_off_pull(pod, owner, image))
        self._changed()

    def _back_off_pull(self, pod: PodState, owner: ReplicaSetState, image: str) -> None:
        if pod.reason == "Terminating":
            return
        pod.reason, pod.message = "ImagePullBackOff", f'Back-off pulling image "{image}"'
        self._agenda.after(_RETRY_PULL_SECONDS, lambda: self._start(pod, owner))
        self._changed()

    def _cannot_schedule(self, pod: PodState) -> None:
        said = "0/3 nodes are available: 3 Insufficient memory."
        pod.reason, pod.message = "Pending", said
        self._happen(pod, "FailedScheduling", said)
        self._changed()

    def _come_up(self, pod: PodState, owner: ReplicaSetState) -> None:
        if pod.reason == "Terminating":
            return
        mode = self._behaviour().pods
        if mode == "crash-loop":
            self._crash(pod)
        elif mode == "config-error":
            pod.reason = "CreateContainerConfigError"
            pod.message, pod.health = 'configmap "settings" not found', "Degraded"
            self._happen(pod, "Failed", f"Error: {pod.message}")
        elif mode == "never-ready":
            pod.reason = "Running"
            self._happen(pod, "Unhealthy", "Readiness probe failed: HTTP 503")
        else:
            self._become_ready(pod)
            if all(each.ready for each in owner.pods) and owner is self.sets[-1]:
                self._retire_old()
        self._changed()

    def _crash(self, pod: PodState) -> None:
        if pod.reason == "Terminating":
            return
        pod.restarts += 1
        pod.reason = "CrashLoopBackOff"
        pod.health = "Degraded"
        pod.message = "back-off restarting failed container"
        self._happen(pod, "BackOff", "Back-off restarting failed container")
        if pod.restarts < 50:
            self._agenda.after(_RESTART_SECONDS, lambda: self._restart(pod))
        self._changed()

    def _restart(self, pod: PodState) -> None:
        if pod.reason == "Terminating":
            return
        if self._behaviour().pods == "crash-loop":
            self._crash(pod)
            return
        self._become_ready(pod)
        self._retire_old()
        self._changed()

    def _become_ready(self, pod: PodState) -> None:
        pod.reason, pod.message, pod.ready, pod.health = "Running", "", True, "Healthy"

    def _retire_old(self) -> None:
        for each in self.sets[:-1]:
            for pod in each.pods:
                pod.reason = "Terminating"
        self._agenda.after(self._behaviour().termination_seconds, self._remove_old)

    def _remove_old(self) -> None:
        for each in self.sets[:-1]:
            each.pods = [pod for pod in each.pods if pod.reason != "Terminating"]
        self._changed()

    def _meet_deadline(self, owner: ReplicaSetState) -> None:
        if owner is self.sets[-1] and not all(pod.ready for pod in owner.pods):
            self.past_deadline = True
            self._changed()

    def _recover(self) -> None:
        self.degraded = False
        self._changed()

    def _happen(self, pod: PodState, reason: str, message: str) -> None:
        at = self._agenda.timestamp()
        self.happenings.append(Happening(pod.name, pod.uid, reason, message, at))


def images_of(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """The images of a workload's pod template."""
    spec = ((manifest.get("spec") or {}).get("template") or {}).get("spec") or {}
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return tuple(str(each.get("image", "")) for each in containers)


def _replicas(manifest: Mapping[str, Any]) -> int:
    found = (manifest.get("spec") or {}).get("replicas")
    return 1 if found is None else int(found)


def new_uid() -> str:
    """A fresh object identity."""
    return str(uuid.uuid4())
