"""The API's ways of saying no and of waiting; tests/contracts/argocd knows its documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from astrago_actions.sandbox.argocd import Policy
from astrago_actions.sandbox.argocd.behaviour import Window
from tests.argocd_world import TOKEN, World


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.deploy()
        world.bump()
        yield world


def get(world: World, path: str, token: str = TOKEN, **query: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(world.server.url + path, params=query, headers=headers, timeout=5)


def post(world: World, path: str, body: object, token: str = TOKEN) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.post(world.server.url + path, json=body, headers=headers, timeout=5)


def test_a_refresh_blocks_until_the_comparison_is_done(world: World) -> None:
    world.argocd.behave("web", compare_seconds=7.0)
    found = get(world, "/api/v1/applications/web", refresh="normal").json()
    assert world.clock.monotonic() >= 7
    assert found["status"]["sync"]["status"] == "OutOfSync"


@pytest.mark.parametrize(
    ("project", "policies", "name", "status"),
    [
        ("", "*/*", "gone", 403),
        ("", "other/*", "web", 403),
        ("default", "*/*", "gone", 404),
        ("other", "*/*", "web", 404),
        ("default", "other/*", "web", 403),
        ("default", "default/*", "web", 200),
    ],
)
def test_missing_and_hidden_look_alike_unless_a_project_is_named(
    world: World, project: str, policies: str, name: str, status: int
) -> None:
    token = world.argocd.new_token((Policy("applications", "get", policies),))
    query = {"project": project} if project else {}
    answer = get(world, f"/api/v1/applications/{name}", token, **query)
    assert answer.status_code == status
    if status == 403:
        assert answer.json() == {
            "error": "permission denied",
            "code": 7,
            "message": "permission denied",
        }


def test_hidden_applications_are_left_out_of_lists_without_a_word(world: World) -> None:
    token = world.argocd.new_token((Policy("applications", "get", "other/*"),))
    assert get(world, "/api/v1/applications", token).json()["items"] is None


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_without_a_session_it_is_401(world: World, token: str) -> None:
    answer = get(world, "/api/v1/applications/web", token)
    assert (answer.status_code, answer.json()["code"]) == (401, 16)
    assert get(world, "/api/v1/session/userinfo", token).json() == {}


def test_a_token_ends(world: World) -> None:
    token = world.argocd.new_token(seconds=30.0)
    assert get(world, "/api/v1/applications/web", token).status_code == 200
    world.clock.sleep(31)
    answer = get(world, "/api/v1/applications/web", token)
    assert answer.status_code == 401
    assert "expired" in answer.json()["message"]


def test_a_password_and_a_jobs_identity_can_be_exchanged(world: World) -> None:
    world.argocd.add_user("ci", "secret")
    world.argocd.add_connector("github-actions", "identity")
    token = post(world, "/api/v1/session", {"username": "ci", "password": "secret"}).json()["token"]
    assert get(world, "/api/v1/session/userinfo", token).json()["username"] == "ci"
    form = {"connector_id": "github-actions", "subject_token": "identity"}
    answer = requests.post(
        f"{world.server.url}/api/dex/token", data=form, auth=("argo-cd-cli", ""), timeout=5
    )
    assert get(world, "/api/v1/session/userinfo", answer.json()["access_token"]).json()["loggedIn"]


@pytest.mark.parametrize("given", [{}, {"Content-Type": "application/json; charset=x"}])
def test_a_missing_or_wrong_content_type_is_refused(world: World, given: dict[str, str]) -> None:
    answer = requests.post(
        f"{world.server.url}/api/v1/applications/web/sync",
        headers={"Authorization": f"Bearer {TOKEN}", **given},
        timeout=5,
    )
    assert (answer.status_code, answer.text) == (415, "Invalid content type\n")


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"revision": "abc"}, 400, "auto-sync currently set to"),
        ({"project": "other"}, 404, "not found"),
    ],
)
def test_syncs_that_are_refused(world: World, body: Any, code: int, message: str) -> None:
    answer = post(world, "/api/v1/applications/web/sync", body)
    assert answer.status_code == code
    assert message in answer.json()["message"]


def test_a_second_sync_is_refused_while_one_is_running(world: World) -> None:
    assert post(world, "/api/v1/applications/web/sync", {}).status_code == 200
    answer = post(world, "/api/v1/applications/web/sync", {})
    assert (answer.status_code, answer.json()["code"]) == (400, 9)
    assert "another operation is already in progress" in answer.json()["message"]


@pytest.mark.parametrize("kind", ["deny", "allow"])
def test_a_manual_sync_needs_the_leave_of_every_window_in_its_way(world: World, kind: str) -> None:
    windows = tuple(
        Window(kind, active=kind == "deny", manual_sync=lenient) for lenient in (True, False)
    )
    world.argocd.behave("web", windows=windows)
    answer = post(world, "/api/v1/applications/web/sync", {})
    assert (answer.status_code, answer.json()["message"]) == (
        403,
        "cannot sync: blocked by sync window",
    )
    world.argocd.behave("web", windows=windows[:1])
    assert post(world, "/api/v1/applications/web/sync", {}).status_code == 200


def test_syncing_and_reading_logs_are_rights_of_their_own(world: World) -> None:
    token = world.argocd.new_token((Policy("applications", "get"),))
    assert post(world, "/api/v1/applications/web/sync", {}, token).status_code == 403
    assert get(world, "/api/v1/applications/web/logs", token, podName="x").status_code == 403


@pytest.mark.parametrize(
    ("right", "value"),
    [
        ("applications/get/default/web", "yes"),
        ("applications/sync/default/web", "no"),
        ("logs/get/default/web", "no"),
    ],
)
def test_an_account_can_ask_for_its_own_rights(world: World, right: str, value: str) -> None:
    token = world.argocd.new_token((Policy("applications", "get"),))
    assert get(world, f"/api/v1/account/can-i/{right}", token).json() == {"value": value}


def test_events_need_all_three_names_of_an_object(world: World) -> None:
    answer = get(world, "/api/v1/applications/web/events", resourceName="web")
    assert answer.status_code == 400
    assert "not found as part of application" in answer.json()["message"]


def test_logs_are_lines_of_json_with_an_end(world: World) -> None:
    world.argocd.behave("web", log=("one", "two"))
    name = next(world.argocd.application("web").cluster.pods()).name
    answer = get(world, "/api/v1/applications/web/logs", podName=name, tailLines="1")
    results = [json.loads(line)["result"] for line in answer.text.splitlines()]
    assert [each["content"] for each in results] == ["two", ""]
    assert [each["last"] for each in results] == [False, True]


@pytest.mark.parametrize("accept", ["text/event-stream", "*/*"])
def test_the_stream_begins_with_what_is_there(world: World, accept: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": accept}
    url = f"{world.server.url}/api/v1/stream/applications?name=web"
    with requests.get(url, headers=headers, stream=True, timeout=5) as answer:
        line = next(answer.iter_lines(chunk_size=1))
    prefix = b"data: " if accept == "text/event-stream" else b""
    assert line.startswith(prefix)
    result = json.loads(line.removeprefix(prefix))["result"]
    assert (result["type"], result["application"]["metadata"]["name"]) == ("ADDED", "web")


def test_behaviour_can_be_changed_over_http(world: World) -> None:
    change = {"application": "web", "pods": "crash-loop", "windows": [{"kind": "deny"}]}
    assert post(world, "/_argocd/behaviour", change).status_code == 204
    behaviour = world.argocd.application("web").behaviour
    assert (behaviour.pods, behaviour.windows[0].kind) == ("crash-loop", "deny")
    for wrong in ({"application": "gone"}, {"application": "web", "no_such": 1}):
        assert post(world, "/_argocd/behaviour", wrong).status_code == 422
