"""The values that the rollout's state machine works on.

Times are seconds since the wait began. Nothing here knows the network or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from astrago_actions.domain.rollout.application import (
    Application,
    Session,
    Workload,
)

Relation = Literal["same", "newer", "older", "diverged", "unknown"]
"""How a revision stands to ours: `newer` contains our commit, `older` is contained in it."""


Want = Literal["refresh", "hard-refresh", "sync", "workload"]
"""What the judge asks of the client before it looks again; `workload` is pods and wanted images."""


TroubleKind = Literal[
    "certificate",
    "not-argo-cd",
    "no-contact",
    "unauthorized",
    "hidden",
    "rate-limited",
    "no-answer",
    "refused",
]
"""How a request fails: `hidden` is 403 or 404, `no-contact` a name or port nobody serves."""


RefreshMode = Literal["normal", "hard", "none"]


SyncMode = Literal["auto", "if-needed", "never"]


FIRST_LOOK_AT_PODS = 4.0
"""Seconds after which a rollout's pods are looked at: before that they can hardly have failed."""


LOOK_AT_PODS_EVERY = 16.0
"""Seconds between looks at the pods of a rollout that goes on."""


REFRESH: frozenset[Want] = frozenset({"refresh"})
"""Ask for a comparison; the judge lets it through once a minute at most."""


@dataclass(frozen=True)
class Graces:
    """How long each state may last, in seconds, before it counts as a failure."""

    timeout: float = 600.0
    sync: float = 120.0
    settle: float = 5.0
    degraded: float = 90.0
    missing: float = 60.0
    unknown: float = 60.0
    image: float = 60.0
    unschedulable: float = 120.0
    stuck: float = 45.0
    unreachable: float = 300.0
    refresh_again: float = 60.0
    confirm: float = 20.0
    restarts: int = 3


@dataclass(frozen=True)
class Target:
    """The change that is waited for, in one application.

    `revision` is our full commit SHA ("" when only images are known), `repository` the deployment
    repository in the form of `normal_repository` ("" when unknown), `branch` its branch. `shared`
    says that the images belong to several applications, so that one may have only some of them.
    """

    application: str
    revision: str = ""
    images: tuple[str, ...] = ()
    repository: str = ""
    branch: str = ""
    shared: bool = False
    sync: SyncMode = "auto"
    refresh: RefreshMode = "normal"
    accept_suspended: bool = False
    fail_in_sync_window: bool = False
    fail_fast: bool = True
    wait_for_application: bool = False
    graces: Graces = field(default_factory=Graces)


@dataclass(frozen=True)
class Trouble:
    """A request that brought no usable answer, and what was said instead."""

    kind: TroubleKind
    message: str
    status: int = 0
    retry_after: float | None = None


@dataclass(frozen=True)
class SyncAnswer:
    """What became of a sync that we asked for: accepted, busy, blocked by a window, or refused."""

    outcome: Literal["accepted", "busy", "window", "refused"]
    message: str = ""


@dataclass(frozen=True)
class Observation:
    """What was met at `at`: one application document, or trouble; and what is known beside it.

    `relations` holds how each revision named in the document stands to ours. `refreshes` counts
    the refreshes that were answered so far, `hard_refreshes` likewise.
    """

    at: float
    application: Application | None = None
    trouble: Trouble | None = None
    relations: Mapping[str, Relation] = field(default_factory=dict)
    workload: Workload | None = None
    session: Session | None = None
    refreshes: int = 0
    hard_refreshes: int = 0
    sync_answer: SyncAnswer | None = None
    active_window: str = ""


@dataclass(frozen=True)
class Sighting:
    """Since when something has been seen without interruption, and how many times."""

    since: float
    count: int


@dataclass(frozen=True)
class Memory:
    """What earlier observations left behind.

    `gave_up_before` names what was past its progress deadline at first and has been ever since.
    """

    baseline: Application | None = None
    baseline_pods: frozenset[str] = frozenset()
    gave_up_before: frozenset[str] = frozenset()
    sightings: Mapping[str, Sighting] = field(default_factory=lambda: MappingProxyType({}))
    refresh_asked_at: float | None = None
    refreshes_asked: int = 0
    hard_refresh_asked: bool = False
    sync_asked_at: float | None = None
    syncs_asked: tuple[str, ...] = ()
    answered_at: float | None = None
    seen_at: float | None = None
    sync_began_at: float | None = None
    synced_at: float | None = None
    healthy_at: float | None = None

    def sighting(self, name: str) -> Sighting | None:
        """Since when `name` is being seen; None when it is not."""
        return self.sightings.get(name)

    def with_sightings(self, present: frozenset[str], at: float) -> Memory:
        """The memory after a look at which exactly these things were seen."""
        updated = {}
        for name in present:
            earlier = self.sightings.get(name)
            updated[name] = (
                Sighting(earlier.since, earlier.count + 1) if earlier else Sighting(at, 1)
            )
        return replace(self, sightings=MappingProxyType(updated))


@dataclass(frozen=True)
class Verdict:
    """The judgement of one look. `result` is empty while there is more to wait for.

    `row` names the rule that decided, `look_again` when to look next at the latest (None: as
    usual), `superseded_by` the images or the revision that took our place, `pod` the pod that
    failed.
    """

    state: str
    row: str
    headline: str
    result: str = ""
    detail: str = ""
    remedy: str = ""
    wants: frozenset[Want] = frozenset()
    notices: tuple[str, ...] = ()
    look_again: float | None = None
    superseded_by: str = ""
    pod: str = ""

    @property
    def final(self) -> bool:
        """Whether the wait for this application is over."""
        return bool(self.result)
