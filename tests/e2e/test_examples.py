"""The examples are what a team would copy: short, clean, and buildable without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from astrago_actions.sandbox.consumer_tree import source_root
from astrago_actions.sandbox.world import VALUES_FILE

EXAMPLES = source_root() / "examples"
WORKFLOWS = sorted(EXAMPLES.glob("*/.github/workflows/*.yml"))
DOCKERFILES = sorted([*EXAMPLES.glob("*/Dockerfile"), *EXAMPLES.glob("*/*/Dockerfile")])


def findings(program: str, *arguments: object) -> str:
    """What a linter prints when it finds something; empty when it does not."""
    command = [str(Path(sys.executable).parent / program), *map(str, arguments)]
    done = subprocess.run(command, cwd=source_root(), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: f"{path.parts[-4]} {path.stem}")
def test_a_workflow_is_thin(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    (job,) = yaml.safe_load(text)["jobs"].values()

    assert len(text.splitlines()) <= 60
    assert [step["run"] for step in job["steps"] if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("example", ["astrago-backend", "astrago-frontend"])
def test_the_preflight_asks_about_what_the_pipeline_uses(example: str) -> None:
    folder = EXAMPLES / example / ".github/workflows"
    pipeline, preflight = (
        next(iter(yaml.safe_load((folder / name).read_text(encoding="utf-8"))["jobs"].values()))
        for name in ("ci-cd.yml", "preflight.yml")
    )
    given = {
        name: value
        for step in pipeline["steps"]
        if step.get("uses", "").startswith("xiilab/astrago-actions")
        for name, value in step["with"].items()
    }
    asked = preflight["steps"][0]["with"]

    assert preflight["permissions"] == pipeline["permissions"]
    same = ("components", "image", "file", "key", "application", "deployment-repository")
    assert {name: asked[name] for name in same} == {name: given[name] for name in same}
    assert asked["deployment-branch"] == given["branch"]
    assert asked["argocd-server"] == given["server"]
    assert asked["deployment-token"] == given["deployment-token"]


def test_the_linters_find_nothing() -> None:
    assert len(WORKFLOWS) == 6
    assert len(DOCKERFILES) == 4
    assert findings("actionlint", *WORKFLOWS) == ""
    assert findings("zizmor", "--offline", "--pedantic", "--quiet", "examples") == ""
    assert findings("hadolint", *DOCKERFILES) == ""
    assert findings("shellcheck", EXAMPLES / "astrago-backend/build.sh") == ""


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_an_image_builds_where_nothing_can_be_pulled_and_runs_as_nobody(dockerfile: Path) -> None:
    lines = dockerfile.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line.startswith("# syntax=") or "--mount" in line] == []
    assert [line for line in lines if line.startswith("FROM") and "${" not in line] == []
    assert [line for line in lines if line.startswith("USER")][-1].split()[1].split(":")[0] != "0"


def test_the_values_are_such_that_a_formatter_would_spoil_them() -> None:
    values = (EXAMPLES / "astrago-deployment" / VALUES_FILE).read_text(encoding="utf-8")

    assert not values.endswith("\n")
    assert 'imageTag: "core-stage-ca58a8c3"      # 코어' in values
