"""What happens around an action: its inputs arrive, its outputs leave, its failures are told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest

from astrago_actions import __main__ as entry
from astrago_actions.__main__ import main, run_action, run_as_step
from astrago_actions.clients.stage_file import read_stages
from astrago_actions.step import RunnerStep
from tests.runner import RunnerFiles, commands_in

SHA = "0123456789abcdef0123456789abcdef01234567"
INPUTS = {"components": "core", "environment": "stage", "sha": SHA}

MakeAction = Callable[[str], str]


@pytest.fixture(autouse=True)
def outside_a_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "RUNNER_", "INPUT")):
            monkeypatch.delenv(name)


@pytest.fixture
def make_action(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeAction:
    """Make an action of our own whose `run` has this body; returns its name."""

    def make(body: str) -> str:
        name = f"action_{abs(hash(body))}"
        text = "\n".join(
            [
                "from dataclasses import dataclass",
                "from astrago_actions.errors import ActionError",
                "@dataclass(frozen=True)",
                "class Outputs:",
                "    exit_word: str",
                "def read(given, run):",
                "    return given.secret('token')",
                "def run(inputs, context):",
                indent(dedent(body), "    "),
            ]
        )
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setitem(entry.ACTIONS, name, name)
        return name

    return make


def test_outputs_are_written_under_their_kebab_case_names(
    make_action: MakeAction, runner_files: RunnerFiles
) -> None:
    name = make_action("return Outputs(exit_word='bye')")

    assert run_action(name, {}, RunnerStep()) == 0
    assert runner_files.outputs() == {"exit-word": "bye"}


def test_a_failure_is_told_once_and_what_is_known_is_still_an_output(
    make_action: MakeAction, runner_files: RunnerFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    name = make_action(
        "raise ActionError('It failed', 'why', 'what next', exit_code=3, outputs={'url': 'u'})"
    )

    assert run_action(name, {}, RunnerStep()) == 3
    errors = [each for each in commands_in(capsys.readouterr().out) if each.name == "error"]
    assert [each.properties["title"] for each in errors] == ["It failed"]
    assert runner_files.outputs() == {"url": "u"}


def test_wrong_inputs_are_told_together_and_nothing_runs(
    runner_files: RunnerFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_action("build-tag", {"components": "Core", "template": "{x}"}, RunnerStep())

    printed = capsys.readouterr().out
    assert code == 1
    assert "- `components`: `Core` is not a component name" in printed.replace("%0A", "\n")
    assert "- `sha`: is required outside a workflow run" in printed.replace("%0A", "\n")
    assert "Traceback" not in printed
    assert runner_files.outputs() == {}


class TestUnexpected:
    BODY = "raise KeyError('hunter22 ::warning::x')"

    def test_failure_is_named_without_a_traceback(
        self, make_action: MakeAction, capsys: pytest.CaptureFixture[str]
    ) -> None:
        name = make_action(self.BODY)

        assert run_action(name, {}, RunnerStep()) == 1
        printed = capsys.readouterr().out
        assert f"title={name} stopped on an unexpected KeyError" in printed
        assert "Traceback" not in printed

    def test_failure_has_a_traceback_on_request_without_secrets_and_commands(
        self,
        make_action: MakeAction,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("RUNNER_DEBUG", "1")

        run_action(make_action(self.BODY), {"token": "hunter22"}, RunnerStep())

        printed = capsys.readouterr().out
        assert "Traceback" in printed
        names = [each.name for each in commands_in(printed)]
        assert names == ["add-mask", "error"]
        assert printed.count("hunter22") == 1

    def test_missing_package_is_told_like_any_failure(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(entry.ACTIONS, "gone", "no_such_module")

        assert run_action("gone", {}, RunnerStep()) == 1
        assert "unexpected ModuleNotFoundError" in capsys.readouterr().out


class TestStages:
    def test_are_kept_for_a_later_step_also_of_a_failure(
        self, make_action: MakeAction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
        name = make_action(
            """
            with context.stage('build'):
                raise ActionError('It failed', 'why', 'what next')
            """
        )

        run_action(name, {}, RunnerStep())

        assert [(each.name, each.result) for each in read_stages(tmp_path)] == [
            ("build", "failure")
        ]

    def test_that_cannot_be_kept_fail_nothing(
        self,
        make_action: MakeAction,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("RUNNER_TEMP", str(tmp_path / "none"))
        name = make_action("context.stage('x').__enter__()\nreturn Outputs('y')")

        assert run_action(name, INPUTS, RunnerStep()) == 0
        assert run_action("build-tag", INPUTS, RunnerStep()) == 0
        assert "times of this step are not kept" in capsys.readouterr().out


class TestCancelled:
    def test_is_one_line_and_the_usual_exit_code(
        self,
        make_action: MakeAction,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
        name = make_action(
            """
            with context.stage('wait'):
                raise KeyboardInterrupt
            """
        )

        assert run_action(name, {}, RunnerStep()) == 130
        assert capsys.readouterr().out == f"{name} was cancelled.\n"
        assert [each.result for each in read_stages(tmp_path)] == ["cancelled"]

    @pytest.mark.parametrize(
        ("signal_number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
    )
    def test_by_a_signal_lets_the_action_tidy_up(
        self,
        tmp_path: Path,
        repository_root: Path,
        signal_number: signal.Signals,
        exit_code: int,
    ) -> None:
        (tmp_path / "waiting.py").write_text(
            "import time\n"
            "def read(given, run): ...\n"
            "def run(inputs, context):\n"
            "    try:\n"
            "        context.step.info('started')\n"
            "        time.sleep(20)\n"
            "    finally:\n"
            "        context.step.info('tidied up')\n"
        )
        program = (
            "import sys\n"
            "from astrago_actions import __main__ as entry\n"
            "entry.ACTIONS['waiting'] = 'waiting'\n"
            "sys.exit(entry.run_as_step('waiting', '{}'))\n"
        )
        environment = {**os.environ, "PYTHONPATH": f"{repository_root / 'src'}:{tmp_path}"}
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"

        process.send_signal(signal_number)

        assert process.stdout.read() == "tidied up\nwaiting was cancelled.\n"
        assert process.wait() == exit_code


class TestAsAStep:
    def test_inputs_leave_the_environment(
        self, runner_files: RunnerFiles, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INPUTS", json.dumps(INPUTS))

        assert run_as_step("build-tag") == 0
        assert "INPUTS" not in os.environ
        assert runner_files.outputs()["tag"] == "core-stage-01234567"

    def test_inputs_of_other_runners_need_not_be_strings(
        self, make_action: MakeAction, runner_files: RunnerFiles
    ) -> None:
        name = make_action("return Outputs(str(inputs))")

        assert run_as_step(name, '{"token": null, "dry-run": true, "n": 5, "l": ["a"]}') == 0
        assert runner_files.outputs() == {"exit-word": "None"}

    @pytest.mark.parametrize("text", ["{", "[]", "x", "1"])
    def test_inputs_that_are_no_json_object_are_told(
        self, text: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run_as_step("build-tag", text) == 1
        assert "::error title=The inputs did not arrive::" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "exit_code"),
    [
        (f"entry.main(['build-tag', '--components=a', '--sha={SHA}', '--environment=b'])", 0),
        ("entry.main(['build-tag', '--help'])", 0),
        ("command_line.run_command = lambda _: print('x' * 100_000); entry.main([])", 141),
    ],
)
def test_the_command_line_ends_quietly_when_its_reader_has_gone(
    repository_root: Path, body: str, exit_code: int
) -> None:
    program = (
        "import sys; from astrago_actions import command_line, __main__ as entry; "
        + body.replace("entry.main(", "sys.exit(entry.main(")
        + ")"
    )
    reading_end, writing_end = os.pipe()
    os.close(reading_end)

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(repository_root / "src")},
        stdout=writing_end,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    os.close(writing_end)
    assert done.returncode == exit_code
    assert done.stderr in ("", "a: a-b-01234567\n")


@pytest.mark.parametrize(
    ("signal_number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_command_that_is_cancelled_says_so_in_one_line(
    repository_root: Path, signal_number: signal.Signals, exit_code: int
) -> None:
    program = (
        "import sys, time; from astrago_actions import command_line, __main__ as entry; "
        "command_line.run_command = lambda _: print('started') or time.sleep(20); "
        "sys.exit(entry.main([]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(repository_root / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"

    process.send_signal(signal_number)

    assert process.communicate(timeout=30)[1] == "Cancelled.\n"
    assert process.returncode == exit_code


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])

    assert left.value.code == 0
    assert capsys.readouterr().out.count(".") == 2
