"""This run's stages: their times, the whole, budgets, and how the run ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.budgets import DEFAULT_TARGETS, Targets, parse_targets
from astrago_actions.domain.stage_times import (
    CANCELLED,
    DEPLOYED,
    FAILED,
    NOT_MEASURED,
    NOTHING_DEPLOYED,
    OVER,
    PUSHED,
    UNCONFIRMED,
    UNFINISHED,
    WITHIN,
    Outcome,
    busy_seconds,
    duration_breaches,
    measure,
    of_this_attempt,
    outcome_of,
    waits_for_rollout,
)
from astrago_actions.domain.stages import Stage
from astrago_actions.inputs import parse_duration

TARGETS, _ = parse_targets(DEFAULT_TARGETS, parse_duration)
PASSED = (
    Stage("tag", 100, 101),
    Stage("build", 110, 370),
    Stage("bump", 371, 373),
    Stage("sync", 373, 512),
)


def test_the_whole_lasts_from_the_first_stage_to_the_last() -> None:
    measured = measure(PASSED, TARGETS, Outcome(DEPLOYED))

    assert measured.deploy.seconds == 412
    assert {time.name: time.seconds for time in measured.times} == {
        "tag": 1,
        "build": 260,
        "bump": 2,
        "sync": 139,
    }
    assert measured.longest is not None
    assert measured.longest.name == "build"


def test_the_whole_begins_with_the_run_where_its_start_is_known() -> None:
    measured = measure(PASSED, TARGETS, Outcome(DEPLOYED), run_started_at=40)

    assert measured.deploy.seconds == 472
    assert measured.waiting_seconds == 60


def test_a_run_that_seems_to_start_after_its_first_stage_changes_nothing() -> None:
    measured = measure(PASSED, TARGETS, Outcome(DEPLOYED), run_started_at=105)

    assert measured.deploy.seconds == 412
    assert measured.waiting_seconds == 0


def test_breaches_are_the_stages_over_their_budget() -> None:
    measured = measure(PASSED, TARGETS, Outcome(DEPLOYED))

    breaches = duration_breaches(measured)

    assert [breach.target for breach in breaches] == ["sync<=2m"]
    assert breaches[0].message == "sync took 2m 19s, 19 s over its 2m"


def test_a_stage_that_takes_exactly_its_budget_is_within_it() -> None:
    measured = measure([Stage("sync", 0, 120)], TARGETS, Outcome(DEPLOYED))

    assert measured.times[0].verdict == WITHIN


def test_a_budget_without_its_stage_is_not_measured_and_no_breach() -> None:
    measured = measure([Stage("build", 0, 10)], TARGETS, Outcome(NOTHING_DEPLOYED))

    sync = measured.times[1]
    assert (sync.name, sync.verdict) == ("sync", NOT_MEASURED)
    assert duration_breaches(measured) == ()


def test_a_sync_lasts_from_the_commit_on_and_tells_how_long_argo_cd_took_to_notice() -> None:
    stages = [Stage("detect", 0, 91), Stage("sync", 91, 139), Stage("healthy", 139, 200)]

    measured = measure(stages, TARGETS, outcome_of(stages))

    assert [(time.name, time.seconds) for time in measured.times[:3]] == [
        ("detect", 91),
        ("sync", 139),
        ("healthy", 61),
    ]
    assert duration_breaches(measured)[0].message == (
        "sync took 2m 19s, 19 s over its 2m (1m 31s was Argo CD noticing the commit)"
    )


def test_a_commit_that_was_never_noticed_is_a_sync_that_failed() -> None:
    stages = [Stage("bump", 0, 1), Stage("detect", 1, 181, "failure")]

    measured = measure(stages, TARGETS, outcome_of(stages))

    assert [(time.name, time.seconds, time.result) for time in measured.times[1:3]] == [
        ("detect", 180, "failure"),
        ("sync", 180, "failure"),
    ]
    assert measured.outcome == Outcome(FAILED, "detect")
    assert waits_for_rollout(stages) is True


def test_without_stages_nothing_is_measured() -> None:
    measured = measure([], TARGETS, Outcome(UNCONFIRMED), run_started_at=10)

    assert measured.deploy.seconds is None
    assert measured.deploy.verdict == NOT_MEASURED
    assert measured.longest is None


def test_stages_of_one_name_count_once_where_they_overlap() -> None:
    stages = [Stage("build", 0, 100), Stage("build", 50, 120), Stage("build", 200, 210)]

    measured = measure(stages, TARGETS, Outcome(UNCONFIRMED))

    assert measured.times[0].seconds == 130


def test_one_failure_among_stages_of_one_name_is_a_failure() -> None:
    stages = [Stage("build", 0, 5), Stage("build", 0, 5, "failure"), Stage("build", 0, 5)]

    assert measure(stages, TARGETS, Outcome(FAILED)).times[0].result == "failure"


def test_a_skipped_stage_is_not_measured_and_not_part_of_the_whole() -> None:
    stages = [Stage("build", 10, 20), Stage("sync", 900, 900, "skipped")]

    measured = measure(stages, TARGETS, Outcome(NOTHING_DEPLOYED))

    assert measured.deploy.seconds == 10
    assert measured.times[1].seconds is None
    assert measured.times[1].result == "skipped"


def test_a_stage_called_deploy_is_part_of_the_whole() -> None:
    stages = [Stage("build", 0, 10), Stage("deploy", 10, 30)]

    measured = measure(stages, TARGETS, Outcome(UNCONFIRMED))

    assert measured.deploy.seconds == 30
    assert [time.name for time in measured.times if time.seconds] == ["build"]


def test_stages_of_an_earlier_attempt_do_not_count() -> None:
    earlier, now = Stage("build", 0, 100), Stage("sync", 5000, 5100)

    assert of_this_attempt([earlier, now], run_started_at=4990) == (now,)
    assert of_this_attempt([earlier, now], run_started_at=None) == (earlier, now)
    assert of_this_attempt([earlier], run_started_at=130) == (earlier,)  # clocks may differ


def test_an_unknown_result_counts_as_a_failure() -> None:
    assert measure([Stage("x", 0, 1, "odd")], TARGETS, Outcome(FAILED)).times[0].result == "failure"


@pytest.mark.parametrize(
    ("stages", "job_status", "state"),
    [
        (PASSED, "success", DEPLOYED),
        (PASSED, "", DEPLOYED),
        (PASSED[:3], "success", PUSHED),
        (PASSED[:2], "success", NOTHING_DEPLOYED),
        (PASSED, "failure", FAILED),
        (PASSED, "cancelled", CANCELLED),
        ((*PASSED[:3], Stage("sync", 1, 2, "failure")), "success", FAILED),
        ((*PASSED[:3], Stage("sync", 1, 2, "cancelled")), "success", CANCELLED),
        ((*PASSED[:3], Stage("sync", 1, 2, "skipped")), "success", PUSHED),
        ((*PASSED[:3], Stage("sync", 1, 2, UNFINISHED)), "success", PUSHED),
        ((Stage("build", 0, 1), Stage("sync", 1, 1, "skipped")), "success", NOTHING_DEPLOYED),
        ((Stage("build", 0, 1, "skipped"),), "success", NOTHING_DEPLOYED),
        ((), "success", UNCONFIRMED),
        ((), "failure", FAILED),
    ],
)
def test_only_a_rollout_that_was_seen_is_a_deployment(
    stages: tuple[Stage, ...], job_status: str, state: str
) -> None:
    assert outcome_of(stages, job_status).state == state


def test_a_failure_names_its_stage() -> None:
    outcome = outcome_of([Stage("build", 0, 1), Stage("push", 1, 2, "failure")])

    assert outcome.sentence == "Failed in push"


def test_steps_with_names_of_the_users_own_confirm_no_deployment() -> None:
    assert outcome_of([Stage("Ship it", 0, 1)], named_by_us=False).state == UNCONFIRMED


def test_knows_whether_the_workflow_waits_for_its_rollout() -> None:
    assert waits_for_rollout(PASSED) is True
    assert waits_for_rollout([*PASSED[:3], Stage("sync", 1, 2, "failure")]) is True
    assert waits_for_rollout(PASSED[:3]) is False
    assert waits_for_rollout(PASSED[:2]) is None


STAGES = st.lists(
    st.builds(
        Stage,
        st.sampled_from(["build", "sync", "deploy", "x"]),
        st.floats(0, 1e10),
        st.floats(0, 1e10),
        st.sampled_from(["success", "failure", "cancelled", "skipped"]),
    ),
    max_size=12,
)


@given(STAGES, st.none() | st.floats(0, 1e10))
def test_no_time_is_ever_negative(stages: list[Stage], run_started_at: float | None) -> None:
    measured = measure(stages, Targets(), outcome_of(stages), run_started_at)

    assert all(time.seconds is None or time.seconds >= 0 for time in measured.all_times)
    assert measured.waiting_seconds >= 0


@given(STAGES)
def test_busy_time_is_at_most_the_sum_and_at_least_the_longest(stages: list[Stage]) -> None:
    busy = busy_seconds(stages)

    assert busy <= sum(stage.seconds for stage in stages) + 1e-3
    assert busy >= max((stage.seconds for stage in stages), default=0.0) - 1e-3


@given(STAGES)
def test_a_run_with_a_failed_stage_never_counts_as_deployed(stages: list[Stage]) -> None:
    failed = any(stage.result in {"failure", "cancelled"} for stage in stages)

    assert not (failed and outcome_of(stages).state in {DEPLOYED, PUSHED})


def test_over_is_over_also_when_the_stage_failed() -> None:
    measured = measure([Stage("build", 0, 400, "failure")], TARGETS, Outcome(FAILED))

    assert measured.times[0].verdict == OVER
