"""What is worth a line in the log: marks that were passed and changes in what is waited for."""

from __future__ import annotations

import re

from astrago_actions.domain.rollout.values import Memory, Verdict
from astrago_actions.domain.rollout.words import short

_SECONDS = re.compile(r"\d+(?:\.\d+)? s\b")
_MARKS = (
    ("seen_at", "Argo CD sees {revision}"),
    ("synced_at", "synced at {revision}"),
    ("healthy_at", "healthy"),
)


def changes(
    before: Verdict, after: Verdict, memory_before: Memory, memory_after: Memory, revision: str
) -> tuple[str, ...]:
    """The lines to print after a look; none when nothing changed but a count of seconds."""
    lines = [
        text.format(revision=short(revision) or "the change")
        for name, text in _MARKS
        if getattr(memory_before, name) is None and getattr(memory_after, name) is not None
    ]
    if memory_before.healthy_at is not None and memory_after.healthy_at is None:
        lines.append("no longer healthy and in sync")
    if _without_seconds(before.headline) != _without_seconds(after.headline):
        lines.append(after.headline)
    asked = sorted(after.wants - {"workload"})
    lines.extend(f"asking Argo CD for a {each.replace('-', ' ')}" for each in asked)
    return tuple(lines)


def elapsed(seconds: float) -> str:
    """Minutes and seconds, such as `1m05s`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02d}s"


def _without_seconds(text: str) -> str:
    return _SECONDS.sub("", text)
