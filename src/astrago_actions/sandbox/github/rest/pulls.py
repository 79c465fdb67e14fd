"""REST: pull requests, their reviewers, and the labels that issues and pull requests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

from astrago_actions.sandbox.github import present, pulls
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.differences import differences
from astrago_actions.sandbox.github.errors import Refusal, validation_failed
from astrago_actions.sandbox.github.records import PullRequest, timestamp
from astrago_actions.sandbox.server import Response, json_response

ROUTES = Routes()
_PULLS = "/repos/{owner}/{repo}/pulls"
_LABELS = "/repos/{owner}/{repo}/issues/{number}/labels"


@ROUTES.add("GET", _PULLS, "pull_requests=read", "pulls/pulls#list-pull-requests")
def list_pulls(call: Call) -> Response:
    """Pull requests, newest first; open ones unless `state` says otherwise."""
    query = call.request.query
    state = query.get("state", "open")
    head = query.get("head", "")
    found = [
        pull
        for pull in call.repository.pulls.values()
        if state in {"all", pull.state}
        and head in {"", f"{call.repository.owner}:{pull.head}"}
        and query.get("base", "") in {"", pull.base}
    ]
    by = "updated_at" if query.get("sort") == "updated" else "created_at"
    newest_first = query.get("direction", "desc") == "desc"
    found.sort(key=lambda pull: (getattr(pull, by), pull.number), reverse=newest_first)
    page, headers = call.page(found)
    return json_response(200, [_simple(call, pull) for pull in page], headers)


@ROUTES.add("POST", _PULLS, "pull_requests=write", "pulls/pulls#create-a-pull-request")
def create_pull(call: Call) -> Response:
    """Ask for one branch to be merged into another."""
    body = call.body()
    made = _done(
        lambda: pulls.open_pull(
            call.hub,
            call.repository,
            call.token,
            title=call.text(body, "title"),
            body=str(body.get("body") or ""),
            head=call.text(body, "head"),
            base=call.text(body, "base"),
            draft=bool(body.get("draft")),
        )
    )
    return json_response(201, _full(call, made))


@ROUTES.add("GET", _PULLS + "/{number}", "pull_requests=read", "pulls/pulls#get-a-pull-request")
def get_pull(call: Call) -> Response:
    """One pull request."""
    return json_response(200, _full(call, _pull(call)))


@ROUTES.add(
    "PATCH", _PULLS + "/{number}", "pull_requests=write", "pulls/pulls#update-a-pull-request"
)
def update_pull(call: Call) -> Response:
    """Change title, body, base, or whether it is open."""
    body = call.body()
    given = {
        name: call.text(body, name)
        for name in ("title", "body", "state", "base")
        if body.get(name) is not None
    }
    if given.get("state", "open") not in {"open", "closed"}:
        raise validation_failed("PullRequest", "invalid", fieldname="state")
    pull = _pull(call)
    changed = _done(lambda: pulls.change(call.hub, call.repository, pull, **given))
    return json_response(200, _full(call, changed))


@ROUTES.add("GET", _PULLS + "/{number}/merge", "pull_requests=read", "pulls/pulls#check-if-merged")
def is_merged(call: Call) -> Response:
    """204 when it is merged, 404 when not."""
    if _pull(call).merged_at is None:
        raise call.not_found()
    return Response(204)


@ROUTES.add("PUT", _PULLS + "/{number}/merge", "contents=write", "pulls/pulls#merge-a-pull-request")
def merge_pull(call: Call) -> Response:
    """Merge it, if `sha` (when given) still is its head."""
    body = call.body()
    method = body.get("merge_method") or "merge"
    if method not in {"merge", "squash", "rebase"}:
        raise validation_failed("PullRequest", "invalid", fieldname="merge_method")
    pull = _pull(call)
    merged = _done(
        lambda: pulls.merge(
            call.hub,
            call.repository,
            pull,
            call.token,
            cast("pulls.Method", method),
            expected=body.get("sha"),
            headline=body.get("commit_title"),
            body=body.get("commit_message"),
        )
    )
    shown = {
        "sha": merged.merge_sha,
        "merged": True,
        "message": "Pull Request successfully merged",
    }
    return json_response(200, shown)


@ROUTES.add(
    "POST",
    _PULLS + "/{number}/requested_reviewers",
    "pull_requests=write",
    "pulls/review-requests#request-reviewers-for-a-pull-request",
)
def request_reviewers(call: Call) -> Response:
    """Ask people and teams to review it."""
    body = call.body()
    pull = _pull(call)
    people, teams = call.texts(body, "reviewers"), call.texts(body, "team_reviewers")
    if pull.author in people:
        message = "Review cannot be requested from pull request author."
        raise Refusal(422, message, call.route.documentation)
    changed = pulls.change(
        call.hub,
        call.repository,
        pull,
        reviewers=_together(pull.reviewers, people),
        team_reviewers=_together(pull.team_reviewers, teams),
    )
    return json_response(201, _simple(call, changed))


@ROUTES.add(
    "GET",
    _PULLS + "/{number}/requested_reviewers",
    "pull_requests=read",
    "pulls/review-requests#get-all-requested-reviewers-for-a-pull-request",
)
def list_reviewers(call: Call) -> Response:
    """The people and teams asked."""
    pull = _pull(call)
    return json_response(
        200,
        {
            "users": [present.user(call.addresses, login) for login in pull.reviewers],
            "teams": [_team(call, slug) for slug in pull.team_reviewers],
        },
    )


@ROUTES.add(
    "GET", _LABELS, "issues=read;pull_requests=read", "issues/labels#list-labels-for-an-issue"
)
def list_labels(call: Call) -> Response:
    """The labels of an issue or pull request."""
    page, headers = call.page(_pull(call).labels)
    return json_response(200, [_label(call, name) for name in page], headers)


@ROUTES.add(
    "POST", _LABELS, "issues=write;pull_requests=write", "issues/labels#add-labels-to-an-issue"
)
def add_labels(call: Call) -> Response:
    """Add labels; unknown ones come into being."""
    pull = _pull(call)
    return _labelled(call, pull, _together(pull.labels, _label_names(call)))


@ROUTES.add(
    "PUT", _LABELS, "issues=write;pull_requests=write", "issues/labels#set-labels-for-an-issue"
)
def set_labels(call: Call) -> Response:
    """Have exactly these labels."""
    return _labelled(call, _pull(call), _together((), _label_names(call)))


@ROUTES.add(
    "DELETE",
    _LABELS + "/{name}",
    "issues=write;pull_requests=write",
    "issues/labels#remove-a-label-from-an-issue",
)
def remove_label(call: Call) -> Response:
    """Remove one label."""
    pull = _pull(call)
    if call.parameters["name"] not in pull.labels:
        raise Refusal(404, "Label does not exist", call.route.documentation)
    left = tuple(each for each in pull.labels if each != call.parameters["name"])
    return _labelled(call, pull, left)


def _labelled(call: Call, pull: PullRequest, labels: tuple[str, ...]) -> Response:
    pulls.change(call.hub, call.repository, pull, labels=labels)
    return json_response(200, [_label(call, name) for name in labels])


def _label_names(call: Call) -> tuple[str, ...]:
    """`{"labels": [...]}` or the bare list; each is a name or an object with a name."""
    try:
        given = call.request.json()
    except ValueError as error:
        raise Refusal(400, "Problems parsing JSON", call.route.documentation) from error
    listed = given.get("labels", []) if isinstance(given, dict) else given
    if not isinstance(listed, list):
        raise call.invalid('"labels" is not a list.')
    names = [each.get("name") if isinstance(each, dict) else each for each in listed]
    if not all(isinstance(each, str) and each for each in names):
        raise call.invalid('"labels" holds something other than names.')
    return tuple(str(each) for each in names)


def _together(before: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*before, *more]))


def _pull(call: Call) -> PullRequest:
    found = call.repository.pulls.get(call.number("number"))
    if found is None:
        raise call.not_found()
    return pulls.current(call.repository, found)


def _done(action: Callable[[], PullRequest]) -> PullRequest:
    try:
        return action()
    except pulls.PullRefusal as refusal:
        if refusal.status != 422:
            raise Refusal(refusal.status, refusal.message) from refusal
        raise validation_failed(
            "PullRequest", refusal.message, fieldname=refusal.field
        ) from refusal


def _simple(call: Call, pull: PullRequest) -> dict[str, Any]:
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
        "labels": [_label(call, name) for name in pull.labels],
        "milestone": None,
        "created_at": timestamp(pull.created_at),
        "updated_at": timestamp(pull.updated_at),
        "closed_at": _moment(pull.closed_at),
        "merged_at": _moment(pull.merged_at),
        "merge_commit_sha": pull.merge_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [present.user(call.addresses, each) for each in pull.reviewers],
        "requested_teams": [_team(call, slug) for slug in pull.team_reviewers],
        "head": _side(call, pull.head, pull.head_sha),
        "base": _side(call, pull.base, pull.base_sha),
        "author_association": "COLLABORATOR",
        "auto_merge": _auto_merge(call, pull),
        "draft": pull.draft,
    }


def _full(call: Call, pull: PullRequest) -> dict[str, Any]:
    pull = pulls.current(call.repository, pull)
    mergeable = pulls.is_mergeable(call.repository, pull)
    states = {None: "unknown", False: "dirty", True: "clean"}
    blocked = mergeable and call.repository.protections.get(pull.base)
    store = call.repository.store
    base = store.merge_base(pull.base_sha, pull.head_sha)
    before = store.commit(base).tree if base else None
    changed = differences(store, before, store.commit(pull.head_sha).tree)
    return {
        **_simple(call, pull),
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
    method: Literal["merge", "squash", "rebase"] = cast("pulls.Method", pull.auto_merge.lower())
    return {
        "enabled_by": present.user(call.addresses, pull.auto_merge_by),
        "merge_method": method,
        "commit_title": pull.title,
        "commit_message": pull.body,
    }


def _label(call: Call, name: str) -> dict[str, Any]:
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


def _team(call: Call, slug: str) -> dict[str, Any]:
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
