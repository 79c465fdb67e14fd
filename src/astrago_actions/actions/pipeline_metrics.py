"""pipeline-metrics: how long the stages took, how often it all succeeds, and DORA's figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from astrago_actions.actions.pipeline_history import PipelineHistory, Sources
from astrago_actions.clients import pushgateway, slack, telemetry
from astrago_actions.clients.stage_file import read_stages
from astrago_actions.context import Context
from astrago_actions.domain.budgets import DEFAULT_TARGETS, Targets, parse_targets
from astrago_actions.domain.durations import DAY, HOUR
from astrago_actions.domain.pipeline_report import History, PipelineReport, Subject
from astrago_actions.domain.report_json import dora_json, rates_json
from astrago_actions.domain.report_rows import stage_row
from astrago_actions.domain.stage_input import parse_stages
from astrago_actions.domain.stage_times import (
    Measured,
    duration_breaches,
    measure,
    of_this_attempt,
    outcome_of,
    waits_for_rollout,
)
from astrago_actions.domain.stages import Stage
from astrago_actions.domain.success_rates import rate_breaches
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader, Secret, parse_duration
from astrago_actions.report.summary import summary
from astrago_actions.workflow_run import WorkflowRun

LONGEST_WINDOW = 366 * DAY


@dataclass(frozen=True)
class Inputs:
    """What pipeline-metrics works from; see action.yml for each."""

    stages: tuple[Stage, ...] | None
    targets: Targets
    sources: Sources
    on_breach: str
    job_status: str
    report: str
    slack_webhook: Secret | None
    pushgateway: str
    otlp_endpoint: str
    otlp_headers: Mapping[str, Secret]


@dataclass(frozen=True)
class Outputs:
    """What was measured; durations are seconds by stage, breaches the targets that broke."""

    report: str
    breaches: list[str]
    success_rates: dict[str, object]
    durations: dict[str, float]
    dora: dict[str, object]


def read(given: InputReader, run: WorkflowRun) -> Inputs:
    """Read and cross-check the inputs; mistakes are noted in `given`."""
    return Inputs(
        stages=_stages(given),
        targets=_targets(given),
        sources=_sources(given, run),
        on_breach=given.choice("on-breach", ("warn", "fail"), "warn"),
        job_status=given.choice("job-status", ("success", "failure", "cancelled"), "success"),
        report=given.text("report"),
        slack_webhook=_webhook(given),
        pushgateway=given.url("pushgateway"),
        otlp_endpoint=given.url("otlp-endpoint"),
        otlp_headers=_headers(given),
    )


def run(inputs: Inputs, context: Context) -> Outputs:
    """Measure this run, read the history, report, tell others; only a breach can fail the step."""
    history = PipelineHistory(inputs.sources, context)
    measured, checked = _measure(inputs, context, history)
    report = _report(inputs, context, measured, history, rollout_checked=checked)
    written = _write_page(inputs, context, report)
    context.step.summary(summary(report))
    _tell(context, report, history)
    _send(inputs, context, report)
    outputs = Outputs(
        report=written,
        breaches=[breach.target for breach in report.breaches],
        success_rates=rates_json(report.history),
        durations=dict(report.durations),
        dora=dora_json(report.history),
    )
    if report.breaches and inputs.on_breach == "fail":
        raise _breached(report, outputs)
    return outputs


def _stages(given: InputReader) -> tuple[Stage, ...] | None:
    """The stages as given; None when they are to be found."""
    value = given.json_value("stages")
    if value is None:
        return None
    stages, problems = parse_stages(value)
    for problem in problems:
        given.mistake("stages", problem)
    return stages or None


def _targets(given: InputReader) -> Targets:
    targets, problems = parse_targets(given.items("targets") or DEFAULT_TARGETS, parse_duration)
    for problem in problems:
        given.mistake("targets", problem)
    return targets


def _sources(given: InputReader, run: WorkflowRun) -> Sources:
    window = given.seconds("window", 30 * DAY)
    if not HOUR <= window <= LONGEST_WINDOW:
        given.mistake("window", "must be between one hour and 366 days")
    token = given.secret("token")
    repository = given.text("repository", run.repository)
    deployment = given.text("deployment-repository")
    return Sources(
        repository=given.repository("repository", run.repository) if repository or token else "",
        token=token,
        workflow=given.text("workflow").rpartition("/")[2],
        branch=given.text("branch", run.branch),
        deployment_repository=given.repository("deployment-repository") if deployment else "",
        deployment_branch=given.text("deployment-branch"),
        deployment_token=given.secret("deployment-token") or token,
        environment=given.text("environment"),
        window=window,
    )


def _webhook(given: InputReader) -> Secret | None:
    """The webhook's address is a secret, so what is wrong with it is said without showing it."""
    webhook = given.secret("slack-webhook")
    if webhook and not webhook.reveal().startswith(("https://", "http://")):
        given.mistake("slack-webhook", "must be an http(s) address")
    return webhook


def _headers(given: InputReader) -> dict[str, Secret]:
    given.secret("otlp-headers")
    return {name: Secret(value) for name, value in given.mapping("otlp-headers").items()}


