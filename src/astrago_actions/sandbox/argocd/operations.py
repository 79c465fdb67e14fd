"""The loop that carries out syncs, and writes the operation's state independently of comparing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

from astrago_actions.sandbox.argocd.agenda import Agenda
from astrago_actions.sandbox.argocd.behaviour import Behaviour
from astrago_actions.sandbox.argocd.cluster import Cluster, Key
from astrago_actions.sandbox.argocd.comparison import Comparison
from astrago_actions.sandbox.argocd.rendering import Manifest

_SELF_HEAL_SECONDS = 5.0
_DEFAULT_RETRIES = 5
_DONE = "successfully synced (all tasks run)"


class Synced(Protocol):
    """The application as a sync sees it."""

    behaviour: Behaviour
    cluster: Cluster
    comparison: Comparison

    @property
    def spec(self) -> dict[str, Any]:
        """The specification."""

    @property
    def destination(self) -> str:
        """The namespace that it deploys to."""

    @property
    def automated(self) -> dict[str, Any] | None:
        """The auto-sync policy, or None when auto-sync is off."""

    def window_message(self, *, manual: bool) -> str:
        """What a sync window says against syncing now."""


class Operations:
    """The requested operation, the state of the last one, and the history of good ones."""

    def __init__(
        self,
        application: Synced,
        agenda: Agenda,
        touched: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self.requested: dict[str, Any] | None = None
        self.state: dict[str, Any] | None = None
        self.history: list[dict[str, Any]] = []
        self._application = application
        self._agenda = agenda
        self._touched = touched
        self._ended = ended

    def record_long_gone_sync(self) -> None:
        """Have a state as if the present commit had been synced long ago."""
        now = self._agenda.timestamp()
        self.state = {
            "phase": "Succeeded",
            "message": _DONE,
            "startedAt": now,
            "finishedAt": now,
            "operation": self._automatic(),
            "syncResult": {**self._application.comparison.revision_fields, "resources": []},
        }
        self._record()

    def auto_sync(self) -> None:
        """Start a sync by itself, if Argo CD would: never twice for one revision that failed."""
        policy, comparison = self._application.automated, self._application.comparison
        if policy is None or comparison.sync["status"] != "OutOfSync" or self.requested is not None:
            return
        if self._application.behaviour.autosync_stuck:
            return
        if self._application.window_message(manual=False):
            return
        different = comparison.out_of_sync
        if not policy.get("prune") and all(each.get("requiresPruning") for each in different):
            return
        if self._already_attempted():
            self._after_attempt(policy)
        else:
            self.start(self._automatic(), self._application.behaviour.autosync_seconds)

    def _already_attempted(self) -> bool:
        state, fields = self.state, self._application.comparison.revision_fields
        return state is not None and all(
            state["syncResult"].get(name) == value for name, value in fields.items()
        )

    def _after_attempt(self, policy: Mapping[str, Any]) -> None:
        state, comparison = self.state or {}, self._application.comparison
        if state.get("phase") in {"Failed", "Error"}:
            revision = ",".join(comparison.revisions)
            message = f"Failed last sync attempt to [{revision}]: {state.get('message')}"
            comparison.complain("SyncError", message)
        elif policy.get("selfHeal"):
            self.start(self._automatic(), _SELF_HEAL_SECONDS)

    def _automatic(self) -> dict[str, Any]:
        policy = self._application.automated or {}
        retry = (self._application.spec.get("syncPolicy") or {}).get("retry")
        sync = dict(self._application.comparison.revision_fields)
        if policy.get("prune"):
            sync["prune"] = True
        return {
            "sync": sync,
            "initiatedBy": {"automated": True},
            "retry": retry or {"limit": _DEFAULT_RETRIES},
        }

    def start(self, operation: Mapping[str, Any], delay: float) -> None:
        """Ask for a sync; it begins after `delay` seconds."""
        self.requested = dict(operation)
        self._agenda.after(delay, self._run)
        self._touched()

    def _run(self) -> None:
        if self.requested is None:
            return
        now, behaviour = self._agenda.timestamp(), self._application.behaviour
        before = self.state or {}
        retries = before.get("retryCount", 0) if self._retrying else 0
        target = copy.deepcopy(self._application.comparison.target)
        self.state = {
            "phase": "Running",
            "message": "waiting for completion of hooks" if behaviour.hook else "",
            "startedAt": before["startedAt"] if retries else now,
            "operation": self.requested,
            "syncResult": {
                **self._application.comparison.revision_fields,
                "resources": self._results(target),
            },
            **({"retryCount": retries} if retries else {}),
        }
        manual = "automated" not in self.requested.get("initiatedBy", {})
        if self._application.window_message(manual=manual):
            self.state["message"] = "Sync operation blocked by sync window"
            self._agenda.after(1.0, self._run)
        else:
            duration = behaviour.sync_seconds + behaviour.hook_seconds
            self._agenda.after(duration, lambda: self._finish(target))
        self._touched()

    @property
    def _retrying(self) -> bool:
        state = self.state or {}
        return state.get("phase") == "Running" and "finishedAt" in state

    def _results(self, target: Mapping[Key, Manifest]) -> list[dict[str, Any]]:
        hook = self._application.behaviour.hook
        results = [self._hook_result("Running", "")] if hook else []
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
                    # Plain objects have the phase of a hook too, and it ends as Running.
                    "hookPhase": "Running",
                    "syncPhase": "Sync",
                }
            )
        return results

    def _hook_result(self, phase: str, message: str) -> dict[str, Any]:
        return {
            "group": "batch",
            "version": "v1",
            "kind": "Job",
            "namespace": self._application.destination,
            "name": self._application.behaviour.hook,
            "status": "Synced",
            "hookType": "PreSync",
            "hookPhase": phase,
            "syncPhase": "PreSync",
            "message": message,
        }

    def _finish(self, target: Mapping[Key, Manifest]) -> None:
        state, behaviour = self.state, self._application.behaviour
        if self.requested is None or state is None or state["phase"] != "Running":
            return
        state["finishedAt"] = self._agenda.timestamp()
        if behaviour.sync_failures or behaviour.hook_fails:
            self._fail(state)
        else:
            self._succeed(state, target)

    def _succeed(self, state: dict[str, Any], target: Mapping[Key, Manifest]) -> None:
        state.update(phase="Succeeded", message=_DONE)
        if self._application.behaviour.hook:
            state["syncResult"]["resources"][0].update(hookPhase="Succeeded")
        prune = bool((self.requested or {}).get("sync", {}).get("prune"))
        self._application.cluster.apply(target, prune=prune)
        self._record()
        self._end()

    def _fail(self, state: dict[str, Any]) -> None:
        message = self._failure_message(state)
        self._count_failure()
        limit = int((self.requested or {}).get("retry", {}).get("limit", 0))
        retries = int(state.get("retryCount", 0))
        if retries >= limit:
            state.update(phase="Failed", message=message)
            self._end()
            return
        pause = self._application.behaviour.retry_seconds * 2**retries
        when = datetime.fromtimestamp(self._agenda.wall(), timezone.utc) + timedelta(seconds=pause)
        at = when.strftime("%I:%M%p").lstrip("0")
        state["retryCount"] = retries + 1
        state["message"] = f"{message}. Retrying attempt #{retries + 1} at {at}."
        self._agenda.after(pause, self._run)
        self._touched()

    def _failure_message(self, state: dict[str, Any]) -> str:
        results, behaviour = state["syncResult"]["resources"], self._application.behaviour
        if behaviour.hook_fails and behaviour.hook:
            said = "Job has reached the specified backoff limit"
            results[0].update(self._hook_result("Failed", said))
            return "one or more synchronization tasks completed unsuccessfully"
        if results:
            failed = {"status": "SyncFailed", "hookPhase": "Failed"}
            results[-1].update(failed, message=behaviour.sync_message)
        return behaviour.sync_message

    def _count_failure(self) -> None:
        behaviour = self._application.behaviour
        left = max(0, behaviour.sync_failures - 1)
        self._application.behaviour = replace(behaviour, sync_failures=left)

    def terminate(self) -> None:
        """End the running operation as failed."""
        if self.state is not None and self.requested is not None:
            self.state["finishedAt"] = self._agenda.timestamp()
            self.state.update(phase="Failed", message="Operation terminated")
            self._end()

    def _end(self) -> None:
        self.requested = None
        self._ended()
        self._touched()

    def _record(self) -> None:
        comparison = self._application.comparison
        self.history.append(
            {
                **comparison.revision_fields,
                "id": len(self.history),
                "deployedAt": self._agenda.timestamp(),
                **comparison.compared_sources,
            }
        )
