"""A pipeline run with everything it left behind: commits, images, and what Argo CD said."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from astrago_actions.sandbox.act import Event, WorkflowResult
from astrago_actions.sandbox.application_watch import ApplicationWatch
from astrago_actions.sandbox.demo_record import ApplicationState, ServiceRun
from astrago_actions.sandbox.scenario import Push, Workplace, run_pipeline
from astrago_actions.sandbox.world import APPLICATION, BRANCH, DEPLOYMENT, World


def observe_pipeline(
    world: World,
    push: Push,
    place: Workplace,
    hear: Callable[[Event], None] = lambda _: None,
    see: Callable[[ApplicationState], None] = lambda _: None,
) -> ServiceRun:
    """Run the pipeline of a push; `hear` follows the workflow and `see` Argo CD meanwhile."""
    before = world.github.head(DEPLOYMENT, BRANCH)
    argocd = world.argocd_server.url
    with ApplicationWatch(argocd, world.tokens.argocd, APPLICATION, see) as watch:
        result = run_pipeline(world, push, place, hear)
    after = world.github.head(DEPLOYMENT, BRANCH)
    return ServiceRun(
        repository=push.service.repository,
        commit=push.sha,
        message=push.service.message,
        workflow=result,
        before=before,
        after=after,
        commits=tuple(world.git(DEPLOYMENT, "rev-list", f"{before}..{after}").split()),
        diff=world.git(DEPLOYMENT, "diff", "--unified=0", before, after),
        states=tuple(watch.states),
        served=_served(world, result),
    )


def _served(world: World, result: WorkflowResult) -> Mapping[str, str]:
    """Each image that build-tag named and the digest under which the registry serves it."""
    try:
        images = json.loads(result.step("tag").outputs.get("images") or "{}")
    except KeyError:
        return {}
    return {image: world.digest_of(image) for image in images.values()}
