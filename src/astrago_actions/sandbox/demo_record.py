"""What happened in a demo, as values: the page shows them and the checks judge them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from astrago_actions.sandbox.act import WorkflowResult


@dataclass(frozen=True)
class ApplicationState:
    """What Argo CD said of its application at `moment` (seconds since the epoch).

    `revision` is the commit it compares with, `applied` the one of its last sync operation.
    """

    moment: float
    sync: str
    operation: str
    health: str
    revision: str
    applied: str
    images: tuple[str, ...]

    @property
    def phase(self) -> str:
        """The word that a person watches for: OutOfSync, Syncing, Progressing, Healthy, ...

        After a sync Argo CD says OutOfSync until it has compared again; that is still Syncing.
        """
        if self.operation == "Running":
            return "Syncing"
        if self.sync == "Synced":
            return self.health
        comparing = self.operation == "Succeeded" and self.applied == self.revision
        return "Syncing" if comparing else self.sync


@dataclass(frozen=True)
class ServiceRun:
    """One push of one service and where it led.

    `before` and `after` are the deployment branch's heads around the run, `diff` what changed
    between them, `served` maps each image that is to run now to the digest the registry gives.
    """

    repository: str
    commit: str
    message: str
    workflow: WorkflowResult
    before: str
    after: str
    commits: tuple[str, ...]
    diff: str
    states: tuple[ApplicationState, ...]
    served: Mapping[str, str]

    def output(self, step: str, name: str) -> str:
        """An output of a step; empty when the step did not run or set none."""
        try:
            return self.workflow.step(step).outputs.get(name, "")
        except KeyError:
            return ""


@dataclass(frozen=True)
class Check:
    """One thing that must hold at the end, whether it does, and what was seen."""

    claim: str
    holds: bool
    seen: str = ""


@dataclass(frozen=True)
class DemoRecord:
    """The whole demo; `images` says how the images came to be, `seconds` how long it took."""

    images: str
    runs: tuple[ServiceRun, ...]
    checks: tuple[Check, ...]
    started_at: float
    seconds: float
    application: str
    places: Mapping[str, str]
