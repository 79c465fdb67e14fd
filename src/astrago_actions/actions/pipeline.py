"""The whole pipeline as one step: tag, push, bump, wait, measure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

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
)
from astrago_actions.context import Context
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader
from astrago_actions.step import output_text
from astrago_actions.workflow_run import WorkflowRun

# The bump makes the commit that is waited for; until then its place is taken.
_NOT_YET_KNOWN = "0" * 40
BUMPED, NO_CHANGE, SUPERSEDED = "bumped", "no-change", "superseded"


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
    try:
        outputs = _deploy(inputs, context)
    except ActionError:
        # What failed is the news; a budget that broke on top of it is in the summary.
        with suppress(ActionError):
            _measure(inputs, context, "failure")
        raise
    measured = _measure(inputs, context, "success")
    return replace(
        outputs,
        durations=measured.durations,
        breaches=measured.breaches,
        report=measured.report,
    )


def _deploy(inputs: Inputs, context: Context) -> Outputs:
    tag = build_tag.run(inputs.tag, context)
    if not tag.changed:
        context.step.notice("Nothing to deploy", "No file of any component changed.")
        return Outputs(environment=tag.environment, tags=tag.tags, result=NO_CHANGE)
    push = ghcr_push.run(_push_of(inputs.push, tag.changed), context)
    bump = bump_image_tag.run(_bump_of(inputs.bump, tag.changed), context)
    outputs = Outputs(
        environment=tag.environment,
        tags=tag.tags,
        images=push.images,
        digests=push.digests,
        commit_sha=bump.commit_sha,
        changed=bump.changed,
        superseded=bump.superseded,
        result=SUPERSEDED if bump.superseded else BUMPED,
    )
    if inputs.wait is None or inputs.bump.dry_run or bump.superseded or bump.pull_request_url:
        return outputs
    expected = tuple(push.images.values())
    wait = argocd_wait.run(replace(inputs.wait, revision=bump.commit_sha, images=expected), context)
    return replace(outputs, result=wait.result, url=wait.url)


def _push_of(inputs: ghcr_push.Inputs, components: Collection[str]) -> ghcr_push.Inputs:
    parts = tuple(part for part in inputs.parts if part.component in components)
    return replace(inputs, parts=parts)


def _bump_of(inputs: bump_image_tag.Inputs, components: Collection[str]) -> bump_image_tag.Inputs:
    updates = tuple(each for each in inputs.wish.updates if each.component in components)
    return replace(inputs, wish=replace(inputs.wish, updates=updates))


def _measure(inputs: Inputs, context: Context, status: str) -> pipeline_metrics.Outputs:
    stages = tuple(context.stages)
    return pipeline_metrics.run(replace(inputs.metrics, stages=stages, job_status=status), context)
