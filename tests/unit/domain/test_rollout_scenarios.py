"""The table of scenarios, played to the pure state machine: no network, no waiting."""

from __future__ import annotations

import ast
from inspect import getsource
from types import ModuleType

import pytest

from astrago_actions.actions.argocd_wait_inputs import Inputs, read
from astrago_actions.clients import argocd_documents as documents
from astrago_actions.clients import argocd_trees as trees
from astrago_actions.domain.rollout import (
    commit,
    comparison,
    conversation,
    health,
    images,
    pods,
    preflight,
    sync,
)
from astrago_actions.domain.rollout import judge as judge_module
from astrago_actions.domain.rollout.application import Workload
from astrago_actions.domain.rollout.judge import judge
from astrago_actions.domain.rollout.values import (
    Memory,
    Observation,
    SyncAnswer,
    Target,
    Trouble,
    TroubleKind,
    Verdict,
)
from astrago_actions.inputs import InputReader
from astrago_actions.workflow_run import WorkflowRun
from tests.rollout_scenarios import SCENARIOS
from tests.rollout_script import (
    IMAGE,
    OURS,
    RELATIONS,
    REPOSITORY,
    Frame,
    Scenario,
    Script,
    managed,
    tree,
)

TROUBLES: dict[str, tuple[TroubleKind, int]] = {
    "certificate": ("certificate", 0),
    "no contact": ("no-contact", 0),
    "page": ("not-argo-cd", 200),
    "404 page": ("not-argo-cd", 404),
    "redirect": ("not-argo-cd", 302),
    "400": ("refused", 400),
    "401": ("unauthorized", 401),
    "403": ("hidden", 403),
    "404": ("hidden", 404),
    "429": ("rate-limited", 429),
    "503": ("no-answer", 503),
    "reset": ("no-answer", 0),
}
MODULES = (conversation, preflight, comparison, commit, sync, pods, health, images, judge_module)
EVERY_SECONDS = 2.0


def inputs_of(scenario: Scenario) -> Inputs:
    given = {
        "server": "https://argocd.example.com",
        "token": "token",
        "application": "web",
        "revision": OURS,
        "images": IMAGE,
        "deployment-repository": "",
        **scenario.inputs,
    }
    reader = InputReader(given)
    inputs = read(reader, WorkflowRun())
    reader.check()
    return inputs


def target_of(scenario: Scenario) -> Target:
    inputs = inputs_of(scenario)
    return Target(
        application="web",
        revision=inputs.revision,
        images=inputs.images,
        repository=REPOSITORY,
        branch=inputs.branch,
        sync=inputs.sync,
        refresh=inputs.refresh,
        accept_suspended=inputs.accept_suspended,
        fail_in_sync_window=inputs.fail_in_sync_window,
        fail_fast=inputs.fail_fast,
        wait_for_application=inputs.wait_for_application,
        graces=inputs.graces,
    )


class Play:
    """A scenario played to the judge, which is given what it asks for before the next look."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.target = target_of(scenario)
        self.script = Script(scenario)
        self.memory = Memory()
        self.refreshes = self.hard_refreshes = 0
        self.workload: Workload | None = None
        self.sync_answer: SyncAnswer | None = None
        self.notices: list[str] = []
        self.rows: set[str] = set()

    def run(self) -> tuple[float, Verdict]:
        """When the verdict came, and what it is."""
        at = 0.0
        while True:
            verdict = self.look(at)
            if verdict.final:
                return at, verdict
            pause = EVERY_SECONDS if verdict.look_again is None else verdict.look_again
            at += max(0.05, min(pause, EVERY_SECONDS, self.target.graces.timeout - at))

    def look(self, at: float) -> Verdict:
        """Judge once, and do what the verdict wants."""
        frame = self.script.frame(at)
        verdict, self.memory = judge(self.target, self.observation(frame, at), self.memory)
        self.notices += verdict.notices
        self.rows.add(verdict.row)
        if "sync" in verdict.wants:
            self.sync(frame, at)
        if {"refresh", "hard-refresh"} & verdict.wants and frame.refresh == "answered":
            hard = "hard-refresh" in verdict.wants
            self.refreshes += 1
            self.hard_refreshes += hard
            if hard:
                self.script.hard_refreshed(at)
        if "workload" in verdict.wants and frame.document is not None:
            self.look_at_workload(frame, at)
        return verdict

    def observation(self, frame: Frame, at: float) -> Observation:
        if frame.trouble:
            kind, status = TROUBLES[frame.trouble]
            return Observation(at=at, trouble=Trouble(kind, f"HTTP {status}", status))
        if not self.scenario.logged_in:
            said = Trouble("unauthorized", "loggedIn=false", 401)
            return Observation(at=at, trouble=said)
        application = documents.parse_application(frame.document or {})
        window = {"activeWindows": [frame.window]} if frame.window else {}
        return Observation(
            at=at,
            application=application,
            relations={**RELATIONS, **self.scenario.relations},
            workload=self.workload,
            refreshes=self.refreshes,
            hard_refreshes=self.hard_refreshes,
            sync_answer=self.sync_answer,
            active_window=documents.blocking_window(window, automated=True),
        )

    def sync(self, frame: Frame, at: float) -> None:
        outcomes: dict[str, SyncAnswer] = {
            "accepted": SyncAnswer("accepted"),
            "busy": SyncAnswer("busy", "another operation is already in progress"),
            "window": SyncAnswer("window", "cannot sync: blocked by sync window"),
            "forbidden": SyncAnswer("refused", "permission denied"),
        }
        self.sync_answer = outcomes[frame.sync_answer]
        if frame.sync_answer == "accepted":
            self.script.synced(at)

    def look_at_workload(self, frame: Frame, at: float) -> None:
        application = documents.parse_application(frame.document or {})
        self.workload = Workload(
            at=at,
            revisions=application.revisions,
            desired_images=trees.parse_desired_images(managed(frame.desired)),
            pods=trees.parse_pods(tree(frame.pods)),
            hard_refreshes=self.hard_refreshes,
        )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_scenario(scenario: Scenario) -> None:
    play = Play(scenario)
    at, verdict = play.run()
    assert (verdict.result, verdict.row) == (scenario.result, scenario.row), verdict
    said = "\n".join([verdict.headline, verdict.detail, verdict.remedy, *play.notices])
    assert scenario.says in said
    assert scenario.not_before <= at <= min(scenario.by, play.target.graces.timeout)


def test_every_row_of_the_state_machine_decides_somewhere_in_the_table() -> None:
    declared = set().union(*map(row_names, MODULES))
    met = set().union(*(played(scenario).rows for scenario in SCENARIOS))
    assert declared - met == set()
    assert met - declared == set()


def played(scenario: Scenario) -> Play:
    play = Play(scenario)
    play.run()
    return play


def row_names(module: ModuleType) -> set[str]:
    """The row in every `Verdict(state, row, …)` and `_unhealthy(row, …)` of a module."""
    places = {"Verdict": 1, "_unhealthy": 0}
    calls = [each for each in ast.walk(ast.parse(getsource(module))) if isinstance(each, ast.Call)]
    return {
        node.value
        for call in calls
        if (place := places.get(getattr(call.func, "id", ""))) is not None
        for node in ast.walk(call.args[place])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_the_table_is_large_and_its_names_tell_the_scenarios_apart() -> None:
    assert len(SCENARIOS) >= 60
    assert len({each.name for each in SCENARIOS}) == len(SCENARIOS)
