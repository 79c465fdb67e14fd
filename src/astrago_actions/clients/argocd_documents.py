"""Argo CD's JSON, parsed once: applications, resource trees, manifests, events, windows.

The shapes are those of Argo CD's swagger.json from v2.8 to v3.5. Absent and null fields are
common (Go's `omitempty`), so every reader takes them for empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from astrago_actions.domain.rollout.application import (
    Application,
    Condition,
    Event,
    Hydration,
    Operation,
    Pod,
    Resource,
    ResourceResult,
    Source,
    SyncWindow,
)

Json = Mapping[str, Any]


def parse_application(document: Json) -> Application:
    """One application from its document."""
    metadata, spec, status = (_map(document, key) for key in ("metadata", "spec", "status"))
    sync, policy = _map(status, "sync"), _map(_map(spec, "syncPolicy"), "automated")
    hydrator = _map(spec, "sourceHydrator")
    health = _map(status, "health")
    return Application(
        name=_text(metadata, "name"),
        namespace=_text(metadata, "namespace"),
        project=_text(spec, "project"),
        resource_version=_text(metadata, "resourceVersion"),
        sources=_sources(spec),
        hydrated_from=_hydrated_from(hydrator),
        automated=_is_automated(spec),
        prune=bool(policy.get("prune")),
        self_heal=bool(policy.get("selfHeal")),
        deleting=bool(metadata.get("deletionTimestamp")),
        refreshing="argocd.argoproj.io/refresh" in _map(metadata, "annotations"),
        sync_status=_text(sync, "status") or "Unknown",
        revisions=_revisions(sync),
        health=_text(health, "status") or "Unknown",
        health_message=_text(health, "message"),
        requested_revisions=_requested(document),
        operation=_operation(_map(status, "operationState")),
        conditions=tuple(
            Condition(_text(each, "type"), _text(each, "message"))
            for each in _list(status, "conditions")
        ),
        resources=tuple(map(_resource, _list(status, "resources"))),
        reconciled_at=seconds(_text(status, "reconciledAt")),
        images=tuple(map(str, _map(status, "summary").get("images") or ())),
        is_app_of_apps=bool(_map(status, "summary").get("isAppOfApps")),
        hydration=_hydration(_map(status, "sourceHydrator")) if hydrator else None,
    )


def _sources(spec: Json) -> tuple[Source, ...]:
    many = tuple(map(_source, _list(spec, "sources")))
    if many:
        return many
    hydrator = _map(spec, "sourceHydrator")
    if hydrator:
        dry, sync = _map(hydrator, "drySource"), _map(hydrator, "syncSource")
        return (Source(_text(dry, "repoURL"), _text(sync, "targetBranch"), _text(sync, "path")),)
    single = _map(spec, "source")
    return (_source(single),) if single else ()


def _source(source: Json) -> Source:
    return Source(
        repository=_text(source, "repoURL"),
        target_revision=_text(source, "targetRevision"),
        path=_text(source, "path"),
        chart=_text(source, "chart"),
        ref=_text(source, "ref"),
    )


def _hydrated_from(hydrator: Json) -> Source | None:
    dry = _map(hydrator, "drySource")
    return _source(dry) if dry else None


def _is_automated(spec: Json) -> bool:
    """`automated: {}` turns auto-sync on; `enabled: false` (since 3.x) turns it off again."""
    policy = _map(spec, "syncPolicy")
    automated = policy.get("automated")
    return isinstance(automated, Mapping) and automated.get("enabled") is not False


def _revisions(value: Json) -> tuple[str, ...]:
    many = tuple(str(each or "") for each in value.get("revisions") or ())
    single = _text(value, "revision")
    return many or ((single,) if single else ())


def _requested(document: Json) -> tuple[str, ...] | None:
    operation = document.get("operation")
    if not isinstance(operation, Mapping):
        return None
    return _revisions(_map(operation, "sync"))


def _operation(state: Json) -> Operation | None:
    if not state:
        return None
    operation, result = _map(state, "operation"), _map(state, "syncResult")
    initiated = _map(operation, "initiatedBy")
    return Operation(
        phase=_text(state, "phase"),
        message=_text(state, "message"),
        started_at=seconds(_text(state, "startedAt")) or 0.0,
        finished_at=seconds(_text(state, "finishedAt")),
        retry_count=_number(state.get("retryCount")),
        retry_limit=_number(_map(operation, "retry").get("limit")),
        automated=bool(initiated.get("automated")),
        username=_text(initiated, "username"),
        revisions=_revisions(result) or _revisions(_map(operation, "sync")),
        resources=tuple(map(_resource_result, _list(result, "resources"))),
    )


def _resource_result(result: Json) -> ResourceResult:
    return ResourceResult(
        kind=_text(result, "kind"),
        name=_text(result, "name"),
        namespace=_text(result, "namespace"),
        status=_text(result, "status"),
        message=_text(result, "message"),
        hook_type=_text(result, "hookType"),
        hook_phase=_text(result, "hookPhase"),
        phase=_text(result, "syncPhase"),
    )


def _resource(resource: Json) -> Resource:
    health = _map(resource, "health")
    return Resource(
        kind=_text(resource, "kind"),
        name=_text(resource, "name"),
        namespace=_text(resource, "namespace"),
        group=_text(resource, "group"),
        version=_text(resource, "version"),
        status=_text(resource, "status"),
        health=_text(health, "status"),
        message=_text(health, "message"),
        requires_pruning=bool(resource.get("requiresPruning")),
        hook=bool(resource.get("hook")),
    )


def _hydration(status: Json) -> Hydration:
    current, last = _map(status, "currentOperation"), _map(status, "lastSuccessfulOperation")
    return Hydration(
        phase=_text(current, "phase"),
        message=_text(current, "message"),
        dry_revision=_text(current, "drySHA") or _text(last, "drySHA"),
        hydrated_revision=_text(current, "hydratedSHA") or _text(last, "hydratedSHA"),
        last_compared_dry_revision=_text(status, "lastComparedDryRevision"),
    )


def parse_pods(tree: Json) -> tuple[Pod, ...]:
    """The pods of a resource tree, each with the path that leads to it."""
    nodes = _list(tree, "nodes")
    by_uid = {_text(node, "uid"): node for node in nodes if _text(node, "uid")}
    newest = _newest_replica_sets(nodes)
    pods = []
    for node in nodes:
        if _text(node, "kind") == "Pod":
            ancestors = tuple(_ancestors(node, by_uid))
            pods.append(_pod(node, ancestors, newest))
    return tuple(pods)


def _pod(node: Json, ancestors: tuple[Json, ...], newest: Mapping[str, int]) -> Pod:
    health, facts = _map(node, "health"), _facts(node)
    replica_set = next((each for each in ancestors if _text(each, "kind") == "ReplicaSet"), None)
    revision = _replica_set_revision(replica_set) if replica_set else 0
    latest = newest.get(_parent_uid(replica_set), revision) if replica_set else revision
    return Pod(
        name=_text(node, "name"),
        namespace=_text(node, "namespace"),
        uid=_text(node, "uid"),
        images=tuple(map(str, node.get("images") or ())),
        reason=facts.get("Status Reason", ""),
        message=_text(health, "message"),
        health=_text(health, "status"),
        ready=facts.get("Containers", ""),
        restarts=_number(facts.get("Restart Count")),
        path=tuple(_step(each) for each in reversed(ancestors)),
        owner_revision=revision,
        newest=revision == latest,
    )


def _step(node: Json) -> str:
    revision = _facts(node).get("Revision", "")
    return f"{_text(node, 'kind')} {_text(node, 'name')}" + (f" {revision}" if revision else "")


def _ancestors(node: Json, by_uid: Mapping[str, Json]) -> Iterator[Json]:
    """Parent, grandparent and so on; a loop in a broken tree ends it."""
    met = {_text(node, "uid")}
    uid = _parent_uid(node)
    while uid in by_uid and uid not in met:
        met.add(uid)
        yield by_uid[uid]
        uid = _parent_uid(by_uid[uid])


def _parent_uid(node: Json | None) -> str:
    parents = _list(node or {}, "parentRefs")
    return _text(parents[0], "uid") if parents else ""


def _newest_replica_sets(nodes: list[Json]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for node in nodes:
        if _text(node, "kind") == "ReplicaSet":
            parent = _parent_uid(node)
            newest[parent] = max(newest.get(parent, 0), _replica_set_revision(node))
    return newest


def _replica_set_revision(node: Json) -> int:
    return _number(_facts(node).get("Revision", "").removeprefix("Rev:"))


def _facts(node: Json) -> dict[str, str]:
    return {_text(each, "name"): _text(each, "value") for each in _list(node, "info")}


def parse_children(tree: Json) -> tuple[str, ...]:
    """The names of the Applications in a resource tree (an app of apps)."""
    return tuple(
        _text(node, "name")
        for node in _list(tree, "nodes")
        if _text(node, "kind") == "Application" and _text(node, "group") == "argoproj.io"
    )


def parse_desired_images(managed: Json) -> tuple[str, ...]:
    """Every image that the wanted manifests name, of containers and init containers."""
    found: dict[str, None] = {}
    for item in _list(managed, "items"):
        found.update(dict.fromkeys(_images_in(_manifest(item.get("targetState")))))
    return tuple(found)


def _manifest(text: object) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _images_in(value: Any) -> Iterator[str]:
    """`image` of every entry of a `containers` or `initContainers` list, at any depth."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"containers", "initContainers"} and isinstance(inner, list):
                for container in inner:
                    if isinstance(container, Mapping) and container.get("image"):
                        yield str(container["image"])
            else:
                yield from _images_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _images_in(inner)


