"""What GitHub remembers of a pipeline: its runs, this run's jobs, and the bumps that it made.

A report costs about five requests: this run, a page of runs, a page of bumps, a page of source
commits, and jobs only where no stages were recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from astrago_actions.clients.github import Connection
from astrago_actions.clients.github_errors import explained
from astrago_actions.domain.bump_commit import trailers
from astrago_actions.domain.dora import Bump
from astrago_actions.domain.run_history import Job, PipelineRun, RunListing, TimedWork
from astrago_actions.errors import Unreachable

PAGE = 100
MOST_RUN_PAGES = 3
MOST_JOB_PAGES = 3
MOST_BUMP_PAGES = 3
MOST_SOURCE_PAGES = 2
MOST_FIRST_ATTEMPTS = 5

_RUN_URL = re.compile(r"/actions/runs/(\d+)")
_REVERTED = re.compile(r"^This reverts commit ([0-9a-f]{7,64})", re.MULTILINE)


@dataclass(frozen=True)
class BumpListing:
    """Bumps, newest first, and from when on (epoch seconds) they are all there."""

    bumps: tuple[Bump, ...]
    since: float


def read_run(connection: Connection, repository: str, run_id: int) -> PipelineRun:
    """One run in its latest attempt. Needs `actions: read`."""
    with explained("read this workflow run", repository):
        return _run(connection.get(f"/repos/{repository}/actions/runs/{run_id}"))


def list_runs(
    connection: Connection, repository: str, workflow: str | int, branch: str, since: float
) -> RunListing:
    """The runs created since then, newest first, at most 300; needs `actions: read`.

    `workflow` is a file name or an id, empty or 0 for all workflows; `branch` may be empty.
    """
    within = f"/workflows/{quote(str(workflow), safe='')}" if workflow else ""
    path = f"/repos/{repository}/actions{within}/runs"
    parameters: dict[str, str | int] = {
        "created": f">={_iso(since)}",
        "exclude_pull_requests": "true",
        "per_page": PAGE,
    }
    if branch:
        parameters["branch"] = branch
    runs: list[PipelineRun] = []
    total = 0
    with explained("list the workflow runs", repository, branch=branch):
        for page in range(1, MOST_RUN_PAGES + 1):
            answer = connection.get(path, {**parameters, "page": page})
            listed = _listed(answer, "workflow_runs")
            runs += [_run(each) for each in listed]
            total = int(answer.get("total_count") or 0)
            if len(listed) < PAGE or len(runs) >= total:
                break
    return RunListing(tuple(runs), max(total, len(runs)))


def first_conclusions(
    connection: Connection, repository: str, runs: Iterable[PipelineRun]
) -> Mapping[int, str]:
    """How the first attempts of re-run runs ended, by run id, for the five newest of them."""
    rerun = [run for run in runs if run.attempt > 1][:MOST_FIRST_ATTEMPTS]
    found: dict[int, str] = {}
    with explained("read earlier attempts", repository):
        for run in rerun:
            path = f"/repos/{repository}/actions/runs/{run.id}/attempts/1"
            found[run.id] = _run(connection.get(path)).conclusion
    return found


def read_jobs(connection: Connection, repository: str, run_id: int) -> tuple[Job, ...]:
    """The jobs of the run's latest attempt with their steps; needs `actions: read`."""
    path = f"/repos/{repository}/actions/runs/{run_id}/jobs"
    jobs: list[Job] = []
    with explained("read this run's jobs", repository):
        for page in range(1, MOST_JOB_PAGES + 1):
            answer = connection.get(path, {"filter": "latest", "per_page": PAGE, "page": page})
            listed = _listed(answer, "jobs")
            jobs += [_job(each) for each in listed]
            if len(listed) < PAGE:
                break
    return tuple(jobs)


def list_bumps(connection: Connection, repository: str, branch: str, since: float) -> BumpListing:
    """The bumps on the deployment repository's branch since then, among at most 300 commits.

    An empty `branch` is the default branch; needs `contents: read` there.
    """
    parameters = {"since": _iso(since), **({"sha": branch} if branch else {})}
    commits, complete = _commits(connection, repository, parameters, MOST_BUMP_PAGES, branch)
    times = [at for at in map(_committed_at, commits) if at is not None]
    found = (_bump(each) for each in commits)
    return BumpListing(
        bumps=tuple(each for each in found if each),
        since=since if complete else min(times, default=since),
    )


