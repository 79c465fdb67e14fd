"""Workflows run by act, with `xiilab/astrago-actions@v1` being this working tree."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from astrago_actions.sandbox.act import WorkflowCall, WorkflowResult, run_workflow
from astrago_actions.sandbox.consumer_tree import export_consumer_tree, source_root
from astrago_actions.sandbox.oci_archive import write_oci_archive
from astrago_actions.sandbox.scenario import Workplace
from astrago_actions.sandbox.world import World

REPOSITORY = "xiilab/astrago-probe"
BRANCH = "stabilize/1.0"

RunSteps = Callable[..., WorkflowResult]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What consumers download, taken from this working tree."""
    return export_consumer_tree(source_root(), tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def tool_cache() -> Path:
    """RUNNER_TOOL_CACHE, kept between test runs so that nothing is installed twice."""
    return source_root() / ".cache" / "tool-cache"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """GitHub, a registry and Argo CD with the example repositories."""
    with World(tmp_path / "world") as world:
        world.add_examples(source_root() / "examples")
        yield world


@pytest.fixture
def place(tmp_path: Path, library: Path, tool_cache: Path) -> Workplace:
    """Where workflows run, with an archive to push for every component instead of a build."""
    for component in ("core", "batch", "monitor", "frontend"):
        content = tmp_path / component
        content.write_text(component, encoding="utf-8")
        write_oci_archive(tmp_path / f"{component}.tar", {"app/app.jar": content}, {})
    archives = {"IMAGE_ARCHIVE": str(tmp_path / "{component}.tar")}
    return Workplace(library, tool_cache, tmp_path / "act", archives)


def make_checkout(folder: Path, files: Mapping[str, str], message: str = "Begin") -> str:
    """A git work tree of one commit on the branch; returns the commit's SHA."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    identity = ("-c", "user.name=Developer", "-c", "user.email=developer@example.com")
    git(folder, "init", "--quiet", "--initial-branch", BRANCH)
    git(folder, "add", "--all")
    git(folder, *identity, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def run_jobs(tmp_path: Path, library: Path, tool_cache: Path) -> RunSteps:
    """Run the `jobs:` of a workflow (YAML text) on a push; `files` join the checkout."""

    def run(
        jobs: str,
        *,
        files: Mapping[str, str] | None = None,
        message: str = "Begin",
        **given: Any,
    ) -> WorkflowResult:
        checkout = Path(tempfile.mkdtemp(prefix="checkout-", dir=tmp_path))
        workflow = f"name: Probe\non: push\njobs:\n{jobs}"
        make_checkout(checkout, {".github/workflows/ci-cd.yml": workflow, **(files or {})}, message)
        call: dict[str, Any] = {
            "checkout": checkout,
            "library": library,
            "state": tmp_path / "act",
            "tool_cache": tool_cache,
            "repository": REPOSITORY,
            "payload": {"ref": f"refs/heads/{BRANCH}"},
        }
        return run_workflow(WorkflowCall(**{**call, **given}))

    return run


@pytest.fixture
def run_steps(run_jobs: RunSteps) -> RunSteps:
    """Run the `steps:` of one job (YAML text, unindented) on a push."""

    def run(steps: str, **given: Any) -> WorkflowResult:
        indented = "".join(f"      {line}\n" for line in steps.strip().splitlines())
        return run_jobs(f"  job:\n    runs-on: ubuntu-latest\n    steps:\n{indented}", **given)

    return run
