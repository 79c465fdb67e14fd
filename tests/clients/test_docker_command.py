"""Calling an outside program: its lines in order, its end, and ending it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from astrago_actions.clients.docker_command import LINES_KEPT, DockerCommand


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "docker"
    path.write_text(
        "#!/bin/bash\n"
        "case $1 in\n"
        'lines) for i in $(seq "$2"); do echo "line $i"; echo "other $i" >&2; done ;;\n'
        'variable) echo "$COLOUR" ;;\n'
        "sleep) echo begun; exec sleep 30 ;;\n"
        "bytes) printf '\\xff\\n' ;;\n"
        "*) echo broken >&2; exit 3 ;;\n"
        "esac\n"
    )
    path.chmod(0o755)
    return path


@pytest.fixture
def docker(program: Path, tmp_path: Path) -> DockerCommand:
    return DockerCommand(str(program), {"COLOUR": "green"}, tmp_path)


def test_both_streams_come_as_lines_in_order(docker: DockerCommand) -> None:
    said: list[str] = []

    done = docker.follow(["lines", "3"], said.append)

    assert said == ["line 1", "other 1", "line 2", "other 2", "line 3", "other 3"]
    assert (done.exit_code, done.text) == (0, "\n".join(said))


def test_only_the_last_lines_are_kept(docker: DockerCommand) -> None:
    done = docker.follow(["lines", "100"], lambda _: None)

    assert len(done.lines) == LINES_KEPT
    assert done.lines[-1] == "other 100"


def test_a_failure_is_an_exit_code(docker: DockerCommand) -> None:
    assert docker.follow(["nonsense"], lambda _: None).exit_code == 3
    assert docker.answer("nonsense") is None


def test_the_environment_is_laid_over_ours(docker: DockerCommand) -> None:
    assert docker.answer("variable") == "green"
    assert docker.answer("variable", COLOUR="red") == "red"


def test_bytes_that_are_no_text_do_not_stop_a_build(docker: DockerCommand) -> None:
    assert docker.follow(["bytes"], lambda _: None).exit_code == 0


def test_a_program_that_is_gone_has_no_answer(tmp_path: Path) -> None:
    assert DockerCommand(str(tmp_path / "gone"), {}, tmp_path).answer("version") is None


def test_everything_ends_when_the_job_is_cancelled(docker: DockerCommand) -> None:
    begun = threading.Event()
    codes: list[int] = []

    def work() -> None:
        codes.append(docker.follow(["sleep"], lambda _: begun.set()).exit_code)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(5)
    started = time.monotonic()
    docker.stop()
    thread.join(5)

    assert codes == [-15]
    assert time.monotonic() - started < 2
