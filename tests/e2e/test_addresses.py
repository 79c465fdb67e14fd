"""Every address that the library promises, resolved by a workflow executor."""

from __future__ import annotations

import shutil
from pathlib import Path

from astrago_actions.sandbox.act import WorkflowCall, WorkflowResult, run_workflow
from tests.e2e.conftest import BRANCH, REPOSITORY, RunSteps, make_checkout

REQUIRED = {
    "build-tag": "components",
    "ghcr-push": "images",
    "bump-image-tag": "repository",
    "argocd-wait": "server",
    "pipeline-metrics": "window",
    "rollback": "deployment-repository",
    "preflight": "image",
}
ACTIONS = tuple(REQUIRED)


def uses(address: str, identifier: str) -> str:
    """A step that calls the action with a token that is wrong everywhere and nothing else."""
    return (
        f"- uses: {address}\n"
        f"  id: {identifier}\n"
        "  continue-on-error: true\n"
        "  with: {window: never, token: ''}\n"
    )


def names_missing_inputs(result: WorkflowResult, identifier: str, action: str) -> bool:
    step = result.step(identifier)
    return "Traceback" not in step.log and any(f"`{REQUIRED[action]}`" in e for e in step.errors)


def test_every_action_resolves_from_both_addresses(run_steps: RunSteps) -> None:
    library = "xiilab/astrago-actions"
    steps = [uses(f"{library}/{name}@v1", name) for name in ACTIONS]
    steps += [uses(f"{library}/actions/{name}@v1", f"in-{name}") for name in ACTIONS]

    result = run_steps("".join(steps))

    missed = [
        identifier
        for name in ACTIONS
        for identifier in (name, f"in-{name}")
        if not names_missing_inputs(result, identifier, name)
    ]
    assert not missed, result.log


def test_every_action_resolves_inside_a_checkout_of_the_library(
    tmp_path: Path, library: Path, tool_cache: Path
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(library, checkout, symlinks=True)
    steps = ["- uses: actions/checkout@v4\n"]
    steps += [uses(f"./{name}", name) for name in ACTIONS]
    steps += [uses(f"./actions/{name}", f"in-{name}") for name in ACTIONS]
    indented = "".join(f"      {line}\n" for line in "".join(steps).splitlines())
    workflow = f"on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n{indented}"
    make_checkout(checkout, {".github/workflows/probe.yml": workflow})

    result = run_workflow(
        WorkflowCall(
            checkout=checkout,
            library=library,
            state=tmp_path / "act",
            tool_cache=tool_cache,
            repository=REPOSITORY,
            workflow=".github/workflows/probe.yml",
            payload={"ref": f"refs/heads/{BRANCH}"},
        )
    )

    missed = [
        identifier
        for name in ACTIONS
        for identifier in (name, f"in-{name}")
        if not names_missing_inputs(result, identifier, name)
    ]
    assert not missed, result.log


def test_the_root_action_resolves(run_steps: RunSteps) -> None:
    result = run_steps(uses("xiilab/astrago-actions@v1", "all"))

    assert "`components`" in "".join(result.step("all").errors), result.log
