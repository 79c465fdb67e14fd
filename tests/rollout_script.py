"""Scripted rollouts: what Argo CD would say at which second, for the judge and over HTTP.

A script is a list of frames; each holds from its second until the next one. Documents have the
shapes of Argo CD's API, with the fields that matter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from astrago_actions.domain.rollout.values import Relation

OLDER = "0" * 39 + "1"
OURS = "a" * 40
NEWER = "b" * 40
OTHER = "d" * 40
REPOSITORY = "github.com/xiilab/astrago-deployment"
REPOSITORY_URL = "https://github.com/xiilab/astrago-deployment.git"
BRANCH = "main"
OLD_IMAGE = "ghcr.io/xiilab/web:web-stage-11111111"
IMAGE = "ghcr.io/xiilab/web:web-stage-22222222"
NEW_IMAGE = "ghcr.io/xiilab/web:web-stage-33333333"

RELATIONS: Mapping[str, Relation] = {
    OURS: "same",
    NEWER: "newer",
    OLDER: "older",
    OTHER: "diverged",
    BRANCH: "newer",
}

Json = dict[str, Any]


def moment(seconds: float) -> str:
    """A server's time, `seconds` after ten o'clock."""
    minutes, rest = divmod(int(seconds), 60)
    return f"2026-08-22T{10 + minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}Z"


def operation(
    phase: str = "Succeeded",
    revision: str = OURS,
    *,
    began: float = 0,
    ended: float | None = 1,
    message: str = "",
    **more: Any,
) -> Json:
    """status.operationState; `ended` None while it runs."""
    running = phase in {"Running", "Terminating"} and ended is None
    return {
        "phase": phase,
        "message": message,
        "startedAt": moment(began),
        **({} if running or ended is None else {"finishedAt": moment(ended)}),
        "operation": {
            "sync": {"revision": revision},
            "initiatedBy": {"automated": True},
            "retry": {"limit": 5},
        },
        "syncResult": {"revision": revision, "resources": more.pop("resources", [])},
        **more,
    }


def resource(
    kind: str = "Deployment",
    name: str = "web",
    status: str = "Synced",
    health: str = "Healthy",
    message: str = "",
    **more: Any,
) -> Json:
    """One entry of status.resources."""
    return {
        "kind": kind,
        "name": name,
        "namespace": "web",
        "version": "v1",
        "status": status,
        "health": {"status": health, **({"message": message} if message else {})},
        **more,
    }


def application(
    revision: str = OLDER,
    sync: str = "Synced",
    health: str = "Healthy",
    *,
    done: Json | None = None,
    reconciled: float | None = 7_200,
    conditions: Mapping[str, str] | None = None,
    resources: Sequence[Json] = (),
    requested: Json | None = None,
    automated: Json | None = None,
    manual: bool = False,
    metadata: Json | None = None,
    spec: Json | None = None,
    status: Json | None = None,
) -> Json:
    """An Application document; `done` is its operationState, `requested` its operation."""
    policy: Json = {} if manual else {"automated": {"prune": True, **(automated or {})}}
    document: Json = {
        "metadata": {"name": "web", "namespace": "argocd", "uid": "1", **(metadata or {})},
        "spec": {
            "project": "default",
            "source": {
                "repoURL": REPOSITORY_URL,
                "path": "charts/web",
                "targetRevision": BRANCH,
            },
            "destination": {"namespace": "web"},
            "syncPolicy": policy,
            **(spec or {}),
        },
        "status": {
            "sync": {"status": sync, **({"revision": revision} if revision else {})},
            "health": {"status": health},
            "resources": list(resources),
            "conditions": [
                {"type": kind, "message": message} for kind, message in (conditions or {}).items()
            ],
            "summary": {"images": []},
            **({} if reconciled is None else {"reconciledAt": moment(reconciled)}),
            **({} if done is None else {"operationState": done}),
            **(status or {}),
        },
    }
    if requested is not None:
        document["operation"] = requested
    return document


def live(revision: str = OURS, **more: Any) -> Json:
    """The end of a good rollout: a sync of this revision succeeded and all is healthy."""
    return application(revision, done=operation(revision=revision), **more)


def pod(
    image: str = IMAGE,
    reason: str = "Running",
    *,
    name: str = "web-2-x",
    health: str = "",
    restarts: int = 0,
    revision: int = 2,
    message: str = "",
) -> Json:
    """A pod of the Deployment `web`, in its ReplicaSet `revision`."""
    return {
        "image": image,
        "reason": reason,
        "name": name,
        "health": health or ("Healthy" if reason == "Running" else "Progressing"),
        "restarts": restarts,
        "revision": revision,
        "message": message,
    }


def tree(pods: Sequence[Json]) -> Json:
    """The resource tree that holds these pods."""
    deployment = {"group": "apps", "kind": "Deployment", "name": "web", "uid": "deployment"}
    nodes: list[Json] = [deployment]
    nodes += [
        {
            "group": "apps",
            "kind": "ReplicaSet",
            "name": f"web-{revision}",
            "uid": f"set-{revision}",
            "parentRefs": [deployment],
            "info": [{"name": "Revision", "value": f"Rev:{revision}"}],
        }
        for revision in sorted({each["revision"] for each in pods})
    ]
    for each in pods:
        info = {"Status Reason": each["reason"], "Containers": "1/1"}
        if each["restarts"]:
            info["Restart Count"] = str(each["restarts"])
        nodes.append(
            {
                "kind": "Pod",
                "name": each["name"],
                "namespace": "web",
                "uid": f"pod-{each['name']}",
                "parentRefs": [{"kind": "ReplicaSet", "uid": f"set-{each['revision']}"}],
                "images": [each["image"]],
                "info": [{"name": name, "value": value} for name, value in info.items()],
                "health": {"status": each["health"], "message": each["message"]},
            }
        )
    return {"nodes": nodes}


def managed(images: Sequence[str]) -> Json:
    """The managed resources whose wanted state names these images."""
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    target = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": containers}}}}
    return {"items": [{"kind": "Deployment", "name": "web", "targetState": json.dumps(target)}]}


@dataclass(frozen=True)
class Frame:
    """What holds from the second `at`: a document, or `trouble` instead of any answer.

    `trouble` is the status of a refusal (`400` to `503`), `page`, `404 page`, `redirect`, `reset`,
    `certificate` or `no contact`;
    `sync_answer` is `accepted`, `busy`, `window` or `forbidden`; `refresh` is `answered`,
    `refused` (504) or `pending` (the annotation stays and nothing comes back).
    """

    at: float
    document: Json | None = None
    trouble: str = ""
    pods: tuple[Json, ...] = (pod(),)
    desired: tuple[str, ...] = (IMAGE,)
    window: Json | None = None
    sync_answer: str = "accepted"
    refresh: str = "answered"


@dataclass(frozen=True)
class Scenario:
    """A script, what is waited for, and how it has to end.

    `row` is the rule of the state machine that decides; `says` has to be in headline, detail or
    notices; `by` is the latest second of the verdict. `after_sync` and `after_hard_refresh` are
    frames that follow our own sync or hard refresh, counted from it.
    """

    name: str
    frames: tuple[Frame, ...]
    result: str = "deployed"
    row: str = "deployed"
    says: str = ""
    by: float = 100_000
    not_before: float = 0
    inputs: Mapping[str, str] = field(default_factory=dict)
    relations: Mapping[str, Relation] = field(default_factory=dict)
    after_sync: tuple[Frame, ...] = ()
    after_hard_refresh: tuple[Frame, ...] = ()
    logged_in: bool = True


class Script:
    """A scenario being played: which frame holds at which second."""

    def __init__(self, scenario: Scenario) -> None:
        self._frames = list(scenario.frames)
        self._after_sync = scenario.after_sync
        self._after_hard_refresh = scenario.after_hard_refresh

    def frame(self, at: float) -> Frame:
        """The frame that holds."""
        reached = [each for each in self._frames if each.at <= at]
        return reached[-1] if reached else self._frames[0]

    def synced(self, at: float) -> None:
        """We asked for a sync, and it was accepted."""
        self._follow(self._after_sync, at)

    def hard_refreshed(self, at: float) -> None:
        """We asked for a hard refresh."""
        self._follow(self._after_hard_refresh, at)

    def _follow(self, frames: Sequence[Frame], at: float) -> None:
        if frames:
            kept = [each for each in self._frames if each.at <= at]
            self._frames = kept + [_moved(each, at) for each in frames]


def _moved(frame: Frame, by: float) -> Frame:
    return Frame(**{**vars(frame), "at": frame.at + by})
