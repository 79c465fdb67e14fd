"""The one kind of error that people see: what failed, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class ActionError(Exception):
    """A failure told in the reader's own words.

    `title` says what failed in one line, `detail` where and the likely cause, `remedy` the next
    step. `outputs` are step outputs that are known in spite of the failure (`name -> value`) and
    are still written. `exit_code` is the exit code of the process.
    """

    def __init__(
        self,
        title: str,
        detail: str,
        remedy: str,
        *,
        link: str | None = None,
        exit_code: int = 1,
        outputs: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.remedy = remedy
        self.link = link
        self.exit_code = exit_code
        self.outputs: Mapping[str, object] = outputs or {}

    def extended(self, detail: str) -> ActionError:
        """The same error, with more to say."""
        return ActionError(
            self.title,
            f"{self.detail}\n{detail}",
            self.remedy,
            link=self.link,
            exit_code=self.exit_code,
            outputs=self.outputs,
        )

    def __str__(self) -> str:
        parts = [self.title, self.detail, self.remedy, self.link]
        return "\n".join(part for part in parts if part)


class Conflict(ActionError):
    """Somebody else changed the thing first; reading it again and deciding anew is safe."""


class NotFound(ActionError):
    """The thing does not exist, or the credentials cannot see it."""


class AccessDenied(ActionError):
    """The credentials are wrong, expired or lack a permission; repeating does not help."""


class RateLimited(ActionError):
    """The server asks us to wait for `retry_after` seconds, or until `reset_at` (epoch)."""

    retry_after: float | None = None
    reset_at: float | None = None


class Unreachable(ActionError):
    """No usable answer came: connection, TLS, proxy or server trouble. Nothing is known."""


class OutcomeUnknown(ActionError):
    """A write was sent and its answer was lost; only reading can tell whether it was applied."""


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with one input."""

    input_name: str
    message: str


class InputErrors(ActionError):
    """Every mistake found in the inputs, reported together before anything is done."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        self.mistakes = mistakes
        lines = "\n".join(f"- `{each.input_name}`: {each.message}" for each in mistakes)
        count = "1 input is wrong" if len(mistakes) == 1 else f"{len(mistakes)} inputs are wrong"
        super().__init__(
            count,
            lines,
            "Correct these (under `with:`; in a shell, the flags) and run again. Nothing changed.",
        )
