"""How a bump is told, in the log and in the job summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from astrago_actions.actions.bump_proposal import Bump
from astrago_actions.actions.bump_refusals import (
    kept_text,
    mode_text,
    superseded_text,
    unread_text,
)
from astrago_actions.clients.deployment_branch import Commit, DeploymentBranch, Snapshot
from astrago_actions.clients.github import ComparedCommit, Comparison
from astrago_actions.errors import ActionError
from astrago_actions.report.markdown import code, escaped, fenced
from astrago_actions.step import Step

MOST_COMMITS = 20


@dataclass(frozen=True)
class Report:
    """What came of a bump."""

    branch: DeploymentBranch
    bump: Bump
    commit: Commit | None = None
    snapshot: Snapshot | None = None
    attempts: int = 1
    pull_request_url: str = ""
    dry_run: bool = False

    @property
    def requests(self) -> int:
        """What was sent to GitHub, to the deployment repository and to the source's."""
        connections = {self.branch.connection, self.bump.history.connection}
        return sum(each.requests for each in connections)


def wait_told(step: Step) -> Callable[[BaseException, float], None]:
    """Says why and for how long we wait before the next try; remedies are for those who do not."""

    def say(error: BaseException, seconds: float) -> None:
        told = f"{error.title}\n{error.detail}" if isinstance(error, ActionError) else f"{error}"
        step.info(f"{told}\nTrying again in {seconds:.1f} s.")

    return say


def tell(report: Report, step: Step) -> None:
    """Say what was changed, what was not, and why."""
    for note in report.bump.edit.notes:
        step.notice("About the edited file", note)
    for path in report.bump.executable:
        step.notice("A file is no longer executable", mode_text(path))
    if report.bump.unread:
        step.warning("No template reads what was set", unread_text(report.bump.unread))
    if report.bump.kept:
        step.warning("Some tags were not put back", kept_text(report.bump.kept))
    if report.bump.superseded:
        step.warning("A newer build is already there", superseded_text(report.bump.superseded))
    for update, value in report.bump.unordered.items():
        step.info(
            f"{update.key}: whether `{value}` is newer or older than this commit is not known "
            "(its commit is not in the source repository's history, or cannot be seen); applied."
        )
    step.info(report.bump.edit.diff or "Nothing to change.")
    for since, comparison in report.bump.deployed.items():
        step.info("\n".join(_deployed_lines(since, comparison)))
    if report.commit:
        step.info(f"Committed as {report.commit.sha}: {report.commit.url}")
    if report.pull_request_url:
        step.info(f"Pull request: {report.pull_request_url}")
    step.summary(summary(report))


def summary(report: Report) -> str:
    """The section of the job summary."""
    edit = report.bump.edit
    rows = "\n".join(
        f"| {escaped(change.component) or '-'} | {code(change.key)} "
        f"| {code(change.previous or '(empty)')} | {code(change.value)} |"
        for change in edit.changes
    )
    table = f"| component | key | from | to |\n|---|---|---|---|\n{rows}\n" if rows else ""
    diff = f"\n{fenced(edit.diff, 'diff')}" if edit.diff else ""
    newer = (
        f"\n> [!WARNING]\n> {superseded_text(report.bump.superseded)}\n"
        if report.bump.superseded
        else ""
    )
    deployed = "".join(_deployed(since, each) for since, each in report.bump.deployed.items())
    tries = "1 attempt" if report.attempts == 1 else f"{report.attempts} attempts"
    return (
        f"### Tags in {report.branch.repository}\n\n{_headline(report)} "
        f"({tries}, {report.requests} requests)\n\n{table}{diff}{deployed}{newer}"
    )


def _deployed(since: str, comparison: Comparison) -> str:
    """The source's commits between the old value and the new one, newest first."""
    newest = comparison.commits[::-1][:MOST_COMMITS]
    lines = [
        f"- [`{each.sha[:8]}`]({each.url}) {escaped(each.subject)} ({escaped(each.author)})"
        for each in newest
    ]
    return (
        f"\n[{_count(comparison)}]({comparison.url}) since `{since[:8]}`:\n\n"
        + "\n".join([*lines, *_left_out(comparison, newest)])
        + "\n"
    )


def _deployed_lines(since: str, comparison: Comparison) -> list[str]:
    newest = comparison.commits[::-1][:MOST_COMMITS]
    return [
        f"{_count(comparison)} since {since[:8]}: {comparison.url}",
        *(f"- {each.sha[:8]} {each.subject} ({each.author})" for each in newest),
        *_left_out(comparison, newest),
    ]


def _count(comparison: Comparison) -> str:
    return "1 commit" if comparison.total == 1 else f"{comparison.total} commits"


def _left_out(comparison: Comparison, shown: Sequence[ComparedCommit]) -> list[str]:
    left = comparison.total - len(shown)
    return [f"- and {left} before them"] if left else []


def _headline(report: Report) -> str:
    branch = report.branch.branch
    if report.pull_request_url:
        return f"Proposed for `{branch}` in {report.pull_request_url}"
    if report.commit:
        return f"Committed to `{branch}` as [{report.commit.sha[:8]}]({report.commit.url})"
    if report.dry_run and report.bump.edit.changes:
        return f"Would change `{branch}` (dry run)"
    return f"Nothing to change on `{branch}`"