def _measure(inputs: Inputs, context: Context, history: PipelineHistory) -> tuple[Measured, bool]:
    """This run's stages against their budgets, and whether its workflow checks the rollout."""
    recorded = inputs.stages or _recorded(context, history)
    stages = recorded or history.stages_from_jobs()
    started_at = history.own_run.started_at if history.own_run else None
    current = of_this_attempt(stages, started_at)
    if len(current) < len(stages):
        history.left_out.unasked.append(
            f"{len(stages) - len(current)} stages are from an earlier attempt and do not count."
        )
    outcome = outcome_of(current, inputs.job_status, named_by_us=bool(recorded))
    measured = measure(current, inputs.targets, outcome, started_at)
    return measured, waits_for_rollout(stages) is not False


def _recorded(context: Context, history: PipelineHistory) -> tuple[Stage, ...]:
    """The stages that earlier steps of this job left behind, and those of this very step."""
    temporary = context.run.temporary
    try:
        earlier = read_stages(temporary) if temporary else ()
    except (OSError, ValueError, TypeError) as error:
        history.left_out.failures.append(f"The recorded stages cannot be read: {error}")
        earlier = ()
    return (*earlier, *context.stages)


def _report(
    inputs: Inputs,
    context: Context,
    measured: Measured,
    history: PipelineHistory,
    *,
    rollout_checked: bool,
) -> PipelineReport:
    past = history.read(inputs.targets, rollout_checked=rollout_checked)
    breaches = (*duration_breaches(measured), *rate_breaches(past.rates))
    notes = (*_doubts(measured, past), *history.left_out.notes)
    return PipelineReport(_subject(inputs, context.run), measured, past, breaches, notes)


def _doubts(measured: Measured, past: History) -> tuple[str, ...]:
    notes = []
    if any(stage.finished_at < stage.started_at for stage in measured.stages):
        notes.append("A stage ends before it begins: clocks disagree; it counts as 0 s.")
    if past.rates:
        notes.append("This run still goes on and is not in the rates; the next report has it.")
    return tuple(notes)


def _subject(inputs: Inputs, run: WorkflowRun) -> Subject:
    return Subject(
        repository=inputs.sources.repository,
        workflow=run.workflow,
        branch=run.branch,
        sha=run.pull_request.head_sha if run.pull_request else run.sha,
        environment=inputs.sources.environment,
        actor=run.actor,
        run_id=run.run_id,
        run_number=run.run_number,
        attempt=run.run_attempt,
        url=run.url,
    )


def _write_page(inputs: Inputs, context: Context, report: PipelineReport) -> str:
    """Write the HTML report; returns its path, empty where none was asked for or possible."""
    if not inputs.report:
        return ""
    from astrago_actions.report.page import page

    path = Path(context.run.workspace, inputs.report)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(report, context.clock.now()), encoding="utf-8")
    except OSError as error:
        context.step.warning("The HTML report was not written", f"{path}: {error.strerror}")
        return ""
    return str(path)


def _tell(context: Context, report: PipelineReport, history: PipelineHistory) -> None:
    """The log's lines, one annotation for all breaches, and one for all that failed."""
    context.step.info(f"{report.state}: {report.headline}")
    for name, took, budget, verdict in map(stage_row, report.measured.all_times):
        context.step.info(f"  {name:24} {took:>8}  budget {budget:>8}  {verdict}")
    if report.breaches:
        messages = "; ".join(breach.message for breach in report.breaches)
        context.step.warning(report.state, messages)
    for note in report.notes:
        context.step.info(note)
    if history.left_out.failures:
        failures = " ".join(history.left_out.failures)
        context.step.warning("The pipeline report is not complete", failures)


def _send(inputs: Inputs, context: Context, report: PipelineReport) -> None:
    """Tell Slack, Prometheus and OpenTelemetry; what fails is a warning."""
    webhook, clock = inputs.slack_webhook, context.clock
    if webhook:
        _or_warn(context, lambda: slack.send(webhook, report, clock))
    if inputs.pushgateway:
        address, now = inputs.pushgateway, clock.now()
        _or_warn(context, lambda: pushgateway.push(address, report, now, clock))
    if inputs.otlp_endpoint and not report.subject.run_id:
        context.step.warning("No trace was sent", "Its ids come from a workflow run.")
    elif inputs.otlp_endpoint:
        headers = {name: value.reveal() for name, value in inputs.otlp_headers.items()}
        for value in headers.values():
            context.step.mask(value)
        _or_warn(context, lambda: telemetry.send(inputs.otlp_endpoint, headers, report, clock))


def _or_warn(context: Context, send: Callable[[], None]) -> None:
    try:
        send()
    except ActionError as error:
        context.step.warning(error.title, f"{error.detail} {error.remedy}")


def _breached(report: PipelineReport, outputs: Outputs) -> ActionError:
    count = len(report.breaches)
    return ActionError(
        "1 target was missed" if count == 1 else f"{count} targets were missed",
        "\n".join(f"- {breach.message}" for breach in report.breaches),
        "Look at where the time went in the summary above. To be told without failing, set "
        "`on-breach: warn`; to change a limit, set `targets`.",
        outputs={
            "report": outputs.report,
            "breaches": outputs.breaches,
            "success-rates": outputs.success_rates,
            "durations": outputs.durations,
            "dora": outputs.dora,
        },
    )
