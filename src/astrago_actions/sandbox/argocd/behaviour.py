"""How one application of the sandbox behaves: how fast, and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Window:
    """An assigned sync window; `active` says whether its time is now."""

    kind: str = "deny"
    schedule: str = "0 0 * * *"
    duration: str = "1h"
    manual_sync: bool = False
    active: bool = True


@dataclass(frozen=True)
class Behaviour:
    """Delays in seconds and failures; all of it may be changed while the application lives.

    `pods` is what becomes of new pods: `healthy`, `crash-loop`, `unschedulable`, `never-ready` or
    `config-error`; images that the registry lacks cannot be pulled whatever it says.
    `sync_failures` attempts fail before one succeeds. With `stale_manifests` the new commit is
    compared with manifests of the old one: `until-hard-refresh` or `always`. `document` is merged
    into every document that is served (RFC 7386), for states that nothing else makes.
    """

    compare_seconds: float = 0.2
    poll_seconds: float = 180.0
    refresh_hangs: bool = False
    autosync_seconds: float = 0.2
    autosync_stuck: bool = False
    sync_seconds: float = 0.5
    sync_failures: int = 0
    sync_message: str = "one or more objects failed to apply, reason: field is immutable"
    hook: str = ""
    hook_seconds: float = 0.0
    hook_fails: bool = False
    retry_seconds: float = 5.0
    hydration_seconds: float = 1.0
    rollout_seconds: float = 1.0
    termination_seconds: float = 0.5
    pods: str = "healthy"
    degraded_seconds: float = 0.0
    progress_deadline_seconds: float = 600.0
    manifest_error: str = ""
    spec_error: str = ""
    stale_manifests: str = ""
    windows: tuple[Window, ...] = ()
    stream: str = "keepalive"
    log: tuple[str, ...] = ("starting", "ready")
    document: Mapping[str, Any] = field(default_factory=dict)


def window_from(value: Mapping[str, Any]) -> Window:
    """A window from JSON."""
    return Window(**value)


def merged(document: Any, patch: Any) -> Any:
    """The document with a JSON merge patch applied (RFC 7386)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
