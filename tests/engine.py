"""A Docker engine for tests: the running one, or one of our own for as long as the tests run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from astrago_actions.clients.builder_ladder import docker_programs
from tests.registries import missing


@dataclass(frozen=True)
class Engine:
    """A Docker engine; `environment` leads the `docker` command to it."""

    environment: dict[str, str]

    def run(self, *arguments: str, **environment: str) -> str:
        """What a `docker` command prints; raises CalledProcessError when it fails."""
        done = subprocess.run(
            ["docker", *arguments],
            env={**os.environ, **self.environment, **environment},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def forget(self, registry: str) -> None:
        """Remove the images that are named after a registry which is gone."""
        listed = self.run("image", "ls", "--format", "{{.Repository}} {{.Tag}}")
        for line in listed.splitlines():
            repository, tag = line.split()
            if repository.startswith(f"{registry}/") and tag != "<none>":
                self.run("image", "rm", f"{repository}:{tag}")


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


@pytest.fixture(params=["buildkit", "legacy", "buildx"])
def rung(
    request: pytest.FixtureRequest,
    docker_engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Each way to build that this machine has: PATH leads to a `docker` with no better one.

    That `docker` notes the arguments of every call in the file `calls` beside it.
    """
    name = str(request.param)
    program = _program_for(name)
    if program is None:
        pytest.skip(f"no docker command here has {name}")
    folder = tmp_path_factory.mktemp("path")
    hidden = {"buildx": "false", "buildkit": "[[ $1 == buildx ]]", "legacy": _WITHOUT_BUILDKIT}
    wrapper = folder / "docker"
    wrapper.write_text(
        f'#!/bin/bash\necho "$*" >> {folder}/calls\n'
        f'if {hidden[name]}; then exit 1; fi\nexec {program} "$@"\n'
    )
    wrapper.chmod(0o755)
    others = [
        each for each in os.environ["PATH"].split(":") if not (Path(each) / "docker").exists()
    ]
    for tool in ("bash", "runc", "containerd-shim"):
        found = shutil.which(tool)
        if found:
            (folder / tool).symlink_to(found)
    monkeypatch.setenv("PATH", ":".join([str(folder), *others]))
    return name


_WITHOUT_BUILDKIT = "[[ $1 == buildx || ${DOCKER_BUILDKIT:-} == 1 ]]"


def _program_for(rung: str) -> str | None:
    questions = {"buildx": ["buildx", "version"], "buildkit": ["build", "--help"]}
    for program in docker_programs():
        done = subprocess.run(
            [program, *questions.get(rung, ["version"])],
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0 and (rung != "buildkit" or "--secret" in done.stdout):
            return program
    return None


@pytest.fixture(scope="session")
def shell_image(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with a shell and a few programs, for builds that run something."""
    busybox = shutil.which("busybox")
    if busybox is None:
        missing("busybox-static", "a build that runs a command was")
    registry = f"localhost/astrago-tests-{os.urandom(4).hex()}"
    name = f"{registry}/shell:1"
    archive = tmp_path_factory.mktemp("shell") / "root.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(str(busybox), "bin/busybox")
        for applet in ("sh", "cat", "wc", "cp", "sleep"):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    docker_engine.run("import", "--change", "ENV PATH=/bin", str(archive), name)
    yield name
    docker_engine.forget(registry)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [
                "dockerd",
                f"--data-root={folder / 'data'}",
                f"--exec-root={folder / 'exec'}",
                f"--pidfile={folder / 'pid'}",
                f"--host=unix://{folder}/docker.sock",
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
