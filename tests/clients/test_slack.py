"""The Slack message: what it says, Block Kit's limits, and what it must never say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from astrago_actions.clients import slack
from astrago_actions.domain.pipeline_report import PipelineReport
from astrago_actions.domain.stage_times import DEPLOYED
from astrago_actions.domain.stages import Stage
from astrago_actions.errors import ActionError
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.server import LoopbackServer
from tests.clients.recorder import Recorder
from tests.manual_clock import ManualClock
from tests.unit.pipeline_reports import HOSTILE_REPORTS, NOW, PASSED, report_of


def blocks_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    (attachment,) = message["attachments"]
    blocks: list[dict[str, Any]] = attachment["blocks"]
    return blocks


def test_says_first_how_it_ended_and_how_long_it_took() -> None:
    message = slack.message(report_of(PASSED))

    assert message["text"].startswith("OK: astrago-backend → stage: Deployed in 6m 33s of 10m")
    assert message["attachments"][0]["color"] == "#1a7f37"
    first, fields, origin = blocks_of(message)
    assert first["text"]["text"] == f"*{message['text']}*"
    assert "*build*  4m 20s of 5m\nwithin budget" in [each["text"] for each in fields["fields"]]
    assert origin["elements"][0]["text"] == (
        "xiilab/astrago-backend · stabilize/1.0 · 45eac704 · developer · "
        "<https://github.com/xiilab/astrago-backend/actions/runs/4711|run 42>"
    )


def test_names_each_broken_budget() -> None:
    message = slack.message(report_of((*PASSED[:3], Stage("sync", NOW - 227, NOW - 88))))

    assert blocks_of(message)[1]["text"]["text"] == "• sync took 2m 19s, 19 s over its 2m"
    assert message["attachments"][0]["color"] == "#bf8700"


@pytest.mark.parametrize(
    ("stages", "job_status"),
    [
        ((), "success"),
        (PASSED[:1], "success"),
        (PASSED[:2], "success"),
        (PASSED[:3], "success"),
        (PASSED, "failure"),
        (PASSED, "cancelled"),
        ((*PASSED[:3], Stage("sync", NOW, NOW, "skipped")), "success"),
        ((*PASSED[:3], Stage("sync", NOW, NOW, "cancelled")), "success"),
        ((*PASSED[:3], Stage("sync", NOW, NOW, "failure")), "success"),
        ((Stage("build", NOW, NOW, "skipped"),), "success"),
    ],
)
def test_never_says_success_for_a_deploy_that_did_not_happen(
    stages: tuple[Stage, ...], job_status: str
) -> None:
    message = slack.message(report_of(stages, job_status=job_status))

    assert "OK" not in message["text"]
    assert ": Deployed" not in message["text"]
    assert "success" not in json.dumps(message).lower()
    assert message["attachments"][0]["color"] != "#1a7f37"


def test_escapes_what_slack_would_take_for_a_mention_or_a_link() -> None:
    text = json.dumps(
        slack.message(report_of((Stage("<!channel> & <@U1|x>", NOW - 9, NOW),))),
        ensure_ascii=False,
    )

    assert "&lt;!channel&gt; &amp; &lt;@U1|x&gt;" in text
    assert "<!channel>" not in text


def test_posts_utf8_json_to_the_webhook() -> None:
    with LoopbackServer(recorder := Recorder()) as server:
        slack.send(Secret(f"{server.url}/services/T/B/x"), report_of(PASSED), ManualClock())

    (request,) = recorder.received
    assert (request.method, request.path) == ("POST", "/services/T/B/x")
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.json() == slack.message(report_of(PASSED))
    assert "→".encode() in request.body


def test_an_answer_that_is_not_ok_is_an_error_although_its_status_is_200() -> None:
    with (
        LoopbackServer(Recorder(body=b'{"ok":false,"error":"invalid_auth"}')) as server,
        pytest.raises(ActionError, match="Slack did not take the message") as caught,
    ):
        slack.send(Secret(server.url), report_of(PASSED), ManualClock())

    assert "invalid_auth" in caught.value.detail


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(HOSTILE_REPORTS)
def test_any_report_fits_the_limits_of_block_kit(report: PipelineReport) -> None:
    message = slack.message(report)
    blocks = blocks_of(message)

    assert len(message["text"]) <= 3000
    assert len(blocks) <= 50
    for block in blocks:
        assert len(block.get("fields", ())) <= 10
        assert len(block.get("elements", ())) <= 10
        assert all(1 <= len(each["text"]) <= 2000 for each in block.get("fields", ()))
        assert all(1 <= len(each["text"]) <= 3000 for each in block.get("elements", ()))
        if "text" in block:
            assert 1 <= len(block["text"]["text"]) <= 3000
    if report.measured.outcome.state != DEPLOYED:
        assert not message["text"].startswith("OK")
    assert "<!channel>" not in json.dumps(message)
