"""A bump as a pull request: one branch per environment and component set, kept up to date."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from astrago_actions.actions.bump_proposal import Bump, Wish
from astrago_actions.actions.bump_report import Report
from astrago_actions.clients.deployment_branch import DeploymentBranch
from astrago_actions.clients.pull_requests import PullRequest, PullRequests
from astrago_actions.clients.safe_commit import Proposal, commit_safely
from astrago_actions.context import Context
from astrago_actions.errors import ActionError

_NOT_IN_BRANCHES = re.compile(r"[^A-Za-z0-9._-]+")
# The commit goes to a branch of our own, where nobody else writes.
COMMIT_SECONDS = 120


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
    snapshot = branch.read(wish.files, wish.folders)
    proposal = bump.propose(snapshot)
    if proposal is None:
        return Report(branch, bump)
    requests = PullRequests(branch.connection, branch.repository, context.clock)
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
            deadline=context.clock.monotonic() + COMMIT_SECONDS,
            on_wait=lambda error, seconds: context.step.info(f"{error}\nAgain in {seconds:.1f} s."),
        )
        if outcome.commit is None:
            return Report(branch, bump)
        requests.point_branch(name, outcome.commit.sha)
    finally:
        requests.delete_branch(workplace.branch)
    opened = requests.open_or_update(name, branch.branch, *_text(proposal, context))
    _ask(requests, opened, asked, context)
    return Report(branch, bump, commit=outcome.commit, pull_request_url=opened.url)


def branch_name(wish: Wish, base: str) -> str:
    """`bump/<environment or base branch>/<components>`: the same for every bump of this set."""
    names = dict.fromkeys(update.component or update.key for update in wish.updates)
    parts = (wish.origin.environment or base, "-".join(names))
    return "/".join(["bump", *(_NOT_IN_BRANCHES.sub("-", part).strip("-.") for part in parts)])


def _text(proposal: Proposal, context: Context) -> tuple[str, str]:
    origin = f"\n\nFrom {context.run.url}" if context.run.url else ""
    return proposal.message.headline, f"```text\n{proposal.message.body}\n```{origin}"


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
