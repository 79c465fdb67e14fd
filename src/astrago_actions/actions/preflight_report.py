"""What preflight says: one table in the log and in the summary, and the error where one failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from astrago_actions.domain.readiness import Check, is_ready
from astrago_actions.domain.timeline import cell
from astrago_actions.errors import ActionError

_MARKS = {"ok": "✓", "warning": "!", "failed": "✗", "skipped": "–"}
_PICTURES = {"ok": "✅", "warning": "⚠️", "failed": "❌", "skipped": "➖"}


def lines(checks: Sequence[Check]) -> Iterator[str]:
    """The table for the log, each remedy below its row, and the verdict."""
    area = max(len(check.area) for check in checks)
    name = max(len(check.check) for check in checks)
    for check in checks:
        begin = f"  {_MARKS[check.status]} {check.area:{area}}  {check.check:{name}}  "
        told = check.detail.splitlines() or [""]
        told += [f"→ {check.remedy}"] if check.remedy and check.status != "skipped" else []
        yield begin + told[0]
        yield from (" " * len(begin) + line for line in told[1:])
    yield verdict(checks)


def summary(checks: Sequence[Check]) -> str:
    """The table for the job's page."""
    rows = "".join(
        f"| {_PICTURES[check.status]} | {check.area} | {cell(check.check)} | {_told(check)} |\n"
        for check in checks
    )
    return (
        f"### Preflight: {verdict(checks)}\n\n"
        f"| | area | check | what came of it |\n| --- | --- | --- | --- |\n{rows}\n"
        "Nothing was changed.\n"
    )


def verdict(checks: Sequence[Check]) -> str:
    """`Ready: 12 checks, 1 warning.`, or how many failed."""
    asked = [check for check in checks if check.status != "skipped"]
    failures = [check for check in asked if check.status == "failed"]
    warnings = sum(check.status == "warning" for check in asked)
    warned = f", {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    if is_ready(checks):
        return f"Ready: {len(asked)} check{'' if len(asked) == 1 else 's'}{warned}."
    return f"Not ready: {len(failures)} of {len(asked)} checks failed{warned}."


def outcome(checks: Sequence[Check]) -> list[dict[str, str]]:
    """The rows for the output `checks`."""
    return [asdict(check) for check in checks]


def not_ready(checks: Sequence[Check], outputs: Mapping[str, object]) -> ActionError:
    """The failure that names each failed check with its next step."""
    asked = [check for check in checks if check.status != "skipped"]
    failures = [check for check in asked if check.status == "failed"]
    return ActionError(
        f"Not ready: {len(failures)} of {len(asked)} checks failed",
        "\n".join(line for check in failures for line in _item(check)),
        "Do what is said beside each of them and run preflight again. Nothing was changed.",
        outputs=outputs,
    )


def _item(check: Check) -> Iterator[str]:
    first, *rest = check.detail.splitlines()
    yield f"- {check.area}, {check.check}: {first}"
    yield from (f"  {line}" for line in rest)
    yield f"  → {check.remedy}"


def _told(check: Check) -> str:
    """What came of a check in one cell: its lines, and the next step below them."""
    told = [cell(line) for line in check.detail.splitlines()]
    told += [f"**Next:** {cell(check.remedy)}"] if check.remedy else []
    return "<br>".join(told)
