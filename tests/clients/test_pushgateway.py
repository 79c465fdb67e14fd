"""Gauges for the Pushgateway: the format, the group, and how few series there are."""

from __future__ import annotations

import base64
import re

from hypothesis import HealthCheck, given, settings

from astrago_actions.clients import pushgateway
from astrago_actions.clients.pushgateway import exposition, gauges, group_path
from astrago_actions.domain.pipeline_report import PipelineReport, Subject
from astrago_actions.domain.stages import Stage
from astrago_actions.sandbox.server import Fault, LoopbackServer
from tests.clients.recorder import Recorder
from tests.manual_clock import ManualClock
from tests.unit.pipeline_reports import HOSTILE_REPORTS, NOW, PASSED, a_history, report_of

# Prometheus' exposition format, version 0.0.4.
SAMPLE = re.compile(
    r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-z_]+="(\\\\|\\"|\\n|[^"\\\n])*"(,(?=[a-z]))?)*\})? '
    r"[-+]?(\d+(\.\d+)?(e[-+]?\d+)?|inf|nan)"
)
COMMENT = re.compile(r"# (HELP [a-z_]+ .+|TYPE [a-z_]+ gauge)")


def lines_of(report: PipelineReport) -> list[str]:
    text = exposition(gauges(report, NOW))
    assert text.endswith("\n")
    return text[:-1].split("\n")


def test_writes_one_gauge_a_stage_and_no_run_or_commit() -> None:
    lines = lines_of(report_of(PASSED, history=a_history()))

    assert 'pipeline_metrics_stage_duration_seconds{stage="build"} 260.0' in lines
    assert 'pipeline_metrics_stage_budget_seconds{stage="deploy"} 600.0' in lines
    assert "pipeline_metrics_last_run_deployed 1.0" in lines
    assert 'pipeline_metrics_success_ratio{rate="deploy"} 0.95' in lines
    assert 'pipeline_metrics_success_target_ratio{rate="deploy"} 0.99' in lines
    assert (
        'pipeline_metrics_change_fail_ratio{service="core",target_environment="stage"} 0.05'
    ) in lines
    assert not any("4711" in line or "45eac704" in line for line in lines)


def test_a_run_that_did_not_deploy_says_so() -> None:
    assert "pipeline_metrics_last_run_deployed 0.0" in lines_of(report_of(PASSED[:2]))


def test_what_is_not_known_has_no_series() -> None:
    text = "\n".join(lines_of(report_of(())))

    assert "stage_duration_seconds" not in text
    assert "success_ratio" not in text


def test_there_are_few_series_however_many_stages() -> None:
    stages = tuple(Stage(f"step {number}", NOW - 400, NOW - 300) for number in range(100))

    lines = lines_of(report_of((*stages, *PASSED), history=a_history()))

    samples = [line for line in lines if not line.startswith("#")]
    assert len(samples) <= 50
    assert any('stage="build"' in line for line in samples)


def test_names_that_are_equal_where_they_are_cut_make_one_series() -> None:
    long = "x" * 150
    stages = (Stage(f"{long} 1", NOW - 9, NOW), Stage(f"{long} 2", NOW - 5, NOW))

    lines = lines_of(report_of(stages))

    assert sum(line.startswith("pipeline_metrics_stage_duration_seconds{") for line in lines) == 2


def test_the_group_is_stable_and_holds_any_name() -> None:
    path = group_path(Subject(repository="xiilab/astrago", workflow="CI/CD 배포"))

    parts = path.split("/")
    assert parts[:4] == ["", "metrics", "job", "astrago_pipeline"]
    assert parts[4::2] == ["repository@base64", "workflow@base64"]
    decoded = [base64.urlsafe_b64decode(each + "==").decode() for each in parts[5::2]]
    assert decoded == ["xiilab/astrago", "CI/CD 배포"]


def test_replaces_the_group_and_sends_it_again_when_the_answer_is_lost() -> None:
    with LoopbackServer(recorder := Recorder(202, b"")) as server:
        server.faults.add(Fault("reset-after"))
        pushgateway.push(f"{server.url}/prefix", report_of(PASSED), NOW, ManualClock())

    assert [request.method for request in recorder.received] == ["PUT", "PUT"]
    assert recorder.received[0].path.startswith("/prefix/metrics/job/astrago_pipeline/")
    assert recorder.received[0].headers["content-type"].startswith("text/plain; version=0.0.4")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(HOSTILE_REPORTS)
def test_every_line_is_of_the_format_and_no_series_comes_twice(report: PipelineReport) -> None:
    lines = lines_of(report)

    for line in lines:
        assert COMMENT.fullmatch(line) or SAMPLE.fullmatch(line), line
    series = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(series) == len(set(series))
