"""The sandbox's Argo CD answers nothing that a real one would not.

Whatever the sandbox says in these situations has to be found, with the same JSON type, in some
answer of a real server to the same call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from astrago_actions.clients.argocd_documents import parse_application
from astrago_actions.clients.argocd_stream import FIELDS
from astrago_actions.clients.argocd_trees import parse_pods
from astrago_actions.sandbox.argocd import Policy
from astrago_actions.sandbox.argocd.behaviour import Window
from tests.argocd_world import TOKEN, World
from tests.contracts.argocd.recordings import Recording, Shape, recording, recordings, shape

LISTED = "items.metadata.name,items.metadata.deletionTimestamp"
WEB = "/api/v1/applications/web"
SITUATIONS: dict[str, dict[str, Any]] = {
    "healthy": {},
    "crash-loop": {"pods": "crash-loop"},
    "config-error": {"pods": "config-error"},
    "unschedulable": {"pods": "unschedulable"},
    "missing-image": {},
    "window": {"windows": (Window(), Window("allow", manual_sync=True))},
    "failed-hook": {"hook": "migrate", "hook_fails": True},
    "running-hook": {"hook": "migrate", "hook_seconds": 600.0},
    "failed-sync": {"sync_failures": 9},
    "manifest-error": {"manifest_error": "execution error at (templates/web.yaml:1:3): no"},
    "spec-error": {"spec_error": "application repo is not permitted in project 'default'"},
    "no-retries": {"sync_failures": 1},
}


def call_of(path: str) -> str:
    """A path without the names in it: what was called."""
    path = re.sub(r"(/api/v1/applications)/[^/]+", r"\1/{name}", path)
    return re.sub(r"/revisions/[^/]+", "/revisions/{revision}", path)


def documents_of(answer: Recording | requests.Response) -> Iterator[Any]:
    """The JSON documents in an answer: one, or one in each line of a stream."""
    content = answer.content.decode()
    try:
        yield json.loads(content)
    except ValueError:
        for line in content.splitlines():
            text = line.removeprefix("data:").strip()
            if text.startswith("{"):
                yield json.loads(text)


def kind_of(status: int, path: str) -> str:
    """Errors look alike whatever was called, but for calls whose answers are streams."""
    streams = path.endswith("/logs") or path.startswith("/api/v1/stream")
    return call_of(path) if status < 400 else f"error of a {'stream' if streams else 'call'}"


@pytest.fixture(scope="session")
def real() -> dict[str, Shape]:
    """What real servers answered to each call."""
    known: dict[str, Shape] = {}
    for each in recordings():
        kind = kind_of(each.status, each.path)
        for document in documents_of(each):
            known[kind] = known.get(kind, frozenset()) | shape(document)
    return known


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def enter(world: World, situation: str) -> None:
    """Bring the application into a situation."""
    world.deploy()
    world.argocd.behave("web", **SITUATIONS[situation])
    if situation == "missing-image":
        world.registry.missing.add("xiilab/web:web-stage-22222222")
    world.bump()
    get(world, WEB, refresh="normal")
    world.clock.sleep(8)


def get(world: World, path: str, token: str = TOKEN, **query: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(world.server.url + path, params=query, headers=headers, timeout=5)


def unknown(real: dict[str, Shape], *answers: requests.Response) -> list[str]:
    """What the sandbox answered that no real server was seen to say: call, path, type."""
    found: set[str] = set()
    for answer in answers:
        path = urlsplit(answer.url).path
        known = real.get(kind_of(answer.status_code, path), frozenset())
        strange = {place for each in documents_of(answer) for place in shape(each) - known}
        found |= {f"{call_of(path)} {answer.status_code}: {' '.join(each)}" for each in strange}
    return sorted(found)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_field_is_one_of_a_real_server(
    world: World, real: dict[str, Shape], situation: str
) -> None:
    enter(world, situation)
    pod = next(world.argocd.application("web").cluster.pods())
    named = {"namespace": "web", "resourceName": pod.name, "kind": "Pod", "version": "v1"}
    of_pod = {"resourceNamespace": "web", "resourceName": pod.name, "resourceUID": pod.uid}
    answers = [
        get(world, WEB),
        get(world, "/api/v1/applications", fields=LISTED),
        get(world, f"{WEB}/resource-tree"),
        get(world, f"{WEB}/managed-resources"),
        get(world, f"{WEB}/syncwindows"),
        get(world, f"{WEB}/events"),
        get(world, f"{WEB}/events", **of_pod),
        get(world, f"{WEB}/resource", **named),
        get(world, f"{WEB}/logs", podName=pod.name),
        get(world, f"{WEB}/revisions/{'0' * 40}/metadata"),
    ]
    assert unknown(real, *answers) == []


def told(value: Any) -> set[str]:
    """The fields of a parsed document that say something."""
    return {field.name for field in fields(value) if getattr(value, field.name)}


@pytest.mark.parametrize(
    ("situation", "name"),
    [
        ("healthy", "application"),
        ("failed-hook", "application-failed-hook"),
        ("manifest-error", "application-manifest-error"),
        ("spec-error", "application-spec-error"),
    ],
)
def test_what_the_client_reads_of_a_real_application_the_sandbox_tells_too(
    world: World, situation: str, name: str
) -> None:
    enter(world, situation)
    world.clock.sleep(400)
    real, ours = recording(name).body, get(world, WEB).json()
    of_real, of_ours = parse_application(real), parse_application(ours)
    assert told(of_real) - told(of_ours) == set()
    if of_real.operation is not None and of_ours.operation is not None:
        assert told(of_real.operation) - told(of_ours.operation) == set()
        results = of_real.operation.resources[0], of_ours.operation.resources[0]
        assert told(results[0]) - told(results[1]) == set()


@pytest.mark.parametrize(
    ("situation", "name"),
    [
        ("healthy", "tree"),
        ("missing-image", "tree-no-image"),
        ("crash-loop", "tree-crash-loop"),
        ("unschedulable", "tree-no-node"),
    ],
)
def test_what_the_client_reads_of_real_pods_the_sandbox_tells_too(
    world: World, situation: str, name: str
) -> None:
    enter(world, situation)
    real = parse_pods(recording(name).body)[0]
    ours = [each for each in parse_pods(get(world, f"{WEB}/resource-tree").json()) if each.newest]
    assert told(real) - told(ours[0]) == set()
    assert (ours[0].reason, ours[0].health) == (real.reason, real.health)


def test_sessions_and_refusals_have_the_shape_of_a_real_servers(
    world: World, real: dict[str, Shape]
) -> None:
    world.deploy()
    limited = world.argocd.new_token((Policy("applications", "get"),))
    answers = [
        get(world, "/api/version"),
        get(world, "/api/v1/session/userinfo"),
        get(world, "/api/v1/session/userinfo", "a.b.c"),
        get(world, WEB, ""),
        get(world, "/api/v1/applications/gone"),
        get(world, "/api/v1/applications/gone", project="default"),
        get(world, f"{WEB}/logs", limited, podName="x"),
        get(world, f"{WEB}/events", resourceName="web"),
    ]
    assert unknown(real, *answers) == []
    json_types = {each.headers["Content-Type"] for each in answers}
    assert json_types == {"application/json"}


def test_frames_of_the_stream_have_the_shape_of_a_real_servers(
    world: World, real: dict[str, Shape]
) -> None:
    world.deploy()
    url = f"{world.server.url}/api/v1/stream/applications"
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"}
    for query in ({"name": "web", "fields": FIELDS}, {"name": "web"}):
        with requests.get(url, params=query, headers=headers, stream=True, timeout=5) as answer:
            line = next(answer.iter_lines(chunk_size=1))
        frame = json.loads(line.removeprefix(b"data:"))
        assert shape(frame) - real["/api/v1/stream/applications"] == set()
