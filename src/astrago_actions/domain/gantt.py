"""A Mermaid gantt chart of one run that no stage name can break.

Written for Mermaid 10.9 and 11. In its gantt grammar a colon ends a label, and a label that begins
with a keyword (`title`, `section`, `click`, `excludes`, …) is taken for a statement or vanishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from astrago_actions.domain.durations import HOUR

MOST_ROWS = 40
LABEL_LENGTH = 50
_HARMLESS = frozenset(" -_./()+,'@")
_FULL_WIDTH = 0xFEE0
_TICKS = ((60, "10second"), (300, "1minute"), (900, "2minute"), (1800, "5minute"))


@dataclass(frozen=True)
class Bar:
    """One bar; times are seconds since the chart's beginning.

    `look` is `done`, `active` (still going on) or `crit` (failed or over its budget).
    """

    label: str
    start: float
    end: float
    look: str = "done"


def gantt(bars: Sequence[Bar], budget_seconds: float | None = None) -> str:
    """The chart's text, with a milestone at the budget; empty without bars."""
    if not bars:
        return ""
    end = max(*(bar.end for bar in bars), budget_seconds or 0.0)
    lines = ["gantt", "    dateFormat x", *(f"    {line}" for line in _axis(end))]
    lines += ["    todayMarker off", "    section Stages"]
    lines += [f"    {_row(number, bar)}" for number, bar in enumerate(bars[:MOST_ROWS], 1)]
    if budget_seconds is not None:
        moment = round(budget_seconds * 1000)
        lines.append(f"    Budget of the whole :milestone, crit, {moment}, {moment + 1}")
    return "\n".join(lines)


def _axis(end: float) -> tuple[str, ...]:
    """Minutes and seconds; from an hour on seconds alone, since hours would be shown local."""
    if end >= HOUR:
        return ("axisFormat %s s",)
    ticks = [tick for limit, tick in _TICKS if end <= limit]
    return ("axisFormat %M:%S", f"tickInterval {ticks[0] if ticks else '10minute'}")


def _row(number: int, bar: Bar) -> str:
    start = max(0, round(bar.start * 1000))
    end = max(start + 1, round(bar.end * 1000))
    return f"{number}. {safe_label(bar.label)} :{bar.look}, {start}, {end}"


def safe_label(text: str) -> str:
    """The text on one line, with punctuation that Mermaid could read in its full-width form."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    shortened = " ".join(printable.split())[:LABEL_LENGTH].rstrip()
    return "".join(_harmless(char) for char in shortened)


def _harmless(char: str) -> str:
    if not char.isascii() or char.isalnum() or char in _HARMLESS:
        return char
    return chr(ord(char) + _FULL_WIDTH)
