"""argocd-wait against a real Argo CD; `make argocd` builds what this needs and runs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from astrago_actions.actions.argocd_wait import Outputs
from astrago_actions.errors import ActionError
from astrago_actions.sandbox.world import BRANCH, DEPLOYMENT
from bench.real_argocd.argocd import PASSWORD
from bench.real_argocd.world import DEPLOYMENT_TEMPLATE, HOOK, RealWorld
from tests.recording_step import RecordingStep

Wait = Callable[..., Outputs]
Fails = Callable[..., ActionError]

BY_HAND: dict[str, Any] = {"syncPolicy": {}}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWorld]:
    with RealWorld(tmp_path_factory.mktemp("real-argocd")) as world:
        yield world


@pytest.fixture
def step() -> RecordingStep:
    return RecordingStep()


@pytest.fixture
def wait(world: RealWorld, step: RecordingStep) -> Wait:
    return partial(world.wait, step)


@pytest.fixture
def fails(wait: Wait) -> Fails:
    """Wait, and give the error that it ends with."""

    def waits_in_vain(name: str, revision: str, **given: str) -> ActionError:
        with pytest.raises(ActionError) as caught:
            wait(name, revision, **given)
        return caught.value

    return waits_in_vain


def result(error: ActionError) -> Any:
    return error.outputs.get("result")


def test_a_change_is_deployed(world: RealWorld, wait: Wait) -> None:
    world.deploy("deployed", "v1")
    revision = world.bump("deployed", "v2")
    outputs = wait("deployed", revision, images="ghcr.io/xiilab/deployed:v2")
    assert (outputs.result, outputs.revision) == ("deployed", revision)


def test_a_newer_change_supersedes_ours(world: RealWorld, wait: Wait) -> None:
    world.deploy("superseded", "v1")
    ours = world.bump("superseded", "v2")
    newer = world.bump("superseded", "v3")
    outputs = wait("superseded", ours, images="ghcr.io/xiilab/superseded:v2")
    assert (outputs.result, outputs.superseded_by) == ("superseded", newer)


def test_a_commit_that_changes_nothing_here_is_no_change(world: RealWorld, wait: Wait) -> None:
    world.deploy("unchanged", "v1")
    revision = world.commit({"README.md": "other words\n"})
    assert wait("unchanged", revision).result == "no-change"


def test_manifests_that_cannot_be_made_are_told_with_their_error(
    world: RealWorld, step: RecordingStep, fails: Fails
) -> None:
    world.deploy("broken", "v1")
    revision = world.commit({"broken/templates/broken.yaml": "{{ fail `no such key` }}\n"})
    error = fails("broken", revision)
    assert result(error) == "manifest-error"
    assert error.title.endswith("no such key")
    assert "Argo CD sees" not in step.log


def test_an_image_that_cannot_be_pulled_fails_early(
    world: RealWorld, step: RecordingStep, fails: Fails
) -> None:
    world.deploy("pull", "v1")
    revision = world.bump("pull", "v2-missing")
    error = fails("pull", revision, images="ghcr.io/xiilab/pull:v2-missing")
    assert result(error) == "unhealthy"
    assert "not found" in f"{error.detail}{step.log}"


def test_a_crash_loop_fails_early_with_the_log(
    world: RealWorld, step: RecordingStep, fails: Fails
) -> None:
    world.deploy("crash", "v1")
    revision = world.bump("crash", "v2-crash")
    error = fails("crash", revision, images="ghcr.io/xiilab/crash:v2-crash")
    assert result(error) == "unhealthy"
    assert "cannot connect to the database" in step.log


def test_without_autosync_never_is_told_at_once(world: RealWorld, fails: Fails) -> None:
    revision = world.deploy("never", "v1", **BY_HAND)
    error = fails("never", revision, sync="never")
    assert result(error) == "config"


def test_without_autosync_if_needed_syncs(world: RealWorld, wait: Wait) -> None:
    revision = world.deploy("needed", "v1", **BY_HAND)
    assert wait("needed", revision, sync="if-needed").result == "deployed"


@pytest.mark.parametrize("sync", ["auto", "if-needed"])
def test_a_sync_window_blocks(world: RealWorld, sync: str, fails: Fails) -> None:
    denied = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}
    name = f"window-{sync}"
    world.argocd.add_project(name, syncWindows=[denied])
    spec: dict[str, Any] = {"project": name} | ({} if sync == "auto" else BY_HAND)
    revision = world.begin(name, "v1", **spec)
    error = fails(name, revision, sync=sync, on_sync_window="fail")
    assert result(error) == "blocked"
    assert "deny" in error.title


@pytest.mark.parametrize(("project", "status"), [("", "403"), ("default", "404")])
def test_a_missing_application_is_told(project: str, status: str, fails: Fails) -> None:
    error = fails("gone", "a" * 40, project=project)
    assert (result(error), status in error.detail) == ("not-found", True)


@pytest.mark.parametrize("token", ["nonsense", "a.b.c"])
def test_a_wrong_token_is_told(token: str, fails: Fails) -> None:
    assert result(fails("deployed", "a" * 40, token=token)) == "auth"


def test_a_wrong_password_is_told(fails: Fails) -> None:
    error = fails("deployed", "a" * 40, token="", username="ci", password="wrong")
    assert result(error) == "auth"
    assert "Invalid username or password" in error.detail


def test_a_password_logs_in(world: RealWorld, wait: Wait) -> None:
    revision = world.deploy("password", "v1")
    outputs = wait("password", revision, token="", username="ci", password=PASSWORD)
    assert outputs.result in {"deployed", "no-change"}


def test_a_wrong_root_path_is_told(world: RealWorld, fails: Fails) -> None:
    error = fails("deployed", "a" * 40, server=f"{world.argocd.url}/argo-cd")
    assert result(error) == "config"


def test_a_failed_hook_is_named_with_its_log(
    world: RealWorld, step: RecordingStep, fails: Fails
) -> None:
    world.deploy("hook", "v1", {"templates/hook.yaml": HOOK})
    revision = world.bump("hook", "v2-fails")
    error = fails("hook", revision)
    assert result(error) == "sync-failed"
    assert "PreSync hook" in error.title
    assert "cannot connect to the database" in step.log


@pytest.mark.parametrize("refresh", ["normal", "hard"])
def test_every_kind_of_refresh_ends(world: RealWorld, refresh: str, wait: Wait) -> None:
    world.deploy(f"refresh-{refresh}", "v1")
    revision = world.bump(f"refresh-{refresh}", "v2")
    assert wait(f"refresh-{refresh}", revision, refresh=refresh).result == "deployed"


def test_a_change_of_two_sources_is_deployed(world: RealWorld, wait: Wait) -> None:
    chart = {"repoURL": world.repository, "path": "two", "targetRevision": BRANCH}
    values = {"repoURL": world.repository, "targetRevision": BRANCH, "ref": "values"}
    helm = {"helm": {"valueFiles": ["$values/two/values.yaml"]}}
    world.deploy("two", "v1", source=None, sources=[{**chart, **helm}, values])
    revision = world.bump("two", "v2")
    assert wait("two", revision, images="ghcr.io/xiilab/two:v2").result == "deployed"


def test_an_object_that_cannot_be_applied_is_named(
    world: RealWorld, step: RecordingStep, fails: Fails
) -> None:
    world.deploy("immutable", "v1", syncPolicy={"automated": {}, "retry": {"limit": 0}})
    changed = DEPLOYMENT_TEMPLATE.replace("NAME", "immutable").replace(
        "matchLabels: {app: immutable}", "matchLabels: {app: other}"
    )
    revision = world.commit({"immutable/templates/deployment.yaml": changed})
    error = fails("immutable", revision)
    assert result(error) == "sync-failed"
    assert "Deployment immutable" in error.title
    assert "log lines" not in step.log


def test_an_application_that_vanishes_is_told(world: RealWorld, fails: Fails) -> None:
    world.deploy("vanishing", "v1")
    revision = world.bump("vanishing", "v2-unready")
    timer = threading.Timer(6.0, world.argocd.remove_application, ("vanishing",))
    timer.start()
    assert result(fails("vanishing", revision)) == "not-found"


def test_without_the_stream_the_same_is_found(world: RealWorld, wait: Wait) -> None:
    world.deploy("polled", "v1")
    revision = world.bump("polled", "v2")
    assert wait("polled", revision, event_stream="false").result == "deployed"


def test_a_change_that_fails_is_taken_back(world: RealWorld, fails: Fails) -> None:
    world.deploy("taken-back", "v1")
    revision = world.bump_by_action(RecordingStep(), "taken-back", "v2-crash")
    error = fails(
        "taken-back",
        revision,
        images="ghcr.io/xiilab/taken-back:v2-crash",
        on_failure="rollback",
        branch=BRANCH,
        deployment_repository=DEPLOYMENT,
        deployment_token=world.github.tokens.deploy,
    )
    assert (result(error), error.outputs["rollback-result"]) == ("unhealthy", "deployed")