def source_commit_times(
    connection: Connection, repository: str, newest: str
) -> Mapping[str, float]:
    """When `newest` and up to 200 commits before it were committed, by SHA.

    Needs `contents: read`.
    """
    commits, _ = _commits(connection, repository, {"sha": newest}, MOST_SOURCE_PAGES, "")
    times = ((str(each["sha"]), _committed_at(each)) for each in commits)
    return {sha: at for sha, at in times if at is not None}


def _commits(
    connection: Connection, repository: str, parameters: Mapping[str, str], pages: int, branch: str
) -> tuple[list[dict[str, Any]], bool]:
    """Commits, newest first, and whether there are no more of them."""
    path = f"/repos/{repository}/commits"
    found: list[dict[str, Any]] = []
    with explained("list the commits", repository, branch=branch):
        for page in range(1, pages + 1):
            listed = _listed(connection.get(path, {**parameters, "per_page": PAGE, "page": page}))
            found += listed
            if len(listed) < PAGE:
                return found, True
    return found, False


def _listed(answer: Any, key: str = "") -> list[dict[str, Any]]:
    """The list in an answer; raises Unreachable for what is not GitHub's, as a login page."""
    found = answer
    if key:
        found = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise _not_github()
    return found


def _not_github() -> Unreachable:
    return Unreachable(
        "The address of GitHub's API answers with something else",
        "A list was asked for and not given.",
        "Check GITHUB_API_URL and the runner's proxy; a login page may be in the way.",
    )


def _run(found: Mapping[str, Any]) -> PipelineRun:
    if "id" not in found:
        raise _not_github()
    created_at = _epoch(found.get("created_at")) or 0.0
    started_at = _epoch(found.get("run_started_at")) or created_at
    return PipelineRun(
        id=int(found["id"]),
        number=int(found.get("run_number") or 0),
        attempt=int(found.get("run_attempt") or 1),
        workflow_id=int(found.get("workflow_id") or 0),
        status=str(found.get("status") or ""),
        conclusion=str(found.get("conclusion") or ""),
        created_at=created_at,
        started_at=started_at,
        updated_at=_epoch(found.get("updated_at")) or started_at,
    )


def _job(found: Mapping[str, Any]) -> Job:
    return Job(_work(found), tuple(_work(each) for each in found.get("steps") or ()))


def _work(found: Mapping[str, Any]) -> TimedWork:
    return TimedWork(
        name=str(found.get("name") or ""),
        status=str(found.get("status") or ""),
        conclusion=str(found.get("conclusion") or ""),
        started_at=_epoch(found.get("started_at")),
        completed_at=_epoch(found.get("completed_at")),
    )


def _bump(found: Mapping[str, Any]) -> Bump | None:
    """The commit as a bump; None for any other commit."""
    message = str(found["commit"].get("message") or "")
    at = _committed_at(found)
    said = trailers(message)
    reverted = _REVERTED.search(message)
    undone = _first(said, "Rollback-Of") or (reverted[1] if reverted else "")
    if at is None or not (undone or said.keys() & {"Bump-Id", "Source-Commit"}):
        return None
    run = _RUN_URL.search(_first(said, "Workflow-Run"))
    return Bump(
        sha=str(found["sha"]),
        at=at,
        repository=_first(said, "Source-Repository"),
        commit=_first(said, "Source-Commit"),
        run_id=int(run[1]) if run else 0,
        environment=_first(said, "Environment"),
        components=said.get("Component", ()),
        rollback_of=undone,
        fixes=_first(said, "Fixes-Deployment"),
    )


def _first(said: Mapping[str, tuple[str, ...]], name: str) -> str:
    return said.get(name, ("",))[0]


def _committed_at(found: Mapping[str, Any]) -> float | None:
    return _epoch((found["commit"].get("committer") or {}).get("date"))


def _epoch(text: object) -> float | None:
    """Seconds since the epoch; None for null and for the zero time of unfinished work."""
    if not isinstance(text, str) or text.startswith("0001-"):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
