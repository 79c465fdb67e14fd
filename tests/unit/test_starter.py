"""`astrago-actions init`: workflows that linters like, and nothing lost that was there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, strategies
from hypothesis import given as given_any

from astrago_actions.command_line import interface, run_command
from astrago_actions.errors import InputErrors
from astrago_actions.starter.command import read_service
from astrago_actions.starter.workflows import CHECKOUT, as_yaml, workflows
from tests.conftest import ROOT

SHA = "0123456789abcdef0123456789abcdef01234567"
FLAGS = {
    "components": "core, batch, monitor",
    "image": "ghcr.io/xiilab/astrago-backend",
    "context": "server-{component}",
    "deployment-repository": "xiilab/astrago-deployment",
    "deployment-branch": "stabilize/1.0",
    "file": "helmfile/environments/customers/xiilab/values.yaml",
    "key": "astrago.{component}.imageTag",
    "argocd-server": "https://argocd.xiilab.com",
    "application": "astrago-xiilab",
    "branch": "stabilize/1.0",
    "build": "./build.sh core batch monitor",
}


def command(folder: Path, *more: str, **changed: str) -> list[str]:
    """The command line for the example backend."""
    flags = FLAGS | {name.replace("_", "-"): value for name, value in changed.items()}
    parts = [part for name, value in flags.items() for part in (f"--{name}", value)]
    return ["init", *parts, "--folder", str(folder), *more]


def written(folder: Path) -> dict[str, Any]:
    """The workflows in a checkout, parsed, by name."""
    paths = sorted((folder / ".github/workflows").glob("*.yml"))
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths}


def findings(program: str, *arguments: object) -> str:
    """What a linter prints when it finds something; empty when it does not."""
    whole = [str(Path(sys.executable).parent / program), *map(str, arguments)]
    done = subprocess.run(whole, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_writes_three_workflows_and_says_what_is_left_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(command(tmp_path)) == 0

    assert set(written(tmp_path)) == {"ci-cd", "preflight", "rollback"}
    told = capsys.readouterr().err
    for step in ("DEPLOY_TOKEN", "ARGOCD_TOKEN", "default branch", "Run Preflight", "Push to"):
        assert step in told


def test_a_pull_request_needs_a_token_that_may_open_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(command(tmp_path, "--with", "mode=commit-or-pull-request"))

    assert "Contents: write and Pull requests: write on" in capsys.readouterr().err


def test_checks_out_as_the_examples_do() -> None:
    example = ROOT / "examples/astrago-backend/.github/workflows/ci-cd.yml"

    assert f"uses: actions/checkout@{CHECKOUT}\n" in example.read_text(encoding="utf-8")


@pytest.mark.parametrize("ref", ["v1", SHA])
def test_linters_find_nothing(tmp_path: Path, ref: str) -> None:
    run_command(command(tmp_path, "--with", "build-args=BASE_IMAGE=temurin:17", ref=ref))

    paths = sorted((tmp_path / ".github/workflows").glob("*.yml"))
    config = () if ref == SHA else ("--config", ROOT / ".github/zizmor.yml")
    assert findings("actionlint", *paths) == ""
    assert findings("zizmor", "--offline", "--pedantic", "--quiet", *config, *paths) == ""


def test_each_workflow_gives_inputs_that_its_action_has(tmp_path: Path) -> None:
    run_command(command(tmp_path, "--with", "mode=pull-request", "--with", "max-size=250MB"))

    found = written(tmp_path)
    pipeline = found["ci-cd"]["jobs"]["deploy"]["steps"][-1]["with"]
    preflight = found["preflight"]["jobs"]["preflight"]["steps"][0]["with"]
    assert set(pipeline) <= set(interface("pipeline")["inputs"])
    assert set(preflight) <= set(interface("preflight")["inputs"])
    assert (pipeline["max-size"], pipeline["mode"]) == ("250MB", "pull-request")
    assert preflight.items() <= pipeline.items()
    called = yaml.safe_load((ROOT / ".github/workflows/rollback.yml").read_text("utf-8"))
    call = called[True]["workflow_call"]
    job = found["rollback"]["jobs"]["rollback"]
    assert set(job["with"]) <= set(call["inputs"])
    assert set(job["secrets"]) <= set(call["secrets"])


def test_a_service_without_argo_cd_has_no_secret_for_it(tmp_path: Path) -> None:
    run_command(command(tmp_path, argocd_server="", application=""))

    texts = [path.read_text("utf-8") for path in (tmp_path / ".github/workflows").glob("*.yml")]
    assert not any("argocd" in text or "ARGOCD" in text for text in texts)


def test_a_build_command_is_a_step_of_its_own_and_left_out_where_there_is_none(
    tmp_path: Path,
) -> None:
    run_command(command(tmp_path))
    with_build = written(tmp_path)["ci-cd"]["jobs"]["deploy"]["steps"]
    run_command(command(tmp_path, "--force", build=""))
    without = written(tmp_path)["ci-cd"]["jobs"]["deploy"]["steps"]

    assert [step.get("run") for step in with_build] == [None, FLAGS["build"], None]
    assert [step.get("run") for step in without] == [None, None]


def test_workflows_that_are_there_are_kept_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / ".github/workflows/ci-cd.yml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")

    assert run_command(command(tmp_path)) == 1
    assert mine.read_text() == "mine"
    assert list(mine.parent.iterdir()) == [mine]
    assert "Workflows are there already" in capsys.readouterr().err

    assert run_command(command(tmp_path, "--force")) == 0
    assert mine.read_text() != "mine"


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert run_command(command(tmp_path / "nowhere")) == 1
    assert not (tmp_path / "nowhere").exists()


def test_every_mistake_is_told_at_once() -> None:
    wrong = {
        "components": "Core",
        "image": "astrago",
        "deployment-repository": "astrago",
        "argocd-server": "argocd.xiilab.com",
        "branch": "main",
        "build": "echo ${{ github.head_ref }}",
        "ref": "v 1",
        "key": "",
    }

    with pytest.raises(InputErrors) as caught:
        read_service(FLAGS | wrong, ["deployment-token=ghp_x", "colour=red"])

    named = {each.input_name for each in caught.value.mistakes}
    wanted = {"environment" if name == "branch" else name for name in wrong}
    assert named == wanted | {"with"}
    assert "ghp_x" not in str(caught.value)


@pytest.mark.parametrize("given", [{"environment": "prod"}, {}])
def test_another_branch_needs_an_environment(given: dict[str, str]) -> None:
    flags = FLAGS | {"branch": "main"} | given
    more = [] if given else ["environments=main=prod"]

    service = read_service(flags, more)

    assert "main" in workflows(service)[".github/workflows/ci-cd.yml"]


@given_any(strategies.text(strategies.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))))
@example("2024-13-45")
@example("!!int five")
@example("!!str five")
@example("&five five")
def test_any_value_is_read_back_as_it_was_given(value: str) -> None:
    assert yaml.load(f"key: {as_yaml(value)}", Loader=yaml.BaseLoader) == {"key": value}
