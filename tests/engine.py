"""A Docker engine for tests: the running one, or one of our own for as long as the tests run."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.registries import missing


@dataclass(frozen=True)
class Engine:
    """A Docker engine; `environment` leads the `docker` command to it."""

    environment: dict[str, str]

    def run(self, *arguments: str, command: str = "docker") -> str:
        """What a `docker` command prints; raises CalledProcessError when it fails."""
        done = subprocess.run(
            [command, *arguments],
            env={**os.environ, **self.environment},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that answers, and to which DOCKER_HOST leads while the test session lasts.

    Skips, saying so, where none runs and none can be started; fails instead where CI is true.
    """
    if _answers({}):
        yield Engine({})
        return
    if shutil.which("dockerd") is None or os.geteuid() != 0:
        missing("A Docker engine", "building and pushing with the docker command was")
    folder = tmp_path_factory.mktemp("engine")
    environment = {"DOCKER_HOST": f"unix://{folder}/docker.sock"}
    process = _start(folder)
    before = os.environ.get("DOCKER_HOST")
    os.environ |= environment
    try:
        _wait_for(environment, process, folder / "log")
        yield Engine(environment)
    finally:
        if before is None:
            del os.environ["DOCKER_HOST"]
        else:
            os.environ["DOCKER_HOST"] = before
        process.terminate()
        process.wait(30)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [
                "dockerd",
                f"--data-root={folder / 'data'}",
                f"--exec-root={folder / 'exec'}",
                f"--pidfile={folder / 'pid'}",
                f"--host=unix://{folder}/docker.sock",
                "--bridge=none",
                "--iptables=false",
            ],
            stdout=log,
            stderr=log,
        )


def _wait_for(environment: dict[str, str], process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if _answers(environment):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    pytest.fail(f"dockerd did not start:\n{log.read_text()[-2000:]}", pytrace=False)


def _answers(environment: dict[str, str]) -> bool:
    if shutil.which("docker") is None:
        return False
    done = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
