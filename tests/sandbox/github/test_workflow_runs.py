"""Workflow runs, attempts and jobs, recorded from Python and read over REST."""

from __future__ import annotations

import pytest

from astrago_actions.sandbox.github import GitHub, Step
from astrago_actions.sandbox.server import Request
from tests.manual_clock import ManualClock
from tests.sandbox.github.conftest import DEPLOYMENT, TOKEN, Api, Serve, filled

MONDAY = 1_795_428_000.0
DAY = 86400.0


@pytest.fixture
def on_monday(serve: Serve) -> Api:
    return serve(filled(GitHub(clock=ManualClock(MONDAY))))


def test_a_run_with_its_jobs_and_steps(on_monday: Api) -> None:
    api = on_monday
    run = api.github.record_run(
        DEPLOYMENT, path=".github/workflows/deploy.yml", updated_at=MONDAY + 300
    )
    steps = [
        Step("Set up job", started_at=MONDAY, completed_at=MONDAY + 2),
        Step("Build", conclusion="failure", started_at=MONDAY + 2, completed_at=MONDAY + 90),
    ]
    api.github.record_job(
        DEPLOYMENT,
        run.id,
        "build",
        conclusion="failure",
        started_at=MONDAY,
        completed_at=MONDAY + 90,
        steps=steps,
    )

    found = api.repository().get_workflow_run(run.id)
    (job,) = found.jobs()

    assert (found.status, found.conclusion, found.head_sha) == ("completed", "success", api.head())
    assert (job.name, job.conclusion, job.completed_at.timestamp()) == (
        "build",
        "failure",
        MONDAY + 90,
    )
    assert [(step.number, step.name, step.conclusion) for step in job.steps] == [
        (1, "Set up job", "success"),
        (2, "Build", "failure"),
    ]


def test_a_running_job_has_no_end(on_monday: Api) -> None:
    api = on_monday
    run = api.github.record_run(DEPLOYMENT, status="in_progress")
    job = api.github.record_job(DEPLOYMENT, run.id, "build", status="in_progress")

    assert api.call("GET", f"actions/runs/{run.id}").json()["conclusion"] is None
    assert api.call("GET", f"actions/jobs/{job.id}").json()["completed_at"] is None


def test_each_attempt_keeps_its_jobs(on_monday: Api) -> None:
    api = on_monday
    run = api.github.record_run(DEPLOYMENT, conclusion="failure")
    api.github.record_job(DEPLOYMENT, run.id, "deploy", conclusion="failure")
    api.github.record_run(DEPLOYMENT, run_id=run.id, attempt=2)
    api.github.record_job(DEPLOYMENT, run.id, "deploy")

    def conclusions(path: str) -> list[str]:
        jobs = api.call("GET", f"actions/runs/{run.id}/{path}").json()["jobs"]
        return [job["conclusion"] for job in jobs]

    assert conclusions("jobs") == ["success"]
    assert conclusions("jobs?filter=all") == ["failure", "success"]
    assert conclusions("attempts/1/jobs") == ["failure"]
    assert api.call("GET", f"actions/runs/{run.id}").json()["run_attempt"] == 2
    assert api.call("GET", f"actions/runs/{run.id}/attempts/1").json()["conclusion"] == "failure"
    assert api.call("GET", f"actions/runs/{run.id}/attempts/3").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [4, 3, 2, 1]),
        ("status=failure", [2]),
        ("status=in_progress", [4]),
        ("branch=stabilize/1.0", [3]),
        ("event=push&actor=developer", [4, 3, 2, 1]),
        ("event=pull_request", []),
        ("created=2026-11-21", [2]),
        ("created=>=2026-11-21T00:00:00Z", [4, 3, 2]),
        ("created=2026-11-20..2026-11-21", [2, 1]),
        ("created=*..2026-11-20", [1]),
        ("created=>2026-11-21", [4, 3]),
        ("created=<2026-11-21", [1]),
        ("per_page=1&page=2", [3]),
    ],
)
def test_filters(on_monday: Api, query: str, found: list[int]) -> None:
    api = on_monday
    recorded = {"conclusion": ["success", "failure", "success", None]}
    for number in range(4):
        api.github.record_run(
            DEPLOYMENT,
            branch="stabilize/1.0" if number == 2 else "main",
            status="in_progress" if number == 3 else "completed",
            conclusion=recorded["conclusion"][number],
            created_at=MONDAY + (number - 3) * DAY,
            sha=api.head(),
        )

    answer = api.call("GET", f"actions/runs?{query}").json()

    assert [run["run_number"] for run in answer["workflow_runs"]] == found
    assert answer["total_count"] == (4 if "page" in query else len(found))


def test_runs_of_one_workflow(on_monday: Api) -> None:
    api = on_monday
    api.github.record_run(DEPLOYMENT, path=".github/workflows/deploy.yml")
    api.github.record_run(DEPLOYMENT, path=".github/workflows/other.yml")

    runs = api.call("GET", "actions/workflows/deploy.yml/runs").json()["workflow_runs"]
    by_id = api.call("GET", f"actions/workflows/{runs[0]['workflow_id']}/runs").json()

    assert [run["path"] for run in runs] == [".github/workflows/deploy.yml"]
    assert by_id["total_count"] == 1
    assert api.call("GET", "actions/workflows/nope.yml/runs").status_code == 404


def test_a_date_that_is_none_is_refused(on_monday: Api) -> None:
    path = f"/repos/{DEPLOYMENT}/actions/runs"
    headers = {"authorization": f"Bearer {TOKEN}"}

    answer = on_monday.github.respond(Request("GET", path, {"created": "yesterday"}, headers, b""))

    assert answer.status == 422
