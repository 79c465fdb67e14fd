"""The loop that compares git with the cluster, and writes sync, health and conditions at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

from astrago_actions.sandbox.argocd.agenda import Agenda
from astrago_actions.sandbox.argocd.behaviour import Behaviour
from astrago_actions.sandbox.argocd.cluster import Cluster, Key
from astrago_actions.sandbox.argocd.rendering import Manifest, RenderError, render, sources_of
from astrago_actions.sandbox.argocd.sources import GitSource, full_name_of

_WORST_FIRST = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy")
_SHA_DIGITS = set("0123456789abcdef")


class Compared(Protocol):
    """The application as a comparison sees it."""

    behaviour: Behaviour
    cluster: Cluster

    @property
    def spec(self) -> dict[str, Any]:
        """The specification."""

    @property
    def destination(self) -> str:
        """The namespace that it deploys to."""


class Comparison:
    """What the last comparison found. Its fields change together, in `compare` only."""

    def __init__(self, application: Compared, git: GitSource, agenda: Agenda) -> None:
        self.revisions: tuple[str, ...] = ()
        self.target: dict[Key, Manifest] = {}
        self.sync: dict[str, Any] = {"status": "Unknown"}
        self.health: dict[str, Any] = {"status": "Missing"}
        self.resources: list[dict[str, Any]] = []
        self.conditions: list[dict[str, Any]] = []
        self.images: list[str] = []
        self.hydrator: dict[str, Any] = {}
        self.reconciled_at = ""
        self._application = application
        self._git = git
        self._agenda = agenda
        self._dry_revisions: tuple[str, ...] = ()
        self._rendered: dict[tuple[str, ...], list[Manifest]] = {}

    @property
    def out_of_sync(self) -> list[dict[str, Any]]:
        """The objects that differ."""
        return [each for each in self.resources if each["status"] == "OutOfSync"]

    def drop_caches(self) -> None:
        """Render anew the next time."""
        self._rendered.clear()

    def find_target(self) -> None:
        """Resolve what is followed and render it; raises RenderError or KeyError."""
        self.revisions = self._resolve()
        self._fetch_target()

    def compare(self, level: int) -> bool:
        """Compare and write all of status in one go; returns whether the spec was accepted.

        Below level 2 git is not asked and reconciledAt stays as it is.
        """
        self.conditions = []
        refused = self._application.behaviour.spec_error
        if refused:
            self.complain("InvalidSpecError", refused)
            self.sync["status"] = "Unknown"
            self.health = {"status": "Unknown"}
            return False
        if level >= 2 or not self.revisions:
            self.revisions = self._resolve()
        try:
            self._fetch_target()
        except (RenderError, KeyError) as error:
            self._fail(str(error))
        else:
            self._succeed()
        if level >= 2:
            self.reconciled_at = self._agenda.timestamp()
        self._write_health()
        return True

    def _resolve(self) -> tuple[str, ...]:
        spec = self._application.spec
        self._dry_revisions = tuple(self._resolved(each) for each in sources_of(spec))
        if "sourceHydrator" not in spec:
            return self._dry_revisions
        return self._hydrated(self._dry_revisions[0])

    def _resolved(self, source: Mapping[str, Any]) -> str:
        wanted = str(source.get("targetRevision") or "HEAD")
        if source.get("chart") or (len(wanted) == 40 and set(wanted) <= _SHA_DIGITS):
            return wanted
        branch = wanted.removeprefix("refs/heads/")
        try:
            return self._git.head(full_name_of(source["repoURL"]), branch) or ""
        except KeyError:
            return ""

    def _hydrated(self, dry: str) -> tuple[str, ...]:
        """The hydrator writes what a dry commit makes to another branch, which takes a while."""
        current = self.hydrator.get("currentOperation", {})
        if current.get("drySHA") == dry:
            return self.revisions
        started = {"drySHA": dry, "startedAt": self._agenda.timestamp()}
        if not current:
            self._finish_hydration(started)
            return self.revisions
        self.hydrator["currentOperation"] = {**started, "phase": "Hydrating"}
        seconds = self._application.behaviour.hydration_seconds
        self._agenda.after(seconds, lambda: self._finish_hydration(started))
        return self.revisions

    def _finish_hydration(self, started: Mapping[str, Any]) -> None:
        hydrated = hashlib.sha1(started["drySHA"].encode(), usedforsecurity=False).hexdigest()
        finished = {**started, "phase": "Hydrated", "hydratedSHA": hydrated}
        self.hydrator = {"currentOperation": finished, "lastSuccessfulOperation": finished}
        self.revisions = (hydrated,)

    def _fetch_target(self) -> None:
        behaviour = self._application.behaviour
        if behaviour.manifest_error:
            raise RenderError(behaviour.manifest_error)
        if "" in self._dry_revisions:
            raise RenderError("unable to resolve the target revision to a commit SHA")
        if behaviour.stale_manifests and self.target:
            return
        at = self._dry_revisions
        if "sourceHydrator" in self._application.spec:
            at = (self.hydrator["lastSuccessfulOperation"]["drySHA"],)
        if at not in self._rendered:
            self._rendered = {at: render(self._git, self._application.spec, at)}
        self.target = {self._key(each): each for each in self._rendered[at]}

    def _key(self, manifest: Manifest) -> Key:
        group, _, _ = str(manifest.get("apiVersion", "v1")).rpartition("/")
        metadata = manifest["metadata"]
        namespace = metadata.get("namespace") or self._application.destination
        return group, str(manifest["kind"]), str(namespace), str(metadata["name"])

    def _fail(self, message: str) -> None:
        said = "Failed to load target state: failed to generate manifest for source 1 of 1: "
        self.complain("ComparisonError", said + message)
        self.sync = {"status": "Unknown", **self._unresolved, **self.compared_to}

    def _succeed(self) -> None:
        keys = {**self.target, **self._application.cluster.live}
        self.resources = [self._resource(key) for key in keys]
        status = "OutOfSync" if self.out_of_sync else "Synced"
        self.sync = {"status": status, **self.revision_fields, **self.compared_to}

    def _resource(self, key: Key) -> dict[str, Any]:
        group, kind, namespace, name = key
        cluster = self._application.cluster
        same = self.target.get(key) == cluster.live.get(key)
        resource: dict[str, Any] = {
            **({"group": group} if group else {}),
            "version": "v1",
            "kind": kind,
            "namespace": namespace,
            "name": name,
            "status": "Synced" if same else "OutOfSync",
        }
        if key not in self.target:
            resource["requiresPruning"] = True
        workload = cluster.workloads.get(key)
        if key not in cluster.live:
            resource["health"] = {"status": "Missing"}
        elif workload is not None:
            status, message = workload.health
            resource["health"] = {"status": status, **({"message": message} if message else {})}
        return resource

    @property
    def compared_sources(self) -> dict[str, Any]:
        """The sources that were compared."""
        spec = self._application.spec
        names = ("source", "sources", "sourceHydrator")
        return {name: spec[name] for name in names if spec.get(name)}

    @property
    def compared_to(self) -> dict[str, Any]:
        """The sources and destination that were compared."""
        destination = self._application.spec.get("destination", {})
        return {"comparedTo": {**self.compared_sources, "destination": destination}}

    @property
    def _unresolved(self) -> dict[str, Any]:
        """What stands for the revision after a failure: a single source's branch."""
        source = self._application.spec.get("source") or {}
        followed = source.get("targetRevision")
        return {"revision": followed} if followed else {}

    @property
    def revision_fields(self) -> dict[str, Any]:
        """`revision` of a single source, `revisions` of several."""
        if self._application.spec.get("sources"):
            return {"revisions": list(self.revisions)}
        return {"revision": self.revisions[0] if self.revisions else ""}

    def _write_health(self) -> None:
        found = [each["health"]["status"] for each in self.resources if "health" in each]
        status = next((each for each in _WORST_FIRST if each in found), "Healthy")
        if status != self.health.get("status"):
            self.health = {"status": status, "lastTransitionTime": self._agenda.timestamp()}
        self.images = self._application.cluster.images()

    def complain(self, kind: str, message: str) -> None:
        """Add a condition."""
        now = self._agenda.timestamp()
        self.conditions.append({"type": kind, "message": message, "lastTransitionTime": now})
