"""Whether an application could deploy a change at all, by rows of the wait's own state table."""

from __future__ import annotations

from astrago_actions.domain.readiness import Answer, failed, ok, warned
from astrago_actions.domain.rollout import preflight
from astrago_actions.domain.rollout.application import Application
from astrago_actions.domain.rollout.values import Memory, Observation, Target, Verdict
from astrago_actions.domain.rollout.view import View
from astrago_actions.domain.rollout.words import first_line

_NEVER = (
    preflight.deletion_under_way,
    preflight.no_source_is_ours,
    preflight.follows_another_revision,
)


def will_deploy(target: Target, application: Application) -> Answer:
    """Whether the application follows our repository and branch, and has no complaint just now."""
    view = _view(target, application)
    for row in _NEVER:
        verdict = row(view)
        if verdict is not None:
            return _failed(verdict)
    followed = ", ".join(each.target_revision or "HEAD" for each in application.sources)
    told = f"{application.name} follows {followed}; {application.sync_status}, {application.health}"
    complaint = application.condition("ComparisonError", "InvalidSpecError")
    if complaint:
        return warned(
            f"{told}\n{complaint.type}: {first_line(complaint.message)}",
            "Mend this first: as long as it stands, no change is deployed.",
        )
    return ok(told)


def syncs(target: Target, application: Application, *, may_sync: bool | None) -> Answer:
    """Whether somebody starts a sync: Argo CD, or the wait; `may_sync` is None where untold."""
    verdict = preflight.nothing_will_sync(_view(target, application))
    if verdict is not None:
        return _failed(verdict)
    name = application.name
    if application.automated:
        return ok(f"auto-sync of {name} is on")
    off = f"auto-sync of {name} is off"
    if target.sync != "if-needed":
        return warned(
            f"{off} and `sync` is `{target.sync}`, so each deploy waits for somebody to sync",
            "Set `sync: if-needed`, or turn on auto-sync.",
        )
    if may_sync:
        return ok(f"{off}; these credentials may sync")
    remedy = f"Give the account the right `applications, sync, {subject(target, application)}`."
    if may_sync is None:
        return warned(f"{off}, and the server does not tell whether we may sync", remedy)
    return failed(f"{off}, and these credentials may not sync", remedy)


def logs(target: Target, application: Application, *, may_read: bool | None) -> Answer:
    """Whether a failure could be explained with the pods' own words."""
    if may_read:
        return ok(f"the pods' logs of {application.name} can be read")
    untold = ", as far as the server tells" if may_read is None else ""
    return warned(
        f"the pods' logs of {application.name} cannot be read{untold}: a failed rollout is "
        "explained without their last words",
        f"Give the account the right `logs, get, {subject(target, application)}`.",
    )


def subject(target: Target, application: Application) -> str:
    """What rights are about: `project/name`, or `project/namespace/name` outside Argo CD's own."""
    return f"{application.project}/{target.application}"


def _view(target: Target, application: Application) -> View:
    return View(target, Observation(at=0.0, application=application), Memory(), application)


def _failed(verdict: Verdict) -> Answer:
    return failed(f"{verdict.headline}\n{verdict.detail}", verdict.remedy)
