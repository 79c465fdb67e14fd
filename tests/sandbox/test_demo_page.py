from __future__ import annotations

import pytest

from astrago_actions.sandbox.act import StepRecord, WorkflowResult
from astrago_actions.sandbox.demo_page import demo_page, timeline
from astrago_actions.sandbox.demo_record import ApplicationState, Check, DemoRecord, ServiceRun

SHA = "2083825e30bac48de7c24d85c948fdbcdf26b3a9"


def step(name: str, started_at: float, finished_at: float, *, summary: str = "") -> StepRecord:
    return StepRecord(
        "job", name, name, "success", started_at, finished_at, "a log\n", (), summary, {}
    )


SUMMARY = """### Tags

| images |
|---|
| a<br>b<script>x()</script> |

```mermaid
gantt
```
"""
OLD = "ca58a8c3e3b04b5bb3e5f2f0b7a1de7d5d0ba5c7"


def state(
    moment: float, sync: str, operation: str, health: str, applied: str = SHA
) -> ApplicationState:
    return ApplicationState(moment, sync, operation, health, SHA, applied, ())


@pytest.fixture
def run() -> ServiceRun:
    steps = (
        step(
            "xiilab/astrago-actions/build-tag@v1",
            100,
            101,
            summary=SUMMARY,
        ),
        step("Build", 101, 105),
    )
    states = (
        state(90, "Synced", "Succeeded", "Healthy"),
        state(102, "OutOfSync", "Succeeded", "Healthy", applied=OLD),
        state(103, "OutOfSync", "Running", "Healthy", applied=OLD),
        state(104, "Synced", "Succeeded", "Progressing"),
        state(108, "Synced", "Succeeded", "Healthy"),
    )
    return ServiceRun(
        repository="xiilab/astrago-backend",
        commit=SHA,
        message="Greet <b>everybody</b>",
        workflow=WorkflowResult(True, steps, "", 100, 110),
        before="0" * 40,
        after=SHA,
        commits=(SHA,),
        diff="-    imageTag: old\n+    imageTag: new",
        states=states,
        served={"ghcr.io/xiilab/astrago-backend:core": "sha256:1"},
    )


def test_the_timeline_has_the_steps_and_what_argo_cd_went_through(run: ServiceRun) -> None:
    bars = timeline(run)

    assert [bar.label for bar in bars] == [
        "build-tag",
        "Build",
        "Argo CD: OutOfSync",
        "Argo CD: Syncing",
        "Argo CD: Progressing",
        "Argo CD: Healthy",
    ]
    assert [(bar.left, bar.width) for bar in bars[:2]] == [(0, 10), (10, 40)]


def test_the_page_loads_nothing_and_runs_nothing_that_it_was_given(run: ServiceRun) -> None:
    record = DemoRecord(
        images="Built.",
        runs=(run,),
        checks=(Check("The registry serves <every> tag", holds=True),),
        started_at=100,
        seconds=10,
        application="astrago-xiilab",
        places={"GitHub": "http://127.0.0.1:1"},
    )

    page = demo_page(record)

    assert "Greet &lt;b&gt;everybody&lt;/b&gt;" in page
    assert "The registry serves &lt;every&gt; tag" in page
    assert "<h3>Tags</h3>" in page
    assert "a<br>b&lt;script&gt;" in page
    assert "<summary>A diagram, as GitHub draws it from this</summary>" in page
    assert "<script" not in page
    assert "src=" not in page
    assert "href=" not in page


def test_a_sync_that_is_not_compared_yet_is_still_a_sync() -> None:
    assert state(1, "OutOfSync", "Succeeded", "Healthy").phase == "Syncing"
    assert state(1, "OutOfSync", "Succeeded", "Healthy", applied=OLD).phase == "OutOfSync"
