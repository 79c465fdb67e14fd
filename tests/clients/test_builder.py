"""What the `docker` command is asked to do by a builder outside the engine.

A stand-in program notes its arguments and environment, since such builders are not on every
machine; what comes out of real ones is tested with the action.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from astrago_actions.clients.builder import (
    GHA_CACHE_VARIABLES,
    BuildOptions,
    build,
    cache_problem,
    unmet_wishes,
)
from astrago_actions.clients.builder_ladder import Builder
from astrago_actions.clients.docker_command import DockerCommand
from astrago_actions.domain.push_plan import Part
from astrago_actions.domain.references import parse_image
from tests.images import Layout
from tests.registries import SandboxRegistry

DIGEST = f"sha256:{'a' * 64}"


class StandIn:
    """A `docker` that does nothing but write down how it was called."""

    def __init__(self, folder: Path) -> None:
        self._calls = folder / "calls"
        program = folder / "docker"
        program.write_text(
            "#!/bin/bash\n"
            f'printf "%s\\n" "$*" >> {self._calls}\n'
            'for each in "$@"; do case $each in\n'
            f'--metadata-file=*) cp {folder}/metadata.json "${{each#*=}}" ;;\n'
            f'--output=type=oci,dest=*) cp {folder}/image.tar "${{each#*dest=}}" ;;\n'
            "esac; done\n"
        )
        program.chmod(0o755)
        self.command = DockerCommand(str(program), {}, folder)

    @property
    def calls(self) -> list[str]:
        """The arguments of each call so far."""
        return self._calls.read_text().splitlines()


@pytest.fixture
def docker(tmp_path: Path) -> StandIn:
    layout = Layout()
    layout.write_tar(tmp_path / "image.tar", layout.add_image())
    metadata = tmp_path / "metadata.json"
    metadata.write_text(json.dumps({"containerimage.digest": DIGEST}))
    return StandIn(tmp_path)


@pytest.fixture
def part(sandbox_registry: SandboxRegistry) -> Part:
    return Part(
        "core",
        parse_image(f"{sandbox_registry.host}/xiilab/core:1"),
        context="server-core",
        dockerfile="server-core/Dockerfile.prod",
        target="web",
        labels={"title": "the core"},
        build_args={"NAME": "value"},
    )


def container_builder(docker: StandIn) -> Builder:
    return Builder("buildx", docker.command, "v0.30", "docker-container", "mine")


def folder_of(tmp_path: Path) -> Path:
    """A folder for the build alone."""
    folder = tmp_path / "core"
    folder.mkdir(exist_ok=True)
    return folder


def built(part: Part, docker: StandIn, folder: Path, **options: Any) -> Any:
    return build(part, container_builder(docker), BuildOptions(**options), folder, lambda _: None)


def test_the_image_is_built_first_and_pushed_from_the_cache(
    docker: StandIn, part: Part, tmp_path: Path, sandbox_registry: SandboxRegistry
) -> None:
    image = built(part, docker, folder_of(tmp_path))
    digest = image.push(part.image, sandbox_registry.client())

    first, second = docker.calls
    for call in (first, second):
        for argument in (
            "buildx build",
            "--builder=mine",
            "--file=server-core/Dockerfile.prod",
            "--target=web",
            "--label=title=the core",
            "--build-arg=NAME=value",
            "--provenance=false",
        ):
            assert argument in call
        assert call.endswith(" server-core")
    assert "--output=type=cacheonly" in first
    assert f"--tag={part.image}" in second
    assert "--output=type=image,push=true" in second
    assert digest == DIGEST
    assert image.size is None


def test_for_a_budget_the_image_becomes_an_archive_whose_size_is_known(
    docker: StandIn, part: Part, tmp_path: Path, sandbox_registry: SandboxRegistry
) -> None:
    image = built(part, docker, folder_of(tmp_path), keep_archive=True)
    digest = image.push(part.image, sandbox_registry.client())

    assert len(docker.calls) == 1
    assert image.size.largest > 0
    assert sandbox_registry.registry.digest_of("xiilab/core", "1") == digest


def test_platforms_attestations_and_secrets_are_passed_on(
    docker: StandIn, part: Part, tmp_path: Path
) -> None:
    built(
        part,
        docker,
        folder_of(tmp_path),
        platforms=("linux/amd64", "linux/arm64"),
        provenance="mode=max",
        sbom="true",
        secrets={"npm": tmp_path / "secret-0"},
    )

    call = docker.calls[0]
    assert "--platform=linux/amd64,linux/arm64" in call
    assert "--provenance=mode=max" in call
    assert "--sbom=true" in call
    assert f"--secret=id=npm,src={tmp_path}/secret-0" in call


@pytest.mark.parametrize(
    ("cache", "source", "target"),
    [
        ("gha", "type=gha,scope=core", "type=gha,scope=core,mode=max,ignore-error=true"),
        (
            "registry",
            "type=registry,ref={host}/xiilab/core:buildcache-core",
            "type=registry,ref={host}/xiilab/core:buildcache-core,mode=max,ignore-error=true",
        ),
    ],
)
def test_each_component_has_a_cache_of_its_own_that_may_fail(
    docker: StandIn,
    part: Part,
    tmp_path: Path,
    sandbox_registry: SandboxRegistry,
    cache: str,
    source: str,
    target: str,
) -> None:
    image = built(part, docker, folder_of(tmp_path), cache=cache)
    image.push(part.image, sandbox_registry.client())

    first, second = docker.calls
    assert f"--cache-from={source.format(host=sandbox_registry.host)}" in first
    assert f"--cache-to={target.format(host=sandbox_registry.host)}" in first
    assert "--cache-to" not in second


def test_a_registry_without_tls_is_named_to_the_builder(
    docker: StandIn, part: Part, tmp_path: Path, sandbox_registry: SandboxRegistry
) -> None:
    image = built(part, docker, folder_of(tmp_path))

    image.push(part.image, sandbox_registry.client(plain_http=True))

    assert "registry.insecure=true" in docker.calls[1]


def test_a_push_that_another_registry_takes_names_that_one(
    docker: StandIn, part: Part, tmp_path: Path, sandbox_registry: SandboxRegistry
) -> None:
    image = built(part, docker, folder_of(tmp_path))
    elsewhere = parse_image("docker.io/xiilab/core:1")

    image.push(elsewhere, sandbox_registry.client())

    assert "--tag=docker.io/xiilab/core:1" in docker.calls[1]


@pytest.mark.parametrize(
    ("rung", "driver", "cache", "problem"),
    [
        ("buildx", "docker-container", "registry", ""),
        ("buildx", "docker-container", "none", ""),
        ("buildx", "docker-container", "gha", "are not set"),
        ("buildx", "docker", "gha", "the engine's own builder"),
        ("buildkit", "", "registry", ""),
        ("legacy", "", "registry", "the legacy builder"),
    ],
)
def test_a_cache_that_cannot_work_is_named(
    docker: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    rung: Any,
    driver: str,
    cache: Any,
    problem: str,
) -> None:
    for name in GHA_CACHE_VARIABLES:
        monkeypatch.delenv(name, raising=False)

    found = cache_problem(Builder(rung, docker.command, "1", driver), cache)

    assert problem in found
    assert bool(found) == bool(problem)


def test_githubs_cache_works_where_the_runner_shows_its_variables(
    docker: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in GHA_CACHE_VARIABLES:
        monkeypatch.setenv(name, "set")

    assert cache_problem(container_builder(docker), "gha") == ""


def test_buildkit_takes_secrets_and_neither_platforms_nor_attestations(docker: StandIn) -> None:
    everything = BuildOptions(
        secrets={"npm": Path("x")}, platforms=("linux/arm64",), provenance="true"
    )

    assert unmet_wishes(container_builder(docker), everything) == []
    assert len(unmet_wishes(Builder("buildkit", docker.command, "1"), everything)) == 2
    assert len(unmet_wishes(Builder("legacy", docker.command, "1"), everything)) == 3
