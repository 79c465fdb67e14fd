"""A step that keeps everything it is told."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from astrago_actions.errors import ActionError


@dataclass
class RecordingStep:
    """What was said, by kind; groups count as lines."""

    lines: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    failures: list[ActionError] = field(default_factory=list)

    @property
    def log(self) -> str:
        """Everything printed, as one text."""
        return "\n".join(self.lines)

    def info(self, text: str) -> None:
        self.lines.append(text)

    def group(self, title: str) -> AbstractContextManager[None]:
        self.lines.append(title)
        return nullcontext()

    def notice(self, title: str, message: str) -> None:
        self.notices.append(f"{title}: {message}")

    def warning(self, title: str, message: str) -> None:
        self.warnings.append(f"{title}: {message}")

    def mask(self, secret: str) -> None:
        self.masked.append(secret)

    def summary(self, markdown: str) -> None:
        self.summaries.append(markdown)

    def outputs(self, values: Mapping[str, object]) -> None:
        raise AssertionError("outputs are written by the caller of an action")

    def failure(self, error: ActionError) -> None:
        self.failures.append(error)
