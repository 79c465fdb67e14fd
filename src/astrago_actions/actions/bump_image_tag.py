"""bump-image-tag: change image tags in another repository's YAML, one commit, nothing lost."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from astrago_actions.actions.bump_proposal import Bump, Wish
from astrago_actions.actions.bump_pull_request import PullRequestWish, propose_pull_request
from astrago_actions.actions.bump_refusals import images_absent
from astrago_actions.actions.bump_report import Report, tell, wait_told
from astrago_actions.actions.bump_updates import read_images, read_targets, read_updates
from astrago_actions.clients.deployment_branch import (
    HISTORY,
    LONG_HISTORY,
    DeploymentBranch,
    Snapshot,
)
from astrago_actions.clients.github import connect
from astrago_actions.clients.github_errors import RuleViolation
from astrago_actions.clients.image_presence import absent_images
from astrago_actions.clients.local_checkout import read_files, write_files
from astrago_actions.clients.safe_commit import Outcome, commit_safely, read_patiently
from astrago_actions.clients.source_history import SourceHistory
from astrago_actions.context import Context
from astrago_actions.domain.branch_rules import Mode
from astrago_actions.domain.bump_commit import (
    DEFAULT_MESSAGE,
    ROLLBACK_MESSAGE,
    Change,
    Origin,
    compose,
)
from astrago_actions.domain.bump_edit import edit_files, present_values
from astrago_actions.domain.bump_order import commit_that_set
from astrago_actions.domain.bump_rollback import PREVIOUS
from astrago_actions.domain.references import ImageReference
from astrago_actions.inputs import InputReader, Secret
from astrago_actions.workflow_run import WorkflowRun

# Writers that start together wait a random part of this much time each before they read. GitHub
# takes 80 commits a minute, and a try that meets a conflict may count as one: more writers than go
# into one minute with their conflicts are spread over several, at 60 a minute.
SECONDS_PER_WRITER = 0.3
MOST_AT_ONCE = 50
SECONDS_PER_WRITER_OF_A_FLEET = 1.0
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
MODES: tuple[Mode, ...] = ("commit", "pull-request", "commit-or-pull-request")


@dataclass(frozen=True)
class Inputs:
    """What is wanted, where, and how it may get there; see action.yml for each."""

    repository: str
    branch: str
    wish: Wish
    token: Secret
    source_token: Secret | None
    mode: Mode
    pull_request: PullRequestWish
    images: Mapping[str, ImageReference]
    registry_username: str
    registry_token: Secret | None
    spread: int
    timeout: float
    path: Path | None
    dry_run: bool


@dataclass(frozen=True)
class Outputs:
    """What was changed; `previous` maps component (or key) to the value before."""

    commit_sha: str = ""
    commit_url: str = ""
    changed: bool = False
    previous: Mapping[str, str] = field(default_factory=dict)
    diff: str = ""
    superseded: bool = False
    pull_request_url: str = ""


def read(given: InputReader, run: WorkflowRun) -> Inputs:
    """Read and cross-check the inputs; mistakes are noted in `given`."""
    path = given.text("path")
    if path and not Path(path).is_dir():
        given.mistake("path", f"`{path}` is not a folder here")
    wish = _wish(given, run)
    return Inputs(
        repository="" if path else given.repository("repository"),
        branch="" if path else given.required("branch").removeprefix("refs/heads/"),
        wish=wish,
        token=Secret("") if path else given.required_secret("token", "the deployment token"),
        source_token=given.secret("source-token"),
        images=read_images(given, wish.updates),
        registry_username=given.text("registry-username", run.actor) or "token",
        registry_token=given.secret("registry-token"),
        mode=given.choice("mode", MODES, "commit"),
        pull_request=PullRequestWish(
            labels=given.items("labels"),
            reviewers=given.items("reviewers"),
            auto_merge=given.flag("auto-merge"),
        ),
        spread=given.whole_number("spread", 1),
        timeout=given.seconds("timeout", 300),
        path=Path(path) if path else None,
        dry_run=given.flag("dry-run"),
    )


def run(inputs: Inputs, context: Context) -> Outputs:
    """Change the values in one commit, and report what was done."""
    # What is only tried out is no stage of a deploy.
    with nullcontext() if inputs.dry_run else context.stage("bump"):
        if inputs.path is not None:
            return _edit_checkout(inputs, inputs.path, context)
        _check_images(inputs, context)
        connection = connect(inputs.token, context.run.api_url)
        branch = DeploymentBranch(connection, inputs.repository, inputs.branch)
        bump = Bump(inputs.wish, _source_history(inputs, context), inputs.branch)
        report = _carry_out(inputs, context, branch, bump)
    tell(report, context.step)
    return _outputs(report, inputs.wish)


def _carry_out(inputs: Inputs, context: Context, branch: DeploymentBranch, bump: Bump) -> Report:
    history = LONG_HISTORY if inputs.wish.rollback else HISTORY
    if inputs.dry_run:
        bump.propose(_read(inputs, context, branch, history))
        return Report(branch, bump, dry_run=True)
    _spread_out(inputs, context)
    if inputs.mode == "pull-request":
        return propose_pull_request(branch, bump, inputs.wish, inputs.pull_request, context)
    try:
        outcome = _commit(inputs, context, branch, bump, history)
    except RuleViolation as error:
        if inputs.mode != "commit-or-pull-request":
            raise
        context.step.notice("The branch takes no direct commits", error.detail)
        return propose_pull_request(branch, bump, inputs.wish, inputs.pull_request, context)
    return Report(
        branch, bump, commit=outcome.commit, snapshot=outcome.snapshot, attempts=outcome.attempts
    )


def _commit(
    inputs: Inputs, context: Context, branch: DeploymentBranch, bump: Bump, history: int
) -> Outcome:
    return commit_safely(
        branch,
        inputs.wish.files,
        bump.propose,
        folders=inputs.wish.folders,
        bump_id=bump.bump_id,
        clock=context.clock,
        deadline=context.clock.monotonic() + inputs.timeout,
        on_wait=wait_told(context.step),
        history=history,
    )


def _read(inputs: Inputs, context: Context, branch: DeploymentBranch, history: int) -> Snapshot:
    return read_patiently(
        branch,
        inputs.wish.files,
        inputs.wish.folders,
        clock=context.clock,
        deadline=context.clock.monotonic() + inputs.timeout,
        on_wait=wait_told(context.step),
        history=history,
    )


def _check_images(inputs: Inputs, context: Context) -> None:
    """A tag that nobody can pull would end as a broken rollout; without access it is not asked."""
    if inputs.registry_token is None or not inputs.images:
        return
    absent = absent_images(
        inputs.images,
        username=inputs.registry_username,
        token=inputs.registry_token,
        source_repository=context.run.repository,
        clock=context.clock,
    )
    if absent:
        raise images_absent(absent)


def _edit_checkout(inputs: Inputs, folder: Path, context: Context) -> Outputs:
    """The manual fallback: the same edit in a checkout, to be committed by hand."""
    contents = read_files(folder, inputs.wish.files)
    edit = edit_files(contents, inputs.wish.updates, if_missing=inputs.wish.if_missing)
    if not inputs.dry_run:
        write_files(folder, edit.contents)
    for note in edit.notes:
        context.step.info(note)
    context.step.info(edit.diff or "Nothing to change.")
    return Outputs(
        changed=bool(edit.changes) and not inputs.dry_run,
        previous=_previous(edit.changes),
        diff=edit.diff,
    )


def _outputs(report: Report, wish: Wish) -> Outputs:
    commit = report.commit
    return Outputs(
        commit_sha=commit.sha if commit else _commit_in_place(report, wish),
        commit_url=commit.url if commit else "",
        changed=commit is not None,
        previous=_previous(report.bump.edit.changes),
        diff=report.bump.edit.diff,
        superseded=bool(report.bump.superseded),
        pull_request_url=report.pull_request_url,
    )


def _commit_in_place(report: Report, wish: Wish) -> str:
    """The earlier commit that set these values, when there was nothing left to change."""
    if report.snapshot is None or report.bump.superseded:
        return ""
    contents = {path: file.content for path, file in report.snapshot.files.items()}
    wanted = {
        (update.file, update.key): value
        for update, value in present_values(contents, wish.updates).items()
        if value
    }
    commits = [(commit.sha, commit.message) for commit in report.snapshot.history]
    return commit_that_set(wanted, commits) or ""


def _previous(changes: tuple[Change, ...]) -> dict[str, str]:
    return {change.component or change.key: change.previous for change in changes}


def _source_history(inputs: Inputs, context: Context) -> SourceHistory:
    token = inputs.source_token or inputs.token
    return SourceHistory(connect(token, context.run.api_url), inputs.wish.origin.repository)


def _spread_out(inputs: Inputs, context: Context) -> None:
    """Jobs of one matrix finish together; apart in time they do not collide."""
    if inputs.spread > 1:
        fleet = inputs.spread > MOST_AT_ONCE
        each = SECONDS_PER_WRITER_OF_A_FLEET if fleet else SECONDS_PER_WRITER
        longest = inputs.spread * each
        context.clock.sleep(random.uniform(0, longest))  # noqa: S311 - nothing secret


def _wish(given: InputReader, run: WorkflowRun) -> Wish:
    rollback = given.text("rollback").lower()
    if rollback and rollback != PREVIOUS and not _COMMIT.fullmatch(rollback):
        given.mistake(
            "rollback", "must be `previous` or the SHA of a bump commit, at least 7 digits of it"
        )
    if rollback and given.text("path"):
        given.mistake("rollback", "reads the branch's commits, so it cannot be used with `path`")
    origin = Origin(
        environment=given.text("environment"),
        repository=given.text("source-repository", run.repository),
        commit=given.text("source-commit", run.source_commit),
        run_url=run.url,
    )
    return Wish(
        updates=read_targets(given) if rollback else read_updates(given),
        origin=origin,
        message=_message(given, origin, ROLLBACK_MESSAGE if rollback else DEFAULT_MESSAGE),
        rollback=rollback,
        if_missing=given.choice("if-missing", ("fail", "create"), "fail"),
        if_older=given.choice("if-older", ("skip", "fail", "apply"), "skip"),
        templates=tuple(each.strip("/") for each in given.items("templates")),
    )


def _message(given: InputReader, origin: Origin, default: str) -> str:
    template = given.text("message", default)
    try:
        compose(template, (), origin, "")
    except ValueError as error:
        given.mistake("message", str(error))
    return template
