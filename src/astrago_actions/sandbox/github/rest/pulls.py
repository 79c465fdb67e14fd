"""REST: pull requests are opened, changed and merged."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from astrago_actions.sandbox.github import pulls
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.errors import Refusal, validation_failed
from astrago_actions.sandbox.github.records import PullRequest
from astrago_actions.sandbox.github.rest.shown_pull import full_pull, simple_pull
from astrago_actions.sandbox.server import Response, json_response

ROUTES = Routes()
_PULLS = "/repos/{owner}/{repo}/pulls"


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
    return json_response(200, [simple_pull(call, pull) for pull in page], headers)


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
    return json_response(201, full_pull(call, made))


@ROUTES.add("GET", _PULLS + "/{number}", "pull_requests=read", "pulls/pulls#get-a-pull-request")
def get_pull(call: Call) -> Response:
    """One pull request."""
    return json_response(200, full_pull(call, found_pull(call)))


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
    pull = found_pull(call)
    changed = _done(lambda: pulls.change(call.hub, call.repository, pull, **given))
    return json_response(200, full_pull(call, changed))


@ROUTES.add("GET", _PULLS + "/{number}/merge", "pull_requests=read", "pulls/pulls#check-if-merged")
def is_merged(call: Call) -> Response:
    """204 when it is merged, 404 when not."""
    if found_pull(call).merged_at is None:
        raise call.not_found()
    return Response(204)


@ROUTES.add("PUT", _PULLS + "/{number}/merge", "contents=write", "pulls/pulls#merge-a-pull-request")
def merge_pull(call: Call) -> Response:
    """Merge it, if `sha` (when given) still is its head."""
    body = call.body()
    method = str(body.get("merge_method") or "merge")
    if method not in {"merge", "squash", "rebase"}:
        raise validation_failed("PullRequest", "invalid", fieldname="merge_method")
    pull = found_pull(call)
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


def found_pull(call: Call) -> PullRequest:
    """The pull request that the path names."""
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
