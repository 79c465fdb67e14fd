"""Texts from outside (branches, commit messages, files) never act as workflow commands."""

from __future__ import annotations

import json

from astrago_actions.sandbox.act import WorkflowResult
from astrago_actions.sandbox.world import BRANCH, DEPLOYMENT, VALUES_FILE, World
from tests.e2e.conftest import RunSteps
from tests.runner import commands_in

HOSTILE = (
    "x\n::error title=pwned::pwned\n  ::set-output name=pwned::pwned\n"
    "##[error]pwned\r::stop-commands::x"
)
VALUES = """astrago:
  core:
    note: |
      ::error title=pwned::pwned
      ##[error]pwned
    imageTag: "::error title=pwned::##[error]pwned"   # ::error title=pwned::pwned
"""


def check_nothing_obeyed(result: WorkflowResult) -> None:
    for step in result.steps:
        assert [error for error in step.errors if error.startswith("pwned")] == []
        assert "pwned" not in step.outputs
        assert [each for each in commands_in(step.log) if each.name != "add-mask"] == []


def test_a_branch(run_steps: RunSteps) -> None:
    given = {"components": "core", "branch": HOSTILE, "template": "{component}-{branch}"}

    result = run_steps(
        "- uses: xiilab/astrago-actions/build-tag@v1\n"
        "  id: tag\n"
        "  continue-on-error: true\n"
        f"  with: {json.dumps(given)}\n"
        "- run: echo afterwards ::error title=still::understood\n"
        "- run: echo '::error title=still::understood'\n",
        message=HOSTILE,
        payload={"ref": f"refs/heads/{BRANCH}", "head_commit": {"message": HOSTILE}},
    )

    check_nothing_obeyed(result)
    assert result.steps[-1].errors == ("still\nunderstood",)


def test_a_values_file_and_a_commit_message(run_steps: RunSteps, world: World) -> None:
    world.github.commit(DEPLOYMENT, BRANCH, {VALUES_FILE: VALUES.encode()}, HOSTILE)
    given = {
        "repository": DEPLOYMENT,
        "branch": BRANCH,
        "file": VALUES_FILE,
        "key": "astrago.{component}.imageTag",
        "tags": '{"core": "core-stage-0123abcd"}',
        "token": "${{ secrets.DEPLOY_TOKEN }}",
    }

    result = run_steps(
        "- uses: xiilab/astrago-actions/bump-image-tag@v1\n"
        f"  id: bump\n  with: {json.dumps(given)}\n",
        message=HOSTILE,
        payload={"ref": f"refs/heads/{BRANCH}", "head_commit": {"message": HOSTILE}},
        environment=world.runner_environment,
        secrets={"DEPLOY_TOKEN": world.tokens.deploy},
    )

    check_nothing_obeyed(result)
    assert result.step("bump").outputs["changed"] == "true"
    assert "pwned" in result.step("bump").log
    assert world.tokens.deploy not in result.log
