"""Reports of pipelines, ordinary and hostile, for the tests of what shows or sends one."""

from __future__ import annotations

from hypothesis import strategies as st

from astrago_actions.domain.budgets import DEFAULT_TARGETS, parse_targets
from astrago_actions.domain.dora import Bump, figures
from astrago_actions.domain.pipeline_report import History, PipelineReport, Subject
from astrago_actions.domain.run_history import PipelineRun, RunListing, typical_duration
from astrago_actions.domain.stage_times import (
    Breach,
    duration_breaches,
    measure,
    outcome_of,
)
from astrago_actions.domain.stages import Stage
from astrago_actions.domain.success_rates import success_rates
from astrago_actions.inputs import parse_duration

NOW = 1_795_168_800.0
DAY = 86400.0
TARGETS, _ = parse_targets(DEFAULT_TARGETS, parse_duration)
SUBJECT = Subject(
    repository="xiilab/astrago-backend",
    workflow="CI/CD",
    branch="stabilize/1.0",
    sha="45eac704" * 5,
    environment="stage",
    actor="developer",
    run_id=4711,
    run_number=42,
    attempt=1,
    url="https://github.com/xiilab/astrago-backend/actions/runs/4711",
)
PASSED = (
    Stage("tag", NOW - 500, NOW - 499),
    Stage("build", NOW - 490, NOW - 230),
    Stage("bump", NOW - 229, NOW - 227),
    Stage("sync", NOW - 227, NOW - 117),
)


def report_of(
    stages: tuple[Stage, ...],
    *,
    job_status: str = "success",
    subject: Subject = SUBJECT,
    history: History | None = None,
    notes: tuple[str, ...] = (),
    more_breaches: tuple[Breach, ...] = (),
) -> PipelineReport:
    """The report of a run with these stages."""
    measured = measure(stages, TARGETS, outcome_of(stages, job_status), NOW - 510)
    past = history or History(NOW - 30 * DAY, NOW)
    return PipelineReport(
        subject, measured, past, (*duration_breaches(measured), *more_breaches), notes
    )


def a_history() -> History:
    """Thirty days with forty runs, two of which failed, and their deployments."""
    runs = tuple(_run(number) for number in range(40, 0, -1))
    bumps = [_bump(number) for number in range(1, 41)]
    window = (NOW - 30 * DAY, NOW)
    rates = success_rates(
        RunListing(runs, 40),
        TARGETS,
        bumped_runs=frozenset(bump.run_id for bump in bumps),
        rollout_checked=True,
        window=window,
    )
    times = {bump.commit: bump.at - 590 for bump in bumps}
    services = figures(bumps, runs, times, window)
    return History(*window, "40 runs in 30d", rates, typical_duration(runs), services)


def _run(number: int) -> PipelineRun:
    at = NOW - (41 - number) * DAY / 2
    conclusion = "failure" if number in (7, 21) else "success"
    return PipelineRun(number, 100 + number, 1, 7, "completed", conclusion, at, at, at + 500)


def _bump(number: int) -> Bump:
    at = NOW - (41 - number) * DAY / 2 + 300
    commit = f"{1000 + number:040x}"
    return Bump(f"{number:040x}", at, SUBJECT.repository, commit, number, "stage", ("core",))


TEXT = st.text(max_size=400) | st.sampled_from(
    [
        "<!channel>",
        "a|b",
        "</details>",
        "```",
        "::error::x",
        "<script>alert(1)</script>",
        "배포" * 90,
    ]
)
STAGE = st.builds(
    Stage,
    TEXT,
    st.floats(NOW - 1e5, NOW),
    st.floats(NOW - 1e5, NOW),
    st.sampled_from(["success", "failure", "cancelled", "skipped"]),
)
HOSTILE_REPORTS = st.builds(
    report_of,
    st.lists(STAGE, max_size=120).map(tuple),
    job_status=st.sampled_from(["success", "failure", "cancelled"]),
    subject=st.builds(
        Subject, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.integers(0, 2**40), st.integers(0, 10**6)
    ),
    history=st.none() | st.builds(a_history),
    notes=st.lists(TEXT, max_size=60).map(tuple),
    more_breaches=st.lists(
        st.builds(Breach, TEXT, st.just(1.0), st.just(0.5), TEXT), max_size=80
    ).map(tuple),
)
