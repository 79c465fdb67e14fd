"""Calling the `docker` command: short questions, and long work whose lines are shown at once."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

QUESTION_SECONDS = 20
LINES_KEPT = 60


@dataclass(frozen=True)
class Finished:
    """How a command ended, and the last lines that it printed."""

    exit_code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The last lines as one text."""
        return "\n".join(self.lines)


class DockerCommand:
    """One `docker` program, called in `folder` with `environment` over our own."""

    def __init__(self, program: str, environment: Mapping[str, str], folder: Path) -> None:
        self.program = program
        self._environment = {**os.environ, **environment}
        self._folder = folder
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()

    def answer(self, *arguments: str, **environment: str) -> str | None:
        """What the command prints; None when it fails or takes too long."""
        try:
            done = subprocess.run(
                [self.program, *arguments],
                cwd=self._folder,
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=QUESTION_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    def follow(
        self, arguments: Sequence[str], say: Callable[[str], None], **environment: str
    ) -> Finished:
        """Run the command and pass each line on; both output streams, in order."""
        process = subprocess.Popen(
            [self.program, *arguments],
            cwd=self._folder,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        kept: deque[str] = deque(maxlen=LINES_KEPT)
        with self._lock:
            self._running.add(process)
        try:
            for line in process.stdout or ():
                text = line.rstrip()
                if text:
                    kept.append(text)
                    say(text)
            return Finished(process.wait(), tuple(kept))
        except BaseException:
            process.kill()
            raise
        finally:
            with self._lock:
                self._running.discard(process)

    def stop(self) -> None:
        """End everything that still runs, for a person who cancelled the job."""
        with self._lock:
            running = tuple(self._running)
        for process in running:
            process.terminate()
