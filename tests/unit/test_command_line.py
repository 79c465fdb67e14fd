from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from astrago_actions.__main__ import main
from astrago_actions.command_line import (
    ACTION_NAMES,
    holds_secret,
    interface,
    run_command,
    secret_variable,
)
from tests.conftest import ROOT

SHA = "0123456789abcdef0123456789abcdef01234567"
BUILD_TAG = ["build-tag", "--components", "core", "--environment", "stage", "--sha", SHA]


@pytest.fixture(autouse=True)
def outside_a_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "RUNNER_", "ASTRAGO_")):
            monkeypatch.delenv(name)


def test_outputs_are_json_on_standard_output_and_progress_is_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(BUILD_TAG)

    printed = capsys.readouterr()
    assert code == 0
    assert json.loads(printed.out)["tags"] == {"core": "core-stage-01234567"}
    assert printed.err == "core: core-stage-01234567\n"


def test_wrong_flags_are_told_together_and_the_exit_code_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["build-tag", "--components", "Core", "--template", "{x}"])

    printed = capsys.readouterr()
    assert (code, printed.out) == (1, "")
    assert "`components`: `Core` is not a component name" in printed.err
    assert "`sha`: is required outside a workflow run" in printed.err
    assert "Traceback" not in printed.err


def test_defaults_are_those_of_the_action(capsys: pytest.CaptureFixture[str]) -> None:
    main(["build-tag", "--components", "core", "--branch", "stabilize/1.0", "--sha", SHA])

    assert json.loads(capsys.readouterr().out)["tag"] == "core-stage-01234567"


@pytest.mark.parametrize("arguments", [[], ["deploy"], [*BUILD_TAG, "--compo", "x"]])
def test_what_is_not_known_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        run_command(arguments)

    assert left.value.code == 2
    assert "usage: astrago-actions" in capsys.readouterr().err


class TestSecrets:
    @pytest.mark.parametrize(
        ("input_name", "secret"),
        [
            *(("token", True), ("deploy-token", True), ("password", True)),
            *(("argocd-password", True), ("slack-webhook", True), ("secrets", True)),
            *(("headers", True), ("otlp-headers", True), ("username", False)),
            *(("tokens-used", False), ("ca-cert", False), ("tags", False)),
        ],
    )
    def test_are_told_by_their_names(self, input_name: str, secret: bool) -> None:
        assert holds_secret(input_name) is secret

    def test_have_a_variable_each(self) -> None:
        assert secret_variable("deployment-token") == "ASTRAGO_DEPLOYMENT_TOKEN"

    @pytest.mark.parametrize("flag", [["--token", "hunter22"], ["--token=hunter22"], ["--token"]])
    def test_are_refused_as_flags_and_never_repeated(
        self, flag: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as left:
            run_command(["bump-image-tag", *flag])

        assert left.value.code == 2
        said = capsys.readouterr().err
        assert "--token is no flag: put the secret into ASTRAGO_TOKEN" in said
        assert "hunter22" not in said

    def test_come_from_the_environment_and_leave_it(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("ASTRAGO_TOKEN", "hunter22")

        code = main(["bump-image-tag", "--repository", "hunter22"])

        said = capsys.readouterr().err
        assert code == 1
        assert "`token`" not in said
        assert "hunter22" not in said
        assert "ASTRAGO_TOKEN" not in os.environ

    def test_that_are_missing_are_named_with_their_variables(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(["bump-image-tag", "--repository", "a/b"])

        assert "`token` is the environment variable ASTRAGO_TOKEN" in capsys.readouterr().err

    def test_are_described_with_their_variables(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            run_command(["bump-image-tag", "--help"])

        shown = capsys.readouterr().out
        assert "--token" not in shown
        assert "ASTRAGO_TOKEN\n" in shown


def test_a_switch_needs_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    main(["bump-image-tag", "--dry-run", "--repository", "x"])
    main(["bump-image-tag", "--dry-run=maybe"])

    first, second = capsys.readouterr().err.split("error: ")[1:]
    assert "`dry-run`" not in first
    assert "`dry-run`: must be true or false; it is `maybe`" in second


def test_a_checkout_is_a_matter_of_the_shell_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert "path" not in interface("bump-image-tag")["inputs"]
    with pytest.raises(SystemExit):
        run_command(["bump-image-tag", "--help"])

    assert "--path VALUE" in capsys.readouterr().out


@pytest.mark.parametrize("name", ACTION_NAMES)
def test_help_names_every_input(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run_command([name, "--help"])

    shown = capsys.readouterr().out
    assert left.value.code == 0
    for input_name in interface(name)["inputs"]:
        shown_as = secret_variable(input_name) if holds_secret(input_name) else f"--{input_name}"
        assert shown_as in shown
    assert "${{" not in shown.replace("`${{", "")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_command(["--help"])

    shown = capsys.readouterr().out
    listed = {line.split()[0] for line in shown.splitlines() if line.startswith("    ")}
    assert {*ACTION_NAMES, "sandbox", "demo"} <= listed


def test_an_installed_package_brings_its_interfaces_along(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src/astrago_actions", tmp_path / "lib/site/astrago_actions")
    (tmp_path / "lib/site/astrago_actions/interfaces").mkdir()
    shutil.copy(
        ROOT / "actions/build-tag/action.yml",
        tmp_path / "lib/site/astrago_actions/interfaces/build-tag.yml",
    )

    done = subprocess.run(
        [sys.executable, "-m", "astrago_actions", *BUILD_TAG],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "lib/site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert json.loads(done.stdout)["tag"] == "core-stage-01234567"


@pytest.mark.parametrize("command", [["demo"], ["sandbox", "--examples"]])
def test_what_needs_the_examples_says_so_where_the_package_is_installed_alone(
    command: list[str], tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "src/astrago_actions", tmp_path / "lib/site/astrago_actions")

    done = subprocess.run(
        [sys.executable, "-m", "astrago_actions", *command],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "lib/site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "This needs a checkout of astrago-actions" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_whose_packages_are_not_installed_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [each for each in sys.modules if each.startswith("astrago_actions.sandbox")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "dulwich", None)
    monkeypatch.setitem(sys.modules, "dulwich.file", None)

    assert run_command(["sandbox"]) == 1

    told = capsys.readouterr().err
    assert "The sandbox is not installed" in told
    assert "`dulwich" in told


@pytest.mark.parametrize("name", ACTION_NAMES)
def test_the_wheel_takes_every_interface(name: str) -> None:
    source = "action.yml" if name == "pipeline" else f"actions/{name}/action.yml"

    configuration = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert f'"{source}" = "astrago_actions/interfaces/{name}.yml"' in configuration
