"""argocd-wait against an Argo CD on loopback, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astrago_actions.actions.argocd_wait import Outputs
from astrago_actions.errors import ActionError, InputErrors, NotFound
from astrago_actions.sandbox.argocd import Policy, Window
from astrago_actions.sandbox.server import (
    Fault,
    LoopbackServer,
    Request,
    Response,
    json_response,
)
from tests.argocd_world import BRANCH, REPOSITORY, TOKEN, World, application

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
    world.registry.missing.add("xiilab/web:web-stage-22222222")
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
    assert "Container main ended with exit code 1 (Error)" in error.detail
    assert "container main, before its last restart" in world.step.log
    assert "no database" in world.step.summaries[0]


def test_a_pod_that_an_earlier_change_left_broken_does_not_explain_this_one(world: World) -> None:
    world.deploy()
    world.registry.missing.add("xiilab/web:web-stage-22222222")
    failure(world, world.bump(), images=IMAGE)
    world.argocd.behave("web", pods="crash-loop", log=("boot", "no database"))
    error = failure(world, world.bump(tag="web-stage-33333333"))
    assert "crashes again and again" in error.title
    assert "CrashLoopBackOff" in error.detail
    assert "ImagePullBackOff" not in error.detail
    assert "no database" in world.step.log


def test_a_failed_hook_is_named_with_its_message(world: World) -> None:
    world.deploy()
    ours = world.bump()
    world.argocd.behave("web", hook="migrate", hook_fails=True, retry_seconds=1.0)
    error = failure(world, ours, images=IMAGE)
    assert (error.exit_code, error.outputs["result"]) == (10, "sync-failed")
    assert "PreSync hook migrate" in error.title
    assert "backoff limit" in error.detail


def test_a_hook_that_fails_again_and_again_is_named_before_the_attempts_are_over(
    world: World,
) -> None:
    """Five attempts of auto-sync take longer than `sync-timeout`."""
    world.deploy()
    world.argocd.behave("web", hook="migrate", hook_fails=True)
    error = failure(world, world.bump(), images=IMAGE)
    assert error.outputs["result"] == "sync-failed"
    assert "PreSync hook migrate: Job has reached the specified backoff limit" in error.title
    assert "Correct what is named above" in error.remedy


def test_a_failed_object_brings_no_log_of_its_healthy_pods(world: World) -> None:
    """Argo CD gives the failed object the phase of a hook, but it is none."""
    world.deploy(log=("all is well",))
    world.argocd.behave("web", sync_failures=9, retry_seconds=1.0)
    error = failure(world, world.bump(), images=IMAGE, timeout="300", sync_timeout="300")
    assert error.outputs["result"] == "sync-failed"
    assert "Deployment web" in error.title
    assert "all is well" not in world.step.log


def test_a_comparison_that_failed_is_not_taken_for_one_of_our_commit(world: World) -> None:
    """Argo CD then names the branch in place of the commit, and the branch holds ours."""
    world.deploy()
    ours = world.bump()
    world.argocd.behave("web", manifest_error="execution error at (web.yaml:1:3): no such key")
    error = failure(world, ours, images=IMAGE)
    assert error.outputs["result"] == "manifest-error"
    assert error.title.endswith("execution error at (web.yaml:1:3): no such key")
    assert error.detail.count("ComparisonError") == 1
    assert "Argo CD sees" not in world.step.log


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("web: app path does not exist", "`path`"),
        ("unable to resolve 'gone' to a commit SHA", "`targetRevision`"),
        ("failed to list refs: authentication required: Repository not found.", "credentials"),
    ],
)
def test_sources_that_cannot_be_read_have_a_next_step_of_their_own(
    world: World, said: str, step: str
) -> None:
    world.deploy(manifest_error=said)
    assert step in failure(world, world.bump(), images=IMAGE).remedy


def test_a_newer_commit_that_contains_ours_counts(world: World) -> None:
    world.deploy()
    ours = world.bump()
    newer = world.git.commit("xiilab/astrago-deployment", "stabilize/1.0", {"README": "more"})
    outputs = world.wait(ours, images=IMAGE)
    assert (outputs.result, outputs.revision) == ("deployed", newer)


def test_without_access_to_the_history_the_images_decide_and_that_is_said(world: World) -> None:
    def refused(_base: str, _head: str) -> str:
        raise NotFound("The repository cannot be seen", "404", "Give `deployment-token`.")

    world.compare = refused
    world.deploy()
    ours = world.bump()
    newer = world.git.commit(REPOSITORY, BRANCH, {"README": "more"})
    outputs = world.wait(ours, images=IMAGE)
    assert (outputs.result, outputs.revision) == ("deployed", newer)
    said = "\n".join(world.step.notices)
    assert "Ancestry cannot be checked: The repository cannot be seen" in said
    assert "the images decided" in said


def test_who_superseded_us_is_asked_of_the_source_that_is_ours(world: World) -> None:
    """Of several sources Argo CD asks the first unless it is told which."""
    world.deploy()
    chart = {"repoURL": "https://github.com/other/charts.git", "path": "x", "targetRevision": "v1"}
    world.git.commit("other/charts", "v1", {"x/x.yaml": "kind: ConfigMap\nmetadata: {name: x}\n"})
    ours_too = application()["spec"]["source"]
    both = application(source=None, sources=[chart, ours_too])
    world.argocd.remove_application("web")
    world.argocd.add_application(both)
    ours = world.bump()
    world.bump(tag="web-stage-33333333")
    outputs = world.wait(ours, images=IMAGE, deployment_repository=REPOSITORY)
    assert outputs.result == "superseded"
    assert world.requests("/metadata", sourceIndex="1") == 1
    assert "ci <ci@example.com>" in "\n".join(world.step.notices)


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


def test_several_applications_are_waited_for_together(world: World) -> None:
    world.deploy("core", rollout_seconds=30.0)
    world.deploy("web", rollout_seconds=40.0)
    ours = world.bump("core", "web")
    images = "ghcr.io/xiilab/core:core-stage-22222222,ghcr.io/xiilab/web:web-stage-22222222"
    outputs = world.wait(ours, application="core, web", images=images)
    assert outputs.result == "deployed"
    assert [each["result"] for each in outputs.applications] == ["deployed", "deployed"]
    assert world.clock.monotonic() < 60
    assert "core: synced at" in world.step.log


def test_the_worst_of_several_results_counts_and_each_failure_has_one_annotation(
    world: World,
) -> None:
    for name in ("core", "web", "batch"):
        world.deploy(name)
    ours = world.bump("core", "web", "batch")
    world.argocd.behave("core", pods="crash-loop")
    world.argocd.behave("web", hook="migrate", hook_fails=True, retry_seconds=1.0)
    error = failure(world, ours, application="core,web,batch")
    assert error.outputs["result"] == "sync-failed"
    assert error.title.startswith("web: ")
    assert [each.title.partition(":")[0] for each in world.step.failures] == ["core"]


def test_an_image_that_no_application_wants_is_not_deployed(world: World) -> None:
    """The bump set a key that no template reads: everything is green and nothing is deployed."""
    world.deploy("core")
    world.deploy("web")
    ours = world.bump("core")
    images = "ghcr.io/xiilab/core:core-stage-22222222,ghcr.io/xiilab/batch:batch-stage-22222222"
    error = failure(world, ours, application="core,web", images=images)
    assert error.outputs["result"] == "manifest-error"
    assert "ghcr.io/xiilab/batch" in error.title


def test_a_selector_finds_the_applications(world: World) -> None:
    world.deploy("core")
    world.deploy("web")
    for name in ("core", "web"):
        world.argocd.application(name).manifest["metadata"]["labels"] = {"team": "a"}
    ours = world.bump("core", "web")
    outputs = world.wait(ours, application="", selector="team=a", expected_count="2")
    assert len(outputs.applications) == 2


def test_too_few_selected_applications_are_a_failure(world: World) -> None:
    world.deploy()
    error = failure(world, world.bump(), application="", selector="team=a", expected_count="2")
    assert (error.exit_code, error.outputs["result"]) == (16, "not-found")
    assert "finds 0 of 2 expected applications" in error.title


def test_selected_applications_that_are_still_being_made_are_awaited(world: World) -> None:
    world.deploy()
    world.clock.at(12, lambda: label(world, "web", team="a"))
    outputs = world.wait(
        world.bump(), application="", selector="team=a", wait_for_application="true"
    )
    assert outputs.result == "deployed"


def label(world: World, name: str, **labels: str) -> None:
    world.argocd.application(name).manifest["metadata"]["labels"] = labels


CHILD = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
"""


