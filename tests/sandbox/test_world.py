from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from astrago_actions.sandbox.consumer_tree import source_root
from astrago_actions.sandbox.scenario import FRONTEND_SERVICE, push_change
from astrago_actions.sandbox.world import (
    APPLICATION,
    BACKEND,
    BRANCH,
    DEPLOYMENT,
    FRONTEND,
    VALUES_FILE,
    World,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path / "world") as world:
        world.add_examples(source_root() / "examples")
        yield world


def test_what_is_deployed_at_first_is_the_commit_that_a_service_begins_with(world: World) -> None:
    values = world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE).decode()

    assert f'"core-stage-{world.github.head(BACKEND, BRANCH)[:8]}"' in values
    assert f'"frontend-stage-{world.github.head(FRONTEND, BRANCH)[:8]}"' in values
    example = source_root() / "examples/astrago-deployment" / VALUES_FILE
    assert len(values.splitlines()) == len(example.read_text("utf-8").splitlines())
    assert not values.endswith("\n")


def test_argo_cd_runs_the_images_that_the_values_name(world: World) -> None:
    status = world.argocd.application(APPLICATION).document()["status"]

    assert status["health"]["status"] == "Healthy"
    core = f"core-stage-{world.github.head(BACKEND, BRANCH)[:8]}"
    image = f"{world.registry_host}/xiilab/astrago-backend:{core}"
    assert image in status["summary"]["images"]


def test_a_change_arrives_by_git_over_http(world: World, tmp_path: Path) -> None:
    push = push_change(world, FRONTEND_SERVICE, tmp_path / "checkout")

    assert world.github.head(FRONTEND, BRANCH) == push.sha
    assert world.git(FRONTEND, "rev-list", "--count", BRANCH).strip() == "2"
    assert FRONTEND_SERVICE.new in world.github.read(FRONTEND, BRANCH, "src/main.ts").decode()
    world.git(FRONTEND, "fsck", "--strict")


def test_the_deployment_token_cannot_reach_the_services(world: World) -> None:
    api = world.runner_environment["GITHUB_API_URL"]
    headers = {"Authorization": f"Bearer {world.tokens.deploy}"}

    found = [
        requests.get(f"{api}/repos/{name}", headers=headers, timeout=5).status_code
        for name in (DEPLOYMENT, BACKEND)
    ]

    assert found == [200, 404]


def test_a_fault_of_an_unknown_kind_is_refused_with_those_there_are(world: World) -> None:
    address = world.description()["faults"]["github"]

    answer = requests.post(address, json={"kind": "status_after"}, timeout=5)

    assert answer.status_code == 422
    assert "status-after" in answer.json()["message"]


def test_the_command_prints_one_line_and_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "astrago_actions", "sandbox", "--examples"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        described = json.loads(process.stdout.readline())
        answer = requests.get(f"{described['argocd']}/api/version", timeout=5)
        fault = {"kind": "status", "status": 503}
        asked = requests.post(described["faults"]["argocd"], json=fault, timeout=5)
        faulty = requests.get(f"{described['argocd']}/api/version", timeout=5)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=10)

    assert [each.status_code for each in (answer, asked, faulty)] == [200, 204, 503]
    assert set(described["tokens"]) == {"job", "deploy", "argocd", "developer"}
    assert described["registry"].startswith("127.0.0.1:")
    assert (process.returncode, rest, errors) == (0, b"", b"")
