"""A failure explained: what failed, where, what the cluster says, and the one next step."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

from astrago_actions.domain.image_families import holds, rivals
from astrago_actions.domain.rollout.application import (
    Application,
    Condition,
    Event,
    Pod,
    SyncWindow,
    Workload,
)
from astrago_actions.domain.rollout.values import Target, Verdict
from astrago_actions.domain.rollout.words import short

_EVENTS = 5


@dataclass(frozen=True)
class Evidence:
    """What was looked up when a rollout failed; everything may be missing."""

    target: Target
    verdict: Verdict
    url: str
    application: Application | None = None
    workload: Workload | None = None
    pod: Pod | None = None
    events: tuple[Event, ...] = ()
    log: tuple[str, ...] = ()
    log_is_previous: bool = False
    windows: tuple[SyncWindow, ...] = ()
    notes: tuple[str, ...] = field(default=())


def facts(evidence: Evidence) -> tuple[str, ...]:
    """The lines of the report without events and log, each a fact."""
    lines = [*evidence.verdict.detail.splitlines()]
    if evidence.pod is not None:
        lines += _about_pod(evidence.target.application, evidence.pod)
    if evidence.application is not None:
        lines += _about_application(evidence, evidence.application)
    lines += evidence.notes
    lines = [line for each in lines for line in each.splitlines()]
    return tuple(dict.fromkeys(line for line in lines if line.strip()))


def _about_pod(application: str, pod: Pod) -> list[str]:
    path = " > ".join((f"Application {application}", *pod.path, f"Pod {pod.name}"))
    lines = [path]
    reason = pod.reason or pod.health
    if reason or pod.message:
        lines.append(f"Pod {pod.name}: {reason}{f': {pod.message}' if pod.message else ''}")
    if pod.ended:
        lines.append(f"Container {pod.container} ended with {pod.ended}")
    elif pod.container:
        lines.append(f"Container: {pod.container}")
    if pod.restarts:
        lines.append(f"Restarts: {pod.restarts}")
    return lines


def _about_application(evidence: Evidence, application: Application) -> list[str]:
    lines = [_condition_line(each) for each in application.conditions]
    lines.append(
        f"Sync {application.sync_status} at {_at(application)}, "
        f"health {application.health}"
        + (f" ({application.health_message})" if application.health_message else "")
    )
    if evidence.target.images:
        lines.append(f"Expected images: {', '.join(_expected(evidence))}")
        lines.append(f"Running images: {', '.join(_running(evidence.workload)) or 'unknown'}")
    lines.append(_policy(application))
    if evidence.windows:
        lines.append(f"Sync windows: {'; '.join(map(str, evidence.windows))}")
    return lines


def _at(application: Application) -> str:
    return ", ".join(map(short, application.revisions)) or "nothing"


def _condition_line(condition: Condition) -> str:
    return f"{condition.type}: {condition.message}"


def _expected(evidence: Evidence) -> tuple[str, ...]:
    """The images of this application, where several share the list."""
    workload, images = evidence.workload, evidence.target.images
    desired = workload.desired_images if workload else None
    if not evidence.target.shared or desired is None:
        return images
    own = tuple(each for each in images if holds(desired, each) or rivals(desired, each))
    return own or images


def _running(workload: Workload | None) -> tuple[str, ...]:
    pods = workload.pods if workload else None
    images = [image for pod in pods or () if not pod.terminating for image in pod.images]
    return tuple(dict.fromkeys(images))


def _policy(application: Application) -> str:
    if not application.automated:
        return "Sync policy: manual (auto-sync is off)"
    prune = "on" if application.prune else "off"
    heal = "on" if application.self_heal else "off"
    return f"Sync policy: automated, prune {prune}, self-heal {heal}"


def event_lines(evidence: Evidence) -> tuple[str, ...]:
    """The last warnings of the cluster, newest last."""
    counts: dict[tuple[str, str, str], int] = {}
    for each in evidence.events:
        if each.type == "Warning":
            what = (each.reason, each.object, " ".join(each.message.split()))
            counts[what] = counts.pop(what, 0) + each.count
    lines = [
        f"{reason} (x{count}) {about}: {said}" for (reason, about, said), count in counts.items()
    ]
    return tuple(lines[-_EVENTS:])


def log_title(evidence: Evidence) -> str:
    """What the log lines are of."""
    name = evidence.pod.name if evidence.pod else "pod"
    if evidence.pod and evidence.pod.container:
        name += f", container {evidence.pod.container},"
    which = "before its last restart" if evidence.log_is_previous else "so far"
    return f"Last {len(evidence.log)} log lines of {name} {which}"


def markdown(evidence: Evidence) -> str:
    """The report for the job summary; text from the cluster is shown, never interpreted."""
    title = html.escape(f"{evidence.target.application}: {evidence.verdict.headline}")
    parts = [f"<details open><summary><b>{title}</b></summary>", "", _block(facts(evidence))]
    events = event_lines(evidence)
    if events:
        parts += ["Last warnings:", "", _block(events)]
    if evidence.log:
        parts += [f"{html.escape(log_title(evidence))}:", "", _block(evidence.log)]
    if evidence.verdict.remedy:
        parts += [f"**Next:** {evidence.verdict.remedy}", ""]
    return "\n".join([*parts, "</details>", ""])


def _block(lines: tuple[str, ...]) -> str:
    """Preformatted text; escaped, since a fence could be closed by what is inside."""
    return f"<pre>{html.escape(chr(10).join(lines))}</pre>\n"
