"""Which builder is chosen: every `docker` on PATH is asked what it can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from astrago_actions.clients.builder_ladder import docker_programs, find_builder
from astrago_actions.errors import ActionError

BUILDX = 'buildx) [[ $2 == version ]] && echo "buildx v0.30" || printf "Name: x\\nDriver: %s\\n" ;;'
SECRET_FLAG = "build) [[ ${DOCKER_BUILDKIT:-} == 1 ]] && echo '--secret stringArray' ;;"
ENGINE = "version) echo 27.1 ;;"


def docker(folder: Path, *answers: str) -> Path:
    """A `docker` command in a folder of its own that knows these answers and no others."""
    folder.mkdir()
    program = folder / "docker"
    cases = "\n".join(answers)
    program.write_text(f"#!/bin/bash\ncase $1 in\n{cases}\n*) exit 1 ;;\nesac\n")
    program.chmod(0o755)
    return folder


def buildx(driver: str) -> str:
    return BUILDX % driver


def set_path(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    monkeypatch.setenv("PATH", ":".join(map(str, folders)))


def test_buildx_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = docker(tmp_path / "old", SECRET_FLAG, ENGINE)
    new = docker(tmp_path / "new", buildx("docker-container"), ENGINE)
    set_path(monkeypatch, old, new)

    found = find_builder({}, tmp_path)

    assert (found.rung, found.driver, found.in_engine) == ("buildx", "docker-container", False)
    assert found.docker.program == str(new / "docker")


def test_an_older_command_with_buildkit_beats_a_newer_one_without_buildx(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    newer = docker(tmp_path / "newer", ENGINE)
    older = docker(tmp_path / "older", SECRET_FLAG, ENGINE)
    set_path(monkeypatch, newer, older)

    found = find_builder({}, tmp_path)

    assert found.rung == "buildkit"
    assert found.docker.program == str(older / "docker")
    assert str(found) == "BuildKit of Docker 27.1"


def test_the_legacy_builder_is_the_last_resort(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_path(monkeypatch, docker(tmp_path / "bin", ENGINE))

    assert find_builder({}, tmp_path).rung == "legacy"


def test_buildx_inside_an_engine_that_is_down_is_no_builder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_path(monkeypatch, docker(tmp_path / "bin", buildx("docker"), SECRET_FLAG))

    with pytest.raises(ActionError, match="engine does not answer"):
        find_builder({}, tmp_path)


def test_a_remote_builder_needs_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_path(monkeypatch, docker(tmp_path / "bin", buildx("kubernetes")))

    found = find_builder({}, tmp_path, "cluster")

    assert (found.driver, found.name) == ("kubernetes", "cluster")


def test_a_builder_that_nobody_knows_is_not_replaced_by_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_path(monkeypatch, docker(tmp_path / "bin", SECRET_FLAG, ENGINE))

    with pytest.raises(ActionError, match="The builder `cluster` cannot be used"):
        find_builder({}, tmp_path, "cluster")


def test_without_docker_the_way_out_is_an_archive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_path(monkeypatch, tmp_path)

    with pytest.raises(ActionError, match="no `docker` command on PATH") as caught:
        find_builder({}, tmp_path)

    assert "`archive`" in caught.value.remedy


def test_the_same_program_under_two_names_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = docker(tmp_path / "real", ENGINE)
    (tmp_path / "link").symlink_to(real)
    set_path(monkeypatch, real, tmp_path / "link", tmp_path / "missing")

    assert list(docker_programs()) == [str(real / "docker")]
