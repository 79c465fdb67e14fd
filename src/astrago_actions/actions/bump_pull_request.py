"""A bump as a pull request: one branch per environment and component set, kept up to date."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from astrago_actions.actions.bump_proposal import Bump, Wish
from astrago_actions.actions.bump_report import Report, wait_told
from astrago_actions.clients.deployment_branch import (
    HISTORY,
    LONG_HISTORY,
    Commit,
    DeploymentBranch,
    Snapshot,
)
from astrago_actions.clients.pull_requests import PullRequest, PullRequests
from astrago_actions.clients.safe_commit import Proposal, commit_safely, read_patiently
from astrago_actions.context import Context
from astrago_actions.errors import ActionError, NotFound
from astrago_actions.report.markdown import fenced

_NOT_IN_BRANCHES = re.compile(r"[^A-Za-z0-9._-]+")
# The commit goes to a branch of our own, where nobody else writes: only GitHub is waited for.
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class PullRequestWish:
    """What is asked of a pull request beside its change."""

    labels: Sequence[str]
    reviewers: Sequence[str]
    auto_merge: bool


def propose_pull_request(
    branch: DeploymentBranch, bump: Bump, wish: Wish, asked: PullRequestWish, context: Context
) -> Report:
    """Commit on a branch made from the base's newest state, and open or update its pull request."""
    history = LONG_HISTORY if wish.rollback else HISTORY
    snapshot = _read(branch, wish.files, wish.folders, context=context, history=history)
    proposal = bump.propose(snapshot)
    if proposal is None:
        return Report(branch, bump)
    requests = PullRequests(branch.connection, branch.repository, context.clock)
    name = branch_name(wish, branch.branch)
    existing = DeploymentBranch(branch.connection, branch.repository, name)
    waits = requests.is_open(name, branch.branch)
    pending = not waits or _pending(existing, bump, wish, context)
    if bump.superseded:
        return Report(branch, bump)
    bump.propose(snapshot)
    commit = _commit(branch, bump, wish, context, requests, proposal, snapshot) if pending else None
    opened = requests.open_or_update(name, branch.branch, *_text(proposal, context))
    _ask(requests, opened, asked, context)
    return Report(branch, bump, commit=commit, pull_request_url=opened.url)


def _read(
    branch: DeploymentBranch,
    files: Sequence[str],
    folders: Sequence[str] = (),
    *,
    context: Context,
    history: int = HISTORY,
) -> Snapshot:
    return read_patiently(
        branch,
        files,
        folders,
        clock=context.clock,
        deadline=context.clock.monotonic() + PATIENCE_SECONDS,
        on_wait=wait_told(context.step),
        history=history,
    )


def _pending(existing: DeploymentBranch, bump: Bump, wish: Wish, context: Context) -> bool:
    """Whether the open pull request's branch still lacks these values.

    A newer build that waits there for its merge counts as much as one that is merged; one that
    was left behind by a closed pull request does not.
    """
    try:
        snapshot = _read(existing, wish.files, context=context)
    except NotFound:
        return True
    return wish.rollback != "" or bump.propose(snapshot) is not None


def _commit(
    branch: DeploymentBranch,
    bump: Bump,
    wish: Wish,
    context: Context,
    requests: PullRequests,
    proposal: Proposal,
    snapshot: Snapshot,
) -> Commit | None:
    """Commit where nobody else writes, then let the pull request's branch be at that commit."""
    name = branch_name(wish, branch.branch)
    workplace = DeploymentBranch(branch.connection, branch.repository, f"{name}.{bump.bump_id}")
    requests.point_branch(workplace.branch, snapshot.head)
    try:
        outcome = commit_safely(
            workplace,
            wish.files,
            lambda _: proposal,
            bump_id=bump.bump_id,
            clock=context.clock,
            deadline=context.clock.monotonic() + PATIENCE_SECONDS,
            on_wait=wait_told(context.step),
        )
        if outcome.commit is not None:
            requests.point_branch(name, outcome.commit.sha)
    finally:
        _clear_away(requests, workplace.branch, context)
    return outcome.commit


def _clear_away(requests: PullRequests, name: str, context: Context) -> None:
    """A branch that stays behind is untidy, and no reason to fail."""
    try:
        requests.delete_branch(name)
    except ActionError as error:
        context.step.warning(f"The branch `{name}` is left over", str(error))


def branch_name(wish: Wish, base: str) -> str:
    """`bump/<environment or base>/<components>-<hash>`: the same for every bump of the same values.

    The hash is of base, environment, source and keys, so that bumps of other values, or for
    another base, have branches of their own.
    """
    names = sorted({update.component or update.key for update in wish.updates})
    keys = sorted(f"{update.file}:{update.key}" for update in wish.updates)
    identity = "\n".join([base, wish.origin.environment, wish.origin.repository, *keys])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    parts = (wish.origin.environment or base, f"{'-'.join(names)[:80]}-{digest}")
    cleaned = (_NOT_IN_BRANCHES.sub("-", part).strip("-.") for part in parts)
    return "/".join(["bump", *(part for part in cleaned if part)])


def _text(proposal: Proposal, context: Context) -> tuple[str, str]:
    origin = f"\nFrom {context.run.url}" if context.run.url else ""
    return proposal.message.headline, fenced(proposal.message.body, "text") + origin


def _ask(
    requests: PullRequests, opened: PullRequest, asked: PullRequestWish, context: Context
) -> None:
    """Labels, reviews and auto-merge are wishes: the pull request stands without them."""
    wishes: dict[str, tuple[object, Callable[[], None]]] = {
        "labels": (asked.labels, lambda: requests.add_labels(opened, asked.labels)),
        "reviewers": (asked.reviewers, lambda: requests.request_reviews(opened, asked.reviewers)),
        "auto-merge": (asked.auto_merge, lambda: requests.merge_when_ready(opened)),
    }
    for name, (wanted, fulfil) in wishes.items():
        if not wanted:
            continue
        try:
            fulfil()
        except ActionError as error:
            context.step.warning(f"`{name}` was not done on the pull request", str(error))