def parse_events(document: Json) -> tuple[Event, ...]:
    """Events, oldest first."""
    events = [
        Event(
            type=_text(each, "type"),
            reason=_text(each, "reason"),
            message=_text(each, "message"),
            count=_number(each.get("count")) or 1,
            last_seen=_text(each, "lastTimestamp") or _text(each, "eventTime"),
            object=f"{_text(_map(each, 'involvedObject'), 'kind')} "
            f"{_text(_map(each, 'involvedObject'), 'name')}",
        )
        for each in _list(document, "items")
    ]
    return tuple(sorted(events, key=lambda each: each.last_seen))


def parse_log_line(line: bytes) -> tuple[str, bool]:
    """One line of the log stream: its content, and whether it only marks the end."""
    result = _map(_loaded(line), "result")
    return _text(result, "content"), bool(result.get("last"))


def parse_windows(document: Json) -> tuple[tuple[SyncWindow, ...], tuple[SyncWindow, ...]]:
    """Sync windows: those active now, and all that are assigned."""
    active = tuple(map(_window, _list(document, "activeWindows")))
    assigned = tuple(map(_window, _list(document, "assignedWindows")))
    return active, assigned


def blocking_window(document: Json, *, automated: bool) -> str:
    """What keeps a sync out just now, in words; "" when nothing does.

    `canSync` of the answer speaks of manual syncs only: an active deny window blocks, and so does
    the lack of an active allow window where any is assigned. Source: the project's sync windows.
    """
    active, assigned = parse_windows(document)
    deny = [each for each in active if each.kind == "deny"]
    blocking = deny[0] if deny else None
    allows = [each for each in assigned if each.kind == "allow"]
    if blocking is None and allows and not any(each.kind == "allow" for each in active):
        blocking = allows[0]
    if blocking is None or (not automated and blocking.manual_sync):
        return ""
    return str(blocking) if blocking in deny else f"outside the {blocking}"