def deploy_parent(world: World, **changes: object) -> None:
    """An application whose only object is the application `web`."""
    world.git.commit(REPOSITORY, BRANCH, {"apps/web.yaml": CHILD})
    parent = application("parent", **changes)
    parent["spec"]["source"]["path"] = "apps"
    world.argocd.add_application(parent)


def results(outputs: Outputs) -> dict[object, object]:
    return {each["application"]: each["result"] for each in outputs.applications}


@pytest.mark.parametrize("images", ["", IMAGE])
def test_children_of_an_application_of_applications_are_followed_on_request(
    world: World, images: str
) -> None:
    """The images are the children's: the parent names none in its manifests."""
    world.deploy("web", rollout_seconds=30.0)
    deploy_parent(world)
    outputs = world.wait(world.bump(), application="parent", children="true", images=images)
    assert results(outputs) == {"parent": "no-change", "web": "deployed"}


def test_children_of_another_project_are_followed_too(world: World) -> None:
    world.deploy("web")
    deploy_parent(world, project="platform")
    given = {"application": "parent", "children": "true", "project": "platform"}
    assert results(world.wait(world.bump(), **given))["web"] == "deployed"


def test_children_are_asked_for_again_when_the_server_is_down_for_a_moment(world: World) -> None:
    world.deploy("web")
    deploy_parent(world)
    path = "/api/v1/applications/parent/resource-tree"
    world.server.faults.add(Fault("status", path=path, status=503, times=2))
    outputs = world.wait(world.bump(), application="parent", children="true")
    assert results(outputs) == {"parent": "no-change", "web": "deployed"}


