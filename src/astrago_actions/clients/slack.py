"""One Slack message for a run, by incoming webhook, within the limits of Block Kit.

Its first line is the report's headline, which calls a run deployed only after a rollout was seen.
Source: https://api.slack.com/messaging/webhooks and the reference of Block Kit.
"""

from __future__ import annotations

import json
from typing import Any

from astrago_actions.clients.delivery import Delivery, deliver
from astrago_actions.clock import Clock
from astrago_actions.domain.pipeline_report import PipelineReport
from astrago_actions.domain.report_rows import stage_row
from astrago_actions.domain.stage_times import CANCELLED, FAILED, StageTime
from astrago_actions.errors import ActionError
from astrago_actions.inputs import Secret

SECTION_LENGTH = 3000
FIELD_LENGTH = 2000
MOST_FIELDS = 10
FALLBACK_LENGTH = 3000
BREACHES_SHOWN = 5

_COLORS = {"OK": "#1a7f37", FAILED: "#cf222e", CANCELLED: "#6e7781"}
_ATTENTION = "#bf8700"
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Emphasis marks of Slack's own that would end the bold of the first line.
_LOOK_ALIKES = str.maketrans({"*": "∗", "`": "ˋ"})


def send(webhook: Secret, report: PipelineReport, clock: Clock) -> None:
    """Post the message; a lost answer is not sent again, so that nobody reads it twice.

    Raises ActionError, RateLimited, AccessDenied or Unreachable, none of which holds the address.
    """
    body = json.dumps(message(report), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    url = webhook.reveal()
    answer = deliver(Delivery("Slack", "POST", url, body, headers, idempotent=False), clock)
    if _refused(answer):
        raise ActionError(
            "Slack did not take the message",
            f"It answered {' '.join(answer.split())[:200]}",
            "Check that the webhook still exists and that its channel is not archived.",
        )


def _refused(answer: str) -> bool:
    """Slack's API methods, unlike its webhooks, answer 200 with `"ok": false`."""
    try:
        parsed = json.loads(answer)
    except ValueError:
        return False
    return isinstance(parsed, dict) and parsed.get("ok") is False


def message(report: PipelineReport) -> dict[str, Any]:
    """The payload: text for notifications, and coloured blocks."""
    first_line = f"{report.state}: {report.headline}"
    blocks: list[dict[str, Any]] = [_section(f"*{_escaped(first_line, SECTION_LENGTH - 2)}*")]
    breaches = "\n".join(f"• {_escaped(each.message, 400)}" for each in _shown_breaches(report))
    if breaches:
        blocks.append(_section(breaches))
    fields = _fields(report)
    if fields:
        blocks.append({"type": "section", "fields": fields})
    blocks.append({"type": "context", "elements": [_text(_origin(report))]})
    color = _COLORS.get(report.measured.outcome.state, _COLORS.get(report.state, _ATTENTION))
    return {
        "text": _escaped(first_line, FALLBACK_LENGTH),
        "attachments": [{"color": color, "blocks": blocks}],
    }


def _shown_breaches(report: PipelineReport) -> tuple[Any, ...]:
    return report.breaches[:BREACHES_SHOWN]


def _fields(report: PipelineReport) -> list[dict[str, str]]:
    times = [time for time in report.measured.times if time.seconds is not None]
    return [_text(_stage(time)) for time in times[:MOST_FIELDS]]


def _stage(time: StageTime) -> str:
    name, took, budget, verdict = stage_row(time)
    of_budget = f" of {budget}" if time.budget else ""
    ending = "" if verdict == "–" else f"\n{_escaped(verdict, 200)}"
    return f"*{_escaped(name, 200)}*  {took}{of_budget}{ending}"


def _origin(report: PipelineReport) -> str:
    subject = report.subject
    attempt = f", attempt {subject.attempt}" if subject.attempt > 1 else ""
    label = _escaped(f"run {subject.run_number}{attempt}", 100)
    run = f"<{subject.url}|{label}>" if subject.url else ""
    named = [subject.repository, subject.branch, subject.sha[:8], subject.actor]
    return " · ".join([*(_escaped(each, 300) for each in named if each), *([run] if run else [])])


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text or " "}


def _escaped(text: str, longest: int) -> str:
    """Text on one line that Slack shows as it is, at most `longest` characters once escaped."""
    plain = " ".join(text.split()).translate(_LOOK_ALIKES)
    escaped = plain.translate(_ESCAPES)
    while len(escaped) > longest:
        plain = plain[: len(plain) - max(1, (len(escaped) - longest) // 5)]
        escaped = plain.translate(_ESCAPES) + "…"
    return escaped
