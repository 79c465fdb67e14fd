"""REST: how pull requests, labels and teams are shown."""

from __future__ import annotations

from typing import Any

from astrago_actions.sandbox.github import present, pulls
from astrago_actions.sandbox.github.calls import Call
from astrago_actions.sandbox.github.differences import differences
from astrago_actions.sandbox.github.records import PullRequest, timestamp


def simple_pull(call: Call, pull: PullRequest) -> dict[str, Any]:
    """A pull request as lists show it."""
    pull = pulls.current(call.repository, pull)
    author = present.user(call.addresses, pull.author)
    return {
        **_links(call, pull),
        "id": pull.id,
        "node_id": present.node_id("PR", pull.id),
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": author,
        "body": pull.body or None,
        "labels": [label(call, name) for name in pull.labels],
        "milestone": None,
        "created_at": timestamp(pull.created_at),
        "updated_at": timestamp(pull.updated_at),
        "closed_at": _moment(pull.closed_at),
        "merged_at": _moment(pull.merged_at),
        "merge_commit_sha": pull.merge_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [present.user(call.addresses, each) for each in pull.reviewers],
        "requested_teams": [team(call, slug) for slug in pull.team_reviewers],
        "head": _side(call, pull.head, pull.head_sha),
        "base": _side(call, pull.base, pull.base_sha),
        "author_association": "COLLABORATOR",
        "auto_merge": _auto_merge(call, pull),
        "draft": pull.draft,
    }


def full_pull(call: Call, pull: PullRequest) -> dict[str, Any]:
    """A pull request on its own."""
    pull = pulls.current(call.repository, pull)
    mergeable = pulls.is_mergeable(call.repository, pull)
    states = {None: "unknown", False: "dirty", True: "clean"}
    blocked = mergeable and call.repository.protections.get(pull.base)
    store = call.repository.store
    base = store.merge_base(pull.base_sha, pull.head_sha)
    before = store.commit(base).tree if base else None
    changed = differences(store, before, store.commit(pull.head_sha).tree)
    return {
        **simple_pull(call, pull),
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "mergeable_state": "blocked" if blocked else states[mergeable],
        "merged_by": present.user(call.addresses, pull.merged_by) if pull.merged_by else None,
        "comments": 0,
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": len(pulls.commits(call.repository, pull)),
        "additions": sum(each.added for each in changed),
        "deletions": sum(each.removed for each in changed),
        "changed_files": len(changed),
    }


def _links(call: Call, pull: PullRequest) -> dict[str, Any]:
    api = call.addresses.rest(call.repository, f"/pulls/{pull.number}")
    issue = call.addresses.rest(call.repository, f"/issues/{pull.number}")
    page = call.addresses.page(call.repository, f"/pull/{pull.number}")
    statuses = call.addresses.rest(call.repository, f"/statuses/{pull.head_sha}")
    comment = call.addresses.rest(call.repository, "/pulls/comments{/number}")
    own = {
        "self": api,
        "html": page,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{api}/comments",
        "review_comment": comment,
        "commits": f"{api}/commits",
        "statuses": statuses,
    }
    return {
        "url": api,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue,
        "commits_url": own["commits"],
        "review_comments_url": own["review_comments"],
        "review_comment_url": comment,
        "comments_url": own["comments"],
        "statuses_url": statuses,
        "_links": {name: {"href": address} for name, address in own.items()},
    }


def _side(call: Call, branch: str, sha: str) -> dict[str, Any]:
    return {
        "label": f"{call.repository.owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": present.user(call.addresses, call.repository.owner),
        "repo": present.repository(call.addresses, call.repository, call.token),
    }


def _auto_merge(call: Call, pull: PullRequest) -> dict[str, Any] | None:
    if pull.auto_merge is None:
        return None
    return {
        "enabled_by": present.user(call.addresses, pull.auto_merge_by),
        "merge_method": pull.auto_merge.lower(),
        "commit_title": pull.title,
        "commit_message": pull.body,
    }


def label(call: Call, name: str) -> dict[str, Any]:
    """A label."""
    number = present.number_of(name)
    return {
        "id": number,
        "node_id": present.label_id(name),
        "url": call.addresses.rest(call.repository, f"/labels/{name}"),
        "name": name,
        "description": "",
        "color": "ededed",
        "default": False,
    }


def team(call: Call, slug: str) -> dict[str, Any]:
    """A team of the repository's organization."""
    number, owner = present.number_of(slug), present.number_of(call.repository.owner)
    api = f"{call.addresses.api}/organizations/{owner}/team/{number}"
    return {
        "id": number,
        "node_id": present.node_id("T", number),
        "name": slug,
        "slug": slug,
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "type": "organization",
        "organization_id": owner,
        "url": api,
        "html_url": f"{call.addresses.host}/orgs/{call.repository.owner}/teams/{slug}",
        "members_url": f"{api}/members{{/member}}",
        "repositories_url": f"{api}/repos",
        "parent": None,
    }


def _moment(at: float | None) -> str | None:
    return None if at is None else timestamp(at)
