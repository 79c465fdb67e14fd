"""ghcr-push: build the components' images and push them, or push archives that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from astrago_actions.actions.push_inputs import Destination, Inputs, read
from astrago_actions.actions.push_report import Pushed, plan_lines, sizes_line, summary
from astrago_actions.actions.push_work import (
    Work,
    check_budget,
    check_not_refused,
    check_permission,
    connect,
    decisions,
    make,
    push,
    tools,
)
from astrago_actions.context import Context
from astrago_actions.domain.image_size import ImageSize
from astrago_actions.domain.push_plan import Decision, Part
from astrago_actions.errors import AccessDenied, ActionError, RateLimited, Unreachable

__all__ = ["Inputs", "Outputs", "read", "run"]


@dataclass(frozen=True)
class Outputs:
    """What the registry serves now; maps are by component, sizes in compressed bytes."""

    images: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    registry: str = ""
    skipped: list[str] = field(default_factory=list)


def run(inputs: Inputs, context: Context) -> Outputs:
    """Check the permission, build, push, and make sure that the registry serves what was built."""
    for secret in inputs.secrets.values():
        context.step.mask(secret.reveal())
    if not inputs.parts:
        context.step.info("No component is to be pushed.")
        return Outputs()
    with tools(inputs, context) as work:
        if inputs.dry_run:
            return _plan(work)
        registry = _deliver(work)
        pushed = [work.pushed[part.component] for part in inputs.parts]
    for each in pushed:
        context.step.info(sizes_line(each))
    context.step.summary(summary(pushed, registry.host, work.notes))
    return _outputs(registry, pushed)


def _deliver(work: Work) -> Destination:
    """The registry that took the images: the fallback where one is given and the first does not."""
    first, fallback = work.inputs.registry, work.inputs.fallback
    try:
        _deliver_to(work, first)
        return first
    except (AccessDenied, RateLimited, Unreachable) as error:
        if fallback is None:
            raise
        why = f"{first.place} did not take the images, so they go to {fallback.place}"
        work.context.step.warning(why, f"{error.title}\n{error.detail}")
        work.notes.append(f"{why}. {error.title}: {error.detail}")
    work.pushed.clear()
    _deliver_to(work, fallback)
    return fallback


def _deliver_to(work: Work, destination: Destination) -> None:
    registry = connect(work, destination)
    parts = [part.at(destination.place) for part in work.inputs.parts]
    try:
        check_permission(work, registry, parts)
        found = decisions(work, registry, parts)
        check_not_refused(parts, found)
        wanted = [part for part in parts if found[part.component].verdict == "push"]
        _take_over_skipped(work, parts, found)
        make(work, wanted)
        known = {name: made.size for name, made in work.made.items() if made.size}
        check_budget(work, known, "Nothing was pushed.")
        push(work, registry, wanted)
        measured = {name: each.size for name, each in work.pushed.items() if not each.skipped}
        check_budget(work, measured, "The engine knows compressed sizes only after the push.")
    except ActionError as error:
        outputs = _outputs(destination, work.pushed.values())
        error.outputs = {**error.outputs, **asdict(outputs)}
        raise
    finally:
        registry.close()


def _take_over_skipped(work: Work, parts: Iterable[Part], found: Mapping[str, Decision]) -> None:
    for part in parts:
        decision = found[part.component]
        if decision.verdict == "skip" and decision.existing:
            size = ImageSize({"": decision.existing.size})
            digest = decision.existing.digest
            work.context.step.info(f"{part.component}: skipped, {decision.why}")
            work.pushed[part.component] = Pushed(
                part.component, part.image, digest, size, "there already", 0.0, skipped=True
            )


def _plan(work: Work) -> Outputs:
    """Say what would be done; nothing is built, and the registry is only read from."""
    registry = connect(work, work.inputs.registry)
    try:
        found = decisions(work, registry, work.inputs.parts)
    finally:
        registry.close()
    lines = plan_lines(work.inputs, found, work.made_by)
    for line in lines:
        work.context.step.info(line)
    listed = "\n".join(f"- {line}" for line in lines)
    work.context.step.summary(f"### Plan of the push\n\nNothing was changed.\n\n{listed}\n")
    return Outputs(
        images={part.component: str(part.image) for part in work.inputs.parts},
        registry=work.inputs.registry.host,
        skipped=[name for name, each in found.items() if each.verdict == "skip"],
    )


def _outputs(registry: Destination, pushed: Iterable[Pushed]) -> Outputs:
    every = list(pushed)
    return Outputs(
        images={each.component: str(each.image) for each in every},
        digests={each.component: each.digest for each in every},
        sizes={each.component: each.size.largest for each in every},
        registry=registry.host,
        skipped=[each.component for each in every if each.skipped],
    )
