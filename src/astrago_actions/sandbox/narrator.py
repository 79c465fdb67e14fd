"""A workflow run told line by line, for a person who watches it."""

from __future__ import annotations

import re
import sys
from typing import TextIO

from astrago_actions.sandbox.act import Event, short_name
from astrago_actions.sandbox.demo_record import ApplicationState

# BuildKit's lines below the name of a build step; the page has them.
_BUILD_DETAIL = re.compile(r"\[[^\]]+\] #\d+ (?!\[)")
_MARKS = {"success": "✓", "failure": "✗", "skipped": "–"}
_COLOURS = {"✓": "32", "✗": "31", "–": "33", "●": "36", "+": "32", "-": "31"}


class Narrator:
    """Writes to a terminal or a file; colours only where a terminal shows them."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._coloured = self._stream.isatty()
        self._last_seen = ""
        self._started: dict[tuple[str, str], float] = {}

    def say(self, text: str = "", mark: str = "") -> None:
        """One line, after a mark where there is one."""
        colour = _COLOURS.get(mark.strip())
        shown = f"\x1b[{colour}m{mark}\x1b[0m" if colour and self._coloured else mark
        self._stream.write(f"{shown} {text}\n" if mark else f"{text}\n")
        self._stream.flush()

    def hear(self, event: Event) -> None:
        """Tell what happened in a workflow run."""
        key = (event.job, event.step)
        if event.kind == "started":
            self._started[key] = event.moment
            self.say(short_name(event.name), "  ▸")
        elif event.kind == "printed":
            for line in event.text.splitlines():
                if not _BUILD_DETAIL.match(line):
                    self.say(f"    {line}")
        elif event.kind == "annotated":
            self.say(f"    {event.result}: {event.name}: {event.text}")
        elif event.kind == "finished":
            seconds = event.moment - self._started.get(key, event.moment)
            self.say(
                f"{short_name(event.name)} ({seconds:.1f} s)", "  " + _MARKS.get(event.result, "✗")
            )

    def see(self, state: ApplicationState) -> None:
        """Tell what Argo CD says of its application, if it is something new."""
        told = f"Argo CD: {state.phase} on {state.revision[:8]}"
        if told != self._last_seen:
            self._last_seen = told
            self.say(told, "  ●")

    def show_diff(self, diff: str) -> None:
        """The changed lines of a diff."""
        for line in diff.splitlines():
            if line[:1] in ("+", "-") and not line.startswith(("+++", "---")):
                self.say(line[1:], "    " + line[0])
