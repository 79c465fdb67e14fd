"""When each application was seen, in sync and healthy: a Mermaid picture and a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_UNSAFE = re.compile(r"[^A-Za-z0-9가-힣 ._/-]+")


@dataclass(frozen=True)
class Passage:
    """One application's way; times are seconds since the wait began, None where not reached."""

    application: str
    result: str
    seen_at: float | None
    synced_at: float | None
    healthy_at: float | None
    ended_at: float

    @property
    def stages(self) -> tuple[tuple[str, float, float, bool], ...]:
        """Name, begin, end and success of detect, sync and healthy, as far as they came."""
        marks = (("detect", self.seen_at), ("sync", self.synced_at), ("healthy", self.healthy_at))
        stages = []
        begin = 0.0
        for name, end in marks:
            if end is None:
                stages.append((name, begin, max(self.ended_at, begin), False))
                break
            stages.append((name, begin, max(end, begin), True))
            begin = max(end, begin)
        return tuple(stages)


def gantt(passages: Sequence[Passage]) -> str:
    """The picture, in Mermaid; names from outside cannot break out of it."""
    lines = ["```mermaid", "gantt", "    dateFormat x", "    axisFormat %M:%S"]
    for passage in passages:
        lines.append(f"    section {safe_name(passage.application)}")
        for name, begin, end, went_well in passage.stages:
            mark = "done" if went_well else "crit"
            first, last = round(begin * 1000), round(max(end, begin + 0.2) * 1000)
            lines.append(f"    {name} :{mark}, {first}, {last}")
    return "\n".join([*lines, "```"])


def safe_name(name: str) -> str:
    """The name without anything that means something to Mermaid or Markdown."""
    return _UNSAFE.sub(" ", name).strip()[:60] or "application"


def cell(text: str) -> str:
    """Text for one cell of a Markdown table, shown as it is."""
    flat = " ".join(text.split())
    escaped = re.sub(r"([\\`*_{}\[\]<>|~#])", r"\\\1", flat)
    return escaped.replace("@", "@&#8203;")


def seconds_text(value: float | None) -> str:
    """Seconds for a table; a dash where they are unknown."""
    return "–" if value is None else f"{value:.1f} s"
