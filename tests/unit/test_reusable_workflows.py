"""The reusable workflows hand on every input of the actions that they wrap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
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


WRAPPED = pytest.mark.parametrize(
    ("name", "action", "address"),
    [
        ("deploy", "pipeline", "xiilab/astrago-actions@"),
        ("rollback", "rollback", "xiilab/astrago-actions/rollback@"),
    ],
)


@WRAPPED
class TestWorkflow:
    def test_hands_on_every_input_of_its_action(self, name: str, action: str, address: str) -> None:
        handed_on = set(step(f"{name}.yml", address)["with"])
        assert handed_on == set(interface(action)["inputs"]) - FROM_THE_RUN

    def test_takes_every_input_of_its_action_as_input_or_secret(
        self, name: str, action: str, address: str
    ) -> None:
        call = called(f"{name}.yml")
        taken = set(call["inputs"]) | set(call["secrets"])
        assert set(interface(action)["inputs"]) - FROM_THE_RUN <= taken

    def test_describes_and_defaults_its_inputs_as_the_action_does(
        self, name: str, action: str, address: str
    ) -> None:
        described = interface(action)["inputs"]
        for given, about in called(f"{name}.yml")["inputs"].items():
            if given in described:
                assert about["description"] == described[given]["description"], given
                assert about.get("default", "") == described[given].get("default", ""), given
                required = described[given].get("required", False)
                assert about.get("required", False) == required, given

    def test_hands_back_every_output_of_its_action(
        self, name: str, action: str, address: str
    ) -> None:
        outputs = called(f"{name}.yml")["outputs"]
        assert set(outputs) == set(interface(action)["outputs"])
        assert set(workflow(f"{name}.yml")["jobs"][name]["outputs"]) == set(outputs)

    def test_takes_no_secret_as_a_plain_input(self, name: str, action: str, address: str) -> None:
        for given in called(f"{name}.yml")["inputs"]:
            assert not given.endswith(("token", "password", "webhook", "secrets")), given
