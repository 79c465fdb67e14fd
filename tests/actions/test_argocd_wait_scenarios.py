"""The table of scenarios again, over HTTP and through the whole action, in virtual time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from astrago_actions.actions import argocd_wait
from astrago_actions.context import Context
from astrago_actions.domain.rollout.result import EXIT_CODES, SUCCESSES
from astrago_actions.domain.rollout.values import Relation
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader
from astrago_actions.sandbox.server import Fault, LoopbackServer
from astrago_actions.sandbox.virtual_clock import VirtualClock
from astrago_actions.workflow_run import WorkflowRun
from tests.certificates import serve_with_certificate
from tests.recording_step import RecordingStep
from tests.rollout_scenarios import PREFLIGHT, SCENARIOS
from tests.rollout_script import IMAGE, OURS, RELATIONS, Scenario
from tests.scripted_argocd import ScriptedArgoCD

START_SECONDS = 3.0  # making a certificate and a server, on a busy machine
WORDS: dict[Relation, str] = {
    "same": "identical",
    "newer": "ahead",
    "older": "behind",
    "diverged": "diverged",
    "unknown": "unknown",
}


class Played:
    """A scenario played to the action: how it ended, when, and what was said."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        clock, self.step = VirtualClock(), RecordingStep()
        self.server = LoopbackServer(ScriptedArgoCD(scenario, clock))
        self.context = Context(self.step, WorkflowRun(), clock)
        plan_resets(scenario, clock, self.server)
        url = self.server.url
        if scenario.frames[0].trouble == "certificate":
            serve_with_certificate(self.server, folder)
            url = url.replace("http:", "https:")
        with self.server:
            if scenario.frames[0].trouble == "no contact":
                url = "http://127.0.0.1:9"
            self._wait(scenario, url)
        self.at = clock.monotonic()

    def _wait(self, scenario: Scenario, url: str) -> None:
        relations = {**RELATIONS, **scenario.relations}
        inputs = read(scenario, url)
        try:
            ended = argocd_wait.wait(
                inputs,
                self.context,
                lambda task: task(),
                lambda _, head: WORDS[relations.get(head, "unknown")],
            )
            self.code, self.result = 0, ended.result
            self.row = str(ended.applications[0]["reason"])
        except ActionError as error:
            self.code, self.result = error.exit_code, str(error.outputs["result"])
            described = error.outputs.get("applications")
            self.row = str(described[0]["reason"]) if isinstance(described, list) else ""
            self.step.lines += [str(error)]


def read(scenario: Scenario, server: str) -> argocd_wait.Inputs:
    given = {
        "server": server,
        "token": "token",
        "application": "web",
        "revision": OURS,
        "images": IMAGE,
        "event-stream": "false",
        **scenario.inputs,
    }
    reader = InputReader(given)
    inputs = argocd_wait.read(reader, WorkflowRun())
    reader.check()
    return inputs


def plan_resets(scenario: Scenario, clock: VirtualClock, server: LoopbackServer) -> None:
    """Cut every connection while a frame says so."""
    for frame, after in zip(scenario.frames, [*scenario.frames[1:], None], strict=True):
        if frame.trouble == "reset":
            clock.at(frame.at, lambda: server.faults.add(Fault("reset-before", times=None)))
            if after is not None:
                clock.at(after.at, server.faults.clear)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_scenario(scenario: Scenario, tmp_path: Path) -> None:
    played = Played(scenario, tmp_path)
    assert played.result == scenario.result, played.step.log
    if played.row:
        assert played.row == scenario.row
    said = "\n".join([*played.step.lines, *played.step.notices])
    assert scenario.says in said
    timeout = float(scenario.inputs.get("timeout", "600"))
    assert scenario.not_before <= played.at <= min(scenario.by + 12, timeout) + 0.2
    assert played.code == (0 if scenario.result in SUCCESSES else EXIT_CODES[scenario.result])
    assert played.step.summaries or played.at < 5
    assert_moderate(played)


AT_ONCE = tuple(each for each in PREFLIGHT if each.by <= 2)


@pytest.mark.parametrize("scenario", AT_ONCE, ids=lambda each: each.name)
def test_what_can_never_work_is_told_within_two_seconds(scenario: Scenario, tmp_path: Path) -> None:
    """By the clock that the action sleeps by, and by the wall."""
    began = time.monotonic()
    played = Played(scenario, tmp_path)
    assert played.at <= 2
    assert time.monotonic() - began < 2 + START_SECONDS


def assert_moderate(played: Played) -> None:
    """At most one refresh a minute, one hard refresh at all, and a bounded number of looks."""
    exchanges = played.server.exchanges
    kinds = [each.request.query.get("refresh") for each in exchanges]
    minutes = played.at / 60
    assert kinds.count("normal") <= 1 + minutes
    assert kinds.count("hard") <= 1
    assert len(exchanges) <= 30 + 40 * (1 + minutes)
