"""The file through which the steps of one job tell a later step how long they took."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from astrago_actions.domain.stages import Stage

NAME = "astrago-actions-stages.ndjson"


def append_stages(temporary: Path, stages: Iterable[Stage]) -> None:
    """Add stages to the job's file below `temporary` ($RUNNER_TEMP), one JSON object a line."""
    with (temporary / NAME).open("a", encoding="utf-8") as file:
        for stage in stages:
            file.write(json.dumps(asdict(stage)) + "\n")


def read_stages(temporary: Path) -> tuple[Stage, ...]:
    """The stages recorded so far in this job, in order; none where there is no file."""
    path = temporary / NAME
    if not path.exists():
        return ()
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(Stage(**json.loads(line)) for line in lines if line)
