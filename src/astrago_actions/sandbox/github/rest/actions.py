"""REST: workflow runs, their attempts and jobs, read only; they are recorded from Python."""

from __future__ import annotations

import re
from collections.abc import Callable

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.git_objects import (
    Missing,
)
from astrago_actions.sandbox.github.records import Job, Run, seconds
from astrago_actions.sandbox.github.rest.shown_run import shown_job, shown_run
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
    return json_response(200, shown_run(call, _attempts(call)[-1]))


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/actions/runs/{run}/attempts/{attempt}",
    "actions=read",
    "actions/workflow-runs#get-a-workflow-run-attempt",
)
def get_attempt(call: Call) -> Response:
    """One attempt of one run."""
    return json_response(200, shown_run(call, _attempt(call)))


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
    return json_response(200, shown_job(call, run, job))


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
    shown = [shown_run(call, run) for run in page]
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
    shown = [shown_job(call, run, job) for job in page]
    return json_response(200, {"total_count": len(jobs), "jobs": shown}, headers)
