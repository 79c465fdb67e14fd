"""REST: workflow runs, their attempts and jobs, read only; they are recorded from Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.git_store import Missing
from astrago_actions.sandbox.github.records import Job, Run, Step, seconds, timestamp
from astrago_actions.sandbox.server import Response, json_response

ROUTES = Routes()
MOST_FILTERED = 1000
DAY = 86400.0
_LIST = "actions/workflow-runs#list-workflow-runs-for-a-repository"
_RANGE = re.compile(r"(>=|<=|>|<)?(.+)")


@ROUTES.add("GET", "/repos/{owner}/{repo}/actions/runs", "actions=read", _LIST)
def list_runs(call: Call) -> Response:
    """Runs, newest first, filtered as asked."""
    return _runs(call, call.repository.latest_runs())


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/actions/workflows/{workflow}/runs",
    "actions=read",
    "actions/workflow-runs#list-workflow-runs-for-a-workflow",
)
def list_runs_of_workflow(call: Call) -> Response:
    """Runs of one workflow, named by its file or its id."""
    wanted = call.parameters["workflow"]
    runs = call.repository.latest_runs()
    found = [
        run
        for run in runs
        if wanted in {run.path.rsplit("/", 1)[-1], str(present.number_of(run.path))}
    ]
    if not found and not _has_workflow(call, wanted):
        raise call.not_found()
    return _runs(call, found)


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/actions/runs/{run}",
    "actions=read",
    "actions/workflow-runs#get-a-workflow-run",
)
def get_run(call: Call) -> Response:
    """The newest attempt of one run."""
    return json_response(200, _shown_run(call, _attempts(call)[-1]))


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/actions/runs/{run}/attempts/{attempt}",
    "actions=read",
    "actions/workflow-runs#get-a-workflow-run-attempt",
)
def get_attempt(call: Call) -> Response:
    """One attempt of one run."""
    return json_response(200, _shown_run(call, _attempt(call)))


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/actions/runs/{run}/jobs",
    "actions=read",
    "actions/workflow-jobs#list-jobs-for-a-workflow-run",
)
def list_jobs(call: Call) -> Response:
    """The jobs of the newest attempt, or of all with `filter=all`."""
    run = _attempts(call)[-1]
    every = call.request.query.get("filter") == "all"
    return _jobs(call, run, lambda job: every or job.attempt == run.attempt)


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/actions/runs/{run}/attempts/{attempt}/jobs",
    "actions=read",
    "actions/workflow-jobs#list-jobs-for-a-workflow-run-attempt",
)
def list_jobs_of_attempt(call: Call) -> Response:
    """The jobs of one attempt."""
    run = _attempt(call)
    return _jobs(call, run, lambda job: job.attempt == run.attempt)


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/actions/jobs/{job}",
    "actions=read",
    "actions/workflow-jobs#get-a-job-for-a-workflow-run",
)
def get_job(call: Call) -> Response:
    """One job with its steps."""
    job = call.repository.jobs.get(call.number("job"))
    if job is None:
        raise call.not_found()
    run = call.repository.runs[job.run_id][-1]
    return json_response(200, _shown_job(call, run, job))


def _attempts(call: Call) -> list[Run]:
    attempts = call.repository.runs.get(call.number("run"))
    if not attempts:
        raise call.not_found()
    return attempts


def _attempt(call: Call) -> Run:
    wanted = call.number("attempt")
    found = next((run for run in _attempts(call) if run.attempt == wanted), None)
    if found is None:
        raise call.not_found()
    return found


def _has_workflow(call: Call, name: str) -> bool:
    repository = call.repository
    try:
        repository.file(repository.default_branch, f".github/workflows/{name}")
    except Missing:
        return False
    return True


def _runs(call: Call, runs: list[Run]) -> Response:
    query = call.request.query
    created = _created_filter(call, query.get("created", ""))
    status = query.get("status", "")
    wanted = {
        "actor": query.get("actor"),
        "branch": query.get("branch"),
        "event": query.get("event"),
        "sha": query.get("head_sha"),
    }
    found = [
        run
        for run in runs
        if all(value in {None, getattr(run, name)} for name, value in wanted.items())
        and (not status or status in {run.status, run.conclusion})
        and created(run.created_at)
    ]
    filtered = bool(status or query.get("created") or any(wanted.values()))
    page, headers = call.page(found[:MOST_FILTERED] if filtered else found)
    shown = [_shown_run(call, run) for run in page]
    return json_response(200, {"total_count": len(found), "workflow_runs": shown}, headers)


def _created_filter(call: Call, text: str) -> Callable[[float], bool]:
    """GitHub's search syntax for dates: `2026-01-01`, `>=2026-01-01`, `a..b` (`*` is open)."""
    if not text:
        return lambda _: True
    try:
        return _parsed_filter(text)
    except ValueError as error:
        raise call.invalid(f"{text} is not a range of dates.") from error


