"""What a branch's rules mean for the bump, in each mode."""

from __future__ import annotations

import pytest

from astrago_actions.domain.branch_rules import (
    BranchRule,
    BranchRules,
    Mode,
    direct_commits,
    needs_pull_request,
)

NONE = BranchRules()
CLASSIC = BranchRules(protected=True)


def rules(kind: str, bypass: str = "never") -> BranchRules:
    return BranchRules((BranchRule(kind, "Main", bypass),), protected=True)


@pytest.mark.parametrize(
    ("found", "mode", "status"),
    [
        (NONE, "commit", "ok"),
        (NONE, "pull-request", "ok"),
        (rules("pull_request"), "commit", "failed"),
        (rules("pull_request"), "pull-request", "ok"),
        (rules("pull_request"), "commit-or-pull-request", "ok"),
        (rules("pull_request", "always"), "commit", "ok"),
        (rules("pull_request", "exempt"), "commit", "ok"),
        (rules("pull_request", "pull_requests_only"), "commit", "failed"),
        (rules("pull_request", ""), "commit", "warning"),
        (rules("required_status_checks"), "commit", "failed"),
        (rules("update"), "commit", "failed"),
        (rules("merge_queue"), "commit", "failed"),
        (rules("required_signatures"), "commit", "ok"),
        (rules("non_fast_forward"), "commit", "ok"),
        (rules("deletion"), "commit", "ok"),
        (rules("commit_message_pattern"), "commit", "warning"),
        (rules("file_path_restriction"), "commit", "warning"),
        (CLASSIC, "commit", "warning"),
        (CLASSIC, "commit-or-pull-request", "ok"),
        (CLASSIC, "pull-request", "ok"),
    ],
)
def test_a_rule_stops_the_bump_only_where_it_forbids_what_the_mode_does(
    found: BranchRules, mode: Mode, status: str
) -> None:
    assert direct_commits(found, "stabilize/1.0", mode).status == status


@pytest.mark.parametrize(
    ("found", "mode", "needed"),
    [
        (rules("pull_request"), "commit", False),
        (NONE, "pull-request", True),
        (NONE, "commit-or-pull-request", False),
        (rules("pull_request"), "commit-or-pull-request", True),
        (CLASSIC, "commit-or-pull-request", True),
    ],
)
def test_pull_requests_are_needed_where_the_mode_asks_for_them_or_falls_back_to_them(
    found: BranchRules, mode: Mode, *, needed: bool
) -> None:
    assert needs_pull_request(found, mode) is needed


def test_a_forbidding_rule_is_named_with_its_ruleset_and_the_way_out() -> None:
    answer = direct_commits(rules("pull_request"), "stabilize/1.0", "commit")

    assert answer.detail == (
        "`stabilize/1.0` takes no direct commits: `pull_request` (ruleset Main)"
    )
    assert "bypass list" in answer.remedy
