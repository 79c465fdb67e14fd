"""The whole pipeline as one step: tag, push, bump, wait, measure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any

from astrago_actions.actions import (
    argocd_wait,
    build_tag,
    bump_image_tag,
    ghcr_push,
    pipeline_metrics,
)
from astrago_actions.actions.pipeline_inputs import (
    BUMP_NAMES,
    METRICS_NAMES,
    PUSH_NAMES,
    TAG_NAMES,
    WAIT_NAMES,
    told_under,
)
from astrago_actions.context import Context
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader
from astrago_actions.step import named_outputs, output_text
from astrago_actions.workflow_run import WorkflowRun

# The bump makes the commit that is waited for; until then its place is taken.
_NOT_YET_KNOWN = "0" * 40
BUMPED, PROPOSED, NO_CHANGE, SUPERSEDED = "bumped", "proposed", "no-change", "superseded"
DRY_RUN = "dry-run"


@dataclass(frozen=True)
class Inputs:
    """The inputs of every part, all read before anything is done."""

    tag: build_tag.Inputs
    push: ghcr_push.Inputs
    bump: bump_image_tag.Inputs
    wait: argocd_wait.Inputs | None
    metrics: pipeline_metrics.Inputs


@dataclass(frozen=True)
class Outputs:
    """What a reader of the whole wants to know; each part's own words are in the summary."""

    environment: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    commit_sha: str = ""
    changed: bool = False
    superseded: bool = False
    result: str = ""
    url: str = ""
    pull_request_url: str = ""
    durations: Mapping[str, float] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    report: str = ""


def read(given: InputReader, run: WorkflowRun) -> Inputs:
    """Read the inputs of all parts; mistakes are noted in `given` under the names used here."""
    tag = build_tag.read(given.part(TAG_NAMES, {}), run)
    images = {name: str(reference) for name, reference in tag.images.items()}
    labels = build_tag.labels(tag, run)
    components = {
        each.name: {"context": each.context, "dockerfile": each.dockerfile}
        for each in tag.components
    }
    push = {
        "images": output_text(images),
        "labels": output_text(labels),
        "components": output_text(components),
    }
    bump = {
        "tags": output_text(tag.tags),
        "environment": tag.environment,
        "source-commit": tag.sha,
    }
    wait = {
        "images": output_text(images),
        "branch": given.text("deployment-branch"),
        "revision": _NOT_YET_KNOWN,
    }
    return Inputs(
        tag=tag,
        push=ghcr_push.read(given.part(PUSH_NAMES, push), run),
        bump=bump_image_tag.read(given.part(BUMP_NAMES, bump), run),
        wait=argocd_wait.read(given.part(WAIT_NAMES, wait), run)
        if given.text("argocd-server")
        else None,
        metrics=pipeline_metrics.read(
            given.part(METRICS_NAMES, {"environment": tag.environment}), run
        ),
    )


def run(inputs: Inputs, context: Context) -> Outputs:
    """Deploy what changed, and report how it went, also when it went wrong."""
    progress = _Progress()
    try:
        _deploy(inputs, context, progress)
    except ActionError as error:
        error.outputs = {**named_outputs(progress.outputs), **_known(error)}
        # What failed is the news; a budget that broke on top of it is in the summary.
        with suppress(ActionError):
            _measure(inputs, context, "failure")
        raise
    try:
        measured = _measure(inputs, context, "success")
    except ActionError as error:
        error.outputs = {**named_outputs(progress.outputs), **_known(error)}
        raise
    return replace(
        progress.outputs,
        durations=measured.durations,
        breaches=measured.breaches,
        report=measured.report,
    )


class _Progress:
    """What is known so far, for the outputs of a pipeline that fails half-way too."""

    def __init__(self) -> None:
        self.outputs = Outputs()

    def learn(self, **known: Any) -> None:
        """Remember these outputs."""
        self.outputs = replace(self.outputs, **known)


def _known(error: ActionError) -> dict[str, object]:
    """The outputs that the failing part knows, as far as the whole has them too."""
    names = {each.name.replace("_", "-") for each in fields(Outputs)}
    return {name: value for name, value in error.outputs.items() if name in names}


def _deploy(inputs: Inputs, context: Context, progress: _Progress) -> None:
    with told_under(TAG_NAMES):
        tag = build_tag.run(inputs.tag, context)
    progress.learn(environment=tag.environment, tags=tag.tags)
    if not tag.changed:
        context.step.notice("Nothing to deploy", "No file of any component changed.")
        progress.learn(result=NO_CHANGE)
        return
    with told_under(PUSH_NAMES):
        push = ghcr_push.run(_push_of(inputs.push, tag.changed), context)
    progress.learn(images=push.images, digests=push.digests)
    with told_under(BUMP_NAMES):
        bump = bump_image_tag.run(_bump_of(inputs.bump, tag.changed), context)
    progress.learn(
        commit_sha=bump.commit_sha,
        changed=bump.changed,
        superseded=bump.superseded,
        pull_request_url=bump.pull_request_url,
        result=DRY_RUN if inputs.bump.dry_run else _result_of(bump),
    )
    if inputs.wait is None or progress.outputs.result != BUMPED:
        return
    expected = _deployed(push.images, bump)
    change = replace(inputs.wait, revision=bump.commit_sha, images=expected)
    with told_under(WAIT_NAMES):
        wait = argocd_wait.run(change, context)
    progress.learn(result=wait.result, url=wait.url)


def _result_of(bump: bump_image_tag.Outputs) -> str:
    """How far the bump came: a change that is only partly superseded is still to be waited for."""
    if bump.pull_request_url:
        return PROPOSED
    return SUPERSEDED if bump.superseded and not bump.changed else BUMPED


def _deployed(images: Mapping[str, str], bump: bump_image_tag.Outputs) -> tuple[str, ...]:
    """The images to wait for: where newer builds stayed, only those that were committed."""
    if not bump.superseded:
        return tuple(images.values())
    return tuple(image for component, image in images.items() if component in bump.previous)


def _push_of(inputs: ghcr_push.Inputs, components: Collection[str]) -> ghcr_push.Inputs:
    parts = tuple(part for part in inputs.parts if part.component in components)
    return replace(inputs, parts=parts)


def _bump_of(inputs: bump_image_tag.Inputs, components: Collection[str]) -> bump_image_tag.Inputs:
    updates = tuple(each for each in inputs.wish.updates if each.component in components)
    return replace(inputs, wish=replace(inputs.wish, updates=updates))


def _measure(inputs: Inputs, context: Context, status: str) -> pipeline_metrics.Outputs:
    """Report the run; a dry run did nothing that could be measured or that others should hear."""
    if inputs.bump.dry_run:
        return pipeline_metrics.Outputs("", [], {}, {}, {})
    stages = tuple(context.stages)
    measured = replace(inputs.metrics, stages=stages, job_status=status)
    with told_under(METRICS_NAMES):
        return pipeline_metrics.run(measured, context)
