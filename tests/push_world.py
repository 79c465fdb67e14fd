"""A workspace whose components are pushed to a registry, as a job's step would."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from astrago_actions.actions import ghcr_push
from astrago_actions.clock import Clock
from astrago_actions.context import Context
from astrago_actions.inputs import InputReader
from astrago_actions.workflow_run import WorkflowRun
from tests.images import Layout
from tests.manual_clock import ManualClock
from tests.recording_step import RecordingStep
from tests.registries import RunningRegistry

COMMIT = "ca58a8c3d1" * 4
REVISION = "org.opencontainers.image.revision"


@dataclass
class PushWorld:
    """Pushes of `components` from `workspace` to `registry`, each under `<component>-stage-1`.

    `step` and `context` are those of the last push.
    """

    workspace: Path
    registry: RunningRegistry
    components: tuple[str, ...] = ("core", "batch")
    repository: str = "xiilab/astrago-backend"
    clock: Clock = field(default_factory=ManualClock)
    step: RecordingStep = field(default_factory=RecordingStep)
    context: Context | None = None

    def image(self, component: str) -> str:
        """The reference that a component is pushed to."""
        return f"{self.registry.host}/{self.repository}:{component}-stage-1"

    def given(self, **inputs: str) -> dict[str, str]:
        """The inputs of an ordinary push, with some of them changed (`max_size` is max-size)."""
        usual = {
            "images": json.dumps({name: self.image(name) for name in self.components}),
            "token": self.registry.password,
            "username": self.registry.username,
            "retries": "0",
        }
        return usual | {name.replace("_", "-"): value for name, value in inputs.items()}

    def push(self, **inputs: str) -> ghcr_push.Outputs:
        """Run the action; raises what it raises."""
        run = WorkflowRun(
            repository="xiilab/astrago-backend",
            sha=COMMIT,
            actor="octocat",
            workspace=self.workspace,
        )
        self.step = RecordingStep()
        self.context = Context(self.step, run, self.clock)
        reader = InputReader(self.given(**inputs), mask=self.step.mask)
        read = ghcr_push.read(reader, run)
        reader.check()
        return ghcr_push.run(read, self.context)

    def archives(self, commit: str = COMMIT, *, filling: int = 0) -> str:
        """Write an archive for each component; returns the `archive` input for them."""
        for component in self.components:
            layout = Layout()
            content = component.encode() + bytes(filling)
            image = layout.add_image(content, {REVISION: commit} if commit else {})
            layout.write_tar(self.workspace / f"{component}.tar", image)
        return "{component}.tar"

    def dockerfiles(self, dockerfile: str = "FROM scratch\nCOPY app /app\n") -> str:
        """Write a context for each component; returns the `context` input for them."""
        for component in self.components:
            context = self.workspace / f"server-{component}"
            context.mkdir(exist_ok=True)
            (context / "Dockerfile").write_text(dockerfile)
            (context / "app").write_text(f"this is {component}\n" * 500)
        return "server-{component}"

    @property
    def stages(self) -> list[tuple[str, str]]:
        """Names and results of the stages of the last push."""
        assert self.context is not None
        return [(stage.name, stage.result) for stage in self.context.stages]

    def digest(self, component: str) -> str | None:
        """What the registry serves for a component."""
        client = self.registry.client()
        return client.digest(self.repository, f"{component}-stage-1")
