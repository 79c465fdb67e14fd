"""Targets: what they mean, and that every mistake is named at once."""

from __future__ import annotations

import pytest

from astrago_actions.domain.budgets import DEFAULT_TARGETS, parse_targets
from astrago_actions.inputs import parse_duration


def test_reads_the_default_targets() -> None:
    targets, problems = parse_targets(DEFAULT_TARGETS, parse_duration)

    assert problems == ()
    assert {each.stage: each.seconds for each in targets.budgets} == {
        "build": 300,
        "deploy": 600,
        "sync": 120,
    }
    assert {each.rate: each.share for each in targets.rates} == {"build": 0.95, "deploy": 0.99}


def test_blanks_and_case_of_a_stage_do_not_matter() -> None:
    targets, problems = parse_targets(["  Run   Tests <= 1h30m "], parse_duration)

    assert problems == ()
    found = targets.budget("run tests")
    assert found is not None
    assert found.seconds == 5400
    assert targets.budget("RUN TESTS") == found
    assert targets.budget("other") is None


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("build", "neither `stage<=duration`"),
        ("<=5m", "neither `stage<=duration`"),
        ("build<5m", "needs `<=`"),
        ("build>=5m", "needs `<=`"),
        ("build=5m", "needs `<=`"),
        ("build<=soon", "`soon` is not a duration"),
        ("build<=", "`` is not a duration"),
        ("build<=0", "`0` is not a duration"),
        ("build<=-5m", "`-5m` is not a duration"),
        ("sync-success>=95%", "there is no success rate `sync-success`"),
        ("build-success<=95%", "needs `>=`"),
        ("build-success>=95", "not a percentage"),
        ("build-success>=0%", "not a percentage"),
        ("build-success>=101%", "not a percentage"),
        ("a<=5m<=6m", "neither `stage<=duration`"),
    ],
)
def test_a_wrong_target_is_named_with_what_is_wrong(item: str, words: str) -> None:
    _, problems = parse_targets([item], parse_duration)

    assert len(problems) == 1
    assert f"`{item}`" in problems[0]
    assert words in problems[0]


def test_all_mistakes_are_found_at_once() -> None:
    items = ["build<=5m", "build<=6m", "deploy", "deploy-success>=x", "deploy-success>=99%"]
    targets, problems = parse_targets([*items, "deploy-success>=98%"], parse_duration)

    assert [problem.partition(":")[0] for problem in problems] == [
        "`build<=6m`",
        "`deploy` is neither `stage<=duration` nor `build-success>=percent`",
        "`deploy-success>=x`",
        "`deploy-success>=98%`",
    ]
    assert len(targets.budgets) == 1
