"""The whole pipeline as one step, and as a reusable workflow."""

from __future__ import annotations

import json

from astrago_actions.sandbox.act import WorkflowResult
from astrago_actions.sandbox.scenario import Workplace
from astrago_actions.sandbox.world import APPLICATION, BRANCH, DEPLOYMENT, VALUES_FILE, World
from tests.e2e.conftest import RunSteps


def inputs(world: World, place: Workplace) -> dict[str, str]:
    return {
        "components": "frontend",
        "image": f"{world.registry_host}/xiilab/astrago-frontend",
        "archive": place.variables["IMAGE_ARCHIVE"],
        "deployment-repository": DEPLOYMENT,
        "deployment-branch": BRANCH,
        "file": VALUES_FILE,
        "key": "astrago.{component}.imageTag",
        "argocd-server": world.argocd_server.url,
        "application": APPLICATION,
        "settle": "0",
    }


def secrets(world: World) -> dict[str, str]:
    return {
        "GITHUB_TOKEN": world.tokens.job,
        "DEPLOY_TOKEN": world.tokens.deploy,
        "ARGOCD_TOKEN": world.tokens.argocd,
    }


def check_deployed(world: World, result: WorkflowResult) -> None:
    assert result.succeeded, result.trouble + result.log
    values = world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE).decode()
    (tag,) = [line.split('"')[1] for line in values.splitlines() if "frontend-stage-" in line]
    image = f"{world.registry_host}/xiilab/astrago-frontend:{tag}"
    assert world.digest_of(image)
    status = world.argocd.application(APPLICATION).document()["status"]
    assert image in status["summary"]["images"]
    assert status["sync"]["revision"] == world.github.head(DEPLOYMENT, BRANCH)
    assert status["health"]["status"] == "Healthy"


def test_the_root_action_deploys(run_steps: RunSteps, world: World, place: Workplace) -> None:
    given = {
        **inputs(world, place),
        "registry-token": "${{ github.token }}",
        "deployment-token": "${{ secrets.DEPLOY_TOKEN }}",
        "argocd-token": "${{ secrets.ARGOCD_TOKEN }}",
    }

    result = run_steps(
        "- uses: actions/checkout@v4\n"
        f"- uses: xiilab/astrago-actions@v1\n  id: deploy\n  with: {json.dumps(given)}\n",
        repository="xiilab/astrago-frontend",
        environment=world.runner_environment,
        secrets=secrets(world),
    )

    check_deployed(world, result)
    outputs = result.step("deploy").outputs
    assert outputs["commit-sha"] == world.github.head(DEPLOYMENT, BRANCH)
    assert json.loads(outputs["digests"])["frontend"].startswith("sha256:")


def test_a_failing_part_names_the_inputs_of_the_whole_and_what_is_known_is_kept(
    run_steps: RunSteps, world: World, place: Workplace
) -> None:
    given = {
        **inputs(world, place),
        "registry-token": "${{ github.token }}",
        "deployment-token": "${{ secrets.DEPLOY_TOKEN }}",
        "argocd-token": "${{ secrets.ARGOCD_TOKEN }}",
        "deployment-branch": "stabilise/1.0",
    }

    result = run_steps(
        "- uses: actions/checkout@v4\n"
        f"- uses: xiilab/astrago-actions@v1\n  id: deploy\n  with: {json.dumps(given)}\n",
        repository="xiilab/astrago-frontend",
        environment=world.runner_environment,
        secrets=secrets(world),
    )

    assert not result.succeeded
    step = result.step("deploy")
    (error,) = step.errors
    assert "Correct the input `deployment-branch`" in error
    assert json.loads(step.outputs["digests"])["frontend"].startswith("sha256:")


def test_a_dry_run_changes_nothing_and_reports_no_deploy(
    run_steps: RunSteps, world: World, place: Workplace
) -> None:
    head = world.github.head(DEPLOYMENT, BRANCH)
    given = {
        **inputs(world, place),
        "dry-run": "true",
        "registry-token": "${{ github.token }}",
        "deployment-token": "${{ secrets.DEPLOY_TOKEN }}",
        "argocd-token": "${{ secrets.ARGOCD_TOKEN }}",
    }

    result = run_steps(
        f"- uses: xiilab/astrago-actions@v1\n  id: deploy\n  with: {json.dumps(given)}\n",
        repository="xiilab/astrago-frontend",
        environment=world.runner_environment,
        secrets=secrets(world),
    )

    assert result.succeeded, result.trouble + result.log
    assert result.step("deploy").outputs["result"] == "dry-run"
    assert world.github.head(DEPLOYMENT, BRANCH) == head
    assert "Bumped" not in result.log
    assert "Pipeline:" not in result.step("deploy").summary


def test_the_reusable_workflows_deploy_and_roll_back(
    run_jobs: RunSteps, world: World, place: Workplace
) -> None:
    values = world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE)
    asked = inputs(world, place)
    surroundings = {
        "repository": "xiilab/astrago-frontend",
        "environment": world.runner_environment,
        "secrets": secrets(world),
    }

    deployed = run_jobs(reusable("deploy", asked), **surroundings)

    check_deployed(world, deployed)
    assert world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE) != values
    same = ("components", "file", "key", "argocd-server", "application")
    wanted = {name: value for name, value in asked.items() if name in same}
    wanted |= {"deployment-repository": DEPLOYMENT, "deployment-branch": BRANCH}

    rolled_back = run_jobs(
        reusable("rollback", {**wanted, "to-before": "previous"}), **surroundings
    )

    assert rolled_back.succeeded, rolled_back.trouble + rolled_back.log
    assert world.github.read(DEPLOYMENT, BRANCH, VALUES_FILE) == values
    assert "Rollback-Of: " in world.github.message(DEPLOYMENT, BRANCH)
    status = world.argocd.application(APPLICATION).document()["status"]
    assert status["sync"]["revision"] == world.github.head(DEPLOYMENT, BRANCH)


def reusable(name: str, given: dict[str, str]) -> str:
    passed = {
        "deployment-token": "${{ secrets.DEPLOY_TOKEN }}",
        "argocd-token": "${{ secrets.ARGOCD_TOKEN }}",
    }
    return (
        f"  {name}:\n"
        f"    uses: xiilab/astrago-actions/.github/workflows/{name}.yml@v1\n"
        f"    with: {json.dumps(given)}\n"
        f"    secrets: {json.dumps(passed)}\n"
    )
