"""Each action.yml says what its module does, and its step holds nothing but the launcher."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from types import ModuleType

import pytest

from astrago_actions.__main__ import ACTIONS
from astrago_actions.command_line import ACTION_NAMES, SHELL_INPUTS, holds_secret, interface
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader, Secret
from astrago_actions.workflow_run import WorkflowRun
from tests.conftest import ROOT

SCRIPT = """\
set -euo pipefail
root=$GITHUB_ACTION_PATH
until [[ -f $root/src/astrago_actions/launch.sh || $root != */* ]]; do root=${root%/*}; done
exec bash "$root/src/astrago_actions/launch.sh" NAME
"""
PUSH = WorkflowRun(
    repository="xiilab/astrago-backend",
    sha="0123456789abcdef0123456789abcdef01234567",
    branch="stabilize/1.0",
)
SENSIBLE = {
    "components": "core",
    "image": "ghcr.io/xiilab/astrago-{component}",
    "images": '{"core": "ghcr.io/xiilab/astrago-core:core-stage-01234567"}',
    "tags": '{"core": "core-stage-01234567"}',
}


def module_of(name: str) -> ModuleType:
    """The module behind an action."""
    return importlib.import_module(ACTIONS[name])


class RecordingReader(InputReader):
    """Remembers which inputs it was asked for, and which of them as secrets."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(given)
        self.asked: set[str] = set()
        self.secrets: set[str] = set()
        self.parts: list[tuple[Mapping[str, str], RecordingReader]] = []

    def text(self, name: str, default: str = "") -> str:
        self.asked.add(name)
        return super().text(name, default)

    def secret(self, name: str) -> Secret | None:
        self.secrets.add(name)
        return super().secret(name)

    def secret_mapping(self, name: str) -> dict[str, Secret]:
        self.secrets.add(name)
        return super().secret_mapping(name)

    def part(self, names: Mapping[str, str], known: Mapping[str, str]) -> InputReader:
        part = RecordingReader({**{own: self.text(our) for own, our in names.items()}, **known})
        part.mistakes = self.mistakes
        self.parts.append((names, part))
        return part

    def all_secrets(self) -> set[str]:
        """Names of the secrets, those of parts under the names of the whole."""
        of_parts = (
            {names[each] for each in part.all_secrets() if each in names}
            for names, part in self.parts
        )
        return self.secrets.union(*of_parts)


def readings(name: str) -> list[RecordingReader]:
    """The action's inputs read in many ways: by default, and with each word a description quotes.

    An action may ask for an input only where another has a certain value.
    """
    inputs = interface(name)["inputs"]
    default = {each: str(about.get("default", "")) for each, about in inputs.items()}
    default |= {each: value for each, value in SENSIBLE.items() if each in inputs}
    ways = [default, dict.fromkeys(inputs, "x"), {}]
    for each, about in inputs.items():
        quoted = re.findall(r"`([^`]+)`", about["description"])
        ways += [{**default, each: value} for value in ("x", "true", *quoted)]
    return [reading(name, way) for way in ways]


def reading(name: str, given: Mapping[str, str]) -> RecordingReader:
    """One reading of an action's inputs."""
    reader = RecordingReader(given)
    with suppress(ActionError):
        module_of(name).read(reader, PUSH)
    return reader


def test_every_action_is_known_everywhere() -> None:
    folders = {path.name for path in (ROOT / "actions").iterdir() if path.is_dir()}

    assert set(ACTIONS) == set(ACTION_NAMES) == folders | {"pipeline"}


@pytest.mark.parametrize("name", ACTION_NAMES)
class TestAction:
    def test_is_one_step_that_hands_its_inputs_to_the_launcher(self, name: str) -> None:
        runs = interface(name)["runs"]

        (step,) = runs["steps"]
        assert runs["using"] == "composite"
        assert set(step) == {"id", "name", "shell", "env", "run"}
        assert (step["id"], step["shell"]) == ("run", "bash")
        assert step["env"] == {"INPUTS": "${{ toJSON(inputs) }}"}
        assert step["run"] == SCRIPT.replace("NAME", name)
        assert "${{" not in step["run"]

    def test_is_described_in_sentences(self, name: str) -> None:
        action = interface(name)

        described = {**action["inputs"], **action["outputs"], "the action": action}
        for each, about in described.items():
            text = about["description"].strip()
            assert text.endswith("."), f"{each}: {text}"
            assert text[0].isupper() or not text[0].isalpha(), f"{each}: {text}"

    def test_declares_no_input_twice_in_other_letters(self, name: str) -> None:
        inputs = list(interface(name)["inputs"])

        assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", each) for each in inputs)

    def test_asks_for_nothing_and_defaults_to_nothing_at_once(self, name: str) -> None:
        for each, about in interface(name)["inputs"].items():
            assert set(about) <= {"description", "default", "required", "deprecationMessage"}, each
            assert ("default" in about) != bool(about.get("required")), each
            assert isinstance(about.get("default", ""), str), f"quote the default of {each}"

    def test_puts_out_what_its_module_says(self, name: str) -> None:
        outputs = interface(name)["outputs"]

        declared = [each.name.replace("_", "-") for each in fields(module_of(name).Outputs)]
        assert sorted(outputs) == sorted(declared)
        for each, about in outputs.items():
            assert about["value"] == f"${{{{ steps.run.outputs.{each} }}}}"

    def test_declares_the_inputs_that_its_module_reads(self, name: str) -> None:
        declared = set(interface(name)["inputs"]) | set(SHELL_INPUTS.get(name, {}))

        asked = set[str]().union(*(each.asked for each in readings(name)))
        assert asked == declared

    def test_hands_no_part_what_that_never_reads(self, name: str) -> None:
        asked: dict[int, set[str]] = {}
        handed: dict[int, Mapping[str, str]] = {}
        for each in readings(name):
            for position, (names, part) in enumerate(each.parts):
                handed[position] = names
                asked.setdefault(position, set()).update(part.asked)

        for position, names in handed.items():
            assert set(names) - asked[position] == set()

    def test_names_every_secret_so_that_a_shell_takes_it_from_the_environment(
        self, name: str
    ) -> None:
        inputs = interface(name)["inputs"]

        secrets = set[str]().union(*(each.all_secrets() for each in readings(name)))
        assert secrets == {each for each in inputs if holds_secret(each)}
