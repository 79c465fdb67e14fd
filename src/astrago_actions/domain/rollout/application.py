"""What Argo CD says: an application, its operation, its pods and events, as plain values.

Times are seconds since the epoch on the server's clock; they are compared with each other only.
"""

from __future__ import annotations

from dataclasses import dataclass

NETWORK_WORDS = (
    "unavailable",
    "connection refused",
    "connection reset",
    "deadline exceeded",
    "i/o timeout",
    "no such host",
    "tls handshake",
    "x509",
    "rate limit",
    "too many requests",
    "eof",
)


@dataclass(frozen=True)
class Source:
    """Where manifests come from; `ref` names a source that only lends its files to others."""

    repository: str
    target_revision: str = ""
    path: str = ""
    chart: str = ""
    ref: str = ""


@dataclass(frozen=True)
class Condition:
    """A complaint of the controller, such as ComparisonError, in its own words."""

    type: str
    message: str

    @property
    def is_network_trouble(self) -> bool:
        """Whether the message reads like a passing fault between Argo CD and its sources."""
        text = self.message.lower()
        return any(word in text for word in NETWORK_WORDS)


@dataclass(frozen=True)
class Resource:
    """One managed object as the last comparison found it."""

    kind: str
    name: str
    namespace: str = ""
    group: str = ""
    version: str = ""
    status: str = ""
    health: str = ""
    message: str = ""
    requires_pruning: bool = False
    hook: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class ResourceResult:
    """What a sync did with one object or hook; `phase` is PreSync, Sync, PostSync or SyncFail.

    Argo CD gives plain objects a `hook_phase` too; only hooks have a `hook_type`.
    """

    kind: str
    name: str
    namespace: str = ""
    status: str = ""
    message: str = ""
    hook_type: str = ""
    hook_phase: str = ""
    phase: str = ""

    @property
    def is_running_hook(self) -> bool:
        """Whether it is a hook that the sync waits for."""
        return bool(self.hook_type) and self.hook_phase == "Running"

    @property
    def is_failed_hook(self) -> bool:
        """Whether it is a hook that went wrong."""
        return bool(self.hook_type) and self.hook_phase in {"Failed", "Error"}

    def __str__(self) -> str:
        return (
            f"{self.hook_type} hook {self.name}" if self.hook_type else f"{self.kind} {self.name}"
        )


@dataclass(frozen=True)
class Operation:
    """The current or last sync. With `finished_at` and phase Running it waits to try again."""

    phase: str
    message: str = ""
    started_at: float = 0.0
    finished_at: float | None = None
    retry_count: int = 0
    retry_limit: int = 0
    automated: bool = False
    username: str = ""
    revisions: tuple[str, ...] = ()
    resources: tuple[ResourceResult, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it ended badly, with no further attempt."""
        return self.phase in {"Failed", "Error"}

    @property
    def waits_to_retry(self) -> bool:
        """Whether an attempt failed and the next one is due later."""
        return self.phase == "Running" and self.finished_at is not None


@dataclass(frozen=True)
class Hydration:
    """What the source hydrator did: `dry` is the commit people write, `hydrated` what it made."""

    phase: str = ""
    message: str = ""
    dry_revision: str = ""
    hydrated_revision: str = ""
    last_compared_dry_revision: str = ""


@dataclass(frozen=True)
class SyncWindow:
    """A time in which syncing is allowed or denied, as assigned to an application."""

    kind: str
    schedule: str
    duration: str
    manual_sync: bool = False

    def __str__(self) -> str:
        return f"{self.kind} window `{self.schedule}` for {self.duration}"


@dataclass(frozen=True)
class Application:
    """One application document: what was compared, what is running and what is being done."""

    name: str
    namespace: str = "argocd"
    project: str = "default"
    sources: tuple[Source, ...] = ()
    hydrated_from: Source | None = None
    automated: bool = False
    prune: bool = False
    self_heal: bool = False
    deleting: bool = False
    refreshing: bool = False
    sync_status: str = "Unknown"
    revisions: tuple[str, ...] = ()
    health: str = "Unknown"
    health_message: str = ""
    requested_revisions: tuple[str, ...] | None = None
    operation: Operation | None = None
    conditions: tuple[Condition, ...] = ()
    resources: tuple[Resource, ...] = ()
    reconciled_at: float | None = None
    images: tuple[str, ...] = ()
    hydration: Hydration | None = None

    @property
    def operation_pending(self) -> bool:
        """Whether a sync is asked for, running, or waiting for its next attempt."""
        running = self.operation is not None and self.operation.phase in {"Running", "Terminating"}
        return running or self.requested_revisions is not None

    @property
    def compared_since_operation(self) -> bool:
        """Whether the last comparison is not older than the end of the last operation."""
        if self.operation is None or self.operation.finished_at is None:
            return True
        return self.reconciled_at is not None and self.reconciled_at >= self.operation.finished_at

    @property
    def out_of_sync(self) -> tuple[Resource, ...]:
        """The objects that differ from what is wanted."""
        return tuple(each for each in self.resources if each.status == "OutOfSync")

    @property
    def only_pruning_left(self) -> bool:
        """Whether nothing differs but objects to delete, which pruning would but may not do."""
        different = self.out_of_sync
        return (
            self.sync_status == "OutOfSync"
            and not self.prune
            and bool(different)
            and all(each.requires_pruning for each in different)
        )

    def condition(self, *types: str) -> Condition | None:
        """The first condition of one of these types."""
        return next((each for each in self.conditions if each.type in types), None)


@dataclass(frozen=True)
class Standstill:
    """Why a pod does not run: reason and the cluster's words, of which container, how it ended."""

    reason: str = ""
    message: str = ""
    container: str = ""
    ended: str = ""


@dataclass(frozen=True)
class Pod:
    """A pod in the resource tree; `path` leads to it, such as Deployment web > ReplicaSet web-7."""

    name: str
    namespace: str = ""
    uid: str = ""
    images: tuple[str, ...] = ()
    reason: str = ""
    message: str = ""
    health: str = ""
    ready: str = ""
    restarts: int = 0
    path: tuple[str, ...] = ()
    owner_revision: int = 0
    newest: bool = True
    container: str = ""
    ended: str = ""

    @property
    def terminating(self) -> bool:
        """Whether it is being taken down."""
        return self.reason == "Terminating"

    @property
    def finished(self) -> bool:
        """Whether it ran to its end, as the pods of jobs do."""
        return self.reason in {"Completed", "Succeeded"}


@dataclass(frozen=True)
class Workload:
    """Pods and wanted images, looked up for the comparison at `revisions` at `at` seconds.

    `desired_images` and `pods` are None where the server would not tell; `desired_asked` is False
    where only the pods were looked at. `hard_refreshes` is how many of them had been answered
    before, since each may change what is wanted.
    """

    at: float
    revisions: tuple[str, ...]
    desired_images: tuple[str, ...] | None = None
    pods: tuple[Pod, ...] | None = None
    hard_refreshes: int = 0
    desired_asked: bool = True


@dataclass(frozen=True)
class Event:
    """A Kubernetes event about some object."""

    type: str
    reason: str
    message: str
    count: int = 1
    last_seen: str = ""
    object: str = ""


@dataclass(frozen=True)
class Session:
    """Who the credentials belong to; `seconds_left` until they expire, None when they do not."""

    logged_in: bool
    username: str = ""
    seconds_left: float | None = None
