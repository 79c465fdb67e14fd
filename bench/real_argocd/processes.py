"""Programs that run beside each other on loopback and end together."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import requests


def free_port() -> int:
    """A port that nothing listens to just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Processes:
    """Started programs, their output in `folder`; `stop` ends exactly these."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder = folder
        self._binaries = binaries
        self._running: list[subprocess.Popen[bytes]] = []

    def start(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start `name` (a program of the binaries' folder, or of the PATH)."""
        program = self._binaries / name
        with (self.folder / f"{name}.log").open("wb") as log:
            started = subprocess.Popen(
                [str(program) if program.exists() else name, *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, "PATH": f"{self._binaries}:{os.environ['PATH']}"}
                | dict(environment or {}),
            )
        self._running.append(started)

    def stop(self) -> None:
        """End them, the last first."""
        for process in reversed(self._running):
            process.terminate()
        for process in reversed(self._running):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until(what: str, holds: Callable[[], bool], seconds: float = 120.0) -> None:
    """Return when `holds` does; raises TimeoutError with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return
        except requests.RequestException:
            pass
        time.sleep(0.3)
    raise TimeoutError(f"{what} within {seconds:.0f} s")
