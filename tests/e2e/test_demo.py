"""`make demo`, as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine import Engine


@pytest.mark.docker
def test_the_demo_builds_and_deploys_both_services_and_checks_itself(
    docker_engine: Engine, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "astrago_actions", "demo", "--output", str(tmp_path)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    assert "Images are built and pushed by Docker" in done.stdout
    assert f"The page: {tmp_path / 'index.html'}" in done.stdout
    assert done.stderr == ""
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "What must hold" in page
    assert '<td class="bad">' not in page
    (registry,) = [
        line.split()[1] for line in done.stdout.splitlines() if line.startswith("registry ")
    ]
    assert registry not in docker_engine.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
