"""A developer pushes a change of an example service, and its workflow takes it from there."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from astrago_actions.sandbox.act import Event, WorkflowCall, WorkflowResult, run_workflow
from astrago_actions.sandbox.github import Run, Step
from astrago_actions.sandbox.world import BACKEND, BRANCH, FRONTEND, World

_AUTHOR = "Developer"
_EMAIL = "developer@example.com"


@dataclass(frozen=True)
class Service:
    """An example service and the change that its developer makes: one text in one file."""

    repository: str
    components: tuple[str, ...]
    file: str
    old: str
    new: str
    message: str


BACKEND_SERVICE = Service(
    repository=BACKEND,
    components=("core", "batch", "monitor"),
    file="server-core/src/main/java/com/xiilab/astrago/core/Application.java",
    old='\\"status\\":\\"UP\\"',
    new='\\"status\\":\\"UP\\",\\"since\\":\\"1.0\\"',
    message="Say since when the core service is up",
)
FRONTEND_SERVICE = Service(
    repository=FRONTEND,
    components=("frontend",),
    file="src/main.ts",
    old='"코어"',
    new='"코어 서버"',
    message="Name the core service in full",
)


@dataclass(frozen=True)
class Push:
    """A commit that arrived on the branch, and the work tree that it was made in."""

    service: Service
    checkout: Path
    before: str
    sha: str


@dataclass(frozen=True)
class Workplace:
    """Where workflows run: the tree behind `uses:`, shared caches, and what is set for a run.

    `variables` and `secrets` are set beside, and win over, those that point to the sandbox.
    """

    library: Path
    tool_cache: Path
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


def push_change(world: World, service: Service, folder: Path) -> Push:
    """Clone the service over HTTP, make its change, commit and push it."""
    address = f"{world.github_server.url}/{service.repository}.git"
    credential = _credential(world.tokens.developer)
    _git(folder.parent, "clone", "--quiet", "--branch", BRANCH, address, str(folder), **credential)
    before = _git(folder, "rev-parse", "HEAD")
    changed = folder / service.file
    changed.write_text(changed.read_text("utf-8").replace(service.old, service.new), "utf-8")
    identity = ("-c", f"user.name={_AUTHOR}", "-c", f"user.email={_EMAIL}")
    _git(folder, *identity, "commit", "--quiet", "--all", "--message", service.message)
    _git(folder, "push", "--quiet", "origin", BRANCH, **credential)
    return Push(service, folder, before, _git(folder, "rev-parse", "HEAD"))


def run_pipeline(
    world: World, push: Push, place: Workplace, listen: Callable[[Event], None] = lambda _: None
) -> WorkflowResult:
    """Run the service's own workflow for a push; GitHub knows the run before and after."""
    run = world.github.record_run(
        push.service.repository, status="in_progress", **_run_identity(push)
    )
    result = run_workflow(_call(world, push, place, run), listen)
    _record(world, push, run, result)
    return result


def run_by_hand(
    world: World,
    push: Push,
    place: Workplace,
    name: str,
    listen: Callable[[Event], None] = lambda _: None,
    **inputs: str,
) -> WorkflowResult:
    """Run the service's workflow `name` as a person does; an input `to_before` is to-before."""
    workflow, event = f".github/workflows/{name}.yml", "workflow_dispatch"
    identity = {**_run_identity(push), "name": name, "path": workflow, "event": event}
    run = world.github.record_run(push.service.repository, status="in_progress", **identity)
    given = {each.replace("_", "-"): value for each, value in inputs.items()}
    call = replace(_call(world, push, place, run), workflow=workflow, event=event, inputs=given)
    return run_workflow(call, listen)


def _run_identity(push: Push) -> dict[str, Any]:
    title = push.service.message
    return {"name": "CI/CD", "branch": BRANCH, "sha": push.sha, "title": title}


def _record(world: World, push: Push, run: Run, result: WorkflowResult) -> None:
    repository = push.service.repository
    conclusion = "success" if result.succeeded else "failure"
    world.github.record_run(
        repository,
        run_id=run.id,
        conclusion=conclusion,
        created_at=run.created_at,
        started_at=result.started_at,
        updated_at=result.finished_at,
        **_run_identity(push),
    )
    world.github.record_job(
        repository,
        run.id,
        "Build and deploy",
        conclusion=conclusion,
        started_at=result.started_at,
        completed_at=result.finished_at,
        steps=[
            Step(
                each.name,
                conclusion=each.result,
                started_at=each.started_at,
                completed_at=each.finished_at,
            )
            for each in result.steps
        ],
    )


def _call(world: World, push: Push, place: Workplace, run: Run) -> WorkflowCall:
    environment = {
        **world.runner_environment,
        "GITHUB_RUN_ID": str(run.id),
        "GITHUB_RUN_NUMBER": str(run.number),
        "GITHUB_ACTOR": "developer",
    }
    return WorkflowCall(
        checkout=push.checkout,
        library=place.library,
        state=place.folder,
        tool_cache=place.tool_cache,
        repository=push.service.repository,
        payload={"ref": f"refs/heads/{BRANCH}", "before": push.before, "after": push.sha},
        environment=environment,
        variables={
            "REGISTRY": world.registry_host,
            "ARGOCD_SERVER": world.argocd_server.url,
            **place.variables,
        },
        secrets={
            "GITHUB_TOKEN": world.tokens.job,
            "DEPLOY_TOKEN": world.tokens.deploy,
            "ARGOCD_TOKEN": world.tokens.argocd,
            **place.secrets,
        },
    )


def _credential(token: str) -> dict[str, str]:
    """git's configuration by environment, so that the token is in no command line or file."""
    basic = base64.b64encode(f"developer:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _git(folder: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()
