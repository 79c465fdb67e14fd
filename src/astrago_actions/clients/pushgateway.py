"""The figures of a run as gauges on a Prometheus Pushgateway.

Labels hold neither run nor commit, so that series do not grow with every run; a push replaces what
the pipeline pushed before. Source: the Pushgateway's README and Prometheus' exposition format.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from astrago_actions.clients.delivery import Delivery, deliver
from astrago_actions.clock import Clock
from astrago_actions.domain.dora import ServiceFigures
from astrago_actions.domain.pipeline_report import PipelineReport, Subject
from astrago_actions.domain.stage_times import DEPLOYED
from astrago_actions.domain.success_rates import SuccessRate

JOB = "astrago_pipeline"
PREFIX = "pipeline_metrics"
MOST_STAGES = 12
MOST_SERVICES = 20
LABEL_LENGTH = 100

_SERVICE_FIGURES: Sequence[tuple[str, str, Callable[[ServiceFigures], float | None]]] = (
    ("deployments_per_day", "Deployments a day in the window.", lambda each: each.per_day),
    (
        "lead_time_median_seconds",
        "Median seconds from a commit to its bump.",
        lambda each: each.lead_time.median,
    ),
    (
        "change_fail_ratio",
        "Share of deployments that failed or were undone.",
        lambda each: each.change_fail_rate.share,
    ),
    (
        "recovery_time_median_seconds",
        "Median seconds from a failed deployment to the next good one.",
        lambda each: each.recovery_time.median,
    ),
    (
        "rework_ratio",
        "Share of deployments that repair an earlier one.",
        lambda each: each.rework_rate.share,
    ),
)
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@dataclass(frozen=True)
class Gauge:
    """One metric and its samples: labels and value."""

    name: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]


def push(address: str, report: PipelineReport, now: float, clock: Clock) -> None:
    """Replace this pipeline's group of metrics; `now` is in epoch seconds."""
    url = address.rstrip("/") + group_path(report.subject)
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    body = exposition(gauges(report, now)).encode()
    deliver(Delivery("The Pushgateway", "PUT", url, body, headers), clock)


def group_path(subject: Subject) -> str:
    """The path of the group; values are base64 because repositories hold a slash."""
    labels = {
        "repository": subject.repository,
        "workflow": subject.workflow,
        "environment": subject.environment,
    }
    parts = [f"/{name}@base64/{_base64(value)}" for name, value in labels.items() if value]
    return f"/metrics/job/{JOB}" + "".join(parts)


def _base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def gauges(report: PipelineReport, now: float) -> tuple[Gauge, ...]:
    """What is worth a series: stages, budgets, the run's outcome, rates and DORA figures."""
    times = report.measured.all_times
    budgeted = sorted(times, key=lambda time: time.budget is None)[:MOST_STAGES]
    deployed = report.measured.outcome.state == DEPLOYED
    found = [
        Gauge(
            "stage_duration_seconds",
            "How long the stage took in the last run.",
            [({"stage": t.name}, t.seconds) for t in budgeted if t.seconds is not None],
        ),
        Gauge(
            "stage_budget_seconds",
            "How long the stage may take.",
            [({"stage": t.name}, t.budget.seconds) for t in budgeted if t.budget],
        ),
        Gauge(
            "last_run_deployed",
            "1 when the last run's rollout was seen to be healthy.",
            [({}, float(deployed))],
        ),
        Gauge("last_run_timestamp_seconds", "When the last run was measured.", [({}, now)]),
        *_rate_gauges(report.history.rates),
        *_service_gauges(report.history.services[:MOST_SERVICES]),
    ]
    return tuple(gauge for gauge in found if gauge.samples)


def _rate_gauges(rates: Sequence[SuccessRate]) -> tuple[Gauge, ...]:
    labelled = [({"rate": rate.name}, rate) for rate in rates]
    return (
        Gauge(
            "success_ratio",
            "Share of successes in the window.",
            [(labels, rate.share) for labels, rate in labelled if rate.share is not None],
        ),
        Gauge(
            "success_runs",
            "Runs that count in the window.",
            [(labels, float(rate.decisive.total)) for labels, rate in labelled],
        ),
        Gauge(
            "success_target_ratio",
            "Least share of successes.",
            [(labels, rate.target.share) for labels, rate in labelled if rate.target],
        ),
    )


def _service_gauges(services: Sequence[ServiceFigures]) -> tuple[Gauge, ...]:
    found = []
    for name, about, value_of in _SERVICE_FIGURES:
        valued = [(each, value_of(each)) for each in services]
        samples = [(_service_labels(each), value) for each, value in valued if value is not None]
        found.append(Gauge(name, about, samples))
    return tuple(found)


def _service_labels(service: ServiceFigures) -> dict[str, str]:
    """`environment` is the group's label already."""
    return {"service": service.component, "target_environment": service.environment}


def exposition(found: Iterable[Gauge]) -> str:
    """The gauges in Prometheus' text format; of two equal series only the first is kept."""
    lines: list[str] = []
    for gauge in found:
        name = f"{PREFIX}_{gauge.name}"
        series: dict[str, float] = {}
        for labels, value in gauge.samples:
            series.setdefault(name + _labels(labels), value)
        lines += [f"# HELP {name} {gauge.help}", f"# TYPE {name} gauge"]
        lines += [f"{named} {value!r}" for named, value in series.items()]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = [
        f'{name}="{value[:LABEL_LENGTH].translate(_ESCAPES)}"'
        for name, value in labels.items()
        if value
    ]
    return f"{{{','.join(pairs)}}}" if pairs else ""
