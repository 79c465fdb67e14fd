"""The runner's contract, outward: log, groups, annotations, masks, outputs and the summary.

`RunnerStep` speaks to a GitHub Actions runner, `ShellStep` to a person at a terminal.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol, TextIO

from actions_toolkit.command import issue_command
from actions_toolkit.file_command import issue_file_command, prepare_key_value_message

from astrago_actions.errors import ActionError

# Source: runner FileCommandManager.cs; a larger file is refused as a whole.
SUMMARY_LIMIT = 1024 * 1024
# Kept free by ordinary sections, so that a failure can always be told.
SUMMARY_RESERVE = 32 * 1024
SUMMARY_FULL = "_The rest was left out: a summary holds 1 MiB. The log has all of it._\n"
# Source: runner ExecutionContext.cs; the rest of a longer message is thrown away.
ANNOTATION_LIMIT = 4096
# Source: GitHub's REST description of check run annotations.
ANNOTATION_TITLE_LIMIT = 255
# Shorter lines of a secret, such as the braces of a key in JSON, are no secrets.
SHORTEST_SECRET = 4

_LINE_BREAKS = re.compile(r"\r\n|[\r\n]")
_TERMINAL_CODES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\r\n]*(?:\x07|\x1b\\)|[ -/]+[0-~])"
)
_ZERO_WIDTH_JOINER = "\u200d"  # holds emoji together


class Step(Protocol):
    """What an action may say to whoever runs it."""

    def info(self, text: str) -> None:
        """Print text; whatever it holds, the runner takes none of it for a command."""

    def group(self, title: str) -> AbstractContextManager[None]:
        """Fold what is printed inside under `title`."""

    def notice(self, title: str, message: str) -> None:
        """Tell the reader something worth knowing."""

    def warning(self, title: str, message: str) -> None:
        """Tell the reader about something that deserves attention but stops nothing."""

    def mask(self, secret: str) -> None:
        """Never show this value again, in logs, summaries, outputs or errors."""

    def summary(self, markdown: str) -> None:
        """Add a section to the job summary."""

    def outputs(self, values: Mapping[str, object]) -> None:
        """Set the step's outputs; maps and lists become JSON, booleans `true` and `false`."""

    def failure(self, error: ActionError) -> None:
        """Report the failure that ends the action."""


class Masks:
    """The secrets of one run and the text without them."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def add(self, secret: str) -> None:
        """Hide the secret, each of its lines, and the forms that they take when quoted."""
        parts = {secret.strip(), *(line.strip() for line in secret.splitlines())}
        forms = {form for part in parts if len(part) >= SHORTEST_SECRET for form in _forms(part)}
        self._secrets = sorted(forms.union(self._secrets), key=len, reverse=True)

    def apply(self, text: str) -> str:
        """The text with every known secret replaced by three stars."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _forms(secret: str) -> set[str]:
    """A secret as it is, in JSON, in Python's messages, in addresses and in base64."""
    from base64 import b64encode
    from urllib.parse import quote, quote_plus

    encoded = secret.encode("utf-8", "replace")
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote(encoded),
        quote(encoded, safe=""),
        quote_plus(encoded),
        b64encode(encoded).decode("ascii"),
    }


class RunnerStep:
    """A step of a GitHub Actions job."""

    def __init__(self) -> None:
        self._masks = Masks()
        self._summary_full = False

    def info(self, text: str) -> None:
        """Print text; whatever it holds, the runner takes none of it for a command."""
        sys.stdout.write(harmless(self._masks.apply(text)) + "\n")

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold what is printed inside under `title`."""
        issue_command("group", {}, _one_line(self._masks.apply(title)))
        try:
            yield
        finally:
            issue_command("endgroup", {}, "")

    def notice(self, title: str, message: str) -> None:
        """Add a notice annotation."""
        self._annotate("notice", self._masks.apply(title), self._masks.apply(message))

    def warning(self, title: str, message: str) -> None:
        """Add a warning annotation."""
        self._annotate("warning", self._masks.apply(title), self._masks.apply(message))

    def mask(self, secret: str) -> None:
        """Register the value, in one command also where it spans lines, and hide it ourselves."""
        if secret.strip():
            issue_command("add-mask", {}, secret)
            self._masks.add(secret)

    def summary(self, markdown: str) -> None:
        """Append to the job summary; a section that would make it too large is left out whole."""
        if self._summary_full:
            return
        fits = _append_to_summary(self._masks.apply(markdown), SUMMARY_LIMIT - SUMMARY_RESERVE)
        if not fits:
            self._summary_full = True
            _append_to_summary(SUMMARY_FULL, SUMMARY_LIMIT)

    def outputs(self, values: Mapping[str, object]) -> None:
        """Write the outputs, without secrets, to the runner's output file."""
        if not os.environ.get("GITHUB_OUTPUT"):
            return
        for name, value in values.items():
            text = _encodable(self._masks.apply(output_text(value)))
            issue_file_command("OUTPUT", prepare_key_value_message(name, text))

    def failure(self, error: ActionError) -> None:
        """One error annotation and one box in the summary: what, where, why, what next."""
        shown = self._without_secrets(error)
        _append_to_summary(failure_markdown(shown), SUMMARY_LIMIT)
        message = "\n".join(part for part in (shown.detail, shown.remedy, shown.link) if part)
        self._annotate("error", shown.title, message)

    def _without_secrets(self, error: ActionError) -> ActionError:
        """The error to show; a long detail is cut, so that the next step is never cut off."""
        remedy = self._masks.apply(error.remedy)
        link = self._masks.apply(error.link or "")
        room = max(1, ANNOTATION_LIMIT - len(f"{remedy}\n{link}\n"))
        detail = _cut(self._masks.apply(error.detail), room)
        return ActionError(self._masks.apply(error.title), detail, remedy, link=link)

    def _annotate(self, kind: str, title: str, message: str) -> None:
        """The log shows an annotation's message alone, so its title is printed above it."""
        self.info(title)
        properties = {"title": _cut(_one_line(title), ANNOTATION_TITLE_LIMIT)}
        issue_command(kind, properties, _cut(printable(message), ANNOTATION_LIMIT))


