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


def test_the_reusable_workflow_deploys(run_jobs: RunSteps, world: World, place: Workplace) -> None:
    passed = {
        "deployment-token": "${{ secrets.DEPLOY_TOKEN }}",
        "argocd-token": "${{ secrets.ARGOCD_TOKEN }}",
    }

    result = run_jobs(
        "  deploy:\n"
        "    uses: xiilab/astrago-actions/.github/workflows/deploy.yml@v1\n"
        f"    with: {json.dumps(inputs(world, place))}\n"
        f"    secrets: {json.dumps(passed)}\n",
        repository="xiilab/astrago-frontend",
        environment=world.runner_environment,
        secrets=secrets(world),
    )

    check_deployed(world, result)