def test_children_that_cannot_be_told_are_no_success(world: World) -> None:
    world.deploy("web")
    deploy_parent(world)
    path = "/api/v1/applications/parent/resource-tree"
    world.server.faults.add(Fault("status", path=path, status=503, times=None))
    error = failure(world, world.bump(), application="parent", children="true")
    assert (error.exit_code, error.outputs["result"]) == (18, "unreachable")
    assert "outcome is unknown" in error.title


def test_selected_applications_of_other_namespaces_are_found_there(world: World) -> None:
    world.deploy()
    elsewhere = application("team")
    elsewhere["metadata"] |= {"namespace": "team-a", "labels": {"team": "a"}}
    elsewhere["spec"]["source"]["path"] = "charts/web"
    world.argocd.add_application(elsewhere)
    outputs = world.wait(world.bump(), application="", selector="team=a", images=IMAGE)
    assert outputs.url.endswith("/applications/team-a/team")


def test_an_application_in_another_namespace(world: World) -> None:
    world.deploy()
    elsewhere = application("team")
    elsewhere["metadata"]["namespace"] = "team-a"
    elsewhere["spec"]["source"]["path"] = "charts/web"
    world.argocd.add_application(elsewhere)
    outputs = world.wait(world.bump(), application="team-a/team", images=IMAGE)
    assert outputs.url.endswith("/applications/team-a/team")
    assert world.step.lines[1].endswith("/applications/team-a/team")


