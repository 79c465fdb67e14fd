"""Which builder this machine has: buildx, the BuildKit of an older `docker`, or the legacy builder.

Found by asking each `docker` on PATH what it can do: a newer command without its buildx plugin can
do less than an older one beside it, so versions say nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from astrago_actions.clients.docker_command import DockerCommand
from astrago_actions.errors import ActionError

Rung = Literal["buildx", "buildkit", "legacy"]

_DRIVER = re.compile(r"^Driver:\s*(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Builder:
    """A way to build images on this machine.

    `driver` is buildx's (`docker` builds inside the engine), `name` the buildx builder asked for.
    """

    rung: Rung
    docker: DockerCommand
    version: str
    driver: str = ""
    name: str = ""

    @property
    def in_engine(self) -> bool:
        """Whether images appear in the engine's own store, from where `docker push` takes them."""
        return self.rung != "buildx" or self.driver == "docker"

    def __str__(self) -> str:
        if self.rung == "buildx":
            return f"buildx ({self.name or self.driver})"
        kind = "BuildKit" if self.rung == "buildkit" else "legacy builder"
        return f"{kind} of Docker {self.version}"


def find_builder(environment: Mapping[str, str], folder: Path, name: str = "") -> Builder:
    """The best builder on PATH; `name` asks for a certain buildx builder.

    `environment` is laid over our own. Raises ActionError when there is none.
    """
    commands = [DockerCommand(program, environment, folder) for program in docker_programs()]
    if not commands:
        raise _without_docker("There is no `docker` command on PATH.")
    rungs: tuple[Callable[[DockerCommand, str], Builder | None], ...]
    rungs = (_buildx,) if name else (_buildx, _buildkit, _legacy)
    for rung in rungs:
        for command in commands:
            found = rung(command, name)
            if found:
                return found
    if name:
        raise ActionError(
            f"The builder `{name}` cannot be used",
            "`builder` names a builder of buildx, and no `docker` on PATH has a working buildx "
            "that knows it.",
            "Set up buildx (docker/setup-buildx-action) and use its output `name`, or leave "
            "`builder` empty.",
        )
    raise _without_docker("The `docker` command is there, and its engine does not answer.")


def docker_programs() -> Iterator[str]:
    """Every `docker` on PATH, each program once."""
    seen: set[str] = set()
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        program = Path(folder or ".") / "docker"
        real = os.path.realpath(program)
        if os.access(program, os.X_OK) and program.is_file() and real not in seen:
            seen.add(real)
            yield str(program)


def _buildx(docker: DockerCommand, name: str) -> Builder | None:
    version = docker.answer("buildx", "version")
    if not version:
        return None
    described = docker.answer("buildx", "inspect", *([name] if name else []))
    driver = _DRIVER.search(described or "")
    if driver is None or (driver[1] == "docker" and not _engine(docker)):
        return None
    return Builder("buildx", docker, version, driver[1], name)


def _buildkit(docker: DockerCommand, _: str) -> Builder | None:
    """With BuildKit switched on, an older command offers `--secret`; a newer one wants buildx."""
    offered = docker.answer("build", "--help", DOCKER_BUILDKIT="1") or ""
    version = _engine(docker) if "--secret" in offered else ""
    return Builder("buildkit", docker, version) if version else None


def _legacy(docker: DockerCommand, _: str) -> Builder | None:
    version = _engine(docker)
    return Builder("legacy", docker, version) if version else None


def _engine(docker: DockerCommand) -> str:
    """The version of the engine that the command talks to; empty when none answers."""
    return docker.answer("version", "--format", "{{.Server.Version}}") or ""


def _without_docker(detail: str) -> ActionError:
    return ActionError(
        "Images cannot be built here",
        detail,
        "Run on a runner with Docker, or build the image with another tool and name its OCI "
        "archive in `archive`.",
    )
