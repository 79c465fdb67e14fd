"""Argo CD's JSON, parsed once: applications, resource trees, manifests, events, windows.

The shapes are those of Argo CD's swagger.json from v2.8 to v3.5. Absent and null fields are
common (Go's `omitempty`), so every reader takes them for empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from astrago_actions.clients.json_fields import (
    Json,
    loaded,
    number_of,
    object_at,
    objects_at,
    text_at,
)
from astrago_actions.domain.rollout.application import (
    Application,
    Condition,
    Event,
    Hydration,
    Operation,
    Resource,
    ResourceResult,
    Source,
    SyncWindow,
)
from astrago_actions.domain.rollout.words import is_commit


def parse_application(document: Json) -> Application:
    """One application from its document."""
    metadata, spec, status = (object_at(document, key) for key in ("metadata", "spec", "status"))
    sync, health = object_at(status, "sync"), object_at(status, "health")
    policy = object_at(object_at(spec, "syncPolicy"), "automated")
    hydrator, sources = object_at(spec, "sourceHydrator"), _sources(spec)
    return Application(
        name=text_at(metadata, "name"),
        namespace=text_at(metadata, "namespace"),
        project=text_at(spec, "project"),
        sources=sources,
        hydrated_from=_hydrated_from(hydrator),
        automated=_is_automated(spec),
        prune=bool(policy.get("prune")),
        self_heal=bool(policy.get("selfHeal")),
        deleting=bool(metadata.get("deletionTimestamp")),
        refreshing="argocd.argoproj.io/refresh" in object_at(metadata, "annotations"),
        sync_status=text_at(sync, "status") or "Unknown",
        revisions=_compared(sync, sources),
        health=text_at(health, "status") or "Unknown",
        health_message=text_at(health, "message"),
        requested_revisions=_requested(document),
        operation=_operation(object_at(status, "operationState")),
        conditions=tuple(
            Condition(text_at(each, "type"), text_at(each, "message"))
            for each in objects_at(status, "conditions")
        ),
        resources=tuple(map(_resource, objects_at(status, "resources"))),
        reconciled_at=seconds(text_at(status, "reconciledAt")),
        images=tuple(map(str, object_at(status, "summary").get("images") or ())),
        hydration=_hydration(object_at(status, "sourceHydrator")) if hydrator else None,
    )


def _sources(spec: Json) -> tuple[Source, ...]:
    many = tuple(map(_source, objects_at(spec, "sources")))
    if many:
        return many
    hydrator = object_at(spec, "sourceHydrator")
    if hydrator:
        dry, sync = object_at(hydrator, "drySource"), object_at(hydrator, "syncSource")
        return (
            Source(
                text_at(dry, "repoURL"),
                text_at(sync, "targetBranch"),
                text_at(sync, "path"),
            ),
        )
    single = object_at(spec, "source")
    return (_source(single),) if single else ()


def _source(source: Json) -> Source:
    return Source(
        repository=text_at(source, "repoURL"),
        target_revision=text_at(source, "targetRevision"),
        path=text_at(source, "path"),
        chart=text_at(source, "chart"),
        ref=text_at(source, "ref"),
    )


def _hydrated_from(hydrator: Json) -> Source | None:
    dry = object_at(hydrator, "drySource")
    return _source(dry) if dry else None


def _is_automated(spec: Json) -> bool:
    """`automated: {}` turns auto-sync on; `enabled: false` (since 3.x) turns it off again."""
    policy = object_at(spec, "syncPolicy")
    automated = policy.get("automated")
    return isinstance(automated, Mapping) and automated.get("enabled") is not False


def _compared(sync: Json, sources: tuple[Source, ...]) -> tuple[str, ...]:
    """The revisions of a comparison; none where one failed before the branch was resolved.

    A single source then has the name of its branch as its revision (seen in v3.2.6 and v3.5.7).
    """
    revisions = _revisions(sync)
    unresolved = any(
        revision == source.target_revision and not source.chart and not is_commit(revision)
        for revision, source in zip(revisions, sources, strict=False)
    )
    return () if unresolved else revisions


def _revisions(value: Json) -> tuple[str, ...]:
    many = tuple(str(each or "") for each in value.get("revisions") or ())
    single = text_at(value, "revision")
    return many or ((single,) if single else ())


def _requested(document: Json) -> tuple[str, ...] | None:
    operation = document.get("operation")
    if not isinstance(operation, Mapping):
        return None
    return _revisions(object_at(operation, "sync"))


def _operation(state: Json) -> Operation | None:
    if not state:
        return None
    operation, result = object_at(state, "operation"), object_at(state, "syncResult")
    initiated = object_at(operation, "initiatedBy")
    return Operation(
        phase=text_at(state, "phase"),
        message=text_at(state, "message"),
        started_at=seconds(text_at(state, "startedAt")) or 0.0,
        finished_at=seconds(text_at(state, "finishedAt")),
        retry_count=number_of(state.get("retryCount")),
        retry_limit=number_of(object_at(operation, "retry").get("limit")),
        automated=bool(initiated.get("automated")),
        username=text_at(initiated, "username"),
        revisions=_revisions(result) or _revisions(object_at(operation, "sync")),
        resources=tuple(map(_resource_result, objects_at(result, "resources"))),
    )


def _resource_result(result: Json) -> ResourceResult:
    return ResourceResult(
        kind=text_at(result, "kind"),
        name=text_at(result, "name"),
        namespace=text_at(result, "namespace"),
        status=text_at(result, "status"),
        message=text_at(result, "message"),
        hook_type=text_at(result, "hookType"),
        hook_phase=text_at(result, "hookPhase"),
        phase=text_at(result, "syncPhase"),
    )


def _resource(resource: Json) -> Resource:
    health = object_at(resource, "health")
    return Resource(
        kind=text_at(resource, "kind"),
        name=text_at(resource, "name"),
        namespace=text_at(resource, "namespace"),
        group=text_at(resource, "group"),
        version=text_at(resource, "version"),
        status=text_at(resource, "status"),
        health=text_at(health, "status"),
        message=text_at(health, "message"),
        requires_pruning=bool(resource.get("requiresPruning")),
        hook=bool(resource.get("hook")),
    )


def _hydration(status: Json) -> Hydration:
    current, last = (
        object_at(status, "currentOperation"),
        object_at(status, "lastSuccessfulOperation"),
    )
    return Hydration(
        phase=text_at(current, "phase"),
        message=text_at(current, "message"),
        dry_revision=text_at(current, "drySHA") or text_at(last, "drySHA"),
        hydrated_revision=text_at(current, "hydratedSHA") or text_at(last, "hydratedSHA"),
        last_compared_dry_revision=text_at(status, "lastComparedDryRevision"),
    )


def parse_events(document: Json) -> tuple[Event, ...]:
    """Events, oldest first."""
    events = [
        Event(
            type=text_at(each, "type"),
            reason=text_at(each, "reason"),
            message=text_at(each, "message"),
            count=number_of(each.get("count")) or 1,
            last_seen=text_at(each, "lastTimestamp") or text_at(each, "eventTime"),
            object=f"{text_at(object_at(each, 'involvedObject'), 'kind')} "
            f"{text_at(object_at(each, 'involvedObject'), 'name')}",
        )
        for each in objects_at(document, "items")
    ]
    return tuple(sorted(events, key=lambda each: each.last_seen))


def parse_log_line(line: bytes) -> tuple[str, bool]:
    """One line of the log stream: its content, and whether it only marks the end."""
    result = object_at(loaded(line), "result")
    return text_at(result, "content"), bool(result.get("last"))


def parse_windows(document: Json) -> tuple[tuple[SyncWindow, ...], tuple[SyncWindow, ...]]:
    """Sync windows: those active now, and all that are assigned."""
    active = tuple(map(_window, objects_at(document, "activeWindows")))
    assigned = tuple(map(_window, objects_at(document, "assignedWindows")))
    return active, assigned


def blocking_window(document: Json, *, automated: bool) -> str:
    """What keeps a sync out just now, in words; "" when nothing does.

    `canSync` of the answer speaks of manual syncs only: an active deny window blocks, and so does
    the lack of an active allow window where any is assigned. A manual sync gets through when every
    one of the windows in its way lets manual syncs through. Source: the project's sync windows.
    """
    active, assigned = parse_windows(document)
    denying = [each for each in active if each.kind == "deny"]
    is_open = any(each.kind == "allow" for each in active)
    closed = [each for each in assigned if each.kind == "allow" and not is_open]
    for window in denying or closed:
        if automated or not window.manual_sync:
            return str(window) if denying else f"outside the {window}"
    return ""


def _window(window: Json) -> SyncWindow:
    return SyncWindow(
        kind=text_at(window, "kind"),
        schedule=text_at(window, "schedule"),
        duration=text_at(window, "duration"),
        manual_sync=bool(window.get("manualSync")),
    )


def error_message(body: bytes) -> str:
    """What an error answer says, in either of the gateway's shapes; "" when it says nothing."""
    document = loaded(body)
    error = document.get("error")
    if isinstance(error, Mapping):
        return text_at(error, "message") or text_at(error, "http_status")
    return text_at(document, "message") or (error if isinstance(error, str) else "")


def seconds(text: str) -> float | None:
    """Seconds since the epoch of a Kubernetes time such as `2026-08-22T10:00:00Z`."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00")[:32])
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
