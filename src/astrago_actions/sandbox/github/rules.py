"""What a branch's rules forbid, in the words of the REST API, GraphQL and git."""

from __future__ import annotations

from collections.abc import Iterable

from astrago_actions.sandbox.github.access import may, refused_words
from astrago_actions.sandbox.github.calls import Call
from astrago_actions.sandbox.github.errors import (
    PROTECTED_BRANCHES,
    PULL_REQUEST_TEXT,
    RULES_TEXT,
    Refusal,
)
from astrago_actions.sandbox.github.records import Rule
from astrago_actions.sandbox.github.repository import WORKFLOWS

STATUS_CHECKS_TEXT = f"2 of 2 required status checks are expected. {PULL_REQUEST_TEXT}"
CLASSIC: dict[Rule, str] = {
    "pull-request": PULL_REQUEST_TEXT,
    "status-checks": STATUS_CHECKS_TEXT,
}
RULESETS: dict[Rule, str] = {
    "ruleset": PULL_REQUEST_TEXT,
    "secret-scanning": "Secret detected in content",
}


def ruleset_text(rule: Rule) -> str:
    """The text that every API gives for a ruleset."""
    return f"{RULES_TEXT}\n\n{RULESETS[rule]}\n\n"


def rest_rule_refusal(call: Call, branch: str, status: int, *, verb: str) -> None:
    """Raise what the REST API answers when a rule forbids this; `verb` as in `update file`."""
    found = call.repository.rule_against(branch, call.token)
    if found is None:
        return
    if found.rule in RULESETS:
        raise Refusal(status, ruleset_text(found.rule), call.route.documentation)
    message = f"Could not {verb}: {CLASSIC[found.rule]}"
    raise Refusal(status, message, PROTECTED_BRANCHES)


def forbid_workflow_files(call: Call, paths: Iterable[str]) -> None:
    """Raise 403 when a workflow file is written without the permission `workflows`."""
    touched = any(path.startswith(WORKFLOWS) for path in paths)
    if touched and call.token and not may(call.token, call.repository, "workflows=write"):
        headers = {"X-Accepted-GitHub-Permissions": "contents=write,workflows=write"}
        message = refused_words(call.token)
        raise Refusal(403, message, call.route.documentation, headers=headers)
