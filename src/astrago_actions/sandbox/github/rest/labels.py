"""REST: who reviews a pull request, and the labels it shares with issues."""

from __future__ import annotations

from astrago_actions.sandbox.github import present, pulls
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.errors import Refusal
from astrago_actions.sandbox.github.records import PullRequest
from astrago_actions.sandbox.github.rest.pulls import found_pull
from astrago_actions.sandbox.github.rest.shown_pull import label, simple_pull, team
from astrago_actions.sandbox.server import Response, json_response

ROUTES = Routes()
_PULLS = "/repos/{owner}/{repo}/pulls"
_LABELS = "/repos/{owner}/{repo}/issues/{number}/labels"


@ROUTES.add(
    "POST",
    _PULLS + "/{number}/requested_reviewers",
    "pull_requests=write",
    "pulls/review-requests#request-reviewers-for-a-pull-request",
)
def request_reviewers(call: Call) -> Response:
    """Ask people and teams to review it."""
    body = call.body()
    pull = found_pull(call)
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
    return json_response(201, simple_pull(call, changed))


@ROUTES.add(
    "GET",
    _PULLS + "/{number}/requested_reviewers",
    "pull_requests=read",
    "pulls/review-requests#get-all-requested-reviewers-for-a-pull-request",
)
def list_reviewers(call: Call) -> Response:
    """The people and teams asked."""
    pull = found_pull(call)
    return json_response(
        200,
        {
            "users": [present.user(call.addresses, login) for login in pull.reviewers],
            "teams": [team(call, slug) for slug in pull.team_reviewers],
        },
    )


@ROUTES.add(
    "GET", _LABELS, "issues=read;pull_requests=read", "issues/labels#list-labels-for-an-issue"
)
def list_labels(call: Call) -> Response:
    """The labels of an issue or pull request."""
    page, headers = call.page(found_pull(call).labels)
    return json_response(200, [label(call, name) for name in page], headers)


@ROUTES.add(
    "POST", _LABELS, "issues=write;pull_requests=write", "issues/labels#add-labels-to-an-issue"
)
def add_labels(call: Call) -> Response:
    """Add labels; unknown ones come into being."""
    pull = found_pull(call)
    return _labelled(call, pull, _together(pull.labels, _label_names(call)))


@ROUTES.add(
    "PUT", _LABELS, "issues=write;pull_requests=write", "issues/labels#set-labels-for-an-issue"
)
def set_labels(call: Call) -> Response:
    """Have exactly these labels."""
    return _labelled(call, found_pull(call), _together((), _label_names(call)))


@ROUTES.add(
    "DELETE",
    _LABELS + "/{name}",
    "issues=write;pull_requests=write",
    "issues/labels#remove-a-label-from-an-issue",
)
def remove_label(call: Call) -> Response:
    """Remove one label."""
    pull = found_pull(call)
    if call.parameters["name"] not in pull.labels:
        raise Refusal(404, "Label does not exist", call.route.documentation)
    left = tuple(each for each in pull.labels if each != call.parameters["name"])
    return _labelled(call, pull, left)


def _labelled(call: Call, pull: PullRequest, labels: tuple[str, ...]) -> Response:
    pulls.change(call.hub, call.repository, pull, labels=labels)
    return json_response(200, [label(call, name) for name in labels])


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
