"""What a GitHub Actions runner does with a step's lines and files, after its own rules.

Written from ActionCommand.cs, ActionCommandManager.cs and FileCommandManager.cs, and sharing no
code with what it judges.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """A workflow command as the runner understood it."""

    name: str
    properties: dict[str, str]
    data: str


@dataclass(frozen=True)
class RunnerFiles:
    """The files that the runner made for a step."""

    output_path: Path
    summary_path: Path

    def outputs(self) -> dict[str, str]:
        """The step's outputs."""
        return read_outputs(self.output_path.read_bytes().decode("utf-8"))

    def summary(self) -> str:
        """The step's summary."""
        return self.summary_path.read_bytes().decode("utf-8")


def lines_of(text: str) -> list[str]:
    """The lines that .NET's StreamReader finds: `\\r`, `\\n` and `\\r\\n` end one."""
    return re.split(r"\r\n|\r|\n", text)


def command_in(line: str) -> Command | None:
    """The command that the runner takes a line for, or None.

    Stricter than the runner where that depends on its culture settings: characters that .NET may
    ignore in comparisons are ignored, and every word counts as the name of a command.
    """
    return _new_command(line) or _old_command(line)


def commands_in(text: str) -> list[Command]:
    """All commands in what a step printed."""
    return [command for line in lines_of(text) if (command := command_in(line))]


def _new_command(line: str) -> Command | None:
    line = re.sub(r"^[\s\u200b\ufeff]+", "", line)
    if not _without_ignorable(line).startswith("::"):
        return None
    end = line.find("::", 2)
    if end < 0:
        return None
    name, _, properties = line[2:end].partition(" ")
    if not re.fullmatch(r"[A-Za-z-]+", name):
        return None
    pairs = (each.split("=", 1) for each in properties.strip().split(",") if "=" in each)
    unescaped = {
        key: _unescape(value, {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"})
        for key, value in pairs
    }
    data = _unescape(line[end + 2 :], {"%0D": "\r", "%0A": "\n", "%25": "%"})
    return Command(name, unescaped, data)


def _old_command(line: str) -> Command | None:
    for start in range(len(line)):
        if _without_ignorable(line[start:]).startswith("##["):
            name = line[start + 3 :].partition("]")[0].partition(" ")[0]
            if "]" in line[start + 3 :] and re.fullmatch(r"[A-Za-z-]+", name):
                return Command(name, {}, line)
    return None


def _without_ignorable(text: str) -> str:
    return "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf"))


def _unescape(text: str, mapping: dict[str, str]) -> str:
    for escaped, char in mapping.items():
        text = text.replace(escaped, char)
    return text


def read_outputs(text: str) -> dict[str, str]:
    """The key-value pairs in a runner's file: `name=value`, or `name<<DELIMITER`, lines, DELIMITER.

    Only `\\n` ends a line. Raises ValueError where the runner fails the step.
    """
    found: dict[str, str] = {}
    rest = text
    while rest:
        line, rest = _line(rest)
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
        elif heredoc >= 0:
            name, _, delimiter = line.partition("<<")
            if not delimiter:
                raise ValueError("the delimiter is empty")
            value, rest = _until(delimiter, rest)
        else:
            raise ValueError(f"neither = nor << in {line!r}")
        if not name:
            raise ValueError("the name is empty")
        found[name] = value
    return found


def _line(text: str) -> tuple[str, str]:
    line, _, rest = text.partition("\n")
    return line, rest


def _until(delimiter: str, text: str) -> tuple[str, str]:
    lines: list[str] = []
    while text:
        has_end = "\n" in text
        line, text = _line(text)
        if line == delimiter:
            if not has_end:
                raise ValueError("the delimiter's line does not end")
            return "\n".join(lines), text
        lines.append(line)
    raise ValueError(f"{delimiter!r} never comes")