def test_a_window_that_refuses_the_sync_we_ask_for_is_named(world: World) -> None:
    world.deploy()
    by_hand = application("hand", syncPolicy={})
    by_hand["spec"]["source"]["path"] = "charts/web"
    world.argocd.add_application(by_hand, windows=(Window(),))
    with pytest.raises(ActionError) as caught:
        world.wait(
            world.bump(),
            application="hand",
            images=IMAGE,
            sync="if-needed",
            on_sync_window="fail",
        )
    assert caught.value.outputs["result"] == "blocked"
    assert "blocks the sync: deny" in caught.value.title


def test_an_expired_password_session_is_renewed(world: World) -> None:
    world.argocd.add_user("ci", "secret-password", session_seconds=20.0)
    world.deploy(rollout_seconds=60.0)
    outputs = world.wait(world.bump(), token="", username="ci", password="secret-password")
    assert outputs.result == "deployed"
    assert world.requests("/api/v1/session") >= 3
    tokens = set(world.argocd.access.tickets) - {TOKEN}
    assert set(world.step.masked) == {"secret-password", *tokens}


def test_a_token_that_ends_in_mid_wait_leaves_the_outcome_unknown(world: World) -> None:
    token = world.argocd.new_token(seconds=20.0)
    world.deploy(rollout_seconds=60.0)
    error = failure(world, world.bump(), token=token)
    assert (error.exit_code, error.outputs["result"]) == (15, "auth")
    assert "outcome is unknown" in error.title
    assert "expires during the wait" in world.step.warnings[0]
    assert "valid for 20 s more" in world.step.warnings[0]


