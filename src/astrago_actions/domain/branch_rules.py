"""What the rules of a branch mean for somebody who commits to it directly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from astrago_actions.domain.readiness import Answer, failed, ok, warned

Mode = Literal["commit", "pull-request", "commit-or-pull-request"]

# A commit that is made on the spot has no review, no status and no deployment.
# Source: "Available rules for rulesets" in GitHub's documentation.
_FORBIDDING = frozenset(
    {
        "pull_request",
        "required_status_checks",
        "required_deployments",
        "merge_queue",
        "update",
        "workflows",
        "code_scanning",
    }
)
# These let some commits in and others not.
_CHOOSY = frozenset(
    {
        "commit_message_pattern",
        "commit_author_email_pattern",
        "committer_email_pattern",
        "file_path_restriction",
        "file_extension_restriction",
    }
)
_FREE = frozenset({"always", "exempt"})
_REMEDY = (
    "Set `mode: pull-request` or `commit-or-pull-request`, or add the token's owner to the bypass "
    "list (Settings > Rules > Rulesets, or Settings > Branches)."
)


@dataclass(frozen=True)
class BranchRule:
    """A rule of a ruleset that binds the branch; `bypass` is GitHub's word for who may ignore it.

    `kind` is the rule's type, `bypass` always, exempt, pull_requests_only, never, or empty where
    it is not told.
    """

    kind: str
    ruleset: str = ""
    bypass: str = ""


@dataclass(frozen=True)
class BranchRules:
    """The rules that bind a branch.

    `protected` says that there are some of either sort: of classic protection only an
    administrator's token can read more.
    """

    rules: tuple[BranchRule, ...] = ()
    protected: bool = False


def needs_pull_request(found: BranchRules, mode: Mode) -> bool:
    """Whether the change gets there by a pull request, always or as far as the rules tell."""
    if mode == "commit":
        return False
    return mode == "pull-request" or bool(_binding(found, _FORBIDDING)) or found.protected


def direct_commits(found: BranchRules, branch: str, mode: Mode) -> Answer:
    """Whether the bump's way to the branch is open."""
    forbidding = _binding(found, _FORBIDDING)
    if mode == "pull-request":
        return ok(f"`mode: pull-request`; `{branch}` is not committed to directly")
    if forbidding and mode == "commit-or-pull-request":
        return ok(f"{_named(forbidding)} forbids direct commits, so pull requests will be opened")
    if forbidding:
        return _forbidden(forbidding, branch)
    choosy = _binding(found, _CHOOSY)
    if choosy:
        return warned(
            f"`{branch}` takes only commits that fit {_named(choosy)}",
            "Give a `message` that fits, or let the token's owner bypass the rule.",
        )
    return _without_rules(found, branch, mode)


def _forbidden(rules: Sequence[BranchRule], branch: str) -> Answer:
    told = f"`{branch}` takes no direct commits: {_named(rules)}"
    if all(each.bypass for each in rules):
        return failed(told, _REMEDY)
    return warned(f"{told}; whether the token's owner may bypass that is not told", _REMEDY)


def _without_rules(found: BranchRules, branch: str, mode: Mode) -> Answer:
    if found.protected and not found.rules:
        told = f"`{branch}` has classic branch protection, which only an administrator can read"
        if mode == "commit-or-pull-request":
            return ok(f"{told}; a pull request is opened where it forbids direct commits")
        return warned(f"{told}: it may forbid direct commits", _REMEDY)
    free = [each for each in found.rules if each.kind in _FORBIDDING]
    if free:
        return ok(f"{_named(free)} does not bind the token's owner")
    return ok(f"no rule forbids direct commits to `{branch}`")


def _binding(found: BranchRules, kinds: frozenset[str]) -> list[BranchRule]:
    return [each for each in found.rules if each.kind in kinds and each.bypass not in _FREE]


def _named(rules: Sequence[BranchRule]) -> str:
    """`pull_request` (ruleset Main), `update`."""
    names = dict.fromkeys((each.kind, each.ruleset) for each in rules)
    return ", ".join(f"`{kind}`{f' (ruleset {of})' if of else ''}" for kind, of in names)
