"""How a bump is told, in the log and in the job summary."""

from __future__ import annotations

from dataclasses import dataclass

from astrago_actions.actions.bump_proposal import Bump
from astrago_actions.actions.bump_refusals import kept_text, superseded_text, unread_text
from astrago_actions.clients.deployment_branch import Commit, DeploymentBranch, Snapshot
from astrago_actions.step import Step


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


def tell(report: Report, step: Step) -> None:
    """Say what was changed, what was not, and why."""
    for note in report.bump.edit.notes:
        step.notice("About the edited file", note)
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
    if report.commit:
        step.info(f"Committed as {report.commit.sha}: {report.commit.url}")
    if report.pull_request_url:
        step.info(f"Pull request: {report.pull_request_url}")
    step.summary(summary(report))


def summary(report: Report) -> str:
    """The section of the job summary."""
    edit = report.bump.edit
    rows = "\n".join(
        f"| {change.component or '-'} | `{change.key}` | `{change.previous or '(empty)'}` "
        f"| `{change.value}` |"
        for change in edit.changes
    )
    table = f"| component | key | from | to |\n|---|---|---|---|\n{rows}\n" if rows else ""
    diff = f"\n```diff\n{edit.diff}```\n" if edit.diff else ""
    newer = (
        f"\n> [!WARNING]\n> {superseded_text(report.bump.superseded)}\n"
        if report.bump.superseded
        else ""
    )
    tries = "1 attempt" if report.attempts == 1 else f"{report.attempts} attempts"
    return (
        f"### Tags in {report.branch.repository}\n\n{_headline(report)} "
        f"({tries}, {report.branch.requests} requests)\n\n{table}{diff}{newer}"
    )


def _headline(report: Report) -> str:
    branch = report.branch.branch
    if report.pull_request_url:
        return f"Proposed for `{branch}` in {report.pull_request_url}"
    if report.commit:
        return f"Committed to `{branch}` as [{report.commit.sha[:8]}]({report.commit.url})"
    if report.dry_run and report.bump.edit.changes:
        return f"Would change `{branch}` (dry run)"
    return f"Nothing to change on `{branch}`"
