"""The two example workflows, unchanged and whole: a push ends as a healthy rollout."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from astrago_actions.clients.registry import RegistryClient
from astrago_actions.domain.bump_commit import trailers
from astrago_actions.sandbox.consumer_tree import source_root
from astrago_actions.sandbox.demo_checks import checks_of
from astrago_actions.sandbox.demo_record import ServiceRun
from astrago_actions.sandbox.observed_run import observe_pipeline
from astrago_actions.sandbox.scenario import (
    BACKEND_SERVICE,
    FRONTEND_SERVICE,
    Service,
    Workplace,
    push_change,
    run_by_hand,
)
from astrago_actions.sandbox.world import APPLICATION, BRANCH, DEPLOYMENT, VALUES_FILE, World
from tests.registries import RunningRegistry

SERVICES = (BACKEND_SERVICE, FRONTEND_SERVICE)


def deploy(world: World, service: Service, place: Workplace, folder: Path) -> ServiceRun:
    """Push the service's change and run its workflow, in folders of their own."""
    name = service.repository.rpartition("/")[2]
    push = push_change(world, service, folder / name)
    return observe_pipeline(world, push, replace(place, folder=folder / f"act-{name}"))


def broken_promises(run: ServiceRun) -> str:
    failed = [f"{check.claim}: {check.seen}" for check in checks_of(run) if not check.holds]
    return "\n".join([*failed, run.workflow.log] if failed else [])


def test_a_push_ends_as_a_healthy_rollout(world: World, place: Workplace, tmp_path: Path) -> None:
    values = world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE)

    run = deploy(world, FRONTEND_SERVICE, place, tmp_path)

    assert broken_promises(run) == ""
    before, after = (
        json.loads(run.output(*each))["frontend"]
        for each in (("bump", "previous"), ("tag", "tags"))
    )
    expected = values.replace(before.encode(), after.encode())
    assert world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE) == expected


def test_a_rollback_by_hand_brings_the_earlier_images_back(
    world: World, place: Workplace, tmp_path: Path
) -> None:
    values = world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE)
    push = push_change(world, FRONTEND_SERVICE, tmp_path / "checkout")
    deployed = observe_pipeline(world, push, place)
    assert world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE) != values

    result = run_by_hand(world, push, place, "rollback")

    assert result.succeeded, result.trouble + result.log
    assert world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE) == values
    message = world.github.message(DEPLOYMENT, BRANCH)
    assert trailers(message)["Rollback-Of"] == (deployed.output("bump", "commit-sha"),)
    status = world.argocd.application(APPLICATION).document()["status"]
    assert status["sync"]["revision"] == world.github.head(DEPLOYMENT, BRANCH)
    assert status["health"]["status"] == "Healthy"


class DebianImages:
    """Debian's registry, seen by the sandbox's Argo CD."""

    def __init__(self, running: RunningRegistry) -> None:
        self.host = running.host
        self._client: RegistryClient = running.client()

    def digest_of(self, repository: str, tag: str) -> str | None:
        return self._client.digest(repository, tag)


def deploy_both_at_once(world: World, place: Workplace, folder: Path) -> list[ServiceRun]:
    with ThreadPoolExecutor() as both:
        return list(both.map(lambda each: deploy(world, each, place, folder), SERVICES))


def test_backend_and_frontend_pushed_at_the_same_moment_both_land(
    world: World, place: Workplace, tmp_path: Path
) -> None:
    before = world.github.head(DEPLOYMENT, BRANCH)

    runs = deploy_both_at_once(world, place, tmp_path)

    assert [run.workflow.succeeded for run in runs] == [True, True], runs[0].workflow.log
    made = world.git(DEPLOYMENT, "rev-list", f"{before}..{BRANCH}").split()
    assert {run.output("bump", "commit-sha") for run in runs} == set(made)
    values = world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE).decode()
    tags = [tag for run in runs for tag in json.loads(run.output("tag", "tags")).values()]
    assert [tag for tag in tags if tag not in values] == []
    changed = world.git(DEPLOYMENT, "diff", "--numstat", before, BRANCH).split()
    assert changed == ["4", "4", VALUES_FILE]


@pytest.mark.registry
def test_both_services_deploy_from_a_registry_that_is_not_ours(
    debian_registries: Callable[[str], RunningRegistry], place: Workplace, tmp_path: Path
) -> None:
    images = DebianImages(debian_registries("debian-open"))
    with World(tmp_path / "world", images) as world:
        world.add_examples(source_root() / "examples")

        runs = deploy_both_at_once(world, place, tmp_path)

    assert [run.workflow.succeeded for run in runs] == [True, True], runs[0].workflow.log
    for run in runs:
        reported = json.loads(run.output("push", "digests")).values()
        assert sorted(run.served.values()) == sorted(reported)
        assert images.host in next(iter(run.served))
