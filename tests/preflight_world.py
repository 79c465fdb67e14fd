"""A sandbox with the examples in it, and preflights of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from astrago_actions.actions import preflight
from astrago_actions.clock import SystemClock
from astrago_actions.context import Context
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader
from astrago_actions.sandbox.consumer_tree import source_root
from astrago_actions.sandbox.world import (
    APPLICATION,
    BACKEND,
    BRANCH,
    DEPLOYMENT,
    VALUES_FILE,
    World,
)
from astrago_actions.workflow_run import WorkflowRun
from tests.recording_step import RecordingStep

IMAGE = "xiilab/astrago-backend"

Row = Mapping[str, str]


class PreflightWorld:
    """Preflights of the example backend in `world`; `step` is that of the last one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.step = RecordingStep()
        self.error: ActionError | None = None
        self.run_id = world.github.record_run(BACKEND, status="in_progress").id

    def given(self, **inputs: str) -> dict[str, str]:
        """The inputs of the backend's pipeline, with some changed (`app_namespace`)."""
        world = self.world
        usual = {
            "components": "core, batch, monitor",
            "image": f"{world.registry_host}/{IMAGE}",
            "registry-token": world.tokens.job,
            "deployment-repository": DEPLOYMENT,
            "deployment-branch": BRANCH,
            "deployment-token": world.tokens.deploy,
            "file": VALUES_FILE,
            "key": "astrago.{component}.imageTag",
            "argocd-server": world.argocd_server.url,
            "argocd-token": world.tokens.argocd,
            "application": APPLICATION,
            "source-token": world.tokens.job,
        }
        return usual | {name.replace("_", "-"): value for name, value in inputs.items()}

    @property
    def run(self) -> WorkflowRun:
        """A run of the backend's workflow."""
        return WorkflowRun(
            repository=BACKEND,
            sha=self.world.github.head(BACKEND, BRANCH),
            branch=BRANCH,
            actor="developer",
            run_id=self.run_id,
            api_url=self.world.runner_environment["GITHUB_API_URL"],
            server_url=self.world.github_server.url,
        )

    def preflight(self, **inputs: str) -> Mapping[str, Row]:
        """Every row by `area, check`; `error` is what the step ended with, if anything."""
        self.step, self.error = RecordingStep(), None
        reader = InputReader(self.given(**inputs), mask=self.step.mask)
        read = preflight.read(reader, self.run)
        reader.check()
        try:
            outputs = preflight.run(read, Context(self.step, self.run, SystemClock()))
            checks: Any = outputs.checks
        except ActionError as error:
            self.error = error
            checks = error.outputs["checks"]
        return {f"{row['area']}, {row['check']}": row for row in checks}

    def state(self) -> object:
        """What must be the same afterwards: every branch, pull request, tag, and application."""
        github = self.world.github
        repositories = (BACKEND, DEPLOYMENT)
        application = self.world.argocd.application(APPLICATION)
        return (
            [self.world.git(name, "for-each-ref") for name in repositories],
            [github.pull_requests(name) for name in repositories],
            self.world.registry.tags(IMAGE),
            application.refreshes_done,
            application.document()["status"],
        )


@pytest.fixture
def preflights(tmp_path: Path) -> Iterator[PreflightWorld]:
    """A sandbox in which everything is as the pipeline needs it."""
    with World(tmp_path) as world:
        world.add_examples(source_root() / "examples")
        yield PreflightWorld(world)
