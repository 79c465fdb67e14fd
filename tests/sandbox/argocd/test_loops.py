"""Comparing and syncing go on independently, so that the gaps in between show."""

from __future__ import annotations

from typing import Any

import pytest

from astrago_actions.sandbox.argocd import Window
from tests.argocd_world import BRANCH, REPOSITORY, World, application


@pytest.fixture
def world() -> World:
    return World()


def document(world: World, after: float = 0.0) -> dict[str, Any]:
    world.clock.sleep(after)
    return world.argocd.application("web").document()


def refresh(world: World, kind: str = "normal") -> None:
    world.argocd.application("web").request_refresh(kind)


def summary(found: dict[str, Any]) -> tuple[str, str, str]:
    status = found["status"]
    phase = status.get("operationState", {}).get("phase", "")
    return status["sync"]["status"], status["health"]["status"], phase


def test_without_a_refresh_a_commit_is_not_seen_for_minutes(world: World) -> None:
    old = world.deploy()
    ours = world.bump()
    assert document(world, 170)["status"]["sync"]["revision"] == old
    assert document(world, 20)["status"]["sync"]["revision"] == ours


def test_the_way_of_a_change_from_refresh_to_health(world: World) -> None:
    world.deploy(compare_seconds=1, autosync_seconds=1, sync_seconds=2, rollout_seconds=5)
    world.bump()
    refresh(world)
    steps = [summary(document(world, pause)) for pause in (0.5, 1, 1.5, 1.8, 1, 3, 2)]
    assert steps == [
        ("Synced", "Healthy", "Succeeded"),
        ("OutOfSync", "Healthy", "Succeeded"),
        ("OutOfSync", "Healthy", "Running"),
        # The operation has ended; health is still that from before it.
        ("OutOfSync", "Healthy", "Succeeded"),
        ("Synced", "Progressing", "Succeeded"),
        ("Synced", "Progressing", "Succeeded"),
        ("Synced", "Healthy", "Succeeded"),
    ]


def test_live_changes_do_not_move_the_time_of_the_comparison(world: World) -> None:
    world.deploy(rollout_seconds=20)
    world.bump()
    refresh(world)
    before = document(world, 10)["status"]
    after = document(world, 20)["status"]
    assert (before["health"]["status"], after["health"]["status"]) == ("Progressing", "Healthy")
    assert before["reconciledAt"] == after["reconciledAt"]


def test_a_refresh_takes_its_annotation_away(world: World) -> None:
    world.deploy(compare_seconds=2)
    refresh(world)
    annotation = "argocd.argoproj.io/refresh"
    assert document(world, 1)["metadata"]["annotations"][annotation] == "normal"
    assert annotation not in document(world, 2)["metadata"].get("annotations", {})


def test_attempts_are_repeated_with_growing_pauses_and_then_given_up(world: World) -> None:
    world.deploy(sync_failures=9, retry_seconds=1)
    world.bump()
    refresh(world)
    state = document(world, 1.2)["status"]["operationState"]
    assert (state["phase"], "finishedAt" in state) == ("Running", True)
    assert "Retrying attempt #1 at" in state["message"]
    assert "operation" in document(world)
    end = document(world, 60)
    assert end["status"]["operationState"]["phase"] == "Failed"
    assert end["status"]["operationState"]["retryCount"] == 5
    assert "operation" not in end
    condition = end["status"]["conditions"][0]
    assert condition["type"] == "SyncError"
    assert f"[{end['status']['sync']['revision']}]" in condition["message"]


def test_a_failed_commit_is_not_tried_again_but_the_next_one_is(world: World) -> None:
    world.deploy(sync_failures=6, retry_seconds=0.1)
    world.bump()
    refresh(world)
    assert summary(document(world, 60)) == ("OutOfSync", "Healthy", "Failed")
    world.bump(tag="web-stage-33333333")
    refresh(world)
    assert summary(document(world, 10)) == ("Synced", "Healthy", "Succeeded")


def test_a_window_keeps_auto_sync_out(world: World) -> None:
    world.deploy(windows=(Window(),))
    world.bump()
    refresh(world)
    assert summary(document(world, 30))[0] == "OutOfSync"
    world.argocd.behave("web", windows=())
    refresh(world)
    assert summary(document(world, 30))[0] == "Synced"


def test_a_window_that_begins_during_a_sync_holds_it_up(world: World) -> None:
    world.deploy(autosync_seconds=5)
    world.bump()
    refresh(world)
    document(world, 2)
    world.argocd.behave("web", windows=(Window(),))
    state = document(world, 10)["status"]["operationState"]
    assert (state["phase"], state["message"]) == (
        "Running",
        "Sync operation blocked by sync window",
    )
    world.argocd.behave("web", windows=())
    assert summary(document(world, 10)) == ("Synced", "Healthy", "Succeeded")


