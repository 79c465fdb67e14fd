"""How a bump is told: in the job summary, and when a newer build was there first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from astrago_actions.clients.deployment_branch import Commit
from astrago_actions.domain.bump_commit import trailers
from astrago_actions.domain.bump_edit import Edit, Update
from astrago_actions.errors import ActionError


def summary(
    repository: str, branch: str, edit: Edit, commit: Commit | None, attempts: int, requests: int
) -> str:
    """The section of the job summary."""
    rows = "\n".join(
        f"| {change.component or '-'} | `{change.key}` | `{change.previous or '(empty)'}` "
        f"| `{change.value}` |"
        for change in edit.changes
    )
    table = f"| component | key | from | to |\n|---|---|---|---|\n{rows}\n" if rows else ""
    diff = f"\n```diff\n{edit.diff}```\n" if edit.diff else ""
    tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    return (
        f"### Tags in {repository}\n\n{_headline(branch, edit, commit)} "
        f"({tries}, {requests} requests)\n\n{table}{diff}"
    )


def _headline(branch: str, edit: Edit, commit: Commit | None) -> str:
    if commit:
        return f"Committed to `{branch}` as [{commit.sha[:8]}]({commit.url})"
    if edit.changes:
        return f"Would change `{branch}` (dry run)"
    return f"Nothing to change on `{branch}`"


def superseded_text(superseded: Mapping[Update, str]) -> str:
    """Which values stayed, because they are newer."""
    lines = [
        f"{update.key} stays at {value}: it was built from a commit that contains this one, "
        f"so {update.value} is older."
        for update, value in superseded.items()
    ]
    return "\n".join(lines)


def superseded_error(superseded: Mapping[Update, str], repository: str) -> ActionError:
    """The failure for `if-older: fail`."""
    return ActionError(
        f"A newer build is already in {repository}",
        superseded_text(superseded),
        "Nothing to do, unless you mean to go back: then run with `if-older: apply`.",
        outputs={"superseded": True, "changed": False},
    )


def nothing_to_take_back(
    wanted: str, branch: str, commits: Sequence[tuple[str, str]]
) -> ActionError:
    """The failure of a rollback that finds no bump."""
    bumps = [
        f"{sha[:8]} {message.partition(chr(10))[0]}"
        for sha, message in commits
        if "Bump-Id" in trailers(message)
    ]
    return ActionError(
        f"No bump to take back on `{branch}`",
        f"`{wanted}` is not among the last {len(commits)} commits as a bump of these keys. "
        f"The newest bumps are:\n" + ("\n".join(bumps[:5]) or "none"),
        "Name the commit of one of these bumps in `rollback`, or set the tags with `updates`.",
    )
