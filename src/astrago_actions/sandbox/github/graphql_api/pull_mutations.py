"""The mutations that open, change, label and merge pull requests."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, cast

from astrago_actions.sandbox.github import pulls
from astrago_actions.sandbox.github.graphql_api.checks import (
    Input,
    echo,
    must_write,
    pull_by_id,
    repository_by_id,
)
from astrago_actions.sandbox.github.graphql_api.errors import unprocessable, unresolved_id
from astrago_actions.sandbox.github.graphql_api.nodes import (
    RepositoryNode,
)
from astrago_actions.sandbox.github.graphql_api.pull_nodes import (
    PullRequestNode,
)
from astrago_actions.sandbox.github.graphql_api.viewer import (
    UserNode,
    Viewer,
)
from astrago_actions.sandbox.github.records import PullRequest

PERMISSION = "pull_requests"


def create_pull_request(viewer: Viewer, given: Input) -> dict[str, Any]:
    """Ask for one branch to be merged into another."""
    repository = repository_by_id(viewer, given["repositoryId"])
    must_write(viewer, repository, PERMISSION, "CreatePullRequest")
    made = _done(
        repository,
        lambda: pulls.open_pull(
            viewer.hub,
            repository.record,
            viewer.token,
            title=given["title"],
            body=given.get("body") or "",
            head=given["headRefName"],
            base=given["baseRefName"],
            draft=bool(given.get("draft")),
        ),
    )
    return {**echo(given), "pullRequest": made}


def update_pull_request(viewer: Viewer, given: Input) -> dict[str, Any]:
    """Change title, body, base, labels, or whether it is open."""
    pull = _writable(viewer, given["pullRequestId"], "UpdatePullRequest")
    fields = {name: given[name] for name in ("title", "body") if given.get(name) is not None}
    if given.get("state"):
        fields["state"] = given["state"].lower()
    if given.get("baseRefName"):
        fields["base"] = given["baseRefName"]
    if given.get("labelIds") is not None:
        fields["labels"] = tuple(_label_name(each) for each in given["labelIds"])
    changed = _done(
        pull.repository,
        lambda: pulls.change(viewer.hub, pull.repository.record, pull.record, **fields),
    )
    return {**_acted(viewer, given), "pullRequest": changed}


def merge_pull_request(viewer: Viewer, given: Input) -> dict[str, Any]:
    """Merge it, if its head still is the expected one."""
    pull = _writable(viewer, given["pullRequestId"], "MergePullRequest")
    method = cast("pulls.Method", (given.get("mergeMethod") or "MERGE").lower())
    merged = _done(
        pull.repository,
        lambda: pulls.merge(
            viewer.hub,
            pull.repository.record,
            pull.record,
            viewer.token,
            method,
            expected=given.get("expectedHeadOid"),
            headline=given.get("commitHeadline"),
            body=given.get("commitBody"),
        ),
    )
    return {**_acted(viewer, given), "pullRequest": merged}


def enable_pull_request_auto_merge(viewer: Viewer, given: Input) -> dict[str, Any]:
    """Let it merge by itself once nothing forbids it; GitHub refuses when nothing does now."""
    pull = _writable(viewer, given["pullRequestId"], "EnablePullRequestAutoMerge")
    record = pull.repository.record
    if not record.allow_auto_merge:
        raise unprocessable("Pull request Auto merge is not allowed for this repository")
    if not record.protections.get(pull.record.base):
        raise unprocessable("Pull request Pull request is in clean status")
    changed = _done(
        pull.repository,
        lambda: pulls.change(
            viewer.hub,
            record,
            pull.record,
            auto_merge=given.get("mergeMethod") or "MERGE",
            auto_merge_by=viewer.token.login if viewer.token else "",
        ),
    )
    return {**_acted(viewer, given), "pullRequest": changed}


def add_labels_to_labelable(viewer: Viewer, given: Input) -> dict[str, Any]:
    """Add labels that exist."""
    pull = _writable(viewer, given["labelableId"], "AddLabelsToLabelable")
    names = [*pull.record.labels, *(_label_name(each) for each in given["labelIds"])]
    changed = _done(
        pull.repository,
        lambda: pulls.change(
            viewer.hub, pull.repository.record, pull.record, labels=tuple(dict.fromkeys(names))
        ),
    )
    return {**echo(given), "labelable": changed}


def _writable(viewer: Viewer, identifier: str, mutation: str) -> PullRequestNode:
    pull = pull_by_id(viewer, identifier)
    must_write(viewer, pull.repository, PERMISSION, mutation)
    return pull


def _acted(viewer: Viewer, given: Input) -> dict[str, Any]:
    return {**echo(given), "actor": UserNode(viewer, viewer.token.login if viewer.token else "")}


def _done(repository: RepositoryNode, action: Callable[[], PullRequest]) -> PullRequestNode:
    with repository.store.lock:
        try:
            return PullRequestNode(repository, action())
        except pulls.PullRefusal as refusal:
            words = f"{refusal.field} {refusal.message}".strip()
            raise unprocessable(words) from refusal


def _label_name(identifier: str) -> str:
    try:
        return base64.urlsafe_b64decode(identifier.removeprefix("LA_").encode()).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise unresolved_id(identifier) from error