def test_without_pruning_an_object_that_left_git_stays_and_is_out_of_sync(world: World) -> None:
    world.git.commit(REPOSITORY, BRANCH, {"charts/web/x.yaml": "kind: A\nmetadata: {name: x}\n"})
    world.deploy()
    world.git.commit(
        REPOSITORY, BRANCH, {"charts/web/templates/x.yaml": "kind: A\nmetadata: {name: x}\n"}
    )
    found = world.argocd.application("web")
    found.spec["syncPolicy"] = {"automated": {}}
    refresh(world)
    document(world, 10)
    world.git.commit(REPOSITORY, BRANCH, {"charts/web/templates/x.yaml": ""})
    refresh(world)
    end = document(world, 10)
    different = [each for each in end["status"]["resources"] if each["status"] == "OutOfSync"]
    assert [each["name"] for each in different] == ["x"]
    assert different[0]["requiresPruning"] is True


def test_stale_manifests_stay_until_a_hard_refresh(world: World) -> None:
    world.deploy(stale_manifests="until-hard-refresh")
    ours = world.bump()
    refresh(world)
    found = document(world, 10)
    assert (found["status"]["sync"]["revision"], summary(found)[0]) == (ours, "Synced")
    refresh(world, "hard")
    assert document(world, 10)["status"]["summary"]["images"] == [
        "ghcr.io/xiilab/web:web-stage-22222222"
    ]


def test_a_broken_chart_is_a_comparison_error_at_the_name_of_the_branch(world: World) -> None:
    world.deploy()
    world.git.commit(REPOSITORY, BRANCH, {"charts/web/values.yaml": "web: [\n"})
    refresh(world)
    status = document(world, 5)["status"]
    assert status["sync"]["status"] == "Unknown"
    assert status["sync"]["revision"] == BRANCH
    assert status["conditions"][0]["type"] == "ComparisonError"


def test_the_hydrator_writes_another_commit_after_a_while(world: World) -> None:
    world.deploy()
    hydrated = application("dry", source=None)
    hydrated["spec"] = {
        **hydrated["spec"],
        "sourceHydrator": {
            "drySource": {
                "repoURL": f"https://github.com/{REPOSITORY}.git",
                "path": "charts/web",
                "targetRevision": BRANCH,
            },
            "syncSource": {"targetBranch": "env/stage", "path": "web"},
        },
    }
    del hydrated["spec"]["source"]
    found = world.argocd.add_application(hydrated, hydration_seconds=10.0)
    before = found.document()["status"]["sync"]["revision"]
    ours = world.bump()
    found.request_refresh("normal")
    world.clock.sleep(5)
    status = world.argocd.application("dry").document()["status"]
    operation = status["sourceHydrator"]["currentOperation"]
    assert (operation["phase"], operation["drySHA"]) == ("Hydrating", ours)
    assert status["sync"]["revision"] == before
    world.clock.sleep(20)
    status = world.argocd.application("dry").document()["status"]
    operation = status["sourceHydrator"]["currentOperation"]
    assert (operation["phase"], operation["hydratedSHA"]) == (
        "Hydrated",
        status["sync"]["revision"],
    )
    assert status["summary"]["images"] == ["ghcr.io/xiilab/web:web-stage-22222222"]


@pytest.mark.parametrize(
    ("pods", "reason", "health"),
    [
        ("healthy", "Running", "Healthy"),
        ("crash-loop", "CrashLoopBackOff", "Progressing"),
        ("unschedulable", "Pending", "Progressing"),
        ("config-error", "CreateContainerConfigError", "Progressing"),
        ("never-ready", "Running", "Progressing"),
    ],
)
def test_what_becomes_of_new_pods(world: World, pods: str, reason: str, health: str) -> None:
    world.deploy(pods=pods)
    world.bump()
    refresh(world)
    assert document(world, 10)["status"]["health"]["status"] == health
    newest = list(world.argocd.application("web").cluster.pods())[-1]
    assert newest.reason == reason


def test_an_image_that_is_pushed_late_is_pulled_at_last(world: World) -> None:
    world.deploy()
    world.registry.missing.add("xiilab/web:web-stage-22222222")
    world.bump()
    refresh(world)
    assert document(world, 10)["status"]["health"]["status"] == "Progressing"
    world.registry.missing.clear()
    assert document(world, 30)["status"]["health"]["status"] == "Healthy"


def test_a_deployment_gives_up_after_its_deadline(world: World) -> None:
    world.deploy(pods="never-ready", progress_deadline_seconds=60)
    world.bump()
    refresh(world)
    status = document(world, 70)["status"]
    assert status["health"]["status"] == "Degraded"
    assert "exceeded its progress deadline" in status["resources"][0]["health"]["message"]
