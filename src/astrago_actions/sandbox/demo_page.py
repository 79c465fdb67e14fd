"""The demo's result as one self-contained HTML page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from astrago_actions.sandbox.act import short_name
from astrago_actions.sandbox.demo_record import ApplicationState, DemoRecord, ServiceRun

_HARMLESS = re.compile(r"&lt;(/?(?:br|details|summary|sub))\s*/?&gt;")
_TEMPLATE = "demo_page.html.j2"


@dataclass(frozen=True)
class Bar:
    """One bar of the timeline; `left` and `width` are percents of the whole."""

    label: str
    kind: str
    seconds: float
    left: float
    width: float


def demo_page(record: DemoRecord) -> str:
    """The page's HTML: nothing is loaded from anywhere else."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = _html
    environment.filters["short"] = lambda sha: sha[:8]
    template = environment.get_template(_TEMPLATE)
    return template.render(record=record, bars=[timeline(run) for run in record.runs])


def timeline(run: ServiceRun) -> list[Bar]:
    """The steps of a run, and below them what Argo CD went through meanwhile."""
    begin = run.workflow.started_at
    states = [state for state in run.states if state.moment >= begin]
    end = max([run.workflow.finished_at, *(state.moment for state in states)])
    whole = max(end - begin, 0.001)

    def bar(label: str, kind: str, started_at: float, finished_at: float) -> Bar:
        seconds = max(finished_at - started_at, 0.0)
        left = 100 * (started_at - begin) / whole
        return Bar(label, kind, seconds, left, max(100 * seconds / whole, 0.3))

    steps = [
        bar(short_name(each.name), each.result, each.started_at, each.finished_at)
        for each in run.workflow.steps
    ]
    return steps + [bar(*each) for each in _phases(states, end)]


def _phases(states: list[ApplicationState], end: float) -> list[tuple[str, str, float, float]]:
    changes = [
        state
        for state, before in zip(states, [None, *states[:-1]], strict=True)
        if before is None or before.phase != state.phase
    ]
    begins = [state.moment for state in changes]
    ends = [*begins[1:], end]
    return [
        (f"Argo CD: {state.phase}", state.phase.lower(), began, ended)
        for state, began, ended in zip(changes, begins, ends, strict=True)
    ]


def _html(markdown: str) -> Markup:
    """Markdown much as GitHub's job page shows it; of raw HTML only a few harmless tags."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    renderer.add_render_rule("fence", _fence)
    escaped = str(renderer.render(markdown))
    return Markup(_HARMLESS.sub(r"<\1>", escaped))  # noqa: S704 - all else is escaped


def _fence(_renderer: object, tokens: Sequence[Token], at: int, *_rest: object) -> str:
    """A block of code; diagrams, which GitHub draws, are folded away as their source."""
    content = f"<pre>{escape(tokens[at].content)}</pre>"
    if tokens[at].info.strip() != "mermaid":
        return content
    return f"<details><summary>A diagram, as GitHub draws it from this</summary>{content}</details>"
