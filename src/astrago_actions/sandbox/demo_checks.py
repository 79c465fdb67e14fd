"""What must hold after the demo, each as a claim with what was seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

from astrago_actions.sandbox.demo_record import Check, ServiceRun

ROLLOUT = ("OutOfSync", "Syncing", "Progressing", "Healthy")


def checks_of(run: ServiceRun) -> Iterator[Check]:
    """Everything that one service's run must have left behind."""
    yield _every_step_passed(run)
    yield _one_commit(run)
    yield _only_tags_changed(run)
    yield _registry_serves_what_was_pushed(run)
    yield _argo_cd_reports_the_commit(run)
    yield _argo_cd_runs_the_images(run)
    yield _rollout_was_seen(run)


def _every_step_passed(run: ServiceRun) -> Check:
    failed = [each.name for each in run.workflow.steps if each.result != "success"]
    holds = run.workflow.succeeded and bool(run.workflow.steps) and not failed
    seen = ", ".join(failed) or run.workflow.trouble or f"{len(run.workflow.steps)} steps"
    return Check(f"Every step of {run.repository}'s workflow passed", holds, seen)


def _one_commit(run: ServiceRun) -> Check:
    reported = run.output("bump", "commit-sha")
    claim = f"{run.repository} made exactly one commit in the deployment repository"
    seen = ", ".join(each[:8] for each in run.commits) or "none"
    return Check(claim, run.commits == (reported,) == (run.after,), seen)


def _only_tags_changed(run: ServiceRun) -> Check:
    """Each removed line is an added line with another tag in it, and there are no more lines."""
    tags = json.loads(run.output("tag", "tags") or "{}")
    previous = json.loads(run.output("bump", "previous") or "{}")
    lines = run.diff.splitlines()
    removed = [line[1:] for line in lines if line[:1] == "-" and not line.startswith("---")]
    added = [line[1:] for line in lines if line[:1] == "+" and not line.startswith("+++")]
    expected = {
        line.replace(previous.get(component, tag), tag)
        for line in removed
        for component, tag in tags.items()
        if component in previous and previous[component] in line
    }
    holds = len(added) == len(removed) == len(tags) > 0 and set(added) == expected
    claim = f"{run.repository} changed the tags of its components and nothing else"
    return Check(claim, holds, f"-{len(removed)} +{len(added)}")


def _registry_serves_what_was_pushed(run: ServiceRun) -> Check:
    images = json.loads(run.output("tag", "images") or "{}")
    digests = json.loads(run.output("push", "digests") or "{}")
    expected = {images[component]: digest for component, digest in digests.items()}
    holds = bool(images) and set(expected) == set(images.values()) and expected == run.served
    claim = f"The registry serves each image of {run.repository} under the digest that was reported"
    return Check(claim, holds, ", ".join(digest[:19] for digest in run.served.values()))


def _argo_cd_reports_the_commit(run: ServiceRun) -> Check:
    last = run.states[-1]
    holds = bool(run.after) and last.revision == run.after and last.phase == "Healthy"
    claim = f"Argo CD is healthy on the commit of {run.repository}"
    return Check(claim, holds, f"{last.phase} on {last.revision[:8]}")


def _argo_cd_runs_the_images(run: ServiceRun) -> Check:
    running = run.states[-1].images
    missing = [image for image in run.served if image not in running]
    claim = f"Argo CD reports the images of {run.repository}"
    return Check(claim, bool(run.served) and not missing, ", ".join(missing) or "all")


def _rollout_was_seen(run: ServiceRun) -> Check:
    states = [state.phase for state in run.states if state.moment >= run.workflow.started_at]
    phases = [phase for phase, _ in groupby(states)]
    remaining = iter(phases)
    holds = all(phase in remaining for phase in ROLLOUT)
    return Check(f"Argo CD rolled {run.repository} out", holds, " -> ".join(phases))
