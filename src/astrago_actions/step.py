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
from pathlib import Path
from typing import Protocol

from actions_toolkit.command import issue_command
from actions_toolkit.file_command import issue_file_command, prepare_key_value_message

from astrago_actions.errors import ActionError

# Source: runner FileCommandManager.cs; a larger file is refused as a whole.
SUMMARY_LIMIT = 1024 * 1024

_LINE_BREAKS = re.compile(r"\r\n|[\r\n]")


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
        """Never show this value again, in logs, summaries or errors."""

    def summary(self, markdown: str) -> None:
        """Add a section to the job summary."""

    def outputs(self, values: Mapping[str, object]) -> None:
        """Set the step's outputs; maps and lists become JSON, booleans `true` and `false`."""

    def failure(self, error: ActionError) -> None:
        """Report the failure that ends the action."""


class Masks:
    """The secrets of one run and the text without them."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def add(self, secret: str) -> None:
        """Hide the secret and each of its lines from now on."""
        parts = [secret, *secret.splitlines()]
        self._secrets.update(part.strip() for part in parts if len(part.strip()) > 3)

    def apply(self, text: str) -> str:
        """The text with every known secret replaced by three stars."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


class RunnerStep:
    """A step of a GitHub Actions job."""

    def __init__(self) -> None:
        self._masks = Masks()
        self._summary_bytes = 0

    def info(self, text: str) -> None:
        """Print text; whatever it holds, the runner takes none of it for a command."""
        sys.stdout.write(harmless(self._masks.apply(text)) + "\n")

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold what is printed inside under `title`."""
        issue_command("group", {}, self._masks.apply(title))
        try:
            yield
        finally:
            issue_command("endgroup", {}, "")

    def notice(self, title: str, message: str) -> None:
        """Add a notice annotation."""
        self._annotate("notice", title, message)

    def warning(self, title: str, message: str) -> None:
        """Add a warning annotation."""
        self._annotate("warning", title, message)

    def mask(self, secret: str) -> None:
        """Register the value, in one command also where it spans lines, and hide it ourselves."""
        if secret.strip():
            issue_command("add-mask", {}, secret)
            self._masks.add(secret)

    def summary(self, markdown: str) -> None:
        """Append to the job summary, within the runner's limit of 1 MiB for a step."""
        if not _file_command_available("STEP_SUMMARY"):
            return
        text = self._masks.apply(markdown)
        self._summary_bytes += len(text.encode()) + 2
        if self._summary_bytes < SUMMARY_LIMIT:
            issue_file_command("STEP_SUMMARY", text + "\n")

    def outputs(self, values: Mapping[str, object]) -> None:
        """Write the outputs to the runner's output file."""
        if not _file_command_available("OUTPUT"):
            return
        for name, value in values.items():
            issue_file_command("OUTPUT", prepare_key_value_message(name, output_text(value)))

    def failure(self, error: ActionError) -> None:
        """One error annotation and one box in the summary: what, where, why, what next."""
        self.summary(failure_markdown(error))
        message = "\n".join(part for part in (error.detail, error.remedy, error.link) if part)
        self._annotate("error", error.title, message)

    def _annotate(self, kind: str, title: str, message: str) -> None:
        issue_command(kind, {"title": self._masks.apply(title)}, self._masks.apply(message))


class ShellStep:
    """A person's terminal: progress on standard error, outputs as JSON on standard output."""

    def __init__(self) -> None:
        self._masks = Masks()

    def info(self, text: str) -> None:
        """Print progress."""
        sys.stderr.write(printable(self._masks.apply(text)) + "\n")

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
        text = json.dumps(dict(values), ensure_ascii=False, indent=2)
        sys.stdout.write(self._masks.apply(text) + "\n")

    def failure(self, error: ActionError) -> None:
        """Print what failed, why, and what to do."""
        self.info(f"error: {error}")


def output_text(value: object) -> str:
    """How a value is written as an output: JSON for maps and lists, `true`/`false`, else text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def harmless(text: str) -> str:
    """Text in which the runner finds no workflow command.

    The runner reads `::command::` after leading blanks and `##[command]` anywhere in a line
    (OutputManager.cs, ActionCommand.cs), and takes a lone carriage return for a line break.
    """
    return "\n".join(_harmless_line(line) for line in _LINE_BREAKS.split(printable(text)))


def printable(text: str) -> str:
    """Text without control characters that could redraw a terminal."""
    return "".join(char if char.isprintable() or char in "\n\r\t" else "�" for char in text)


def _harmless_line(line: str) -> str:
    without_old_commands = line.replace("##[", "## [")
    stripped = without_old_commands.lstrip()
    if stripped.startswith("::"):
        return without_old_commands.replace("::", ": :", 1)
    return without_old_commands


def failure_markdown(error: ActionError) -> str:
    """The summary's box for a failure."""
    lines = [f"**{error.title}**", "", *error.detail.splitlines(), "", f"**Next:** {error.remedy}"]
    if error.link:
        lines += ["", error.link]
    quoted = "\n".join(f"> {line}".rstrip() for line in lines)
    return f"> [!CAUTION]\n{quoted}\n"


def _file_command_available(name: str) -> bool:
    path = os.environ.get(f"GITHUB_{name}")
    return bool(path) and Path(path or "").exists()
