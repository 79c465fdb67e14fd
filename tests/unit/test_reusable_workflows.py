"""The reusable workflows hand on every input of the actions that they wrap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from astrago_actions.command_line import interface

ROOT = Path(__file__).parents[2]
# These follow from the run that calls the workflow.
FROM_THE_RUN = {"sha", "base", "spread", "source-token"}


def workflow(name: str) -> dict[str, Any]:
    text = (ROOT / ".github/workflows" / name).read_text(encoding="utf-8")
    parsed: dict[str, Any] = yaml.safe_load(text)
    return parsed


def called(name: str) -> dict[str, Any]:
    # PyYAML reads the key `on` as YAML 1.1's true.
    call: dict[str, Any] = workflow(name)[True]["workflow_call"]  # type: ignore[index]
    return call


def step(name: str, action: str) -> dict[str, Any]:
    jobs = workflow(name)["jobs"].values()
    steps = [each for job in jobs for each in job["steps"]]
    return next(each for each in steps if each.get("uses", "").startswith(action))


def test_deploy_hands_on_every_input_of_the_pipeline() -> None:
    handed_on = set(step("deploy.yml", "xiilab/astrago-actions@")["with"])
    assert handed_on == set(interface("pipeline")["inputs"]) - FROM_THE_RUN


def test_deploy_takes_every_input_of_the_pipeline_as_input_or_secret() -> None:
    call = called("deploy.yml")
    taken = set(call["inputs"]) | set(call["secrets"])
    assert set(interface("pipeline")["inputs"]) - FROM_THE_RUN <= taken


def test_deploy_describes_and_defaults_its_inputs_as_the_pipeline_does() -> None:
    described = interface("pipeline")["inputs"]
    for name, about in called("deploy.yml")["inputs"].items():
        if name in described:
            assert about["description"] == described[name]["description"], name
            assert about.get("default", "") == described[name].get("default", ""), name
            assert about.get("required", False) == described[name].get("required", False), name


def test_deploy_hands_back_every_output_of_the_pipeline() -> None:
    outputs = called("deploy.yml")["outputs"]
    assert set(outputs) == set(interface("pipeline")["outputs"])
    assert set(workflow("deploy.yml")["jobs"]["deploy"]["outputs"]) == set(outputs)


def test_no_secret_is_taken_as_a_plain_input() -> None:
    for name in called("deploy.yml")["inputs"]:
        assert not name.endswith(("token", "password", "webhook", "secrets")), name


def test_rollback_hands_on_what_it_takes() -> None:
    bump = step("rollback.yml", "xiilab/astrago-actions/bump-image-tag@")["with"]
    assert set(bump) <= set(interface("bump-image-tag")["inputs"])
    wait = step("rollback.yml", "xiilab/astrago-actions/argocd-wait@")["with"]
    assert set(wait) <= set(interface("argocd-wait")["inputs"])
