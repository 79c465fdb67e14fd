"""What builders print when they fail, as recorded, and the next step that people are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from astrago_actions.clients.build_errors import build_failure
from astrago_actions.clients.builder_ladder import Builder
from astrago_actions.clients.docker_command import DockerCommand
from astrago_actions.domain.push_plan import Part
from astrago_actions.domain.references import ImageReference

PART = Part(
    "core", ImageReference("ghcr.io", "xiilab/core", "1"), context="server-core", target="web"
)
BUILDER = Builder("buildkit", DockerCommand("docker", {}, Path()), "20.10.24")


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (
            "failed to compute cache key: failed to walk: lstat build/libs: no such file",
            "not in the context `server-core`",
        ),
        (
            'failed to calculate checksum of ref x::y: "/app": not found',
            "not in the context `server-core`",
        ),
        ("COPY failed: no source files were specified", "not in the context `server-core`"),
        (
            "failed to solve with frontend dockerfile.v0: failed to solve with frontend gateway.v0:"
            " failed to do request: Head https://registry-1.docker.io/v2/docker/dockerfile/",
            "`# syntax=` line",
        ),
        (
            "pull access denied, repository does not exist or may require authorization",
            "base image",
        ),
        ("eclipse-temurin:17: failed to resolve source metadata for docker.io/x", "base image"),
        ("toomanyrequests: You have reached your pull rate limit.", "base image"),
        ('target stage "web" could not be found', "no stage `web`"),
        ("failed to reach build target web in Dockerfile", "no stage `web`"),
        ("Multi-platform build is not supported for the docker driver.", "setup-buildx-action"),
        ("write /layer.tar: no space left on device", "docker system prune"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "does not answer"),
        ("dockerfile parse error line 3: unknown instruction: COPPY", "Correct the Dockerfile"),
        ("executor failed running [/bin/sh -c gradle build]: exit code: 1", "lines of [core]"),
    ],
)
def test_the_remedy_fits_the_line(line: str, remedy: str) -> None:
    error = build_failure(PART, BUILDER, ("#1 something before", line))

    assert remedy in error.remedy
    assert line in error.detail
    assert error.title == "core could not be built"


def test_only_the_last_lines_are_repeated() -> None:
    lines = tuple(f"line {number}." for number in range(100))

    error = build_failure(PART, BUILDER, lines)

    assert "line 99." in error.detail
    assert "line 80." not in error.detail
