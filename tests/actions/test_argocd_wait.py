"""argocd-wait against an Argo CD on loopback, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astrago_actions.errors import ActionError
from tests.argocd_world import World

IMAGE = "ghcr.io/xiilab/web:web-stage-22222222"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def failure(world: World, revision: str, **given: str) -> ActionError:
    with pytest.raises(ActionError) as caught:
        world.wait(revision, **given)
    return caught.value


def test_a_change_is_deployed_when_it_is_synced_and_its_pods_run(world: World) -> None:
    world.deploy()
    ours = world.bump()
    outputs = world.wait(ours, images=IMAGE)
    assert outputs.result == "deployed"
    assert (outputs.revision, outputs.sync_status, outputs.health_status) == (
        ours,
        "Synced",
        "Healthy",
    )
    assert outputs.applications[0]["images"] == [IMAGE]


def test_healthy_on_the_old_commit_is_no_success(world: World) -> None:
    """`argocd app wait` returns at once here: nothing has been refreshed yet."""
    world.deploy(refresh_hangs=True)
    error = failure(world, world.bump(), images=IMAGE, timeout="100", refresh="none")
    assert error.outputs["result"] == "timeout"
    assert "waiting for Argo CD to see" in error.title


def test_stages_and_times_are_those_of_our_own_observation(world: World) -> None:
    world.deploy(rollout_seconds=20.0)
    outputs = world.wait(world.bump(), images=IMAGE)
    assert [stage.name for stage in world.context.stages] == ["detect", "sync", "healthy"]
    assert all(stage.result == "success" for stage in world.context.stages)
    healthy = world.context.stages[-1]
    assert healthy.finished_at - world.context.stages[0].started_at == pytest.approx(
        float(outputs.healthy_seconds), abs=0.1
    )
    assert healthy.seconds > 15


def test_an_image_that_was_never_pushed_fails_early_and_says_which(world: World) -> None:
    world.deploy()
    ours = world.bump()
    world.argocd._images._everything = False  # type: ignore[attr-defined]
    error = failure(world, ours, images=IMAGE)
    assert (error.exit_code, error.outputs["result"]) == (12, "unhealthy")
    assert "ImagePullBackOff" in error.title or "ErrImagePull" in error.title
    assert "Application web > Deployment web > ReplicaSet" in error.detail
    assert IMAGE in error.detail
    assert world.clock.monotonic() < 90
    assert world.context.stages[-1].result == "failure"


def test_a_crash_loop_is_told_with_the_last_log_lines(world: World) -> None:
    world.deploy()
    ours = world.bump()
    world.argocd.behave("web", pods="crash-loop", log=("boot", "::error::no database"))
    error = failure(world, ours, images=IMAGE)
    assert error.outputs["result"] == "unhealthy"
    assert "crashes again and again" in error.title
    assert "no database" in world.step.log
    assert "before its last restart" in world.step.log
    assert "no database" in world.step.summaries[0]


def test_a_failed_hook_is_named_with_its_message(world: World) -> None:
    world.deploy()
    ours = world.bump()
    world.argocd.behave("web", hook="migrate", hook_fails=True, retry_seconds=1.0)
    error = failure(world, ours, images=IMAGE)
    assert (error.exit_code, error.outputs["result"]) == (10, "sync-failed")
    assert "PreSync hook migrate" in error.title
    assert "backoff limit" in error.detail


def test_a_newer_commit_that_contains_ours_counts(world: World) -> None:
    world.deploy()
    ours = world.bump()
    newer = world.git.commit("xiilab/astrago-deployment", "stabilize/1.0", {"README": "more"})
    outputs = world.wait(ours, images=IMAGE)
    assert (outputs.result, outputs.revision) == ("deployed", newer)


def test_a_newer_tag_is_superseded_and_says_by_what(world: World) -> None:
    world.deploy()
    ours = world.bump()
    newer = world.bump(tag="web-stage-33333333")
    outputs = world.wait(ours, images=IMAGE)
    assert (outputs.result, outputs.superseded_by) == ("superseded", newer)
    assert "web-stage-33333333" in world.step.log


def test_superseded_can_be_made_a_failure(world: World) -> None:
    world.deploy()
    ours = world.bump()
    world.bump(tag="web-stage-33333333")
    error = failure(world, ours, images=IMAGE, on_superseded="fail")
    assert (error.exit_code, error.outputs["result"]) == (20, "superseded")
