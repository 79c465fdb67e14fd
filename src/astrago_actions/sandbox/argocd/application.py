"""One application and its two independent loops: comparing, and carrying out operations.

The comparison writes sync, health, conditions and summary together; the operation writes its state
by itself. What is served in between is what a real server serves: old health after a new sync.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from astrago_actions.sandbox.argocd.agenda import Agenda
from astrago_actions.sandbox.argocd.behaviour import Behaviour, merged
from astrago_actions.sandbox.argocd.rendering import Manifest, RenderError, render, sources_of
from astrago_actions.sandbox.argocd.sources import GitSource, ImageSource, full_name_of
from astrago_actions.sandbox.argocd.workloads import WORKLOAD_KINDS, WorkloadState, new_uid

Key = tuple[str, str, str, str]

REFRESH_ANNOTATION = "argocd.argoproj.io/refresh"
_SELF_HEAL_SECONDS = 5.0
_WORST_FIRST = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy")
_SHA_DIGITS = set("0123456789abcdef")
_DEFAULT_RETRIES = 5


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
        self.workloads: dict[Key, WorkloadState] = {}
        self.target: dict[Key, Manifest] = {}
        self.live: dict[Key, Manifest] = {}
        self.revisions: tuple[str, ...] = ()
        self.operation: dict[str, Any] | None = None
        self.operation_state: dict[str, Any] | None = None
        self._sync: dict[str, Any] = {"status": "Unknown"}
        self._resources: list[dict[str, Any]] = []
        self._health: dict[str, Any] = {"status": "Missing"}
        self._conditions: list[dict[str, Any]] = []
        self._images: list[str] = []
        self._history: list[dict[str, Any]] = []
        self._reconciled_at = ""
        self._git = git
        self._image_source = images
        self._agenda = agenda
        self._notify = changed
        self._live_change_noted = False
        self._cached: dict[tuple[str, ...], list[Manifest]] = {}

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
        return self.manifest["spec"]  # type: ignore[no-any-return]

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
                self.revisions = self._resolve()
                self._fetch_target()
                self._adopt()
        self.compare(level=2)
        self._agenda.after(self.behaviour.poll_seconds, self._poll)

    def _adopt(self) -> None:
        for key, manifest in self.target.items():
            self.live[key] = manifest
            if manifest["kind"] in WORKLOAD_KINDS:
                self._workload(key, manifest).start_healthy(manifest)
        now = self._agenda.timestamp()
        self.operation_state = {
            "phase": "Succeeded",
            "message": "successfully synced (all tasks run)",
            "startedAt": now,
            "finishedAt": now,
            "operation": self._automatic_operation(),
            "syncResult": {**self._revision_fields(), "resources": []},
        }
        self._record_history()

    def _poll(self) -> None:
        self._agenda.after(self.behaviour.poll_seconds, self._poll)
        if not self.refresh_requested:
            self.compare(level=2)

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
            self._cached.clear()
            if self.behaviour.stale_manifests == "until-hard-refresh":
                self.behaviour = replace(self.behaviour, stale_manifests="")
        self.refresh_requested = ""
        self.refreshes_done += 1
        self.compare(level=3)

    def compare(self, level: int) -> None:
        """Compare git with the cluster and write all of status in one go.

        Below level 2 git is not asked and reconciledAt stays as it is.
        """
        self._live_change_noted = False
        self._conditions = []
        if self.behaviour.spec_error:
            self._refuse_spec()
            return
        if level >= 2 or not self.revisions:
            self.revisions = self._resolve()
        try:
            self._fetch_target()
        except (RenderError, KeyError) as error:
            self._fail_comparison(str(error))
        else:
            self._write_comparison()
        if level >= 2:
            self._reconciled_at = self._agenda.timestamp()
        self._write_health()
        self._auto_sync()
        self._touch()

    def _refuse_spec(self) -> None:
        self._condition("InvalidSpecError", self.behaviour.spec_error)
        self._sync["status"] = "Unknown"
        self._health = {"status": "Unknown"}
        self._touch()

    def _resolve(self) -> tuple[str, ...]:
        return tuple(self._resolved(each) for each in sources_of(self.spec))

    def _resolved(self, source: Mapping[str, Any]) -> str:
        wanted = str(source.get("targetRevision") or "HEAD")
        if source.get("chart") or (len(wanted) == 40 and set(wanted) <= _SHA_DIGITS):
            return wanted
        branch = wanted.removeprefix("refs/heads/")
        try:
            return self._git.head(full_name_of(source["repoURL"]), branch) or ""
        except KeyError:
            return ""

    def _fetch_target(self) -> None:
        if self.behaviour.manifest_error:
            raise RenderError(self.behaviour.manifest_error)
        if "" in self.revisions:
            raise RenderError("unable to resolve the target revision to a commit SHA")
        if self.behaviour.stale_manifests and self.target:
            return
        if self.revisions not in self._cached:
            self._cached = {self.revisions: render(self._git, self.spec, self.revisions)}
        self.target = {self._key(each): each for each in self._cached[self.revisions]}

    def _key(self, manifest: Manifest) -> Key:
        group, _, _ = str(manifest.get("apiVersion", "v1")).rpartition("/")
        metadata = manifest["metadata"]
        namespace = metadata.get("namespace") or self.destination
        return group, str(manifest["kind"]), str(namespace), str(metadata["name"])

    def _fail_comparison(self, message: str) -> None:
        said = (
            f"Failed to load target state: failed to generate manifest for source 1 of 1: {message}"
        )
        self._condition("ComparisonError", said)
        self._sync = {"status": "Unknown", **self._compared_to()}

    def _write_comparison(self) -> None:
        self._resources = [self._resource(key) for key in {**self.target, **self.live}]
        different = any(each["status"] == "OutOfSync" for each in self._resources)
        status = "OutOfSync" if different else "Synced"
        self._sync = {"status": status, **self._revision_fields(), **self._compared_to()}

    def _resource(self, key: Key) -> dict[str, Any]:
        group, kind, namespace, name = key
        same = self.target.get(key) == self.live.get(key)
        resource: dict[str, Any] = {
            "version": "v1",
            "kind": kind,
            "namespace": namespace,
            "name": name,
            "status": "Synced" if same else "OutOfSync",
        }
        if group:
            resource["group"] = group
        if key not in self.target:
            resource["requiresPruning"] = True
        workload = self.workloads.get(key)
        if key not in self.live:
            resource["health"] = {"status": "Missing"}
        elif workload is not None:
            status, message = workload.health
            resource["health"] = {"status": status, **({"message": message} if message else {})}
        return resource

    def _compared_to(self) -> dict[str, Any]:
        spec = self.spec
        sources = (
            {"sources": spec["sources"]} if spec.get("sources") else {"source": spec["source"]}
        )
        return {"comparedTo": {**sources, "destination": spec.get("destination", {})}}

    def _revision_fields(self) -> dict[str, Any]:
        if self.spec.get("sources"):
            return {"revisions": list(self.revisions)}
        return {"revision": self.revisions[0] if self.revisions else ""}

    def _write_health(self) -> None:
        found = [each["health"]["status"] for each in self._resources if "health" in each]
        status = next((each for each in _WORST_FIRST if each in found), "Healthy")
        if status != self._health.get("status"):
            self._health = {"status": status, "lastTransitionTime": self._agenda.timestamp()}
        images = {
            image
            for workload in self.workloads.values()
            for each in workload.sets
            for pod in each.pods
            for image in pod.images
        }
        self._images = sorted(images)

    def _auto_sync(self) -> None:
        policy = self.automated
        if policy is None or self._sync["status"] != "OutOfSync" or self.operation is not None:
            return
        if self.behaviour.autosync_stuck or self.window_message(manual=False):
            return
        different = [each for each in self._resources if each["status"] == "OutOfSync"]
        if not policy.get("prune") and all(each.get("requiresPruning") for each in different):
            return
        if self._already_attempted():
            self._after_attempt(policy)
            return
        self.start_operation(self._automatic_operation(), self.behaviour.autosync_seconds)

    def _already_attempted(self) -> bool:
        state = self.operation_state
        return state is not None and all(
            state["syncResult"].get(name) == value
            for name, value in self._revision_fields().items()
        )

    def _after_attempt(self, policy: Mapping[str, Any]) -> None:
        state = self.operation_state or {}
        if state.get("phase") in {"Failed", "Error"}:
            revision = ",".join(self.revisions)
            message = f"Failed last sync attempt to [{revision}]: {state.get('message')}"
            self._condition("SyncError", message)
        elif policy.get("selfHeal"):
            self.start_operation(self._automatic_operation(), _SELF_HEAL_SECONDS)

    def _automatic_operation(self) -> dict[str, Any]:
        retry = (self.spec.get("syncPolicy") or {}).get("retry") or {"limit": _DEFAULT_RETRIES}
        policy = self.automated or {}
        sync = {**self._revision_fields(), **({"prune": True} if policy.get("prune") else {})}
        return {"sync": sync, "initiatedBy": {"automated": True}, "retry": retry}

    def start_operation(self, operation: Mapping[str, Any], delay: float) -> None:
        """Ask the operation loop for a sync; it begins after `delay` seconds."""
        self.operation = dict(operation)
        self._agenda.after(delay, self._run_operation)
        self._touch()

    def _run_operation(self) -> None:
        if self.operation is None:
            return
        now = self._agenda.timestamp()
        target = copy.deepcopy(self.target)
        retries = (self.operation_state or {}).get("retryCount", 0) if self._retrying else 0
        self.operation_state = {
            "phase": "Running",
            "message": "waiting for completion of hooks" if self.behaviour.hook else "syncing",
            "startedAt": (self.operation_state or {}).get("startedAt", now) if retries else now,
            "operation": self.operation,
            "syncResult": {**self._revision_fields(), "resources": self._results(target)},
            **({"retryCount": retries} if retries else {}),
        }
        if self.window_message(manual="automated" not in self.operation.get("initiatedBy", {})):
            self.operation_state["message"] = "Sync operation blocked by sync window"
            self._agenda.after(1.0, self._run_operation)
        else:
            duration = self.behaviour.sync_seconds + self.behaviour.hook_seconds
            self._agenda.after(duration, lambda: self._finish_attempt(target))
        self._touch()

    @property
    def _retrying(self) -> bool:
        state = self.operation_state or {}
        return state.get("phase") == "Running" and "finishedAt" in state

    def _results(self, target: Mapping[Key, Manifest]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        if self.behaviour.hook:
            results.append(self._hook_result("Running", ""))
        for group, kind, namespace, name in target:
            results.append(
                {
                    "group": group,
                    "version": "v1",
                    "kind": kind,
                    "namespace": namespace,
                    "name": name,
                    "status": "Synced",
                    "message": f"{kind.lower()}.{group}/{name} configured",
                    "syncPhase": "Sync",
                }
            )
        return results

    def _hook_result(self, phase: str, message: str) -> dict[str, Any]:
        return {
            "group": "batch",
            "version": "v1",
            "kind": "Job",
            "namespace": self.destination,
            "name": self.behaviour.hook,
            "hookType": "PreSync",
            "hookPhase": phase,
            "syncPhase": "PreSync",
            "message": message,
        }

    def _finish_attempt(self, target: Mapping[Key, Manifest]) -> None:
        state = self.operation_state
        if self.operation is None or state is None or state["phase"] == "Terminating":
            return
        state["finishedAt"] = self._agenda.timestamp()
        if self.behaviour.sync_failures or self.behaviour.hook_fails:
            self._fail_attempt(state)
        else:
            self._succeed(state, target)

    def _succeed(self, state: dict[str, Any], target: Mapping[Key, Manifest]) -> None:
        state.update(phase="Succeeded", message="successfully synced (all tasks run)")
        if self.behaviour.hook:
            state["syncResult"]["resources"][0].update(hookPhase="Succeeded", message="")
        sync = (self.operation or {}).get("sync", {})
        self._apply(target, prune=bool(sync.get("prune")))
        self._record_history()
        self._end_operation(level=2)

    def _apply(self, target: Mapping[Key, Manifest], *, prune: bool) -> None:
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
                lambda: self.behaviour,
                self.note_live_change,
            )
        return self.workloads[key]

    def _fail_attempt(self, state: dict[str, Any]) -> None:
        message = self._failure_message(state)
        limit = int((self.operation or {}).get("retry", {}).get("limit", 0))
        retries = int(state.get("retryCount", 0))
        if self.behaviour.sync_failures:
            left = self.behaviour.sync_failures - 1
            self.behaviour = replace(self.behaviour, sync_failures=left)
        if retries < limit:
            pause = self.behaviour.retry_seconds * 2**retries
            when = datetime.fromtimestamp(self._agenda.wall(), timezone.utc)
            at = (when + timedelta(seconds=pause)).strftime("%I:%M%p").lstrip("0")
            state["retryCount"] = retries + 1
            state["message"] = f"{message}. Retrying attempt #{retries + 1} at {at}."
            self._agenda.after(pause, self._run_operation)
            self._touch()
            return
        state.update(phase="Failed", message=message)
        self._end_operation(level=2)

    def _failure_message(self, state: dict[str, Any]) -> str:
        results = state["syncResult"]["resources"]
        if self.behaviour.hook_fails and self.behaviour.hook:
            said = "Job has reached the specified backoff limit"
            results[0].update(self._hook_result("Failed", said))
            return "one or more synchronization tasks completed unsuccessfully"
        if results:
            results[-1].update(status="SyncFailed", message=self.behaviour.sync_message)
        return self.behaviour.sync_message

    def terminate(self) -> None:
        """End the running operation as failed."""
        if self.operation_state is not None and self.operation is not None:
            self.operation_state["finishedAt"] = self._agenda.timestamp()
            self.operation_state.update(phase="Failed", message="Operation terminated")
            self._end_operation(level=2)

    def _end_operation(self, level: int) -> None:
        self.operation = None
        self._agenda.after(self.behaviour.compare_seconds, lambda: self.compare(level))
        self._touch()

    def _record_history(self) -> None:
        entry = {
            **self._revision_fields(),
            "id": len(self._history),
            "deployedAt": self._agenda.timestamp(),
            **self._compared_to()["comparedTo"],
        }
        self._history.append(entry)

    def note_live_change(self) -> None:
        """Something on the cluster changed: compare soon, without asking git."""
        if not self._live_change_noted:
            self._live_change_noted = True
            self._agenda.after(0.1, lambda: self.compare(level=1))

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
        if outside and not (manual and any(each.manual_sync for each in allows)):
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
        if self.operation is not None:
            document["operation"] = self.operation
        document = json.loads(json.dumps(document))
        return dict(merged(document, self.behaviour.document))

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = {
            "sync": self._sync,
            "health": self._health,
            "resources": self._resources,
            "history": self._history,
            "summary": {"images": self._images},
            "sourceType": "Helm",
        }
        if self._reconciled_at:
            status["reconciledAt"] = self._reconciled_at
        if self._conditions:
            status["conditions"] = self._conditions
        if self.operation_state is not None:
            status["operationState"] = self.operation_state
        return status

    def _condition(self, kind: str, message: str) -> None:
        now = self._agenda.timestamp()
        self._conditions.append({"type": kind, "message": message, "lastTransitionTime": now})

    def _touch(self) -> None:
        self.version += 1
        self._notify(self)
