"""The cluster that an application deploys to: live objects and what runs of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from astrago_actions.sandbox.argocd.agenda import Agenda
from astrago_actions.sandbox.argocd.behaviour import Behaviour
from astrago_actions.sandbox.argocd.rendering import Manifest
from astrago_actions.sandbox.argocd.sources import ImageSource
from astrago_actions.sandbox.argocd.workloads import WORKLOAD_KINDS, PodState, WorkloadState

Key = tuple[str, str, str, str]
"""Group, kind, namespace and name of an object."""


class Cluster:
    """Objects as they are; `changed` is called when something happens to them by itself."""

    def __init__(
        self,
        agenda: Agenda,
        images: ImageSource,
        behaviour: Callable[[], Behaviour],
        changed: Callable[[], None],
    ) -> None:
        self.live: dict[Key, Manifest] = {}
        self.workloads: dict[Key, WorkloadState] = {}
        self._agenda = agenda
        self._image_source = images
        self._behaviour = behaviour
        self._changed = changed

    def adopt(self, target: Mapping[Key, Manifest]) -> None:
        """Have these objects as if they had been running for long."""
        for key, manifest in target.items():
            self.live[key] = manifest
            if manifest["kind"] in WORKLOAD_KINDS:
                self._workload(key, manifest).start_healthy(manifest)

    def apply(self, target: Mapping[Key, Manifest], *, prune: bool) -> None:
        """Apply these objects; `prune` deletes all others."""
        for key, manifest in target.items():
            self.live[key] = manifest
            if manifest["kind"] in WORKLOAD_KINDS:
                self._workload(key, manifest).apply(manifest)
        if prune:
            for key in [key for key in self.live if key not in target]:
                del self.live[key]
                self.workloads.pop(key, None)

    def _workload(self, key: Key, manifest: Manifest) -> WorkloadState:
        if key not in self.workloads:
            self.workloads[key] = WorkloadState(
                manifest,
                key[2],
                self._agenda,
                self._image_source,
                self._behaviour,
                self._changed,
            )
        return self.workloads[key]

    def pods(self) -> Iterator[PodState]:
        """Every pod."""
        for workload in self.workloads.values():
            for each in workload.sets:
                yield from each.pods

    def images(self) -> list[str]:
        """The images of all pods, old ones too."""
        return sorted({image for pod in self.pods() for image in pod.images})
