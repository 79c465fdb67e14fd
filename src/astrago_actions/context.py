"""What every action is given beside its inputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from astrago_actions.clock import Clock
from astrago_actions.domain.stages import Stage
from astrago_actions.step import Step
from astrago_actions.workflow_run import WorkflowRun


@dataclass(frozen=True)
class Context:
    """The step that is spoken to, its run, the clock, and the stages passed so far."""

    step: Step
    run: WorkflowRun
    clock: Clock
    stages: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside as the stage `name`, with how it ended."""
        started_at = self.clock.now()
        result = "failure"
        try:
            yield
            result = "success"
        except KeyboardInterrupt:
            result = "cancelled"
            raise
        finally:
            self.stages.append(Stage(name, started_at, self.clock.now(), result))
