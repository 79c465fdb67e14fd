"""The section of the job summary, most important line first, within 64 KiB for any input."""

from __future__ import annotations

from collections.abc import Sequence

from astrago_actions.domain.gantt import MOST_ROWS, gantt
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
from astrago_actions.report.markdown import escaped

LIMIT = 64 * 1024
MOST_SERVICES = 20
MOST_NOTES = 30


def summary(report: PipelineReport) -> str:
    """The whole section; parts that would pass the limit are left out from the end."""
    parts = [
        f"### Pipeline: {escaped(report.state)}\n\n**{escaped(report.headline)}**\n",
        *(_breach(each.message) for each in report.breaches),
        _stages(report),
        _chart(report),
        _rates(report),
        _services(report),
        _notes(report),
    ]
    kept: list[str] = []
    size = 0
    for part in filter(None, parts):
        size += len(part.encode()) + 1
        if size > LIMIT:
            break
        kept.append(part)
    return "\n".join(kept)


def _breach(message: str) -> str:
    return f"> [!WARNING]\n> {escaped(message)}\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]) -> str:
    rule = "|".join("---:" if column in numbers else "---" for column in columns)
    lines = [" | ".join(map(escaped, row)) for row in rows]
    return "\n".join(
        [f"| {' | '.join(columns)} |", f"|{rule}|", *(f"| {line} |" for line in lines), ""]
    )


def _stages(report: PipelineReport) -> str:
    times = report.measured.times
    rows = [stage_row(time) for time in (*times[:MOST_ROWS], report.measured.deploy)]
    more = len(times) - MOST_ROWS
    table = _table(STAGE_COLUMNS, rows, ("took", "budget"))
    lines = [f"{more} more stages are left out.\n" if more > 0 else ""]
    lines += [f"{text}\n" for text in (waiting_note(report), typical_text(report.history)) if text]
    return "\n".join([table, *filter(None, lines)])


def _chart(report: PipelineReport) -> str:
    """Folded open when something went wrong."""
    text = gantt(report.bars, report.deploy_budget)
    if not text:
        return ""
    opened = "" if report.state == "OK" else " open"
    hidden = len(report.bars) - MOST_ROWS
    more = f"\n{hidden} more are left out.\n" if hidden > 0 else ""
    return (
        f"<details{opened}><summary>Timeline</summary>\n\n"
        f"```mermaid\n{text}\n```\n{more}\n</details>\n"
    )


def _rates(report: PipelineReport) -> str:
    history = report.history
    if not history.rates:
        return ""
    table = _table(RATE_COLUMNS, [rate_row(rate) for rate in history.rates], ("runs",))
    notes = "\n".join(f"- {escaped(rate_note(rate))}" for rate in history.rates)
    return f"#### Success rates, {escaped(history.extent)}\n\n{table}\n{notes}\n"


def _services(report: PipelineReport) -> str:
    services = report.history.services
    if not services:
        return ""
    table = _table(SERVICE_COLUMNS, [service_row(each) for each in services[:MOST_SERVICES]], ())
    notes = "\n".join(f"- {escaped(note)}" for note in service_notes(services)[:MOST_NOTES])
    return (
        f"<details><summary>DORA figures, {report.history.days:.4g} days</summary>\n\n"
        f"{table}\n{notes}\n\n</details>\n"
    )


def _notes(report: PipelineReport) -> str:
    if not report.notes:
        return ""
    lines = "\n".join(f"- {escaped(note)}" for note in report.notes[:MOST_NOTES])
    return f"#### Left out or doubtful\n\n{lines}\n"
