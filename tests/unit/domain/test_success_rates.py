"""Which runs count, which do not, and what the rates say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.budgets import DEFAULT_TARGETS, parse_targets
from astrago_actions.domain.run_history import PipelineRun, RunListing
from astrago_actions.domain.statistics import BELOW, INSUFFICIENT, MISSED
from astrago_actions.domain.success_rates import (
    FIRST_TRY_UNKNOWN,
    IN_PROGRESS,
    NO_BUMP,
    PUSHED_ONLY,
    SUPERSEDED,
    SuccessRate,
    build_result,
    deploy_result,
    percent,
    rate_breaches,
    success_rates,
)
from astrago_actions.inputs import parse_duration

DAY = 86400.0
WINDOW = (0.0, 30 * DAY)
TARGETS, _ = parse_targets(DEFAULT_TARGETS, parse_duration)


def a_run(number: int, conclusion: str = "success", **changed: object) -> PipelineRun:
    at = number * DAY / 10
    usual = {
        "id": 1000 + number,
        "number": number,
        "attempt": 1,
        "workflow_id": 7,
        "status": "completed" if conclusion else "in_progress",
        "conclusion": conclusion,
        "created_at": at,
        "started_at": at,
        "updated_at": at + 480,
    }
    return PipelineRun(**(usual | changed))  # type: ignore[arg-type]


def rates(
    runs: list[PipelineRun], bumped: set[int] | None = None, *, checked: bool = True
) -> dict[str, SuccessRate]:
    found = success_rates(
        RunListing(tuple(reversed(runs)), len(runs)),
        TARGETS,
        bumped_runs=None if bumped is None else frozenset(bumped),
        rollout_checked=checked,
        window=WINDOW,
    )
    return {rate.name: rate for rate in found}


@pytest.mark.parametrize(
    ("conclusion", "bumped", "succeeded", "reason"),
    [
        ("success", False, True, ""),
        ("success", True, True, ""),
        ("failure", False, False, ""),
        ("failure", True, True, ""),
        ("timed_out", False, False, ""),
        ("timed_out", True, True, ""),
        ("startup_failure", False, False, ""),
        ("cancelled", False, None, "cancelled"),
        ("cancelled", True, True, ""),
        ("skipped", False, None, "skipped"),
        ("neutral", False, None, "neutral"),
        ("action_required", False, None, "action_required"),
        ("stale", False, None, "stale"),
        ("", False, None, IN_PROGRESS),
        ("", True, None, IN_PROGRESS),
        ("something_new", False, None, "something_new"),
    ],
)
def test_how_a_conclusion_counts_as_a_build(
    conclusion: str, bumped: bool, succeeded: bool | None, reason: str
) -> None:
    counted = build_result(conclusion, bumped=bumped)

    assert (counted.succeeded, counted.reason) == (succeeded, reason)


@pytest.mark.parametrize(
    ("conclusion", "bumped", "checked", "superseded", "succeeded", "reason"),
    [
        ("success", True, True, False, True, ""),
        ("success", True, False, False, None, PUSHED_ONLY),
        ("success", True, True, True, True, ""),
        ("success", False, True, False, None, NO_BUMP),
        ("failure", True, True, False, False, ""),
        ("failure", True, False, False, False, ""),
        ("failure", True, True, True, False, ""),
        ("failure", False, True, False, None, NO_BUMP),
        ("timed_out", True, True, False, False, ""),
        ("timed_out", False, True, False, None, NO_BUMP),
        ("startup_failure", True, True, False, False, ""),
        ("startup_failure", False, True, False, None, NO_BUMP),
        ("cancelled", True, True, False, False, ""),
        ("cancelled", True, True, True, True, SUPERSEDED),
        ("cancelled", False, True, False, None, NO_BUMP),
        ("cancelled", False, True, True, None, NO_BUMP),
        ("skipped", True, True, False, None, "skipped"),
        ("skipped", False, True, False, None, NO_BUMP),
        ("neutral", True, True, False, None, "neutral"),
        ("neutral", False, True, False, None, NO_BUMP),
        ("action_required", True, True, False, None, "action_required"),
        ("action_required", False, True, False, None, NO_BUMP),
        ("stale", True, True, False, None, "stale"),
        ("stale", False, True, False, None, NO_BUMP),
        ("", True, True, False, None, IN_PROGRESS),
        ("", False, True, False, None, IN_PROGRESS),
        ("something_new", True, True, False, None, "something_new"),
    ],
)
def test_how_a_conclusion_counts_as_a_deployment(
    conclusion: str,
    bumped: bool,
    checked: bool,
    superseded: bool,
    succeeded: bool | None,
    reason: str,
) -> None:
    counted = deploy_result(
        conclusion, bumped=bumped, rollout_checked=checked, superseded=superseded
    )

    assert (counted.succeeded, counted.reason) == (succeeded, reason)


def test_a_conclusion_of_a_run_that_is_not_completed_does_not_count() -> None:
    found = rates([a_run(2, "success", status="in_progress")])

    assert found["build"].decisive.left_out == {IN_PROGRESS: 1}


def test_38_of_40_misses_nothing_yet() -> None:
    runs = [a_run(number, "failure" if number in (3, 30) else "success") for number in range(1, 41)]

    build = rates(runs)["build"]

    assert (build.decisive.successes, build.decisive.total) == (38, 40)
    assert build.interval.low == pytest.approx(0.834961226309, abs=1e-9)
    assert build.failures_allowed == pytest.approx(2.0)
    assert build.failures == 2
    assert build.verdict == "on track, unproven"


def test_deployments_are_the_runs_that_bumped() -> None:
    runs = [a_run(number) for number in range(1, 21)]
    runs += [a_run(number, "failure") for number in range(21, 25)]
    bumped = {1000 + number for number in (*range(1, 19), 21)}

    found = rates(runs, bumped)

    deploy = found["deploy"]
    assert (deploy.decisive.successes, deploy.decisive.total) == (18, 19)
    assert deploy.decisive.left_out == {NO_BUMP: 5}
    assert deploy.verdict == BELOW
    assert (found["build"].decisive.successes, found["build"].decisive.total) == (21, 24)


def test_a_target_that_is_proven_missed_is_a_breach() -> None:
    runs = [a_run(number, "failure" if number < 4 else "success") for number in range(1, 41)]

    found = rates(runs, {run.id for run in runs})

    assert found["deploy"].verdict == MISSED
    breaches = rate_breaches(tuple(found.values()))
    assert [breach.target for breach in breaches] == ["deploy-success>=99%"]
    assert breaches[0].message == "deploy success is 37/40 = 92.5 %, proven below its 99 %"


def test_without_bumps_there_is_no_deploy_rate() -> None:
    assert list(rates([a_run(1)])) == ["build"]


def test_first_try_decides_for_builds_and_the_last_for_deployments() -> None:
    runs = [
        a_run(1),
        a_run(2, attempt=2, first_conclusion="failure"),
        a_run(3, attempt=3, first_conclusion="cancelled"),
        a_run(4, attempt=2),
    ]

    found = rates(runs, {run.id for run in runs})

    build, deploy = found["build"], found["deploy"]
    assert (build.decisive.successes, build.decisive.total) == (1, 2)
    assert build.decisive.left_out == {"cancelled": 1, FIRST_TRY_UNKNOWN: 1}
    assert (build.other.successes, build.other.total) == (4, 4)
    assert (deploy.decisive.successes, deploy.decisive.total) == (4, 4)
    assert (deploy.other.successes, deploy.other.total) == (1, 1)


def test_a_cancelled_run_whose_change_a_newer_run_took_live_is_superseded() -> None:
    replaced = a_run(1, "cancelled", updated_at=a_run(1).created_at + 120)
    newer = a_run(2, created_at=replaced.created_at + 100)

    deploy = rates([replaced, newer], {replaced.id, newer.id})["deploy"]

    assert (deploy.decisive.successes, deploy.decisive.superseded) == (2, 1)


def test_a_cancelled_run_that_a_later_one_did_not_replace_is_a_failure() -> None:
    stopped, later = a_run(1, "cancelled"), a_run(2)

    deploy = rates([stopped, later], {stopped.id, later.id})["deploy"]

    assert (deploy.decisive.successes, deploy.decisive.total) == (1, 2)


def test_a_pipeline_that_does_not_check_its_rollout_has_no_deploy_success() -> None:
    runs = [a_run(number) for number in range(1, 10)]

    deploy = rates(runs, {run.id for run in runs}, checked=False)["deploy"]

    assert deploy.decisive.total == 0
    assert deploy.decisive.left_out == {PUSHED_ONLY: 9}
    assert deploy.verdict == INSUFFICIENT


def test_a_workflow_younger_than_half_the_window_has_insufficient_data() -> None:
    young = [a_run(number, created_at=29 * DAY) for number in range(1, 60)]

    assert rates(young)["build"].verdict == INSUFFICIENT


def test_an_old_workflow_with_few_recent_runs_covers_the_window() -> None:
    recent = [a_run(number, created_at=29 * DAY) for number in range(500, 560)]

    assert rates(recent)["build"].verdict == "met"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["success", "failure", "cancelled", "skipped", "timed_out", "neutral", "stale", ""]
            ),
            st.integers(1, 3),
            st.booleans(),
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_every_run_is_counted_once_or_left_out_with_a_reason(
    rows: list[tuple[str, int, bool]], checked: bool
) -> None:
    runs = [a_run(at, row[0], attempt=row[1]) for at, row in enumerate(rows, 1)]
    bumped = {run.id for run, row in zip(runs, rows, strict=True) if row[2]}

    for rate in rates(runs, bumped, checked=checked).values():
        for tally in (rate.decisive, rate.other):
            assert tally.total + sum(tally.left_out.values()) == len(runs)
            assert 0 <= tally.successes <= tally.total


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.95, "95 %"), (0.974, "97.4 %"), (0.9975, "99.75 %"), (1.0, "100 %"), (0.0, "0 %")],
)
def test_says_shares_in_percent(share: float, words: str) -> None:
    assert percent(share) == words