def _window(window: Json) -> SyncWindow:
    return SyncWindow(
        kind=_text(window, "kind"),
        schedule=_text(window, "schedule"),
        duration=_text(window, "duration"),
        manual_sync=bool(window.get("manualSync")),
    )


def parse_waiting(manifest: Json) -> tuple[str, str]:
    """Why a pod's container does not run: reason and the kubelet's or scheduler's own words."""
    status = _map(manifest, "status")
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in _list(status, key):
            waiting = _map(_map(container, "state"), "waiting")
            if _text(waiting, "message"):
                return _text(waiting, "reason"), _text(waiting, "message")
    for condition in _list(status, "conditions"):
        if _text(condition, "reason") == "Unschedulable":
            return "Unschedulable", _text(condition, "message")
    return "", ""


def error_message(body: bytes) -> str:
    """What an error answer says, in either of the gateway's shapes; "" when it says nothing."""
    document = _loaded(body)
    error = document.get("error")
    if isinstance(error, Mapping):
        return _text(error, "message") or _text(error, "http_status")
    return _text(document, "message") or (error if isinstance(error, str) else "")


def seconds(text: str) -> float | None:
    """Seconds since the epoch of a Kubernetes time such as `2026-08-22T10:00:00Z`."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00")[:32])
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _loaded(body: bytes) -> Json:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, Mapping) else {}


def _map(value: Json, key: str) -> Json:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _list(value: Json, key: str) -> list[Json]:
    found = value.get(key)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _text(value: Json, key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else "" if found is None else str(found)


def _number(value: object) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() else 0
