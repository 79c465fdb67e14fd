"""The report's first line, its state, and its bars."""

from __future__ import annotations

from dataclasses import replace

from astrago_actions.domain.gantt import Bar
from astrago_actions.domain.stages import Stage
from astrago_actions.domain.success_rates import missed_text
from tests.unit.pipeline_reports import NOW, PASSED, SUBJECT, a_history, report_of


def test_the_first_line_says_how_long_it_took_and_where_the_time_went() -> None:
    report = report_of(PASSED)

    assert report.state == "OK"
    assert report.headline == (
        "astrago-backend → stage: Deployed in 6m 33s of 10m; most of it build, 4m 20s (66 %)"
    )


def test_a_broken_budget_is_in_the_first_line() -> None:
    report = report_of((*PASSED[:3], Stage("sync", NOW - 227, NOW - 88)))

    assert report.state == "Over budget"
    assert "; sync took 2m 19s, 19 s over its 2m; " in report.headline


def test_a_missed_rate_is_the_state_when_the_run_itself_was_fine() -> None:
    history = a_history()
    deploy = replace(
        history.rates[1],
        decisive=replace(history.rates[1].decisive, successes=30),
    )
    report = report_of(PASSED, history=replace(history, rates=(history.rates[0], deploy)))

    assert missed_text(deploy) == "deploy success is 30/40 = 75 %, proven below its 99 %"
    assert report.state == "OK"  # breaches are handed over, not found here


def test_a_failed_run_is_told_as_such() -> None:
    report = report_of((*PASSED[:2], Stage("push", NOW - 230, NOW - 200, "failure")))

    assert report.state == "Failed in push"
    assert report.headline.startswith("astrago-backend → stage: Failed in push after 5m 10s of 10m")


def test_without_stages_nothing_is_claimed() -> None:
    report = report_of(())

    assert report.state == "Whether it was deployed is not known"
    assert "no stage was measured" in report.headline
    assert report.bars == ()


def test_a_run_without_names_still_has_one() -> None:
    assert replace(SUBJECT, repository="", workflow="", environment="").name == "pipeline"


def test_bars_begin_with_the_run_and_mark_what_went_wrong() -> None:
    report = report_of(
        (
            Stage("build", NOW - 500, NOW - 100),
            Stage("lint", NOW - 100, NOW - 90, "failure"),
            Stage("report", NOW - 90, NOW, "in progress"),
            Stage("sync", NOW - 90, NOW - 90, "skipped"),
        )
    )

    assert report.bars == (
        Bar("build", 10, 410, "crit"),
        Bar("lint", 410, 420, "crit"),
        Bar("report", 420, 510, "active"),
    )


def test_durations_hold_each_stage_and_the_whole() -> None:
    assert report_of(PASSED).durations == {
        "tag": 1,
        "build": 260,
        "bump": 2,
        "sync": 110,
        "deploy": 393,
    }
