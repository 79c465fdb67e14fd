"""argocd-wait in real time: the event stream, and what happens to it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from astrago_actions.actions import argocd_wait
from astrago_actions.clients.argocd_inquiry import in_thread
from astrago_actions.clock import SystemClock
from astrago_actions.context import Context
from astrago_actions.sandbox.server import Fault
from astrago_actions.workflow_run import WorkflowRun
from tests.argocd_world import World

IMAGE = "ghcr.io/xiilab/web:web-stage-22222222"


@pytest.fixture
def world() -> Iterator[World]:
    with World(clock=SystemClock()) as world:
        world.deploy(
            compare_seconds=0.05,
            autosync_seconds=0.05,
            sync_seconds=0.1,
            rollout_seconds=0.2,
            termination_seconds=0.05,
        )
        yield world


def wait(world: World, revision: str, **given: str) -> tuple[argocd_wait.Outputs, float]:
    """The outputs, and how long it took."""
    inputs = world.inputs(revision, images=IMAGE, settle="0", event_stream="true", **given)
    context = Context(world.step, WorkflowRun(), SystemClock())
    began = time.monotonic()
    outputs = argocd_wait.wait(inputs, context, in_thread, world.compare)
    return outputs, time.monotonic() - began


def test_with_the_stream_a_rollout_is_seen_as_it_happens(world: World) -> None:
    """Polling alone would take two looks of two seconds each."""
    outputs, took = wait(world, world.bump())
    assert outputs.result == "deployed"
    assert took < 2.5


@pytest.mark.parametrize(
    "fault",
    [
        Fault("cut", path=".*/stream/.*", seconds=0.2, times=None),
        Fault("status", path=".*/stream/.*", status=403, body='{"code":7,"message":"no"}'),
        Fault("status", path=".*/stream/.*", status=504, body="<html>", times=None),
        Fault("reset-before", path=".*/stream/.*", times=None),
    ],
    ids=["cut", "forbidden", "timed-out-by-a-proxy", "reset"],
)
def test_a_broken_stream_never_hangs_or_misleads(world: World, fault: Fault) -> None:
    world.server.faults.add(fault)
    outputs, took = wait(world, world.bump())
    assert outputs.result == "deployed"
    assert took < 9


def test_a_silent_stream_never_hangs(world: World) -> None:
    world.argocd.behave("web", stream="silent")
    assert wait(world, world.bump())[0].result == "deployed"


def test_a_refresh_that_never_returns_holds_nothing_up(world: World) -> None:
    world.argocd.behave("web", refresh_hangs=True)
    ours = world.bump()
    application = world.argocd.application("web")
    world.argocd.agenda.after(0.5, lambda: application.compare(level=2))
    assert wait(world, ours)[0].result == "deployed"
