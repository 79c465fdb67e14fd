"""What the sandbox's GitHub keeps beside git: tokens, rules, runs, pull requests, deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Literal

TokenKind = Literal["fine-grained", "classic", "installation", "app"]
Level = Literal["read", "write"]
Rule = Literal["pull-request", "status-checks", "ruleset", "secret-scanning"]


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as GitHub writes a time: `2026-01-31T09:00:00Z`."""
    return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str) -> float:
    """The reverse of `timestamp`; also reads offsets and plain dates. Raises ValueError."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


@dataclass(frozen=True)
class Person:
    """A name and an address, as git records them."""

    name: str
    email: str

    @classmethod
    def of(cls, login: str) -> Person:
        """The person that GitHub records for an account."""
        return cls(login, f"{login}@users.noreply.github.com")


@dataclass(frozen=True)
class Token:
    """A credential and what it may do: repository -> permission -> level."""

    value: str
    login: str
    kind: TokenKind
    permissions: Mapping[str, Mapping[str, Level]]
    sso_required: bool = False
    scopes: tuple[str, ...] = ()
    expires_at: float | None = None

    def level(self, full_name: str, permission: str) -> Level | None:
        """What the token may do with one kind of thing in one repository."""
        granted = self.permissions.get(full_name.lower(), {})
        if permission == "metadata" and granted:
            return granted.get("metadata", "read")
        return granted.get(permission)

    def allows(self, full_name: str, permission: str, level: Level) -> bool:
        """Whether the token may read or write one kind of thing in one repository."""
        granted = self.level(full_name, permission)
        return granted == "write" or granted == level


@dataclass(frozen=True)
class Allowance:
    """The hourly limit of a token; `remaining` requests until `reset_at` (epoch)."""

    limit: int
    remaining: int
    reset_at: float


@dataclass(frozen=True)
class Protection:
    """A rule that forbids direct commits to a branch; `bypass` holds logins it does not bind."""

    rule: Rule
    bypass: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Step:
    """One step of a job; times are epoch seconds."""

    name: str
    number: int = 1
    status: str = "completed"
    conclusion: str | None = "success"
    started_at: float | None = None
    completed_at: float | None = None


@dataclass(frozen=True)
class Job:
    """One job of one attempt of a run; times are epoch seconds."""

    id: int
    run_id: int
    attempt: int
    name: str
    status: str
    conclusion: str | None
    created_at: float
    started_at: float
    completed_at: float | None
    steps: tuple[Step, ...] = ()
    runner_name: str = "sandbox-runner"
    labels: tuple[str, ...] = ("ubuntu-latest",)


@dataclass(frozen=True)
class Run:
    """One attempt of a workflow run; times are epoch seconds, `path` is the workflow's file."""

    id: int
    attempt: int
    number: int
    name: str
    path: str
    branch: str
    sha: str
    event: str
    status: str
    conclusion: str | None
    created_at: float
    started_at: float
    updated_at: float
    actor: str
    title: str


@dataclass(frozen=True)
class PullRequest:
    """A pull request inside one repository; times are epoch seconds."""

    id: int
    number: int
    title: str
    body: str
    head: str
    base: str
    author: str
    created_at: float
    updated_at: float
    base_sha: str
    head_sha: str
    state: Literal["open", "closed"] = "open"
    draft: bool = False
    closed_at: float | None = None
    merged_at: float | None = None
    merge_sha: str | None = None
    merged_by: str = ""
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    team_reviewers: tuple[str, ...] = ()
    auto_merge: str | None = None
    auto_merge_by: str = ""


@dataclass(frozen=True)
class DeploymentStatus:
    """One state that a deployment went through."""

    id: int
    state: str
    creator: str
    created_at: float
    description: str = ""
    environment: str = ""
    environment_url: str = ""
    log_url: str = ""


@dataclass(frozen=True)
class Deployment:
    """A deployment of one commit to one environment, newest status last."""

    id: int
    sha: str
    ref: str
    task: str
    payload: object
    environment: str
    description: str | None
    creator: str
    created_at: float
    updated_at: float
    transient: bool = False
    production: bool = False
    statuses: tuple[DeploymentStatus, ...] = field(default=())