class ShellStep:
    """A person's terminal: progress on standard error, outputs as JSON on standard output.

    When the reader of either goes away (`| head`), the work goes on without it: an action that
    changes something must not stop half-way. `secrets` maps secret inputs to the environment
    variables that hold them here.
    """

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._masks = Masks()
        self._secrets = secrets or {}

    def info(self, text: str) -> None:
        """Print progress."""
        _write_line(sys.stderr, printable(self._masks.apply(text)))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Print the title above what follows."""
        self.info(title)
        yield

    def notice(self, title: str, message: str) -> None:
        """Print a notice."""
        self.info(f"note: {title}: {message}")

    def warning(self, title: str, message: str) -> None:
        """Print a warning."""
        self.info(f"warning: {title}: {message}")

    def mask(self, secret: str) -> None:
        """Hide the value in everything printed from now on."""
        if secret.strip():
            self._masks.add(secret)

    def summary(self, markdown: str) -> None:
        """Terminals get the log; the summary is for the job's page."""

    def outputs(self, values: Mapping[str, object]) -> None:
        """Print the outputs as JSON for another program to read."""
        text = json.dumps(dict(values), ensure_ascii=False, indent=2, default=str)
        _write_line(sys.stdout, self._masks.apply(text))

    def failure(self, error: ActionError) -> None:
        """Print what failed, why, what to do, and where a secret that it names is read from."""
        told = str(error)
        self.info(f"error: {told}")
        for input_name, variable in self._secrets.items():
            if f"`{input_name}`" in told:
                self.info(f"In a shell, `{input_name}` is the environment variable {variable}.")


def named_outputs(outputs: Any) -> dict[str, object]:
    """The fields of an action's `Outputs` under the names that workflows know them by."""
    return {each.name.replace("_", "-"): getattr(outputs, each.name) for each in fields(outputs)}


def output_text(value: object) -> str:
    """How a value is written as an output: JSON for maps and lists, `true`/`false`, else text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        value = dict(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return str(value)


def harmless(text: str) -> str:
    """Text in which the runner finds no workflow command.

    The runner reads `::command::` after leading blanks and `##[command]` anywhere in a line
    (OutputManager.cs, ActionCommand.cs), and takes a lone carriage return for a line break.
    """
    return "\n".join(_harmless_line(line) for line in printable(text).split("\n"))


def printable(text: str) -> str:
    """Text without what could redraw a terminal: colours go, odd blanks become blanks."""
    unified = _LINE_BREAKS.sub("\n", _TERMINAL_CODES.sub("", text))
    return unified if unified.isprintable() else "".join(map(_printable_character, unified))


def _printable_character(char: str) -> str:
    if char.isprintable() or char in ("\n", "\t", _ZERO_WIDTH_JOINER):
        return char
    return " " if char.isspace() else "\ufffd"


def _harmless_line(line: str) -> str:
    without_old_commands = line.replace("##[", "## [")
    if without_old_commands.lstrip().startswith("::"):
        return without_old_commands.replace("::", ": :", 1)
    return without_old_commands


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())


def failure_markdown(error: ActionError) -> str:
    """The summary's box for a failure; line breaks in the detail stay line breaks."""
    detail = "  \n".join(error.detail.splitlines())
    parts = [f"**{_one_line(error.title)}**", detail, f"**Next:** {error.remedy}", error.link]
    text = "\n\n".join(part for part in parts if part)
    quoted = "\n".join(f"> {line}" if line else ">" for line in text.splitlines())
    return f"> [!CAUTION]\n{quoted}\n"


def _append_to_summary(markdown: str, limit: int) -> bool:
    """Add to the summary's file unless that would exceed `limit` bytes; returns whether it fits."""
    path = Path(os.environ.get("GITHUB_STEP_SUMMARY") or os.devnull)
    if not path.is_file():
        return True
    text = _encodable(markdown) + "\n"
    if path.stat().st_size + len(text.encode()) + len(os.linesep) > limit:
        return False
    issue_file_command("STEP_SUMMARY", text)
    return True


def _encodable(text: str) -> str:
    """Text that UTF-8 can hold: halves of surrogate pairs, as in broken file names, become `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _cut(text: str, limit: int) -> str:
    """At most `limit` characters as the runner counts them, in UTF-16."""
    units = _encodable(text).encode("utf-16-le")
    if len(units) <= 2 * limit:
        return text
    return units[: 2 * (limit - 1)].decode("utf-16-le", "ignore") + "…"


def _write_line(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
