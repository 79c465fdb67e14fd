"""One application: its specification, its cluster, and the two loops that work on it.

The comparison writes sync, health, conditions and summary together; the operation writes its state
by itself. What is served in between is what a real server serves: old health after a new sync.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from astrago_actions.sandbox.argocd.agenda import Agenda
from astrago_actions.sandbox.argocd.behaviour import Behaviour, merged
from astrago_actions.sandbox.argocd.cluster import Cluster
from astrago_actions.sandbox.argocd.comparison import Comparison
from astrago_actions.sandbox.argocd.operations import Operations
from astrago_actions.sandbox.argocd.rendering import RenderError
from astrago_actions.sandbox.argocd.sources import GitSource, ImageSource
from astrago_actions.sandbox.argocd.workloads import new_uid

REFRESH_ANNOTATION = "argocd.argoproj.io/refresh"
_LIVE_CHANGE_SECONDS = 0.1


class ApplicationState:
    """The application `manifest` on one cluster; every change calls `changed`."""

    def __init__(
        self,
        manifest: Mapping[str, Any],
        git: GitSource,
        images: ImageSource,
        agenda: Agenda,
        behaviour: Behaviour,
        changed: Callable[[ApplicationState], None],
    ) -> None:
        self.manifest: dict[str, Any] = copy.deepcopy(dict(manifest))
        metadata = self.manifest.setdefault("metadata", {})
        metadata.setdefault("namespace", "argocd")
        metadata.setdefault("uid", new_uid())
        metadata["creationTimestamp"] = agenda.timestamp()
        self.behaviour = behaviour
        self.version = 1
        self.refresh_requested = ""
        self.refreshes_done = 0
        self.cluster = Cluster(agenda, images, lambda: self.behaviour, self._note_live_change)
        self.comparison = Comparison(self, git, agenda)
        self.operations = Operations(self, agenda, self._touch, self._compare_after_operation)
        self._agenda = agenda
        self._notify = changed
        self._live_change_noted = False

    @property
    def name(self) -> str:
        """The application's name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The namespace of the Application object."""
        return str(self.manifest["metadata"]["namespace"])

    @property
    def project(self) -> str:
        """The project that it belongs to."""
        return str(self.spec.get("project", "default"))

    @property
    def spec(self) -> dict[str, Any]:
        """The specification."""
        specification: dict[str, Any] = self.manifest["spec"]
        return specification

    @property
    def destination(self) -> str:
        """The namespace that it deploys to."""
        return str((self.spec.get("destination") or {}).get("namespace", "default"))

    @property
    def automated(self) -> dict[str, Any] | None:
        """The auto-sync policy, or None when auto-sync is off."""
        policy = (self.spec.get("syncPolicy") or {}).get("automated")
        if policy is None or policy.get("enabled") is False:
            return None
        return dict(policy)

    def begin(self, *, running: bool) -> None:
        """Start living; `running` as if the present commit had been deployed long ago."""
        if running:
            with suppress(RenderError, KeyError):
                self.comparison.find_target()
                self.cluster.adopt(self.comparison.target)
                self.operations.record_long_gone_sync()
        self.compare(level=2)
        self._agenda.after(self.behaviour.poll_seconds, self._poll)

    def _poll(self) -> None:
        self._agenda.after(self.behaviour.poll_seconds, self._poll)
        self.compare(level=2)

    def compare(self, level: int) -> None:
        """Compare git with the cluster, and let auto-sync decide."""
        self._live_change_noted = False
        if self.comparison.compare(level):
            self.operations.auto_sync()
        if self.comparison.hydrator.get("currentOperation", {}).get("phase") == "Hydrating":
            self._agenda.after(self.behaviour.hydration_seconds, lambda: self.compare(level=2))
        self._touch()

    def request_refresh(self, kind: str) -> None:
        """Annotate the application; the comparison loop takes the annotation away again."""
        self.refresh_requested = kind
        self._touch()
        if not self.behaviour.refresh_hangs:
            self._agenda.after(self.behaviour.compare_seconds, self._answer_refresh)

    def _answer_refresh(self) -> None:
        if not self.refresh_requested:
            return
        if self.refresh_requested == "hard":
            self.comparison.drop_caches()
            if self.behaviour.stale_manifests == "until-hard-refresh":
                self.behaviour = replace(self.behaviour, stale_manifests="")
        self.refresh_requested = ""
        self.refreshes_done += 1
        self.compare(level=3)

    def _compare_after_operation(self) -> None:
        self._agenda.after(self.behaviour.compare_seconds, lambda: self.compare(level=2))

    def _note_live_change(self) -> None:
        """Something on the cluster changed: compare soon, without asking git."""
        if not self._live_change_noted:
            self._live_change_noted = True
            self._agenda.after(_LIVE_CHANGE_SECONDS, lambda: self.compare(level=1))

    def change(self, **settings: Any) -> None:
        """Behave differently from now on."""
        self.behaviour = replace(self.behaviour, **settings)
        self._touch()

    def delete(self) -> None:
        """Mark for deletion, as finalizers keep an application for a while."""
        self.manifest["metadata"]["deletionTimestamp"] = self._agenda.timestamp()
        self._touch()

    def window_message(self, *, manual: bool) -> str:
        """What a sync window says against syncing now; "" when nothing is in the way."""
        windows = self.behaviour.windows
        denied = any(
            each.kind == "deny" and each.active and not (manual and each.manual_sync)
            for each in windows
        )
        allows = [each for each in windows if each.kind == "allow"]
        outside = bool(allows) and not any(each.active for each in allows)
        if outside and not (manual and all(each.manual_sync for each in allows)):
            denied = True
        return "cannot sync: blocked by sync window" if denied else ""

    def document(self) -> dict[str, Any]:
        """The Application object as the API serves it."""
        metadata = {**self.manifest["metadata"], "resourceVersion": str(self.version)}
        if self.refresh_requested:
            annotations = metadata.get("annotations") or {}
            metadata["annotations"] = {**annotations, REFRESH_ANNOTATION: self.refresh_requested}
        document: dict[str, Any] = {
            "metadata": metadata,
            "spec": self.spec,
            "status": self._status(),
        }
        if self.operations.requested is not None:
            document["operation"] = self.operations.requested
        document = json.loads(json.dumps(document))
        return dict(merged(document, self.behaviour.document))

    def _status(self) -> dict[str, Any]:
        comparison = self.comparison
        optional = {
            "reconciledAt": comparison.reconciled_at,
            "conditions": comparison.conditions,
            "sourceHydrator": comparison.hydrator,
            "operationState": self.operations.state,
        }
        return {
            "sync": comparison.sync,
            "health": comparison.health,
            "resources": comparison.resources,
            "history": self.operations.history,
            "summary": {"images": comparison.images},
            "sourceType": "Helm",
            **{name: value for name, value in optional.items() if value},
        }

    def _touch(self) -> None:
        self.version += 1
        self._notify(self)
