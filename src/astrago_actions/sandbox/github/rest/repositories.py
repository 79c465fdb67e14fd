"""REST: repositories, branches and the rules that bind a branch."""

from __future__ import annotations

from typing import Any

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.errors import Refusal
from astrago_actions.sandbox.server import Response, json_response

ROUTES = Routes()
NO_PROTECTION = {
    "enabled": False,
    "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
}


@ROUTES.add("GET", "/repos/{owner}/{repo}", "metadata=read", "repos/repos#get-a-repository")
def get_repository(call: Call) -> Response:
    """One repository."""
    return json_response(200, present.full_repository(call.addresses, call.repository, call.token))


@ROUTES.add(
    "GET", "/repos/{owner}/{repo}/branches", "contents=read", "branches/branches#list-branches"
)
def list_branches(call: Call) -> Response:
    """All branches by name."""
    found = list(call.repository.branches().items())
    wanted = call.request.query.get("protected")
    if wanted in {"true", "false"}:
        found = [each for each in found if _protected(call, each[0]) == (wanted == "true")]
    page, headers = call.page(found)
    return json_response(200, [_short_branch(call, name, sha) for name, sha in page], headers)


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/branches/{branch*}",
    "contents=read",
    "branches/branches#get-a-branch",
)
def get_branch(call: Call) -> Response:
    """One branch with the commit at its head."""
    name = call.parameters["branch"]
    sha = call.repository.head(name)
    if sha is None:
        raise Refusal(404, "Branch not found", call.route.documentation)
    commit = call.repository.store.commit(sha)
    own = call.addresses.rest(call.repository, f"/branches/{name}")
    shown = {
        **_short_branch(call, name, sha),
        "commit": present.commit(call.addresses, call.repository, commit),
        "_links": {"self": own, "html": call.addresses.page(call.repository, f"/tree/{name}")},
    }
    return json_response(200, shown)


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/rules/branches/{branch*}",
    "metadata=read",
    "repos/rules#get-rules-for-a-branch",
)
def list_rules(call: Call) -> Response:
    """The ruleset rules that bind a branch; classic protection is not among them."""
    rules = call.repository.protections.get(call.parameters["branch"], [])
    shown = [
        _ruleset_rule(call, number)
        for number, rule in enumerate(rules, 1)
        if rule.rule == "ruleset"
    ]
    page, headers = call.page(shown)
    return json_response(200, page, headers)


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/rulesets/{number}",
    "metadata=read",
    "repos/rules#get-a-repository-ruleset",
)
def get_ruleset(call: Call) -> Response:
    """One ruleset, with what this token's owner may do about it."""
    number = call.number("number")
    rulesets = [
        each
        for rules in call.repository.protections.values()
        for at, each in enumerate(rules, 1)
        if at == number and each.rule == "ruleset"
    ]
    if not rulesets:
        raise call.not_found()
    shown = {
        "id": number,
        "name": f"Ruleset {number}",
        "target": "branch",
        "source_type": "Repository",
        "source": call.repository.full_name,
        "enforcement": "active",
        "current_user_can_bypass": "always" if call.login in rulesets[0].bypass else "never",
    }
    return json_response(200, shown)


def _protected(call: Call, branch: str) -> bool:
    return bool(call.repository.protections.get(branch))


def _short_branch(call: Call, name: str, sha: str) -> dict[str, Any]:
    api = call.addresses.rest(call.repository)
    protected = _protected(call, name)
    return {
        "name": name,
        "commit": {"sha": sha, "url": f"{api}/commits/{sha}"},
        "protected": protected,
        "protection": {**NO_PROTECTION, "enabled": protected},
        "protection_url": f"{api}/branches/{name}/protection",
    }


def _ruleset_rule(call: Call, number: int) -> dict[str, Any]:
    return {
        "type": "pull_request",
        "ruleset_source_type": "Repository",
        "ruleset_source": call.repository.full_name,
        "ruleset_id": number,
        "parameters": {
            "required_approving_review_count": 0,
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_review_thread_resolution": False,
            "allowed_merge_methods": ["merge", "squash", "rebase"],
        },
    }
