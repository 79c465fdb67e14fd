"""pipeline-metrics as a whole: this run, its history, and everyone who is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from astrago_actions.actions import pipeline_metrics
from astrago_actions.actions.pipeline_metrics import Outputs
from astrago_actions.clients.stage_file import append_stages
from astrago_actions.context import Context
from astrago_actions.domain.stages import Stage
from astrago_actions.errors import ActionError, InputErrors
from astrago_actions.inputs import InputReader
from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.github.records import Step
from astrago_actions.sandbox.server import Fault, LoopbackServer
from astrago_actions.step import RunnerStep
from astrago_actions.workflow_run import WorkflowRun
from tests.clients.recorder import Recorder
from tests.manual_clock import ManualClock
from tests.runner import RunnerFiles, commands_in

BACKEND = "xiilab/astrago-backend"
DEPLOYMENT = "xiilab/astrago-deployment"
BRANCH = "stabilize/1.0"
TOKEN = "ghs_metrics_token"
DEPLOYMENT_TOKEN = "github_pat_deployment"
START = 1_790_000_000.0
DAY = 86400.0


class World:
    """A GitHub, a clock, and a run of astrago-backend that has come to its last step."""

    def __init__(self, server: LoopbackServer, github: GitHub, clock: ManualClock, work: Path):
        self.server, self.github, self.clock, self.work = server, github, clock, work
        self.temporary = work / "temporary"
        self.temporary.mkdir()
        github.create_repository(BACKEND, {"a": b"1"}, BRANCH)
        github.create_repository(DEPLOYMENT, {"values.yaml": b"1"}, BRANCH)
        github.add_token(TOKEN, {BACKEND: {"actions": "read", "contents": "read"}})
        github.add_token(DEPLOYMENT_TOKEN, {DEPLOYMENT: {"contents": "write"}})
        self.run_id = 0
        self.attempt = 1

    def run(self, **inputs: str) -> Outputs:
        """Run the action with these inputs (underscores for dashes)."""
        run = WorkflowRun(
            repository=BACKEND,
            sha="45eac704" * 5,
            branch=BRANCH,
            workflow="CI/CD",
            actor="developer",
            run_id=self.run_id,
            run_number=42,
            run_attempt=self.attempt,
            api_url=self.server.url,
            workspace=self.work,
            temporary=self.temporary,
        )
        step = RunnerStep()
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        reader = InputReader(given, mask=step.mask)
        read = pipeline_metrics.read(reader, run)
        reader.check()
        return pipeline_metrics.run(read, Context(step, run, self.clock))

    def passed_stages(self, *, sync_seconds: float = 110) -> None:
        """The stages that the other actions record, up to now."""
        now = self.clock.now()
        append_stages(
            self.temporary,
            [
                Stage("tag", now - 430, now - 429),
                Stage("build", now - 420, now - 160),
                Stage("bump", now - 155, now - 153),
                Stage("sync", now - 150, now - 150 + sync_seconds),
            ],
        )

    def forty_runs(self, failed: tuple[int, ...] = (7, 21)) -> None:
        """Forty runs in twenty days, each with a bump, and this one, which still goes on."""
        for number in range(40):
            self.clock.sleep(DAY / 2)
            at = self.clock.now()
            source = self.github.commit(BACKEND, BRANCH, {"a": str(number).encode()}, "feature")
            conclusion = "failure" if number in failed else "success"
            run = self.github.record_run(
                BACKEND, conclusion=conclusion, created_at=at, updated_at=at + 500
            )
            self.clock.sleep(300)
            self.bump(number, source, run.id)
        self.own_run()

    def own_run(self) -> None:
        """This run, which began 440 s ago."""
        self.run_id = self.github.record_run(
            BACKEND, status="in_progress", created_at=self.clock.now() - 440
        ).id

    def bump(self, number: int, source: str, run_id: int) -> None:
        message = (
            f"chore(stage): core -> {source[:8]}\n\nSource-Repository: {BACKEND}\n"
            f"Source-Commit: {source}\n"
            f"Workflow-Run: https://github.com/{BACKEND}/actions/runs/{run_id}\n"
            f"Environment: stage\nComponent: core\nBump-Id: {number}"
        )
        self.github.commit(DEPLOYMENT, BRANCH, {"values.yaml": f"{number}".encode()}, message)

    @property
    def asked(self) -> list[str]:
        return [exchange.request.path for exchange in self.server.exchanges]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = ManualClock(START)
    github = GitHub(clock=clock)
    with LoopbackServer(github) as server:
        yield World(server, github, clock, tmp_path)


def test_reports_the_stages_that_the_other_steps_recorded(
    world: World, runner_files: RunnerFiles
) -> None:
    world.passed_stages()

    outputs = world.run()

    assert outputs.durations == {"tag": 1, "build": 260, "bump": 2, "sync": 110, "deploy": 390}
    assert outputs.breaches == []
    summary = runner_files.summary()
    assert "### Pipeline: OK" in summary
    assert "Success rates and DORA figures left out: no &#96;token&#96; was given." in summary
    assert world.asked == []


def test_stages_in_the_input_come_before_recorded_ones(
    world: World, runner_files: RunnerFiles
) -> None:
    world.passed_stages()
    given = [{"name": "build", "started_at": "2026-01-01T00:00:00Z", "finished_at": 1767225630}]

    assert world.run(stages=json.dumps(given)).durations == {"build": 30, "deploy": 30}


def test_the_stages_of_this_very_step_count_too(world: World, runner_files: RunnerFiles) -> None:
    step = RunnerStep()
    run = WorkflowRun(temporary=world.temporary)
    context = Context(step, run, world.clock, [Stage("bump", 10, 12), Stage("sync", 12, 40)])

    outputs = pipeline_metrics.run(pipeline_metrics.read(InputReader({}), run), context)

    assert outputs.durations == {"bump": 2, "sync": 28, "deploy": 30}


def test_without_recorded_stages_the_steps_of_the_job_are_read(
    world: World, runner_files: RunnerFiles
) -> None:
    world.own_run()
    at = world.clock.now() - 440
    steps = [
        Step("Set up job", started_at=at, completed_at=at + 1),
        Step("Build", started_at=at + 1, completed_at=at + 61),
        Step("Measure", status="in_progress", conclusion=None, started_at=at + 400),
    ]
    world.github.record_job(
        BACKEND, world.run_id, "deploy", status="in_progress", started_at=at, steps=steps
    )

    outputs = world.run(token=TOKEN)

    assert outputs.durations == {"Build": 60, "deploy": 61}
    assert "Whether it was deployed is not known" in runner_files.summary()


def test_five_requests_give_rates_with_intervals_and_dora(
    world: World, runner_files: RunnerFiles
) -> None:
    world.forty_runs()
    world.passed_stages()

    outputs = world.run(
        token=TOKEN,
        deployment_repository=DEPLOYMENT,
        deployment_branch=BRANCH,
        deployment_token=DEPLOYMENT_TOKEN,
    )

    build = outputs.success_rates["build"]
    deploy = outputs.success_rates["deploy"]
    assert isinstance(build, dict)
    assert isinstance(deploy, dict)
    assert (build["successes"], build["runs"], build["verdict"]) == (40, 40, "on track, unproven")
    assert (deploy["successes"], deploy["runs"]) == (38, 40)
    assert deploy["low"] == pytest.approx(0.834961226309, abs=1e-9)
    assert deploy["high"] == pytest.approx(0.986179332614, abs=1e-9)
    assert deploy["verdict"] == "below, unproven"
    assert deploy["left-out"] == {"in progress": 1}
    services = outputs.dora["services"]
    assert isinstance(services, list)
    assert services[0]["component"] == "core"
    assert services[0]["deployments"] == 38
    assert services[0]["lead-time"]["median-seconds"] == 300
    assert services[0]["recovery-time"]["n"] == 2
    assert outputs.durations["deploy"] == 400
    assert len(world.asked) <= 5
    assert "10 s passed before the first stage" in runner_files.summary()


def test_a_missing_permission_is_said_in_one_line_and_stops_nothing(
    world: World, runner_files: RunnerFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    world.forty_runs()
    world.passed_stages()
    world.github.add_token("ghs_contents_only", {BACKEND: {"contents": "read"}})

    outputs = world.run(token="ghs_contents_only")

    assert outputs.durations["sync"] == 110
    assert outputs.success_rates == {}
    warnings = [each for each in commands_in(capsys.readouterr().out) if each.name == "warning"]
    assert len(warnings) == 1
    assert "the token lacks `actions: read`" in warnings[0].data


def test_a_deployment_repository_that_cannot_be_seen_leaves_the_build_rate(
    world: World, runner_files: RunnerFiles
) -> None:
    world.forty_runs()
    world.passed_stages()

    outputs = world.run(token=TOKEN, deployment_repository=DEPLOYMENT)

    assert list(outputs.success_rates) == ["build"]
    assert outputs.dora == {}
    assert (
        "Deploy success and DORA figures left out: not found, or not visible to a token without "
        "&#96;contents: read&#96; on xiilab/astrago-deployment (set &#96;deployment-token&#96;)"
    ) in runner_files.summary()


def test_an_unreachable_github_is_asked_once_and_leaves_this_run(
    world: World, runner_files: RunnerFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # PyGithub's pauses between its attempts
    world.own_run()
    world.passed_stages()
    world.server.faults.add(Fault("status", status=503, times=None))

    outputs = world.run(
        token=TOKEN, deployment_repository=DEPLOYMENT, deployment_token=DEPLOYMENT_TOKEN
    )

    assert outputs.durations["build"] == 260
    assert outputs.success_rates == {}
    assert len(set(world.asked)) == 1
    assert "GitHub is not reachable" in runner_files.summary()


def test_a_broken_budget_warns_and_is_in_the_outputs(
    world: World, runner_files: RunnerFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    world.passed_stages(sync_seconds=139)

    outputs = world.run()

    assert outputs.breaches == ["sync<=2m"]
    (warning,) = [each for each in commands_in(capsys.readouterr().out) if each.name == "warning"]
    assert warning.properties["title"] == "Over budget"
    assert warning.data == "sync took 2m 19s, 19 s over its 2m"


def test_a_broken_budget_fails_where_that_is_asked_for_and_outputs_stay(
    world: World, runner_files: RunnerFiles
) -> None:
    world.passed_stages(sync_seconds=139)

    with pytest.raises(ActionError, match="1 target was missed") as caught:
        world.run(on_breach="fail", report="out/report.html")

    assert caught.value.outputs["breaches"] == ["sync<=2m"]
    assert caught.value.outputs["report"] == str(world.work / "out/report.html")
    assert (world.work / "out/report.html").exists()


def test_an_unproven_rate_fails_nothing_and_a_missed_one_does(
    world: World, runner_files: RunnerFiles
) -> None:
    world.forty_runs(failed=(7, 21))
    deployment = {
        "token": TOKEN,
        "deployment_repository": DEPLOYMENT,
        "deployment_token": DEPLOYMENT_TOKEN,
        "on_breach": "fail",
    }
    world.passed_stages()
    assert world.run(**deployment).breaches == []

    with pytest.raises(ActionError) as caught:
        world.run(**deployment, targets="deploy-success>=99.9%")
    assert caught.value.detail == "- deploy success is 38/40 = 95 %, proven below its 99.9 %"


def test_all_mistakes_are_named_at_once_and_nothing_is_sent(world: World) -> None:
    with pytest.raises(InputErrors) as caught:
        world.run(
            stages='[{"name": "build"}]',
            targets="build<=soon, deploy>=1m, sync-success>=1%",
            on_breach="explode",
            window="5m",
            deployment_repository="nonsense",
            slack_webhook="hooks.slack.com/services/T/B/x",
            pushgateway="ftp://push",
            otlp_endpoint="collector:4318",
            otlp_headers="Bearer x",
            token=TOKEN,
            repository="a",
            job_status="odd",
        )

    names = [mistake.input_name for mistake in caught.value.mistakes]
    assert names.count("targets") == 3
    assert names.count("stages") == 2
    assert set(names) == {
        *("stages", "targets", "on-breach", "window", "deployment-repository", "slack-webhook"),
        *("pushgateway", "otlp-endpoint", "otlp-headers", "repository", "job-status"),
    }
    assert "hooks.slack.com" not in str(caught.value)
    assert world.asked == []


def test_tells_slack_prometheus_and_opentelemetry(
    world: World, runner_files: RunnerFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    world.own_run()
    world.passed_stages()
    with LoopbackServer(recorder := Recorder(body=b"{}")) as server:
        world.run(
            slack_webhook=f"{server.url}/services/T/B/x",
            pushgateway=server.url,
            otlp_endpoint=server.url,
            otlp_headers="Authorization=Bearer of-the-ring",
        )

    slack, push, trace = recorder.received
    assert slack.json()["text"].startswith("OK: astrago-backend: Deployed in")
    assert b"pipeline_metrics_last_run_deployed 1.0" in push.body
    assert trace.headers["authorization"] == "Bearer of-the-ring"
    assert trace.json()["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] == "RUN CI/CD"
    printed = capsys.readouterr().out
    assert not [each for each in commands_in(printed) if each.name == "warning"]
    masked = [each.data for each in commands_in(printed) if each.name == "add-mask"]
    assert "Bearer of-the-ring" in masked


def test_services_that_fail_are_warnings_and_keep_their_addresses_to_themselves(
    world: World, runner_files: RunnerFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    world.own_run()
    world.passed_stages()
    with LoopbackServer(Recorder()) as server:
        server.faults.add(Fault("status", status=500, times=None))
        webhook = f"{server.url}/services/T/B/very-secret"
        outputs = world.run(slack_webhook=webhook, pushgateway=server.url, otlp_endpoint=server.url)

    assert outputs.durations["build"] == 260
    shown = [each for each in commands_in(capsys.readouterr().out) if each.name != "add-mask"]
    titles = [each.properties["title"] for each in shown if each.name == "warning"]
    assert titles == [
        "Slack could not be reached",
        "The Pushgateway could not be reached",
        "The OTLP endpoint could not be reached",
    ]
    assert not any("very-secret" in each.data for each in shown)
    assert "very-secret" not in runner_files.summary()


def test_a_job_that_failed_is_never_told_as_a_success(
    world: World, runner_files: RunnerFiles
) -> None:
    world.passed_stages()

    world.run(job_status="failure")

    assert "### Pipeline: Failed" in runner_files.summary()


def test_a_report_that_cannot_be_written_is_a_warning(
    world: World, runner_files: RunnerFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    world.passed_stages()

    outputs = world.run(report=".")

    assert outputs.report == ""
    assert "The HTML report was not written" in capsys.readouterr().out


def test_a_broken_stage_file_is_told_and_stops_nothing(
    world: World, runner_files: RunnerFiles
) -> None:
    (world.temporary / "astrago-actions-stages.ndjson").write_text("{broken\n")

    outputs = world.run()

    assert outputs.durations == {}
    assert "The recorded stages cannot be read" in runner_files.summary()


def test_stages_of_an_earlier_attempt_are_left_out(world: World, runner_files: RunnerFiles) -> None:
    world.passed_stages()
    world.clock.sleep(3 * 3600)
    first = world.github.record_run(BACKEND, conclusion="failure", created_at=START)
    world.run_id, world.attempt = first.id, 2
    world.github.record_run(
        BACKEND,
        run_id=first.id,
        attempt=2,
        status="in_progress",
        created_at=START,
        started_at=world.clock.now() - 60,
    )
    now = world.clock.now()
    append_stages(world.temporary, [Stage("sync", now - 50, now - 10)])

    outputs = world.run(token=TOKEN)

    assert outputs.durations == {"sync": 40, "deploy": 50}
    assert "4 stages are from an earlier attempt" in runner_files.summary()
