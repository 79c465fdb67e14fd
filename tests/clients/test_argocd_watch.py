"""Which request a look makes: the document, or one question beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from astrago_actions.clients.ancestry import Ancestry
from astrago_actions.clients.argocd import ArgoCD, Place
from astrago_actions.clients.argocd_auth import Token
from astrago_actions.clients.argocd_connection import Server
from astrago_actions.clients.argocd_inquiry import Background
from astrago_actions.clients.argocd_watch import Watch
from astrago_actions.domain.rollout.values import Target
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.server import Fault
from tests.argocd_world import TOKEN, World

IMAGE = "ghcr.io/xiilab/web:web-stage-22222222"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def watch(world: World, background: Background) -> Watch:
    world.deploy(rollout_seconds=20.0, poll_seconds=5.0)
    ours = world.bump()
    server = ArgoCD(Server(world.server.url), Token(Secret(TOKEN)))
    target = Target("web", ours, (IMAGE,))
    return Watch(server, Place("web"), target, Ancestry(world.compare, ours), background=background)


def at_once(task: Callable[[], None]) -> None:
    task()


def follow(world: World, watched: Watch, *, until: float, ringing: bool = False) -> None:
    """Look whenever a look is due, or every second where a stream rings all the time."""
    while not watched.verdict.final and world.clock.monotonic() < until:
        at = world.clock.monotonic()
        if ringing:
            watched.ring(at)
        watched.look(at, stream_lives=ringing)
        pause = 1.0 if ringing else watched.next_at - at
        world.clock.sleep(max(pause, 0.001))


def test_a_ring_brings_the_document_before_any_question(world: World) -> None:
    watched = watch(world, at_once)
    follow(world, watched, until=12.0)
    before = world.requests("/applications/web")
    watched.ring(world.clock.monotonic())
    watched.look(world.clock.monotonic(), stream_lives=True)
    assert world.requests("/applications/web") == before + 1


def test_a_stream_that_always_rings_does_not_keep_the_pods_off(world: World) -> None:
    watched = watch(world, at_once)
    follow(world, watched, until=60.0, ringing=True)
    assert watched.verdict.result == "deployed"
    assert world.requests("/resource-tree") >= 2


def test_a_refresh_that_never_ends_keeps_nothing_else_off_and_is_not_doubled(world: World) -> None:
    tasks: list[Callable[[], None]] = []
    watched = watch(world, tasks.append)
    world.argocd.behave("web", rollout_seconds=90.0)
    follow(world, watched, until=200.0)
    assert watched.verdict.result == "deployed"
    assert len(tasks) == 1


def test_pods_that_cannot_be_told_are_asked_for_again_but_not_at_once(world: World) -> None:
    watched = watch(world, at_once)
    fault = Fault("status", path=".*/resource-tree", status=503, times=None)
    world.server.faults.add(fault)
    world.clock.at(80.0, world.server.faults.clear)
    follow(world, watched, until=200.0)
    assert watched.verdict.result == "deployed"
    assert 80 < world.clock.monotonic() < 100
    assert world.requests("/resource-tree") <= 30


def test_the_first_request_may_be_sent_before_the_first_look(world: World) -> None:
    watched = watch(world, at_once)
    watched.open()
    watched.look(0.0)
    assert world.requests("/applications/web") == 1
    assert watched.looks == 1


def test_a_first_request_that_failed_is_judged_like_any_other(world: World) -> None:
    watched = watch(world, at_once)
    world.argocd.remove_application("web")
    watched.open()
    assert watched.look(0.0).row == "application-hidden"
    assert world.requests("/applications/web") == 1
