"""A run as an OpenTelemetry trace, sent as OTLP in JSON over HTTP.

Trace and root span carry the ids that the collector's githubreceiver derives from run id and
attempt, so that both halves meet in one trace. Attribute names follow the semantic conventions of
CI/CD and VCS. Source: OTLP specification, "JSON Protobuf Encoding".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from astrago_actions import __version__
from astrago_actions.clients.delivery import Delivery, deliver
from astrago_actions.clock import Clock
from astrago_actions.domain.pipeline_report import PipelineReport, Subject
from astrago_actions.domain.stage_times import CANCELLED, DEPLOYED, FAILED
from astrago_actions.domain.stages import Stage
from astrago_actions.errors import ActionError

SERVER_SPAN = 2
INTERNAL_SPAN = 1
STATUS_ERROR = 2
MOST_SPANS = 500
TEXT_LENGTH = 500

# The run itself still goes on while it is measured: only what is certain gets a result.
_PIPELINE_RESULTS = {DEPLOYED: "success", FAILED: "failure", CANCELLED: "cancellation"}
_TASK_RESULTS = {
    "success": "success",
    "failure": "failure",
    "cancelled": "cancellation",
    "skipped": "skip",
}


def send(endpoint: str, headers: Mapping[str, str], report: PipelineReport, clock: Clock) -> None:
    """Send the trace to `endpoint`, a collector's base address or its `/v1/traces`."""
    base = endpoint.rstrip("/")
    url = base if base.endswith("/v1/traces") else f"{base}/v1/traces"
    body = json.dumps(trace(report), ensure_ascii=False).encode()
    everything = {"Content-Type": "application/json", **headers}
    answer = deliver(Delivery("The OTLP endpoint", "POST", url, body, everything), clock)
    rejected = _rejected(answer)
    if rejected:
        raise ActionError(
            "The OTLP endpoint took only a part of the trace",
            f"It says: {rejected}",
            "Look at the collector's log.",
        )


def _rejected(answer: str) -> str:
    """Why some spans were not taken; empty when all were. Source: OTLP, "Partial Success"."""
    try:
        partial = json.loads(answer).get("partialSuccess") or {}
        rejected = int(partial.get("rejectedSpans") or 0)
    except (ValueError, AttributeError):
        return ""
    return str(partial.get("errorMessage") or f"{rejected} spans rejected") if rejected else ""


def trace_id(run_id: int, attempt: int) -> str:
    """The trace id that the collector's githubreceiver gives this attempt of the run."""
    return hashlib.sha256(f"{run_id}{attempt}t".encode()).hexdigest()[:32]


def root_span_id(run_id: int, attempt: int) -> str:
    """The span id that the collector's githubreceiver gives the run itself."""
    return hashlib.sha256(f"{run_id}{attempt}s".encode()).hexdigest()[16:32]


def trace(report: PipelineReport) -> dict[str, Any]:
    """The trace: one span for the run, one below it for each stage."""
    stages = [stage for stage in report.measured.stages if stage.result != "skipped"]
    spans = [_run_span(report), *(_stage_span(report, *each) for each in enumerate(stages))]
    scope = {"name": "astrago-actions", "version": __version__}
    resource = {"attributes": _attributes(_resource(report.subject))}
    scoped = {"scope": scope, "spans": spans[:MOST_SPANS]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scoped]}]}


def _resource(subject: Subject) -> dict[str, str | int]:
    return {
        "service.name": subject.repository.rpartition("/")[2] or "pipeline",
        "vcs.repository.name": subject.repository.rpartition("/")[2],
        "vcs.owner.name": subject.repository.partition("/")[0],
        "vcs.provider.name": "github",
        "vcs.ref.head.name": subject.branch,
        "vcs.ref.head.revision": subject.sha,
        "deployment.environment.name": subject.environment,
    }


def _run_span(report: PipelineReport) -> dict[str, Any]:
    subject, measured = report.subject, report.measured
    start = measured.started_at - measured.waiting_seconds
    result = _PIPELINE_RESULTS.get(measured.outcome.state, "")
    attributes: dict[str, str | int] = {
        "cicd.pipeline.name": subject.workflow,
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.run.id": str(subject.run_id),
        "cicd.pipeline.run.url.full": subject.url,
        "cicd.pipeline.result": result,
        "error.type": measured.outcome.stage if result == "failure" else "",
        "pipeline_metrics.outcome": measured.outcome.state,
        "pipeline_metrics.attempt": subject.attempt,
    }
    return {
        "traceId": trace_id(subject.run_id, subject.attempt),
        "spanId": root_span_id(subject.run_id, subject.attempt),
        "name": f"RUN {subject.workflow}"[:TEXT_LENGTH],
        "kind": SERVER_SPAN,
        "startTimeUnixNano": _nanoseconds(start),
        "endTimeUnixNano": _nanoseconds(start + (measured.deploy.seconds or 0.0)),
        "attributes": _attributes(attributes),
        "status": _status(result),
    }


def _stage_span(report: PipelineReport, number: int, stage: Stage) -> dict[str, Any]:
    subject = report.subject
    result = _TASK_RESULTS.get(stage.result, "")
    identity = f"{subject.run_id}{subject.attempt}/{number}/{stage.name}"
    attributes: dict[str, str | int] = {
        "cicd.pipeline.task.name": stage.name,
        "cicd.pipeline.task.run.id": f"{subject.run_id}/{subject.attempt}/{number}",
        "cicd.pipeline.task.run.result": result,
        "cicd.pipeline.task.run.url.full": subject.url,
    }
    return {
        "traceId": trace_id(subject.run_id, subject.attempt),
        "spanId": hashlib.sha256(identity.encode()).hexdigest()[:16],
        "parentSpanId": root_span_id(subject.run_id, subject.attempt),
        "name": stage.name[:TEXT_LENGTH],
        "kind": INTERNAL_SPAN,
        "startTimeUnixNano": _nanoseconds(stage.started_at),
        "endTimeUnixNano": _nanoseconds(max(stage.started_at, stage.finished_at)),
        "attributes": _attributes(attributes),
        "status": _status(result),
    }


def _status(result: str) -> dict[str, int]:
    return {"code": STATUS_ERROR} if result == "failure" else {}


def _nanoseconds(seconds: float) -> str:
    """64-bit integers are strings in OTLP's JSON; microseconds are all that a float holds."""
    return str(round(seconds * 1_000_000) * 1000)


def _attributes(values: Mapping[str, str | int]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value != ""]


def _value(value: str | int) -> dict[str, str]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"stringValue": value[:TEXT_LENGTH]}
