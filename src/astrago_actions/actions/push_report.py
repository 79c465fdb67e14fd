"""What ghcr-push tells its reader: the plan of a dry run, and the table of what was pushed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from astrago_actions.actions.push_inputs import Inputs
from astrago_actions.domain.image_size import ImageSize, in_megabytes
from astrago_actions.domain.push_plan import Decision, Part
from astrago_actions.domain.references import ImageReference
from astrago_actions.domain.timeline import cell

SHORT_DIGEST = len("sha256:") + 12


@dataclass(frozen=True)
class Pushed:
    """One component's image as the registry serves it; `seconds` for build and push together."""

    component: str
    image: ImageReference
    digest: str
    size: ImageSize
    built_by: str
    seconds: float
    skipped: bool = False


def summary(pushed: Iterable[Pushed], registry: str, notes: Iterable[str]) -> str:
    """The section of the job summary."""
    rows = "\n".join(_row(each) for each in pushed)
    remarks = "".join(f"\n{cell(note)}\n" for note in notes)
    return (
        f"### Images in {registry}\n\n"
        "| component | image | digest | size, compressed | built by | took |\n"
        f"|---|---|---|---:|---|---:|\n{rows}\n{remarks}"
    )


def sizes_line(each: Pushed) -> str:
    """One line for the log: what is where, and how large, by platform where there are several."""
    sizes = each.size.platforms
    named = [f"{platform} {in_megabytes(size)}" for platform, size in sizes.items() if platform]
    size = ", ".join(named) if len(named) > 1 else in_megabytes(each.size.largest)
    state = "was there already" if each.skipped else "pushed"
    return f"{each.component}: {state} as {each.image}@{each.digest}, {size} compressed"


def plan_lines(inputs: Inputs, decisions: Mapping[str, Decision], built_by: str) -> list[str]:
    """What would be done, one line a component."""
    return [_plan_line(part, decisions[part.component], built_by) for part in inputs.parts]


def _plan_line(part: Part, decision: Decision, built_by: str) -> str:
    if decision.verdict != "push":
        word = "skip" if decision.verdict == "skip" else "fail"
        return f"{part.component}: would {word}, {decision.why}"
    source = f"push `{part.archive}`" if part.archive else f"build `{part.context}` ({built_by})"
    return f"{part.component}: would {source} as {part.image}; {decision.why}"


def _row(each: Pushed) -> str:
    took = "" if each.skipped else f"{each.seconds:.1f} s"
    return (
        f"| {each.component} | `{each.image}` | `{each.digest[:SHORT_DIGEST]}` "
        f"| {in_megabytes(each.size.largest)} | {cell(each.built_by)} | {took} |"
    )
