"""The trace: ids, names, times and the shape of OTLP's JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from astrago_actions.clients import telemetry
from astrago_actions.clients.telemetry import root_span_id, trace, trace_id
from astrago_actions.domain.pipeline_report import PipelineReport
from astrago_actions.domain.stages import Stage
from astrago_actions.errors import AccessDenied, ActionError
from astrago_actions.sandbox.server import LoopbackServer
from tests.clients.recorder import Recorder
from tests.manual_clock import ManualClock
from tests.unit.pipeline_reports import HOSTILE_REPORTS, NOW, PASSED, report_of


def spans_of(report: PipelineReport) -> list[dict[str, Any]]:
    spans: list[dict[str, Any]] = trace(report)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    return spans


def attributes_of(thing: dict[str, Any]) -> dict[str, str]:
    return {each["key"]: next(iter(each["value"].values())) for each in thing["attributes"]}


def test_ids_are_those_of_the_collectors_githubreceiver() -> None:
    # printf 47111t | sha256sum; printf 47111s | sha256sum
    assert trace_id(4711, 1) == "0eacd16afb819e39cfa3bc4f7db5e883"
    assert root_span_id(4711, 1) == "95690635dc8b849a"


def test_the_run_is_the_root_and_each_stage_is_below_it() -> None:
    run, *stages = spans_of(report_of(PASSED))

    assert "parentSpanId" not in run
    assert (run["name"], run["kind"]) == ("RUN CI/CD", 2)
    assert [stage["name"] for stage in stages] == ["tag", "build", "bump", "sync"]
    assert {stage["parentSpanId"] for stage in stages} == {run["spanId"]}
    assert {span["traceId"] for span in (run, *stages)} == {trace_id(4711, 1)}
    assert len({span["spanId"] for span in (run, *stages)}) == 5
    assert {stage["kind"] for stage in stages} == {1}


def test_times_are_nanoseconds_as_text() -> None:
    run, _, build, *_ = spans_of(report_of(PASSED))

    assert run["startTimeUnixNano"] == "1795168290000000000"
    assert build["startTimeUnixNano"] == "1795168310000000000"
    assert build["endTimeUnixNano"] == "1795168570000000000"


def test_names_follow_the_semantic_conventions() -> None:
    report = report_of(PASSED)
    resource = trace(report)["resourceSpans"][0]["resource"]
    run, tag, *_ = spans_of(report)

    assert attributes_of(resource)["vcs.ref.head.revision"] == "45eac704" * 5
    assert attributes_of(resource)["deployment.environment.name"] == "stage"
    assert attributes_of(run)["cicd.pipeline.name"] == "CI/CD"
    assert attributes_of(run)["cicd.pipeline.run.id"] == "4711"
    assert attributes_of(run)["cicd.pipeline.result"] == "success"
    assert attributes_of(tag)["cicd.pipeline.task.name"] == "tag"
    assert attributes_of(tag)["cicd.pipeline.task.run.result"] == "success"


def test_a_failed_stage_is_an_error_and_so_is_its_run() -> None:
    failed = (*PASSED[:3], Stage("sync", NOW - 9, NOW, "failure"))
    run, *stages = spans_of(report_of(failed))

    assert run["status"] == {"code": 2}
    assert attributes_of(run)["error.type"] == "sync"
    assert stages[-1]["status"] == {"code": 2}
    assert stages[0]["status"] == {}


def test_a_cancelled_run_is_neither_error_nor_success() -> None:
    run, *_ = spans_of(report_of(PASSED, job_status="cancelled"))

    assert run["status"] == {}
    assert attributes_of(run)["cicd.pipeline.result"] == "cancellation"


def test_a_run_that_deployed_nothing_has_no_result() -> None:
    run, *_ = spans_of(report_of(PASSED[:2]))

    assert "cicd.pipeline.result" not in attributes_of(run)
    assert attributes_of(run)["pipeline_metrics.outcome"] == "nothing deployed"


@pytest.mark.parametrize("path", ["", "/", "/v1/traces", "/prefix"])
def test_posts_to_the_collectors_traces(path: str) -> None:
    with LoopbackServer(recorder := Recorder(200, b"{}")) as server:
        headers = {"Authorization": "Bearer x"}
        telemetry.send(server.url + path, headers, report_of(PASSED), ManualClock())

    (request,) = recorder.received
    assert request.path == ("/prefix/v1/traces" if path == "/prefix" else "/v1/traces")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer x"
    assert request.json() == trace(report_of(PASSED))


def test_a_trace_that_is_taken_in_part_is_an_error() -> None:
    answer = json.dumps({"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}})
    with (
        LoopbackServer(Recorder(200, answer.encode())) as server,
        pytest.raises(ActionError, match="only a part") as caught,
    ):
        telemetry.send(server.url, {}, report_of(PASSED), ManualClock())

    assert "too old" in caught.value.detail


def test_a_collector_that_refuses_is_an_error() -> None:
    with (
        LoopbackServer(Recorder(401)) as server,
        pytest.raises(AccessDenied, match="OTLP endpoint"),
    ):
        telemetry.send(server.url, {}, report_of(PASSED), ManualClock())


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(HOSTILE_REPORTS)
def test_any_report_is_a_trace_whose_spans_do_not_end_before_they_begin(
    report: PipelineReport,
) -> None:
    spans = spans_of(report)

    assert len(spans) <= 500
    for span in spans:
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert len(bytes.fromhex(span["traceId"])) == 16
        assert len(bytes.fromhex(span["spanId"])) == 8
    assert len({span["spanId"] for span in spans}) == len(spans)
