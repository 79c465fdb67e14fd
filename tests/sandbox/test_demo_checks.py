from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from astrago_actions.sandbox.act import StepRecord, WorkflowResult
from astrago_actions.sandbox.demo_checks import checks_of
from astrago_actions.sandbox.demo_record import ApplicationState, ServiceRun

OLD, NEW = "a" * 40, "b" * 40
IMAGE = "127.0.0.1:5000/xiilab/astrago-frontend:frontend-stage-2"
DIFF = """--- a/values.yaml
+++ b/values.yaml
@@ -29 +29 @@
-    imageTag: "frontend-stage-1"   # 프론트엔드
+    imageTag: "frontend-stage-2"   # 프론트엔드
"""


def step(name: str, result: str = "success", **outputs: object) -> StepRecord:
    written = {key.replace("_", "-"): json.dumps(value) for key, value in outputs.items()}
    return StepRecord("job", name, name, result, 1, 2, "", (), "", written)


def state(sync: str, operation: str, health: str, revision: str = NEW) -> ApplicationState:
    return ApplicationState(2, sync, operation, health, revision, OLD, (IMAGE,))


STATES = (
    state("OutOfSync", "Succeeded", "Healthy"),
    state("OutOfSync", "Running", "Healthy"),
    state("Synced", "Succeeded", "Progressing"),
    state("Synced", "Succeeded", "Healthy"),
)
STEPS = (
    step("tag", tags={"frontend": "frontend-stage-2"}, images={"frontend": IMAGE}),
    step("push", digests={"frontend": "sha256:2"}),
    replace(
        step("bump", previous={"frontend": "frontend-stage-1"}),
        outputs={"commit-sha": NEW, "previous": '{"frontend": "frontend-stage-1"}'},
    ),
)
RUN = ServiceRun(
    repository="xiilab/astrago-frontend",
    commit="c" * 40,
    message="Name it in full",
    workflow=WorkflowResult(True, STEPS, "", 1, 3),
    before=OLD,
    after=NEW,
    commits=(NEW,),
    diff=DIFF,
    states=STATES,
    served={IMAGE: "sha256:2"},
)


def broken(run: ServiceRun) -> list[str]:
    return [check.claim for check in checks_of(run) if not check.holds]


def test_a_whole_rollout_holds() -> None:
    assert broken(RUN) == []


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"commits": (NEW, OLD)}, "exactly one commit"),
        ({"commits": ()}, "exactly one commit"),
        ({"diff": DIFF + "+# another line\n"}, "nothing else"),
        ({"diff": DIFF.replace("+    imageTag", "+  imageTag")}, "nothing else"),
        ({"diff": ""}, "nothing else"),
        ({"served": {IMAGE: "sha256:3"}}, "under the digest"),
        ({"served": {IMAGE: ""}}, "under the digest"),
        ({"states": (*STATES, state("Synced", "Succeeded", "Healthy", OLD))}, "healthy on"),
        ({"states": (*STATES, replace(STATES[-1], images=()))}, "reports the images"),
        ({"states": STATES[-1:]}, "rolled"),
        ({"workflow": replace(RUN.workflow, succeeded=False)}, "Every step"),
    ],
)
def test_what_does_not_hold_is_named(changes: Mapping[str, Any], claim: str) -> None:
    found = broken(replace(RUN, **changes))

    assert len(found) == 1
    assert claim in found[0]


def test_nothing_holds_of_a_run_that_did_not_begin() -> None:
    workflow = WorkflowResult(False, (), "Error: EOF", 1, 1)
    nothing = replace(RUN, workflow=workflow, after=OLD, commits=(), diff="", served={})

    assert len(broken(nothing)) == 6
