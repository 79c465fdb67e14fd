"""Fixtures that many tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.runner import RunnerFiles

pytest_plugins = ["tests.registries", "tests.engine", "tests.contracts.plugin"]

ROOT = Path(__file__).parents[1]

# `make test` looks at hundreds of generated documents and 20 storms of writers, `make fuzz` at more
# than 20,000 and at 800.
for profile, examples in (("suite", 100), ("fuzz", 4_000)):
    settings.register_profile(
        profile,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
settings.load_profile("suite")


@pytest.fixture
def repository_root() -> Path:
    """The working tree of this project."""
    return ROOT


@pytest.fixture
def runner_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunnerFiles:
    """The files of a step, named in the environment as the runner does."""
    files = RunnerFiles(tmp_path / "file_commands_output", tmp_path / "file_commands_summary")
    files.output_path.touch()
    files.summary_path.touch()
    monkeypatch.setenv("GITHUB_OUTPUT", str(files.output_path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(files.summary_path))
    return files
