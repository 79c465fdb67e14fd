"""The self-contained HTML report: one file, no network, no script, readable from `file://`."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from astrago_actions.domain.durations import spoken
from astrago_actions.domain.gantt import Bar
from astrago_actions.domain.pipeline_report import PipelineReport
from astrago_actions.domain.report_rows import (
    RATE_COLUMNS,
    SERVICE_COLUMNS,
    STAGE_COLUMNS,
    rate_note,
    rate_row,
    service_notes,
    service_row,
    stage_row,
    typical_text,
    waiting_note,
)

CHART_WIDTH = 1000.0
# A budget that is so many times longer than the run would leave slivers of the bars.
MOST_OF_THE_RUN = 4.0


@dataclass(frozen=True)
class DrawnBar:
    """A bar of the timeline; `x` and `width` are in thousandths of the chart."""

    label: str
    look: str
    took: str
    x: float
    width: float


def page(report: PipelineReport, now: float) -> str:
    """The whole document; `now` (epoch seconds) is when it was made."""
    style = _resource("page.css")
    bars, budget = _drawn(report)
    return _template().render(
        report=report,
        policy=_policy(style),
        style=Markup(style),  # noqa: S704 - our own file
        made=datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC"),
        bars=bars,
        budget=budget,
        budget_text=spoken(report.deploy_budget) if report.deploy_budget else "",
        stage_columns=STAGE_COLUMNS,
        stage_rows=[stage_row(time) for time in report.measured.all_times],
        facts=[text for text in (waiting_note(report), typical_text(report.history)) if text],
        rate_columns=RATE_COLUMNS,
        rate_rows=[rate_row(rate) for rate in report.history.rates],
        rate_notes=[rate_note(rate) for rate in report.history.rates],
        rates=report.history.rates,
        service_columns=SERVICE_COLUMNS,
        service_rows=[service_row(service) for service in report.history.services],
        service_notes=service_notes(report.history.services),
    )


def _policy(style: str) -> str:
    """A content security policy that lets nothing in but our own style sheet."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _drawn(report: PipelineReport) -> tuple[list[DrawnBar], float | None]:
    """The bars and the budget's mark, scaled to the chart's width; no mark where it is far off."""
    bars, budget = report.bars, report.deploy_budget
    end = max((bar.end for bar in bars), default=0.0)
    if budget and budget > end * MOST_OF_THE_RUN:
        budget = None
    end = max(end, budget or 0.0)
    scale = CHART_WIDTH / end if end > 0 else 0.0
    drawn = [_draw(bar, scale) for bar in bars]
    return drawn, round(budget * scale, 2) if budget and bars else None


def _draw(bar: Bar, scale: float) -> DrawnBar:
    start = max(0.0, bar.start)
    width = max(2.0, (bar.end - start) * scale)
    return DrawnBar(
        bar.label, bar.look, spoken(bar.end - start), round(start * scale, 2), round(width, 2)
    )


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("page.html.jinja"))


def _resource(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
