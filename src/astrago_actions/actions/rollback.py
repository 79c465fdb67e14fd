"""rollback: put back the tags before a bump, and wait until they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from astrago_actions.actions import argocd_wait, bump_image_tag
from astrago_actions.actions.pipeline_inputs import (
    ARGOCD_NAMES,
    DEPLOYMENT_NAMES,
    told_under,
)
from astrago_actions.context import Context
from astrago_actions.domain.bump_rollback import PREVIOUS
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader
from astrago_actions.step import named_outputs
from astrago_actions.workflow_run import WorkflowRun

# The bump makes the commit that is waited for; until then its place is taken.
_NOT_YET_KNOWN = "0" * 40
_BUMP_NAMES = {
    **DEPLOYMENT_NAMES,
    "file": "file",
    "key": "key",
    "components": "components",
    "rollback": "to-before",
    "environment": "environment",
    "mode": "mode",
    "dry-run": "dry-run",
}
_WAIT_NAMES = {
    **ARGOCD_NAMES,
    "application": "application",
    "selector": "selector",
    "project": "project",
    "app-namespace": "app-namespace",
    "sync": "sync",
    "branch": "deployment-branch",
    "deployment-repository": "deployment-repository",
    "deployment-token": "deployment-token",
}
COMMITTED, PROPOSED, NO_CHANGE, DRY_RUN = "committed", "proposed", "no-change", "dry-run"


@dataclass(frozen=True)
class Inputs:
    """The inputs of both parts, all read before anything is done."""

    bump: bump_image_tag.Inputs
    wait: argocd_wait.Inputs | None


@dataclass(frozen=True)
class Outputs:
    """What was put back, and how the wait for it ended."""

    result: str = ""
    commit_sha: str = ""
    changed: bool = False
    previous: Mapping[str, str] = field(default_factory=dict)
    diff: str = ""
    pull_request_url: str = ""
    url: str = ""


def read(given: InputReader, run: WorkflowRun) -> Inputs:
    """Read the inputs of both parts; mistakes are noted in `given` under the names used here."""
    taken_back = {"rollback": given.text("to-before", PREVIOUS)}
    bump = bump_image_tag.read(given.part(_BUMP_NAMES, taken_back), run)
    wait = None
    if given.text("argocd-server"):
        wait = argocd_wait.read(given.part(_WAIT_NAMES, {"revision": _NOT_YET_KNOWN}), run)
    return Inputs(bump, wait)


def run(inputs: Inputs, context: Context) -> Outputs:
    """Take the bump back; raises ActionError with what is known of the commit when that fails."""
    with told_under({**_BUMP_NAMES, "rollback": "to-before"}):
        bump = bump_image_tag.run(inputs.bump, context)
    outputs = Outputs(
        result=DRY_RUN if inputs.bump.dry_run else _result(bump),
        commit_sha=bump.commit_sha,
        changed=bump.changed,
        previous=bump.previous,
        diff=bump.diff,
        pull_request_url=bump.pull_request_url,
    )
    settled = outputs.result in (PROPOSED, DRY_RUN)
    if inputs.wait is None or settled or not bump.commit_sha:
        return outputs
    try:
        with told_under(_WAIT_NAMES):
            wait = argocd_wait.run(replace(inputs.wait, revision=bump.commit_sha), context)
    except ActionError as error:
        error.outputs = {**error.outputs, **named_outputs(outputs), "result": _end(error)}
        raise
    return replace(outputs, result=wait.result, url=wait.url)


def _end(error: ActionError) -> object:
    """How the wait ended, also where it ended before it began."""
    return error.outputs.get("result", "")


def _result(bump: bump_image_tag.Outputs) -> str:
    if bump.pull_request_url:
        return PROPOSED
    return COMMITTED if bump.changed else NO_CHANGE
