"""What runs and what is wanted: pods of a resource tree, images of manifests, causes of waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from astrago_actions.clients.json_fields import (
    Json,
    number_of,
    object_at,
    objects_at,
    text_at,
)
from astrago_actions.domain.rollout.application import Pod, Standstill


def parse_pods(tree: Json) -> tuple[Pod, ...]:
    """The pods of a resource tree, each with the path that leads to it."""
    nodes = objects_at(tree, "nodes")
    by_uid = {text_at(node, "uid"): node for node in nodes if text_at(node, "uid")}
    newest = _newest_replica_sets(nodes)
    pods = []
    for node in nodes:
        if text_at(node, "kind") == "Pod":
            ancestors = tuple(_ancestors(node, by_uid))
            pods.append(_pod(node, ancestors, newest))
    return tuple(pods)


def _pod(node: Json, ancestors: tuple[Json, ...], newest: Mapping[str, int]) -> Pod:
    health, facts = object_at(node, "health"), _facts(node)
    replica_set = next((each for each in ancestors if text_at(each, "kind") == "ReplicaSet"), None)
    revision = _replica_set_revision(replica_set) if replica_set else 0
    latest = newest.get(_parent_uid(replica_set), revision) if replica_set else revision
    return Pod(
        name=text_at(node, "name"),
        namespace=text_at(node, "namespace"),
        uid=text_at(node, "uid"),
        images=tuple(map(str, node.get("images") or ())),
        reason=facts.get("Status Reason", ""),
        message=text_at(health, "message"),
        health=text_at(health, "status"),
        ready=facts.get("Containers", ""),
        restarts=number_of(facts.get("Restart Count")),
        path=tuple(_step(each) for each in reversed(ancestors)),
        owner_revision=revision,
        newest=revision == latest,
    )


def _step(node: Json) -> str:
    revision = _facts(node).get("Revision", "")
    return f"{text_at(node, 'kind')} {text_at(node, 'name')}" + (f" {revision}" if revision else "")


def _ancestors(node: Json, by_uid: Mapping[str, Json]) -> Iterator[Json]:
    """Parent, grandparent and so on; a loop in a broken tree ends it."""
    met = {text_at(node, "uid")}
    uid = _parent_uid(node)
    while uid in by_uid and uid not in met:
        met.add(uid)
        yield by_uid[uid]
        uid = _parent_uid(by_uid[uid])


def _parent_uid(node: Json | None) -> str:
    parents = objects_at(node or {}, "parentRefs")
    return text_at(parents[0], "uid") if parents else ""


def _newest_replica_sets(nodes: list[Json]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for node in nodes:
        if text_at(node, "kind") == "ReplicaSet":
            parent = _parent_uid(node)
            newest[parent] = max(newest.get(parent, 0), _replica_set_revision(node))
    return newest


def _replica_set_revision(node: Json) -> int:
    return number_of(_facts(node).get("Revision", "").removeprefix("Rev:"))


def _facts(node: Json) -> dict[str, str]:
    return {text_at(each, "name"): text_at(each, "value") for each in objects_at(node, "info")}


def parse_children(tree: Json) -> tuple[str, ...]:
    """The Applications in a resource tree (an app of apps), as `namespace/name`."""
    return tuple(
        f"{text_at(node, 'namespace')}/{text_at(node, 'name')}".removeprefix("/")
        for node in objects_at(tree, "nodes")
        if text_at(node, "kind") == "Application" and text_at(node, "group") == "argoproj.io"
    )


def parse_desired_images(managed: Json) -> tuple[str, ...]:
    """Every image that the wanted manifests name, of containers and init containers."""
    found: dict[str, None] = {}
    for item in objects_at(managed, "items"):
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


def parse_standstill(manifest: Json) -> Standstill:
    """Why a pod's container does not run: reason and the kubelet's or scheduler's own words."""
    status = object_at(manifest, "status")
    for container in _containers(status):
        found = _standstill_of(container)
        if found.message or found.ended:
            return found
    only = _only_container(manifest)
    for condition in objects_at(status, "conditions"):
        if text_at(condition, "reason") == "Unschedulable":
            return Standstill("Unschedulable", text_at(condition, "message"), only)
    unready = (text_at(each, "name") for each in _containers(status) if not each.get("ready"))
    return Standstill(container=next(unready, "") or only)


def _containers(status: Json) -> list[Json]:
    """The statuses of all containers, those that start first before the others."""
    return [
        each
        for key in ("initContainerStatuses", "containerStatuses")
        for each in objects_at(status, key)
    ]


def _standstill_of(container: Json) -> Standstill:
    """What keeps one container; nothing where it runs well or has done its work."""
    state, before = object_at(container, "state"), object_at(container, "lastState")
    waiting = object_at(state, "waiting")
    ended = object_at(state, "terminated") or object_at(before, "terminated")
    code = number_of(ended.get("exitCode"))
    if container.get("ready") or not (waiting or code):
        return Standstill()
    return Standstill(
        text_at(waiting, "reason") or text_at(ended, "reason"),
        text_at(waiting, "message") or text_at(ended, "message"),
        text_at(container, "name"),
        f"exit code {code} ({text_at(ended, 'reason')})" if code else "",
    )


def _only_container(manifest: Json) -> str:
    containers = objects_at(object_at(manifest, "spec"), "containers")
    return text_at(containers[0], "name") if len(containers) == 1 else ""
