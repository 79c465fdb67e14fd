"""Runs, jobs and steps as GitHub shows them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.domain.run_history import (
    Job,
    PipelineRun,
    TimedWork,
    stages_of_jobs,
    typical_duration,
)
from astrago_actions.domain.stage_times import UNFINISHED

RUN = PipelineRun(1, 1, 1, 7, "completed", "success", 100.0, 200.0, 700.0)


def work(
    name: str,
    start: float | None,
    end: float | None,
    conclusion: str = "success",
    status: str = "completed",
) -> TimedWork:
    return TimedWork(name, status, conclusion, start, end)


def test_a_run_lasts_from_the_start_of_its_latest_attempt() -> None:
    assert RUN.seconds == 500


def test_an_unfinished_or_odd_run_has_no_duration() -> None:
    assert replace(RUN, status="in_progress", conclusion="").seconds is None
    assert replace(RUN, updated_at=150.0).seconds is None


def test_typical_duration_is_that_of_successful_runs() -> None:
    failed = replace(RUN, conclusion="failure", updated_at=9999.0)
    runs = [replace(RUN, updated_at=200.0 + seconds) for seconds in (300, 100, 200)]

    typical = typical_duration([*runs, failed])

    assert typical is not None
    assert (typical.median, typical.runs, typical.interval) == (200, 3, None)
    assert typical_duration([failed]) is None


def test_one_job_is_told_by_its_steps_without_the_runners_own() -> None:
    steps = (
        work("Set up job", 0, 1),
        work("Build", 1, 60),
        work("Post Build", 90, 91),
        work("Deploy", 60, 80, "failure"),
        work("Notify", None, None, "skipped"),
        work("Measure", 80, None, "", "in_progress"),
        work("Later", None, None, "", "queued"),
    )
    job = Job(work("build-and-deploy", 0, None, "", "in_progress"), steps)

    stages = stages_of_jobs([job], now=100)

    assert [(each.name, each.seconds, each.result) for each in stages] == [
        ("Build", 59, "success"),
        ("Deploy", 20, "failure"),
    ]


def test_several_jobs_are_the_stages_and_our_own_still_goes_on() -> None:
    jobs = [
        Job(work("deploy / report", 200, None, "", "in_progress"), ()),
        Job(work("call / build (core)", 0, 100), ()),
        Job(work("call / build (batch)", 10, 120), ()),
        Job(work("test", 5, 50, "timed_out"), ()),
        Job(work("never", 7, 7, "skipped"), ()),
        Job(work("waiting", 9, None, "", "queued"), ()),
    ]

    stages = stages_of_jobs(jobs, now=260)

    assert [(each.name, each.seconds, each.result) for each in stages] == [
        ("build", 100, "success"),
        ("test", 45, "failure"),
        ("build", 110, "success"),
        ("report", 60, UNFINISHED),
    ]


TIMES = st.none() | st.floats(-1e10, 1e10)
WORK = st.builds(
    TimedWork,
    st.text(max_size=20),
    st.sampled_from(["completed", "in_progress", "queued", "waiting", "pending", ""]),
    st.sampled_from(["success", "failure", "cancelled", "skipped", "neutral", "timed_out", ""]),
    TIMES,
    TIMES,
)


@given(st.lists(st.builds(Job, WORK, st.lists(WORK, max_size=5).map(tuple)), max_size=5))
def test_no_job_however_odd_gives_a_negative_time(jobs: list[Job]) -> None:
    assert all(stage.seconds >= 0 for stage in stages_of_jobs(jobs, now=0.0))
