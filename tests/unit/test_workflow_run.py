from __future__ import annotations

import json
from pathlib import Path

import pytest

from astrago_actions.workflow_run import PullRequest, WorkflowRun

SHA = "0123456789abcdef0123456789abcdef01234567"
HEAD = "89abcdef0123456789abcdef0123456789abcdef"
BASE = "fedcba9876543210fedcba9876543210fedcba98"
PUSH = {
    "GITHUB_REPOSITORY": "xiilab/astrago-backend",
    "GITHUB_SHA": SHA,
    "GITHUB_REF": "refs/heads/stabilize/1.0",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_WORKFLOW": "CI/CD",
    "GITHUB_JOB": "deploy",
    "GITHUB_ACTOR": "dev",
    "GITHUB_RUN_ID": "1234567890123",
    "GITHUB_RUN_NUMBER": "42",
    "GITHUB_RUN_ATTEMPT": "2",
}


def with_event(tmp_path: Path, event: object) -> dict[str, str]:
    """A push's variables, with this event payload."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    return {**PUSH, "GITHUB_EVENT_PATH": str(path)}


def test_a_push_is_read_from_variables_and_payload(tmp_path: Path) -> None:
    environment = with_event(tmp_path, {"before": BASE, "after": SHA}) | {
        "RUNNER_TEMP": "/tmp/job",
        "GITHUB_WORKSPACE": "/runner/checkout",
    }

    run = WorkflowRun.from_environment(environment)

    assert run == WorkflowRun(
        repository="xiilab/astrago-backend",
        sha=SHA,
        ref="refs/heads/stabilize/1.0",
        branch="stabilize/1.0",
        event_name="push",
        workflow="CI/CD",
        job="deploy",
        actor="dev",
        run_id=1234567890123,
        run_number=42,
        run_attempt=2,
        workspace=Path("/runner/checkout"),
        temporary=Path("/tmp/job"),
        before=BASE,
    )
    assert run.url == "https://github.com/xiilab/astrago-backend/actions/runs/1234567890123"
    assert run.source_commit == SHA


def test_a_pull_request_means_its_head_and_not_the_temporary_merge_commit(tmp_path: Path) -> None:
    event = {
        "number": 7,
        "pull_request": {
            "number": 7,
            "head": {"sha": HEAD, "ref": "feature/한글"},
            "base": {"sha": BASE, "ref": "stabilize/1.0"},
        },
    }

    run = WorkflowRun.from_environment(
        with_event(tmp_path, event) | {"GITHUB_REF": "refs/pull/7/merge"}
    )

    assert run.pull_request == PullRequest(7, HEAD, "feature/한글", BASE, "stabilize/1.0")
    assert run.branch == "feature/한글"
    assert run.source_commit == HEAD


def test_a_merge_queue_group_builds_on_its_base(tmp_path: Path) -> None:
    run = WorkflowRun.from_environment(
        with_event(tmp_path, {"merge_group": {"base_sha": BASE, "head_sha": SHA}})
    )

    assert run.before == BASE


@pytest.mark.parametrize(
    ("ref", "branch"),
    [
        ("refs/heads/stabilize/1.0", "stabilize/1.0"),
        ("refs/tags/v1.0", "v1.0"),
        ("refs/heads/refs/tags", "refs/tags"),
        ("", ""),
    ],
)
def test_branch_is_the_name_of_the_pushed_branch_or_tag(ref: str, branch: str) -> None:
    assert WorkflowRun.from_environment({"GITHUB_REF": ref}).branch == branch


def test_outside_a_runner_nothing_is_known_and_github_is_the_public_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    run = WorkflowRun.from_environment({})

    assert run == WorkflowRun(workspace=tmp_path)
    assert run.url == ""
    assert run.api_url == "https://api.github.com"
    assert run.temporary is None


def test_an_enterprise_server_is_taken_from_the_runner() -> None:
    run = WorkflowRun.from_environment(
        PUSH
        | {
            "GITHUB_SERVER_URL": "https://git.example.com",
            "GITHUB_API_URL": "https://git.example.com/api/v3/",
        }
    )

    assert run.api_url == "https://git.example.com/api/v3"
    assert run.url.startswith("https://git.example.com/xiilab/astrago-backend/")


@pytest.mark.parametrize(
    ("api", "server"),
    [
        ("https://git.example.com/api/v3", "https://git.example.com"),
        ("https://api.xiilab.ghe.com", "https://xiilab.ghe.com"),
        ("https://api.github.com", "https://github.com"),
    ],
)
def test_a_shell_that_names_the_api_alone_has_its_server(api: str, server: str) -> None:
    assert WorkflowRun.from_environment({"GITHUB_API_URL": api}).server_url == server


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', '{"pull_request": "x"}'])
def test_a_payload_that_says_nothing_is_no_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(text, encoding="utf-8")

    run = WorkflowRun.from_environment({"GITHUB_EVENT_PATH": str(path)})

    assert (run.before, run.pull_request) == ("", None)


def test_a_payload_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    run = WorkflowRun.from_environment({"GITHUB_EVENT_PATH": str(tmp_path / "none")})

    assert run.before == ""


def test_numbers_that_are_none_count_as_zero() -> None:
    environment = {"GITHUB_RUN_ID": "x", "GITHUB_RUN_NUMBER": "²", "GITHUB_RUN_ATTEMPT": ""}

    run = WorkflowRun.from_environment(environment)

    assert (run.run_id, run.run_number, run.run_attempt) == (0, 0, 1)
