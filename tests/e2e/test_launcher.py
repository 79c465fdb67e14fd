"""The one script of every action.yml, run as the runner runs it: from wherever it put the action.

The runner copies links as folders, act and local checkouts keep them; act exports INPUT_* to
composite steps and the runner does not.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ACTIONS = (
    "build-tag",
    "ghcr-push",
    "bump-image-tag",
    "argocd-wait",
    "pipeline-metrics",
    "preflight",
)
SHA = "0123456789abcdef0123456789abcdef01234567"


def script_of(action_file: Path) -> str:
    """The text of the one step of an action.yml."""
    steps = yaml.safe_load(action_file.read_text(encoding="utf-8"))["runs"]["steps"]
    assert [step["shell"] for step in steps] == ["bash"]
    return str(steps[0]["run"])


def run_action(
    folder: Path, inputs: dict[str, str], tool_cache: Path, scratch: Path
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the action in `folder` with nothing but what a runner gives; also the output file."""
    output = scratch / "output"
    output.touch()
    workspace = scratch / "workspace"
    workspace.mkdir()
    (workspace / "requests.py").write_text("raise SystemExit('the workspace was imported')\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "RUNNER_TOOL_CACHE": str(tool_cache),
        "RUNNER_TEMP": str(scratch),
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(folder),
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_REF": "refs/heads/stabilize/1.0",
        "GITHUB_SHA": SHA,
        "INPUTS": json.dumps(inputs),
    }
    assert not [name for name in environment if name.startswith("INPUT_")]
    done = subprocess.run(
        [
            "bash",
            "--noprofile",
            "--norc",
            "-eo",
            "pipefail",
            "-c",
            script_of(folder / "action.yml"),
        ],
        cwd=workspace,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, output.read_text(encoding="utf-8")


@pytest.fixture(params=["links kept", "links copied"])
def placed(request: pytest.FixtureRequest, library: Path, tmp_path: Path) -> Path:
    """The library below a path with a blank, with its root links as links or as copies."""
    destination = tmp_path / "_actions" / "xiilab" / "astrago actions" / "v1"
    shutil.copytree(library, destination, symlinks=request.param == "links kept")
    return destination


@pytest.mark.parametrize("address", ["build-tag", "actions/build-tag"])
def test_finds_the_library_from_both_addresses(
    placed: Path, address: str, tool_cache: Path, tmp_path: Path
) -> None:
    inputs = {"components": "core", "environments": "stabilize/*=stage"}

    done, outputs = run_action(placed / address, inputs, tool_cache, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "core-stage-01234567" in outputs


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_takes_its_inputs_from_the_one_variable(
    library: Path, action: str, tool_cache: Path, tmp_path: Path
) -> None:
    done, _ = run_action(library / action, {}, tool_cache, tmp_path)

    assert "Traceback" not in done.stdout + done.stderr
    assert "the workspace was imported" not in done.stdout + done.stderr
    if action != "pipeline-metrics":
        assert done.returncode == 1
        assert done.stdout.splitlines()[-1].startswith("::error title=")


def test_the_root_action_starts_from_the_root(
    library: Path, tool_cache: Path, tmp_path: Path
) -> None:
    done, _ = run_action(library, {}, tool_cache, tmp_path)

    assert done.returncode == 1
    assert "`components`: " in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
