"""What argocd-wait asks of an Argo CD: one request a look, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from astrago_actions.sandbox.server import Request
from tests.actions.test_argocd_wait_scenarios import Played
from tests.argocd_world import World
from tests.rollout_scenarios import OLD, end
from tests.rollout_script import NEWER, Frame, Scenario, live

NAMES = ("core", "batch", "web", "gateway")
IMAGES = ",".join(f"ghcr.io/xiilab/{name}:{name}-stage-22222222" for name in NAMES)
ONCE = {"version": 1, "userinfo": 1}


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def kind(request: Request) -> str:
    if "refresh" in request.query:
        return "refresh"
    beside = request.path.partition("/applications/")[2].partition("/")[2]
    return beside or ("document" if "/applications/" in request.path else "once")


def sent(world: World) -> Counter[str]:
    """Everything that went over the wire, by kind; what is asked once a wait by its own name."""
    requests = [each.request for each in world.server.exchanges]
    names = (kind(each) for each in requests)
    return Counter(
        request.path.rpartition("/")[2] if name == "once" else name
        for name, request in zip(names, requests, strict=True)
    )


def test_many_applications_cost_one_request_each_and_look(world: World) -> None:
    for number, name in enumerate(NAMES):
        world.deploy(name, rollout_seconds=10.0 + 20.0 * number)
    outputs = world.wait(world.bump(*NAMES), application=",".join(NAMES), images=IMAGES)
    assert outputs.result == "deployed"
    asked, looks = sent(world), sum(int(str(each["looks"])) for each in outputs.applications)
    once = {name: asked.pop(name) for name in ONCE}
    assert once == ONCE
    assert sum(asked.values()) <= looks
    assert set(asked) == {"document", "refresh", "resource-tree", "managed-resources"}


def test_looks_are_no_more_frequent_than_every_two_seconds_on_average(world: World) -> None:
    """One request a look would say little if there were more looks for it."""
    world.deploy(rollout_seconds=120.0)
    world.wait(world.bump(), images=IMAGES.split(",")[2])
    assert sum(sent(world).values()) <= world.clock.monotonic() / 2


def test_without_images_the_manifests_are_not_asked_for(world: World) -> None:
    world.deploy(rollout_seconds=60.0)
    world.wait(world.bump())
    assert sent(world)["managed-resources"] == 0
    assert sent(world)["resource-tree"] <= 4


def test_the_pods_of_a_long_rollout_are_looked_at_now_and_then(world: World) -> None:
    world.deploy(rollout_seconds=160.0)
    world.wait(world.bump(), images=IMAGES.split(",")[2])
    assert 8 <= sent(world)["resource-tree"] <= 13
    assert sent(world)["managed-resources"] == 1


def order(played: Played) -> list[str]:
    kinds = [kind(each.request) for each in played.server.exchanges]
    return [each for each in kinds if each != "once"]


def test_the_answer_of_a_refresh_is_a_look_and_the_document_is_read_after_the_pods(
    tmp_path: Path,
) -> None:
    """Success rests on one document, read after the manifests and the pods of its revision."""
    scenario = Scenario(
        "live after a hard refresh",
        (OLD,),
        inputs={"refresh": "hard", "settle": "0"},
        after_hard_refresh=(end(0),),
    )
    played = Played(scenario, tmp_path)
    assert played.result == "deployed"
    pods_and_images = ["managed-resources", "resource-tree"]
    assert order(played) == ["document", "refresh", *pods_and_images, "document"]


def test_pods_of_another_revision_verify_nothing(tmp_path: Path) -> None:
    """While all is settling a newer commit comes: images and pods are looked up anew for it."""
    frames = (OLD, end(10), Frame(16, live(NEWER)))
    played = Played(Scenario("moved on", frames, inputs={"settle": "20"}), tmp_path)
    assert played.result == "deployed"
    asked = [each for each in order(played) if each in {"managed-resources", "resource-tree"}]
    assert asked == ["managed-resources", "resource-tree"] * 2
    assert order(played)[-1] == "document"