class Runner:
    """The part of a runner that gives a job its identity."""

    def respond(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer request-token"
        return json_response(200, {"value": f"identity-for-{request.query['audience']}"})


def test_a_job_logs_in_without_any_secret(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.argocd.add_connector("github-actions", "identity-for-argocd", session_seconds=20.0)
    world.deploy(rollout_seconds=60.0)
    with LoopbackServer(Runner()) as runner:
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{runner.url}/?api-version=2.0")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token")
        outputs = world.wait(
            world.bump(), token="", dex_connector="github-actions", oidc_audience="argocd"
        )
    assert outputs.result == "deployed"
    assert world.requests("/api/dex/token") >= 3


def test_a_job_that_may_not_have_an_identity_is_told_what_to_allow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_URL", raising=False)
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", raising=False)
    error = failure(world, "a" * 40, token="", dex_connector="github-actions")
    assert (error.exit_code, error.outputs["result"]) == (15, "auth")
    assert "id-token: write" in error.detail


def test_a_wrong_password_is_told_at_once(world: World) -> None:
    world.deploy()
    error = failure(world, world.bump(), token="", username="ci", password="wrong-password")
    assert error.outputs["result"] == "auth"
    assert "Invalid username or password" in error.detail
    assert world.clock.monotonic() < 2


def test_reading_is_enough_to_wait(world: World) -> None:
    token = world.argocd.new_token((Policy("applications", "get", "default/*"),))
    world.deploy()
    ours = world.bump()
    world.argocd.behave("web", pods="crash-loop")
    error = failure(world, ours, token=token)
    assert error.outputs["result"] == "unhealthy"
    assert "logs, get" in error.detail


def test_both_shapes_of_errors_are_understood() -> None:
    with World(modern_errors=True) as world:
        error = failure(world, "a" * 40)
        assert error.outputs["result"] == "not-found"
        assert "permission denied" in error.detail


def test_argo_cd_below_a_root_path() -> None:
    with World(root_path="/argo-cd") as world:
        world.deploy()
        ours = world.bump()
        outputs = world.wait(ours, server=f"{world.server.url}/argo-cd/")
        assert outputs.url == f"{world.server.url}/argo-cd/applications/argocd/web"
        assert failure(world, ours).outputs["result"] == "config"


def test_headers_for_a_proxy_are_sent_with_every_request(world: World) -> None:
    world.deploy()
    world.wait(world.bump(), headers="X-Gate=open")
    assert {each.request.headers.get("x-gate") for each in world.server.exchanges} == {"open"}


def test_all_wrong_inputs_are_told_at_once_and_nothing_is_sent(world: World) -> None:
    with pytest.raises(InputErrors) as caught:
        world.inputs(
            "ca58a8c3",
            server="argocd.example.com",
            token="",
            application="Not_A_Name, web, web",
            images="{",
            timeout="soon",
            sync="maybe",
            headers="Authorization=x",
            ca_cert="no/such/file.pem",
            deployment_repository="nobody",
            on_failure="panic",
        )
    named = {each.input_name for each in caught.value.mistakes}
    assert named >= {
        *("server", "token", "application", "revision", "images", "timeout", "sync"),
        *("headers", "ca-cert", "deployment-repository", "on-failure"),
    }
    assert world.server.exchanges == []


def test_there_has_to_be_something_to_wait_for(world: World) -> None:
    with pytest.raises(InputErrors) as caught:
        world.inputs("")
    assert "which change is waited for" in str(caught.value)


def test_two_ways_to_log_in_are_a_mistake(world: World) -> None:
    with pytest.raises(InputErrors) as caught:
        world.inputs("a" * 40, username="ci", password="secret")
    assert "two ways to log in" in str(caught.value)


def test_a_cancelled_job_says_where_everything_stands(world: World) -> None:
    def cancel() -> None:
        raise KeyboardInterrupt

    world.deploy(rollout_seconds=100.0)
    ours = world.bump()
    world.clock.at(30, cancel)
    with pytest.raises(KeyboardInterrupt):
        world.wait(ours)
    assert "cancelled while web: rolling out" in world.step.log
    assert [each.result for each in world.context.stages] == ["success", "success", "cancelled"]


def test_a_heartbeat_names_what_is_waited_for(world: World) -> None:
    world.deploy(rollout_seconds=100.0)
    world.wait(world.bump())
    beats = [line for line in world.step.lines if "still waiting" in line]
    assert len(beats) == 3
    assert "9m" in beats[0]
    assert "0 of 2 updated replicas are available" in beats[0]


def test_the_log_has_one_line_per_change(world: World) -> None:
    world.deploy(rollout_seconds=100.0)
    world.wait(world.bump())
    lines = [line for line in world.step.lines if "still waiting" not in line]
    assert len(lines) < 20
    assert len(set(lines)) == len(lines)


def test_the_summary_has_table_and_timeline(world: World) -> None:
    world.deploy()
    world.wait(world.bump(), images=IMAGE)
    summary = world.step.summaries[0]
    assert "| application | result |" in summary
    assert "```mermaid\ngantt\n" in summary
    assert "section web" in summary


def test_secrets_are_masked_and_said_nowhere(world: World) -> None:
    world.deploy()
    world.wait(world.bump(), deployment_token="github_pat_secret")
    assert set(world.step.masked) == {TOKEN, "github_pat_secret"}
    everything = world.step.log + "".join(world.step.summaries + world.step.notices)
    assert TOKEN not in everything


def test_an_awaited_application_is_found_with_its_ancestry(world: World) -> None:
    """The deployment repository is known only when the application is there."""
    world.deploy()
    found = world.argocd.fleet.applications.pop(("argocd", "web"))
    ours = world.bump()
    newer = world.git.commit(REPOSITORY, BRANCH, {"README": "more"})
    back = {("argocd", "web"): found}
    world.clock.at(30, lambda: world.argocd.fleet.applications.update(back))
    outputs = world.wait(ours, wait_for_application="true")
    assert (outputs.result, outputs.revision) == ("deployed", newer)
