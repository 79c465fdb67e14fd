"""Stages as a user hands them over: a JSON list, with times as epoch seconds or ISO 8601."""

from __future__ import annotations

import re
from datetime import datetime

from astrago_actions.domain.stages import Stage

RESULTS = ("success", "failure", "cancelled", "skipped")
_MILLISECONDS_FROM = 1e11
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_FRACTION = re.compile(r"\.(\d+)")


def parse_stages(value: object) -> tuple[tuple[Stage, ...], tuple[str, ...]]:
    """The stages, and everything that is wrong with them, each named by its place in the list."""
    if not isinstance(value, list):
        return (), ("must be a JSON list of objects",)
    stages: list[Stage] = []
    problems: list[str] = []
    for number, entry in enumerate(value, 1):
        found = _parse(entry)
        if isinstance(found, Stage):
            stages.append(found)
        else:
            problems += [f"stage {number}: {problem}" for problem in found]
    return tuple(stages), tuple(problems)


def _parse(entry: object) -> Stage | list[str]:
    if not isinstance(entry, dict):
        return ["must be an object with `name`, `started_at`, `finished_at` and `result`"]
    name, result = entry.get("name"), entry.get("result", "success")
    started_at, finished_at = _moment(entry, "started_at"), _moment(entry, "finished_at")
    problems = [moment for moment in (started_at, finished_at) if isinstance(moment, str)]
    if not isinstance(name, str) or not name.strip():
        problems.insert(0, "`name` is missing")
    if result not in RESULTS:
        problems.append(f"`result` must be one of {', '.join(RESULTS)}; it is `{result}`")
    if problems or isinstance(started_at, str) or isinstance(finished_at, str):
        return problems
    return Stage(_one_line(str(name)), started_at, finished_at, str(result))


def _one_line(text: str) -> str:
    """Blanks made single; half characters, which JSON allows and UTF-8 does not, replaced."""
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())


def _moment(entry: dict[str, object], key: str) -> float | str:
    """Epoch seconds, or what is wrong with them."""
    value = entry.get(key)
    if value is None or value == "":
        return f"`{key}` is missing"
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, str):
        return _iso_moment(value.strip(), key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"`{key}` must be epoch seconds or an ISO 8601 time; it is `{value}`"
    if not 0 <= value < _MILLISECONDS_FROM:
        return f"`{key}` must be in seconds since 1970 (not milliseconds); it is `{value}`"
    return float(value)


def _iso_moment(text: str, key: str) -> float | str:
    """Python before 3.11 reads neither `Z` nor any number of decimals."""
    plain = _FRACTION.sub(lambda match: "." + match[1][:6].ljust(6, "0"), text)
    try:
        moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", plain))
    except ValueError:
        return f"`{key}` is neither epoch seconds nor an ISO 8601 time: `{text}`"
    if moment.tzinfo is None:
        return f"`{key}` has no time zone; end it with Z or an offset: `{text}`"
    return moment.timestamp()