def _parsed_filter(text: str) -> Callable[[float], bool]:
    first, dots, last = text.partition("..")
    if dots:
        low = float("-inf") if first == "*" else seconds(first)
        high = float("inf") if last == "*" else _end(last)
        return lambda at: low <= at < high
    match = _RANGE.fullmatch(text)
    sign, moment = (match[1], match[2]) if match else (None, text)
    start, end = seconds(moment), _end(moment)
    tests: dict[str | None, Callable[[float], bool]] = {
        ">=": lambda at: at >= start,
        ">": lambda at: at >= end,
        "<=": lambda at: at < end,
        "<": lambda at: at < start,
        None: lambda at: start <= at < end,
    }
    return tests[sign]


def _end(text: str) -> float:
    """The first moment after a date or a second."""
    return seconds(text) + (DAY if "T" not in text else 1)


def _jobs(call: Call, run: Run, wanted: Callable[[Job], bool]) -> Response:
    jobs = [job for job in call.repository.jobs.values() if job.run_id == run.id and wanted(job)]
    page, headers = call.page(sorted(jobs, key=lambda job: job.id))
    shown = [_shown_job(call, run, job) for job in page]
    return json_response(200, {"total_count": len(jobs), "jobs": shown}, headers)


def _shown_run(call: Call, run: Run) -> dict[str, Any]:
    api = call.addresses.rest(call.repository, f"/actions/runs/{run.id}")
    workflow = present.number_of(run.path)
    actor = present.user(call.addresses, run.actor)
    repository = present.minimal_repository(call.addresses, call.repository)
    earlier = f"{api}/attempts/{run.attempt - 1}" if run.attempt > 1 else None
    return {
        "id": run.id,
        "name": run.name,
        "node_id": present.node_id("WFR", run.id),
        "head_branch": run.branch,
        "head_sha": run.sha,
        "path": run.path,
        "display_title": run.title,
        "run_number": run.number,
        "run_attempt": run.attempt,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": workflow,
        "check_suite_id": run.id,
        "check_suite_node_id": present.node_id("CS", run.id),
        "url": api,
        "html_url": call.addresses.page(call.repository, f"/actions/runs/{run.id}"),
        "pull_requests": [],
        "created_at": timestamp(run.created_at),
        "updated_at": timestamp(run.updated_at),
        "run_started_at": timestamp(run.started_at),
        "actor": actor,
        "triggering_actor": actor,
        "jobs_url": f"{api}/jobs",
        "logs_url": f"{api}/logs",
        "check_suite_url": call.addresses.rest(call.repository, f"/check-suites/{run.id}"),
        "artifacts_url": f"{api}/artifacts",
        "cancel_url": f"{api}/cancel",
        "rerun_url": f"{api}/rerun",
        "previous_attempt_url": earlier,
        "workflow_url": call.addresses.rest(call.repository, f"/actions/workflows/{workflow}"),
        "head_commit": _head_commit(call, run.sha),
        "repository": repository,
        "head_repository": repository,
    }


def _head_commit(call: Call, sha: str) -> dict[str, Any] | None:
    try:
        commit = call.repository.store.commit(sha)
    except Missing:
        return None
    author, committer = (present.signature(who) for who in (commit.author, commit.committer))
    return {
        "id": sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": committer["date"],
        "author": {"name": author["name"], "email": author["email"]},
        "committer": {"name": committer["name"], "email": committer["email"]},
    }


def _shown_job(call: Call, run: Run, job: Job) -> dict[str, Any]:
    page = call.addresses.page(call.repository, f"/actions/runs/{run.id}/job/{job.id}")
    return {
        "id": job.id,
        "run_id": run.id,
        "workflow_name": run.name,
        "head_branch": run.branch,
        "run_url": call.addresses.rest(call.repository, f"/actions/runs/{run.id}"),
        "run_attempt": job.attempt,
        "node_id": present.node_id("CR", job.id),
        "head_sha": run.sha,
        "url": call.addresses.rest(call.repository, f"/actions/jobs/{job.id}"),
        "html_url": page,
        "status": job.status,
        "conclusion": job.conclusion,
        "created_at": timestamp(job.created_at),
        "started_at": timestamp(job.started_at),
        "completed_at": _moment(job.completed_at),
        "name": job.name,
        "steps": _steps(job.steps),
        "check_run_url": call.addresses.rest(call.repository, f"/check-runs/{job.id}"),
        "labels": list(job.labels),
        "runner_id": 1,
        "runner_name": job.runner_name,
        "runner_group_id": 1,
        "runner_group_name": "Default",
    }


def _steps(steps: Iterable[Step]) -> list[dict[str, Any]]:
    return [
        {
            "name": step.name,
            "status": step.status,
            "conclusion": step.conclusion,
            "number": step.number,
            "started_at": _moment(step.started_at),
            "completed_at": _moment(step.completed_at),
        }
        for step in steps
    ]


def _moment(at: float | None) -> str | None:
    return None if at is None else timestamp(at)
