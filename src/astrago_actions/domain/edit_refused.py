"""Why an edit was not made: every reason of one call in one error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from astrago_actions.errors import ActionError


@dataclass(frozen=True)
class Refusal:
    """One key that is not edited: `reason` continues "`key` …", `remedy` is a sentence."""

    key: str
    reason: str
    remedy: str
    line: int | None = None

    def __str__(self) -> str:
        where = f" (line {self.line})" if self.line else ""
        return f"`{self.key}`{where} {self.reason}"


class EditRefused(ActionError):
    """Nothing was changed, because at least one key cannot be edited without a doubt."""

    def __init__(self, name: str, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__(
            _title(name, self.refusals),
            "\n".join(str(each) for each in self.refusals),
            " ".join(_once(each.remedy for each in self.refusals)),
        )


class FileRefused(ActionError):
    """The file as a whole cannot be edited; nothing was changed."""


def _title(name: str, refusals: Sequence[Refusal]) -> str:
    if len(refusals) == 1:
        return f"`{refusals[0].key}` in {name} was not changed"
    return f"{len(refusals)} keys in {name} cannot be changed, so nothing was"


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))
