"""What the runner says about the workflow run that an action is part of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class PullRequest:
    """The pull request behind a `pull_request` event."""

    number: int
    head_sha: str
    head_branch: str
    base_sha: str
    base_branch: str


@dataclass(frozen=True)
class WorkflowRun:
    """The run's identity, read from the runner's default variables and the event payload.

    `branch` is the name of the pushed branch or tag, on pull requests that of the head branch.
    `before` is the commit before the push.
    Outside a runner everything is empty or zero and the public GitHub addresses are used.
    Source: "Variables reference" in the GitHub Actions documentation.
    """

    repository: str = ""
    sha: str = ""
    ref: str = ""
    branch: str = ""
    event_name: str = ""
    workflow: str = ""
    job: str = ""
    actor: str = ""
    run_id: int = 0
    run_number: int = 0
    run_attempt: int = 1
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    workspace: Path = field(default_factory=Path.cwd)
    temporary: Path | None = None
    before: str = ""
    pull_request: PullRequest | None = None

    @property
    def url(self) -> str:
        """The page of this run, or an empty string outside a workflow run."""
        if not (self.repository and self.run_id):
            return ""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"

    @property
    def source_commit(self) -> str:
        """The commit that people mean: a pull request's head, not its temporary merge commit."""
        return self.pull_request.head_sha if self.pull_request else self.sha

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WorkflowRun:
        """Read the run from environment variables; the event payload is read when it is there."""
        event = _event(environment.get("GITHUB_EVENT_PATH", ""))
        pull_request = _pull_request(event)
        ref = environment.get("GITHUB_REF", "")
        temporary = environment.get("RUNNER_TEMP", "")
        api_url = (environment.get("GITHUB_API_URL") or cls.api_url).rstrip("/")
        return cls(
            repository=environment.get("GITHUB_REPOSITORY", ""),
            sha=environment.get("GITHUB_SHA", ""),
            ref=ref,
            branch=pull_request.head_branch if pull_request else _branch(ref),
            event_name=environment.get("GITHUB_EVENT_NAME", ""),
            workflow=environment.get("GITHUB_WORKFLOW", ""),
            job=environment.get("GITHUB_JOB", ""),
            actor=environment.get("GITHUB_ACTOR", ""),
            run_id=_number(environment.get("GITHUB_RUN_ID", "")),
            run_number=_number(environment.get("GITHUB_RUN_NUMBER", "")),
            run_attempt=_number(environment.get("GITHUB_RUN_ATTEMPT", "")) or 1,
            server_url=environment.get("GITHUB_SERVER_URL") or _server_of(api_url),
            api_url=api_url,
            workspace=Path(environment.get("GITHUB_WORKSPACE") or Path.cwd()),
            temporary=Path(temporary) if temporary else None,
            before=_before(event),
            pull_request=pull_request,
        )


def _server_of(api_url: str) -> str:
    """GitHub's address by that of its API, for shells in which only the latter is set.

    Source: "Using the REST API" in the documentation of GitHub Enterprise Server and Cloud.
    """
    if api_url.endswith("/api/v3"):
        return api_url.removesuffix("/api/v3")
    return api_url.replace("://api.", "://", 1)


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _event(path: str) -> Mapping[str, Any]:
    if not path:
        return {}
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _before(event: Mapping[str, Any]) -> str:
    """The commit that a push, or a merge queue's group, builds on."""
    group = event.get("merge_group") or {}
    return str(event.get("before") or group.get("base_sha") or "")


def _pull_request(event: Mapping[str, Any]) -> PullRequest | None:
    found = event.get("pull_request")
    if not isinstance(found, dict):
        return None
    head, base = found.get("head") or {}, found.get("base") or {}
    return PullRequest(
        number=_number(str(found.get("number") or "")),
        head_sha=str(head.get("sha") or ""),
        head_branch=str(head.get("ref") or ""),
        base_sha=str(base.get("sha") or ""),
        base_branch=str(base.get("ref") or ""),
    )
