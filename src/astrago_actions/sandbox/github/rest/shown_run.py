"""REST: how workflow runs, jobs and steps are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.calls import Call
from astrago_actions.sandbox.github.git_objects import Missing
from astrago_actions.sandbox.github.records import Job, Run, Step, timestamp


def shown_run(call: Call, run: Run) -> dict[str, Any]:
    """One attempt of a run."""
    actor = present.user(call.addresses, run.actor)
    repository = present.minimal_repository(call.addresses, call.repository)
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
        "workflow_id": present.number_of(run.path),
        "check_suite_id": run.id,
        "check_suite_node_id": present.node_id("CS", run.id),
        "pull_requests": [],
        "created_at": timestamp(run.created_at),
        "updated_at": timestamp(run.updated_at),
        "run_started_at": timestamp(run.started_at),
        "actor": actor,
        "triggering_actor": actor,
        **_run_links(call, run),
        "head_commit": _head_commit(call, run.sha),
        "repository": repository,
        "head_repository": repository,
    }


def _run_links(call: Call, run: Run) -> dict[str, str | None]:
    api = call.addresses.rest(call.repository, f"/actions/runs/{run.id}")
    workflow = f"/actions/workflows/{present.number_of(run.path)}"
    return {
        "url": api,
        "html_url": call.addresses.page(call.repository, f"/actions/runs/{run.id}"),
        "jobs_url": f"{api}/jobs",
        "logs_url": f"{api}/logs",
        "check_suite_url": call.addresses.rest(call.repository, f"/check-suites/{run.id}"),
        "artifacts_url": f"{api}/artifacts",
        "cancel_url": f"{api}/cancel",
        "rerun_url": f"{api}/rerun",
        "previous_attempt_url": f"{api}/attempts/{run.attempt - 1}" if run.attempt > 1 else None,
        "workflow_url": call.addresses.rest(call.repository, workflow),
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


def shown_job(call: Call, run: Run, job: Job) -> dict[str, Any]:
    """One job of a run, with its steps."""
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
